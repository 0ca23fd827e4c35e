//! `guardian init`: an annotated configuration, an identity and an account, in a new folder.

use super::output;
use crate::{
    config::TEMPLATE,
    durable::write_private,
    hint::{Hinted, WithHint},
    keys::KeyFiles,
};
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
use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
};

/// Arguments of `guardian init`.
#[derive(Debug, Args)]
pub(super) struct Init {
    /// Folder to make
    #[arg(long)]
    dir: PathBuf,
    /// Your name in the committee
    #[arg(long)]
    name: String,
    /// A file with the passphrase to seal the keys with. It is copied to DIR.passphrase, beside the folder, unless there is one already;
    /// if there is none at all, a random one is made
    #[arg(long)]
    passphrase_file: Option<PathBuf>,
}

impl Init {
    pub(super) fn run(self) -> Result<()> {
        let keys = self.dir.join("keys");
        let (passphrase_file, relative) = self.place_of_passphrase()?;
        self.provide_passphrase(&passphrase_file)?;
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
        let config = TEMPLATE.replace("guardian-1", &self.name).replace("../guardian.passphrase", &relative);
        write_private(&self.dir.join("guardian.toml"), config.as_bytes())?;
        output::data(&format!("identity = \"{}\"\naccount = \"{address}\"", hex::encode(identity.public().to_bytes())));
        output::talk(&format!(
            "\nMade {dir}/guardian.toml and {dir}/keys. What opens the keys is in {}: keep it elsewhere than them. Next:\n\
             1. edit {dir}/guardian.toml\n\
             2. guardian key member --config {dir}/guardian.toml --address ADDRESS: for the plan of the first key, or of the committee that you join\n\
             3. put a little ether on the account: it pays for transactions\n\
             4. when the key is made: guardian check --config {dir}/guardian.toml",
            passphrase_file.display(),
            dir = self.dir.display(),
        ));
        Ok(())
    }

    /// Beside the folder, and not in it: a copy of the folder shall not hold what opens it. Also as the configuration names it.
    fn place_of_passphrase(&self) -> Result<(PathBuf, String), Hinted> {
        let advice = "name a folder with --dir, such as /etc/guardian";
        let folder = std::path::absolute(&self.dir).hint("can't tell where the folder is", advice)?;
        let (parent, name) = (folder.parent(), folder.file_name().and_then(OsStr::to_str));
        let (Some(parent), Some(name)) = (parent, name) else {
            return Err(Hinted::new(format!("nothing can be beside {}", self.dir.display()), advice));
        };
        let file = format!("{name}.passphrase");
        Ok((parent.join(&file), format!("../{file}")))
    }

    fn provide_passphrase(&self, place: &Path) -> Result<(), Hinted> {
        if place.exists() {
            return Ok(());
        }
        if let Some(path) = &self.passphrase_file {
            let text = std::fs::read(path)
                .hint(format!("can't read {}", path.display()), "pass a file that holds the passphrase")?;
            return write_private(place, Secret::new(text).expose());
        }
        let mut bytes = [0; 24];
        OsRng.fill_bytes(&mut bytes);
        let bytes = Secret::new(bytes);
        write_private(place, Secret::new(hex::encode(bytes.expose())).expose().as_bytes())
    }
}

/// A random secp256k1 key. A draw of 32 bytes is a valid one except with probability 2^-128.
fn new_account() -> Secret<[u8; 32]> {
    let mut bytes = [0; 32];
    OsRng.fill_bytes(&mut bytes);
    Secret::new(bytes)
}
