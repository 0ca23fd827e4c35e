//! What a quote needs from the chains: the stake of the finalized state, hashed here, and what the pricer's contract holds. One provider of
//! each is asked, since nothing is signed by it; what it said is told with its name.

use crate::{
    config::{Config, ProviderConfig, endpoints},
    hint::{Hinted, WithHint},
};
use alloy_primitives::{Address, hex, keccak256};
use futures::StreamExt;
use guardian_chain::Endpoint;
use guardian_protocol::Wei;
use serde_json::{Value, json};
use std::{io::Write, time::Duration};
use tempfile::NamedTempFile;
use url::Url;

/// More than a mainnet state has, several times.
const MOST_BYTES: u64 = 4 << 30;
/// An answer to a call is shorter.
const MOST_ANSWER: usize = 64 << 10;
/// Without a byte.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the pricer's contract says at the finalized block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pricer {
    pub(super) discount_bps: u16,
    pub(super) mev: Wei,
    pub(super) consensus: Wei,
    pub(super) mev_tolerance_bps: u16,
    pub(super) consensus_tolerance_bps: u16,
}

/// A provider of each kind of a configuration.
pub(super) struct Chains {
    beacon: Endpoint,
    execution: Endpoint,
    client: reqwest::Client,
}

impl Chains {
    pub(super) fn of(config: &Config) -> Result<Self, Hinted> {
        let client = reqwest::Client::builder().read_timeout(PATIENCE).build();
        let client = client.hint("can't ask providers", "this is a defect: report it")?;
        let beacon = chosen("beacon", &config.beacon.providers)?;
        let execution = chosen("execution", &config.execution.providers)?;
        Ok(Self { beacon, execution, client })
    }

    /// The finalized state in a file, and who served it.
    pub(super) async fn finalized_state(&self) -> Result<(NamedTempFile, String), Hinted> {
        let Endpoint { name, url, .. } = &self.beacon;
        let failed = || format!("beacon provider {name} does not serve the finalized state");
        let advice = "does it serve /eth/v2/debug/beacon/states/finalized as SSZ? Or give --state or --stake-gwei";
        let url = joined(url, "eth/v2/debug/beacon/states/finalized");
        let request = self.client.get(url).headers(self.beacon.headers().clone());
        let asked = request.header("accept", "application/octet-stream").send();
        // Addresses may have credentials in them.
        let answer = asked.await.and_then(reqwest::Response::error_for_status).map_err(reqwest::Error::without_url);
        let mut pieces = answer.hint(failed(), advice)?.bytes_stream();
        let mut file =
            NamedTempFile::new().hint("can't make a temporary file", "make room in the folder that TMPDIR names")?;
        let mut length = 0;
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(reqwest::Error::without_url).hint(failed(), advice)?;
            length += piece.len() as u64;
            if length > MOST_BYTES {
                return Err(Hinted::new(format!("{}: more than {MOST_BYTES} bytes came", failed()), advice));
            }
            file.write_all(&piece).hint("can't keep the state", "make room in the folder that TMPDIR names")?;
        }
        Ok((file, format!("beacon provider {name}")))
    }

    /// Everything that the pricer at `address` holds, and who said so.
    pub(super) async fn pricer(&self, address: Address) -> Result<(Pricer, String), Hinted> {
        let pricer = Pricer {
            discount_bps: self.call(address, "getDiscountRateBps()").await?,
            mev: self.call(address, "getDailyMevPayouts()").await?,
            consensus: self.call(address, "getDailyConsensusRewards()").await?,
            mev_tolerance_bps: self.call(address, "getDailyMevPayoutsChangeToleranceBps()").await?,
            consensus_tolerance_bps: self.call(address, "getDailyConsensusRewardsChangeToleranceBps()").await?,
        };
        Ok((pricer, format!("pricer {address} at the finalized block, execution provider {}", self.execution.name)))
    }

    /// The number that the `getter` of a contract returns at the finalized block.
    async fn call<T: TryFrom<Wei>>(&self, address: Address, getter: &str) -> Result<T, Hinted> {
        let Endpoint { name, url, .. } = &self.execution;
        let selector = hex::encode_prefixed(keccak256(getter).get(..4).unwrap_or_default());
        let call = json!({ "to": address, "data": selector });
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": "eth_call", "params": [call, "finalized"] });
        let asked = async {
            let answer = self
                .client
                .post(url.clone())
                .headers(self.execution.headers().clone())
                .json(&request)
                .send()
                .await?
                .error_for_status()?;
            let mut pieces = answer.bytes_stream();
            let mut bytes = Vec::new();
            while let Some(piece) = pieces.next().await {
                bytes.extend_from_slice(&piece?);
                if bytes.len() > MOST_ANSWER {
                    break;
                }
            }
            Ok(bytes)
        };
        let failed = || format!("execution provider {name} does not tell {getter} of {address}");
        let advice = "is --pricer the address of ValidatorTicketPricer on this network, and the node synced?";
        let bytes = asked.await.map_err(reqwest::Error::without_url).hint(failed(), advice)?;
        let answer: Value = serde_json::from_slice(&bytes).hint(failed(), advice)?;
        let word =
            answer.get("result").and_then(Value::as_str).and_then(|text| hex::decode_to_array::<_, 32>(text).ok());
        let number = word.and_then(|word| Wei::try_from(alloy_primitives::U256::from_be_bytes(word)).ok());
        number.and_then(|number| T::try_from(number).ok()).ok_or_else(|| Hinted::new(failed(), advice))
    }
}

/// The one that is there for the most, and of those the first.
fn chosen(layer: &str, providers: &[ProviderConfig]) -> Result<Endpoint, Hinted> {
    let chosen = endpoints(layer, providers)?.into_iter().min_by_key(|endpoint| endpoint.role);
    chosen.ok_or_else(|| Hinted::new("the configuration names no provider", "add one, or give the numbers as options"))
}

/// `path` below `base`, which may have a path and a query of its own.
fn joined(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}/{path}", base.path().trim_end_matches('/')));
    url
}
