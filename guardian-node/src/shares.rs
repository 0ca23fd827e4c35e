//! The folder of the shares of the group key. Each lies under a name that follows from its committee, so that the committee file alone
//! says which share counts: replacing the one file switches both.

use crate::{
    durable,
    hint::{Hinted, WithHint},
    keys::KeyFiles,
};
use guardian_crypto::{
    frost::KeyShare,
    seal::{self, PurposeKind, Work},
};
use guardian_protocol::Committee;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// One guardian's folder of shares.
#[derive(Debug)]
pub struct Shares<'a> {
    folder: &'a Path,
    files: &'a KeyFiles,
}

impl<'a> Shares<'a> {
    /// The shares in `folder`, which `files` can open.
    #[must_use]
    pub const fn new(folder: &'a Path, files: &'a KeyFiles) -> Self {
        Self { folder, files }
    }

    /// Where the share of `committee` lies.
    #[must_use]
    pub fn path(&self, committee: &Committee) -> PathBuf {
        self.folder.join(file_name(committee))
    }

    /// The file names of all shares in the folder, in order.
    ///
    /// # Errors
    /// If the folder can't be read.
    pub fn names(&self) -> Result<Vec<String>, Hinted> {
        let entries = self.entries()?;
        let names = entries.iter().filter_map(|path| Some(path.file_name()?.to_str()?.to_owned()));
        let mut names: Vec<String> = names.filter(|name| is_share(name)).collect();
        names.sort_unstable();
        Ok(names)
    }

    /// The share of `committee`, checked against its public side.
    ///
    /// # Errors
    /// If it is not there, is somebody else's, or does not fit.
    pub fn load(&self, committee: &Committee) -> Result<KeyShare, Hinted> {
        let path = self.path(committee);
        if !path.exists() {
            return Err(Hinted::new(
                format!("there is no share of committee {} in {}", short(committee), self.folder.display()),
                "if its ceremony is not finished, run the command again; else get the share back with `guardian key recover`, \
                 `guardian key repair` or from your backup; or is committee.toml not the current one?",
            ));
        }
        let share = self.files.share(&path, committee.key_epoch())?;
        share.belongs_to(committee.public_shares()).hint(
            format!("{} is not the share of this committee", path.display()),
            "the file was moved or copied there: restore the right one from your backup, or use `guardian key recover`",
        )?;
        Ok(share)
    }

    /// Writes the share of `committee`. Writing the one that is there already changes nothing.
    ///
    /// # Errors
    /// If it is another committee's, if another one is there, or if it can't be written.
    pub fn write(&self, committee: &Committee, share: &KeyShare, work: Work) -> Result<(), Hinted> {
        let defect = "this is a defect: report it";
        share.belongs_to(committee.public_shares()).hint("a share of another committee was to be written", defect)?;
        let path = self.path(committee);
        if path.exists() {
            // Of one committee and one member there is one share.
            let known = self.load(committee)?;
            return if known.member() == share.member() {
                Ok(())
            } else {
                Err(Hinted::new(format!("{} holds another member's share", path.display()), defect))
            };
        }
        self.files.write(&path, PurposeKind::KeyShare, committee.key_epoch(), &share.to_secret_bytes(), work)
    }

    /// Shares that are of no use any more once `current` is the committee: all others of its key epoch and of earlier ones. A share
    /// of a later epoch waits for its rotation.
    ///
    /// # Errors
    /// If the folder can't be read.
    pub fn outdated(&self, current: &Committee) -> Result<Vec<PathBuf>, Hinted> {
        let kept = self.path(current);
        let mut outdated = Vec::new();
        for path in self.entries()? {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let unfinished = name.starts_with(durable::UNFINISHED);
            if path != kept && (unfinished || (is_share(&name) && self.is_not_after(&path, current))) {
                outdated.push(path);
            }
        }
        outdated.sort_unstable();
        Ok(outdated)
    }

    /// Whether `path` holds a share of ours of the key epoch of `current` or an earlier one. What can't be read is not ours to judge.
    fn is_not_after(&self, path: &Path, current: &Committee) -> bool {
        let purpose = fs::read(path).ok().and_then(|bytes| seal::purpose_of(&bytes).ok());
        purpose.is_some_and(|purpose| {
            purpose.kind == PurposeKind::KeyShare
                && purpose.owner == self.files.owner()
                && purpose.key_epoch <= current.key_epoch().0
        })
    }

    fn entries(&self) -> Result<Vec<PathBuf>, Hinted> {
        match fs::read_dir(self.folder) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
            entries => entries.and_then(|entries| entries.map(|entry| entry.map(|entry| entry.path())).collect()).hint(
                format!("can't read the folder {}", self.folder.display()),
                "check [keys] shares and permissions",
            ),
        }
    }
}

/// The file name of the share of `committee`: the first 16 hexadecimal digits of the committee's id, and `.sealed`.
#[must_use]
pub fn file_name(committee: &Committee) -> String {
    format!("{}.sealed", short(committee))
}

fn is_share(name: &str) -> bool {
    name.ends_with(".sealed") && !name.starts_with('.')
}

/// A committee's id, as far as people and file names need it.
#[must_use]
pub fn short(committee: &Committee) -> String {
    hex::encode(committee.id().get(..8).unwrap_or_default())
}
