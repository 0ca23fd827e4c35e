//! The enclave key, and shares of validators' keys that come in with registrations.

use crate::support::{Place, assert_done, assert_refused, text};
use guardian_crypto::{bls::SecretKey, enclave::EnclavePublic};
use guardian_tests::registrations::Operator;
use std::{fs, process::Output};

/// The enclave keys that a command showed, the newest first.
fn shown(output: &Output) -> Vec<EnclavePublic> {
    assert_done(output);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let keys = said.lines().map(|line| line.split('"').nth(1).unwrap().trim_start_matches("0x").to_owned());
    keys.map(|key| EnclavePublic::from_bytes(&hex::decode(key).unwrap()).unwrap()).collect()
}

fn make(place: &Place, member: u16) -> EnclavePublic {
    shown(&place.run(member, &["key", "enclave", "make", "--devnet-seal"]))[0]
}

/// A file with the call data of a registration of the interop key `index`, for these guardians.
fn registered(place: &Place, index: u64, guardians: &[EnclavePublic]) -> String {
    let key = SecretKey::interop(index).unwrap();
    let operator = Operator {
        key: &key,
        guardians,
        threshold: 2,
        module: [1; 32].into(),
        credentials: [2; 32],
        genesis_fork: [0; 4],
    };
    let path = place.path().join(format!("registration-{index}"));
    fs::write(&path, format!("0x{}\n", hex::encode(operator.call_data().unwrap()))).unwrap();
    path.to_str().unwrap().to_owned()
}

fn import(place: &Place, member: u16, files: &[&str]) -> Output {
    place.run(member, &[&["key", "exits", "import", "--devnet-seal"], files].concat())
}

#[test]
fn an_enclave_key_is_made_once_shown_and_rotated() {
    let place = Place::with_key(2);
    assert_refused(&place.run(1, &["key", "enclave", "show"]), "enclave.sealed", "check the path");
    let first = make(&place, 1);
    assert_refused(&place.run(1, &["key", "enclave", "make"]), "there is an enclave key already", "rotate");
    assert_eq!(shown(&place.run(1, &["key", "enclave", "show"])), [first]);
    let rotated = shown(&place.run(1, &["key", "enclave", "rotate", "--devnet-seal"]));
    assert_eq!((rotated.len(), rotated[1]), (2, first));
    assert_eq!(shown(&place.run(1, &["key", "enclave", "show"])), rotated);
}

#[test]
fn shares_come_in_with_registrations_and_are_backed_up() {
    let place = Place::with_key(3);
    let keys: Vec<EnclavePublic> = (1..=3).map(|member| make(&place, member)).collect();
    // Before and after a rotation: what was encrypted to the old key still opens.
    let before = registered(&place, 7, &keys);
    let rotated = shown(&place.run(2, &["key", "enclave", "rotate", "--devnet-seal"]))[0];
    let after = registered(&place, 8, &[keys[0], rotated, keys[2]]);
    let done = import(&place, 2, &[&before, &after]);
    assert_done(&done);
    assert!(text(&done).contains("2 of 2 shares are new"), "{}", text(&done));
    assert!(text(&import(&place, 2, &[&before])).contains("0 of 1 shares are new"));

    let listed = place.run(2, &["key", "exits", "list"]);
    assert_done(&listed);
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert_eq!(listed.lines().count(), 4, "{listed}");
    for index in [0, 1, 7, 8] {
        let pubkey = SecretKey::interop(index).unwrap().public_key();
        assert!(listed.contains(&format!("{pubkey} 2\n")), "{listed}");
    }
    assert!(text(&place.run(2, &["key", "exits", "verify"])).contains("4 shares, each of which fits"));

    let (backup, fresh) = (place.path().join("backup"), place.path().join("fresh"));
    let (backup, fresh) = (backup.to_str().unwrap(), fresh.to_str().unwrap());
    assert_done(&place.run(2, &["backup", "create", "--out", backup]));
    let passphrase = place.home(2).join("keys/passphrase");
    let restore = ["backup", "restore", "--from", backup, "--dir", fresh, "--passphrase-file"];
    assert_done(&crate::support::guardian(&[&restore[..], &[passphrase.to_str().unwrap()]].concat()));
    let config = format!("{fresh}/guardian.toml");
    let show = crate::support::guardian(&["key", "enclave", "show", "--config", &config]);
    assert_eq!(shown(&show), [rotated, keys[1]]);
    let list = crate::support::guardian(&["key", "exits", "list", "--config", &config]);
    assert_eq!(String::from_utf8(list.stdout).unwrap(), listed);
}

#[test]
fn a_registration_is_sound_by_itself_or_its_flaws_are_named() {
    let place = Place::with_key(2);
    let file = registered(&place, 31, &[make(&place, 1), make(&place, 2)]);
    let verify = |credentials: &str, numbers: [&str; 2], chain: [&str; 2]| {
        let what = ["verify", "registration", &file, "--credentials", credentials];
        let list = ["--guardians", numbers[0], "--threshold", numbers[1], chain[0], chain[1]];
        crate::support::guardian(&[&what[..], &list].concat())
    };
    let credentials = "02".repeat(32);
    let mainnet = ["--network", "mainnet"];
    let sound = verify(&credentials, ["2", "2"], mainnet);
    assert_done(&sound);
    assert!(text(&sound).contains(&SecretKey::interop(31).unwrap().public_key().to_string()), "{}", text(&sound));
    assert_done(&verify(&credentials, ["2", "2"], ["--genesis-fork-version", "00000000"]));
    for (output, flaw) in [
        (verify(&"03".repeat(32), ["2", "2"], mainnet), "the key did not sign a deposit of 32 ETH"),
        (verify(&credentials, ["2", "2"], ["--network", "hoodi"]), "the key did not sign a deposit of 32 ETH"),
        (verify(&credentials, ["3", "2"], mainnet), "2 shares for 3 guardians"),
        (verify(&credentials, ["2", "1"], mainnet), "2 shares make the key, and 1 must"),
    ] {
        assert_refused(&output, flaw, "register the validator again");
    }
}

#[test]
fn a_registration_without_this_guardians_share_changes_nothing() {
    let place = Place::with_key(3);
    let keys: Vec<EnclavePublic> = (1..=3).map(|member| make(&place, member)).collect();
    let stranger = make(&Place::with_key(2), 1);
    let sealed = || fs::read(place.home(2).join("keys/exits.sealed")).unwrap();
    let before = sealed();
    let good = registered(&place, 20, &keys);
    let file = |name: &str, text: &str| {
        let path = place.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    for (bad, what, hint) in [
        (registered(&place, 21, &[keys[0], stranger, keys[2]]), "holds no share for this guardian", "register again"),
        (registered(&place, 22, &[keys[1], keys[0], keys[2]]), "holds no share for this guardian", "register again"),
        (registered(&place, 0, &keys), "another share of validator", "which dealing"),
        (file("short", "0x48c1edf1"), "does not hold a registration", "registerValidatorKey"),
        (file("text", "no hex"), "can't read", "call data in hex"),
    ] {
        assert_refused(&import(&place, 2, &[&good, &bad]), what, hint);
        assert_eq!(sealed(), before, "{what}");
    }
    assert_done(&import(&place, 2, &[&good]));
}
