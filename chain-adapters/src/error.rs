//! Why the node can't start with these providers. Once it runs, a provider's trouble is a
//! [`guardian_protocol::ReadFailure`] and no error.

pub use guardian_protocol::Layer;

/// Why the adapters could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The list is empty or longer than a [`guardian_protocol::ProviderId`] can count.
    #[error("{count} {layer} providers are configured; there must be 1 to 256")]
    ProviderCount {
        /// Which list.
        layer: Layer,
        /// Its length.
        count: usize,
    },
    /// Two providers of one layer have the same name: nobody could tell them apart in logs and metrics.
    #[error("two {layer} providers are named '{name}'")]
    DuplicateName {
        /// Which list.
        layer: Layer,
        /// The name.
        name: String,
    },
    /// Fewer than a majority answered.
    #[error("{reached} of {total} {layer} providers answered, {needed} are needed: {reasons}")]
    TooFewReachable {
        /// Which list.
        layer: Layer,
        /// How many answered.
        reached: usize,
        /// How many are configured.
        total: usize,
        /// A majority of them.
        needed: usize,
        /// Each silent provider's reason.
        reasons: String,
    },
    /// They serve different chains, and no majority serves the same.
    #[error("no {needed} of {total} {layer} providers serve the same chain: {differences}")]
    NoMajority {
        /// Which list.
        layer: Layer,
        /// How many answered.
        reached: usize,
        /// How many are configured.
        total: usize,
        /// A majority of them.
        needed: usize,
        /// What differs.
        differences: String,
    },
    /// The providers agree with each other, but not with the configuration, or not across the layers.
    #[error("{0}")]
    Contradiction(String),
    /// Both layers have trouble.
    #[error("{0}; {1}")]
    Both(Box<Error>, Box<Error>),
    /// The HTTP client could not be built.
    #[error("the HTTP client could not be set up: {0}")]
    Http(String),
    /// The account key is not one.
    #[error("the account key is not a valid secp256k1 secret key")]
    AccountKey,
    /// Certificates or credentials for the account's remote signer are malformed.
    #[error("the account's signer can't be spoken to: {0}")]
    SignerAccess(String),
}

impl Error {
    /// Both values, or everything that stands in the way.
    pub(crate) fn both<A, B>(first: Result<A, Self>, second: Result<B, Self>) -> Result<(A, B), Self> {
        match (first, second) {
            (Ok(first), Ok(second)) => Ok((first, second)),
            (Err(first), Err(second)) => Err(Self::Both(Box::new(first), Box::new(second))),
            (Err(error), Ok(_)) | (Ok(_), Err(error)) => Err(error),
        }
    }

    /// Whether it may pass without anybody's doing, because it is providers that are not there yet.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self {
            Self::TooFewReachable { .. } => true,
            Self::NoMajority { reached, total, .. } => reached < total,
            Self::Both(first, second) => first.may_pass() && second.may_pass(),
            Self::ProviderCount { .. }
            | Self::DuplicateName { .. }
            | Self::Contradiction(_)
            | Self::Http(_)
            | Self::AccountKey
            | Self::SignerAccess(_) => false,
        }
    }

    /// What the operator can do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::ProviderCount { .. } => "list each provider with a name and a url; three of each layer let one fail",
            Self::DuplicateName { .. } => "give every provider its own name",
            Self::TooFewReachable { .. } => {
                "check the addresses under [beacon] and [execution], and that the nodes are up and their HTTP APIs enabled"
            }
            Self::NoMajority { .. } => "remove the providers that serve another network than the one you mean",
            Self::Contradiction(_) => "check that all providers and the configured chain id mean the same network",
            Self::Both(first, _) => first.hint(),
            Self::Http(_) => "check the system's certificate store and limits",
            Self::AccountKey => "the key is 32 bytes, not zero and below the group order; generate a new one",
            Self::SignerAccess(_) => "check the files that [account] names: certificates and keys are in PEM",
        }
    }
}
