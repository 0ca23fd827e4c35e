//! The messages to Puffer's contracts: the vectors that Solidity and an independent generator check too.

use alloy_primitives::{Address, B256, U256};
use guardian_protocol::{
    BlsPubkey, KeyEpoch,
    testing::{LegacyModule, Provisioning, PufferMessage, StoppedValidator},
};
use serde_json::Value;
use std::{fs, path::PathBuf};

fn vectors(file: &str) -> Vec<Value> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../contracts/test/vectors").join(file);
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

#[test]
fn digests_are_those_of_the_group_s_module() {
    let mut checked = 0;
    for vector in vectors("digests.json").iter().filter(|vector| vector["contract"] == "FrostGuardianModule") {
        let module: Address = text(&vector["verifyingContract"]).parse().unwrap();
        let epoch = KeyEpoch(text(&vector["fields"]["keyEpoch"]).parse().unwrap());
        let digest = message(&vector["fields"]).digest(vector["chainId"].as_u64().unwrap(), module, epoch);
        assert_eq!(digest, word(&vector["digest"]), "{}", vector["name"]);
        checked += 1;
    }
    assert_eq!(checked, 8);
}

#[test]
fn digests_are_those_of_puffers_own_modules() {
    let vectors = vectors("legacy_digests.json");
    for vector in &vectors {
        let message = message(&vector["fields"]);
        assert_eq!(message.legacy_digest(LegacyModule::Deployed), word(&vector["deployed"]), "{}", vector["kind"]);
        let module = text(&vector["module"]).parse().unwrap();
        let bound = LegacyModule::Bound { module, chain_id: vector["chainId"].as_u64().unwrap() };
        assert_eq!(message.legacy_digest(bound), word(&vector["bound"]), "{}", vector["kind"]);
    }
    assert_eq!(vectors.len(), 4);
}

/// Why the group's module has types: on Puffer's own, one signature is valid for both.
#[test]
fn skipping_and_counting_collide_on_puffers_modules_and_not_on_the_groups() {
    let (first, second) = (U256::from(0x5055_4646_4552_u64), U256::from(77));
    let skip = PufferMessage::Skip { module_name: first.into(), index: second };
    let count = PufferMessage::ValidatorCount { validators: first, epoch: second };
    let module = Address::repeat_byte(7);
    for legacy in [LegacyModule::Deployed, LegacyModule::Bound { module, chain_id: 1 }] {
        assert_eq!(skip.legacy_digest(legacy), count.legacy_digest(legacy));
    }
    assert_ne!(skip.digest(1, module, KeyEpoch(1)), count.digest(1, module, KeyEpoch(1)));
    assert_ne!(skip.digest(1, module, KeyEpoch(1)), skip.digest(2, module, KeyEpoch(1)), "another chain");
    assert_ne!(skip.digest(1, module, KeyEpoch(1)), skip.digest(1, module, KeyEpoch(2)), "another key epoch");
    assert_ne!(skip.digest(1, module, KeyEpoch(1)), skip.digest(1, Address::ZERO, KeyEpoch(1)), "another module");
}

fn message(fields: &Value) -> PufferMessage {
    if fields["skippedIndex"].is_string() {
        let (module_name, index) = (word(&fields["moduleName"]), number(&fields["skippedIndex"]));
        return PufferMessage::Skip { module_name, index };
    }
    if fields["numberOfValidators"].is_string() {
        let (validators, epoch) = (number(&fields["numberOfValidators"]), number(&fields["epochNumber"]));
        return PufferMessage::ValidatorCount { validators, epoch };
    }
    if let Some(validators) = fields["validators"].as_array() {
        return PufferMessage::Withdrawals(validators.iter().map(stopped).collect());
    }
    PufferMessage::Provisioning(Provisioning {
        index: number(&fields["pufferModuleIndex"]),
        pubkey: BlsPubkey::from_slice(&bytes(&fields["pubKey"])),
        signature: bytes(&fields["signature"]).try_into().unwrap(),
        withdrawal_credentials: word(&fields["withdrawalCredentials"]),
        deposit_data_root: word(&fields["depositDataRoot"]),
    })
}

fn stopped(fields: &Value) -> StoppedValidator {
    StoppedValidator {
        module: text(&fields["module"]).parse().unwrap(),
        start_epoch: number(&fields["startEpoch"]),
        end_epoch: number(&fields["endEpoch"]),
        was_slashed: fields["wasSlashed"].as_bool().unwrap(),
        module_name: word(&fields["moduleName"]),
        index: number(&fields["pufferModuleIndex"]),
        withdrawal_amount: number(&fields["withdrawalAmount"]),
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(text(value).trim_start_matches("0x")).unwrap()
}

fn word(value: &Value) -> B256 {
    text(value).parse().unwrap()
}

fn number(value: &Value) -> U256 {
    text(value).parse().unwrap()
}
