//! `guardian init`: an annotated configuration, an identity and an account, in a folder. What no option says is asked for on a terminal.

mod answers;
mod document;
mod nodes;
mod questions;
mod signer;

use super::output;
use crate::{
    config::{Network, ProviderConfig},
    durable::write_private,
    hint::{Hinted, WithHint},
    keys::KeyFiles,
};
use alloy_primitives::Address;
use answers::Answers;
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
use signer::Signer;
use std::{
    ffi::OsStr,
    io::{self, IsTerminal},
    path::{Path, PathBuf},
};

/// Arguments of `guardian init`.
#[derive(Debug, Args)]
pub(super) struct Init {
    /// Where everything goes; the folder is made if it is not there
    #[arg(long, default_value = ".")]
    dir: PathBuf,
    /// Your name in the committee
    #[arg(long)]
    name: Option<String>,
    /// mainnet, hoodi or devnet
    #[arg(long)]
    network: Option<Network>,
    /// A beacon node, as URL or NAME=URL; to be repeated: three independent ones are the recommended minimum
    #[arg(long = "beacon", value_name = "URL")]
    beacons: Vec<ProviderConfig>,
    /// An execution node, the same
    #[arg(long = "execution", value_name = "URL")]
    executions: Vec<ProviderConfig>,
    /// PufferProtocol, where the network's is not published
    #[arg(long)]
    protocol: Option<Address>,
    /// The first block that can hold events of the contracts, Puffer's included
    #[arg(long)]
    start_block: Option<u64>,
    /// The store's folder, where it shall not be in DIR: /var/lib/guardian for a service
    #[arg(long)]
    data_dir: Option<PathBuf>,
    /// Ask no node anything: for nodes that are not up yet
    #[arg(long)]
    no_probe: bool,
    /// A file with the passphrase to seal the keys with. It is copied to DIR.passphrase, beside the folder, unless there is one already;
    /// if there is none at all, a random one is made
    #[arg(long)]
    passphrase_file: Option<PathBuf>,
    #[command(flatten)]
    signer: Signer,
}

impl Init {
    pub(super) async fn run(self) -> Result<()> {
        let config = self.dir.join("guardian.toml");
        if config.exists() {
            let what = format!("can't write {}: there is one already", config.display());
            return Err(Hinted::new(what, "a guardian is never overwritten: name another folder with --dir").into());
        }
        let (passphrase_file, relative) = self.place_of_passphrase()?;
        let has_terminal = io::stdin().is_terminal() && io::stderr().is_terminal();
        let answers = Answers::get(&self, has_terminal).await?;
        // Nothing is left half done by a value that the configuration refuses.
        let text = document::write(&answers, &self.signer, &relative, self.data_dir.as_deref())?;

        let keys = self.dir.join("keys");
        self.provide_passphrase(&passphrase_file)?;
        let files = KeyFiles::new(&answers.name, &passphrase_file)?;
        let identity = IdentityKey::generate(&mut OsRng);
        let seed = Secret::new(identity.expose_seed().to_vec());
        files.write(&keys.join("identity.sealed"), PurposeKind::Identity, KeyEpoch(0), &seed, Work::Operator)?;
        let address = match self.signer.account {
            Some(elsewhere) => elsewhere,
            None => make_account(&files, &keys.join("account.sealed"))?,
        };
        write_private(&config, text.as_bytes())?;
        output::data(&format!("identity = \"{}\"\naccount = \"{address}\"", hex::encode(identity.public().to_bytes())));
        self.tell_what_is_next(&answers, &config, &passphrase_file);
        Ok(())
    }

    fn tell_what_is_next(&self, answers: &Answers, config: &Path, passphrase_file: &Path) {
        let (dir, config) = (self.dir.display(), config.display());
        output::talk(&format!(
            "\nMade {config} and {dir}/keys. What opens the keys is in {}: keep it elsewhere than them.",
            passphrase_file.display(),
        ));
        for missing in answers.missing() {
            output::talk(&format!("Still to be set in {config}: {missing}"));
        }
        output::talk(&format!(
            "Next:\n\
             1. guardian key member --config {config} --address ADDRESS: for the plan of the first key, or of the committee that you join\n\
             2. put a little ether on the account: it pays for transactions\n\
             3. when the key is made: put the file of the contracts' deployment at {dir}/deployment.json\n\
             4. guardian check --config {config}",
        ));
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

/// Seals a new account's key in the file at `path`.
fn make_account(files: &KeyFiles, path: &Path) -> Result<Address, Hinted> {
    let key = new_account();
    let account =
        AccountKey::from_bytes(key.expose()).hint("can't make an account key", "this is a defect: report it")?;
    let bytes = Secret::new(key.expose().to_vec());
    files.write(path, PurposeKind::Account, KeyEpoch(0), &bytes, Work::Operator)?;
    Ok(account.address())
}

/// A random secp256k1 key. A draw of 32 bytes is a valid one except with probability 2^-128.
fn new_account() -> Secret<[u8; 32]> {
    let mut bytes = [0; 32];
    OsRng.fill_bytes(&mut bytes);
    Secret::new(bytes)
}
