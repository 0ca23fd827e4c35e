//! Where a ceremony keeps its files: `<data_dir>/ceremonies/<first 16 hexadecimal digits of its id>/`. Nothing in it is secret.

use crate::{
    committee::CommitteeFile,
    hint::{Hinted, WithHint},
    shares,
};
use guardian_protocol::{MemberId, ceremony::plan::CeremonyId};
use std::{
    fs,
    path::{Path, PathBuf},
};

const PLAN: &str = "plan.toml";
const TRANSCRIPT: &str = "transcript";
const COMMITTEE: &str = "committee.toml";
const STATUS: &str = "status.json";
/// What a backup keeps: with the plan and the transcript, the identity key gets the share back.
const KEPT: [&str; 3] = [PLAN, TRANSCRIPT, COMMITTEE];

/// The folder of one ceremony.
#[derive(Clone, Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// The folder of ceremony `id`.
    #[must_use]
    pub fn new(data_dir: &Path, id: CeremonyId) -> Self {
        Self(of(data_dir, &short(id)))
    }

    /// The folder itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The records: what must survive a crash.
    #[must_use]
    pub fn board(&self) -> PathBuf {
        self.0.join("board")
    }

    /// A copy of the plan.
    #[must_use]
    pub fn plan(&self) -> PathBuf {
        self.0.join(PLAN)
    }

    /// Everything that was said, once the ceremony has succeeded.
    #[must_use]
    pub fn transcript(&self) -> PathBuf {
        self.0.join(TRANSCRIPT)
    }

    /// The committee file that came out.
    #[must_use]
    pub fn committee(&self) -> PathBuf {
        self.0.join(COMMITTEE)
    }

    /// Where the ceremony stands, for `guardian key status`.
    #[must_use]
    pub fn status(&self) -> PathBuf {
        self.0.join(STATUS)
    }

    /// The proof against a member.
    #[must_use]
    pub fn fault(&self, culprit: MemberId) -> PathBuf {
        self.0.join(format!("member-{culprit}.fault"))
    }
}

/// The first 16 hexadecimal digits of a ceremony's id: its name for people.
#[must_use]
pub fn short(id: CeremonyId) -> String {
    hex::encode(id.0.get(..8).unwrap_or_default())
}

/// The folder of the ceremony with this short name.
#[must_use]
pub(crate) fn of(data_dir: &Path, short: &str) -> PathBuf {
    data_dir.join("ceremonies").join(short)
}

/// The folders of all ceremonies that were run here.
///
/// # Errors
/// If the folder can't be read.
pub fn all(data_dir: &Path) -> Result<Vec<(String, Folder)>, Hinted> {
    let folder = data_dir.join("ceremonies");
    let list = || -> std::io::Result<Vec<(String, Folder)>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            found.push((entry.file_name().to_string_lossy().into_owned(), Folder(entry.path())));
        }
        found.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(found)
    };
    match list() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        listed => listed.hint(format!("can't read the folder {}", folder.display()), "check permissions"),
    }
}

/// The lasting files of the ceremonies that made the shares with these file names: folder, name and path of each. Those of older
/// ceremonies are of no use, and would bring back shares that were replaced.
///
/// # Errors
/// If a folder can't be read.
pub(crate) fn public_files(data_dir: &Path, shares: &[String]) -> Result<Vec<(String, String, PathBuf)>, Hinted> {
    let mut files = Vec::new();
    for (name, folder) in all(data_dir)? {
        let committee = CommitteeFile::load(&folder.committee()).and_then(|file| file.committee());
        let current = committee.is_ok_and(|committee| shares.contains(&shares::file_name(&committee)));
        for file in KEPT.iter().filter(|_| current) {
            let path = folder.path().join(file);
            if path.exists() {
                files.push((name.clone(), (*file).to_owned(), path));
            }
        }
    }
    Ok(files)
}
