//! The contracts on the devnet's EVM: deployed from their compiled artifacts, and read as any consumer would.

use super::{beacon::Genesis, keys::DevnetManifest, options::Options, oracle::Oracle, root};
use alloy::{consensus::Transaction as _, sol_types::SolCall};
use alloy::{
    network::{EthereumWallet, TransactionBuilder},
    primitives::{Address, B256, Bytes, U256, address},
    providers::{DynProvider, Provider, ProviderBuilder},
    rpc::types::{Filter, TransactionRequest},
    signers::local::PrivateKeySigner,
    sol,
    sol_types::{SolEvent, SolValue},
};
use eyre::{Result, WrapErr, ensure, eyre};
use guardian_chain::{
    AccountKey, Endpoint, Limits, Sender, SenderConfig,
    deploy::{Deployment as Planned, Found, GroupKeyWords, Plan},
};
use guardian_node::config::ContractsConfig;
use guardian_protocol::{CallOutcome, DutyKind};
use std::time::{Duration, Instant};

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
        interface ReserveFeed {
            event ReserveReported(uint64 indexed referenceSlot, bytes32 indexed digest, bytes32 referenceRoot, uint256 assets, uint256 liabilities, uint256 supply);
            function latestRoundData() external view returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound);
            function lastReferenceSlot() external view returns (uint64);
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
        #[sol(rpc)]
        interface BackedMint {
            #[derive(Debug)]
            error StaleAnswer(uint256 updatedAt, uint256 maxAge);
            function mint(uint256 amount) external;
        }
        #[sol(rpc)]
        interface DevnetProtocol {
            function provision(bytes[] calldata pubKeys) external;
        }
    }
}

pub use abi::GuardianKeys;
pub(super) use abi::{BackedMint, EjectionRegistry};
use abi::{DevnetProtocol, ReserveFeed};

/// Anvil's first account: rich, and known to everybody.
const DEPLOYER: &str = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
/// Anvil's second account, which pays for the plan: whoever deploys has no rights.
const PLAN_PAYER: [u8; 32] =
    alloy::primitives::hex!("59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d");
/// Holds the devnet's reserves outside the beacon chain.
const VAULT: Address = address!("00000000000000000000000000000000000ba017");
/// What it holds: 10 ether.
const VAULT_BALANCE: U256 = U256::from_limbs([10_000_000_000_000_000_000, 0, 0, 0]);

/// Where the contracts are.
#[derive(Clone, Debug)]
pub struct Deployment {
    /// The EVM.
    pub rpc_url: String,
    /// `GuardianKeys`.
    pub guardian_keys: Address,
    /// `EjectionRegistry`.
    pub ejection_registry: Address,
    /// `ReserveFeed`.
    pub reserve_feed: Address,
    /// `DevnetProtocol`.
    pub protocol: Address,
    /// `DevnetWithdrawalRequester`, which the registry has trigger exits.
    pub requester: Address,
    /// `BackedMint`, a consumer of the feed.
    pub consumer: Address,
    /// `FrostGuardianModule`.
    pub guardian_module: Address,
    /// `DevnetOracle`.
    pub oracle: Oracle,
    pub(super) provider: DynProvider,
}

/// A transaction that a contract accepted, as its event shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The reference slot.
    pub slot: u64,
    /// The transaction.
    pub transaction: B256,
}

impl Deployment {
    /// Deploys everything, registers the validators, fills the vault and funds the guardians.
    ///
    /// # Errors
    /// If the EVM does not answer or a transaction fails.
    pub async fn deploy(
        url: &str,
        key: (U256, U256),
        manifest: &DevnetManifest,
        genesis: &Genesis,
        options: &Options,
    ) -> Result<Self> {
        let governor = DEPLOYER.parse::<PrivateKeySigner>()?.address();
        let provider = self::governor(url)?;
        wait_for(&provider).await?;

        let protocol = deploy(&provider, "DevnetProtocol", Vec::new()).await?;
        let exits = set_withdrawal_requests(&provider).await?;
        let planned = Planned::of(plan(key, governor, protocol, exits, genesis, options))?;
        create(&planned, url).await?;
        let Planned { guardian_keys, ejection_registry, reserve_feed, guardian_module, .. } = planned;
        let requester = (ejection_registry, exits).abi_encode_params();
        let requester = deploy(&provider, "DevnetWithdrawalRequester", requester).await?;
        let registry = EjectionRegistry::new(ejection_registry, &provider);
        ensure!(registry.setRequester(requester).send().await?.get_receipt().await?.status(), "no requester was set");
        // Consumers rely on reports here no longer than the feed itself.
        let consumer = (reserve_feed, U256::MAX).abi_encode_params();
        let consumer = deploy(&provider, "BackedMint", consumer).await?;

        let accounts: Vec<Address> = manifest.guardians.iter().map(|guardian| guardian.account).collect();
        let oracle = Oracle::deploy(&provider, (guardian_module, protocol), governor, &accounts).await?;

        let pubkeys = manifest.validators.iter().map(hex::decode).collect::<Result<Vec<_>, _>>()?;
        let pubkeys: Vec<Bytes> = pubkeys.into_iter().map(Bytes::from).collect();
        let receipt = DevnetProtocol::new(protocol, &provider).provision(pubkeys).send().await?.get_receipt().await?;
        ensure!(receipt.status(), "the validators could not be registered");
        send_ether(&provider, VAULT, VAULT_BALANCE).await?;
        let deployment = Self {
            rpc_url: url.to_owned(),
            guardian_keys,
            ejection_registry,
            reserve_feed,
            protocol,
            requester,
            consumer,
            guardian_module,
            oracle,
            provider,
        };
        for guardian in &manifest.guardians {
            deployment.fund(guardian.account).await?;
        }
        Ok(deployment)
    }

    /// Gives a guardian's account some ether.
    ///
    /// # Errors
    /// If the EVM does not answer or the transaction fails.
    pub async fn fund(&self, account: Address) -> Result<()> {
        send_ether(&self.provider, account, U256::from(10u64.pow(18))).await
    }

    /// Sends a transaction as the governor; whether it succeeded.
    pub(super) async fn send(&self, to: Address, data: Vec<u8>) -> Result<bool> {
        let transaction = TransactionRequest::default().with_to(to).with_input(data);
        Ok(self.provider.send_transaction(transaction).await?.get_receipt().await?.status())
    }

    /// As guardians are told.
    #[must_use]
    pub fn config(&self) -> ContractsConfig {
        ContractsConfig {
            deployment: "deployment.json".into(),
            chain_id: 31337,
            guardian_keys: self.guardian_keys,
            protocol: self.protocol,
            guardian_module: Some(self.guardian_module),
            start_block: 0,
            duties: DutyKind::ALL.into_iter().filter_map(|kind| Some((kind, self.receiver(kind.as_str())?))).collect(),
        }
    }

    /// Where duties of a kind go, by the kind's word.
    fn receiver(&self, kind: &str) -> Option<Address> {
        match kind {
            "ejection" => Some(self.ejection_registry),
            "reserves" => Some(self.reserve_feed),
            "validator_count" => Some(self.oracle.address),
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
        let accepted = self.accepted(self.guardian_keys, GuardianKeys::KeyRotated::SIGNATURE_HASH).await?;
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

    /// The reserve reports that the feed accepted, oldest first.
    ///
    /// # Errors
    /// If the EVM does not answer.
    pub async fn reports(&self) -> Result<Vec<Accepted>> {
        self.accepted(self.reserve_feed, ReserveFeed::ReserveReported::SIGNATURE_HASH).await
    }

    /// The ejection orders that the registry accepted, oldest first.
    ///
    /// # Errors
    /// If the EVM does not answer.
    pub async fn orders(&self) -> Result<Vec<Accepted>> {
        self.accepted(self.ejection_registry, EjectionRegistry::OrderAccepted::SIGNATURE_HASH).await
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

    /// The feed's answer, read as a DeFi protocol would: reserves in wei, and the time of the reference slot.
    ///
    /// # Errors
    /// If there is no report yet.
    pub async fn latest_round(&self) -> Result<(U256, u64)> {
        let round = ReserveFeed::new(self.reserve_feed, &self.provider).latestRoundData().call().await?;
        Ok((round.answer.try_into()?, u64::try_from(round.updatedAt)?))
    }

    /// Gas that `transaction` used.
    ///
    /// # Errors
    /// If the EVM does not know it.
    pub async fn gas_of(&self, transaction: B256) -> Result<u64> {
        let receipt = self.provider.get_transaction_receipt(transaction).await?;
        Ok(receipt.ok_or_else(|| eyre!("no receipt of {transaction}"))?.gas_used)
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

    /// What the vault holds, in wei.
    #[must_use]
    pub fn vault_balance(&self) -> U256 {
        VAULT_BALANCE
    }

    async fn accepted(&self, contract: Address, event: B256) -> Result<Vec<Accepted>> {
        let filter = Filter::new().address(contract).event_signature(event).from_block(0);
        let logs = self.provider.get_logs(&filter).await?;
        logs.iter()
            .map(|log| {
                let slot = log.topics().get(1).ok_or_else(|| eyre!("an event without a slot"))?;
                let transaction = log.transaction_hash.ok_or_else(|| eyre!("a log without a transaction"))?;
                Ok(Accepted { slot: u64::try_from(U256::from_be_bytes(slot.0))?, transaction })
            })
            .collect()
    }
}

/// The contract of withdrawal requests with its real code: this EVM has none of its own.
async fn set_withdrawal_requests(provider: &DynProvider) -> Result<Address> {
    let predeploys = std::fs::read(root().join("contracts/test/vectors/predeploys.json"))?;
    let predeploys: serde_json::Value = serde_json::from_slice(&predeploys)?;
    let field = |name: &str| predeploys.pointer(name).and_then(|value| value.as_str());
    let address = field("/eip7002/address").ok_or_else(|| eyre!("no address of EIP-7002's contract"))?.parse()?;
    let code = field("/eip7002/code").ok_or_else(|| eyre!("no code of EIP-7002's contract"))?.to_owned();
    let _: serde_json::Value = provider.raw_request("anvil_setCode".into(), (address, code)).await?;
    Ok(address)
}

/// Where a chain of guardians begins: Puffer's protocol with its validators, a vault with ether, the contract of withdrawal requests. The
/// guardians' own contracts are not there yet. Returns the protocol and a plan of theirs, without a key.
///
/// # Errors
/// If the EVM does not answer or a transaction fails.
pub(super) async fn prepare(
    url: &str,
    validators: Vec<Bytes>,
    genesis: &Genesis,
    options: &Options,
) -> Result<(Address, Plan)> {
    let provider = governor(url)?;
    wait_for(&provider).await?;
    let protocol = deploy(&provider, "DevnetProtocol", Vec::new()).await?;
    let exits = set_withdrawal_requests(&provider).await?;
    let receipt = DevnetProtocol::new(protocol, &provider).provision(validators).send().await?.get_receipt().await?;
    ensure!(receipt.status(), "the validators could not be registered");
    send_ether(&provider, VAULT, VAULT_BALANCE).await?;
    let signer: PrivateKeySigner = DEPLOYER.parse()?;
    Ok((protocol, plan((U256::ZERO, U256::ZERO), signer.address(), protocol, exits, genesis, options)))
}

/// Gives `account` an ether.
///
/// # Errors
/// If the EVM does not answer or the transaction fails.
pub(super) async fn fund(url: &str, account: Address) -> Result<()> {
    send_ether(&governor(url)?, account, U256::from(10u64.pow(18))).await
}

/// How many reports the feed has accepted.
///
/// # Errors
/// If the EVM does not answer.
pub(super) async fn reports_of(url: &str, contracts: &Planned) -> Result<usize> {
    let event = ReserveFeed::ReserveReported::SIGNATURE_HASH;
    let filter = Filter::new().address(contracts.reserve_feed).event_signature(event).from_block(0);
    Ok(governor(url)?.get_logs(&filter).await?.len())
}

/// The key of the account that pays for the plan, as a file holds it.
pub(super) fn payer() -> String {
    hex::encode(PLAN_PAYER)
}

/// The EVM, as the governor reaches it.
fn governor(url: &str) -> Result<DynProvider> {
    let wallet = EthereumWallet::from(DEPLOYER.parse::<PrivateKeySigner>()?);
    let provider = ProviderBuilder::new().wallet(wallet).connect_http(url.parse()?).erased();
    provider.client().set_poll_interval(Duration::from_millis(200));
    Ok(provider)
}

/// As governance would plan it, with a development chain's clock. There are no beacon roots: the two chains know nothing of
/// each other.
fn plan(
    (px, py): (U256, U256),
    governor: Address,
    protocol: Address,
    withdrawal_requests: Address,
    genesis: &Genesis,
    options: &Options,
) -> Plan {
    let slots_per_epoch = 8;
    let ejection_threshold = U256::from(options.ejection_threshold) * U256::from(1_000_000_000);
    Plan {
        version: Plan::VERSION,
        chain_id: 31337,
        salt: B256::ZERO,
        governor,
        vetoer: Address::ZERO,
        group_key: GroupKeyWords { px: px.into(), py: py.into() },
        key_delay: 86_400,
        genesis_time: genesis.time,
        seconds_per_slot: options.seconds_per_slot,
        slots_per_epoch,
        beacon_roots: Address::ZERO,
        withdrawal_requests,
        ejection_threshold,
        max_ejection_threshold: ejection_threshold,
        report_period: options.report_period,
        heartbeat: options.epoch().as_secs().saturating_mul(options.report_period).saturating_mul(8),
        history_epochs: slots_per_epoch,
        // Of a handful of validators each is a large part.
        max_change_bps: 5_000,
        proxy_delay: 86_400,
        vaults: vec![VAULT],
        pods: Vec::new(),
        liability_token: protocol,
        ticket_pricer: Address::ZERO,
        ticket_rules: B256::ZERO,
        ticket_max_daily: U256::ZERO,
    }
}

/// What `guardian contracts deploy` does.
async fn create(planned: &Planned, url: &str) -> Result<()> {
    let endpoint = || -> Result<Endpoint> { Ok(Endpoint { name: "anvil".to_owned(), url: url.parse()? }) };
    let config = SenderConfig { poll_interval: Duration::from_millis(50), ..SenderConfig::default() };
    let key = AccountKey::from_bytes(&PLAN_PAYER)?;
    let sender = Sender::for_deployment(config, Limits::default(), endpoint()?, planned, key)?;
    for creation in planned.plan.creations()? {
        let outcome = sender.create(&creation).await;
        ensure!(matches!(outcome, CallOutcome::Included { .. }), "{}: {outcome:?}", creation.name);
    }
    let findings = planned.verify(endpoint()?, Limits::default()).await?;
    ensure!(findings.iter().all(|finding| finding.found == Found::Right), "{findings:?}");
    Ok(())
}

async fn wait_for(provider: &DynProvider) -> Result<()> {
    let started = Instant::now();
    while let Err(error) = provider.get_block_number().await {
        if started.elapsed() > Duration::from_secs(30) {
            return Err(error).wrap_err("the EVM did not start");
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

pub(super) async fn deploy(provider: &DynProvider, name: &str, arguments: Vec<u8>) -> Result<Address> {
    let path = root().join(format!("contracts/out/{name}.sol/{name}.json"));
    let artifact =
        std::fs::read(&path).wrap_err_with(|| format!("{} is missing: run `make contracts`", path.display()))?;
    let artifact: serde_json::Value = serde_json::from_slice(&artifact)?;
    let code = artifact.pointer("/bytecode/object").and_then(|code| code.as_str());
    let mut code = hex::decode(code.ok_or_else(|| eyre!("{name} has no bytecode"))?.trim_start_matches("0x"))?;
    code.extend(arguments);
    let transaction = TransactionRequest::default().with_deploy_code(code);
    let receipt = provider.send_transaction(transaction).await?.get_receipt().await?;
    ensure!(receipt.status(), "{name} could not be deployed");
    receipt.contract_address.ok_or_else(|| eyre!("{name} has no address"))
}

async fn send_ether(provider: &DynProvider, to: Address, wei: U256) -> Result<()> {
    let transaction = TransactionRequest::default().with_to(to).with_value(wei);
    let receipt = provider.send_transaction(transaction).await?.get_receipt().await?;
    ensure!(receipt.status(), "{to} could not be funded");
    Ok(())
}
