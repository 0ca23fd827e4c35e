//! A contract with PufferProtocol's call pattern, the group's module, and signatures over digests that were computed in Rust.

use crate::{
    anvil::{Anvil, CHAIN_ID, DEPLOYER, GENESIS},
    support::{called::called, committee::Signers},
};
use alloy::{
    primitives::{Address, B256, Bytes, FixedBytes, U256, address},
    sol,
    sol_types::{SolCall, SolValue},
};
use guardian_protocol::{
    BlsPubkey, KeyEpoch,
    testing::{LegacyModule, Provisioning, PufferMessage, StoppedValidator},
};
use serde_json::json;

sol! {
    struct StoppedValidatorInfo {
        address module; uint256 startEpoch; uint256 endEpoch; bool wasSlashed; bytes32 moduleName;
        uint256 pufferModuleIndex; uint256 withdrawalAmount;
    }
    function registerValidatorKey(bytes32 moduleName, bytes pubKey, bytes[] shares) external;
    function provisionNode(bytes32 moduleName, bytes[] signatures, bytes validatorSignature, bytes32 depositDataRoot) external;
    function skipProvisioning(bytes32 moduleName, bytes[] signatures) external;
    function batchHandleWithdrawals(StoppedValidatorInfo[] infos, bytes[] signatures) external;
    function setTotalNumberOfValidators(uint256 validators, uint256 epochNumber, bytes[] signatures) external;
    function rotate(uint256 px, uint256 py, (uint256, uint256, uint256) byOldKey, (uint256, uint256, uint256) byNewKey) external;
    function setCallers(address protocol, address oracle) external;
    function setGuardians(address[] guardians, bytes[] enclaveKeys, uint256 threshold) external;
    function hashRotation(uint64 keyEpoch, uint256 px, uint256 py) external view returns (bytes32);
    // The ABI encodings that Puffer's own modules hash.
    function encodeProvisioning(uint256 index, bytes pubKey, bytes credentials, bytes signature, bytes32 root) external;
    function encodeSkip(bytes32 moduleName, uint256 index) external;
    function encodeWithdrawals(StoppedValidatorInfo[] infos) external;
    function encodeBound(address module, uint256 chainId, StoppedValidatorInfo[] infos) external;
}

const NAME: B256 = B256::new(*b"PUFFER_MODULE_0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
const POD: Address = address!("0x9090909090909090909090909090909090909090");
const DEPOSIT_ROOT: B256 = B256::repeat_byte(0xdd);

fn provisioning(index: u8) -> PufferMessage {
    PufferMessage::Provisioning(Provisioning {
        index: U256::from(index),
        pubkey: BlsPubkey::repeat_byte(index),
        signature: [0xee; 96],
        withdrawal_credentials: FixedBytes::<12>::new([1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]).concat_const(POD.0),
        deposit_data_root: DEPOSIT_ROOT,
    })
}

fn stopped(index: u8) -> StoppedValidator {
    StoppedValidator {
        module: POD,
        start_epoch: U256::from(1000),
        end_epoch: U256::from(2000),
        was_slashed: index == 2,
        module_name: NAME,
        index: U256::from(index),
        withdrawal_amount: U256::from(31_980_000_000_000_000_000_u128),
    }
}

fn info(validator: StoppedValidator) -> StoppedValidatorInfo {
    StoppedValidatorInfo {
        module: validator.module,
        startEpoch: validator.start_epoch,
        endEpoch: validator.end_epoch,
        wasSlashed: validator.was_slashed,
        moduleName: validator.module_name,
        pufferModuleIndex: validator.index,
        withdrawalAmount: validator.withdrawal_amount,
    }
}

struct World {
    anvil: Anvil,
    keys: Address,
    module: Address,
    puffer: Address,
}

impl World {
    async fn start(signers: &Signers) -> Option<Self> {
        let anvil = Anvil::start().await?;
        let (x, y) = signers.group_key().coordinates();
        let key = (U256::from_be_bytes(x), U256::from_be_bytes(y));
        let keys =
            anvil.deploy("GuardianKeys", (key.0, key.1, DEPLOYER, DEPLOYER, 86_400_u64).abi_encode_params()).await;
        let (threshold, none) = (U256::from(31_750_000_000_000_000_000_u128), Address::ZERO);
        // Old enough that the epochs of the counts have come.
        let genesis = GENESIS - 400_002 * 16;
        let registry = (keys, DEPLOYER, threshold, threshold, genesis, 2_u64, none, none).abi_encode_params();
        let registry = anvil.deploy("EjectionRegistry", registry).await;
        let module = anvil.deploy("FrostGuardianModule", (keys, registry, DEPLOYER, 8_u64).abi_encode_params()).await;
        let puffer = anvil.deploy("MinimalPuffer", (module, POD).abi_encode_params()).await;
        let guardians = setGuardiansCall {
            guardians: vec![DEPLOYER],
            enclaveKeys: vec![[&[4][..], &[7; 64]].concat().into()],
            threshold: U256::from(1),
        };
        anvil.transact(Some(module), guardians.abi_encode()).await;
        anvil.transact(Some(module), setCallersCall { protocol: puffer, oracle: puffer }.abi_encode()).await;
        for index in 0..3_u8 {
            let (pub_key, shares) = (Bytes::from([index; 48]), vec![Bytes::new()]);
            let call = registerValidatorKeyCall { moduleName: NAME, pubKey: pub_key, shares };
            anvil.transact(Some(puffer), call.abi_encode()).await;
        }
        Some(Self { anvil, keys, module, puffer })
    }

    /// The list that Puffer's contracts pass on: one entry, the group's.
    fn signed(&self, signers: &Signers, epoch: u64, digest: B256) -> Vec<Bytes> {
        let signature = signers.signature(epoch, digest);
        vec![[&epoch.to_be_bytes()[..], &signature.rx(), &signature.ry(), &signature.z()].concat().into()]
    }

    fn digest(&self, message: &PufferMessage, epoch: u64) -> B256 {
        message.digest(CHAIN_ID, self.module, KeyEpoch(epoch))
    }

    async fn refused(&self, call: Vec<u8>) -> String {
        called(&self.anvil, self.puffer, call, 0).await.unwrap_err()
    }
}

/// The four calls with a list of signatures each.
fn calls(signatures: &[Bytes]) -> [Vec<u8>; 4] {
    let list = || signatures.to_vec();
    [
        provisionNodeCall {
            moduleName: NAME,
            signatures: list(),
            validatorSignature: [0xee; 96].into(),
            depositDataRoot: DEPOSIT_ROOT,
        }
        .abi_encode(),
        skipProvisioningCall { moduleName: NAME, signatures: list() }.abi_encode(),
        batchHandleWithdrawalsCall { infos: vec![info(stopped(0))], signatures: list() }.abi_encode(),
        setTotalNumberOfValidatorsCall {
            validators: U256::from(1_012_345),
            epochNumber: U256::from(400_000),
            signatures: list(),
        }
        .abi_encode(),
    ]
}

/// In the order of [`calls`], each as it is due: the first validator provisioned, the second skipped, the first settled.
fn messages() -> [PufferMessage; 4] {
    [
        provisioning(0),
        PufferMessage::Skip { module_name: NAME, index: U256::from(1) },
        PufferMessage::Withdrawals(vec![stopped(0)]),
        PufferMessage::ValidatorCount { validators: U256::from(1_012_345), epoch: U256::from(400_000) },
    ]
}

#[tokio::test]
async fn puffers_callers_accept_the_groups_signature_and_nothing_like_it() {
    let signers = Signers::new(CHAIN_ID);
    let Some(world) = World::start(&signers).await else { return };
    let messages = messages();
    for (due, message) in messages.iter().enumerate() {
        // Another message's signature, another chain's, another module's.
        for (other, message) in messages.iter().enumerate().filter(|(other, _)| *other != due) {
            let list = world.signed(&signers, 1, world.digest(message, 1));
            assert_eq!(world.refused(calls(&list)[due].clone()).await, "InvalidSignature", "{other} for {due}");
        }
        for elsewhere in [message.digest(1, world.module, KeyEpoch(1)), message.digest(CHAIN_ID, POD, KeyEpoch(1))] {
            let list = world.signed(&signers, 1, elsewhere);
            assert_eq!(world.refused(calls(&list)[due].clone()).await, "InvalidSignature");
        }
        assert_eq!(world.refused(calls(&[])[due].clone()).await, "NotOneSignature");
        assert_eq!(world.refused(calls(&[Bytes::from([0; 65])])[due].clone()).await, "MalformedSignature");
        let list = world.signed(&signers, 1, world.digest(message, 1));
        world.anvil.transact(Some(world.puffer), calls(&list)[due].clone()).await;
        // The same again: the caller's own state has moved on.
        let again = world.refused(calls(&list)[due].clone()).await;
        let expected = ["InvalidSignature", "InvalidSignature", "InvalidValidatorState", "InvalidUpdate"][due];
        assert_eq!(again, expected);
    }
}

#[tokio::test]
async fn what_an_earlier_key_signed_counts_no_more() {
    let (old, new) = (Signers::new(CHAIN_ID), Signers::seeded(CHAIN_ID, 2));
    let Some(world) = World::start(&old).await else { return };
    let signed = world.signed(&old, 1, world.digest(&messages()[0], 1));
    called(&world.anvil, world.puffer, calls(&signed)[0].clone(), 0).await.unwrap();
    let (px, py) = new.group_key().coordinates();
    let (px, py) = (U256::from_be_bytes(px), U256::from_be_bytes(py));
    let digest = called(&world.anvil, world.keys, hashRotationCall { keyEpoch: 2, px, py }.abi_encode(), 0).await;
    let digest = B256::from_slice(&digest.unwrap());
    let word = |bytes| U256::from_be_bytes::<32>(bytes);
    let by = |signers: &Signers| {
        let signature = signers.signature(9, digest);
        (word(signature.rx()), word(signature.ry()), word(signature.z()))
    };
    let rotation = rotateCall { px, py, byOldKey: by(&old), byNewKey: by(&new) };
    world.anvil.transact(Some(world.keys), rotation.abi_encode()).await;
    assert_eq!(world.refused(calls(&signed)[0].clone()).await, "WrongKeyEpoch");
    let renamed = world.signed(&old, 2, world.digest(&messages()[0], 2));
    assert_eq!(world.refused(calls(&renamed)[0].clone()).await, "InvalidSignature");
    let fresh = world.signed(&new, 2, world.digest(&messages()[0], 2));
    called(&world.anvil, world.puffer, calls(&fresh)[0].clone(), 0).await.unwrap();
    assert_eq!(world.anvil.call("eth_chainId", json!([])).await, "0x7a69");
}

/// Puffer's own digests, against alloy's encoder of the ABI.
#[test]
fn legacy_digests_are_those_of_an_independent_encoder() {
    let personal = |call: Vec<u8>| alloy::primitives::eip191_hash_message(alloy::primitives::keccak256(&call[4..]));
    let PufferMessage::Provisioning(p) = provisioning(7) else { panic!() };
    let encoded = encodeProvisioningCall {
        index: p.index,
        pubKey: Bytes::copy_from_slice(p.pubkey.as_slice()),
        credentials: Bytes::copy_from_slice(p.withdrawal_credentials.as_slice()),
        signature: p.signature.into(),
        root: p.deposit_data_root,
    };
    assert_eq!(provisioning(7).legacy_digest(LegacyModule::Deployed), personal(encoded.abi_encode()));
    let skip = PufferMessage::Skip { module_name: NAME, index: U256::from(1) };
    let encoded = encodeSkipCall { moduleName: NAME, index: U256::from(1) };
    assert_eq!(skip.legacy_digest(LegacyModule::Deployed), personal(encoded.abi_encode()));
    for count in [0_u8, 1, 3] {
        let validators: Vec<StoppedValidator> = (0..count).map(stopped).collect();
        let infos: Vec<StoppedValidatorInfo> = validators.iter().copied().map(info).collect();
        let message = PufferMessage::Withdrawals(validators);
        let encoded = encodeWithdrawalsCall { infos: infos.clone() };
        assert_eq!(message.legacy_digest(LegacyModule::Deployed), personal(encoded.abi_encode()));
        let encoded = encodeBoundCall { module: POD, chainId: U256::from(5), infos };
        let bound = LegacyModule::Bound { module: POD, chain_id: 5 };
        assert_eq!(message.legacy_digest(bound), personal(encoded.abi_encode()));
    }
}
