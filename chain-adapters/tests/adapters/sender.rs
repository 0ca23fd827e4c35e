//! How a signed duty gets to its contract, and what keeps it from paying twice, too much, or for nothing.

use crate::support::{
    PLAYED,
    committee::{Signers, network, order, report},
    contracts, endpoint,
    execution::{Chain, Node, contract, selector},
    limits,
};
use alloy::primitives::{U256, hex};
use guardian_chain::{AccountKey, Sender, SenderConfig};
use guardian_protocol::{CallOutcome, DutyKind, Level, Signed};
use std::{collections::VecDeque, sync::Arc, time::Duration};
use tokio::sync::Semaphore;

const GWEI: u128 = 1_000_000_000;

fn config() -> SenderConfig {
    SenderConfig {
        max_fee_per_gas: 20 * GWEI,
        max_priority_fee: 3 * GWEI,
        poll_interval: Duration::from_millis(10),
        replace_after: Duration::from_millis(50),
        replacements: 20,
        timeout: Duration::from_secs(5),
    }
}

fn sender(config: SenderConfig, nodes: &[&Node]) -> Sender {
    let endpoints: Vec<_> =
        nodes.iter().enumerate().map(|(place, node)| endpoint(&format!("node-{place}"), &node.server.url)).collect();
    let key = AccountKey::from_bytes(&[0x42; 32]).unwrap();
    Sender::new(config, limits(), &endpoints, &network(7), contracts(), key).unwrap()
}

/// An order at slot 80; the contracts of a new [`Chain`] are at 8 and 16.
fn signed() -> Signed {
    Signers::new(7).sign(10, order(&[3, 5]))
}

#[tokio::test]
async fn a_duty_is_sent_once_with_room_for_the_base_fee_to_rise() {
    let node = Node::start(Chain::default()).await;
    let outcome = sender(config(), &[&node]).submit(&signed()).await;
    assert!(matches!(outcome, CallOutcome::Included { gas: 50_000, .. }), "{outcome:?}");
    let chain = node.chain();
    let [transaction] = chain.taken.as_slice() else { panic!("{}", chain.taken.len()) };
    assert_eq!((transaction.nonce, transaction.gas_limit), (5, 72_000));
    assert_eq!((transaction.max_fee_per_gas, transaction.max_priority_fee_per_gas), (4 * GWEI, 2 * GWEI));
    assert_eq!(transaction.to.to(), Some(&contract(DutyKind::Ejection)));
    let call = selector("submitOrder((uint64,uint64,bytes32,bytes),(uint256,uint256,uint256))");
    assert_eq!(transaction.input[..4], call);
    // The order comes behind its offset and the signature; its slot is the second member.
    assert_eq!(U256::from_be_slice(&transaction.input[164..196]), U256::from(80));
}

#[tokio::test]
async fn a_report_goes_to_the_feed() {
    let node = Node::start(Chain::default()).await;
    let outcome = sender(config(), &[&node]).submit(&Signers::new(7).sign(10, report())).await;
    assert!(matches!(outcome, CallOutcome::Included { .. }), "{outcome:?}");
    let chain = node.chain();
    assert_eq!(chain.taken[0].to.to(), Some(&contract(DutyKind::Reserves)));
    let call = selector("submitReport((uint256,bytes32,uint256),(uint256,uint256,uint256))");
    assert_eq!(chain.taken[0].input[..4], call);
}

#[tokio::test]
async fn what_the_contract_has_is_not_sent_again() {
    for accepted in [80, 88] {
        let node = Node::start(Chain::default().accepting(DutyKind::Ejection, accepted)).await;
        assert_eq!(sender(config(), &[&node]).submit(&signed()).await, CallOutcome::AlreadyAccepted);
        assert!(node.chain().taken.is_empty());
    }
}

#[tokio::test]
async fn a_refusal_costs_nothing_and_is_told_by_name() {
    let revert = |name: &str| selector(name).to_vec();
    let mut wrong_epoch = revert("WrongKeyEpoch(uint64,uint64)");
    wrong_epoch.extend([U256::from(1).to_be_bytes::<32>(), U256::from(2).to_be_bytes()].concat());
    let mut stale = revert("StaleReferenceSlot(uint64,uint64)");
    stale.extend([[0; 32], [0; 32]].concat());
    for (data, expected) in [
        (wrong_epoch, CallOutcome::Refused("WrongKeyEpoch { given: 1, current: 2 }".to_owned())),
        (revert("InvalidSignature()"), CallOutcome::Refused("InvalidSignature".to_owned())),
        (hex!("01020304").to_vec(), CallOutcome::Refused("unknown error 0x01020304".to_owned())),
        (Vec::new(), CallOutcome::Refused("execution reverted".to_owned())),
        (stale, CallOutcome::AlreadyAccepted),
    ] {
        let node = Node::start(Chain { revert: Some(data), ..Chain::default() }).await;
        assert_eq!(sender(config(), &[&node]).submit(&signed()).await, expected);
        assert!(node.chain().taken.is_empty());
    }
}

#[tokio::test]
async fn nothing_is_sent_above_the_fee_ceiling() {
    let node = Node::start(Chain { base_fee: 19_000_000_000, ..Chain::default() }).await;
    let outcome = sender(config(), &[&node]).submit(&signed()).await;
    assert!(matches!(&outcome, CallOutcome::Failed(why) if why.contains("fee ceiling")), "{outcome:?}");
    assert!(node.chain().taken.is_empty());
}

#[tokio::test]
async fn a_transaction_that_is_not_included_is_replaced_with_the_same_nonce_and_a_higher_bid() {
    let node = Node::start(Chain { price: 7 * GWEI, ..Chain::default() }).await;
    let outcome = sender(config(), &[&node]).submit(&signed()).await;
    assert!(matches!(outcome, CallOutcome::Included { .. }), "{outcome:?}");
    let chain = node.chain();
    assert!(chain.taken.len() > 2 && chain.taken.iter().all(|transaction| transaction.nonce == 5));
    for pair in chain.taken.windows(2) {
        assert!(pair[1].max_fee_per_gas * 8 >= pair[0].max_fee_per_gas * 9);
        assert!(pair[1].max_priority_fee_per_gas * 8 >= pair[0].max_priority_fee_per_gas * 9);
    }
}

#[tokio::test]
async fn a_bid_stops_at_the_ceiling_and_the_attempt_at_its_timeout() {
    let node = Node::start(Chain { price: 1000 * GWEI, ..Chain::default() }).await;
    let config = SenderConfig { timeout: Duration::from_millis(1500), ..config() };
    let outcome = sender(config, &[&node]).submit(&signed()).await;
    assert!(matches!(&outcome, CallOutcome::Failed(why) if why.contains("not included")), "{outcome:?}");
    let chain = node.chain();
    assert!(chain.taken.iter().all(|transaction| transaction.max_fee_per_gas <= 20 * GWEI));
    assert!(chain.taken.last().unwrap().max_fee_per_gas > 15 * GWEI);
}

#[tokio::test]
async fn if_another_guardian_is_faster_the_attempt_ends() {
    let node = Node::start(Chain { price: 1000 * GWEI, ..Chain::default() }).await;
    let (sender, signed) = (sender(config(), &[&node]), signed());
    let faster = async {
        while node.chain().taken.is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        node.chain().accepted.insert(DutyKind::Ejection, Level(80));
    };
    let (outcome, ()) = tokio::join!(sender.submit(&signed), faster);
    assert_eq!(outcome, CallOutcome::AlreadyAccepted);
}

#[tokio::test]
async fn a_reverted_transaction_is_refused_unless_another_was_faster() {
    let node = Node::start(Chain { succeeds: false, ..Chain::default() }).await;
    let outcome = sender(config(), &[&node]).submit(&signed()).await;
    assert!(matches!(&outcome, CallOutcome::Refused(why) if why.contains("reverted")), "{outcome:?}");
}

#[tokio::test]
async fn a_stuck_transaction_of_an_earlier_attempt_is_outbid() {
    let underpriced = "replacement transaction underpriced";
    let rejections = VecDeque::from([underpriced, underpriced, "could not replace existing tx"]);
    let node = Node::start(Chain { rejections, ..Chain::default() }).await;
    let outcome = sender(config(), &[&node]).submit(&signed()).await;
    assert!(matches!(outcome, CallOutcome::Included { .. }), "{outcome:?}");
    let chain = node.chain();
    assert_eq!((chain.taken.len(), chain.taken[0].nonce), (1, 5));
    assert!(chain.taken[0].max_fee_per_gas > 5 * GWEI);
}

#[tokio::test]
async fn a_stuck_transaction_that_bids_more_than_the_ceiling_is_told() {
    let rejections = VecDeque::from(["replacement transaction underpriced"; 40]);
    let node = Node::start(Chain { rejections, ..Chain::default() }).await;
    let outcome = sender(config(), &[&node]).submit(&signed()).await;
    assert!(matches!(&outcome, CallOutcome::Failed(why) if why.contains("fee ceiling")), "{outcome:?}");
}

#[tokio::test]
async fn a_used_nonce_is_read_anew() {
    let node = Node::start(Chain { rejections: VecDeque::from(["nonce too low"]), ..Chain::default() }).await;
    let (sender, signed) = (sender(config(), &[&node]), signed());
    let used = async {
        while !node.chain().rejections.is_empty() {
            tokio::task::yield_now().await;
        }
        node.chain().nonce = 6;
    };
    let (outcome, ()) = tokio::join!(sender.submit(&signed), used);
    // The answer may have been read before the count rose; then the next attempt is right.
    let outcome = if matches!(outcome, CallOutcome::Failed(_)) { sender.submit(&signed).await } else { outcome };
    assert!(matches!(outcome, CallOutcome::Included { .. }), "{outcome:?}");
    assert_eq!(node.chain().taken[0].nonce, 6);
}

#[tokio::test]
async fn other_words_of_a_pool_are_passed_on_but_known_is_as_good_as_taken() {
    for (said, told) in [("insufficient funds for gas * price + value", "can't pay"), ("the moon is full", "moon")] {
        let node = Node::start(Chain { rejections: VecDeque::from([said]), ..Chain::default() }).await;
        let outcome = sender(config(), &[&node]).submit(&signed()).await;
        assert!(matches!(&outcome, CallOutcome::Failed(why) if why.contains(told)), "{outcome:?}");
    }
    let node = Node::start(Chain { rejections: VecDeque::from(["already known"]), ..Chain::default() }).await;
    let outcome = sender(config(), &[&node]).submit(&signed()).await;
    assert!(matches!(outcome, CallOutcome::Included { .. }), "{outcome:?}");
}

#[tokio::test]
async fn one_dead_or_lying_node_of_three_does_not_stop_a_submission() {
    let dead = Node::start(Chain::default()).await;
    let accepted = PLAYED.into_iter().map(|kind| (kind, Level(800))).collect();
    let refusing = Chain { revert: Some(selector("InvalidSignature()").to_vec()), accepted, ..Chain::default() };
    for liar in [refusing, Chain { nonce: 900, ..Chain::default() }, Chain { created: 1000, ..Chain::default() }] {
        let (liar, a, b) =
            (Node::start(liar).await, Node::start(Chain::default()).await, Node::start(Chain::default()).await);
        let sender = sender(config(), &[&liar, &a, &b]);
        let outcome = sender.submit(&signed()).await;
        assert!(matches!(outcome, CallOutcome::Included { .. }), "{outcome:?}");
        assert_eq!(a.chain().taken[0].nonce, 5);
        // It went to every pool.
        assert_eq!((a.chain().taken.len(), b.chain().taken.len()), (1, 1));
    }
    let sender = sender(config(), &[&dead]);
    drop(dead);
    let outcome = sender.submit(&signed()).await;
    assert!(
        matches!(&outcome, CallOutcome::Failed(why) if why.contains("no execution provider answers")),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn one_node_of_three_can_neither_lie_nor_be_silent_about_a_submission() {
    let silent = Chain { held: Some(Arc::new(Semaphore::new(0))), ..Chain::default() };
    let estimates = [21_000, 16_000_000, 1 << 40].map(|estimate| Chain { estimate, ..Chain::default() });
    let words = ["nonce too low", "insufficient funds", "the moon is full"];
    let refusing = words.map(|word| Chain { rejections: VecDeque::from([word; 40]), ..Chain::default() });
    for liar in estimates.into_iter().chain(refusing).chain([silent]) {
        let stuck = || Chain { rejections: VecDeque::from(["ReplacementNotAllowed"; 3]), ..Chain::default() };
        let (liar, a, b) = (Node::start(liar).await, Node::start(stuck()).await, Node::start(stuck()).await);
        // Patient: what is tried here is that it is included, not when.
        let patient =
            SenderConfig { replace_after: Duration::from_secs(60), timeout: Duration::from_secs(60), ..config() };
        let outcome = sender(patient, &[&liar, &a, &b]).submit(&signed()).await;
        assert!(matches!(outcome, CallOutcome::Included { .. }), "{outcome:?}");
        let chain = a.chain();
        assert_eq!((chain.taken[0].nonce, chain.taken[0].gas_limit), (5, 72_000));
        // The stuck one was outbid at once.
        assert!(chain.taken[0].max_fee_per_gas > 5 * GWEI);
    }
}

#[tokio::test]
async fn what_most_nodes_refuse_is_not_paid_for() {
    let refusing = || Chain { revert: Some(selector("InvalidSignature()").to_vec()), ..Chain::default() };
    let (liar, a, b) =
        (Node::start(Chain::default()).await, Node::start(refusing()).await, Node::start(refusing()).await);
    let outcome = sender(config(), &[&liar, &a, &b]).submit(&signed()).await;
    assert_eq!(outcome, CallOutcome::Refused("InvalidSignature".to_owned()));
    assert!(liar.chain().taken.is_empty());
}

#[tokio::test]
async fn words_that_nobody_knows_are_told_counted_and_answered_with_a_higher_bid_the_next_time() {
    let node = Node::start(Chain { rejections: VecDeque::from(["the moon is full"; 2]), ..Chain::default() }).await;
    let sender = sender(config(), &[&node]);
    for _ in 0..2 {
        let outcome = sender.submit(&signed()).await;
        assert!(matches!(&outcome, CallOutcome::Failed(why) if why.contains("moon")), "{outcome:?}");
    }
    assert_eq!(sender.stats()[0].not_understood, 2);
    assert!(matches!(sender.submit(&signed()).await, CallOutcome::Included { .. }));
    assert!(node.chain().taken[0].max_fee_per_gas > 5 * GWEI);
}

#[tokio::test]
async fn an_ejection_does_not_wait_for_a_reports_receipt() {
    let node = Node::start(Chain { price: 1000 * GWEI, ..Chain::default() }).await;
    let slow = SenderConfig { replace_after: Duration::from_secs(60), timeout: Duration::from_secs(60), ..config() };
    let (sender, signers) = (sender(slow, &[&node]), Signers::new(7));
    let (order, report) = (signers.sign(10, order(&[3])), signers.sign(10, report()));
    let urgent = async {
        while node.chain().taken.is_empty() {
            tokio::task::yield_now().await;
        }
        // The report waits, and would for a minute.
        node.chain().price = 0;
        let outcome = sender.submit(&order).await;
        assert!(matches!(outcome, CallOutcome::Included { .. }), "{outcome:?}");
    };
    let (outcome, ()) = tokio::join!(sender.submit(&report), urgent);
    assert!(matches!(outcome, CallOutcome::Included { .. }), "{outcome:?}");
    let chain = node.chain();
    let nonces: Vec<_> =
        chain.taken.iter().map(|transaction| (transaction.nonce, *transaction.to.to().unwrap())).collect();
    let (order, report) = (contract(DutyKind::Ejection), contract(DutyKind::Reserves));
    assert_eq!(nonces, [(5, report), (5, order), (6, report)]);
}

#[tokio::test]
async fn submissions_take_turns() {
    let node = Node::start(Chain::default()).await;
    let (sender, signers) = (sender(config(), &[&node]), Signers::new(7));
    let (order, report) = (signers.sign(10, order(&[3])), signers.sign(10, report()));
    let outcomes = tokio::join!(sender.submit(&order), sender.submit(&report));
    assert!(matches!(outcomes, (CallOutcome::Included { .. }, CallOutcome::Included { .. })), "{outcomes:?}");
    let nonces: Vec<_> = node.chain().taken.iter().map(|transaction| transaction.nonce).collect();
    assert_eq!(nonces, [5, 6]);
}
