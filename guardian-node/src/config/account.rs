//! `[account]`: the account that pays, where its key is not in a file of this guardian.

use super::endpoints::{address_in, leads_out};
use crate::hint::Hinted;
use alloy_primitives::Address;
use guardian_chain::{AwsKmsKey, GoogleKmsKey};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, path::PathBuf};
use url::Url;

/// `[account]`. All left out: the key is the sealed file of `[keys] account`.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct AccountConfig {
    /// The account of which a remote signer has the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
    /// The web3signer that has it. Credentials in the address are never logged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub web3signer: Option<Url>,
    /// A file that holds the address of the web3signer instead: for one with credentials.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub web3signer_file: Option<PathBuf>,
    /// The key in AWS KMS (its ARN, or that of an alias).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aws_kms: Option<String>,
    /// Where AWS KMS is, if not at the public address of the key's region.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aws_kms_endpoint: Option<Url>,
    /// The version of the key in Google Cloud KMS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub google_kms: Option<String>,
    /// Certificates (PEM) of the only authorities that the web3signer's certificate may be of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authority_file: Option<PathBuf>,
    /// Certificate and key (PEM) to show to the web3signer, readable by their owner only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate_file: Option<PathBuf>,
    /// A bearer token for the web3signer, readable by its owner only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bearer_file: Option<PathBuf>,
}

impl AccountConfig {
    /// Whether the key is elsewhere.
    #[must_use]
    pub const fn is_remote(&self) -> bool {
        self.has_web3signer() || self.aws_kms.is_some() || self.google_kms.is_some()
    }

    const fn has_web3signer(&self) -> bool {
        self.web3signer.is_some() || self.web3signer_file.is_some()
    }

    /// The key in AWS KMS, if it is there.
    ///
    /// # Errors
    /// If that is no name of a key.
    pub(crate) fn aws_kms(&self) -> Result<Option<AwsKmsKey>, Hinted> {
        let parse = |arn: &String| -> Result<AwsKmsKey, Hinted> {
            arn.parse().map_err(|form: String| Hinted::new(format!("[account] aws_kms is `{arn}`"), form))
        };
        self.aws_kms.as_ref().map(parse).transpose()
    }

    /// Where the web3signer is, if there is one.
    ///
    /// # Errors
    /// If that is said twice, or the file does not hold an address. What the file holds is not repeated.
    pub(crate) fn web3signer(&self) -> Result<Option<Cow<'_, Url>>, Hinted> {
        match (&self.web3signer, &self.web3signer_file) {
            (None, None) => Ok(None),
            (Some(url), None) => Ok(Some(Cow::Borrowed(url))),
            (None, Some(path)) => {
                address_in(path, "the web3signer", "web3signer_file").map(|url| Some(Cow::Owned(url)))
            }
            (Some(_), Some(_)) => {
                Err(Hinted::new("[account] has both web3signer and web3signer_file", "leave one of the two out"))
            }
        }
    }

    /// The key in Google Cloud KMS, if it is there.
    ///
    /// # Errors
    /// If that is no name of a key's version.
    pub(crate) fn google_kms(&self) -> Result<Option<GoogleKmsKey>, Hinted> {
        let parse = |name: &String| -> Result<GoogleKmsKey, Hinted> {
            name.parse().map_err(|form: String| Hinted::new(format!("[account] google_kms is `{name}`"), form))
        };
        self.google_kms.as_ref().map(parse).transpose()
    }

    /// Whether anybody between here and the signer can read what is sent, and answer in its place.
    pub(crate) fn is_readable_on_the_way(&self) -> bool {
        let is_readable = |url: &Url| url.scheme() == "http" && leads_out(url);
        self.aws_kms_endpoint.as_ref().is_some_and(is_readable)
            || self.web3signer().is_ok_and(|url| url.is_some_and(|url| is_readable(&url)))
    }

    /// Where relative paths stand.
    pub(crate) fn paths(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let paths =
            [&mut self.web3signer_file, &mut self.authority_file, &mut self.certificate_file, &mut self.bearer_file];
        paths.into_iter().flatten()
    }

    pub(super) fn check(&self) -> Result<(), Hinted> {
        let is_remote = self.is_remote();
        match self.address {
            None if is_remote => Err(Hinted::new(
                "[account] names a signer, and no account",
                "set address to that of the account that shall pay: the signer is believed nothing, also not whose key it has",
            )),
            Some(_) if !is_remote => Err(Hinted::new(
                "[account] has an address, and no signer",
                "name the web3signer, or the key in AWS KMS or Google Cloud KMS, or leave the address out: a key in a sealed file says it itself",
            )),
            Some(_) | None => Ok(()),
        }?;
        let needs_signer = [&self.authority_file, &self.certificate_file, &self.bearer_file];
        if !self.has_web3signer() && needs_signer.into_iter().any(Option::is_some) {
            return Err(Hinted::new(
                "[account] has files for a web3signer, and none is named",
                "set web3signer, or leave them out",
            ));
        }
        let places = [self.has_web3signer(), self.aws_kms.is_some(), self.google_kms.is_some()];
        if places.into_iter().filter(|named| *named).count() > 1 {
            return Err(Hinted::new(
                "[account] names more than one place of the key",
                "leave all but one of web3signer, aws_kms and google_kms out",
            ));
        }
        if self.aws_kms_endpoint.is_some() && self.aws_kms.is_none() {
            return Err(Hinted::new(
                "[account] says where AWS KMS is, and names no key in it",
                "set aws_kms, or leave it out",
            ));
        }
        self.aws_kms()?;
        self.google_kms()?;
        if self.web3signer.is_some() && self.web3signer_file.is_some() {
            self.web3signer()?;
        }
        let scheme = self.web3signer.as_ref().map(Url::scheme);
        if scheme.is_some_and(|scheme| !matches!(scheme, "http" | "https")) {
            return Err(Hinted::new("[account] web3signer is no http address", "write https://HOST:PORT"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, TEMPLATE};
    use std::path::Path;

    const ADDRESS: &str = "address = \"0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf\"";

    const ARN: &str = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

    const NAME: &str = "projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1";

    /// The template with these lines under `[account]`.
    fn with(lines: &str) -> Result<Config, Hinted> {
        let text = TEMPLATE.replace("[account]\n", &format!("[account]\n{lines}\n"));
        Config::parse(&text, Path::new("guardian.toml"))
    }

    #[test]
    fn nothing_said_means_the_sealed_file() {
        assert!(!with("").unwrap().account.is_remote());
    }

    #[test]
    fn a_signer_and_its_account_belong_together() {
        let url = "web3signer = \"https://signer.example:9000\"";
        assert!(with(&format!("{ADDRESS}\n{url}")).unwrap().account.is_remote());
        assert!(with(&format!("{ADDRESS}\naws_kms = \"{ARN}\"")).unwrap().account.is_remote());
        assert!(with(&format!("{ADDRESS}\ngoogle_kms = \"{NAME}\"")).unwrap().account.is_remote());
        for (lines, what) in [
            (url.to_owned(), "a signer, and no account"),
            (ADDRESS.to_owned(), "an address, and no signer"),
            ("bearer_file = \"token\"".to_owned(), "files for a web3signer, and none is named"),
            (format!("{ADDRESS}\nweb3signer = \"ftp://signer.example\""), "no http address"),
            (format!("{ADDRESS}\n{url}\naws_kms = \"{ARN}\""), "more than one place of the key"),
            (format!("{ADDRESS}\ngoogle_kms = \"{NAME}\"\naws_kms = \"{ARN}\""), "more than one place of the key"),
            (format!("{ADDRESS}\ngoogle_kms = \"payer\""), "google_kms is `payer`"),
            (format!("{ADDRESS}\naws_kms = \"1234abcd-12ab-34cd-56ef-1234567890ab\""), "aws_kms is `1234abcd"),
            (format!("{ADDRESS}\n{url}\naws_kms_endpoint = \"https://kms.example\""), "names no key in it"),
            (format!("{ADDRESS}\naws_kms = \"{ARN}\"\nbearer_file = \"token\""), "files for a web3signer"),
        ] {
            let error = with(&lines).unwrap_err();
            assert!(error.to_string().contains(what) && !error.advice().is_empty(), "{error}");
        }
        let both = with(&format!("{ADDRESS}\n{url}\nweb3signer_file = \"url\"")).unwrap_err();
        assert!(both.to_string().contains("both web3signer and web3signer_file"), "{both}");
    }

    #[test]
    fn plain_http_beyond_this_machine_is_readable_on_the_way() {
        for (url, readable) in [
            ("http://127.0.0.1:9000", false),
            ("http://localhost:9000", false),
            ("http://[::1]:9000", false),
            ("https://signer.example", false),
            ("http://signer:9000", true),
            ("http://10.0.0.7:9000", true),
            ("http://signer.example", true),
        ] {
            let config = with(&format!("{ADDRESS}\nweb3signer = \"{url}\"")).unwrap();
            assert_eq!(config.account.is_readable_on_the_way(), readable, "{url}");
        }
    }
}
