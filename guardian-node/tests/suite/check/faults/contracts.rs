//! What is wrong with the contracts, and with the account that pays.

use super::{super::key, Checked, Fault, each_is_told_and_nothing_else};
use crate::{stand_ins::POD, support::Place};
use guardian_node::store::Store;
use guardian_protocol::{AppendRecords, BlockRef, EventPage, ProtocolEvent, Record};

const KEYS: &str = "0x0101000000000000000000000000000000000000";

fn another_key(checked: &mut Checked) {
    let other = key(&Place::with_key(4));
    checked.all_executions(|chain| chain.key = other);
}

/// The guardian module lists so many, of whom so many make a key.
fn list(checked: &mut Checked, list: (u64, u64)) {
    checked.edit("# guardian_module = \"0x0000", "guardian_module = \"0x0404");
    checked.all_executions(|chain| chain.list = list);
}

/// Nobody said in which block the contracts were created, on a chain that is not young.
fn no_start_block(checked: &mut Checked) {
    checked.start_block = 0;
    checked.all_nodes(|chain| {
        chain.head = 100_099;
        chain.age = 100_000 * 12;
        chain.finalized = 12_510;
    });
}

/// One of four validators pays its stake to somebody.
fn foreign_stake(checked: &mut Checked) {
    checked.feed = Some("0x3333333333333333333333333333333333333333");
    let upto = BlockRef { number: 20, hash: [1; 32].into(), timestamp: 1_040 };
    let events = (0..4).map(|index| ProtocolEvent::Provisioned([index; 48].into())).collect();
    let contracts = vec!["0xf7b6B32492c2e13799D921E84202450131bd238B".parse().unwrap()];
    let mut store = Store::open(&checked.place.home(1).join("data")).unwrap();
    store.append(&[Record::Events { contracts, page: EventPage { from: 1, upto, events } }]).unwrap();
    let to = |account: u64| {
        let mut credentials = [0; 32];
        credentials[0] = 1;
        credentials[24..].copy_from_slice(&account.to_be_bytes());
        credentials
    };
    checked.all_beacons(|chain| chain.validators = vec![to(POD), to(POD), to(0xeeee), to(POD)]);
}

const FAULTS: &[Fault] = &[
    Fault::new(
        "a wrong address",
        |it| it.all_executions(|chain| chain.nowhere = Some(KEYS)),
        &[("fail", "contract_absent")],
    ),
    Fault::new(
        "one node that does not have a contract",
        |it| it.one_execution(|chain| chain.nowhere = Some(KEYS)),
        &[("poor", "provider_refuses")],
    ),
    Fault::new("another committee's key", another_key, &[("poor", "contracts_key"), ("fail", "contracts_key")]),
    Fault::new(
        "another key at one node",
        |it| {
            let other = key(&Place::with_key(4));
            it.one_execution(|chain| chain.key = other);
        },
        &[("poor", "contracts_key")],
    ),
    Fault::new("a pause", |it| it.all_executions(|chain| chain.paused = true), &[("poor", "contracts_paused")]),
    Fault::new("a proposed key", |it| it.all_executions(|chain| chain.proposed = true), &[("poor", "key_proposed")]),
    Fault::new("a list of five guardians for four members", |it| list(it, (5, 3)), &[("poor", "guardian_list")]),
    Fault::new("two shares make a key, and three members act", |it| list(it, (4, 2)), &[("poor", "guardian_list")]),
    Fault::new("a start block after the contracts' creation", |it| it.start_block = 11, &[("fail", "start_block")]),
    Fault::new("no start block", no_start_block, &[("fail", "start_block")]),
    Fault::new("an empty account", |it| it.all_executions(|chain| chain.balance = 0), &[("fail", "account_empty")]),
    Fault::new(
        "an account for a few reports",
        |it| it.all_executions(|chain| chain.balance = 10_u128.pow(17)),
        &[("poor", "account_low")],
    ),
    Fault::new("stake that returns to a stranger", foreign_stake, &[("poor", "stake_foreign")]),
];

#[test]
fn faults_of_contracts_and_account_are_told() {
    each_is_told_and_nothing_else("Contracts and account", FAULTS);
}

#[test]
fn a_list_of_guardians_that_is_the_committees_passes() {
    let mut checked = Checked::new();
    list(&mut checked, (4, 3));
    super::super::assert_told(
        &checked.run(),
        0,
        &["pass  guardian module: 4 guardians, of whom 3 make a validator's key"],
    );
}
