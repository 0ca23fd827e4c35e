//! Proofs of single validators: as the contracts' tests read them (`contracts/test/vectors/beacon_proofs.json`), made here from a
//! synthetic state and the same as the file (`GUARDIAN_WRITE_VECTORS=1` writes the file instead); and as a contract on a real EVM
//! checks them, against a root that the predeployed contract of EIP-4788 has.

use abi::ValidatorReader::{self, ValidatorReaderErrors};
use alloy::{
    network::TransactionBuilder,
    primitives::{Address, B256, Bytes, U256, address, hex},
    providers::{DynProvider, Provider, ProviderBuilder},
    rpc::types::{TransactionReceipt, TransactionRequest},
};
use guardian_chain::state::{
    Branch, MAINNET, MINIMAL, ProvedState, StateError, StateProver, ValidatorProof, Wanted, WarmCache,
};
use guardian_protocol::BlsPubkey;
use guardian_tests::{
    devnet::process::{Process, anvil, free_port, tool},
    synthetic::{Synthetic, validator::Registry},
};
use serde_json::{Value, json};
use std::time::Duration;
use tempfile::TempDir;

#[allow(missing_docs, clippy::allow_attributes_without_reason, reason = "generated from the interface")]
mod abi {
    alloy::sol! {
        #[sol(rpc)]
        interface ValidatorReader {
            #[derive(Debug)]
            error WrongProof();
            #[derive(Debug)]
            error UnknownBeaconRoot(uint64 timestamp);
            function balanceAt(uint64 timestamp, uint64 index, bytes32 chunk, bytes calldata siblings) external view returns (uint64);
            function isValidator(uint64 timestamp, uint64 index, bytes32 record, bytes calldata siblings) external view returns (bool);
        }
    }
}

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../contracts/test/vectors/beacon_proofs.json");
/// In the first group of the registry's tree, at group ends, and the last validator.
const INDICES: [u64; 6] = [0, 3, 255, 256, 700, 1233];
/// Where EIP-4788 has its contract, and who alone may tell it a root.
const ROOTS: Address = address!("0x000F3df6D732807Ef1319fB7B8bB8522d0Beac02");
const SYSTEM: Address = address!("0xfffffffffffffffffffffffffffffffffffffffe");
/// How many roots it keeps.
const RING: u64 = 8191;
/// When the block comes that tells the root, in Unix time.
const TIME: u64 = 2_000_000_000;

fn branch(branch: &Branch) -> Value {
    let siblings: Vec<u8> = branch.siblings.iter().flat_map(|sibling| sibling.0).collect();
    let gindex = branch.gindex.to_string();
    json!({ "gindex": gindex, "leaf": branch.leaf, "siblings": hex::encode_prefixed(siblings) })
}

/// `state`, with proofs of all at [`INDICES`].
fn proved(state: &Synthetic) -> ProvedState {
    let keys = INDICES.map(|index| BlsPubkey::from(state.registry.pubkey(index)));
    let wanted = Wanted::validators(keys).with_proofs(keys);
    let mut prover = StateProver::new(state.fork, state.preset, None, wanted, WarmCache::default()).unwrap();
    prover.feed(&state.bytes()).unwrap();
    prover.finish().0.unwrap()
}

fn made() -> Value {
    let registry = Registry { seed: 3, epoch: 7 };
    let state = Synthetic { fork: "electra", preset: MINIMAL, validators: 1234, registry, skipped: false, lie: 0 };
    let keys = INDICES.map(|index| BlsPubkey::from(registry.pubkey(index)));
    let proved = proved(&state);
    let proofs = keys.iter().zip(INDICES).map(|(key, index)| {
        let proof = proved.proof(key).unwrap();
        assert_eq!(proof.index.0, index);
        for branch in [&proof.validator, &proof.balance] {
            assert_eq!(branch.root(), Some(proof.block_root));
        }
        json!({
            "index": index, "gwei": registry.validator(index).balance, "fields": proof.fields,
            "validator": branch(&proof.validator), "balance": branch(&proof.balance),
        })
    });
    let proofs: Vec<Value> = proofs.collect();
    json!({ "block_root": hex::encode_prefixed(proved.block_root()), "fork": "electra", "proofs": proofs })
}

#[test]
fn proofs_are_those_that_the_contracts_are_tested_with() {
    let made = made();
    if std::env::var_os("GUARDIAN_WRITE_VECTORS").is_some() {
        std::fs::write(FILE, format!("{:#}\n", made)).unwrap();
    }
    let kept: Value = serde_json::from_str(&std::fs::read_to_string(FILE).unwrap()).unwrap();
    assert_eq!(made, kept, "hint: GUARDIAN_WRITE_VECTORS=1 writes the file anew");
}

#[test]
fn a_validator_that_was_not_wanted_with_a_proof_has_none() {
    let registry = Registry { seed: 3, epoch: 7 };
    let state = Synthetic { fork: "electra", preset: MINIMAL, validators: 900, registry, skipped: false, lie: 0 };
    let keys = [BlsPubkey::from(registry.pubkey(0)), BlsPubkey::from(registry.pubkey(600))];
    let wanted = Wanted::validators(keys).with_proofs([keys[0]]);
    let mut prover = StateProver::new(state.fork, MINIMAL, None, wanted, WarmCache::default()).unwrap();
    prover.feed(&state.bytes()).unwrap();
    let proved = prover.finish().0.unwrap();
    assert!(proved.proof(&keys[0]).is_ok());
    assert!(proved.proof(&keys[1]).is_err());
    assert!(proved.proof(&BlsPubkey::ZERO).is_err());
}

#[test]
fn a_proof_is_checked_by_the_blocks_root_alone() {
    for (fork, preset) in [("deneb", MINIMAL), ("electra", MINIMAL), ("fulu", MAINNET)] {
        let registry = Registry { seed: 3, epoch: 7 };
        let state = Synthetic { fork, preset, validators: 1234, registry, skipped: false, lie: 0 };
        let proved = proved(&state);
        let root = B256::from(proved.block_root());
        for index in INDICES {
            let (key, validator) = (registry.pubkey(index), registry.validator(index));
            let proof = proved.proof(&key.into()).unwrap();
            let proven = proof.check(root).unwrap();
            let record = proved.extract.validators.iter().find(|tracked| tracked.record.index == proof.index).unwrap();
            assert_eq!(
                (proven.balance.0, proven.slashed),
                (validator.balance, record.record.slashed),
                "{fork} {index}"
            );
            assert_eq!(proven.effective_balance, record.record.effective_balance);
            assert_eq!(proven.withdrawal_credentials, record.record.withdrawal_credentials);
            assert_eq!(proven.exit_epoch, record.record.exit_epoch);
            assert!(proven.has_key(&key) && !proven.has_key(&registry.pubkey(index + 1)));
            // Through the form in which it is handed on.
            let text = serde_json::to_string(&proof).unwrap();
            assert_eq!(serde_json::from_str::<ValidatorProof>(&text).unwrap(), proof);
        }
    }
}

#[test]
fn a_proof_with_anything_changed_proves_nothing() {
    let registry = Registry { seed: 3, epoch: 7 };
    let state = Synthetic { fork: "electra", preset: MINIMAL, validators: 1234, registry, skipped: false, lie: 0 };
    let proved = proved(&state);
    let root = B256::from(proved.block_root());
    let proof = proved.proof(&registry.pubkey(700).into()).unwrap();
    assert!(proof.check(root).is_ok());
    assert!(proof.check(B256::repeat_byte(7)).is_err(), "another block");
    let refused = |what: &str, change: &dyn Fn(&mut ValidatorProof)| {
        let mut changed = proof.clone();
        change(&mut changed);
        assert!(changed.check(root).is_err(), "{what}");
    };
    refused("the block that it names", &|proof| proof.block_root.0[0] ^= 1);
    for offset in [1, 2, 3, 4, 1 << 20, 1 << 40] {
        refused("its neighbour, with the same chunk of balances", &|proof| proof.index.0 += offset);
    }
    for field in 0..8 {
        refused("a field", &|proof| proof.fields[field].0[3] ^= 1);
    }
    refused("fields", &|proof| proof.fields.truncate(7));
    refused("the leaf", &|proof| proof.validator.leaf.0[0] ^= 1);
    refused("the balance", &|proof| proof.balance.leaf.0[0] ^= 1);
    refused("the two branches", &|proof| std::mem::swap(&mut proof.validator, &mut proof.balance));
    let other = proved.proof(&registry.pubkey(3).into()).unwrap();
    refused("another's balance", &|proof| proof.balance = other.balance.clone());
    refused("another's record", &|proof| {
        (proof.validator, proof.fields) = (other.validator.clone(), other.fields.clone())
    });
    for place in 0..proof.validator.siblings.len() {
        refused("a sibling", &|proof| proof.validator.siblings[place].0[31] ^= 1);
    }
    for place in 0..proof.balance.siblings.len() {
        refused("a sibling", &|proof| proof.balance.siblings[place].0[31] ^= 1);
    }
    refused("a level less", &|proof| {
        proof.balance.siblings.remove(0);
    });
    refused("a level more", &|proof| proof.balance.siblings.push(B256::ZERO));
}

/// A state of Deneb and the minimal preset whose last balance is missing.
fn without_the_last_balance(state: &Synthetic) -> Vec<u8> {
    // Where the offsets of the fields behind the balances are.
    const OFFSETS: [usize; 5] = [6928, 6932, 7057, 10_229, 10_249];
    let mut bytes = state.bytes();
    let offset = |bytes: &[u8], place: usize| u32::from_le_bytes(bytes[place..place + 4].try_into().unwrap());
    let end = offset(&bytes, OFFSETS[0]) as usize;
    for place in OFFSETS {
        let moved = offset(&bytes, place) - 8;
        bytes[place..place + 4].copy_from_slice(&moved.to_le_bytes());
    }
    bytes.drain(end - 8..end);
    bytes
}

#[test]
fn nothing_is_proved_from_a_state_with_fewer_balances_than_validators() {
    let registry = Registry { seed: 3, epoch: 7 };
    let state = Synthetic { fork: "deneb", preset: MINIMAL, validators: 900, registry, skipped: false, lie: 0 };
    let key = BlsPubkey::from(registry.pubkey(0));
    let mut prover =
        StateProver::new("deneb", MINIMAL, None, Wanted::validators([key]).with_proofs([key]), WarmCache::default())
            .unwrap();
    prover.feed(&without_the_last_balance(&state)).unwrap();
    let proved = prover.finish().0.unwrap();
    assert!(!proved.lists_fit && proved.is_of_block());
    assert_eq!(proved.proof(&key), Err(StateError::Lists));
}

/// A real EVM with the predeployed contract, and the example contract that asks it.
struct Evm {
    reader: ValidatorReader::ValidatorReaderInstance<DynProvider>,
    provider: DynProvider,
    _anvil: Process,
    _dir: TempDir,
}

impl Evm {
    async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let port = free_port(0).unwrap().to_string();
        let arguments = ["--port", &port, "--hardfork", "prague", "--timestamp", "1999999000", "--quiet"];
        let anvil = Process::start("anvil", &anvil().unwrap(), &arguments, &dir.path().join("anvil.log")).unwrap();
        let url = format!("http://127.0.0.1:{port}").parse().unwrap();
        let provider = ProviderBuilder::new().connect_http(url).erased();
        for _ in 0..600 {
            if provider.get_chain_id().await.is_ok() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let artifact = std::fs::read(tool("contracts/out/BeaconProof.sol/ValidatorReader.json").unwrap()).unwrap();
        let artifact: Value = serde_json::from_slice(&artifact).unwrap();
        let code = hex::decode(artifact["bytecode"]["object"].as_str().unwrap()).unwrap();
        let from = provider.get_accounts().await.unwrap()[0];
        let receipt = sent(&provider, TransactionRequest::default().from(from).with_deploy_code(code)).await;
        let reader = ValidatorReader::new(receipt.contract_address.unwrap(), provider.clone());
        let evm = Self { reader, provider, _anvil: anvil, _dir: dir };
        evm.predeploy().await;
        evm
    }

    /// The code that EIP-4788 specifies, unless the EVM has it already, and leave to speak as the chain itself does.
    async fn predeploy(&self) {
        let predeploys = std::fs::read(tool("contracts/test/vectors/predeploys.json").unwrap()).unwrap();
        let predeploys: Value = serde_json::from_slice(&predeploys).unwrap();
        let code: Bytes = predeploys["eip4788"]["code"].as_str().unwrap().parse().unwrap();
        if self.provider.get_code_at(ROOTS).await.unwrap().is_empty() {
            self.told("anvil_setCode", json!([ROOTS, code])).await;
        }
        assert_eq!(
            self.provider.get_code_at(ROOTS).await.unwrap(),
            code,
            "another contract is where EIP-4788's must be"
        );
        self.told("anvil_setBalance", json!([SYSTEM, "0xffffffffffffffff"])).await;
        self.told("anvil_impersonateAccount", json!([SYSTEM])).await;
    }

    async fn told(&self, method: &'static str, params: Value) {
        let _: Value = self.provider.raw_request(method.into(), params).await.unwrap();
    }

    /// What the chain does in the block at `time`: stores the root of the beacon block before it.
    async fn begin_block(&self, time: u64, root: B256) {
        self.told("evm_setNextBlockTimestamp", json!([time])).await;
        let call = TransactionRequest::default().from(SYSTEM).to(ROOTS).input(Bytes::from(root).into());
        sent(&self.provider, call).await;
    }

    /// The balance that the contract finds proved, or why it does not.
    async fn balance(&self, time: u64, index: u64, chunk: B256, branch: &Branch) -> Result<u64, &'static str> {
        match self.reader.balanceAt(time, index, chunk, joined(branch)).call().await {
            Ok(balance) => Ok(balance),
            Err(error) => match error.as_decoded_interface_error::<ValidatorReaderErrors>() {
                Some(ValidatorReaderErrors::WrongProof(_)) => Err("WrongProof"),
                Some(ValidatorReaderErrors::UnknownBeaconRoot(_)) => Err("UnknownBeaconRoot"),
                None => panic!("{error}"),
            },
        }
    }

    async fn is_validator(&self, index: u64, record: B256, branch: &Branch) -> bool {
        self.reader.isValidator(TIME, index, record, joined(branch)).call().await.unwrap()
    }
}

/// Includes a transaction of an account that the EVM speaks for.
async fn sent(provider: &DynProvider, transaction: TransactionRequest) -> TransactionReceipt {
    let transaction = transaction.gas_limit(10_000_000);
    let hash: B256 = provider.raw_request("eth_sendTransaction".into(), [transaction]).await.unwrap();
    for _ in 0..600 {
        if let Some(receipt) = provider.get_transaction_receipt(hash).await.unwrap() {
            assert!(receipt.status(), "{receipt:?}");
            return receipt;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{hash} is not included");
}

fn joined(branch: &Branch) -> Bytes {
    branch.siblings.iter().flat_map(|sibling| sibling.0).collect()
}

/// One validator's proof is what it says, and nothing else.
async fn check(evm: &Evm, state: &Synthetic, proof: &ValidatorProof) {
    let (index, chunk) = (proof.index.0, proof.balance.leaf);
    let gwei = state.registry.validator(index).balance;
    assert_eq!(evm.balance(TIME, index, chunk, &proof.balance).await, Ok(gwei));
    assert!(evm.is_validator(index, proof.validator.leaf, &proof.validator).await);

    // Another balance, the proof of another leaf, another place, another time.
    let more: B256 = (U256::from_be_bytes(chunk.0) ^ U256::from(1) << (192 - 64 * (index % 4))).into();
    assert_eq!(evm.balance(TIME, index, more, &proof.balance).await, Err("WrongProof"));
    assert_eq!(evm.balance(TIME, index, proof.validator.leaf, &proof.validator).await, Err("WrongProof"));
    assert_eq!(evm.balance(TIME, index + 4, chunk, &proof.balance).await, Err("WrongProof"));
    for time in [TIME - 12, TIME + 12, TIME + RING] {
        assert_eq!(evm.balance(time, index, chunk, &proof.balance).await, Err("UnknownBeaconRoot"));
    }
    assert!(!evm.is_validator(index + 1, proof.validator.leaf, &proof.validator).await);
    assert!(!evm.is_validator(index, chunk, &proof.validator).await);
}

#[tokio::test]
async fn a_contract_on_a_real_evm_takes_our_proofs_and_nothing_else() {
    let evm = Evm::start().await;
    let registry = Registry { seed: 9, epoch: 400 };
    let electra = Synthetic { fork: "electra", preset: MAINNET, validators: 1234, registry, skipped: false, lie: 0 };
    let key = |index| BlsPubkey::from(registry.pubkey(index));
    let proved_electra = proved(&electra);
    let first = proved_electra.proof(&key(0)).unwrap().balance;
    let balance_at = async |time, branch: &Branch| evm.balance(time, 0, branch.leaf, branch).await;
    assert_eq!(balance_at(TIME, &first).await, Err("UnknownBeaconRoot"), "no root is there yet");

    evm.begin_block(TIME, proved_electra.block_root().into()).await;
    for index in INDICES {
        check(&evm, &electra, &proved_electra.proof(&key(index)).unwrap()).await;
    }
    // The same validator in a state with another balance: a good proof, of a block that nobody made.
    let theirs = proved(&Synthetic { lie: 1, ..electra }).proof(&key(0)).unwrap();
    assert_eq!(theirs.balance.root(), Some(theirs.block_root));
    assert_eq!(balance_at(TIME, &theirs.balance).await, Err("WrongProof"));

    // A day later the place in the ring is another root's; the next fork's states have the same generalized indexes.
    let fulu = proved(&Synthetic { fork: "fulu", ..electra });
    evm.begin_block(TIME + RING, fulu.block_root().into()).await;
    assert_eq!(balance_at(TIME, &first).await, Err("UnknownBeaconRoot"), "it is too long ago");
    assert_eq!(balance_at(TIME + RING, &first).await, Err("WrongProof"));
    let second = fulu.proof(&key(0)).unwrap().balance;
    assert_eq!(balance_at(TIME + RING, &second).await, Ok(registry.validator(0).balance));
}
