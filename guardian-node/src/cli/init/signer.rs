//! What `guardian init` is told of an account whose key is elsewhere. Then no key is made for it.

use alloy_primitives::Address;
use clap::Args;
use toml::Value;
use url::Url;

/// The account, and who has its key: one of three.
#[derive(Debug, Default, Args)]
pub(super) struct Signer {
    /// The account that pays, if its key is elsewhere: in what one of the next three options names
    #[arg(long, value_name = "ADDRESS", requires = "signer")]
    pub(super) account: Option<Address>,
    /// A web3signer
    #[arg(long, value_name = "URL", group = "signer", requires = "account")]
    web3signer: Option<Url>,
    /// AWS KMS: the key's ARN
    #[arg(long, value_name = "ARN", group = "signer", requires = "account")]
    aws_kms: Option<String>,
    /// Google Cloud KMS: projects/P/locations/L/keyRings/R/cryptoKeys/K/cryptoKeyVersions/V
    #[arg(long, value_name = "VERSION", group = "signer", requires = "account")]
    google_kms: Option<String>,
}

impl Signer {
    /// The keys of `[account]` that it sets.
    pub(super) fn settings(&self) -> impl Iterator<Item = (&'static str, Value)> {
        let settings = [
            ("address", self.account.map(|account| account.to_string())),
            ("web3signer", self.web3signer.as_ref().map(Url::to_string)),
            ("aws_kms", self.aws_kms.clone()),
            ("google_kms", self.google_kms.clone()),
        ];
        settings.into_iter().filter_map(|(key, value)| Some((key, Value::String(value?))))
    }
}
