//! The guardian's files as `ls -l` tells them: modes, owners, sizes and times, never a byte of what is in them. Links are told and not
//! followed.

use crate::{
    config::{Config, ProviderConfig},
    enclave_keys,
};
use std::{
    collections::BTreeSet,
    fs::{self, Metadata},
    os::unix::fs::{FileTypeExt, MetadataExt},
    path::{Path, PathBuf},
    time::{Duration, UNIX_EPOCH},
};

/// Folders in folders: the store, its ceremonies and their files are three.
const DEPTH: usize = 5;
/// Lines at most.
const MOST: usize = 5_000;

/// A line for each file of the guardian with the configuration at `path`.
pub(super) fn listing(path: &Path, config: Option<&Config>) -> String {
    let mut lines = vec![format!("{:<7} {:>6}:{:<6} {:>12} {:<20} path", "mode", "user", "group", "bytes", "modified")];
    let mut told = BTreeSet::new();
    let home = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    // The folder of the configuration may be a home: it is told without what else is in it.
    tell(home, 0, &mut told, &mut lines);
    tell(path, 0, &mut told, &mut lines);
    if let Some(mut config) = config.cloned() {
        let files = config.beacon.providers.iter().chain(&config.execution.providers);
        let files: Vec<PathBuf> = files.flat_map(ProviderConfig::files).cloned().collect();
        let signer: Vec<PathBuf> = config.account.paths().map(|path| path.clone()).collect();
        let unnamed = [config.keys.exit_shares(), enclave_keys::place(&config.keys)];
        let named = config.paths().into_iter().map(|configured| configured.path.clone());
        for path in named.chain(signer).chain(files).chain(unnamed) {
            path.parent().into_iter().for_each(|folder| tell(folder, 0, &mut told, &mut lines));
            tell(&path, DEPTH, &mut told, &mut lines);
        }
    }
    if lines.len() > MOST {
        lines.push(format!("and more: only {MOST} are told"));
    }
    lines.join("\n") + "\n"
}

/// Tells the file at `path`, and what is in it if it is a folder, `depth` deep.
fn tell(path: &Path, depth: usize, told: &mut BTreeSet<(PathBuf, bool)>, lines: &mut Vec<String>) {
    if lines.len() > MOST {
        return;
    }
    let meta = fs::symlink_metadata(path);
    let is_new = told.insert((path.to_owned(), false));
    match &meta {
        Ok(meta) if is_new => lines.push(line(path, meta)),
        Err(error) if is_new => lines.push(format!("{path:?}: {}", error.kind())),
        Ok(_) | Err(_) => {}
    }
    let is_folder = meta.is_ok_and(|meta| meta.is_dir());
    if !is_folder || depth == 0 || !told.insert((path.to_owned(), true)) {
        return;
    }
    match fs::read_dir(path) {
        Ok(entries) => {
            let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
            paths.sort_unstable();
            paths.iter().for_each(|path| tell(path, depth - 1, told, lines));
        }
        Err(error) => lines.push(format!("{path:?} can't be entered: {}", error.kind())),
    }
}

fn line(path: &Path, meta: &Metadata) -> String {
    let modified = UNIX_EPOCH + Duration::from_secs(u64::try_from(meta.mtime()).unwrap_or_default());
    let modified = humantime::format_rfc3339_seconds(modified);
    let (mode, user, group, bytes) = (meta.mode(), meta.uid(), meta.gid(), meta.len());
    let kind = match meta.file_type() {
        kind if kind.is_dir() => "/",
        kind if kind.is_symlink() => "@",
        kind if kind.is_socket() => "=",
        _ => "",
    };
    let target = if kind == "@" { fs::read_link(path).ok() } else { None };
    let target = target.map(|target| format!(" -> {target:?}")).unwrap_or_default();
    format!("{mode:<7o} {user:>6}:{group:<6} {bytes:>12} {modified:<20} {path:?}{kind}{target}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn files_are_told_with_their_modes_and_without_their_contents() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("guardian.toml");
        fs::write(&path, crate::config::TEMPLATE).unwrap();
        fs::create_dir_all(dir.path().join("keys/shares")).unwrap();
        fs::write(dir.path().join("keys/shares/one.sealed"), "content").unwrap();
        fs::set_permissions(dir.path().join("keys/shares/one.sealed"), fs::Permissions::from_mode(0o640)).unwrap();
        symlink("shares/one.sealed", dir.path().join("keys/identity.sealed")).unwrap();
        fs::write(dir.path().join("diary"), "private").unwrap();
        let config = Config::load(&path).unwrap();
        let said = listing(&path, Some(&config));
        let about = |name: &str| {
            said.lines().find(|line| line.contains(name)).unwrap_or_else(|| panic!("{name}: {said}")).to_owned()
        };
        assert!(about("keys/shares/one.sealed\"").starts_with("100640 "), "{said}");
        assert!(about("identity.sealed\"@").ends_with("-> \"shares/one.sealed\""), "{said}");
        assert!(about("account.sealed").ends_with("entity not found"), "{said}");
        assert!(!said.contains("content") && !said.contains("diary"), "{said}");
        let paths: Vec<&str> = said.lines().filter_map(|line| line.split_once(" \"")).map(|(_, path)| path).collect();
        assert_eq!(paths.iter().collect::<BTreeSet<_>>().len(), paths.len(), "told twice: {said}");
    }
}
