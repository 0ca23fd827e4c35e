//! The contracts on the devnet's EVM: deployed, and read as anybody could. The feed's words are in `feed.rs`.

use super::{
    chains::{CHAIN_ID, ChainKind, Chains},
    evm::{Account, Action, Evm, ether},
    governor,
    keys::DevnetManifest,
    options::Options,
    plan,
    puffer::{self, Ground, Puffer},
};
use alloy::{
    consensus::Transaction as _,
    primitives::{Address, B256, U256},
    providers::{DynProvider, Provider},
    rpc::types::Filter,
    sol,
    sol_types::{SolCall, SolEvent, SolValue},
};
use eyre::{Result, ensure, eyre};
use guardian_chain::{Endpoint, Limits, Sender, deploy::Deployment as Planned};
use guardian_node::config::ContractsConfig;
use guardian_protocol::{CallOutcome, ChainSpec, Contracts, DutyKind, PerKind, Signed, testing::chain_spec};

#[allow(missing_docs, clippy::allow_attributes_without_reason, reason = "generated from the interfaces")]
mod abi {
    use super::sol;

    sol! {
        #[sol(rpc)]
        interface GuardianKeys {
            #[derive(Debug)]
            struct Signature { uint256 rx; uint256 ry; uint256 z; }
            event KeyRotated(uint64 indexed keyEpoch, uint256 px, uint256 py);
            error WrongKeyEpoch(uint64 given, uint64 current);
            error InvalidSignature();
            function groupKey() external view returns (uint256 px, uint256 py);
            function keyEpoch() external view returns (uint64);
            function hashRotation(uint64 newKeyEpoch, uint256 px, uint256 py) external view returns (bytes32);
            function rotate(uint256 px, uint256 py, Signature calldata byOldKey, Signature calldata byNewKey) external;
            function verify(uint64 epoch, bytes32 digest, Signature calldata signature) external view;
        }
        #[sol(rpc)]
        interface EjectionRegistry {
            event ValidatorEjected(uint64 indexed validatorIndex, bytes32 pubkeyHead, bytes32 tailSlotReason);
            event OrderAccepted(uint64 indexed referenceSlot, bytes32 indexed digest, uint256 count);
            #[derive(Debug)]
            struct Order { uint64 keyEpoch; uint64 referenceSlot; bytes32 referenceRoot; bytes ejections; }
            #[derive(Debug)]
            struct OrderSignature { uint256 rx; uint256 ry; uint256 z; }
            function lastReferenceSlot() external view returns (uint64);
            function setRequester(address newRequester) external;
            function submitOrder(Order calldata order, OrderSignature calldata signature) external;
            #[derive(Debug)]
            struct Payment { uint256 maxFee; address requester; address refundTo; }
            function triggerExits(Order calldata order, OrderSignature calldata signature, uint256 positions, Payment calldata payment, bytes calldata routing) external payable;
            function withdrawalRequests() external view returns (address);
        }
    }
}

pub(super) use abi::EjectionRegistry;
pub use abi::GuardianKeys;

/// Where the contracts are.
#[derive(Clone, Debug)]
pub struct Deployment {
    /// The EVM.
    pub rpc_url: String,
    /// Of which chain it is.
    pub(super) chain: ChainKind,
    /// `GuardianKeys`.
    pub guardian_keys: Address,
    /// `EjectionRegistry`.
    pub ejection_registry: Address,
    /// `ReserveFeed`, which a timelock governs.
    pub reserve_feed: Address,
    /// `DevnetModuleRequester`, which the registry has trigger exits.
    pub requester: Address,
    /// `BackedMint`, a consumer of the feed.
    pub consumer: Address,
    /// Puffer's contracts.
    pub puffer: Puffer,
    pub(super) timelock: Address,
    pub(super) evm: Evm,
    pub(super) provider: DynProvider,
}

/// A transaction that a contract accepted, as its event shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The reference slot.
    pub slot: u64,
    /// The number of the block that it is in.
    pub block: u64,
    /// The transaction.
    pub transaction: B256,
}

impl Deployment {
    /// Deploys everything, registers the validators, fills the vaults and funds the guardians.
    ///
    /// # Errors
    /// If the EVM does not answer or a transaction fails.
    pub async fn deploy(
        chains: &Chains,
        key: (U256, U256),
        manifest: &DevnetManifest,
        options: &Options,
    ) -> Result<Self> {
        let evm = chains.evm(Account::Governor).await?;
        let ground = Ground::lay(chains.evm(Account::Puffer).await?).await?;
        let planned = Planned::of(plan::plan(key, &evm, ground.vault, chains, options).await?)?;
        plan::create(&planned, &chains.rpc_url).await?;
        let Planned { guardian_keys, ejection_registry, reserve_feed, guardian_module, .. } = planned;

        let [requester, consumer, timelock] = evm.next_addresses().await?;
        let set_requester = EjectionRegistry::setRequesterCall { newRequester: requester };
        let mut actions = vec![
            Action::contract("DevnetModuleRequester", (ejection_registry, puffer::protocol()?).abi_encode_params())?,
            // Consumers rely on reports here no longer than the feed itself.
            Action::contract("BackedMint", (reserve_feed, U256::MAX).abi_encode_params())?,
            governor::timelock(evm.account)?,
            Action::call(ejection_registry, &set_requester),
            Action::ether(plan::VAULT, ether(plan::VAULT_ETHER)),
        ];
        actions.extend(governor::hand_over(reserve_feed, timelock));
        actions.extend(manifest.guardians.iter().map(|guardian| Action::ether(guardian.account, ether(1))));
        evm.send_all(actions).await?;
        let puffer = Puffer::deploy(&evm, ground, guardian_module, requester, manifest, options.threshold).await?;
        let provider = evm.provider.clone();
        let deployment = Self {
            rpc_url: chains.rpc_url.clone(),
            chain: chains.kind,
            guardian_keys,
            ejection_registry,
            reserve_feed,
            requester,
            consumer,
            puffer,
            timelock,
            evm,
            provider,
        };
        deployment.accept_feed().await?;
        Ok(deployment)
    }

    /// Gives a guardian's account some ether.
    ///
    /// # Errors
    /// If the EVM does not answer or the transaction fails.
    pub async fn fund(&self, account: Address) -> Result<()> {
        self.evm.send_all(vec![Action::ether(account, ether(1))]).await?;
        Ok(())
    }

    /// Brings what the group signed to its contract, as somebody who is no guardian.
    ///
    /// # Errors
    /// If the contract refuses.
    pub(super) async fn bring(&self, signed: &Signed) -> Result<()> {
        let endpoint = Endpoint::new("execution-1", self.rpc_url.parse()?);
        let network = ChainSpec { chain_id: CHAIN_ID, ..chain_spec() };
        let (config, limits) = (plan::quick(), Limits::default());
        let sender = Sender::new(config, limits, &[endpoint], &network, self.contracts(), plan::payer()?)?;
        let outcome = sender.submit(signed).await;
        ensure!(matches!(outcome, CallOutcome::Included { .. }), "{}: {outcome:?}", signed.duty().kind());
        Ok(())
    }

    /// As guardians are told.
    #[must_use]
    pub fn config(&self) -> ContractsConfig {
        ContractsConfig {
            deployment: "deployment.json".into(),
            chain_id: CHAIN_ID,
            guardian_keys: self.guardian_keys,
            protocol: self.puffer.protocol,
            guardian_module: Some(self.puffer.guardian_module),
            start_block: 0,
            duties: DutyKind::ALL.into_iter().filter_map(|kind| Some((kind, self.receiver(kind.as_str())?))).collect(),
            accounts: PerKind::default(),
        }
    }

    /// The same in the brain's words.
    #[must_use]
    pub(super) fn contracts(&self) -> Contracts {
        let ContractsConfig { guardian_keys, protocol, guardian_module, duties, accounts, .. } = self.config();
        Contracts { guardian_keys, protocol, guardian_module, duties, accounts }
    }

    /// Where duties of a kind go, by the kind's word.
    fn receiver(&self, kind: &str) -> Option<Address> {
        match kind {
            "ejection" => Some(self.ejection_registry),
            "reserves" => Some(self.reserve_feed),
            "validator_count" => Some(self.puffer.oracle.address),
            _ => None,
        }
    }

    /// The group key on chain: its epoch and coordinates.
    ///
    /// # Errors
    /// If the EVM does not answer.
    pub async fn group_key(&self) -> Result<(u64, U256, U256)> {
        let keys = GuardianKeys::new(self.guardian_keys, &self.provider);
        let key = keys.groupKey().call().await?;
        Ok((keys.keyEpoch().call().await?, key.px, key.py))
    }

    /// The one rotation that was accepted, as it was submitted: what both keys signed, the old key's signature, the new key's.
    ///
    /// # Errors
    /// If there was none.
    pub async fn rotation(&self) -> Result<(B256, GuardianKeys::Signature, GuardianKeys::Signature)> {
        let accepted = accepted(&self.provider, self.guardian_keys, GuardianKeys::KeyRotated::SIGNATURE_HASH).await?;
        let last = accepted.last().ok_or_else(|| eyre!("no rotation"))?;
        let transaction = self.provider.get_transaction_by_hash(last.transaction).await?;
        let transaction = transaction.ok_or_else(|| eyre!("the rotation's transaction is unknown"))?;
        let call = GuardianKeys::rotateCall::abi_decode(transaction.input())?;
        let keys = GuardianKeys::new(self.guardian_keys, &self.provider);
        let digest = keys.hashRotation(keys.keyEpoch().call().await?, call.px, call.py).call().await?;
        Ok((digest, call.byOldKey, call.byNewKey))
    }

    /// What the contract says to a signature over `digest` under `key_epoch`: nothing, or the name of its error.
    ///
    /// # Errors
    /// If it fails otherwise.
    pub async fn refuses(
        &self,
        key_epoch: u64,
        digest: B256,
        signature: &GuardianKeys::Signature,
    ) -> Result<Option<&'static str>> {
        let keys = GuardianKeys::new(self.guardian_keys, &self.provider);
        let Err(error) = keys.verify(key_epoch, digest, signature.clone()).call().await else { return Ok(None) };
        match error.as_decoded_interface_error::<GuardianKeys::GuardianKeysErrors>() {
            Some(GuardianKeys::GuardianKeysErrors::WrongKeyEpoch(_)) => Ok(Some("WrongKeyEpoch")),
            Some(GuardianKeys::GuardianKeysErrors::InvalidSignature(_)) => Ok(Some("InvalidSignature")),
            None => Err(error.into()),
        }
    }

    /// The ejection orders that the registry accepted, oldest first.
    ///
    /// # Errors
    /// If the EVM does not answer.
    pub async fn orders(&self) -> Result<Vec<Accepted>> {
        accepted(&self.provider, self.ejection_registry, EjectionRegistry::OrderAccepted::SIGNATURE_HASH).await
    }

    /// Indices of validators that were ordered out, in chain order.
    ///
    /// # Errors
    /// If the EVM does not answer.
    pub async fn ejected(&self) -> Result<Vec<u64>> {
        let filter = Filter::new()
            .address(self.ejection_registry)
            .event_signature(EjectionRegistry::ValidatorEjected::SIGNATURE_HASH)
            .from_block(0);
        let logs = self.provider.get_logs(&filter).await?;
        logs.iter()
            .map(|log| Ok(log.log_decode::<EjectionRegistry::ValidatorEjected>()?.inner.validatorIndex))
            .collect()
    }

    /// Gas that `transaction` used.
    ///
    /// # Errors
    /// If the EVM does not know it.
    pub async fn gas_of(&self, transaction: B256) -> Result<u64> {
        let receipt = self.provider.get_transaction_receipt(transaction).await?;
        Ok(receipt.ok_or_else(|| eyre!("no receipt of {transaction}"))?.gas_used)
    }

    /// The account that paid for `transaction`.
    ///
    /// # Errors
    /// If the EVM does not know it.
    pub async fn payer_of(&self, transaction: B256) -> Result<Address> {
        let receipt = self.provider.get_transaction_receipt(transaction).await?;
        Ok(receipt.ok_or_else(|| eyre!("no receipt of {transaction}"))?.from)
    }

    /// How many transactions brought an order to the registry since the deployment, successful or not.
    ///
    /// # Errors
    /// If the EVM does not answer.
    pub async fn orders_sent(&self) -> Result<usize> {
        let head = self.provider.get_block_number().await?;
        let mut count = 0usize;
        for number in 0..=head {
            let block = self.provider.get_block_by_number(number.into()).full().await?;
            let transactions = block.map(|block| block.transactions.into_transactions_vec()).unwrap_or_default();
            let is_order = |t: &alloy::rpc::types::Transaction| {
                t.to() == Some(self.ejection_registry)
                    && t.input().starts_with(&abi::EjectionRegistry::submitOrderCall::SELECTOR)
            };
            count = count.saturating_add(transactions.iter().filter(|t| is_order(t)).count());
        }
        Ok(count)
    }
}

/// The logs of `event`, whose first indexed value is a reference slot, oldest first.
///
/// # Errors
/// If the EVM does not answer.
pub(super) async fn accepted(provider: &DynProvider, contract: Address, event: B256) -> Result<Vec<Accepted>> {
    let filter = Filter::new().address(contract).event_signature(event).from_block(0);
    let logs = provider.get_logs(&filter).await?;
    logs.iter()
        .map(|log| {
            let slot = log.topics().get(1).ok_or_else(|| eyre!("an event without a slot"))?;
            let transaction = log.transaction_hash.ok_or_else(|| eyre!("a log without a transaction"))?;
            let block = log.block_number.ok_or_else(|| eyre!("a log without a block"))?;
            Ok(Accepted { slot: u64::try_from(U256::from_be_bytes(slot.0))?, block, transaction })
        })
        .collect()
}
