//! What a sealed file is for, and the readable first line that says so.

use super::{MAX_SEALED, SealError};
use std::{fmt, str::FromStr};

const MAGIC: &str = "guardian-sealed/";
const VERSION: &str = "1";
/// Longer than the longest first line (an owner of 64 characters, two numbers of 20 digits).
const MAX_LINE: usize = 256;
const MAX_OWNER: usize = 64;

/// What kind of secret a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PurposeKind {
    /// The seed of a guardian's identity.
    Identity,
    /// A share of the group key.
    KeyShare,
    /// Shares of validators' keys.
    ExitShares,
    /// The key of the account that pays for transactions.
    Account,
    /// Everything that a guardian must not lose, in one file.
    Backup,
    /// The keys to which operators encrypt shares of validators' keys.
    EnclaveKeys,
}

/// What a sealed file is for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Purpose {
    /// What kind of secret.
    pub kind: PurposeKind,
    /// Whose: the guardian's name.
    pub owner: String,
    /// For which key epoch; zero for kinds that outlive it.
    pub key_epoch: u64,
}

impl PurposeKind {
    /// Every kind.
    pub const ALL: [Self; 6] =
        [Self::Identity, Self::KeyShare, Self::ExitShares, Self::Account, Self::Backup, Self::EnclaveKeys];

    /// The word on the first line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::KeyShare => "key-share",
            Self::ExitShares => "exit-shares",
            Self::Account => "account",
            Self::Backup => "backup",
            Self::EnclaveKeys => "enclave-keys",
        }
    }
}

impl Purpose {
    pub(super) fn check(&self) -> Result<(), SealError> {
        let fits = (1..=MAX_OWNER).contains(&self.owner.len())
            && self.owner.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'));
        if fits { Ok(()) } else { Err(SealError::InvalidOwner) }
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} owner={} key-epoch={}", self.kind.as_str(), self.owner, self.key_epoch)
    }
}

impl FromStr for Purpose {
    type Err = SealError;

    fn from_str(text: &str) -> Result<Self, SealError> {
        let damaged = SealError::Damaged("it names no purpose that is known");
        let mut words = text.split(' ');
        let mut word = || words.next().unwrap_or_default();
        let kind = word();
        let kind = PurposeKind::ALL.into_iter().find(|known| known.as_str() == kind).ok_or_else(|| damaged.clone())?;
        let owner = word().strip_prefix("owner=").ok_or_else(|| damaged.clone())?.to_owned();
        let key_epoch = word().strip_prefix("key-epoch=").and_then(|number| number.parse().ok());
        let purpose = Self { kind, owner, key_epoch: key_epoch.ok_or_else(|| damaged.clone())? };
        purpose.check()?;
        // One purpose, one text.
        if purpose.to_string() == text { Ok(purpose) } else { Err(damaged) }
    }
}

/// The first line.
pub(super) struct Header {
    pub(super) purpose: Purpose,
    /// Bytes that follow.
    pub(super) size: usize,
}

impl Header {
    /// Reads the first line and yields exactly the bytes that it announces.
    pub(super) fn split(bytes: &[u8]) -> Result<(Self, &[u8]), SealError> {
        if bytes.is_empty() {
            return Err(SealError::Empty);
        }
        if bytes.len() > MAX_SEALED {
            return Err(SealError::TooLarge);
        }
        let begins_well = bytes.iter().zip(MAGIC.as_bytes()).all(|(found, expected)| found == expected);
        let Some(end) = bytes.iter().take(MAX_LINE).position(|byte| *byte == b'\n') else {
            return Err(if begins_well && bytes.len() < MAX_LINE {
                SealError::Truncated
            } else {
                SealError::NotSealed
            });
        };
        let (line, rest) = bytes.split_at(end);
        let rest = rest.get(1..).unwrap_or_default();
        let header: Self = std::str::from_utf8(line).map_err(|_| SealError::NotSealed)?.parse()?;
        match rest.len().cmp(&header.size) {
            std::cmp::Ordering::Less => Err(SealError::Truncated),
            std::cmp::Ordering::Equal => Ok((header, rest)),
            std::cmp::Ordering::Greater => Err(SealError::Damaged("something was appended to it")),
        }
    }
}

impl fmt::Display for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{MAGIC}{VERSION} {} size={}", self.purpose, self.size)
    }
}

impl FromStr for Header {
    type Err = SealError;

    /// The line without its end.
    fn from_str(line: &str) -> Result<Self, SealError> {
        let (version, rest) =
            line.strip_prefix(MAGIC).and_then(|line| line.split_once(' ')).ok_or(SealError::NotSealed)?;
        if version != VERSION {
            return Err(SealError::UnsupportedVersion(version.to_owned()));
        }
        let damaged = SealError::Damaged("its first line was changed");
        let (purpose, size) = rest.rsplit_once(" size=").ok_or_else(|| damaged.clone())?;
        let size = size.parse().map_err(|_| damaged.clone())?;
        let header = Self { purpose: purpose.parse()?, size };
        if header.to_string().trim_end() == line { Ok(header) } else { Err(damaged) }
    }
}
