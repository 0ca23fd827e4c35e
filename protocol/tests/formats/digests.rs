//! Digests: the vectors that the contracts and an independent generator check too.

use super::committee::{order, report};
use alloy_primitives::{Address, B256};
use guardian_protocol::{
    BlsPubkey, Contracts, DigestDomain, Duty, DutyBody, DutyKind, Ejection, EjectionOrder, EjectionReason, Epoch, Gwei,
    KeyEpoch, KeyVeto, ReserveReport, Slot, ValidatorIndex, testing::contracts,
};
use serde_json::Value;
use std::{fs, path::PathBuf};

#[test]
fn digests_are_those_of_the_contracts() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../contracts/test/vectors/digests.json");
    let vectors: Vec<Value> = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let mut checked = 0;
    for vector in &vectors {
        let Some(duty) = duty(vector) else { continue };
        let contract: Address = text(vector, "/verifyingContract").parse().unwrap();
        let contracts = everywhere(contract);
        let domain = DigestDomain::new(number(vector, "/chainId"), contracts);
        let expected: B256 = text(vector, "/digest").parse().unwrap();
        assert_eq!(domain.digest(&duty), Some(expected), "{}", text(vector, "/name"));
        checked += 1;
    }
    assert!(checked >= 8, "only {checked} vectors concern duties");
}

/// All duties go to `contract`.
fn everywhere(contract: Address) -> Contracts {
    let duties = DutyKind::ALL.into_iter().map(|kind| (kind, contract)).collect();
    Contracts { guardian_keys: contract, duties, ..contracts() }
}

/// The duty of a vector; `None` for types that are no duties.
fn duty(vector: &Value) -> Option<Duty> {
    let body = match text(vector, "/type").split('(').next().unwrap() {
        "EjectionOrder" => DutyBody::Ejection(unpack(&text(vector, "/fields/ejections"))),
        "ReserveReport" => DutyBody::Reserves(ReserveReport {
            validator_count: number(vector, "/fields/validatorCount"),
            validators: Gwei(number(vector, "/fields/validatorGwei")),
            pods: Gwei(number(vector, "/fields/podGwei")),
            vaults: Gwei(number(vector, "/fields/vaultGwei")),
            pending: Gwei(number(vector, "/fields/pendingGwei")),
            liabilities: Gwei(number(vector, "/fields/liabilityGwei")),
            supply: Gwei(number(vector, "/fields/supplyGwei")),
            sources_version: number(vector, "/fields/sourcesVersion"),
        }),
        "KeyVeto" => DutyBody::KeyVeto(KeyVeto { proposal: number(vector, "/fields/proposal") }),
        _ => return None,
    };
    // A veto is of a proposal, and of no reference.
    let reference = |field: &str| vector.pointer(field).and_then(Value::as_str).unwrap_or_default();
    Some(Duty {
        key_epoch: KeyEpoch(number(vector, "/fields/keyEpoch")),
        period: Epoch(0),
        reference_slot: Slot(reference("/fields/referenceSlot").parse().unwrap_or_default()),
        reference_root: reference("/fields/referenceRoot").parse().unwrap_or_default(),
        body,
    })
}

fn unpack(packed: &str) -> EjectionOrder {
    let bytes = hex::decode(packed.trim_start_matches("0x")).unwrap();
    let ejections = bytes
        .chunks(57)
        .map(|entry| Ejection {
            index: ValidatorIndex(u64::from_be_bytes(entry[..8].try_into().unwrap())),
            pubkey: BlsPubkey::from_slice(&entry[8..56]),
            reason: match entry[56] {
                1 => EjectionReason::LowBalance,
                2 => EjectionReason::Slashed,
                3 => EjectionReason::Offline,
                4 => EjectionReason::TicketsSpent,
                5 => EjectionReason::ModuleSlashed,
                other => panic!("reason {other} is not one of ours"),
            },
        })
        .collect();
    let order = EjectionOrder::new(ejections).unwrap();
    assert_eq!(order.packed(), bytes, "packing is the inverse");
    order
}

fn text(value: &Value, pointer: &str) -> String {
    let found = value.pointer(pointer).unwrap_or_else(|| panic!("no {pointer}"));
    found.as_str().map_or_else(|| found.to_string(), str::to_owned)
}

fn number(value: &Value, pointer: &str) -> u64 {
    text(value, pointer).parse().unwrap()
}

#[test]
fn every_field_changes_the_digest() {
    let domain = DigestDomain::new(1, contracts());
    for duty in [order(), report()] {
        let digest = domain.digest(&duty);
        let changed = [
            Duty { key_epoch: KeyEpoch(2), ..duty.clone() },
            Duty { reference_slot: Slot(73), ..duty.clone() },
            Duty { reference_root: [6; 32].into(), ..duty.clone() },
        ];
        for other in changed {
            assert_ne!(domain.digest(&other), digest);
        }
        assert_ne!(DigestDomain::new(2, contracts()).digest(&duty), digest, "another chain");
        let elsewhere = DigestDomain::new(1, everywhere([9; 20].into()));
        assert!(elsewhere.digest(&duty).is_some_and(|other| Some(other) != digest), "another contract");
        let mut without = contracts();
        without.duties.remove(duty.kind());
        assert_eq!(DigestDomain::new(1, without).digest(&duty), None, "no contract, nothing to sign");
    }
}
