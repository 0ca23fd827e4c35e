//! The beacon API's JSON, decoded strictly: numbers are quoted decimals, bytes are `0x` and exactly as many digits as they
//! must have. Fields that are not needed are not looked at.

use guardian_protocol::{BlsPubkey, Epoch, Gwei, Slot, ValidatorIndex, ValidatorRecord};
use serde::{
    Deserialize, Deserializer,
    de::{Error as _, Visitor},
};
use std::{collections::BTreeMap, fmt};

/// A number as the beacon API writes it: a string of decimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Quoted(pub(crate) u64);

/// `N` bytes as the beacon API writes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hex<const N: usize>(pub(crate) [u8; N]);

/// `{"data": ...}` with the flags that some answers carry. Clients that know no flag leave it out.
#[derive(Debug, Deserialize)]
pub(crate) struct Envelope<T> {
    /// The client has not checked the execution payload.
    #[serde(default)]
    pub(crate) execution_optimistic: Option<bool>,
    /// The answer is of the finalized part of the chain.
    #[serde(default)]
    pub(crate) finalized: Option<bool>,
    pub(crate) data: T,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Genesis {
    pub(crate) genesis_time: Quoted,
    pub(crate) genesis_validators_root: Hex<32>,
}

/// `/eth/v1/config/spec`: names to values, of which newer clients have some that are lists.
pub(crate) type Spec = BTreeMap<String, serde_json::Value>;

#[derive(Debug, Deserialize)]
pub(crate) struct ForkEntry {
    pub(crate) current_version: Hex<4>,
    pub(crate) epoch: Quoted,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Syncing {
    pub(crate) head_slot: Quoted,
    pub(crate) sync_distance: Quoted,
    pub(crate) is_syncing: bool,
    #[serde(default)]
    pub(crate) is_optimistic: bool,
    #[serde(default)]
    pub(crate) el_offline: bool,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Version {
    pub(crate) version: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Identity {
    pub(crate) peer_id: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct FinalityCheckpoints {
    pub(crate) finalized: CheckpointEntry,
}

#[derive(Debug, Deserialize)]
pub(crate) struct CheckpointEntry {
    pub(crate) epoch: Quoted,
    pub(crate) root: Hex<32>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct RootEntry {
    pub(crate) root: Hex<32>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct HeaderEntry {
    pub(crate) root: Hex<32>,
    pub(crate) canonical: bool,
    pub(crate) header: SignedHeader<HeaderMessage>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct SignedHeader<M> {
    pub(crate) message: M,
}

/// A header's entry where the header itself is all that matters.
#[derive(Debug, Deserialize)]
pub(crate) struct WholeHeaderEntry {
    pub(crate) header: SignedHeader<WholeHeader>,
}

/// Everything that a header's root is of.
#[derive(Debug, Deserialize)]
pub(crate) struct WholeHeader {
    pub(crate) slot: Quoted,
    pub(crate) proposer_index: Quoted,
    pub(crate) parent_root: Hex<32>,
    pub(crate) state_root: Hex<32>,
    pub(crate) body_root: Hex<32>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct HeaderMessage {
    pub(crate) slot: Quoted,
    pub(crate) state_root: Hex<32>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct SignedBlock {
    pub(crate) message: BlockMessage,
}

#[derive(Debug, Deserialize)]
pub(crate) struct BlockMessage {
    pub(crate) slot: Quoted,
    pub(crate) state_root: Hex<32>,
    pub(crate) body: BlockBody,
}

/// A full block has the payload, a blinded one the payload's header, and one of Gloas (EIP-7732) only a builder's bid for one.
#[derive(Debug, Deserialize)]
pub(crate) struct BlockBody {
    #[serde(alias = "execution_payload_header")]
    pub(crate) execution_payload: Option<Payload>,
    pub(crate) signed_execution_payload_bid: Option<serde::de::IgnoredAny>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Payload {
    pub(crate) block_number: Quoted,
    pub(crate) block_hash: Hex<32>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct ValidatorEntry {
    index: Quoted,
    balance: Quoted,
    validator: ValidatorBody,
}

#[derive(Debug, Deserialize)]
struct ValidatorBody {
    pubkey: Hex<48>,
    withdrawal_credentials: Hex<32>,
    effective_balance: Quoted,
    slashed: bool,
    activation_epoch: Quoted,
    exit_epoch: Quoted,
    withdrawable_epoch: Quoted,
}

impl From<ValidatorEntry> for ValidatorRecord {
    fn from(entry: ValidatorEntry) -> Self {
        Self {
            index: ValidatorIndex(entry.index.0),
            pubkey: BlsPubkey::new(entry.validator.pubkey.0),
            balance: Gwei(entry.balance.0),
            slashed: entry.validator.slashed,
            activation_epoch: Epoch(entry.validator.activation_epoch.0),
            exit_epoch: Epoch(entry.validator.exit_epoch.0),
            withdrawal_credentials: entry.validator.withdrawal_credentials.0.into(),
            effective_balance: Gwei(entry.validator.effective_balance.0),
            withdrawable_epoch: Epoch(entry.validator.withdrawable_epoch.0),
            participation: None,
            pending_withdrawals: None,
        }
    }
}

impl From<Quoted> for Slot {
    fn from(number: Quoted) -> Self {
        Self(number.0)
    }
}

impl From<Quoted> for Epoch {
    fn from(number: Quoted) -> Self {
        Self(number.0)
    }
}

/// The number that `text` writes, if it writes one canonically: `007`, `+7` and `0x7` are none.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    let canonical = text == "0" || (!text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit()));
    if canonical { text.parse().ok() } else { None }
}

/// The bytes that `text` writes, if they are exactly `N`.
pub(crate) fn fixed_bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.strip_prefix("0x")?;
    let mut bytes = [0; N];
    alloy::primitives::hex::decode_to_slice(digits, &mut bytes).ok()?;
    // The decoder would take a second prefix for none.
    (digits.len() == N.saturating_mul(2)).then_some(bytes)
}

impl<'de> Deserialize<'de> for Quoted {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct QuotedVisitor;

        impl Visitor<'_> for QuotedVisitor {
            type Value = Quoted;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a quoted decimal number of at most 64 bits")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Quoted, E> {
                decimal(text).map(Quoted).ok_or_else(|| E::custom("not a decimal number of at most 64 bits"))
            }
        }

        deserializer.deserialize_str(QuotedVisitor)
    }
}

impl<'de, const N: usize> Deserialize<'de> for Hex<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        fixed_bytes(&text).map(Self).ok_or_else(|| D::Error::custom(format_args!("not 0x and {N} bytes")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_must_be_quoted_and_canonical() {
        let number = |json: &str| serde_json::from_str::<Quoted>(json).ok().map(|number| number.0);
        assert_eq!(number("\"0\""), Some(0));
        assert_eq!(number("\"18446744073709551615\""), Some(u64::MAX));
        for wrong in
            ["7", "\"\"", "\"+7\"", "\"-7\"", "\"07\"", "\"0x7\"", "\" 7\"", "\"18446744073709551616\"", "null"]
        {
            assert_eq!(number(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn bytes_must_have_the_prefix_and_the_exact_length() {
        assert_eq!(fixed_bytes::<2>("0x0aFF"), Some([10, 255]));
        for wrong in ["0aff", "0x0af", "0x0aff00", "0x", "", "0x0x0aff", "0x0agg", "0x0x0a"] {
            assert_eq!(fixed_bytes::<2>(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_block_may_be_blinded_or_full_or_older_than_the_merge() {
        let body = |json: &str| serde_json::from_str::<BlockBody>(json).unwrap().execution_payload;
        let payload = format!(r#"{{"block_number":"7","block_hash":"0x{}","other":1}}"#, "ab".repeat(32));
        for field in ["execution_payload", "execution_payload_header"] {
            let payload = body(&format!(r#"{{"{field}":{payload}}}"#)).unwrap();
            assert_eq!((payload.block_number.0, payload.block_hash.0), (7, [0xab; 32]));
        }
        assert!(body("{}").is_none());
    }
}
