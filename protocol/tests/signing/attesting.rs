//! Duties whose contract takes guardians' own accounts: each signs what enough of them computed alike, and what is not on the contract's list
//! counts nothing.

use super::cluster::{CENSUS, Cluster, MODULE};
use alloy_primitives::{B256, U256};
use guardian_crypto::account::AccountSignature;
use guardian_protocol::{
    AccountOrder, Attestation, Call, Duty, DutyBody, DutyKind, Envelope, Epoch, Event, GuardianList, KeyEpoch, Mode,
    OperatorCommand, Reading, Signed, ValidatorCount,
    testing::{AttestedDuty, LegacyModule, Message, PufferMessage, SignedDuty, account, member},
};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use std::time::Duration;

const KIND: DutyKind = DutyKind::ValidatorCount;
/// The first epoch in which a count is due.
const TOMORROW: u64 = 225;

fn cluster(seed: u64) -> Cluster {
    Cluster::with_accounts(4, seed, &[1, 2, 3, 4], 3)
}

fn pass(cluster: &mut Cluster, seconds: u64) {
    (0..seconds).for_each(|_| cluster.pass(Duration::from_secs(1)));
}

/// How many processes know that the count of `period` is signed.
fn signed(cluster: &Cluster, period: Epoch) -> usize {
    cluster.count(|event| matches!(event, Event::Signed { id, .. } if (id.kind, id.period) == (KIND, period)))
}

/// What the account of this process was asked to sign.
fn orders(cluster: &Cluster, index: usize) -> Vec<AccountOrder> {
    let calls = cluster.processes[&index].calls.iter();
    calls.filter_map(|call| if let Call::Attest(order) = call { Some(order.clone()) } else { None }).collect()
}

/// What this process brings to the oracle.
fn submitted(cluster: &Cluster, index: usize) -> Option<Signed> {
    let mut calls = cluster.processes[&index].calls.iter();
    calls.find_map(|call| match call {
        Call::Submit(signed) if signed.id().kind == KIND => Some(signed.clone()),
        Call::Submit(_) | Call::Attest(_) | Call::PublishExit(_) | Call::RequestExit(_) => None,
    })
}

/// Puffer's own digest of a count, computed from the words.
fn digest(active: u64, period: Epoch) -> B256 {
    let (validators, epoch) = (U256::from(active), U256::from(period.0));
    PufferMessage::ValidatorCount { validators, epoch }.legacy_digest(LegacyModule::Deployed)
}

/// The count that this process decided.
fn decided(cluster: &Cluster, index: usize) -> Duty {
    let mut dossiers = cluster.processes[&index].dossiers.iter().rev();
    dossiers.find(|dossier| dossier.duty.kind() == KIND).unwrap().duty.clone()
}

fn told(cluster: &Cluster, index: usize, matches: impl Fn(&Event) -> bool) -> usize {
    cluster.processes[&index].events.iter().filter(|event| matches(event)).count()
}

fn refused(cluster: &Cluster, index: usize, what: &str) -> usize {
    told(cluster, index, |event| matches!(event, Event::MessageRefused { reason, .. } if reason.contains(what)))
}

#[test]
fn accounts_sign_what_is_agreed_and_everybody_can_bring_it() {
    let mut cluster = cluster(501);
    let period = cluster.finalize_at(TOMORROW);
    assert_eq!(signed(&cluster, period), 4);
    for index in 0..4 {
        let orders = orders(&cluster, index);
        assert_eq!(orders.iter().map(AccountOrder::digest).collect::<Vec<_>>(), [digest(CENSUS, period)]);
        assert!(orders[0].payload().starts_with(b"\x19Ethereum Signed Message:\n32"), "no transaction begins so");
    }
    // Everybody's turn to pay comes.
    cluster.pass(Duration::from_secs(600));
    for index in 0..4 {
        let signed = submitted(&cluster, index).unwrap();
        assert_eq!((signed.contract(), signed.id().key_epoch), (MODULE.module, KeyEpoch(0)));
        let Attestation::Accounts(signatures) = signed.attestation() else { panic!() };
        assert!(signatures.len() >= 3);
        // The list as it is when it is brought there, whatever it was.
        let guardians = [9, 4, 3, 2, 1].map(|number| account(number).1).to_vec();
        let places = GuardianList { guardians, threshold: 3 }.lay_out(signed.digest(), signatures).unwrap();
        assert!(places[0].is_none() && places.iter().flatten().count() >= 3);
    }
}

#[test]
fn with_one_guardian_down_the_others_are_enough_and_it_learns_when_it_comes_back() {
    let mut cluster = cluster(502);
    let records = cluster.stop(3);
    let period = cluster.finalize_at(TOMORROW);
    pass(&mut cluster, 3);
    assert_eq!(signed(&cluster, period), 3);
    let again = cluster.start(member(4), records);
    cluster.connect(again);
    cluster.deliver();
    pass(&mut cluster, 30);
    assert_eq!(signed(&cluster, period), 4);
    // What it knows is in its store.
    let restarted = cluster.restart(again);
    let status = cluster.processes[&restarted].guardian.status();
    assert!(status.signed.iter().any(|signed| signed.id.kind == KIND && signed.id.period == period), "{status:?}");
}

#[test]
fn no_account_signs_before_threshold_members_computed_the_same() {
    let mut cluster = cluster(503);
    cluster.stop(3);
    // The third is there and announces nothing.
    let committee = cluster.dealt.committee.clone();
    cluster.tamper(move |from, _, bytes| {
        let envelope = Envelope::open(&bytes, from, &committee).unwrap();
        (from != member(3) || !matches!(envelope.message(), Message::Announcement(_))).then_some(bytes)
    });
    let period = cluster.finalize_at(TOMORROW);
    pass(&mut cluster, 30);
    assert_eq!(signed(&cluster, period), 0);
    assert!((0..2).all(|index| orders(&cluster, index).is_empty()));
    assert_eq!(orders(&cluster, 2).len(), 1, "it has the votes of the others, and its own");
}

#[test]
fn a_member_that_reads_another_count_signs_nothing_and_stops_nobody() {
    let mut cluster = cluster(504);
    cluster.deceive(member(2), |reading| {
        if let Reading::State(state) = reading {
            state.census.active += 1;
        }
    });
    let period = cluster.finalize_at(TOMORROW);
    pass(&mut cluster, 30);
    assert_eq!(orders(&cluster, 1), []);
    assert_eq!(signed(&cluster, period), 4, "it learns what the others signed");
    assert!(told(&cluster, 1, |event| matches!(event, Event::SignedOtherwise { .. })) > 0);
}

#[test]
fn an_account_that_is_not_on_the_list_counts_nothing_and_its_guardian_says_so() {
    let mut cluster = Cluster::with_accounts(4, 505, &[1, 3, 4], 3);
    let period = cluster.finalize_at(TOMORROW);
    pass(&mut cluster, 60);
    assert_eq!(signed(&cluster, period), 4);
    let complains = |event: &Event| matches!(event, Event::NotAttested { reason, .. } if reason.contains("not on the module's list"));
    assert_eq!((0..4).map(|index| told(&cluster, index, complains)).collect::<Vec<_>>(), [0, 1, 0, 0]);
    assert_eq!(orders(&cluster, 1).len(), 1, "it is not asked again and again");
}

#[test]
fn a_signer_that_is_down_is_asked_again() {
    let mut cluster = cluster(506);
    cluster.unsigned.extend([member(1), member(2)]);
    let period = cluster.finalize_at(TOMORROW);
    pass(&mut cluster, 5);
    assert_eq!(signed(&cluster, period), 0, "two are not enough");
    let complains =
        |event: &Event| matches!(event, Event::NotAttested { reason, .. } if reason.contains("does not answer"));
    assert_eq!(told(&cluster, 0, complains), 1);
    cluster.unsigned.clear();
    pass(&mut cluster, 30);
    assert_eq!(signed(&cluster, period), 4);
}

#[test]
fn what_a_liar_tells_of_accounts_counts_nothing() {
    let mut cluster = cluster(507);
    // One is down and one has no signer: a third signature is wanted badly.
    cluster.stop(3);
    cluster.unsigned.insert(member(2));
    let period = cluster.finalize_at(TOMORROW);
    pass(&mut cluster, 3);
    let (truth, liar) = (decided(&cluster, 0), member(2));
    let lie = Duty { body: DutyBody::ValidatorCount(ValidatorCount { active: 1 }), ..truth.clone() };
    let by = |number: u16, digest: B256| AccountSignature::sign(&account(number).0, &digest.0).unwrap().0;
    let (true_digest, false_digest) = (digest(CENSUS, period), digest(1, period));
    let strangers = vec![by(8, true_digest), by(9, true_digest)];
    let tell = |cluster: &mut Cluster, duty: &Duty, signatures: Vec<AccountSignature>| {
        let bytes = cluster.forge(liar, Message::Attested(AttestedDuty { duty: duty.clone(), signatures }));
        cluster.hear(0, liar, bytes);
    };
    tell(&mut cluster, &truth, strangers);
    assert_eq!(refused(&cluster, 0, "of no account on the module's list"), 1);
    // Of something else, it is some account's, and on no list.
    tell(&mut cluster, &truth, vec![by(2, false_digest)]);
    assert_eq!(refused(&cluster, 0, "of no account on the module's list"), 2);
    tell(&mut cluster, &truth, vec![by(8, true_digest); 5]);
    assert_eq!(refused(&cluster, 0, "more signatures"), 1);
    tell(&mut cluster, &lie, vec![by(2, false_digest); 4]);
    let other_epoch = Duty { key_epoch: KeyEpoch(1), ..truth.clone() };
    tell(&mut cluster, &other_epoch, vec![by(2, true_digest)]);
    assert_eq!(refused(&cluster, 0, "signed under key epoch"), 1);
    assert_eq!(signed(&cluster, period), 0);
    // Nor does the group's signature count where accounts sign.
    let signature = cluster.dealt.sign(true_digest, &mut ChaCha20Rng::seed_from_u64(1));
    let bytes = cluster.forge(liar, Message::Signed(SignedDuty { duty: truth.clone(), signature }));
    cluster.hear(0, liar, bytes);
    assert_eq!(refused(&cluster, 0, "signed in another way"), 1);
    // The one that was wanted.
    tell(&mut cluster, &truth, vec![by(2, true_digest)]);
    assert_eq!(signed(&cluster, period), 1);
}

#[test]
fn a_held_guardians_account_signs_nothing_until_it_is_released() {
    let mut cluster = cluster(508);
    let hold = OperatorCommand::Hold { kind: KIND, until: None, reason: "looking".to_owned() };
    cluster.order(0, hold).unwrap();
    let period = cluster.finalize_at(TOMORROW);
    pass(&mut cluster, 20);
    assert_eq!(orders(&cluster, 0), []);
    assert_eq!(signed(&cluster, period), 4, "the others are enough");
}

#[test]
fn an_observer_learns_what_accounts_signed_and_signs_nothing() {
    let mut cluster = cluster(509);
    let observer = cluster.restart_as(0, |setup| setup.mode = Mode::Observe);
    let period = cluster.finalize_at(TOMORROW);
    pass(&mut cluster, 20);
    assert_eq!(orders(&cluster, observer), []);
    assert_eq!(signed(&cluster, period), 4);
}

#[test]
fn a_dossier_shows_that_enough_of_the_listed_accounts_signed() {
    let mut cluster = cluster(510);
    cluster.finalize_at(TOMORROW);
    for process in cluster.processes.values() {
        let dossier = process.dossiers.iter().rev().find(|dossier| dossier.duty.kind() == KIND).unwrap();
        let replay = dossier.replay();
        assert!(replay.holds() && replay.signature_holds == Some(true), "{replay:?}");
        let mut fewer = dossier.clone();
        fewer.attested_by.truncate(2);
        assert_eq!(fewer.replay().signature_holds, Some(false));
        fewer.attested_by.clear();
        assert_eq!(fewer.replay().signature_holds, None);
    }
}

#[test]
fn what_waits_for_the_next_count_is_not_signed_again() {
    let mut cluster = cluster(511);
    let period = cluster.finalize_at(TOMORROW);
    let by_all = |cluster: &Cluster| -> Vec<usize> { (0..4).map(|index| orders(cluster, index).len()).collect() };
    assert_eq!((signed(&cluster, period), by_all(&cluster)), (4, vec![1; 4]));
    // The oracle does not show it yet, but it is known to be on its way.
    let next = cluster.finalize_at(TOMORROW + 1);
    pass(&mut cluster, 20);
    assert_eq!((signed(&cluster, next), by_all(&cluster)), (0, vec![1; 4]));
}
