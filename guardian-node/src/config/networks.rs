//! Networks that have a name, and what is published of each. What is not known of one is left to be said; nothing here is a guess.

use serde::{Deserialize, Serialize};
use std::fmt;
use toml::{Table, Value};

/// A network that has a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Network {
    /// Ethereum.
    Mainnet,
    /// The test network for validators.
    Hoodi,
    /// A development chain on this machine, as anvil makes it.
    Devnet,
}

impl Network {
    /// Every network.
    pub const ALL: [Self; 3] = [Self::Mainnet, Self::Hoodi, Self::Devnet];

    /// The word in the configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mainnet => "mainnet",
            Self::Hoodi => "hoodi",
            Self::Devnet => "devnet",
        }
    }

    /// EIP-155's number of the chain.
    #[must_use]
    pub const fn chain_id(self) -> u64 {
        match self {
            Self::Mainnet => 1,
            Self::Hoodi => 560_048,
            Self::Devnet => 31_337,
        }
    }

    /// `PufferProtocol`, where its address is published: by Puffer's access-control documents, `docs/deployments/mainnet.md`.
    #[must_use]
    pub const fn protocol(self) -> Option<&'static str> {
        match self {
            Self::Mainnet => Some("0xf7b6B32492c2e13799D921E84202450131bd238B"),
            Self::Hoodi | Self::Devnet => None,
        }
    }

    /// What need not be said in a configuration of this network.
    pub(super) fn settings(self) -> Table {
        let mut contracts = Table::new();
        // The chain ids are small.
        contracts.extend(i64::try_from(self.chain_id()).map(|id| ("chain_id".to_owned(), Value::Integer(id))));
        contracts.extend(self.protocol().map(|address| ("protocol".to_owned(), Value::String(address.to_owned()))));
        Table::from_iter([("contracts".to_owned(), Value::Table(contracts))])
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = || Self::ALL.map(Self::as_str).join(", ");
        let named = Self::ALL.into_iter().find(|network| network.as_str() == text);
        named.ok_or_else(|| format!("`{text}` is no network with a name; those are {}", known()))
    }
}
