//! Settings of several sources laid over each other, and which of them each value comes from.

use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt};
use toml::{Table, Value};

/// Where a value comes from. A later one wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Origin {
    /// Nobody said anything.
    Default,
    /// The network that is named.
    Network,
    /// The file of the contracts' deployment.
    Deployment,
    /// The configuration file.
    File,
    /// The environment.
    Environment,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Default => "default",
            Self::Network => "network",
            Self::Deployment => "deployment",
            Self::File => "file",
            Self::Environment => "environment",
        })
    }
}

/// Which value comes from where, by its path, such as `http.listen`. What is not in it is a default.
pub(crate) type Origins = BTreeMap<String, Origin>;

/// The sources so far.
#[derive(Debug, Default)]
pub(super) struct Layers {
    pub(super) values: Table,
    pub(super) origins: Origins,
}

impl Layers {
    /// Lays `table` over what is there. Tables are merged, everything else is replaced as a whole.
    pub(super) fn lay(&mut self, table: Table, origin: Origin) {
        lay(&mut self.values, table, "", origin, &mut self.origins);
    }

    /// Forgets the keys of `table` that begin with `prefix`: what comes now says it in another way.
    pub(super) fn forget(&mut self, table: &str, prefix: &str) {
        if let Some(Value::Table(values)) = self.values.get_mut(table) {
            values.retain(|key, _| !key.starts_with(prefix));
        }
        let path = format!("{table}.{prefix}");
        self.origins.retain(|known, _| !known.starts_with(&path));
    }

    /// The text at `table.key`.
    pub(super) fn text(&self, table: &str, key: &str) -> Option<&str> {
        self.values.get(table)?.get(key)?.as_str()
    }
}

fn lay(into: &mut Table, table: Table, prefix: &str, origin: Origin, origins: &mut Origins) {
    for (key, value) in table {
        let path = format!("{prefix}{key}");
        match (into.get_mut(&key), value) {
            (Some(Value::Table(inner)), Value::Table(value)) => lay(inner, value, &format!("{path}."), origin, origins),
            (_, Value::Table(value)) => {
                let mut inner = Table::new();
                lay(&mut inner, value, &format!("{path}."), origin, origins);
                into.insert(key, Value::Table(inner));
            }
            (_, value) => {
                origins.insert(path, origin);
                into.insert(key, value);
            }
        }
    }
}
