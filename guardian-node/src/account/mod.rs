//! The account that pays for transactions: its key in a sealed file, or the way to the signer that has it.

mod cost;
mod spending;
mod watch;

pub(crate) use cost::{pays_for_an_order, reports};
pub(crate) use watch::{AccountStatus, Looks, ether, watch};

use crate::{
    config::Config,
    durable::read_private,
    hint::{Hinted, WithHint},
    keys::KeyFiles,
};
use guardian_chain::{Account, AccountKey, AwsKmsAccess, GoogleKmsAccess, Limits, Web3SignerAccess};
use guardian_crypto::secret::Secret;
use std::{collections::HashMap, env, fs, path::Path};
use url::Url;

/// What to do where anybody on the way to the signer can read and write.
pub(crate) const READABLE_HINT: &str = "who sits between can read the credentials and answer in the signer's place: use https://, or a tunnel that ends on this machine";

/// The account of `config`. Nobody is spoken to.
///
/// # Errors
/// If its sealed key can't be opened, or a file for the signer can't be read.
pub(crate) fn open(config: &Config, files: &KeyFiles) -> Result<Account, Hinted> {
    let said = &config.account;
    if let (Some(address), Some(key)) = (said.address, said.aws_kms()?) {
        let access = AwsKmsAccess { key, endpoint: said.aws_kms_endpoint.clone(), environment: aws() };
        return Account::at_aws_kms(address, &access, Limits::default())
            .hint("can't use the key in AWS KMS of [account]", "check aws_kms and aws_kms_endpoint");
    }
    if let (Some(address), Some(key)) = (said.address, said.google_kms()?) {
        let access = GoogleKmsAccess { key, endpoint: None, metadata: google()? };
        return Account::at_google_kms(address, &access, Limits::default())
            .hint("can't use the key in Google Cloud KMS of [account]", "this is a defect: report it");
    }
    let (Some(address), Some(url)) = (said.address, said.web3signer()?) else {
        let key = files.account(&config.keys.account)?;
        let advice = "restore keys/account.sealed from your backup, or make a new one with `guardian init`";
        return Ok(AccountKey::from_bytes(key.expose()).hint("the account key is not valid", advice)?.into());
    };
    let access = Web3SignerAccess {
        url: url.into_owned(),
        authorities: said.authority_file.as_deref().map(public).transpose()?,
        identity: said.certificate_file.as_deref().map(secret).transpose()?,
        bearer: bearer(config)?,
    };
    Account::at_web3signer(address, &access, Limits::default())
        .hint("can't use the web3signer of [account]", "certificates and keys are in PEM, a token is text on one line")
}

/// The variables that say where a machine's credentials for AWS are.
fn aws() -> HashMap<String, String> {
    let is_theirs = |name: &str| name.starts_with("AWS_") || name == "HOME";
    let variables =
        env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    variables.filter(|(name, _)| is_theirs(name)).collect()
}

/// Where the machine is told who it is, if not where Google Cloud's machines are.
fn google() -> Result<Option<Url>, Hinted> {
    let Ok(host) = env::var("GCE_METADATA_HOST") else { return Ok(None) };
    let url = format!("http://{host}/").parse();
    url.hint(format!("GCE_METADATA_HOST is `{host}`"), "it is a name or address, with a port where needed").map(Some)
}

/// The token for the web3signer, if it wants one.
///
/// # Errors
/// If its file can't be read, or others can read it.
pub(crate) fn bearer(config: &Config) -> Result<Option<Secret<String>>, Hinted> {
    config.account.bearer_file.as_deref().map(token).transpose()
}

const ADVICE: &str = "check the paths under [account] and their permissions";

fn public(path: &Path) -> Result<Vec<u8>, Hinted> {
    fs::read(path).hint(format!("can't read {}", path.display()), ADVICE)
}

fn secret(path: &Path) -> Result<Secret<Vec<u8>>, Hinted> {
    read_private(path, &format!("can't read {}", path.display()), ADVICE)
}

fn token(path: &Path) -> Result<Secret<String>, Hinted> {
    let bytes = secret(path)?;
    let text = str::from_utf8(bytes.expose()).hint(format!("{} is not text", path.display()), ADVICE)?;
    Ok(Secret::new(text.trim().to_owned()))
}
