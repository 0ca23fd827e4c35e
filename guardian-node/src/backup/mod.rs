//! Backup and restore: one sealed file with everything that a guardian must not lose, and nothing that must not come back.
//!
//! Inside: configuration, committee file, sealed keys and shares, and the public files of the ceremonies that made them. Never anything
//! of the store: a guardian that went back to an old copy of it would forget what it has signed. A restored one starts with an empty
//! store and waits, by the guard's rule, until signing is safe.

mod archive;

pub use archive::{Archive, File, Role};

use crate::{
    ceremony::folder,
    committee::CommitteeFile,
    config::{Config, ConfiguredPath, PASSPHRASE_FILE},
    durable::write_private,
    enclave_keys,
    hint::{Hinted, WithHint},
    keys::KeyFiles,
    shares::Shares,
};
use guardian_crypto::{
    seal::{self, PurposeKind, Work},
    secret::Secret,
};
use guardian_protocol::KeyEpoch;
use std::{
    fs,
    path::{Component, Path, PathBuf},
};
use toml_edit::{DocumentMut, Item};

/// Collects everything of the guardian whose configuration is at `path`, seals it with the passphrase of its keys, and writes it to
/// `out`. The keys inside are sealed with that passphrase already, so another one would protect nothing more, and could be lost as well;
/// the passphrase itself is not inside. Every key is opened on the way: a backup of what can't be opened is none.
///
/// # Errors
/// If something is missing, does not open, or changes meanwhile.
pub fn back_up(path: &Path, out: &Path, work: Work) -> Result<Archive, Hinted> {
    let config = Config::load(path)?;
    let files = KeyFiles::of(&config)?;
    let archive = collect(path, &config, &files)?;
    let sealed = files.seal(PurposeKind::Backup, KeyEpoch(0), &archive.encode()?, work)?;
    write_private(out, &sealed)?;
    Ok(archive)
}

fn collect(path: &Path, config: &Config, keys: &KeyFiles) -> Result<Archive, Hinted> {
    keys.identity(&config.keys.identity)?;
    let mut files = vec![read(Role::Identity, &config.keys.identity)?];
    // The key of a remote signer is its own keeper's to back up.
    if !config.account.is_remote() {
        keys.account(&config.keys.account)?;
        files.push(read(Role::Account, &config.keys.account)?);
    }
    if config.guardian.committee.exists() {
        let file = read(Role::Committee, &config.guardian.committee)?;
        let committee_file = CommitteeFile::load(&config.guardian.committee)?;
        let me = committee_file.named(&config.guardian.name)?.id;
        Shares::new(&config.keys.shares, keys).load(&committee_file.committee()?)?;
        keys.exits_of(&config.keys, me)?;
        files.push(file);
    }
    let deployment = &config.contracts.deployment;
    if deployment.exists() {
        files.push(read(Role::Deployment, deployment)?);
    }
    let exits = config.keys.exit_shares();
    if exits.exists() {
        files.push(read(Role::Exits, &exits)?);
    }
    let enclave = enclave_keys::place(&config.keys);
    if enclave.exists() {
        keys.enclave(&enclave)?;
        files.push(read(Role::Enclave, &enclave)?);
    }
    let shares = Shares::new(&config.keys.shares, keys).names()?;
    for name in &shares {
        files.push(read(Role::Share { name: name.clone() }, &config.keys.shares.join(name))?);
    }
    for (ceremony, name, path) in folder::public_files(&config.guardian.data_dir, &shares)? {
        files.push(read(Role::Ceremony { ceremony, name }, &path)?);
    }
    if files.iter().any(|file| file.role == Role::Committee && !unchanged(file, &config.guardian.committee)) {
        return Err(Hinted::new("the committee file was replaced while it was copied", "run the command again"));
    }
    let text = fs::read_to_string(path).hint(format!("can't read {}", path.display()), "check permissions")?;
    Ok(Archive { config: text, files })
}

fn read(role: Role, path: &Path) -> Result<File, Hinted> {
    let bytes = fs::read(path).hint(format!("can't read {}", path.display()), "check permissions")?;
    Ok(File { role, bytes })
}

fn unchanged(file: &File, path: &Path) -> bool {
    fs::read(path).is_ok_and(|bytes| bytes == file.bytes)
}

/// What was restored.
#[derive(Debug)]
pub struct Restored {
    /// The guardian's name.
    pub name: String,
    /// The configuration's new place.
    pub config: PathBuf,
    /// Paths that pointed out of the folder, and where they point now.
    pub moved: Vec<(PathBuf, PathBuf)>,
}

/// Unpacks the backup at `from` into the new folder `dir`. `passphrase` is that of the guardian's keys.
///
/// # Errors
/// If the folder is not empty, the backup does not open, or a key in it does not.
pub fn restore(from: &Path, dir: &Path, passphrase: Secret<String>) -> Result<Restored, Hinted> {
    let occupied = fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some());
    if occupied {
        return Err(Hinted::new(
            format!("the folder {} is not empty", dir.display()),
            "restore into a new folder: a store that is already there may know less than this guardian has signed",
        ));
    }
    let bytes = fs::read(from).hint(format!("can't read the backup {}", from.display()), "check the path")?;
    let purpose = seal::purpose_of(&bytes)
        .hint(format!("{} is not a backup", from.display()), "pass the file that `guardian backup create` wrote")?;
    let written = Secret::new(passphrase.expose().clone());
    let keys = KeyFiles::with_passphrase(&purpose.owner, passphrase);
    let archive = Archive::decode(keys.open(PurposeKind::Backup, KeyEpoch(0), &bytes, from)?.expose())?;

    let path = dir.join("guardian.toml");
    let mut config = Config::parse(&archive.config, &path)?;
    let beside = dir.file_name().map(|name| format!("../{}.passphrase", name.to_string_lossy()));
    let (text, moved) = bring_inside(&archive.config, &mut config, beside)?;
    for file in &archive.files {
        write_private(&dir.join(place(&config, &file.role)), &file.bytes)?;
    }
    if let Some(path) = config.keys.passphrase_file.as_ref().map(|path| dir.join(path)).filter(|path| !path.exists()) {
        write_private(&path, written.expose().as_bytes())?;
    }
    // Last: without it nothing runs here, so that half a restoration can't be taken for a whole one.
    write_private(&path, text.as_bytes())?;
    let config = Config::load(&path)?;
    collect(&path, &config, &keys)?;
    Ok(Restored { name: purpose.owner, config: path, moved })
}

/// Paths that lead out of the folder get the places that `guardian init` gives them, in `config` and in its `text`, of which everything
/// else stays as the operator wrote it; the passphrase stays outside, `beside` the folder. Returns the text, and what was moved where.
fn bring_inside(
    text: &str,
    config: &mut Config,
    beside: Option<String>,
) -> Result<(String, Vec<(PathBuf, PathBuf)>), Hinted> {
    let mut document: DocumentMut =
        text.parse().hint("the configuration in the backup is malformed", "it is damaged: report it")?;
    let mut moved = Vec::new();
    for ConfiguredPath { table, key, usual, path } in config.paths() {
        let usual = match &beside {
            Some(beside) if key == PASSPHRASE_FILE => beside.clone(),
            Some(_) | None => usual.to_owned(),
        };
        let inside = path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        if inside || *path == Path::new(&usual) {
            continue;
        }
        let value = document.get_mut(table).and_then(|table| table.get_mut(key)).and_then(Item::as_value_mut);
        let value = value.ok_or_else(|| {
            Hinted::new(format!("the configuration in the backup has no [{table}] {key}"), "it is damaged: report it")
        })?;
        // The comment at the end of the line is part of the value's surroundings.
        let surroundings = value.decor().clone();
        *value = usual.clone().into();
        *value.decor_mut() = surroundings;
        moved.push((std::mem::replace(path, (&usual).into()), usual.into()));
    }
    let text = if moved.is_empty() { text.to_owned() } else { document.to_string() };
    Ok((text, moved))
}

/// Where a file goes, relative to the new folder.
fn place(config: &Config, role: &Role) -> PathBuf {
    let keys = &config.keys;
    match role {
        Role::Committee => config.guardian.committee.clone(),
        Role::Identity => keys.identity.clone(),
        Role::Account => keys.account.clone(),
        Role::Exits => keys.exit_shares(),
        Role::Enclave => enclave_keys::place(keys),
        Role::Deployment => config.contracts.deployment.clone(),
        Role::Share { name } => keys.shares.join(name),
        Role::Ceremony { ceremony, name } => folder::of(&config.guardian.data_dir, ceremony).join(name),
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
