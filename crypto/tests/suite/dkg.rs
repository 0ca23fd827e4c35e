//! Key generation without a dealer.

use crate::{
    frost::{member, members, sign_together},
    randomness::{Scripted, seeded},
    vectors,
};
use guardian_crypto::{
    Error,
    frost::{
        KeyShare, PublicShares,
        dkg::{self, Round1, Round1Package, Round2, Round2Package},
    },
    member::MemberId,
    secret::Secret,
};
use std::collections::{BTreeMap, BTreeSet};

/// Shares by dealer.
type Received = BTreeMap<MemberId, [u8; 32]>;
type Finished = BTreeMap<MemberId, (KeyShare, PublicShares)>;

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
        let signature = sign_together(&signers, [9; 32], public).unwrap();
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
        assert_eq!(dkg::check(*me, 2, &published(*me)), Ok(()));
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
    assert!(Round2Package::from_secret_bytes(&[0; 32]).is_err());
}

#[test]
fn the_same_draws_make_the_same_packages() {
    let all = members(&[1, 2, 3]);
    let made = |seed: u64| {
        let (state, package) = Round1::begin(member(1), &all, 2, &mut seeded(seed)).unwrap();
        let (_, others) = begin(&all, 2);
        let (state, outgoing) = state.receive(&all_but(member(1), &others)).unwrap();
        let mut secrets: Vec<Vec<u8>> =
            outgoing.values().map(|package| package.to_secret_bytes().expose().clone()).collect();
        secrets.push(state.own_package().unwrap().to_secret_bytes().expose().clone());
        (package.to_bytes(), secrets)
    };
    assert_eq!(made(7), made(7));
    assert_ne!(made(7).0, made(8).0);
}

#[test]
fn a_first_package_is_judged_by_itself_as_among_all() {
    let all = members(&[1, 2, 3]);
    let (_, packages) = begin(&all, 2);
    let judged_among_all = |package: &Round1Package| {
        let (mut states, mut packages) = begin(&all, 2);
        packages.insert(member(2), package.clone());
        states.remove(&member(1)).unwrap().receive(&all_but(member(1), &packages)).map(|_| ())
    };
    let bytes = packages[&member(2)].to_bytes();
    assert_eq!(dkg::check(member(2), 2, &packages[&member(2)]), Ok(()));
    let mut judged = 0;
    for bit in (0..bytes.len() * 8).step_by(5) {
        let mut changed = bytes.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let Ok(package) = Round1Package::from_bytes(&changed) else { continue };
        let among_all = judged_among_all(&package);
        assert_eq!(dkg::check(member(2), 2, &package), among_all, "bit {bit}");
        // The proof is about the constant term; a changed second commitment is for the shares to show.
        assert_eq!(among_all.is_err(), !(33 * 8..66 * 8).contains(&bit), "bit {bit}");
        judged += 1;
    }
    assert!(judged > 50, "{judged}");
}

#[test]
fn a_first_package_is_of_one_dealer_and_one_threshold() {
    let all = members(&[1, 2, 3]);
    let (_, packages) = begin(&all, 2);
    let package = &packages[&member(2)];
    for other in [1, 3, 400] {
        assert_eq!(dkg::check(member(other), 2, package).unwrap_err().culprits(), [member(other)]);
    }
    for threshold in [0, 1, 3, u16::MAX] {
        let error = dkg::check(member(2), threshold, package).unwrap_err();
        assert_eq!(error.culprits(), [member(2)]);
        assert!(error.to_string().contains("another threshold"));
    }
}

#[test]
fn a_share_is_of_one_package_for_one_member() {
    let (states, packages) = begin(&members(&[1, 2, 3]), 2);
    let (states, inboxes) = exchange(states, &packages);
    let share: [u8; 32] = inboxes[&member(1)][&member(3)].to_secret_bytes().expose()[..].try_into().unwrap();
    let check = |from, to, share: &[u8; 32]| dkg::check_share(&packages[&member(from)], member(to), share);
    assert_eq!(check(3, 1, &share), Ok(()));
    assert_eq!(check(2, 1, &share), Err(Error::ShareMismatch));
    assert_eq!(check(3, 2, &share), Err(Error::ShareMismatch));
    for bit in 0..256 {
        let mut changed = share;
        changed[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(check(3, 1, &changed), Err(Error::ShareMismatch), "bit {bit}");
    }
    for wrong in [[0; 32], [0xff; 32]] {
        assert_eq!(check(3, 1, &wrong), Err(Error::ShareMismatch));
    }
    let own = states[&member(3)].own_package().unwrap();
    assert_eq!(check(3, 3, own.to_secret_bytes().expose()[..].try_into().unwrap()), Ok(()));
}

#[test]
fn whoever_watches_computes_the_same_public_shares() {
    let all = members(&[2, 5, 9]);
    let (_, packages) = begin(&all, 2);
    let finished = generate(&[2, 5, 9], 2);
    assert_eq!(dkg::public_shares(&all, &packages).unwrap(), finished[&member(2)].1);
    let watch = |change: &dyn Fn(&mut BTreeMap<MemberId, Round1Package>)| {
        let mut packages = packages.clone();
        change(&mut packages);
        dkg::public_shares(&all, &packages).unwrap_err()
    };
    let one = packages[&member(2)].clone();
    assert_eq!(watch(&|packages| drop(packages.remove(&member(5)))), Error::MissingFrom(member(5)));
    assert_eq!(watch(&|packages| drop(packages.insert(member(1), one.clone()))), Error::UnknownMember(member(1)));
    let (_, raised) = Round1::begin(member(5), &all, 3, &mut seeded(1)).unwrap();
    assert_eq!(watch(&|packages| drop(packages.insert(member(5), raised.clone()))), Error::ShareMismatch);
}

#[test]
fn a_share_is_made_again_of_what_everybody_sent() {
    let all = members(&[1, 2, 3]);
    let (states, packages) = begin(&all, 2);
    let (states, mut inboxes) = exchange(states, &packages);
    let mut received = Received::new();
    let mut inbox = inboxes.remove(&member(2)).unwrap();
    inbox.insert(member(2), states[&member(2)].own_package().unwrap());
    for (dealer, package) in &inbox {
        received.insert(*dealer, package.to_secret_bytes().expose()[..].try_into().unwrap());
    }
    let finish = |me, change: &dyn Fn(&mut Received)| {
        let mut received = received.clone();
        change(&mut received);
        let shares = received.into_iter().map(|(dealer, share)| (dealer, Secret::new(share))).collect();
        dkg::finish(member(me), &all, &packages, &shares).map(|share| share.to_secret_bytes().expose().clone())
    };
    let (share, _) = &generate(&[1, 2, 3], 2)[&member(2)];
    assert_eq!(&finish(2, &|_| ()).unwrap(), share.to_secret_bytes().expose());
    assert_eq!(finish(4, &|_| ()), Err(Error::UnknownMember(member(4))));
    assert_eq!(
        finish(2, &|received| assert!(received.remove(&member(2)).is_some())),
        Err(Error::MissingFrom(member(2)))
    );
    let extra = |received: &mut Received| assert!(received.insert(member(4), [1; 32]).is_none());
    assert_eq!(finish(2, &extra), Err(Error::UnknownMember(member(4))));
    for wrong in [[0; 32], [1; 32], [0xff; 32]] {
        let lie = |received: &mut Received| assert!(received.insert(member(3), wrong).is_some());
        assert_eq!(finish(2, &lie).unwrap_err().culprits(), [member(3)]);
    }
}
