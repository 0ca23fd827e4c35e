//! `guardian init`: an annotated configuration, an identity and an account, in a new folder.

use super::output;
use crate::{config::TEMPLATE, durable::write_private, hint::WithHint, keys::KeyFiles};
use clap::Args;
use eyre::Result;
use guardian_chain::AccountKey;
use guardian_crypto::{
    identity::IdentityKey,
    seal::{PurposeKind, Work},
    secret::Secret,
};
use guardian_protocol::KeyEpoch;
use rand_core::{OsRng, RngCore};
use std::path::PathBuf;

/// Arguments of `guardian init`.
#[derive(Debug, Args)]
pub(super) struct Init {
    /// Folder to make
    #[arg(long)]
    dir: PathBuf,
    /// Your name in the committee
    #[arg(long)]
    name: String,
    /// A file with the passphrase to seal the keys with; a random one is made if there is none
    #[arg(long)]
    passphrase_file: Option<PathBuf>,
}

impl Init {
    pub(super) fn run(self) -> Result<()> {
        let keys = self.dir.join("keys");
        let passphrase_file = keys.join("passphrase");
        match &self.passphrase_file {
            Some(path) => {
                let text = std::fs::read(path)
                    .hint(format!("can't read {}", path.display()), "pass a file that holds the passphrase")?;
                write_private(&passphrase_file, &text)?;
            }
            None => {
                let mut bytes = [0; 24];
                OsRng.fill_bytes(&mut bytes);
                write_private(&passphrase_file, hex::encode(bytes).as_bytes())?;
            }
        }
        let files = KeyFiles::new(&self.name, &passphrase_file)?;
        let identity = IdentityKey::generate(&mut OsRng);
        let seed = Secret::new(identity.expose_seed().to_vec());
        files.write(&keys.join("identity.sealed"), PurposeKind::Identity, KeyEpoch(0), &seed, Work::Operator)?;
        let account = new_account();
        let address = AccountKey::from_bytes(account.expose())
            .hint("can't make an account key", "this is a defect: report it")?
            .address();
        let bytes = Secret::new(account.expose().to_vec());
        files.write(&keys.join("account.sealed"), PurposeKind::Account, KeyEpoch(0), &bytes, Work::Operator)?;
        let config = TEMPLATE.replace("guardian-1", &self.name);
        write_private(&self.dir.join("guardian.toml"), config.as_bytes())?;
        output::data(&format!("identity = \"{}\"\naccount = \"{address}\"", hex::encode(identity.public().to_bytes())));
        output::talk(&format!(
            "\nMade {dir}/guardian.toml and {dir}/keys. Next:\n\
             1. edit {dir}/guardian.toml\n\
             2. guardian key member --config {dir}/guardian.toml --address ADDRESS: for the plan of the first key, or of the committee that you join\n\
             3. put a little ether on the account: it pays for transactions\n\
             4. when the key is made: guardian check --config {dir}/guardian.toml",
            dir = self.dir.display(),
        ));
        Ok(())
    }
}

/// A random secp256k1 key. A draw of 32 bytes is a valid one except with probability 2^-128.
fn new_account() -> Secret<[u8; 32]> {
    let mut bytes = [0; 32];
    OsRng.fill_bytes(&mut bytes);
    Secret::new(bytes)
}
