//! Files that hold secrets: who can read them, whose they are, and who can put others in their place.

use super::{code::Code, findings::Findings};
use crate::{
    config::{Config, Environment, Origin, Origins, ProviderConfig},
    enclave_keys,
};
use std::{
    fs, io,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

/// What a file is to the guardian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A key or the passphrase: the node refuses it when others can read it.
    Key,
    /// It holds an address with credentials, or headers with them.
    Address,
    /// A folder of such files.
    Folder,
}

/// Tells of every file with a secret in it, by `config`, which stands at `path`.
pub(super) fn tell_files(config: &Config, (path, origins): (&Path, &Origins), findings: &mut Findings) {
    let (mut files, mut faults) = (0_usize, 0_usize);
    for (path, kind) in secrets(config, path, origins) {
        let found = match fs::metadata(&path) {
            Ok(found) => found,
            // What has to be there is told where it is opened.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => {
                faults = faults.saturating_add(1);
                let text = format!("{}: can't be looked at: {error}", path.display());
                findings.unknown(Code::SecretFiles, &text, "run this as the user that the node runs as");
                continue;
            }
        };
        files = files.saturating_add(usize::from(kind != Kind::Folder));
        faults = faults.saturating_add(usize::from(tell(
            &path,
            kind,
            (found.permissions().mode() & 0o777, found.uid()),
            findings,
        )));
    }
    if faults == 0 {
        findings.pass(Code::SecretFiles, &format!("secret files: {files}, for this user alone"));
    }
}

/// Tells of one; whether there is something to tell.
fn tell(path: &Path, kind: Kind, (mode, owner): (u32, u32), findings: &mut Findings) -> bool {
    let (shown, me) = (path.display(), rustix::process::geteuid().as_raw());
    let open = match kind {
        Kind::Key | Kind::Address => mode & 0o077,
        Kind::Folder => mode & 0o022,
    };
    match kind {
        _ if open == 0 => {}
        Kind::Key => findings.fail(
            Code::SecretFiles,
            &format!("{shown}: other users of this machine can read or write it (mode {mode:o})"),
            "chmod 600 FILE; if others may have read it, make another one",
        ),
        Kind::Address => findings.poor(
            Code::SecretFiles,
            &format!(
                "{shown} holds a provider's credentials, and other users of this machine can read it (mode {mode:o})"
            ),
            "chmod 600 FILE; an address with credentials can stand in a file of its own, which url_file names",
        ),
        Kind::Folder => findings.poor(
            Code::SecretFiles,
            &format!("{shown}: other users of this machine can put files there (mode {mode:o})"),
            "chmod 700 FOLDER",
        ),
    }
    if owner != me {
        findings.poor(
            Code::SecretFiles,
            &format!("{shown}: it belongs to user {owner}, and this runs as user {me}"),
            "run the check as the user that the node runs as; if this is that user, chown the file",
        );
    }
    open != 0 || owner != me
}

fn secrets(config: &Config, path: &Path, origins: &Origins) -> Vec<(PathBuf, Kind)> {
    let keys = &config.keys;
    let mut secrets = vec![
        (keys.identity.clone(), Kind::Key),
        (keys.account.clone(), Kind::Key),
        (keys.exit_shares(), Kind::Key),
        (enclave_keys::place(keys), Kind::Key),
        (keys.shares.clone(), Kind::Folder),
        (config.guardian.data_dir.clone(), Kind::Folder),
    ];
    secrets.extend(keys.passphrase_file.iter().map(|file| (file.clone(), Kind::Key)));
    secrets.extend(keys.identity.parent().map(|folder| (folder.to_owned(), Kind::Folder)));
    let account = &config.account;
    secrets.extend(account.bearer_file.iter().chain(&account.certificate_file).map(|file| (file.clone(), Kind::Key)));
    secrets.extend(account.web3signer_file.iter().map(|file| (file.clone(), Kind::Address)));
    let shares = fs::read_dir(&keys.shares).into_iter().flatten().filter_map(Result::ok);
    secrets.extend(shares.map(|share| (share.path(), Kind::Key)));
    let providers = || config.beacon.providers.iter().chain(&config.execution.providers);
    secrets.extend(providers().flat_map(ProviderConfig::files).map(|file| (file.clone(), Kind::Address)));
    let with_secret = |list: &[ProviderConfig]| {
        list.iter().any(|one| one.url.as_ref().is_some_and(|url| !guardian_chain::secrets(url).is_empty()))
    };
    let lists = [("beacon.providers", &config.beacon.providers), ("execution.providers", &config.execution.providers)];
    let base = path.parent().unwrap_or_else(|| Path::new("."));
    let variables = Environment::of_process().unwrap_or_default();
    let named =
        lists.iter().filter(|(_, list)| with_secret(list)).filter_map(|(name, _)| variables.file_of(name, base));
    secrets.extend(named.map(|file| (file, Kind::Address)));
    if lists.iter().any(|(name, list)| origins.get(*name) == Some(&Origin::File) && with_secret(list)) {
        secrets.push((path.to_owned(), Kind::Address));
    }
    secrets
}
