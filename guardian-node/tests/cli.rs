//! The command line as a tired operator meets it: every mistake gets one clear error, the reason, and a hint.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test that can't go on has failed; tests read and write files"
)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};
use tempfile::TempDir;

/// A committee's files, and a configuration of its first member whose providers are not there.
struct Place {
    dir: TempDir,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("committee");
        let made = guardian(&["devnet-keys", "--out", out.to_str().unwrap(), "--validators", "2"]);
        assert!(made.status.success(), "{}", text(&made));
        let place = Self { dir };
        place.write(&place.config());
        place
    }

    fn home(&self) -> PathBuf {
        self.dir.path().join("committee/guardian-1")
    }

    /// Nobody listens on port 1.
    fn config(&self) -> String {
        guardian_node::config::TEMPLATE
            .replace("http://127.0.0.1:5052", "http://127.0.0.1:1")
            .replace("http://127.0.0.1:8545", "http://127.0.0.1:1")
    }

    fn write(&self, config: &str) {
        fs::write(self.home().join("guardian.toml"), config).unwrap();
    }

    fn check(&self) -> Output {
        guardian(&["check", "--config", self.home().join("guardian.toml").to_str().unwrap()])
    }

    fn key(&self, name: &str) -> PathBuf {
        self.home().join("keys").join(name)
    }
}

fn guardian(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_guardian")).args(arguments).env_remove("RUST_LOG").output().unwrap()
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// The command failed by the operator's mistake, said `what`, and gave advice that speaks of `hint`.
fn assert_refused(output: &Output, what: &str, hint: &str) {
    let said = text(output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(what), "does not say `{what}`:\n{said}");
    let advice = said.split("hint: ").nth(1).unwrap_or_else(|| panic!("no hint:\n{said}"));
    assert!(advice.contains(hint), "the hint does not speak of `{hint}`:\n{said}");
}

#[test]
fn a_missing_configuration_is_named() {
    let output = guardian(&["check", "--config", "/nonexistent/guardian.toml"]);
    assert_refused(&output, "/nonexistent/guardian.toml", "guardian init");
}

#[test]
fn an_unknown_key_is_named() {
    let place = Place::new();
    place.write(&place.config().replace("data_dir", "datadir"));
    assert_refused(&place.check(), "unknown field `datadir`", "unknown keys are refused");
}

#[test]
fn a_name_that_is_no_member_lists_the_members() {
    let place = Place::new();
    place.write(&place.config().replace("name = \"guardian-1\"", "name = \"guardian-9\""));
    assert_refused(&place.check(), "`guardian-9` is not a member", "guardian-4");
}

#[test]
fn unreachable_providers_are_named() {
    let place = Place::new();
    let output = place.check();
    assert_refused(&output, "can't connect to the chains", "[beacon]");
    assert!(text(&output).contains("own"), "the provider is not named:\n{}", text(&output));
}

#[test]
fn a_wrong_passphrase_is_told_apart_from_a_damaged_file() {
    let place = Place::new();
    fs::write(place.key("passphrase"), "wrong").unwrap();
    assert_refused(&place.check(), "passphrase", "passphrase_file");
}

#[test]
fn an_empty_truncated_or_garbled_key_file_is_an_error() {
    for damage in [Vec::new(), b"\0\0\0".to_vec(), vec![0x41; 400]] {
        let place = Place::new();
        let path = place.key("share.sealed");
        fs::write(&path, damage).unwrap();
        assert_refused(&place.check(), "share.sealed", "backup");
    }
    let place = Place::new();
    let path = place.key("identity.sealed");
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() - 1]).unwrap();
    assert_refused(&place.check(), "identity.sealed", "backup");
}

#[test]
fn another_guardians_or_another_kinds_key_file_is_an_error() {
    let place = Place::new();
    let other = place.dir.path().join("committee/guardian-2/keys/share.sealed");
    fs::copy(other, place.key("share.sealed")).unwrap();
    assert_refused(&place.check(), "guardian-2", "belongs to this guardian");
    let place = Place::new();
    fs::copy(place.key("account.sealed"), place.key("identity.sealed")).unwrap();
    assert_refused(&place.check(), "identity.sealed", "belongs to this guardian");
}

#[test]
fn a_store_in_use_is_refused() {
    let place = Place::new();
    let data = place.home().join("data");
    let _held = guardian_node::store::Store::open(&data).unwrap();
    assert_refused(&place.check(), "in use", "Two with one key");
}

#[test]
fn init_makes_everything_private_and_never_overwrites() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("home");
    let arguments = ["init", "--dir", home.to_str().unwrap(), "--name", "alice"];
    let made = guardian(&arguments);
    assert!(made.status.success(), "{}", text(&made));
    assert!(String::from_utf8_lossy(&made.stdout).contains("identity = "), "the identity goes to stdout");
    for file in ["guardian.toml", "keys/passphrase", "keys/identity.sealed", "keys/account.sealed"] {
        let mode = fs::metadata(home.join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file} can be read by others");
    }
    let before = fs::read(home.join("keys/identity.sealed")).unwrap();
    assert_refused(&guardian(&arguments), "can't write", "never overwritten");
    assert_eq!(fs::read(home.join("keys/identity.sealed")).unwrap(), before);
}

#[test]
fn no_message_ever_shows_a_secret_or_a_credential() {
    let place = Place::new();
    place.write(&place.config().replace("http://127.0.0.1:1\"", "http://alice:hunter2@127.0.0.1:1/key/topsecret\""));
    let said = text(&place.check());
    assert!(!said.contains("hunter2") && !said.contains("topsecret"), "{said}");
    let passphrase = fs::read_to_string(place.key("passphrase")).unwrap();
    assert!(!said.contains(&passphrase) || passphrase == "devnet", "{said}");
}

#[test]
fn help_explains_every_command() {
    let help = text(&guardian(&["--help"]));
    for command in ["run", "init", "devnet-keys", "status", "check"] {
        assert!(help.contains(command), "{command} is missing:\n{help}");
        assert!(guardian(&[command, "--help"]).status.success());
    }
    assert!(Path::new(env!("CARGO_BIN_EXE_guardian")).exists());
}
