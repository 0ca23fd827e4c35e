//! Files that survive a crash whole or not at all: complete and synced before they get their name, readable by their owner only.
//!
//! Three operations, each atomic: a new file that never overwrites, a replacement, a removal; and reading what only its owner may read. What must happen in which order is their
//! caller's to say (see `activation`).

use crate::hint::{Hinted, WithHint};
use guardian_crypto::secret::Secret;
use std::{
    fs, io,
    io::{Read, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};
use tempfile::NamedTempFile;

/// What a file that is not complete yet is called at first. A crash may leave one behind; nobody reads it.
pub(crate) const UNFINISHED: &str = ".unfinished-";

const ADVICE: &str = "check free space and permissions of the folder";

/// Writes `bytes` to a new file at `path`: complete and synced, or not there at all.
///
/// # Errors
/// If there is a file already, or it can't be written.
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<(), Hinted> {
    let write = || -> io::Result<()> {
        let folder = folder_of(path);
        fs::create_dir_all(&folder)?;
        prepared(&folder, bytes)?.persist_noclobber(path).map_err(|error| error.error)?;
        sync_folder(&folder)
    };
    write().hint(
        format!("can't write {}", path.display()),
        "an existing file is never overwritten: move it away first; check free space and permissions",
    )
}

/// Reads a secret's file. One that others can read too is refused: it is not secret any more.
///
/// # Errors
/// If it can't be read (`what`, `advice`), or by too many.
pub fn read_private(path: &Path, what: &str, advice: &str) -> Result<Secret<Vec<u8>>, Hinted> {
    let mut file = fs::File::open(path).hint(what, advice)?;
    let mode = file.metadata().hint(what, advice)?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(Hinted::new(
            format!("other users of this machine can read or write {} (mode {:o})", path.display(), mode & 0o777),
            format!("chmod 600 {}; if others may have read it, make another one", path.display()),
        ));
    }
    // Room for all of it, so that no copy stays behind.
    let length = file.metadata().map_or(0, |file| usize::try_from(file.len()).unwrap_or_default());
    let mut bytes = Vec::with_capacity(length.saturating_add(1));
    file.read_to_end(&mut bytes).hint(what, advice)?;
    Ok(Secret::new(bytes))
}

/// Puts `bytes` in the place of the file at `path`, which need not exist: a reader finds the old file or the new one, never a part.
///
/// # Errors
/// If it can't be written; the old file is then still there.
pub fn replace_private(path: &Path, bytes: &[u8]) -> Result<(), Hinted> {
    let replace = || -> io::Result<()> {
        let folder = folder_of(path);
        fs::create_dir_all(&folder)?;
        prepared(&folder, bytes)?.persist(path).map_err(|error| error.error)?;
        sync_folder(&folder)
    };
    replace().hint(format!("can't replace {}", path.display()), ADVICE)
}

/// Removes the file at `path`, if it is there, for good.
///
/// # Errors
/// If it can't be removed.
pub fn remove(path: &Path) -> Result<(), Hinted> {
    let remove = || -> io::Result<()> {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => sync_folder(&folder_of(path)),
        }
    };
    remove().hint(format!("can't remove {}", path.display()), ADVICE)
}

/// A complete and synced file without its name yet: made with mode 0600, in the same folder, so that the rename is atomic.
fn prepared(folder: &Path, bytes: &[u8]) -> io::Result<NamedTempFile> {
    let mut file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    Ok(file)
}

fn folder_of(path: &Path) -> PathBuf {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new(".")).to_owned()
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    fs::File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_file_is_private_and_never_overwrites() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("made/on/the/way/file");
        write_private(&path, b"first").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(write_private(&path, b"second").is_err());
        assert_eq!(fs::read(&path).unwrap(), b"first");
    }

    #[test]
    fn a_replacement_is_private_and_leaves_nothing_else_behind() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        for bytes in [b"first", b"later"] {
            replace_private(&path, bytes).unwrap();
            assert_eq!(fs::read(&path).unwrap(), bytes);
        }
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn removing_twice_is_the_same_as_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        write_private(&path, b"bytes").unwrap();
        remove(&path).unwrap();
        remove(&path).unwrap();
        assert!(!path.exists());
    }
}
