//! Addresses are what a third implementation computes, and files hold what they say.

use super::{Creation, Deployment, DeploymentError, FACTORY, Plan};
use alloy::primitives::{Address, keccak256};
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
    let Deployment { guardian_keys, ejection_registry, reserve_feed, guardian_module, .. } = expected;
    assert_eq!(addresses, [guardian_keys, ejection_registry, reserve_feed, guardian_module]);
    let names: Vec<&str> = creations.iter().map(|creation| creation.name).collect();
    assert_eq!(names, ["GuardianKeys", "EjectionRegistry", "ReserveFeed", "FrostGuardianModule"]);
}

#[test]
fn an_address_is_eip_1014s() {
    let [Creation { address, data, .. }, ..] = deployment().plan.creations().unwrap();
    let (salt, code) = data.split_at(32);
    let hash = keccak256([&[0xff], FACTORY.as_slice(), salt, keccak256(code).as_slice()].concat());
    assert_eq!(address.as_slice(), &hash[12..]);
}

#[test]
fn every_part_of_the_plan_changes_an_address() {
    let plan = deployment().plan;
    let addresses = |plan: Plan| plan.creations().unwrap().map(|creation| creation.address);
    let before = addresses(plan.clone());
    let all = addresses(Plan { salt: keccak256("another"), ..plan.clone() });
    assert!(before.iter().all(|address| !all.contains(address)), "the salt is in every address");
    assert_ne!(before[2], addresses(Plan { max_change_bps: 1, ..plan.clone() })[2]);
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
    assert_eq!(refused(|plan| plan["version"] = json!(2)), DeploymentError::Version(2));
    assert_eq!(refused(|plan| plan["governor"] = json!(Address::ZERO)), DeploymentError::NoGovernor);
    assert_eq!(refused(|plan| plan["group_key"]["py"] = plan["group_key"]["px"].clone()), DeploymentError::GroupKey);
    let unknown = refused(|plan| plan["heart_beat"] = json!(1));
    assert!(unknown.to_string().contains("heart_beat"), "{unknown}");
}
