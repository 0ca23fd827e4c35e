//! What is wrong with the guardian's own files.

use super::{Checked, Fault, each_is_told_and_nothing_else};
use crate::support::Place;
use guardian_crypto::{
    bls::{SecretKey, dealer::split},
    seal::Work,
    secret::Secret,
};
use guardian_node::{keys::KeyFiles, shares};
use rand_core::OsRng;
use std::{
    fs,
    os::unix::fs::{PermissionsExt, chown},
    path::PathBuf,
};

const OPEN: &[(&str, &str)] = &[("fail", "secret_files"), ("fail", "keys")];

fn file(checked: &Checked, name: &str) -> PathBuf {
    checked.place.home(1).join("keys").join(name)
}

fn open(checked: &Checked, name: &str, mode: u32) {
    fs::set_permissions(file(checked, name), fs::Permissions::from_mode(mode)).unwrap();
}

/// The one share of the group key.
fn share(checked: &Checked) -> String {
    format!("shares/{}", checked.place.share_files(1)[0])
}

fn share_of_another_committee(checked: &mut Checked) {
    let (committee, other) = (checked.place.committee(1).committee().unwrap(), Place::with_key(4));
    let files = KeyFiles::with_passphrase("guardian-1", Secret::new("devnet".to_owned()));
    let folder = file(checked, "shares");
    fs::remove_dir_all(&folder).unwrap();
    let theirs = other.committee(1).committee().unwrap();
    shares::Shares::new(&folder, &files).write(&theirs, &other.share(1), Work::Devnet).unwrap();
    fs::rename(folder.join(shares::file_name(&theirs)), folder.join(shares::file_name(&committee))).unwrap();
}

fn exit_shares_of_another_threshold(checked: &mut Checked) {
    let (mut shares, commitments) = split(&SecretKey::interop(7).unwrap(), 4, 4, &mut OsRng).unwrap();
    let files = KeyFiles::with_passphrase("guardian-1", Secret::new("devnet".to_owned()));
    let path = file(checked, "exits.sealed");
    fs::remove_file(&path).unwrap();
    files.write_exits(&path, &[(shares.remove(0), commitments)], Work::Devnet).unwrap();
}

/// The address of the first beacon node stands in a file that others can read.
fn address_in_an_open_file(checked: &mut Checked) {
    let path = checked.place.home(1).join("beacon-1.url");
    fs::write(&path, &checked.beacons[0]).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let url = format!("url = \"{}\"", checked.beacons[0]);
    checked.edit(&url, "url_file = \"beacon-1.url\"");
}

/// The headers for the first beacon node stand in a file that others can read.
fn headers_in_an_open_file(checked: &mut Checked) {
    let path = checked.place.home(1).join("beacon-1.headers");
    fs::write(&path, "x-api-key: hunter2\n").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let url = format!("url = \"{}\"", checked.beacons[0]);
    checked.edit(&url, &format!("{url}, headers_file = \"beacon-1.headers\""));
}

/// The beacon nodes stand in a file that a variable names, and others can read.
fn list_in_an_open_file(checked: &mut Checked) {
    let path = checked.place.home(1).join("beacons");
    let list = checked.beacons.iter().enumerate().map(|(place, url)| format!("b{place}={url}\n"));
    fs::write(&path, list.collect::<String>().replace("http://", "http://alice:hunter2@")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    checked.environment.push(("GUARDIAN_BEACON_PROVIDERS_FILE", path));
}

/// The first beacon node takes any password.
fn password_in_an_open_configuration(checked: &mut Checked) {
    checked.beacons[0] = checked.beacons[0].replace("http://", "http://alice:hunter2@");
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

const FAULTS: &[Fault] = &[
    Fault::new(
        "an unknown key in the configuration",
        |it| it.edit("# data_dir", "datadir"),
        &[("fail", "configuration")],
    ),
    Fault::new(
        "one beacon node listed twice",
        |it| it.beacons[1] = it.beacons[0].clone(),
        &[("fail", "configuration")],
    ),
    Fault::new(
        "no committee file",
        |it| fs::remove_file(it.place.home(1).join("committee.toml")).unwrap(),
        &[("fail", "committee")],
    ),
    Fault::new("a name that is no member's", |it| it.edit("\"guardian-1\"", "\"mallory\""), &[("fail", "keys")]),
    Fault::new("no passphrase file", |it| fs::remove_file(file(it, "passphrase")).unwrap(), &[("fail", "keys")]),
    Fault::new("another passphrase", |it| fs::write(file(it, "passphrase"), "other").unwrap(), &[("fail", "keys")]),
    Fault::new("a damaged account key", |it| fs::write(file(it, "account.sealed"), "0").unwrap(), &[("fail", "keys")]),
    Fault::new("a passphrase that others can read", |it| open(it, "passphrase", 0o644), OPEN),
    Fault::new("an identity key that others can read", |it| open(it, "identity.sealed", 0o604), OPEN),
    Fault::new("an account key that others can read", |it| open(it, "account.sealed", 0o640), OPEN),
    Fault::new("a share that others can read", |it| open(it, &share(it), 0o644), OPEN),
    Fault::new("exit shares that others can read", |it| open(it, "exits.sealed", 0o644), OPEN),
    Fault::new("a folder of keys where others can write", |it| open(it, "", 0o777), &[("poor", "secret_files")]),
    Fault::new(
        "a key of another user",
        |it| chown(file(it, "account.sealed"), Some(1), None).unwrap(),
        &[("poor", "secret_files")],
    )
    .if_possible(is_root),
    Fault::new("an address with a key that others can read", address_in_an_open_file, &[("poor", "secret_files")]),
    Fault::new("headers with a key that others can read", headers_in_an_open_file, &[("poor", "secret_files")]),
    Fault::new(
        "a list of nodes with a password that others can read",
        list_in_an_open_file,
        &[("poor", "secret_files")],
    ),
    Fault::new(
        "a configuration with a password that others can read",
        password_in_an_open_configuration,
        &[("poor", "secret_files")],
    ),
    Fault::new("no share of this committee", |it| fs::remove_file(file(it, &share(it))).unwrap(), &[("fail", "keys")]),
    Fault::new("a share of another committee", share_of_another_committee, &[("fail", "keys")]),
    Fault::new("no exit shares", |it| fs::remove_file(file(it, "exits.sealed")).unwrap(), &[("poor", "exit_shares")]),
    Fault::new(
        "exit shares of another threshold",
        exit_shares_of_another_threshold,
        &[("poor", "exit_shares_threshold")],
    ),
];

#[test]
fn faults_of_the_guardians_own_files_are_told() {
    each_is_told_and_nothing_else("Configuration and keys", FAULTS);
}
