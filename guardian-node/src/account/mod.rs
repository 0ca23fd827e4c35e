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
use guardian_chain::{Account, AccountKey, Limits, Web3SignerAccess};
use guardian_crypto::secret::Secret;
use std::{fs, path::Path};

/// What to do where anybody on the way to the signer can read and write.
pub(crate) const READABLE_HINT: &str = "who sits between can read the credentials and answer in the signer's place: use https://, or a tunnel that ends on this machine";

/// The account of `config`. Nobody is spoken to.
///
/// # Errors
/// If its sealed key can't be opened, or a file for the signer can't be read.
pub(crate) fn open(config: &Config, files: &KeyFiles) -> Result<Account, Hinted> {
    let said = &config.account;
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
