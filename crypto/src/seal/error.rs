//! What an operator may find wrong with a sealed file; each is repaired differently.

use super::Purpose;

/// Why a sealed file was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// No bytes, or an empty secret.
    #[error("the sealed file is empty")]
    Empty,
    /// The file ends before it should.
    #[error("the sealed file is cut short")]
    Truncated,
    /// Larger than [`super::MAX_SEALED`].
    #[error("the sealed file is too large")]
    TooLarge,
    /// It does not begin like a sealed file.
    #[error("this is not a sealed file of a guardian")]
    NotSealed,
    /// Written by other software.
    #[error("the sealed file has format version {0}, which this software does not know")]
    UnsupportedVersion(String),
    /// Sealed for something else.
    #[error("the sealed file is for {found}, not for {expected}")]
    WrongPurpose {
        /// What was asked for.
        expected: Box<Purpose>,
        /// What it is for.
        found: Box<Purpose>,
    },
    /// The passphrase does not open it.
    #[error("the passphrase does not open the sealed file")]
    WrongPassphrase,
    /// An empty passphrase.
    #[error("the passphrase is empty")]
    NoPassphrase,
    /// It demands more work than is reasonable.
    #[error("the sealed file demands scrypt work of 2^{log_n}; at most 2^{limit} is accepted")]
    TooCostly {
        /// What it demands, as a power of two.
        log_n: u8,
        /// What is accepted, as a power of two.
        limit: u8,
    },
    /// Changed after it was sealed.
    #[error("the sealed file is damaged: {0}")]
    Damaged(&'static str),
    /// Encryption failed, which it does not.
    #[error("the secret could not be encrypted")]
    EncryptionFailed,
    /// A name that does not fit on the first line.
    #[error("an owner's name has 1 to 64 characters out of a-z, A-Z, 0-9, '.', '_' and '-'")]
    InvalidOwner,
}
