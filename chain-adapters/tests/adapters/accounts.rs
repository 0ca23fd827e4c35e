//! Counts for an oracle whose module is like Puffer's own: accounts' signatures in the places of its list, on a real EVM.

use crate::{
    anvil::{Anvil, CHAIN_ID, DEPLOYER, PAYER, PAYER_KEY, quick},
    support::{
        beacon::healthy,
        committee::{SLOTS_PER_EPOCH, Signers},
        config, endpoint, limits,
        server::Server,
    },
};
use alloy::{
    primitives::{Address, B256, Bytes, U256},
    sol,
    sol_types::{SolCall, SolValue},
};
use guardian_chain::{AccountKey, Readers, Sender};
use guardian_crypto::account::AccountSignature;
use guardian_protocol::{
    AccountModule, At, Attestation, BlockRef, CallOutcome, Contracts, CountRules, Duty, DutyBody, DutyKind, Epoch,
    GuardianList, KeyEpoch, Level, Query, Reading, Rules, Setup, Signed, SignedError, Slot, Subject, ValidatorCount,
    testing::account,
};
use std::collections::BTreeSet;

sol! {
    function grantRole(uint64 roleId, address account, uint32 executionDelay) external;
    function setTargetFunctionRole(address target, bytes4[] selectors, uint64 roleId) external;
    function setTotalNumberOfValidators(uint256 count, uint256 epochNumber, bytes[] signatures) external;
    function addGuardian(address guardian) external;
    function removeGuardian(address guardian) external;
    function setThreshold(uint256 threshold) external;
}

const KIND: DutyKind = DutyKind::ValidatorCount;
const OPERATIONS: u64 = 22;
const COUNT: u64 = 1_012_345;
const FIRST_EPOCH: u64 = 7;

struct World {
    anvil: Anvil,
    oracle: Address,
    module: Address,
    setup: Setup,
    readers: Readers,
    _beacon: Server,
}

/// The guardian with this number.
fn guardian(number: u16) -> Address {
    account(number).1
}

impl World {
    /// Three guardians, of whom two must sign, and a payer that has the role.
    async fn start(bound: bool) -> Option<Self> {
        let anvil = Anvil::start().await?;
        let signers = Signers::new(CHAIN_ID);
        let (x, y) = signers.group_key().coordinates();
        let keys = (U256::from_be_bytes(x), U256::from_be_bytes(y), DEPLOYER, DEPLOYER, 86_400_u64);
        let guardian_keys = anvil.deploy("GuardianKeys", keys.abi_encode_params()).await;
        let guardians: Vec<Address> = [1, 2, 3].map(guardian).to_vec();
        let module = (guardians, U256::from(2), DEPLOYER, bound).abi_encode_params();
        let module = anvil.deploy("DevnetGuardianModule", module).await;
        let manager = anvil.deploy("AccessManager", DEPLOYER.abi_encode()).await;
        let oracle = (module, Address::ZERO, manager, U256::from(COUNT - 1), U256::from(FIRST_EPOCH));
        let oracle = anvil.deploy("DevnetOracle", oracle.abi_encode_params()).await;
        let selectors = vec![setTotalNumberOfValidatorsCall::SELECTOR.into()];
        let role = setTargetFunctionRoleCall { target: oracle, selectors, roleId: OPERATIONS };
        anvil.transact(Some(manager), role.abi_encode()).await;
        let grant = grantRoleCall { roleId: OPERATIONS, account: PAYER, executionDelay: 0 };
        anvil.transact(Some(manager), grant.abi_encode()).await;
        let contracts = Contracts {
            guardian_keys,
            protocol: anvil.deploy("DevnetProtocol", Vec::new()).await,
            guardian_module: None,
            duties: [(KIND, oracle), (DutyKind::KeyVeto, guardian_keys)].into_iter().collect(),
            accounts: [(KIND, AccountModule { module, bound })].into_iter().collect(),
        };
        let beacon = Server::start(healthy).await;
        let mut config = config(&[&beacon.url], &[&anvil.url]);
        (config.contracts, config.start_block) = (contracts, 1);
        let (readers, _) = Readers::connect(config).await.unwrap();
        let setup = signers.with_contracts(contracts).setup;
        Some(Self { anvil, oracle, module, setup, readers, _beacon: beacon })
    }

    async fn change(&self, call: impl SolCall) {
        self.anvil.transact(Some(self.module), call.abi_encode()).await;
    }

    async fn rules(&self) -> CountRules {
        let block: BlockRef = self.anvil.mine_at(self.anvil.head().await.timestamp + 10).await;
        let answers = self.readers.read(&Query::Chain(At::Block(block.hash))).await;
        let Ok(Reading::Chain(view)) = answers.into_iter().next().unwrap().1 else { panic!() };
        let Some(Rules::ValidatorCount(rules)) = view.rules(KIND) else { panic!() };
        rules.clone()
    }

    /// The count of `epoch`, with signatures of these guardians.
    async fn signed(&self, epoch: u64, numbers: &[u16]) -> Result<Signed, SignedError> {
        let duty = Duty {
            key_epoch: KeyEpoch(0),
            period: Epoch(epoch),
            reference_slot: Slot(epoch * SLOTS_PER_EPOCH),
            reference_root: B256::repeat_byte(0xaa),
            body: DutyBody::ValidatorCount(ValidatorCount { active: COUNT }),
        };
        let digest = self.setup.domain().digest(&duty).unwrap();
        let by = |number: &u16| AccountSignature::sign(&account(*number).0, &digest.0).unwrap().0;
        let signatures: Vec<AccountSignature> = numbers.iter().map(by).collect();
        Signed::by_accounts(duty, &signatures, &self.rules().await.accounts.unwrap(), &self.setup)
    }

    async fn submit(&self, signed: &Signed, key: [u8; 32]) -> CallOutcome {
        let (network, contracts) = (&self.setup.network, self.setup.contracts);
        let payer = AccountKey::from_bytes(&key).unwrap();
        let endpoints = [endpoint("anvil", &self.anvil.url)];
        Sender::new(quick(), limits(), &endpoints, network, contracts, payer).unwrap().submit(signed).await
    }

    /// What the oracle says to the same signatures in the places that they had when they were signed.
    async fn in_old_places(&self, signed: &Signed, places: &GuardianList) -> serde_json::Value {
        let Attestation::Accounts(signatures) = signed.attestation() else { panic!() };
        let places = places.lay_out(signed.digest(), signatures).unwrap();
        let signatures =
            places.into_iter().map(|place| place.map_or(Bytes::new(), |it| it.to_bytes().into())).collect();
        let epoch = U256::from(signed.duty().period.0);
        let call = setTotalNumberOfValidatorsCall { count: U256::from(COUNT), epochNumber: epoch, signatures };
        let request = serde_json::json!({ "from": PAYER, "to": self.oracle, "data": Bytes::from(call.abi_encode()) });
        self.anvil.try_call("eth_call", serde_json::json!([request, "latest"])).await.unwrap()
    }

    async fn level(&self) -> Level {
        let targets = BTreeSet::from([(KIND, Subject::Whole)]);
        let answers = self.readers.read(&Query::Progress(targets.clone())).await;
        let Ok(Reading::Progress(progress)) = answers.into_iter().next().unwrap().1 else { panic!() };
        progress[targets.first().unwrap()].head
    }
}

#[tokio::test]
async fn with_one_guardian_down_a_count_lands_on_puffers_own_kind_of_module() {
    for bound in [false, true] {
        let Some(world) = World::start(bound).await else { return };
        let guardians = [1, 2, 3].map(guardian).to_vec();
        let expected = CountRules { own: 0, last: COUNT - 1, accounts: Some(GuardianList { guardians, threshold: 2 }) };
        assert_eq!(world.rules().await, expected);
        assert_eq!(world.level().await, Level(FIRST_EPOCH));
        let signed = world.signed(10, &[3, 1]).await.unwrap();
        let outcome = world.submit(&signed, PAYER_KEY).await;
        let CallOutcome::Included { gas, .. } = outcome else { panic!("{outcome:?}") };
        println!("a count with two of three signatures, bound {bound}: {gas} gas");
        assert_eq!((world.level().await, world.rules().await.last), (Level(10), COUNT));
        assert_eq!(world.submit(&signed, PAYER_KEY).await, CallOutcome::AlreadyAccepted);
        let older = world.signed(9, &[1, 2]).await.unwrap();
        assert_eq!(world.submit(&older, PAYER_KEY).await, CallOutcome::AlreadyAccepted);
    }
}

#[tokio::test]
async fn signatures_go_to_the_places_that_their_guardians_have_at_the_head() {
    let Some(world) = World::start(false).await else { return };
    let before = world.rules().await.accounts.unwrap();
    let signed = world.signed(10, &[2, 3]).await.unwrap();
    // The last one gets the place of the first.
    world.change(removeGuardianCall { guardian: guardian(1) }).await;
    assert_eq!(world.rules().await.accounts.unwrap().guardians, [3, 2].map(guardian));
    let answer = world.in_old_places(&signed, &before).await;
    assert!(answer["error"]["data"].as_str().unwrap().starts_with("0x82b42900"), "Unauthorized: {answer}");
    let outcome = world.submit(&signed, PAYER_KEY).await;
    assert!(matches!(outcome, CallOutcome::Included { .. }), "{outcome:?}");

    // A longer list, with a stranger in it, and the places in another order again.
    world.change(addGuardianCall { guardian: guardian(9) }).await;
    world.change(addGuardianCall { guardian: guardian(1) }).await;
    let signed = world.signed(11, &[1, 2]).await.unwrap();
    world.change(removeGuardianCall { guardian: guardian(3) }).await;
    assert_eq!(world.rules().await.accounts.unwrap().guardians, [1, 2, 9].map(guardian));
    let outcome = world.submit(&signed, PAYER_KEY).await;
    assert!(matches!(outcome, CallOutcome::Included { .. }), "{outcome:?}");
}

#[tokio::test]
async fn signatures_that_no_longer_are_enough_are_not_sent() {
    let Some(world) = World::start(false).await else { return };
    let few = world.signed(10, &[1, 8]).await.unwrap_err();
    assert_eq!(few, SignedError::TooFewAccounts { have: 1, need: 2 });
    let signed = world.signed(10, &[1, 2]).await.unwrap();
    world.change(removeGuardianCall { guardian: guardian(1) }).await;
    let outcome = world.submit(&signed, PAYER_KEY).await;
    let CallOutcome::Refused(reason) = outcome else { panic!("{outcome:?}") };
    assert!(reason.starts_with("1 of the accounts that signed"), "{reason}");
    world.change(addGuardianCall { guardian: guardian(1) }).await;
    world.change(setThresholdCall { threshold: U256::from(3) }).await;
    assert!(matches!(world.submit(&signed, PAYER_KEY).await, CallOutcome::Refused(_)));
    let all = world.signed(10, &[1, 2, 3]).await.unwrap();
    assert!(matches!(world.submit(&all, PAYER_KEY).await, CallOutcome::Included { .. }));
}

#[tokio::test]
async fn an_account_without_the_role_is_told_which_one_it_needs() {
    let Some(world) = World::start(false).await else { return };
    let signed = world.signed(10, &[1, 2]).await.unwrap();
    let outcome = world.submit(&signed, *account(1).0.expose()).await;
    let CallOutcome::Refused(reason) = outcome else { panic!("{outcome:?}") };
    assert!(reason.contains(&guardian(1).to_string()) && reason.contains("role"), "{reason}");
}
