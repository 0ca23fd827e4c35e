//! Dossiers as files: a duty with everything that it was decided from, for auditors. The node only writes them, and loses nothing
//! without them; what they say is `protocol/src/audit/`.

use crate::{
    config::GuardianConfig,
    durable,
    hint::{Hinted, WithHint},
};
use guardian_protocol::Dossier;
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread,
    time::SystemTime,
};
use tracing::warn;

/// Dossiers that wait to be written. Two or three come in an epoch.
const QUEUE: usize = 16;
/// Files that are larger than this are not read: a dossier takes 300 bytes for each validator.
const MAX_BYTES: u64 = 512 * 1024 * 1024;
const FOLDER: &str = "dossiers";
const EXTENSION: &str = "json";

/// The way to the thread that writes them, one after the other.
#[derive(Clone, Debug)]
pub(crate) struct Dossiers {
    queue: SyncSender<Dossier>,
}

impl Dossiers {
    /// Starts writing below the store's folder. The thread ends with the last way to it.
    pub(crate) fn start(config: &GuardianConfig) -> Result<Self, Hinted> {
        let (queue, inbox) = sync_channel(QUEUE);
        let (folder, keep) = (config.data_dir.join(FOLDER), config.keep_dossiers);
        let writer = thread::Builder::new().name("dossiers".to_owned());
        writer
            .spawn(move || write_all(&inbox, &folder, keep))
            .hint("can't start the thread that writes dossiers", "the system is out of threads or memory")?;
        Ok(Self { queue })
    }

    /// Keeps `dossier`. Never waits: if the disk is that slow, this one is not kept.
    pub(crate) fn keep(&self, dossier: Dossier) {
        if self.queue.try_send(dossier).is_err() {
            warn!("a dossier is not kept: earlier ones are still being written");
        }
    }
}

fn write_all(inbox: &Receiver<Dossier>, folder: &Path, keep: usize) {
    while let Ok(dossier) = inbox.recv() {
        if let Err(error) = write(&dossier, folder).and_then(|()| prune(folder, keep)) {
            warn!(%error, hint = error.advice(), "a dossier is not kept");
        }
    }
}

fn write(dossier: &Dossier, folder: &Path) -> Result<(), Hinted> {
    let path = folder.join(format!("{}.{EXTENSION}", dossier.duty.id()));
    let text = serde_json::to_vec(dossier).hint("can't write a dossier as JSON", "report this")?;
    durable::replace_private(&path, &text)
}

/// Removes the oldest until `keep` are left.
fn prune(folder: &Path, keep: usize) -> Result<(), Hinted> {
    let list = || -> io::Result<Vec<(SystemTime, PathBuf)>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if entry.path().extension().is_some_and(|extension| extension == EXTENSION) {
                files.push((entry.metadata()?.modified()?, entry.path()));
            }
        }
        files.sort_unstable();
        Ok(files)
    };
    let files = list().hint(format!("can't list {}", folder.display()), "check the folder's permissions")?;
    let surplus = files.len().saturating_sub(keep);
    files.iter().take(surplus).try_for_each(|(_, path)| durable::remove(path))
}

/// The dossier at `report`, which is a file, or else the name of a duty of the guardian with this data folder.
pub(crate) fn find(report: &Path, data_dir: impl FnOnce() -> Result<PathBuf, Hinted>) -> Result<Dossier, Hinted> {
    if report.is_file() {
        return read(report);
    }
    let Some(name) = report.to_str().filter(|name| !name.contains(['/', '.'])) else {
        return Err(Hinted::new(format!("there is no file {}", report.display()), "check the path"));
    };
    let folder = data_dir()?.join(FOLDER);
    let path = folder.join(format!("{name}.{EXTENSION}"));
    if !path.is_file() {
        let advice = format!("`ls {}` lists the duties that this guardian has dossiers of", folder.display());
        return Err(Hinted::new(format!("there is neither a file nor a dossier {name}"), advice));
    }
    read(&path)
}

/// Reads a file that somebody else may have made.
pub(crate) fn read(path: &Path) -> Result<Dossier, Hinted> {
    let what = || format!("can't read {}", path.display());
    let length = fs::metadata(path).hint(what(), "check the path")?.len();
    if length > MAX_BYTES {
        return Err(Hinted::new(format!("{} is too large", path.display()), "it is no dossier"));
    }
    let text = fs::read(path).hint(what(), "check the file's permissions")?;
    #[derive(serde::Deserialize)]
    struct Versioned {
        version: u32,
    }
    let no_dossier = format!("{} is no dossier", path.display());
    let advice = "dossiers are the JSON files in the folder `dossiers` of a guardian's data_dir";
    let Versioned { version } = serde_json::from_slice(&text).hint(no_dossier.clone(), advice)?;
    if version != Dossier::VERSION {
        let what = format!("{} has format {version}, and this version knows {}", path.display(), Dossier::VERSION);
        return Err(Hinted::new(what, "use the version of `guardian` that wrote it, or a later one"));
    }
    serde_json::from_slice(&text).hint(no_dossier, advice)
}
