//! What the contracts refuse of those who deploy and govern them, each by the name of its own error. `refusals.rs` has
//! orders, reports and triggers.

use crate::{
    anvil::{CHAIN_ID, DEPLOYER, GENESIS},
    support::{
        called::{called, called_by, created},
        committee::Signers,
        world::{REQUESTS, ROOTS, World, words},
    },
};
use alloy::{
    primitives::{Address, B256, Bytes, U256, address},
    sol,
    sol_types::{SolCall, SolValue},
};

type Words = (U256, U256, U256);

sol! {
    struct Sources { address[] vaults; address[] pods; address liabilityToken; }
    function setEjectionThreshold(uint256 threshold) external;
    function setRequester(address requester) external;
    function setReportPeriod(uint64 period) external;
    function setSources(Sources sources) external;
    struct Bounds { uint64 minAssets; uint64 maxAssets; uint64 minLiabilities; uint64 maxLiabilities; uint64 untilSlot; }
    function setBounds(Bounds bounds) external;
    function setGuardians(address[] guardians, bytes[] enclaveKeys, uint256 threshold) external;
    function transferOwnership(address owner) external;
    function acceptOwnership() external;
    function renounceOwnership() external;
    function hashRotation(uint64 keyEpoch, uint256 px, uint256 py) external view returns (bytes32);
    function hashProposal(uint64 keyEpoch, uint64 number, uint256 px, uint256 py) external view returns (bytes32);
    function propose(uint256 px, uint256 py, (uint256, uint256, uint256) byNewKey) external;
    function rotate(uint256 px, uint256 py, (uint256, uint256, uint256) byOldKey, (uint256, uint256, uint256) byNewKey) external;
    function execute() external;
    function veto() external;
    function pause() external;
    function unpause() external;
}

/// Has neither code nor a right.
const STRANGER: Address = address!("0x7777777777777777777777777777777777777777");
const ETHER: u128 = 1_000_000_000_000_000_000;
const DAY: u64 = 86_400;
const NOTHING: Words = (U256::ZERO, U256::ZERO, U256::ZERO);

fn account(byte: u8) -> Address {
    Address::repeat_byte(byte)
}

fn ether(count: u128) -> U256 {
    U256::from(count * ETHER)
}

fn key(signers: &Signers) -> (U256, U256) {
    let (x, y) = signers.group_key().coordinates();
    (U256::from_be_bytes(x), U256::from_be_bytes(y))
}

fn sources(vaults: &[Address], pods: &[Address]) -> Vec<u8> {
    let sources = Sources { vaults: vaults.to_vec(), pods: pods.to_vec(), liabilityToken: Address::ZERO };
    setSourcesCall { sources }.abi_encode()
}

#[tokio::test]
async fn a_contract_that_could_not_serve_is_not_created() {
    let Some(World { anvil, signers, keys, registry, .. }) = World::start().await else { return };
    let (x, y) = key(&signers);
    let group = |x: U256, y: U256, owner: Address, delay: u64| (x, y, owner, DEPLOYER, delay).abi_encode_params();
    let ejections = |keys: Address, threshold: U256, seconds: u64, roots: Address, requests: Address| {
        (keys, DEPLOYER, threshold, ether(31), GENESIS, seconds, roots, requests).abi_encode_params()
    };
    let ceiling = (keys, DEPLOYER, ether(31), ether(32), GENESIS, 2_u64, ROOTS, REQUESTS).abi_encode_params();
    let reserves = |keys: Address, [seconds, period, history]: [u64; 3], roots: Address, bps: u16, vaults: usize| {
        let clock = (GENESIS, seconds, 8_u64, period, DAY, history, roots);
        let sources = (vec![STRANGER; vaults], Vec::<Address>::new(), Address::ZERO);
        (keys, DEPLOYER, clock, bps, sources).abi_encode_params()
    };
    let clock = (GENESIS, 2_u64, 8_u64, 2_u64, DAY, 64_u64, ROOTS);
    let token =
        (keys, DEPLOYER, clock, 500_u16, (Vec::<Address>::new(), Vec::<Address>::new(), keys)).abi_encode_params();
    let module = |keys: Address, registry: Address| (keys, registry, DEPLOYER, 8_u64).abi_encode_params();
    // A day has 5,400 epochs of 16 s, of which four are left for finality and submission.
    let cases = [
        ("GuardianKeys", group(x, y, DEPLOYER, DAY), None),
        ("GuardianKeys", group(x, y, DEPLOYER, DAY - 1), Some("InvalidDelay")),
        ("GuardianKeys", group(x, y, DEPLOYER, 30 * DAY + 1), Some("InvalidDelay")),
        ("GuardianKeys", group(x, y + U256::from(1), DEPLOYER, DAY), Some("InvalidPublicKey")),
        ("GuardianKeys", group(x, y, Address::ZERO, DAY), Some("OwnableInvalidOwner")),
        ("EjectionRegistry", ejections(keys, ether(31), 2, ROOTS, REQUESTS), None),
        ("EjectionRegistry", ejections(STRANGER, ether(31), 2, ROOTS, REQUESTS), Some("KeysWithoutCode")),
        ("EjectionRegistry", ejections(keys, ether(32), 2, ROOTS, REQUESTS), Some("InvalidEjectionThreshold")),
        ("EjectionRegistry", ceiling, Some("InvalidEjectionThreshold")),
        ("EjectionRegistry", ejections(keys, ether(31), 0, ROOTS, REQUESTS), Some("InvalidClock")),
        ("EjectionRegistry", ejections(keys, ether(31), 2, STRANGER, REQUESTS), Some("InvalidClock")),
        ("EjectionRegistry", ejections(keys, ether(31), 2, ROOTS, STRANGER), Some("WithdrawalRequestsWithoutCode")),
        ("ReserveFeed", reserves(keys, [2, 5_396, 64], ROOTS, 10_000, 1), None),
        ("ReserveFeed", reserves(STRANGER, [2, 2, 64], ROOTS, 500, 1), Some("KeysWithoutCode")),
        ("ReserveFeed", reserves(keys, [0, 2, 64], ROOTS, 500, 1), Some("InvalidClock")),
        ("ReserveFeed", reserves(keys, [2, 2, 64], STRANGER, 500, 1), Some("InvalidClock")),
        ("ReserveFeed", reserves(keys, [2, 5_397, 64], ROOTS, 500, 1), Some("InvalidReportPeriod")),
        ("ReserveFeed", reserves(keys, [2, 2, 0], ROOTS, 500, 1), Some("InvalidInterval")),
        ("ReserveFeed", reserves(keys, [2, 2, 64], ROOTS, 0, 1), Some("InvalidMaxChange")),
        ("ReserveFeed", reserves(keys, [2, 2, 64], ROOTS, 10_001, 1), Some("InvalidMaxChange")),
        ("ReserveFeed", reserves(keys, [2, 2, 64], ROOTS, 500, 2), Some("InvalidAccount")),
        ("ReserveFeed", reserves(keys, [2, 2, 64], ROOTS, 500, 65), Some("TooManyAccounts")),
        ("ReserveFeed", token, Some("NotLiabilityToken")),
        ("FrostGuardianModule", module(keys, registry), None),
        ("FrostGuardianModule", module(STRANGER, registry), Some("AccountWithoutCode")),
        ("FrostGuardianModule", module(keys, STRANGER), Some("AccountWithoutCode")),
    ];
    for (number, (name, arguments, expected)) in cases.into_iter().enumerate() {
        let outcome = created(&anvil, name, arguments).await.err();
        assert_eq!(outcome.as_deref(), expected, "{name}, case {number}");
    }
}

#[tokio::test]
async fn each_bad_setting_is_refused_by_name_and_strangers_set_nothing() {
    let Some(World { anvil, keys, registry, feed, .. }) = World::start().await else { return };
    let module = anvil.deploy("FrostGuardianModule", (keys, registry, DEPLOYER, 8_u64).abi_encode_params()).await;
    let threshold = |threshold| setEjectionThresholdCall { threshold }.abi_encode();
    let requester = |requester| setRequesterCall { requester }.abi_encode();
    let period = |period| setReportPeriodCall { period }.abi_encode();
    let many: Vec<Address> = (1..=65).map(account).collect();
    let enclave = |first: u8| Bytes::from([&[first][..], &[7; 64]].concat());
    let guardians = |guardians: &[Address], keys: &[Bytes], threshold: u64| {
        let (guardians, threshold) = (guardians.to_vec(), U256::from(threshold));
        setGuardiansCall { guardians, enclaveKeys: keys.to_vec(), threshold }.abi_encode()
    };
    let (two, their) = ([account(1), account(2)], [enclave(4), enclave(4)]);
    let cases = [
        (registry, threshold(U256::from(1)), None),
        (registry, threshold(U256::ZERO), Some("InvalidEjectionThreshold")),
        (registry, threshold(ether(32)), Some("InvalidEjectionThreshold")),
        (registry, requester(feed), None),
        (registry, requester(STRANGER), Some("RequesterWithoutCode")),
        (feed, period(5_396), None),
        (feed, period(0), Some("InvalidReportPeriod")),
        (feed, period(5_397), Some("InvalidReportPeriod")),
        (feed, sources(&many[..64], &[]), None),
        (feed, sources(&many, &[]), Some("TooManyAccounts")),
        (feed, sources(&[], &many), Some("TooManyAccounts")),
        (feed, sources(&[Address::ZERO], &[]), Some("InvalidAccount")),
        (feed, sources(&[account(1), account(1)], &[]), Some("InvalidAccount")),
        (feed, sources(&[account(1)], &[account(1)]), Some("InvalidAccount")),
        (module, guardians(&two, &their, 2), None),
        (module, guardians(&two, &their, 0), Some("InvalidGuardians")),
        (module, guardians(&two, &their, 3), Some("InvalidGuardians")),
        (module, guardians(&two, &their[..1], 1), Some("InvalidGuardians")),
        (module, guardians(&[account(1); 129], &vec![enclave(4); 129], 2), Some("InvalidGuardians")),
        (module, guardians(&[account(1), account(1)], &their, 2), Some("InvalidGuardian")),
        (module, guardians(&[account(1), Address::ZERO], &their, 2), Some("InvalidGuardian")),
        (module, guardians(&two, &[enclave(4), enclave(2)], 2), Some("InvalidGuardian")),
        (module, guardians(&two, &[enclave(4), Bytes::from([4; 33])], 2), Some("InvalidGuardian")),
    ];
    for (number, (contract, call, expected)) in cases.into_iter().enumerate() {
        let outcome = called(&anvil, contract, call.clone(), 0).await.err();
        assert_eq!(outcome.as_deref(), expected, "case {number}");
        let outcome = called_by(&anvil, STRANGER, contract, call, 0).await.unwrap_err();
        assert_eq!(outcome, "OwnableUnauthorizedAccount", "case {number} by a stranger");
    }
    for contract in [keys, registry, feed, module] {
        let owned = [
            transferOwnershipCall { owner: STRANGER }.abi_encode(),
            acceptOwnershipCall {}.abi_encode(),
            renounceOwnershipCall {}.abi_encode(),
        ];
        for call in owned {
            assert_eq!(called_by(&anvil, STRANGER, contract, call, 0).await.unwrap_err(), "OwnableUnauthorizedAccount");
        }
    }
    let bounds = Bounds { minAssets: 0, maxAssets: 1, minLiabilities: 0, maxLiabilities: 1, untilSlot: 1 };
    let bounds = setBoundsCall { bounds }.abi_encode();
    assert_eq!(called_by(&anvil, STRANGER, feed, bounds, 0).await.unwrap_err(), "OwnableUnauthorizedAccount");
}

#[tokio::test]
async fn a_key_comes_only_from_who_may_with_proof_and_in_time() {
    let Some(World { anvil, signers, keys, .. }) = World::start().await else { return };
    let next = Signers::seeded(CHAIN_ID, 2);
    let (px, py) = key(&next);
    let digest = called(&anvil, keys, hashRotationCall { keyEpoch: 2, px, py }.abi_encode(), 0).await.unwrap();
    let by = |signers: &Signers, seed| {
        let signature = words(&signers.signature(seed, B256::from_slice(&digest)));
        (signature.rx, signature.ry, signature.z)
    };
    let propose = |px, py, by_new_key| proposeCall { px, py, byNewKey: by_new_key }.abi_encode();
    let rotate =
        |py, by_old_key, by_new_key| rotateCall { px, py, byOldKey: by_old_key, byNewKey: by_new_key }.abi_encode();
    let proof = hashProposalCall { keyEpoch: 2, number: 1, px, py }.abi_encode();
    let proof = words(&next.signature(3, B256::from_slice(&called(&anvil, keys, proof, 0).await.unwrap())));
    let (off, good) = (py + U256::from(1), propose(px, py, (proof.rx, proof.ry, proof.z)));
    let (pause, veto) = (pauseCall {}.abi_encode(), vetoCall {}.abi_encode());
    let execute = || executeCall {}.abi_encode();
    let refused = async |by: Address, call: Vec<u8>| called_by(&anvil, by, keys, call, 0).await.unwrap_err();

    for (call, name) in [
        (propose(px, off, by(&next, 4)), "InvalidPublicKey"),
        (propose(U256::ZERO, py, NOTHING), "InvalidPublicKey"),
        (propose(px, py, NOTHING), "InvalidProofOfPossession"),
        (propose(px, py, by(&signers, 5)), "InvalidProofOfPossession"),
        (rotate(off, by(&signers, 6), by(&next, 7)), "InvalidPublicKey"),
        (rotate(py, by(&signers, 8), NOTHING), "InvalidProofOfPossession"),
        (rotate(py, by(&next, 9), by(&next, 10)), "InvalidSignature"),
    ] {
        assert_eq!(refused(DEPLOYER, call).await, name);
    }
    for (call, name) in [
        (good.clone(), "OwnableUnauthorizedAccount"),
        (unpauseCall {}.abi_encode(), "NotPaused"),
        (pause.clone(), "NotGovernorOrVetoer"),
        (veto, "NotGovernorOrVetoer"),
    ] {
        assert_eq!(refused(STRANGER, call).await, name);
    }
    anvil.transact(Some(keys), good.clone()).await;
    // Or some seconds later.
    let proposed = GENESIS + 203;
    assert_eq!(refused(DEPLOYER, good).await, "ProposalWaits");
    anvil.mine_at(proposed + DAY - 60).await;
    assert_eq!(refused(STRANGER, execute()).await, "ProposalNotReady");
    anvil.mine_at(proposed + 2 * DAY).await;
    called_by(&anvil, STRANGER, keys, execute(), 0).await.unwrap();
    anvil.mine_at(proposed + 16 * DAY).await;
    assert_eq!(refused(STRANGER, execute()).await, "ProposalExpired");
    anvil.transact(Some(keys), pause).await;
    assert_eq!(refused(STRANGER, unpauseCall {}.abi_encode()).await, "OwnableUnauthorizedAccount");
}
