//! The passphrase of the sealed keys, and where it comes from. Best from elsewhere than the keys: whoever copies both can use them.

use crate::{
    durable,
    hint::{Hinted, WithHint},
};
use guardian_crypto::secret::Secret;
use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Where systemd puts a service's credentials: in memory that only the service can read.
const CREDENTIALS: &str = "CREDENTIALS_DIRECTORY";

/// Where a passphrase comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// A file that only its owner can read.
    File(PathBuf),
    /// A credential that systemd hands over, by name.
    Credential(String),
    /// What a program prints: the program, then its arguments.
    Command(Vec<String>),
}

impl Source {
    /// Reads it. Line ends at its end are not part of it.
    ///
    /// # Errors
    /// If it can't be had, or is empty, or others can read its file.
    pub(crate) fn read(&self) -> Result<Secret<String>, Hinted> {
        match self {
            Self::File(path) => of_file(path),
            Self::Credential(name) => of_credential(name, env::var_os(CREDENTIALS)),
            Self::Command(command) => of_command(command),
        }
    }
}

pub(crate) fn of_file(path: &Path) -> Result<Secret<String>, Hinted> {
    let advice = "[keys] passphrase_file, passphrase_credential or passphrase_command says where the passphrase is";
    let bytes = durable::read_private(path, &format!("can't read the passphrase file {}", path.display()), advice)?;
    passphrase(&bytes, &format!("the passphrase file {}", path.display()))
}

fn of_credential(name: &str, folder: Option<OsString>) -> Result<Secret<String>, Hinted> {
    let advice = "hand it over in the unit: LoadCredentialEncrypted=NAME, made with `systemd-creds encrypt`; a command that is run by hand needs \
                  `systemd-run --pipe -p LoadCredentialEncrypted=NAME ...`";
    let folder = folder
        .ok_or_else(|| Hinted::new(format!("systemd hands over no credentials: {CREDENTIALS} is not set"), advice))?;
    let what = || format!("can't read the credential `{name}`");
    // A name, and no way out of the folder.
    if name.contains('/') || name == ".." {
        return Err(Hinted::new(what(), "passphrase_credential is a name, not a path"));
    }
    let bytes = Secret::new(std::fs::read(PathBuf::from(folder).join(name)).hint(what(), advice)?);
    passphrase(&bytes, &format!("the credential `{name}`"))
}

fn of_command(command: &[String]) -> Result<Secret<String>, Hinted> {
    let advice =
        "[keys] passphrase_command is a program and its arguments, without a shell; run it by hand as the node's user";
    let (program, arguments) =
        command.split_first().ok_or_else(|| Hinted::new("[keys] passphrase_command is empty", advice))?;
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .hint(format!("can't run `{program}` for the passphrase"), advice)?;
    let said = Secret::new(output.stdout);
    if !output.status.success() {
        return Err(Hinted::new(format!("`{program}` gave no passphrase: {}", output.status), advice));
    }
    passphrase(&said, &format!("what `{program}` printed"))
}

fn passphrase(bytes: &Secret<Vec<u8>>, what: &str) -> Result<Secret<String>, Hinted> {
    let text =
        std::str::from_utf8(bytes.expose()).hint(format!("{what} is not text"), "a passphrase is text in UTF-8")?;
    let passphrase = Secret::new(text.trim_end_matches(['\r', '\n']).to_owned());
    if passphrase.expose().is_empty() {
        return Err(Hinted::new(format!("{what} is empty"), "it must hold the passphrase of the sealed keys"));
    }
    Ok(passphrase)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, os::unix::fs::PermissionsExt};

    fn opened(source: &Source) -> String {
        source.read().unwrap().expose().clone()
    }

    #[test]
    fn a_passphrase_comes_from_a_file_a_credential_or_a_command() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("passphrase");
        durable::write_private(&path, b"correct horse\r\n").unwrap();
        assert_eq!(opened(&Source::File(path)), "correct horse");
        let folder = Some(dir.path().as_os_str().to_owned());
        assert_eq!(of_credential("passphrase", folder.clone()).unwrap().expose(), "correct horse");
        let command = ["printf", "%s\\n", "correct horse"].map(str::to_owned).to_vec();
        assert_eq!(opened(&Source::Command(command)), "correct horse");
    }

    #[test]
    fn a_passphrase_that_can_not_be_had_says_what_to_do() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Some(dir.path().as_os_str().to_owned());
        durable::write_private(&dir.path().join("empty"), b"\n").unwrap();
        for (refused, what, hint) in [
            (of_credential("guardian", None), "CREDENTIALS_DIRECTORY is not set", "LoadCredentialEncrypted"),
            (of_credential("missing", folder.clone()), "can't read the credential `missing`", "systemd-creds"),
            (of_credential("../empty", folder.clone()), "can't read the credential", "not a path"),
            (of_credential("empty", folder), "the credential `empty` is empty", "passphrase"),
            (of_command(&["false".to_owned()]), "`false` gave no passphrase", "run it by hand"),
            (of_command(&["true".to_owned()]), "what `true` printed is empty", "passphrase"),
            (of_command(&["/nonexistent".to_owned()]), "can't run `/nonexistent`", "without a shell"),
            (of_command(&[]), "passphrase_command is empty", "arguments"),
        ] {
            let error = refused.unwrap_err();
            assert!(error.to_string().contains(what) && error.advice().contains(hint), "{error}: {}", error.advice());
        }
    }

    #[test]
    fn a_file_that_others_can_read_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("passphrase");
        durable::write_private(&path, b"correct horse").unwrap();
        for mode in [0o640, 0o604, 0o660, 0o777] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let error = of_file(&path).unwrap_err();
            assert!(error.advice().contains(&format!("chmod 600 {}", path.display())), "{mode:o}: {}", error.advice());
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
        of_file(&path).unwrap();
    }
}
