//! `guardian key exits`: this guardian's shares of validators' keys. Which exits they sign is not decided here.

use crate::{
    cli::{
        arguments::{ConfigArgument, SealArguments},
        check::validators,
        output,
    },
    committee::CommitteeFile,
    config::Config,
    enclave_keys::{self, EnclaveKeys},
    hint::{Hinted, WithHint},
    keys::KeyFiles,
    store::Store,
};
use clap::{Args, Subcommand};
use eyre::Result;
use guardian_crypto::bls::ShareCommitments;
use guardian_protocol::{BlsPubkey, MemberId, ValidatorKey};
use std::{
    collections::BTreeMap,
    fs,
    io::Read,
    path::{Path, PathBuf},
};

/// A registration for a committee of 256 has 100 KiB; twice that in hex, and room.
const MOST_TEXT: u64 = 1024 * 1024;

/// Subcommands of `guardian key exits`.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Exits {
    /// Print the validators of whose keys there are shares here, and how many members' parts make an exit
    List(ConfigArgument),
    /// Check every share, and tell for which of the protocol's validators none is here
    Verify(ConfigArgument),
    /// Take this guardian's shares out of registrations, and add them to those that are there
    Import(Import),
}

/// Arguments of `guardian key exits import`.
#[derive(Debug, Args)]
pub(in crate::cli) struct Import {
    #[command(flatten)]
    config: ConfigArgument,
    /// Files, each with the call data of one registerValidatorKey, in hex
    #[arg(required = true)]
    registrations: Vec<PathBuf>,
    #[command(flatten)]
    seal: SealArguments,
}

/// What every command here opens.
struct Opened {
    config: Config,
    files: KeyFiles,
    me: MemberId,
    threshold: usize,
}

impl Exits {
    pub(super) fn run(self) -> Result<()> {
        match self {
            Self::List(config) => list(&Opened::of(&config)?),
            Self::Verify(config) => verify(&Opened::of(&config)?),
            Self::Import(import) => import.run(),
        }
    }
}

impl Opened {
    fn of(config: &ConfigArgument) -> Result<Self, Hinted> {
        let config = Config::load(&config.config)?;
        let files = KeyFiles::of(&config)?;
        let committee = CommitteeFile::load(&config.guardian.committee)?;
        let me = committee.named(&config.guardian.name)?.id;
        Ok(Self { me, threshold: committee.committee()?.threshold(), config, files })
    }

    fn shares(&self) -> Result<BTreeMap<BlsPubkey, ValidatorKey>, Hinted> {
        self.files.exits_of(&self.config.keys, self.me)
    }

    fn fits(&self, key: &ValidatorKey) -> bool {
        usize::from(key.commitments.threshold()) == self.threshold
    }
}

fn list(opened: &Opened) -> Result<()> {
    for (validator, key) in opened.shares()? {
        let note = if opened.fits(&key) { "" } else { " # not the committee's threshold" };
        output::data(&format!("{validator} {}{note}", key.commitments.threshold()));
    }
    Ok(())
}

fn verify(opened: &Opened) -> Result<()> {
    let shares = opened.shares()?;
    let others = shares.values().filter(|key| !opened.fits(key)).count();
    output::talk(&format!("{} shares, each of which fits its commitments", shares.len()));
    if others > 0 {
        output::talk(&format!(
            "{others} of them make an exit with another number of members than the committee's threshold of {}",
            opened.threshold
        ));
    }
    let records = Store::load_beside(&opened.config.guardian.data_dir)
        .hint("can't read the store", "run this as the user that the node runs as")?
        .unwrap_or_default();
    let missing: Vec<BlsPubkey> = validators(&records, &opened.config.contracts())
        .into_iter()
        .filter(|validator| !shares.contains_key(validator))
        .collect();
    missing.iter().for_each(|validator| output::data(&validator.to_string()));
    if missing.is_empty() {
        return Ok(());
    }
    Err(Hinted::new(
        format!("no share is here of {} of the protocol's validators, as far as the node has read", missing.len()),
        "get the call data of their registrations from an execution node or a block explorer, and `guardian key exits import` it",
    )
    .into())
}

impl Import {
    fn run(self) -> Result<()> {
        let opened = Opened::of(&self.config)?;
        let keys = opened.files.enclave(&enclave_keys::place(&opened.config.keys))?;
        let all = self.registrations.iter().map(|path| share_in(path, opened.me, &keys));
        let all = all.collect::<Result<Vec<_>, _>>()?;
        let (count, path) = (all.len(), opened.config.keys.exit_shares());
        let new = opened.files.add_exits(&path, opened.me, all, self.seal.work())?;
        output::talk(&format!(
            "{new} of {count} shares are new, and are now in {}. A running node reads them at its next start.",
            path.display()
        ));
        Ok(())
    }
}

/// `me`'s share in the registration whose call data stands in the file at `path`.
fn share_in(path: &Path, me: MemberId, keys: &EnclaveKeys) -> Result<ValidatorKey, Hinted> {
    let what = || format!("{} holds no share for this guardian", path.display());
    let registration = guardian_chain::registration(&call_data(path)?).hint(
        format!("{} does not hold a registration", path.display()),
        "pass the input of the transaction that called registerValidatorKey, in hex; of a call through another contract, that call's",
    )?;
    let operator = "its node operator has to register again; if other guardians can read theirs, this one gives no parts of that exit";
    let commitments = ShareCommitments::from_bytes(&registration.key_set).hint(what(), operator)?;
    if commitments.public_key().to_bytes() != registration.pubkey.0 {
        return Err(Hinted::new(
            format!("{}: the shares in it are of another key than the validator's", path.display()),
            operator,
        ));
    }
    let encrypted = registration.share_of(me).ok_or_else(|| {
        Hinted::new(
            format!("{}: shares for {} guardians, and this is number {me}", path.display(), registration.shares.len()),
            "it was made before this guardian was in the list: others can make that validator leave, this one can't",
        )
    })?;
    let share = keys.share(me, encrypted, &commitments).hint(what(), operator)?;
    Ok(ValidatorKey { share, commitments })
}

/// The call data that stands in hex in the file at `path`.
///
/// # Errors
/// If there is no such file, or something else in it.
pub(in crate::cli) fn call_data(path: &Path) -> Result<Vec<u8>, Hinted> {
    let (what, advice) = (format!("can't read {}", path.display()), "pass a file with call data in hex");
    let mut text = String::new();
    fs::File::open(path).and_then(|file| file.take(MOST_TEXT).read_to_string(&mut text)).hint(&what, advice)?;
    let text = text.trim();
    hex::decode(text.strip_prefix("0x").unwrap_or(text)).hint(what, advice)
}
