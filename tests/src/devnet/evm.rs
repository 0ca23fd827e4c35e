//! The devnet's EVM as its rich account uses it: contracts from their compiled artifacts, transactions that share a block, and the
//! transactions of accounts whose keys nobody has. What the contracts are for is not known here.

use super::root;
use alloy::{
    network::{EthereumWallet, TransactionBuilder},
    primitives::{Address, B256, Bytes, U256},
    providers::{DynProvider, Provider, ProviderBuilder},
    rpc::types::{TransactionReceipt, TransactionRequest},
    signers::local::PrivateKeySigner,
    sol_types::SolCall,
};
use eyre::{Result, WrapErr, ensure, eyre};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Anvil's first account: rich, and known to everybody.
const RICH: &str = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
/// What it is given, in ether: more than any devnet spends.
const RICHES: u64 = 10_000_000;
/// More gas than any call of the devnet's needs, and few enough that a block has many of them.
const CALL_GAS: u64 = 1_000_000;
/// Gas for a byte of a contract's code: 200 for keeping it, the rest for sending it.
const CODE_GAS: u64 = 240;
/// Wei for a unit of gas: plenty.
const FEE: u128 = 100_000_000_000;

/// The EVM.
#[derive(Clone, Debug)]
pub struct Evm {
    /// The account that deploys, governs and pays.
    pub account: Address,
    pub(super) provider: DynProvider,
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
    /// Waits until the EVM at `url` answers.
    ///
    /// # Errors
    /// If it does not in time.
    pub(super) async fn connect(url: &str) -> Result<Self> {
        let signer: PrivateKeySigner = RICH.parse()?;
        let account = signer.address();
        let provider = ProviderBuilder::new().wallet(EthereumWallet::from(signer)).connect_http(url.parse()?).erased();
        provider.client().set_poll_interval(Duration::from_millis(200));
        let started = Instant::now();
        while let Err(error) = provider.get_block_number().await {
            if started.elapsed() > Duration::from_secs(30) {
                return Err(error).wrap_err("the EVM did not start");
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let evm = Self { account, provider };
        evm.set_balance(account, ether(RICHES)).await?;
        Ok(evm)
    }

    /// Where the next contracts of the rich account will be, if nothing else of it comes between.
    ///
    /// # Errors
    /// If the EVM does not answer.
    pub(super) async fn next_addresses<const N: usize>(&self) -> Result<[Address; N]> {
        let nonce = self.provider.get_transaction_count(self.account).pending().await?;
        Ok(std::array::from_fn(|place| self.account.create(nonce.saturating_add(place as u64))))
    }

    /// Sends these in this order, as many in a block as fit; what became of each.
    ///
    /// # Errors
    /// If the EVM does not answer.
    pub(super) async fn attempt(&self, actions: Vec<Action>) -> Result<Vec<TransactionReceipt>> {
        let mut sent = Vec::new();
        for action in actions {
            sent.push(self.provider.send_transaction(action.request()).await?);
        }
        let mut receipts = Vec::new();
        for pending in sent {
            receipts.push(pending.get_receipt().await?);
        }
        Ok(receipts)
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

    /// Sends these as `from`, whose key nobody needs, into one block; whether each succeeded.
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

    /// Gives `account` this balance, in wei, from nowhere.
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
