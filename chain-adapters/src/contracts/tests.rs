//! The hand-stated interfaces against the compiled contracts, and the digests against an independent EIP-712.

use super::{
    ejection::EjectionRegistry,
    guardian_module::GuardianModule,
    keys::GuardianKeys,
    protocol::PufferProtocol,
    reference::BeaconClock,
    refusals::Refusals,
    reserves::{ReserveFeed, ReserveProxy},
    validator_count::PufferOracleV2,
    *,
};
use alloy::{
    primitives::{LogData, hex, keccak256},
    sol_types::{SolCall, SolError, SolEvent, SolStruct, eip712_domain},
};
use guardian_protocol::{
    DigestDomain, Ejection, EjectionOrder, EjectionReason, Epoch, Gwei, KeyEpoch, ReserveReport, Slot, ValidatorIndex,
    testing::contracts,
};
use rand_chacha::{
    ChaCha20Rng,
    rand_core::{RngCore, SeedableRng},
};
use std::path::Path;

fn contract(kind: DutyKind) -> Address {
    *contracts().duties.get(kind).unwrap()
}

mod eip712 {
    //! The signed structs as the contracts name them; for the test alone, since the protocol has its own digests.
    use alloy::sol;

    sol! {
        struct EjectionOrder {
            uint64 keyEpoch;
            uint64 referenceSlot;
            bytes32 referenceRoot;
            bytes ejections;
        }

        struct ReserveReport {
            uint64 keyEpoch;
            uint64 referenceSlot;
            bytes32 referenceRoot;
            uint64 sourcesVersion;
            uint64 validatorCount;
            uint64 validatorGwei;
            uint64 podGwei;
            uint64 vaultGwei;
            uint64 pendingGwei;
            uint64 liabilityGwei;
            uint64 supplyGwei;
        }
    }
}

fn duty(rng: &mut ChaCha20Rng, body: DutyBody) -> Duty {
    let mut root = [0; 32];
    rng.fill_bytes(&mut root);
    Duty {
        key_epoch: KeyEpoch(rng.next_u64()),
        period: Epoch(0),
        reference_slot: Slot(rng.next_u64()),
        reference_root: root.into(),
        body,
    }
}

fn order(rng: &mut ChaCha20Rng) -> EjectionOrder {
    let count = 1 + rng.next_u64() % 20;
    let mut ejections = Vec::new();
    for place in 0..count {
        let mut pubkey = [0; 48];
        rng.fill_bytes(&mut pubkey);
        let index = ValidatorIndex(place * 1000 + rng.next_u64() % 1000);
        ejections.push(Ejection { index, pubkey: pubkey.into(), reason: EjectionReason::Slashed });
    }
    EjectionOrder::new(ejections).unwrap()
}

#[test]
fn an_independent_eip_712_computes_the_protocols_digests() {
    let mut rng = ChaCha20Rng::seed_from_u64(712);
    for _ in 0..50 {
        let chain_id = rng.next_u64();
        let domain = DigestDomain::new(chain_id, contracts());
        let separate = |contract: Address| {
            eip712_domain! { name: "Puffer Guardian", version: "1", chain_id: chain_id, verifying_contract: contract, }
        };
        let order = order(&mut rng);
        let duty = self::duty(&mut rng, DutyBody::Ejection(order.clone()));
        let expected = eip712::EjectionOrder {
            keyEpoch: duty.key_epoch.0,
            referenceSlot: duty.reference_slot.0,
            referenceRoot: duty.reference_root,
            ejections: order.packed().into(),
        };
        let verifier = separate(contract(DutyKind::Ejection));
        assert_eq!(domain.digest(&duty), Some(expected.eip712_signing_hash(&verifier)));

        let mut gwei = || Gwei(rng.next_u64());
        let [validators, pods, vaults, pending, liabilities, supply] = std::array::from_fn(|_| gwei());
        let (sources_version, validator_count) = (rng.next_u64(), rng.next_u64());
        let report =
            ReserveReport { sources_version, validator_count, validators, pods, vaults, pending, liabilities, supply };
        let duty = self::duty(&mut rng, DutyBody::Reserves(report));
        let expected = eip712::ReserveReport {
            keyEpoch: duty.key_epoch.0,
            referenceSlot: duty.reference_slot.0,
            referenceRoot: duty.reference_root,
            sourcesVersion: report.sources_version,
            validatorCount: report.validator_count,
            validatorGwei: report.validators.0,
            podGwei: report.pods.0,
            vaultGwei: report.vaults.0,
            pendingGwei: report.pending.0,
            liabilityGwei: report.liabilities.0,
            supplyGwei: report.supply.0,
        };
        let verifier = separate(contract(DutyKind::Reserves));
        assert_eq!(domain.digest(&duty), Some(expected.eip712_signing_hash(&verifier)));
    }
}

/// The compiled contract's functions and errors by selector, and events by topic.
fn compiled(name: &str) -> Option<Vec<String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../contracts/out/{name}.sol/{name}.json"));
    let artifact: serde_json::Value = serde_json::from_slice(&std::fs::read(path).ok()?).unwrap();
    let entries = artifact["abi"].as_array().unwrap().iter().filter(|entry| entry["name"].is_string());
    Some(entries.map(|entry| format!("{} {}", entry["type"].as_str().unwrap(), signature(entry))).collect())
}

fn signature(entry: &serde_json::Value) -> String {
    let inputs: Vec<String> = entry["inputs"].as_array().unwrap().iter().map(type_name).collect();
    format!("{}({})", entry["name"].as_str().unwrap(), inputs.join(","))
}

fn type_name(input: &serde_json::Value) -> String {
    let kind = input["type"].as_str().unwrap();
    match (kind.strip_prefix("tuple"), input["components"].as_array()) {
        (Some(array), Some(parts)) => {
            format!("({}){array}", parts.iter().map(type_name).collect::<Vec<_>>().join(","))
        }
        _ => kind.to_owned(),
    }
}

/// The compiled contract, and the functions and events that we name.
const INTERFACES: [(&str, &[&str], &[&str]); 7] = [
    (
        "GuardianKeys",
        &[
            GuardianKeys::groupKeyCall::SIGNATURE,
            GuardianKeys::keyEpochCall::SIGNATURE,
            GuardianKeys::rotateCall::SIGNATURE,
            GuardianKeys::isPausedCall::SIGNATURE,
            GuardianKeys::proposalCall::SIGNATURE,
            GuardianKeys::vetoSignedCall::SIGNATURE,
        ],
        &[],
    ),
    (
        "EjectionRegistry",
        &[
            EjectionRegistry::submitOrderCall::SIGNATURE,
            EjectionRegistry::getEjectionThresholdCall::SIGNATURE,
            EjectionRegistry::lastReferenceSlotCall::SIGNATURE,
            BeaconClock::proveReferenceCall::SIGNATURE,
        ],
        &[EjectionRegistry::ValidatorEjected::SIGNATURE],
    ),
    (
        "ReserveFeed",
        &[
            ReserveFeed::submitReportCall::SIGNATURE,
            ReserveFeed::reportPeriodEpochsCall::SIGNATURE,
            ReserveFeed::getSourcesCall::SIGNATURE,
            ReserveFeed::sourcesVersionCall::SIGNATURE,
            ReserveFeed::deviationBpsCall::SIGNATURE,
            ReserveFeed::tryReadCall::SIGNATURE,
            ReserveFeed::lastReferenceSlotCall::SIGNATURE,
            BeaconClock::proveReferenceCall::SIGNATURE,
        ],
        &[],
    ),
    ("ReserveProxy", &[ReserveProxy::feedCall::SIGNATURE], &[]),
    (
        "FrostGuardianModule",
        &[GuardianModule::getGuardiansCall::SIGNATURE, GuardianModule::getThresholdCall::SIGNATURE],
        &[],
    ),
    (
        "DevnetOracle",
        &[
            PufferOracleV2::setTotalNumberOfValidatorsCall::SIGNATURE,
            PufferOracleV2::getTotalNumberOfValidatorsCall::SIGNATURE,
            PufferOracleV2::getNumberOfActiveValidatorsCall::SIGNATURE,
        ],
        &[],
    ),
    (
        "DevnetPuffer",
        &[PufferProtocol::PUFFER_ORACLECall::SIGNATURE],
        &[PufferProtocol::SuccessfullyProvisioned::SIGNATURE, PufferProtocol::ValidatorExited::SIGNATURE],
    ),
];

#[test]
fn the_interfaces_are_those_of_the_compiled_contracts() {
    let mut errors = Vec::new();
    for (name, functions, events) in INTERFACES {
        let Some(compiled) = compiled(name) else {
            println!("skipped: {name} is not compiled (contracts/out is absent)");
            return;
        };
        for function in functions {
            assert!(compiled.contains(&format!("function {function}")), "{name} has no {function}");
        }
        for event in events {
            assert!(compiled.contains(&format!("event {event}")), "{name} has no {event}");
        }
        errors.extend(compiled.into_iter().filter(|entry| entry.starts_with("error ")));
    }
    let refusals = Refusals::RefusalsErrors::SELECTORS.iter();
    let refusals = refusals.chain(PufferOracleV2::PufferOracleV2Errors::SELECTORS);
    for selector in refusals.chain(GuardianKeys::GuardianKeysErrors::SELECTORS) {
        let known = |entry: &String| keccak256(entry.strip_prefix("error ").unwrap())[..4] == *selector;
        assert!(errors.iter().any(known), "no contract has the error {}", hex::encode(selector));
    }
}

#[test]
fn topics_are_those_of_puffers_protocol() {
    let provisioned = "96cbbd073e24b0a7d0cab7dc347c239e52be23c1b44ce240b3b929821fed19a4";
    let exited = "f435da9e3aeccc40d39fece7829f9941965ceee00d31fa7a89d608a273ea906e";
    assert_eq!(hex::encode(protocol::TOPICS[0]), provisioned);
    assert_eq!(hex::encode(protocol::TOPICS[1]), exited);
}

#[test]
fn refusals_are_told_by_name_and_value() {
    let stale = Refusals::StaleReferenceSlot { given: 1, last: 2 }.abi_encode();
    assert_eq!(refusal(&stale), Some(Refusal::Stale));
    let epoch = Refusals::WrongKeyEpoch { given: 1, current: 2 }.abi_encode();
    assert_eq!(refusal(&epoch), Some(Refusal::Other("WrongKeyEpoch { given: 1, current: 2 }".to_owned())));
    assert_eq!(refusal(&[]), None);
    assert_eq!(refusal(&[1, 2, 3, 4]), None);
}

fn log(address: Address, data: LogData) -> Log {
    Log { address, data }
}

#[test]
fn events_count_only_from_the_contract_that_has_them() {
    let key = BlsPubkey::repeat_byte(9);
    let provisioned = PufferProtocol::SuccessfullyProvisioned {
        pubKey: Bytes::copy_from_slice(key.as_slice()),
        pufferModuleIndex: U256::ZERO,
        moduleName: B256::ZERO,
    };
    let data = provisioned.encode_log_data();
    assert_eq!(
        event(&contracts(), &log(contracts().protocol, data.clone())),
        Ok(Some(ProtocolEvent::Provisioned(key)))
    );
    assert_eq!(event(&contracts(), &log(contract(DutyKind::Ejection), data)), Ok(None));
    let ordered = EjectionRegistry::ValidatorEjected {
        validatorIndex: 3,
        pubkeyHead: B256::repeat_byte(9),
        tailSlotReason: B256::from_slice(&[&[9; 16][..], &24_u64.to_be_bytes(), &[0; 7], &[1]].concat()),
    };
    assert_eq!(
        event(&contracts(), &log(contract(DutyKind::Ejection), ordered.encode_log_data())),
        Ok(Some(ProtocolEvent::Ordered { pubkey: key, reference_slot: Slot(24) }))
    );
}

#[test]
fn a_log_that_holds_no_public_key_is_an_error() {
    let exited = PufferProtocol::ValidatorExited {
        pubKey: Bytes::from_static(&[9; 47]),
        pufferModuleIndex: U256::ZERO,
        moduleName: B256::ZERO,
        pufETHBurnAmount: U256::ZERO,
        vtBurnAmount: U256::ZERO,
    };
    let mut data = exited.encode_log_data();
    assert!(event(&contracts(), &log(contracts().protocol, data.clone())).unwrap_err().contains("47 bytes"));
    data.data = data.data.slice(..data.data.len() - 1);
    assert!(event(&contracts(), &log(contracts().protocol, data)).is_err());
}
