//! Why there is no signature.

use guardian_protocol::ReadFailure;
use std::fmt;

/// Which kind of trouble a signer has, or is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignFault {
    /// It can't be reached, or does not answer in time.
    Unreachable,
    /// It does not accept this node's credentials.
    Denied,
    /// It has no key of the account.
    NoKey,
    /// It says that it can't sign.
    Failed,
    /// Its answer is none.
    Malformed,
    /// What it signed is something else, or the key another.
    Mismatch,
}

impl SignFault {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Unreachable, Self::Denied, Self::NoKey, Self::Failed, Self::Malformed, Self::Mismatch];

    /// A word for metrics and reason codes.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Denied => "denied",
            Self::NoKey => "no_key",
            Self::Failed => "failed",
            Self::Malformed => "malformed",
            Self::Mismatch => "mismatch",
        }
    }
}

/// Why there is no signature, fit for a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignError {
    fault: SignFault,
    text: String,
}

impl SignError {
    pub(super) fn new(fault: SignFault, text: impl Into<String>) -> Self {
        Self { fault, text: text.into() }
    }

    /// The kind of it.
    #[must_use]
    pub const fn fault(&self) -> SignFault {
        self.fault
    }

    /// What the operator can do about it.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self.fault {
            SignFault::Unreachable => {
                "check the address and the certificates under [account], and that the signer is up; other guardians submit meanwhile"
            }
            SignFault::Denied => {
                "check the credentials under [account], and that the signer lets this node in (web3signer: --http-host-allowlist) and sign"
            }
            SignFault::NoKey => "check [account] address, and which keys the signer has loaded",
            SignFault::Failed => "the signer's own log says why; other guardians submit meanwhile",
            SignFault::Malformed => "check that the address under [account] is the signer's, and of the right kind",
            SignFault::Mismatch => {
                "do not trust this signer: its key is not that of [account] address, or it signs something else than it is asked to"
            }
        }
    }
}

impl fmt::Display for SignError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for SignError {}

/// A request that brought no answer.
impl From<ReadFailure> for SignError {
    fn from(failure: ReadFailure) -> Self {
        let fault = match failure {
            ReadFailure::TooLarge(_) | ReadFailure::Malformed(_) => SignFault::Malformed,
            ReadFailure::Unauthorized(_) => SignFault::Denied,
            ReadFailure::Unreachable(_)
            | ReadFailure::NotAvailable(_)
            | ReadFailure::NotInSync(_)
            | ReadFailure::RateLimited(_)
            | ReadFailure::WrongChain(_) => SignFault::Unreachable,
        };
        Self::new(fault, format!("the signer can't be asked: {failure}"))
    }
}
