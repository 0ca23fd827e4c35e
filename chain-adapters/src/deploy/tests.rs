//! Addresses are what a third implementation computes, and files hold what they say.

use super::{
    Creation, Deployment, DeploymentError, FACTORY, FACTORY_CREATOR, FACTORY_TRANSACTION, Plan,
    verify::FACTORY_CODE_HASH,
};
use alloy::{
    consensus::{Transaction, TxEnvelope},
    eips::eip2718::Decodable2718,
    primitives::{Address, U256, hex, keccak256},
};
use serde_json::{Value, json};

/// The plan and the addresses that the forge script computes for it too.
const VECTOR: &str = include_str!("../../../contracts/test/vectors/deployment.json");

fn deployment() -> Deployment {
    Deployment::from_json(VECTOR).unwrap()
}

#[test]
fn addresses_are_those_of_the_vector() {
    let expected = deployment();
    let creations = expected.plan.creations().unwrap();
    let addresses: Vec<Address> = creations.iter().map(|creation| creation.address).collect();
    let stated: Vec<Address> = expected.contracts().map(|(_, address)| address).collect();
    assert_eq!(addresses, stated);
    let names: Vec<&str> = creations.iter().map(|creation| creation.name).collect();
    assert_eq!(names, expected.contracts().map(|(name, _)| name).collect::<Vec<_>>());
    assert_eq!(names.last(), Some(&"TicketPriceGate"));
}

#[test]
fn there_is_a_gate_where_there_is_a_pricer() {
    let with = deployment();
    let without = Deployment::of(Plan { ticket_pricer: Address::ZERO, ..with.plan.clone() }).unwrap();
    assert_eq!((with.contracts().count(), without.contracts().count()), (6, 5));
    assert_eq!(without.ticket_price_gate, None);
    let made_up = Deployment { ticket_price_gate: with.ticket_price_gate, ..without };
    let refused = Deployment::from_json(&made_up.to_json().unwrap()).unwrap_err();
    assert!(matches!(refused, DeploymentError::Malformed(_)), "{refused}");
}

#[test]
fn an_address_is_eip_1014s() {
    let Creation { address, data, .. } = deployment().plan.creations().unwrap().remove(0);
    let (salt, code) = data.split_at(32);
    let hash = keccak256([&[0xff], FACTORY.as_slice(), salt, keccak256(code).as_slice()].concat());
    assert_eq!(address.as_slice(), &hash[12..]);
}

#[test]
fn every_part_of_the_plan_changes_an_address() {
    let plan = deployment().plan;
    let addresses =
        |plan: Plan| -> Vec<Address> { plan.creations().unwrap().iter().map(|creation| creation.address).collect() };
    let before = addresses(plan.clone());
    let all = addresses(Plan { salt: keccak256("another"), ..plan.clone() });
    assert!(before.iter().all(|address| !all.contains(address)), "the salt is in every address");
    assert_ne!(before[2], addresses(Plan { max_change_bps: 1, ..plan.clone() })[2]);
    assert_ne!(before[1], addresses(Plan { max_ejection_threshold: U256::from(1), ..plan.clone() })[1]);
    assert_ne!(before[3], addresses(Plan { proxy_delay: 1, ..plan.clone() })[3]);
    assert_ne!(before[5], addresses(Plan { ticket_max_daily: U256::from(1), ..plan.clone() })[5]);
    assert_ne!(before[0], addresses(Plan { vetoer: Address::ZERO, ..plan.clone() })[0]);
    assert_eq!(before[0], addresses(Plan { heartbeat: 1 << 40, ..plan })[0], "the feed's rules are not the key's");
}

#[test]
fn a_file_survives_and_lies_are_found() {
    let deployment = deployment();
    assert_eq!(deployment.to_json().unwrap(), VECTOR, "the format is lasting");
    let mut file: Value = serde_json::from_str(VECTOR).unwrap();
    file["reserve_feed"] = json!(Address::repeat_byte(1));
    let lie = Deployment::from_json(&file.to_string()).unwrap_err();
    assert!(matches!(lie, DeploymentError::OtherAddress { name: "ReserveFeed", .. }), "{lie}");
}

#[test]
fn a_plan_that_cannot_be_meant_is_refused() {
    let plan = serde_json::to_value(deployment().plan).unwrap();
    let refused = |change: fn(&mut Value)| {
        let mut changed = plan.clone();
        change(&mut changed);
        Plan::from_json(&changed.to_string()).unwrap_err()
    };
    assert_eq!(refused(|plan| plan["version"] = json!(1)), DeploymentError::Version(1));
    assert_eq!(refused(|plan| plan["governor"] = json!(Address::ZERO)), DeploymentError::NoGovernor);
    assert_eq!(refused(|plan| plan["group_key"]["py"] = plan["group_key"]["px"].clone()), DeploymentError::GroupKey);
    let unknown = refused(|plan| plan["heart_beat"] = json!(1));
    assert!(unknown.to_string().contains("heart_beat"), "{unknown}");
}

#[test]
fn the_factorys_transaction_creates_the_factory() {
    let bytes = hex::decode(FACTORY_TRANSACTION).unwrap();
    let transaction = TxEnvelope::decode_2718_exact(&bytes).unwrap();
    let signer = transaction.signature().recover_address_from_prehash(&transaction.signature_hash());
    assert_eq!(signer.unwrap(), FACTORY_CREATOR);
    assert_eq!((transaction.chain_id(), transaction.to()), (None, None), "it creates, on any chain");
    assert_eq!(FACTORY_CREATOR.create(transaction.nonce()), FACTORY);
    // 14 bytes that return the rest.
    assert_eq!(keccak256(&transaction.input()[14..]), FACTORY_CODE_HASH);
    let price = u128::from(transaction.gas_limit()) * transaction.gas_price().unwrap();
    assert_eq!(price, 10_u128.pow(16), "a hundredth of an ether");
}
