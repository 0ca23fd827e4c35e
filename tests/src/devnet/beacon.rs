//! The beacon chain as somebody sees it who is no guardian: for waiting, for the screen, and to check guardians' claims against.

use alloy::primitives::Address;
use eyre::{Result, WrapErr, bail, eyre};
use serde_json::Value;
use std::time::{Duration, Instant};

/// A plain client of one beacon node.
#[derive(Clone, Debug)]
pub struct Beacon {
    /// Its API.
    pub url: String,
    client: reqwest::Client,
}

/// What the contracts need of the genesis.
#[derive(Clone, Copy, Debug)]
pub struct Genesis {
    /// Unix time of slot 0.
    pub time: u64,
}

/// A validator as the beacon API shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validator {
    /// Its index.
    pub index: u64,
    /// Its balance in gwei.
    pub balance: u64,
    /// `active_ongoing`, `active_exiting`, ...
    pub status: String,
}

/// A whole state as the node serves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// Its fork.
    pub fork: String,
    /// SSZ.
    pub bytes: Vec<u8>,
}

/// What a block's header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The block's slot.
    pub slot: u64,
    /// The root of the block's state, `0x...`.
    pub state_root: String,
}

impl Beacon {
    /// Of the node on loopback at `port`.
    ///
    /// # Errors
    /// If no client can be made.
    pub fn new(port: u16) -> Result<Self> {
        let client = reqwest::Client::builder().timeout(Duration::from_secs(10)).build()?;
        Ok(Self { url: format!("http://127.0.0.1:{port}"), client })
    }

    /// Waits until the node answers.
    ///
    /// # Errors
    /// If it does not within `patience`.
    pub async fn wait_for_genesis(&self, patience: Duration) -> Result<Genesis> {
        let started = Instant::now();
        loop {
            match self.get("/eth/v1/beacon/genesis").await {
                Ok(genesis) => return Ok(Genesis { time: number(&genesis, "genesis_time")? }),
                Err(error) if started.elapsed() > patience => return Err(error),
                Err(_) => tokio::time::sleep(Duration::from_millis(250)).await,
            }
        }
    }

    /// The finalized epoch.
    ///
    /// # Errors
    /// If the node does not say.
    pub async fn finalized_epoch(&self) -> Result<u64> {
        let checkpoints = self.get("/eth/v1/beacon/states/head/finality_checkpoints").await?;
        number(checkpoints.get("finalized").ok_or_else(|| eyre!("no finalized checkpoint"))?, "epoch")
    }

    /// All validators in `state`.
    ///
    /// # Errors
    /// If the node does not have that state.
    pub async fn validators(&self, state: &str) -> Result<Vec<Validator>> {
        let list = self.get(&format!("/eth/v1/beacon/states/{state}/validators")).await?;
        let list = list.as_array().ok_or_else(|| eyre!("validators are not a list"))?;
        list.iter()
            .map(|entry| {
                let status = entry.get("status").and_then(Value::as_str).unwrap_or_default().to_owned();
                Ok(Validator { index: number(entry, "index")?, balance: number(entry, "balance")?, status })
            })
            .collect()
    }

    /// The state with this id: a slot, a root or a name. `None` if the node does not have it.
    ///
    /// # Errors
    /// If the node does not answer.
    pub async fn state(&self, id: &str) -> Result<Option<State>> {
        let url = format!("{}/eth/v2/debug/beacon/states/{id}", self.url);
        let response = self.client.get(url).header("accept", "application/octet-stream").send().await?;
        if response.status() == reqwest::StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let response = response.error_for_status()?;
        let fork = response.headers().get("eth-consensus-version").and_then(|fork| fork.to_str().ok());
        // The devnet's client does not say; its chain has the one fork.
        let fork = fork.unwrap_or("altair").to_owned();
        Ok(Some(State { fork, bytes: response.bytes().await?.to_vec() }))
    }

    /// The root that the node says the state with this id has, `0x...`.
    ///
    /// # Errors
    /// If the node does not have it.
    pub async fn state_root(&self, id: &str) -> Result<String> {
        text(&self.get(&format!("/eth/v1/beacon/states/{id}/root")).await?, "root")
    }

    /// The header of the block with this root or at this slot.
    ///
    /// # Errors
    /// If the node does not have it.
    pub async fn header(&self, id: &str) -> Result<Header> {
        let entry = self.get(&format!("/eth/v1/beacon/headers/{id}")).await?;
        let message = entry.pointer("/header/message").ok_or_else(|| eyre!("no header"))?;
        Ok(Header { slot: number(message, "slot")?, state_root: text(message, "state_root")? })
    }

    /// From which accounts the block at `slot` carries requests for withdrawals (EIP-7002), in its order.
    ///
    /// # Errors
    /// If the node does not have that block, or it is of a fork without such requests.
    pub async fn withdrawal_requests(&self, slot: u64) -> Result<Vec<Address>> {
        let block = self.get(&format!("/eth/v2/beacon/blocks/{slot}")).await?;
        let requests = block.pointer("/message/body/execution_requests/withdrawals").and_then(Value::as_array);
        let requests = requests.ok_or_else(|| eyre!("the block at {slot} has no requests"))?;
        requests.iter().map(|request| Ok(text(request, "source_address")?.parse()?)).collect()
    }

    async fn get(&self, path: &str) -> Result<Value> {
        let response = self.client.get(format!("{}{path}", self.url)).send().await?;
        if !response.status().is_success() {
            bail!("{path}: {}", response.status());
        }
        let mut body: Value = response.json().await.wrap_err("not JSON")?;
        body.get_mut("data").map(Value::take).ok_or_else(|| eyre!("{path}: no data"))
    }
}

fn text(value: &Value, key: &str) -> Result<String> {
    Ok(value.get(key).and_then(Value::as_str).ok_or_else(|| eyre!("no `{key}`"))?.to_owned())
}

/// Quoted, as the beacon API writes numbers.
fn number(value: &Value, key: &str) -> Result<u64> {
    text(value, key)?.parse().wrap_err_with(|| format!("`{key}` is not a number"))
}
