//! Key generation without a dealer.

use crate::{
    frost::member,
    randomness::{Scripted, seeded},
    vectors,
};
use guardian_crypto::{
    Error,
    frost::{
        KeyShare, PublicShares,
        dkg::{Round1, Round1Package, Round2, Round2Package},
        signing::{SigningPackage, aggregate, commit, sign},
    },
    member::MemberId,
};
use std::collections::{BTreeMap, BTreeSet};

type Finished = BTreeMap<MemberId, (KeyShare, PublicShares)>;

fn members(numbers: &[u16]) -> BTreeSet<MemberId> {
    numbers.iter().map(|number| member(*number)).collect()
}

fn all_but<T: Clone>(me: MemberId, messages: &BTreeMap<MemberId, T>) -> BTreeMap<MemberId, T> {
    messages.iter().filter(|(sender, _)| **sender != me).map(|(sender, message)| (*sender, message.clone())).collect()
}

fn begin(
    members: &BTreeSet<MemberId>,
    threshold: u16,
) -> (BTreeMap<MemberId, Round1>, BTreeMap<MemberId, Round1Package>) {
    let mut states = BTreeMap::new();
    let mut packages = BTreeMap::new();
    for me in members {
        let (state, package) = Round1::begin(*me, members, threshold, &mut seeded(u64::from(me.get()))).unwrap();
        states.insert(*me, state);
        packages.insert(*me, package);
    }
    (states, packages)
}

/// All states after the first packages, and the second packages by recipient and sender.
fn exchange(
    states: BTreeMap<MemberId, Round1>,
    packages: &BTreeMap<MemberId, Round1Package>,
) -> (BTreeMap<MemberId, Round2>, BTreeMap<MemberId, BTreeMap<MemberId, Round2Package>>) {
    let mut next = BTreeMap::new();
    let mut inboxes: BTreeMap<MemberId, BTreeMap<MemberId, Round2Package>> = BTreeMap::new();
    for (me, state) in states {
        let (state, outgoing) = state.receive(&all_but(me, packages)).unwrap();
        next.insert(me, state);
        for (recipient, package) in outgoing {
            inboxes.entry(recipient).or_default().insert(me, package);
        }
    }
    (next, inboxes)
}

fn generate(numbers: &[u16], threshold: u16) -> Finished {
    let (states, packages) = begin(&members(numbers), threshold);
    let (states, inboxes) = exchange(states, &packages);
    states.into_iter().map(|(me, state)| (me, state.finish(&inboxes[&me]).unwrap())).collect()
}

#[test]
fn members_with_any_numbers_make_one_key_and_sign_with_it() {
    for (numbers, threshold) in [(&[1, 2][..], 2), (&[1, 2, 3], 2), (&[2, 5, 9, 400, 65535], 4)] {
        let finished = generate(numbers, threshold);
        let (_, public) = &finished[&member(numbers[0])];
        for (me, (share, theirs)) in &finished {
            assert_eq!(theirs, public);
            assert_eq!(share.member(), *me);
            share.belongs_to(public).unwrap();
        }
        let signers: Vec<&KeyShare> =
            finished.values().map(|(share, _)| share).rev().take(usize::from(threshold)).collect();
        let mut rng = seeded(1);
        let (mut nonces, mut commitments) = (BTreeMap::new(), BTreeMap::new());
        for share in &signers {
            let (nonce, commitment) = commit(share, &mut rng).unwrap();
            nonces.insert(share.member(), nonce);
            commitments.insert(share.member(), commitment);
        }
        let package = SigningPackage::new([9; 32], &commitments).unwrap();
        let shares = signers
            .iter()
            .map(|share| (share.member(), sign(nonces.remove(&share.member()).unwrap(), &package, share).unwrap()))
            .collect();
        let signature = aggregate(&package, &shares, public).unwrap();
        assert_eq!(public.group_key().verify(&[9; 32], &signature), Ok(()));
    }
}

#[test]
fn the_published_vectors_are_reproduced() {
    let Some(file) = vectors::shared("frost/vectors_dkg.json") else { return };
    let inputs = &file["inputs"];
    let all = members(&[1, 2, 3]);
    let published = |sender: MemberId| {
        let input = &inputs[sender.to_string()];
        let mut bytes: Vec<u8> = input["vss_commitments"].as_array().unwrap().iter().flat_map(vectors::bytes).collect();
        bytes.extend(vectors::bytes(&input["proof_of_knowledge"]));
        Round1Package::from_bytes(&bytes).unwrap()
    };
    for me in &all {
        let input = &inputs[me.to_string()];
        let draws = [vectors::bytes(&input["signing_key"]), vectors::bytes(&input["coefficient"]), vec![1; 32]];
        let draws: Vec<&[u8]> = draws.iter().map(Vec::as_slice).collect();
        let (state, package) = Round1::begin(*me, &all, 2, &mut Scripted::new(&draws)).unwrap();
        // The proof's nonce is not published, so only the commitments can be equal.
        assert_eq!(package.to_bytes()[..66], published(*me).to_bytes()[..66]);
        let others = || all.iter().copied().filter(|other| other != me);
        let (state, outgoing) = state.receive(&others().map(|other| (other, published(other))).collect()).unwrap();
        for (recipient, package) in &outgoing {
            let theirs = vectors::bytes(&inputs[recipient.to_string()]["signing_shares"][me.to_string()]);
            assert_eq!(*package.to_secret_bytes().expose(), theirs, "from {me} to {recipient}");
        }
        let inbox = others()
            .map(|other| {
                let bytes = vectors::bytes(&input["signing_shares"][other.to_string()]);
                (other, Round2Package::from_secret_bytes(&bytes).unwrap())
            })
            .collect();
        let (share, public) = state.finish(&inbox).unwrap();
        assert_eq!(public.group_key().to_bytes().to_vec(), vectors::bytes(&inputs["verifying_key"]));
        assert_eq!(share.verifying_share().to_vec(), vectors::bytes(&input["verifying_share"]));
        assert_eq!(share.to_secret_bytes().expose()[38..], vectors::bytes(&input["signing_share"]));
    }
}

#[test]
fn whoever_proves_nothing_is_named() {
    let all = members(&[1, 2, 3]);
    let (mut states, mut packages) = begin(&all, 2);
    // Member 3 repeats what member 2 said: its proof is about another number.
    packages.insert(member(3), packages[&member(2)].clone());
    let error = states.remove(&member(1)).unwrap().receive(&all_but(member(1), &packages)).unwrap_err();
    assert_eq!(error.culprits(), [member(3)]);
    let mut changed = packages[&member(2)].to_bytes();
    *changed.last_mut().unwrap() ^= 1;
    packages.insert(member(2), Round1Package::from_bytes(&changed).unwrap());
    let error = states.remove(&member(3)).unwrap().receive(&all_but(member(3), &packages)).unwrap_err();
    assert_eq!(error.culprits(), [member(2)]);
}

#[test]
fn whoever_commits_to_another_threshold_is_named() {
    let all = members(&[1, 2, 3]);
    let (mut states, mut packages) = begin(&all, 2);
    let (_, raised) = Round1::begin(member(2), &all, 3, &mut seeded(9)).unwrap();
    packages.insert(member(2), raised);
    let error = states.remove(&member(1)).unwrap().receive(&all_but(member(1), &packages)).unwrap_err();
    assert_eq!(error.culprits(), [member(2)]);
}

#[test]
fn whoever_sends_a_wrong_share_is_named() {
    let (states, packages) = begin(&members(&[1, 2, 3]), 2);
    let (mut states, mut inboxes) = exchange(states, &packages);
    let mut inbox = inboxes.remove(&member(1)).unwrap();
    inbox.insert(member(3), Round2Package::from_secret_bytes(&[1; 32]).unwrap());
    let error = states.remove(&member(1)).unwrap().finish(&inbox).unwrap_err();
    assert_eq!(error.culprits(), [member(3)]);
}

#[test]
fn packages_must_come_from_exactly_the_others() {
    let all = members(&[1, 2, 3]);
    let receive = |change: &dyn Fn(&mut BTreeMap<MemberId, Round1Package>)| {
        let (mut states, packages) = begin(&all, 2);
        let mut inbox = all_but(member(1), &packages);
        change(&mut inbox);
        states.remove(&member(1)).unwrap().receive(&inbox).map(|_| ()).unwrap_err()
    };
    let (_, packages) = begin(&all, 2);
    let one = packages[&member(2)].clone();
    assert_eq!(receive(&|inbox| drop(inbox.remove(&member(2)))), Error::MissingFrom(member(2)));
    assert_eq!(receive(&BTreeMap::clear), Error::MissingFrom(member(2)));
    for stranger in [1, 4] {
        let error = receive(&|inbox| drop(inbox.insert(member(stranger), one.clone())));
        assert_eq!(error, Error::UnknownMember(member(stranger)));
    }
    let (states, packages) = begin(&all, 2);
    let (mut states, mut inboxes) = exchange(states, &packages);
    let mut inbox = inboxes.remove(&member(1)).unwrap();
    inbox.remove(&member(3));
    assert_eq!(states.remove(&member(1)).unwrap().finish(&inbox).unwrap_err(), Error::MissingFrom(member(3)));
}

#[test]
fn begins_only_with_a_majority_that_includes_oneself() {
    let begin =
        |me, all: &BTreeSet<_>, threshold| Round1::begin(me, all, threshold, &mut seeded(1)).map(|_| ()).unwrap_err();
    let all = members(&[1, 2, 3, 4]);
    assert_eq!(begin(member(5), &all, 3), Error::UnknownMember(member(5)));
    for threshold in [0, 1, 2, 5] {
        assert_eq!(begin(member(1), &all, threshold), Error::Threshold { threshold, members: 4 });
    }
    assert_eq!(begin(member(1), &members(&[1]), 1), Error::Threshold { threshold: 1, members: 1 });
}

#[test]
fn a_first_package_has_one_encoding() {
    let (_, packages) = begin(&members(&[1, 2, 3]), 2);
    let bytes = packages[&member(1)].to_bytes();
    assert_eq!(bytes.len(), 2 * 33 + 65);
    assert_eq!(Round1Package::from_bytes(&bytes).unwrap().to_bytes(), bytes);
    for length in 0..bytes.len() {
        assert!(Round1Package::from_bytes(&bytes[..length]).is_err(), "length {length}");
    }
    assert!(Round1Package::from_bytes(&[bytes.clone(), vec![0]].concat()).is_err());
    for point in 0..3 {
        let mut compact = bytes.clone();
        compact[point * 33] = 5;
        assert!(Round1Package::from_bytes(&compact).is_err(), "point {point}");
    }
    for length in [0, 31, 33] {
        assert!(Round2Package::from_secret_bytes(&vec![1; length]).is_err());
    }
    assert!(Round2Package::from_secret_bytes(&[0xff; 32]).is_err());
}
