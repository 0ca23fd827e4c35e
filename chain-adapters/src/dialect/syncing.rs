//! What execution nodes say of their progress.
//!
//! | client | while it follows the head | says |
//! |---|---|---|
//! | most | | `false` |
//! | geth 1.14 and later, bsc | builds an index of transactions or states, for hours | an object, `currentBlock` = `highestBlock` |
//! | reth, Erigon | runs its last stages | the same, with `stages` |

use guardian_protocol::ReadFailure;
use serde::Deserialize;

/// `eth_syncing`: `false`, or an object about the progress, which clients also give when they follow the head and only build an index.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Syncing {
    Flag(bool),
    Progress(Progress),
    /// In nobody's known form.
    Other(serde::de::IgnoredAny),
}

/// How far a node says that it is, in blocks. Numbers are hexadecimal quantities; a few clients write plain ones.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Progress {
    current_block: Quantity,
    highest_block: Quantity,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Quantity {
    Number(u64),
    Text(String),
}

impl Quantity {
    fn value(&self) -> Option<u64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => match text.strip_prefix("0x") {
                Some(digits) => u64::from_str_radix(digits, 16).ok(),
                None => text.parse().ok(),
            },
        }
    }
}

impl Syncing {
    /// # Errors
    /// [`ReadFailure::NotInSync`] if the node does not have all that there is, or can't be understood. A node that knows of no block at all
    /// has not begun.
    pub(crate) fn check(&self) -> Result<(), ReadFailure> {
        let (current, highest) = match self {
            Self::Flag(false) => return Ok(()),
            Self::Flag(true) | Self::Other(_) => return Err(ReadFailure::NotInSync("it is syncing".to_owned())),
            Self::Progress(progress) => (progress.current_block.value(), progress.highest_block.value()),
        };
        match (current, highest) {
            (Some(current), Some(highest)) if highest > 0 && current >= highest => Ok(()),
            (Some(current), Some(highest)) => {
                Err(ReadFailure::NotInSync(format!("it is syncing, at block {current} of {highest}")))
            }
            (None, _) | (_, None) => Err(ReadFailure::NotInSync("it is syncing".to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_that_builds_an_index_at_the_head_is_in_sync() {
        for (said, in_sync) in [
            ("false", true),
            ("true", false),
            (r#"{"currentBlock":"0x190","highestBlock":"0x190","txIndexRemainingBlocks":"0x180"}"#, true),
            (r#"{"currentBlock":"0x191","highestBlock":"0x190"}"#, true),
            (r#"{"currentBlock":400,"highestBlock":"400"}"#, true),
            (r#"{"currentBlock":"0x18f","highestBlock":"0x190"}"#, false),
            (r#"{"currentBlock":"0x0","highestBlock":"0x0"}"#, false),
            (r#"{"currentBlock":"0x190","highestBlock":"soon"}"#, false),
            (r#"{"currentBlock":"0x190"}"#, false),
            ("{}", false),
            (r#""no""#, false),
            ("[1]", false),
        ] {
            let syncing: Syncing = serde_json::from_str(said).unwrap();
            assert_eq!(syncing.check().is_ok(), in_sync, "{said}");
        }
    }
}
