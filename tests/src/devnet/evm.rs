//! The devnet's EVM as one of its rich accounts uses it: contracts from their compiled artifacts, and transactions that share a block. Where
//! it is anvil, also what no real client does: ether and code from nowhere. What the contracts are for is not known here.

use super::{chains::CHAIN_ID, root};
use alloy::{
    consensus::TxEnvelope,
    eips::eip2718::Encodable2718,
    network::{EthereumWallet, NetworkTransactionBuilder, TransactionBuilder},
    primitives::{Address, B256, Bytes, U256, hex},
    providers::{DynProvider, Provider, ProviderBuilder},
    rpc::types::{TransactionReceipt, TransactionRequest},
    signers::local::PrivateKeySigner,
    sol_types::SolCall,
};
use eyre::{Result, WrapErr, ensure, eyre};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// Until a transaction must be in a block.
const PATIENCE: Duration = Duration::from_secs(120);
/// After which a pool may have forgotten a transaction.
const FORGETFUL: Duration = Duration::from_secs(2);
/// What an account is given, in ether: more than any devnet spends.
const RICHES: u64 = 10_000_000;
/// More gas than any call of the devnet's needs, and few enough that a block has many of them.
const CALL_GAS: u64 = 1_000_000;
/// Gas for a byte of a contract's code: 200 for keeping it, the rest for sending it.
const CODE_GAS: u64 = 240;
/// Wei for a unit of gas: plenty.
const FEE: u128 = 100_000_000_000;

/// A rich account, whose key is known to everybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Account {
    /// Deploys what the devnet has of its own, governs, and pays.
    Governor,
    /// Pays for the guardians' contracts: whoever deploys has no rights.
    PlanPayer,
    /// Puffer's governance, and its one node operator. It does nothing else, so that the addresses of its contracts are known beforehand.
    Puffer,
}

impl Account {
    /// All of them.
    pub(super) const RICH: [Self; 3] = [Self::Governor, Self::PlanPayer, Self::Puffer];

    /// The key: of anvil's first accounts.
    pub(super) const fn key(self) -> [u8; 32] {
        match self {
            Self::Governor => hex!("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"),
            Self::PlanPayer => hex!("59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d"),
            Self::Puffer => hex!("5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a"),
        }
    }

    /// Where its ether is.
    ///
    /// # Errors
    /// Never: the keys are good ones.
    pub(super) fn address(self) -> Result<Address> {
        Ok(self.signer()?.address())
    }

    fn signer(self) -> Result<PrivateKeySigner> {
        Ok(PrivateKeySigner::from_slice(&self.key())?)
    }
}

/// The EVM.
#[derive(Clone, Debug)]
pub struct Evm {
    /// The account that sends and pays.
    pub account: Address,
    pub(super) provider: DynProvider,
    wallet: EthereumWallet,
    url: String,
    /// How many transactions wait for a block at most.
    at_once: usize,
}

/// What a transaction is to do.
#[derive(Clone, Debug)]
pub(super) struct Action {
    /// `None`: create a contract.
    to: Option<Address>,
    data: Bytes,
    value: U256,
}

impl Action {
    /// A call of a contract.
    pub(super) fn call<C: SolCall>(to: Address, call: &C) -> Self {
        Self { to: Some(to), data: call.abi_encode().into(), value: U256::ZERO }
    }

    /// Some ether for `to`, in wei.
    pub(super) fn ether(to: Address, value: U256) -> Self {
        Self { to: Some(to), data: Bytes::new(), value }
    }

    /// A contract from its creation code.
    pub(super) fn creation(code: Vec<u8>) -> Self {
        Self { to: None, data: code.into(), value: U256::ZERO }
    }

    /// The contract `name` with these constructor arguments, as the compiler made it.
    ///
    /// # Errors
    /// If it was not compiled.
    pub(super) fn contract(name: &str, arguments: Vec<u8>) -> Result<Self> {
        let path = root().join(format!("contracts/out/{name}.sol/{name}.json"));
        let artifact =
            std::fs::read(&path).wrap_err_with(|| format!("{} is missing: run `make contracts`", path.display()))?;
        let artifact: Value = serde_json::from_slice(&artifact)?;
        let code = artifact.pointer("/bytecode/object").and_then(|code| code.as_str());
        let mut code = hex::decode(code.ok_or_else(|| eyre!("{name} has no bytecode"))?.trim_start_matches("0x"))?;
        code.extend(arguments);
        Ok(Self::creation(code))
    }

    /// The same, with some wei.
    pub(super) fn paying(self, value: U256) -> Self {
        Self { value, ..self }
    }

    /// Gas is named, so that nothing is tried out before what comes before it is in a block.
    fn request(self) -> TransactionRequest {
        let code = if self.to.is_none() { self.data.len() as u64 } else { 0 };
        let request = TransactionRequest::default()
            .with_input(self.data)
            .with_value(self.value)
            .with_gas_limit(CALL_GAS.saturating_add(code.saturating_mul(CODE_GAS)))
            .with_max_fee_per_gas(FEE)
            .with_max_priority_fee_per_gas(1);
        match self.to {
            Some(to) => request.with_to(to),
            None => request.into_create(),
        }
    }
}

impl Evm {
    /// Waits until the EVM at `url` answers, which is to get no more than `at_once` transactions for a block.
    ///
    /// # Errors
    /// If it does not in time.
    pub(super) async fn connect(url: &str, account: Account, at_once: usize) -> Result<Self> {
        let evm = Self::signing(url, account.signer()?, at_once)?;
        let started = Instant::now();
        while let Err(error) = evm.provider.get_block_number().await {
            if started.elapsed() > Duration::from_secs(30) {
                return Err(error).wrap_err("the EVM did not start");
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(evm)
    }

    fn signing(url: &str, signer: PrivateKeySigner, at_once: usize) -> Result<Self> {
        let account = signer.address();
        let provider = ProviderBuilder::new().connect_http(url.parse()?).erased();
        Ok(Self { account, provider, wallet: EthereumWallet::from(signer), url: url.to_owned(), at_once })
    }

    /// The same as the account with this key, which is given an ether.
    ///
    /// # Errors
    /// If the EVM does not answer.
    pub(super) async fn as_owner_of(&self, key: B256) -> Result<Self> {
        let other = Self::signing(&self.url, PrivateKeySigner::from_bytes(&key)?, self.at_once)?;
        self.send_all(vec![Action::ether(other.account, ether(1))]).await?;
        Ok(other)
    }

    /// Waits for the block with this number.
    ///
    /// # Errors
    /// If there is none in time.
    pub(super) async fn wait_for_block(&self, number: u64) -> Result<()> {
        let started = Instant::now();
        while self.provider.get_block_number().await.unwrap_or_default() < number {
            ensure!(started.elapsed() < PATIENCE, "there is no block {number} after {PATIENCE:?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }

    /// Where the next contracts of the account will be, if nothing else of it comes between.
    ///
    /// # Errors
    /// If the EVM does not answer.
    pub(super) async fn next_addresses<const N: usize>(&self) -> Result<[Address; N]> {
        let nonce = self.nonce().await?;
        Ok(std::array::from_fn(|place| self.account.create(nonce.saturating_add(place as u64))))
    }

    /// Of the account's next transaction.
    async fn nonce(&self) -> Result<u64> {
        let started = Instant::now();
        loop {
            // A client may keep in its pool for a moment what is in a block already.
            let sent = self.provider.get_transaction_count(self.account).pending().await?;
            if self.provider.get_transaction_count(self.account).await? == sent {
                return Ok(sent);
            }
            ensure!(started.elapsed() < PATIENCE, "transactions of {} wait in the pool", self.account);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Sends these in this order, as many in a block as fit; what became of each.
    ///
    /// # Errors
    /// If the EVM does not answer.
    pub(super) async fn attempt(&self, actions: Vec<Action>) -> Result<Vec<TransactionReceipt>> {
        let mut receipts = Vec::new();
        for share in actions.chunks(self.at_once) {
            let (before, nonce) = (self.provider.get_block_number().await?, self.nonce().await?);
            let mut sent = Vec::new();
            for (action, nonce) in share.iter().zip(nonce..) {
                let request =
                    action.clone().request().with_from(self.account).with_nonce(nonce).with_chain_id(CHAIN_ID);
                let transaction = request.build(&self.wallet).await?;
                let _ = self.provider.send_raw_transaction(&transaction.encoded_2718()).await?;
                sent.push(transaction);
            }
            receipts.extend(self.receipts(&sent, before.saturating_add(1)).await?);
        }
        Ok(receipts)
    }

    /// The receipts of these transactions, which are in blocks from `next` on. Whole blocks are asked for: some clients run a block again
    /// for each question about one of its receipts. Pools forget transactions, so that what waits is sent again.
    async fn receipts(&self, sent: &[TxEnvelope], mut next: u64) -> Result<Vec<TransactionReceipt>> {
        let (started, mut told, mut found) = (Instant::now(), Instant::now(), BTreeMap::new());
        loop {
            let waits = |transaction: &&TxEnvelope| !found.contains_key(transaction.tx_hash());
            let waiting: Vec<&TxEnvelope> = sent.iter().filter(waits).collect();
            if waiting.is_empty() {
                return Ok(sent.iter().filter_map(|transaction| found.remove(transaction.tx_hash())).collect());
            }
            if let Some(receipts) = self.receipts_of(next).await.unwrap_or_default() {
                next = next.saturating_add(1);
                found.extend(receipts.into_iter().map(|receipt| (receipt.transaction_hash, receipt)));
                continue;
            }
            ensure!(started.elapsed() < PATIENCE, "transactions are in no block after {PATIENCE:?}: {waiting:?}");
            if told.elapsed() > FORGETFUL {
                told = Instant::now();
                for transaction in waiting {
                    self.provider.send_raw_transaction(&transaction.encoded_2718()).await.ok();
                }
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// The receipts of a block. `None` if there is no such block yet, or the client has not kept all of its receipts yet.
    async fn receipts_of(&self, block: u64) -> Result<Option<Vec<TransactionReceipt>>> {
        let Some(found) = self.provider.get_block_by_number(block.into()).await? else { return Ok(None) };
        let receipts = self.provider.get_block_receipts(block.into()).await?;
        Ok(receipts.filter(|receipts| receipts.len() == found.transactions.len()))
    }

    /// As [`Evm::attempt`], where all must succeed. Returns the number of the last one's block.
    ///
    /// # Errors
    /// Names the first that does not.
    pub(super) async fn send_all(&self, actions: Vec<Action>) -> Result<u64> {
        let receipts = self.attempt(actions.clone()).await?;
        let refused = receipts.iter().zip(&actions).find(|(receipt, _)| !receipt.status());
        ensure!(refused.is_none(), "a transaction of the devnet's was refused: {refused:?}");
        Ok(receipts.last().and_then(|receipt| receipt.block_number).unwrap_or_default())
    }

    /// Anvil alone: sends these as `from`, whose key nobody needs, into one block; whether each succeeded.
    ///
    /// # Errors
    /// If the EVM does not answer, or puts them into several blocks.
    pub(super) async fn in_one_block(&self, from: Address, actions: Vec<Action>) -> Result<Vec<bool>> {
        self.set_balance(from, ether(1)).await?;
        self.raw("anvil_impersonateAccount", json!([from])).await?;
        self.raw("evm_setIntervalMining", json!([0])).await?;
        let mut hashes = Vec::new();
        for action in actions {
            let hash = self.raw("eth_sendTransaction", json!([action.request().with_from(from)])).await?;
            hashes.push(serde_json::from_value::<B256>(hash)?);
        }
        self.raw("evm_mine", json!([])).await?;
        self.raw("evm_setIntervalMining", json!([1])).await?;
        let (mut blocks, mut succeeded) = (Vec::new(), Vec::new());
        for hash in hashes {
            let receipt = self.provider.get_transaction_receipt(hash).await?;
            let receipt = receipt.ok_or_else(|| eyre!("{hash} is in no block"))?;
            blocks.push(receipt.block_number);
            succeeded.push(receipt.status());
        }
        ensure!(blocks.windows(2).all(|pair| pair.first() == pair.last()), "in several blocks: {blocks:?}");
        Ok(succeeded)
    }

    /// Anvil alone: gives the account more than any devnet spends.
    ///
    /// # Errors
    /// If the EVM does not answer.
    pub(super) async fn enrich(&self) -> Result<()> {
        self.set_balance(self.account, ether(RICHES)).await
    }

    /// Anvil alone: puts a contract's code where it is on a real chain.
    ///
    /// # Errors
    /// If the EVM does not answer.
    pub(super) async fn set_code(&self, address: Address, code: String) -> Result<()> {
        self.raw("anvil_setCode", json!([address, code])).await?;
        Ok(())
    }

    /// Anvil alone: gives `account` this balance, in wei, from nowhere.
    ///
    /// # Errors
    /// If the EVM does not answer.
    pub(super) async fn set_balance(&self, account: Address, wei: U256) -> Result<()> {
        self.raw("anvil_setBalance", json!([account, wei])).await?;
        Ok(())
    }

    /// The time of the newest block, Unix time.
    ///
    /// # Errors
    /// If the EVM does not answer.
    pub(super) async fn time(&self) -> Result<u64> {
        let head = self.provider.get_block_by_number(alloy::eips::BlockNumberOrTag::Latest).await?;
        Ok(head.ok_or_else(|| eyre!("the EVM has no block"))?.header.timestamp)
    }

    /// SHA-256, by the EVM itself (precompile 2).
    ///
    /// # Errors
    /// If the EVM does not answer.
    pub(super) async fn sha256(&self, bytes: Vec<u8>) -> Result<B256> {
        let call = TransactionRequest::default().with_to(Address::with_last_byte(2)).with_input(bytes);
        Ok(B256::try_from(self.provider.call(call).await?.as_ref())?)
    }

    async fn raw(&self, method: &'static str, arguments: Value) -> Result<Value> {
        Ok(self.provider.raw_request(method.into(), arguments).await?)
    }
}

/// In wei.
pub(super) fn ether(amount: u64) -> U256 {
    U256::from(amount) * U256::from(10u64.pow(18))
}
