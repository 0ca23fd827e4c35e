//! Which providers to ask, and within which limits. Values only: reading a file is the shell's work.

use crate::redact::Redacted;
use guardian_protocol::{Contracts, ProviderQuorum};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use std::{fmt, time::Duration};
use url::Url;

/// One provider's address. Its [`Debug`] shows no credentials.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The operator's name for it, used in logs, metrics and errors.
    pub name: String,
    /// Where it listens. May carry credentials in its user part, path or query.
    pub url: Url,
    /// When it is asked.
    pub role: Role,
    headers: HeaderMap,
}

/// When a provider is asked. It does not change what an answer is worth: as many as before have to agree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Always, and for whole states before all others.
    Heavy,
    /// Always.
    #[default]
    Own,
    /// When the others did not say the same in a moment, and for whole states after all others.
    Fallback,
}

impl Endpoint {
    /// A provider that is always asked, without headers of its own.
    #[must_use]
    pub fn new(name: impl Into<String>, url: Url) -> Self {
        Self { name: name.into(), url, role: Role::Own, headers: HeaderMap::new() }
    }

    /// The same, with a header in each request. No text shows its value.
    ///
    /// # Errors
    /// If it is none; neither is repeated.
    pub fn with_header(mut self, name: &str, value: &str) -> Result<Self, NoHeader> {
        let name: HeaderName = name.parse().map_err(|_| NoHeader)?;
        let mut value = HeaderValue::from_str(value).map_err(|_| NoHeader)?;
        value.set_sensitive(true);
        self.headers.append(name, value);
        Ok(self)
    }

    /// The headers of each request. Their values are marked as sensitive.
    #[must_use]
    pub const fn headers(&self) -> &HeaderMap {
        &self.headers
    }
}

/// What was given is no header of HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a header of HTTP")]
pub struct NoHeader;

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, Redacted(&self.url))
    }
}

/// What [`crate::Readers`] are made from.
#[derive(Clone, Debug)]
pub struct ChainConfig {
    /// Beacon nodes, at most 256.
    pub beacon: Vec<Endpoint>,
    /// Execution nodes, at most 256.
    pub execution: Vec<Endpoint>,
    /// The protocol's contracts.
    pub contracts: Contracts,
    /// No block before this one matters: the block in which the first of the contracts was created.
    pub start_block: u64,
    /// The chain id that the operator expects, if the operator wants it checked.
    pub chain_id: Option<u64>,
    /// How many equal answers end a question: as many as the protocol believes.
    pub quorum: ProviderQuorum,
    /// Bounds on everything that providers may cost.
    pub limits: Limits,
}

/// Bounds on what providers may cost: nothing from outside is trusted in length or speed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// To connect.
    pub connect_timeout: Duration,
    /// For one request with a small answer, from sending it to its last byte; for a state, until its head has come.
    pub request_timeout: Duration,
    /// For one provider's answer to a [`guardian_protocol::Query`], all its requests together, waiting for the
    /// provider's turn included.
    pub answer_timeout: Duration,
    /// The same for [`guardian_protocol::Query::Events`], which may span years. Below the protocol's own patience
    /// ([`guardian_protocol::Timing::query_timeout`]), or answers would come that nobody waits for any more.
    pub history_timeout: Duration,
    /// An event stream that is silent for this long, before its head or after, is opened anew. Not every client sends keep-alives, and finality comes
    /// once an epoch (6.4 minutes on mainnet).
    pub silence: Duration,
    /// Largest JSON answer of a beacon node, in bytes. 600 validators are about 300 kB.
    pub json_bytes: usize,
    /// Largest beacon block, in bytes of JSON. Mainnet's are below 5 MB, blinded ones below 2 MB.
    pub block_bytes: usize,
    /// Read validators from whole states that are proved, where a provider serves them.
    pub prove_states: bool,
    /// Largest beacon state, in bytes of SSZ; streamed, never held. Mainnet's is about 310 MB.
    pub state_bytes: u64,
    /// For one provider's state.
    pub state_timeout: Duration,
    /// A provider that has not sent its state after this is helped out by the next one.
    pub state_hedge: Duration,
    /// Bytes that one provider may be made to send in an hour for whole states. Mainnet finalizes 9.4 epochs an hour: 3 GB.
    pub state_budget: u64,
    /// Largest answer of an execution node, in bytes.
    pub rpc_bytes: usize,
    /// Blocks in one `eth_getLogs`; halved for a provider that refuses.
    pub log_range: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(10),
            answer_timeout: Duration::from_secs(60),
            history_timeout: Duration::from_secs(110),
            silence: Duration::from_secs(1200),
            json_bytes: 4 << 20,
            block_bytes: 32 << 20,
            prove_states: true,
            state_bytes: 4 << 30,
            // With three times `state_hedge` and `answer_timeout`, below the protocol's patience.
            state_timeout: Duration::from_secs(55),
            state_hedge: Duration::from_secs(10),
            state_budget: 6 << 30,
            rpc_bytes: 32 << 20,
            log_range: 2_000,
        }
    }
}

/// How [`crate::Sender`] pays. All fees in wei per gas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SenderConfig {
    /// Never bid more than this in total.
    pub max_fee_per_gas: u128,
    /// Never bid more than this as the tip.
    pub max_priority_fee: u128,
    /// How often to look for the receipt.
    pub poll_interval: Duration,
    /// Raise the bid if the transaction is not included after this long.
    pub replace_after: Duration,
    /// How many times to raise it.
    pub replacements: u32,
    /// Give up waiting after this long; the duty may be submitted again.
    pub timeout: Duration,
}

impl Default for SenderConfig {
    fn default() -> Self {
        Self {
            max_fee_per_gas: 200_000_000_000,
            max_priority_fee: 3_000_000_000,
            poll_interval: Duration::from_secs(2),
            // Three mainnet slots: one may be missed, and the next proposer may have built before ours arrived.
            replace_after: Duration::from_secs(36),
            replacements: 5,
            timeout: Duration::from_secs(300),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_never_prints_its_credentials() {
        let url = Url::parse("https://alice:hunter2@rpc.example/v3/0123456789abcdef?key=topsecret").unwrap();
        let printed = format!("{:?}", Endpoint::new("hosted", url).with_header("x-key", "topsecret").unwrap());
        assert_eq!(printed, "hosted (https://***@rpc.example/***)");
    }
}
