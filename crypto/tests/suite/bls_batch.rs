//! Many exits at once: what one liar or a hundred can do to them, which is nothing but be named.

use crate::{
    bls::{partials, root},
    frost::member,
    randomness::seeded,
};
use bls12_381::{G2Affine, G2Projective, Scalar};
use guardian_crypto::{
    Error,
    bls::{
        BlsSignature, ExitShare, PartialSignature, SecretKey, ShareCommitments, VerifiedPartial,
        batch::{Checked, Exit, check, partial_exits},
        dealer::split,
        import::{ImportError, RawShare, import_all},
        partial_exit,
    },
    member::MemberId,
};
use proptest::prelude::*;
use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroUsize,
};

type Verified = BTreeMap<MemberId, VerifiedPartial>;
type Fresh = BTreeMap<MemberId, PartialSignature>;

const ONE: NonZeroUsize = NonZeroUsize::MIN;

/// Validators' keys shared among `n`, and what each exit's parts are.
struct Table {
    keys: Vec<SecretKey>,
    splits: Vec<(Vec<ExitShare>, ShareCommitments)>,
}

impl Table {
    fn new(validators: u64, n: u16, t: u16) -> Self {
        let mut rng = seeded(validators);
        let keys: Vec<SecretKey> = (0..validators).map(|index| SecretKey::interop(index).unwrap()).collect();
        let splits = keys.iter().map(|key| split(key, n, t, &mut rng).unwrap()).collect();
        Self { keys, splits }
    }

    /// The right partials of members in `who` (their places), one map for each validator.
    fn fresh(&self, who: std::ops::Range<usize>) -> Vec<Fresh> {
        self.verified(who)
            .into_iter()
            .map(|of| of.into_iter().map(|(m, partial)| (m, partial.signature())).collect())
            .collect()
    }

    fn verified(&self, who: std::ops::Range<usize>) -> Vec<Verified> {
        (0..).zip(&self.splits).map(|(index, (shares, _))| partials(&shares[who.clone()], &root(index))).collect()
    }

    fn check(&self, verified: &[Verified], fresh: &[Fresh], workers: usize) -> Vec<Checked> {
        let exits: Vec<Exit<'_>> = (0..)
            .zip(&self.splits)
            .zip(verified.iter().zip(fresh))
            .map(|((index, (_, commitments)), (verified, fresh))| Exit {
                commitments,
                root: root(index),
                verified,
                fresh,
            })
            .collect();
        check(&exits, NonZeroUsize::new(workers).unwrap(), &mut seeded(1))
    }

    fn signature(&self, index: usize) -> BlsSignature {
        self.keys[index].sign(root(index as u64).as_bytes())
    }

    fn none<T: Default + Clone>(&self) -> Vec<T> {
        vec![T::default(); self.keys.len()]
    }
}

fn point(partial: &PartialSignature) -> G2Projective {
    G2Affine::from_compressed(&partial.to_bytes()).unwrap().into()
}

fn partial(point: G2Projective) -> PartialSignature {
    PartialSignature::from_bytes(&G2Affine::from(point).to_compressed()).unwrap()
}

/// On the curve, in no way of the subgroup, and nevertheless without effect on most pairings: a point of the cofactor's part.
fn outside() -> G2Projective {
    let order_minus_one = -Scalar::one();
    (0u8..)
        .find_map(|x| {
            let mut bytes = [0; 96];
            (bytes[0], bytes[95]) = (0x80, x);
            let on_curve = Option::<G2Affine>::from(G2Affine::from_compressed_unchecked(&bytes))?;
            let times_order = G2Projective::from(on_curve) * order_minus_one + on_curve;
            (!bool::from(on_curve.is_torsion_free())).then_some(times_order)
        })
        .unwrap()
}

#[test]
fn exits_with_enough_partials_are_completed_and_others_are_not() {
    let table = Table::new(5, 4, 3);
    let mut fresh = table.fresh(1..3);
    fresh[2].clear();
    fresh[3].remove(&member(2));
    for workers in [1, 2, 9] {
        let checked = table.check(&table.verified(0..1), &fresh, workers);
        let complete: Vec<bool> = checked.iter().map(|exit| exit.signature.is_some()).collect();
        assert_eq!(complete, [true, true, false, false, true]);
        for (index, exit) in checked.iter().enumerate() {
            assert!(exit.wrong.is_empty());
            assert!(exit.verified.keys().eq(fresh[index].keys()));
            assert!(exit.signature.is_none_or(|signature| signature == table.signature(index)));
        }
    }
}

#[test]
fn partials_that_count_already_are_enough() {
    let table = Table::new(3, 5, 3);
    let checked = table.check(&table.verified(1..4), &table.none(), 2);
    for (index, exit) in checked.iter().enumerate() {
        assert_eq!(exit.signature, Some(table.signature(index)));
        assert!(exit.verified.is_empty());
    }
}

#[test]
fn nothing_to_do_is_done() {
    assert_eq!(check(&[], ONE, &mut seeded(1)), []);
    assert_eq!(partial_exits(&[], ONE), []);
    let table = Table::new(2, 3, 2);
    assert_eq!(table.check(&table.none(), &table.none(), 3), [Checked::default(), Checked::default()]);
}

#[test]
fn many_shares_sign_as_one_by_one() {
    let table = Table::new(7, 3, 2);
    let exits: Vec<_> = (0..).zip(&table.splits).map(|(index, (shares, _))| (&shares[1], root(index))).collect();
    let one_by_one: Vec<_> = exits.iter().map(|(share, root)| partial_exit(share, root)).collect();
    assert_eq!(partial_exits(&exits, NonZeroUsize::new(3).unwrap()), one_by_one);
}

/// The ways in which a partial can be wrong.
fn spoil(table: &Table, index: usize, who: usize, kind: u8, right: &PartialSignature) -> PartialSignature {
    let share = &table.splits[index].0[who];
    let other = (index + 1) % table.keys.len();
    match kind {
        0 => partial_exit(share, &root(1_000)).signature(),
        1 => partial_exit(&table.splits[other].0[who], &root(index as u64)).signature(),
        2 => partial_exit(&table.splits[index].0[(who + 1) % 5], &root(index as u64)).signature(),
        3 => partial(-point(right)),
        4 => partial(point(right) + G2Affine::generator()),
        5 => partial(point(right) + outside()),
        6 => partial(G2Projective::identity()),
        _ => PartialSignature::from_bytes(&[kind; 96]).unwrap(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn exactly_those_who_are_wrong_are_named_and_the_others_count(
        lies in prop::collection::btree_map((0usize..70, 0usize..5), 0u8..9, 0..25),
        liar in prop::option::of(0usize..5), workers in 1usize..4,
    ) {
        let table = Table::new(70, 5, 3);
        let mut fresh = table.fresh(0..5);
        let mut expected: Vec<BTreeSet<MemberId>> = table.none();
        let always = (0..70).flat_map(|index| liar.map(|liar| ((index, liar), 0)));
        for ((index, who), kind) in lies.into_iter().chain(always) {
            let name = table.splits[index].0[who].member();
            let right = fresh[index][&name];
            if expected[index].insert(name) {
                fresh[index].insert(name, spoil(&table, index, who, kind, &right));
            }
        }
        let checked = table.check(&table.none(), &fresh, workers);
        for (index, exit) in checked.into_iter().enumerate() {
            prop_assert_eq!(&exit.wrong, &expected[index]);
            let right: BTreeSet<MemberId> = exit.verified.keys().copied().collect();
            prop_assert!(MemberId::first(5).all(|it| right.contains(&it) != exit.wrong.contains(&it)));
            let signature = (right.len() >= 3).then(|| table.signature(index));
            prop_assert_eq!(exit.signature, signature);
        }
    }
}

#[test]
fn errors_that_cancel_out_are_noticed() {
    let table = Table::new(2, 3, 2);
    let mut fresh = table.fresh(0..2);
    let error: G2Projective = G2Affine::generator().into();
    // Their plain sum is right.
    let (first, second) = (fresh[0][&member(1)], fresh[0][&member(2)]);
    fresh[0] =
        BTreeMap::from([(member(1), partial(point(&first) + error)), (member(2), partial(point(&second) - error))]);
    // Here even what they combine to is right: Lagrange's coefficients of members 1 and 2 are 2 and -1.
    let (first, second) = (fresh[1][&member(1)], fresh[1][&member(2)]);
    fresh[1] = BTreeMap::from([
        (member(1), partial(point(&first) + error)),
        (member(2), partial(point(&second) + error + error)),
    ]);
    for exit in table.check(&table.none(), &fresh, 1) {
        assert!(exit.wrong.iter().copied().eq(MemberId::first(2)));
        assert_eq!(exit.signature, None);
    }
    // And here nothing is combined: two of three that are needed.
    let table = Table::new(1, 4, 3);
    let mut fresh = table.fresh(0..2);
    let (first, second) = (fresh[0][&member(1)], fresh[0][&member(2)]);
    fresh[0] =
        BTreeMap::from([(member(1), partial(point(&first) + error)), (member(2), partial(point(&second) - error))]);
    let checked = table.check(&table.none(), &fresh, 1);
    assert!(checked[0].wrong.iter().copied().eq(MemberId::first(2)));
}

#[test]
fn errors_that_cancel_out_across_exits_are_noticed() {
    let table = Table::new(2, 3, 2);
    let mut fresh = table.fresh(0..2);
    let error: G2Projective = G2Affine::generator().into();
    let (first, second) = (fresh[0][&member(1)], fresh[1][&member(1)]);
    fresh[0].insert(member(1), partial(point(&first) + error));
    fresh[1].insert(member(1), partial(point(&second) - error));
    for exit in table.check(&table.none(), &fresh, 2) {
        assert!(exit.wrong.into_iter().eq([member(1)]));
    }
}

#[test]
fn who_was_wrong_does_not_keep_the_others_from_completing() {
    let table = Table::new(3, 4, 3);
    let mut fresh = table.fresh(1..4);
    for of_exit in &mut fresh {
        of_exit.insert(member(2), PartialSignature::from_bytes(&[1; 96]).unwrap());
    }
    for (index, exit) in table.check(&table.verified(0..1), &fresh, 1).into_iter().enumerate() {
        assert!(exit.wrong.into_iter().eq([member(2)]));
        assert_eq!(exit.signature, Some(table.signature(index)));
    }
}

#[test]
fn nobody_has_a_share_that_a_dealer_made_zero() {
    // A_0 + 1 * A_1 is the identity if A_1 = -A_0: member 1 can't be right, member 2 can.
    let key = SecretKey::interop(1).unwrap();
    let a = key.public_key().to_bytes();
    let mut negated = a;
    negated[0] ^= 0x20;
    let commitments = ShareCommitments::from_bytes(&[a, negated].concat()).unwrap();
    let minus_key =
        SecretKey::from_bytes(&(-scalar(&key)).to_bytes().iter().rev().copied().collect::<Vec<_>>()).unwrap();
    let right = ExitShare::import(member(2), minus_key.to_secret_bytes().expose(), &commitments).unwrap();
    let right = partial_exit(&right, &root(0)).signature();
    let (verified, fresh) = (Verified::new(), BTreeMap::from([(member(1), right), (member(2), right)]));
    let exit = Exit { commitments: &commitments, root: root(0), verified: &verified, fresh: &fresh };
    let checked = check(&[exit], ONE, &mut seeded(1)).pop().unwrap();
    assert!(checked.wrong.into_iter().eq([member(1)]));
    assert!(checked.verified.into_keys().eq([member(2)]));
}

fn scalar(key: &SecretKey) -> Scalar {
    let mut bytes = *key.to_secret_bytes().expose();
    bytes.reverse();
    Scalar::from_bytes(&bytes).unwrap()
}

/// A share and its commitments as they lie in a file.
type Stored = ([u8; 32], Vec<u8>);

/// Those of one member.
fn raw(table: &Table, who: usize) -> Vec<Stored> {
    let share = |(shares, commitments): &(Vec<ExitShare>, ShareCommitments)| {
        (*shares[who].to_secret_bytes().expose(), commitments.to_bytes())
    };
    table.splits.iter().map(share).collect()
}

fn import(raw: &[Stored], workers: usize) -> Result<Vec<(ExitShare, ShareCommitments)>, ImportError> {
    let shares: Vec<RawShare<'_>> = raw.iter().map(|(share, commitments)| RawShare { share, commitments }).collect();
    import_all(member(3), &shares, NonZeroUsize::new(workers).unwrap())
}

#[test]
fn all_shares_of_one_member_are_imported() {
    let table = Table::new(9, 4, 3);
    for workers in [1, 2, 20] {
        let imported = import(&raw(&table, 2), workers).unwrap();
        assert_eq!(imported.len(), 9);
        for ((share, commitments), (_, expected)) in imported.iter().zip(&table.splits) {
            assert_eq!((share.member(), commitments), (member(3), expected));
        }
    }
    assert!(import(&[], 1).unwrap().is_empty());
    // Of another member, not even the first.
    assert_eq!(import(&raw(&table, 1), 1).unwrap_err(), ImportError { entry: 0, error: Error::ShareMismatch });
}

#[test]
fn where_one_share_is_enough_it_is_each_members() {
    let table = Table::new(2, 3, 1);
    for who in 0..3 {
        assert_eq!(import(&raw(&table, who), 1).unwrap()[1].0.member(), member(3));
    }
}

#[test]
fn one_bad_share_and_none_is_imported() {
    let table = Table::new(9, 4, 3);
    let good = raw(&table, 2);
    let refused = |change: &dyn Fn(&mut Vec<Stored>)| {
        let mut changed = good.clone();
        change(&mut changed);
        import(&changed, 2).map(|_| ()).unwrap_err()
    };
    let another = raw(&table, 1)[4].clone();
    assert_eq!(refused(&|raw| raw[4] = another.clone()), ImportError { entry: 4, error: Error::ShareMismatch });
    assert_eq!(refused(&|raw| raw[0].0[31] ^= 1), ImportError { entry: 0, error: Error::ShareMismatch });
    type Change = fn(&mut Vec<Stored>);
    let changes: [(Change, usize); 5] = [
        (|raw| raw[5].0 = [0; 32], 5),
        (|raw| raw[6].0 = [0xff; 32], 6),
        (|raw| raw[7].1.truncate(143), 7),
        (|raw| raw[8].1.clear(), 8),
        (|raw| raw[8] = raw[3].clone(), 8),
    ];
    for (change, entry) in changes {
        let error = refused(&change);
        assert_eq!(error.entry, entry);
        assert!(matches!(error.error, Error::Malformed { .. }), "{error}");
    }
}
