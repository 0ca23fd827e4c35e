//! Vetoes of proposed keys on a real EVM: what is read of a proposal, what a signature of the group does to it, and who pays.

use crate::{
    anvil::{CHAIN_ID, World, quick},
    support::{called::called, committee::Signers},
};
use alloy::{
    primitives::{B256, U256},
    sol,
    sol_types::SolCall,
};
use guardian_protocol::{
    At, CallOutcome, ChainView, DutyBody, DutyKind, KeyVeto, Level, OnChainProgress, Query, Reading, Subject,
    testing::{decide, evidence},
};
use serde_json::json;

sol! {
    function hashProposal(uint64 keyEpoch, uint64 number, uint256 px, uint256 py) external view returns (bytes32);
    function propose(uint256 px, uint256 py, (uint256, uint256, uint256) byNewKey) external;
    function pause() external;
    function unpause() external;
}

/// The governor proposes another committee's key.
async fn propose(world: &World, number: u64) {
    let (keys, other) = (world.contracts().guardian_keys, Signers::seeded(CHAIN_ID, 2));
    let (x, y) = other.group_key().coordinates();
    let [px, py] = [x, y].map(U256::from_be_bytes);
    let hash = hashProposalCall { keyEpoch: 2, number, px, py }.abi_encode();
    let digest = B256::from_slice(&called(&world.anvil, keys, hash, 0).await.unwrap());
    let proof = other.signature(100 + number, digest);
    let by_new_key = [proof.rx(), proof.ry(), proof.z()].map(U256::from_be_bytes).into();
    world.anvil.transact(Some(keys), proposeCall { px, py, byNewKey: by_new_key }.abi_encode()).await;
}

async fn view(world: &World) -> ChainView {
    world.view(At::Block(world.anvil.head().await.hash)).await
}

/// What guardians decide that see this.
fn vetoes(view: &ChainView) -> Vec<DutyBody> {
    let duties = decide(&evidence(view.clone(), 10, Vec::new()), 8).into_iter();
    duties.filter(|duty| duty.kind() == DutyKind::KeyVeto).map(|duty| duty.body).collect()
}

#[tokio::test]
async fn a_proposed_key_is_vetoed_by_the_group_s_signature_and_paid_for_once() {
    let Some(world) = World::start().await else { return };
    let sender = world.sender(quick());
    assert!(vetoes(&view(&world).await).is_empty(), "nothing waits");
    propose(&world, 1).await;
    let seen = view(&world).await;
    assert_eq!((seen.proposal.map(|proposal| proposal.number), seen.accepted(DutyKind::KeyVeto)), (Some(1), Level(0)));
    let [body] = &vetoes(&seen)[..] else { panic!("{seen:?}") };
    assert_eq!(*body, DutyBody::KeyVeto(KeyVeto { proposal: 1 }));

    let strangers = Signers::seeded(CHAIN_ID, 3).with_contracts(world.contracts());
    let forged = sender.submit(&strangers.sign(10, body.clone())).await;
    assert_eq!(forged, CallOutcome::Refused("InvalidSignature".to_owned()));
    let other = world.signers.sign(11, DutyBody::KeyVeto(KeyVeto { proposal: 2 }));
    assert_eq!(sender.submit(&other).await, CallOutcome::Refused("InvalidSignature".to_owned()), "of another proposal");

    let signed = world.signers.sign(12, body.clone());
    let outcome = sender.submit(&signed).await;
    assert!(matches!(outcome, CallOutcome::Included { .. }), "{outcome:?}");
    assert_eq!(sender.submit(&signed).await, CallOutcome::AlreadyAccepted);
    let seen = view(&world).await;
    assert_eq!((seen.proposal, seen.accepted(DutyKind::KeyVeto)), (None, Level(1)));
    assert!(vetoes(&seen).is_empty());
    let targets = [(DutyKind::KeyVeto, Subject::Whole)].into();
    let Reading::Progress(progress) = world.ask(Query::Progress(targets)).await else { panic!() };
    let head = |progress: &OnChainProgress| progress.head;
    assert_eq!(progress.values().map(head).collect::<Vec<_>>(), [Level(1)]);
    let payer = sender.address();
    assert_eq!(world.anvil.call("eth_getTransactionCount", json!([payer, "pending"])).await, "0x1");
}

#[tokio::test]
async fn a_veto_during_a_pause_delays_once_and_stops_the_key_when_the_pause_is_over() {
    let Some(world) = World::start().await else { return };
    let (sender, keys) = (world.sender(quick()), world.contracts().guardian_keys);
    propose(&world, 1).await;
    world.anvil.transact(Some(keys), pauseCall {}.abi_encode()).await;
    let seen = view(&world).await;
    let ready_at = seen.proposal.unwrap().ready_at;
    let signed = world.signers.sign(12, vetoes(&seen).remove(0));
    let outcome = sender.submit(&signed).await;
    assert!(matches!(outcome, CallOutcome::Included { .. }), "{outcome:?}");
    let seen = view(&world).await;
    let slowed = seen.proposal.unwrap();
    assert!(seen.paused && slowed.slowed && slowed.ready_at == ready_at + 86_400, "{slowed:?}");
    assert_eq!((vetoes(&seen), seen.accepted(DutyKind::KeyVeto)), (Vec::new(), Level(1)), "no more can be done now");
    assert_eq!(sender.submit(&signed).await, CallOutcome::AlreadyAccepted);

    world.anvil.transact(Some(keys), unpauseCall {}.abi_encode()).await;
    let seen = view(&world).await;
    assert_eq!((vetoes(&seen).len(), seen.accepted(DutyKind::KeyVeto)), (1, Level(0)));
    let outcome = sender.submit(&world.signers.sign(13, vetoes(&seen).remove(0))).await;
    assert!(matches!(outcome, CallOutcome::Included { .. }), "{outcome:?}");
    assert_eq!(view(&world).await.proposal, None);
}
