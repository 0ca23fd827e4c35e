//! The command line as a tired operator meets it: every mistake gets one clear error, the reason, and a hint.

use crate::support::{assert_done, assert_refused, guardian, init, template, text};
use guardian_crypto::{frost::signing::Commitments, secret::Secret};
use guardian_node::{committee::CommitteeFile, durable::write_private, keys::KeyFiles, store::Store};
use guardian_protocol::{
    AppendRecords, BootId, Committee, DutyId, DutyKind, Epoch, Fault, MemberId, Record, Subject,
    testing::{Commitment, CommitmentLabel},
};
use guardian_tests::devnet::keys::DevnetKeys;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Output,
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
        DevnetKeys { out, validators: 2, ..DevnetKeys::default() }.make().unwrap();
        let place = Self { dir };
        place.write(&place.config());
        place
    }

    fn home(&self) -> PathBuf {
        self.dir.path().join("committee/guardian-1")
    }

    fn config(&self) -> String {
        template()
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

    /// The only file in the folder of shares.
    fn share(&self, guardian: &str) -> PathBuf {
        let folder = self.dir.path().join("committee").join(guardian).join("keys/shares");
        let mut files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        files.next().unwrap()
    }
}

#[test]
fn a_missing_configuration_is_named() {
    let output = guardian(&["check", "--config", "/nonexistent/guardian.toml"]);
    assert_refused(&output, "/nonexistent/guardian.toml", "guardian init");
}

#[test]
fn an_unknown_key_is_named() {
    let place = Place::new();
    place.write(&place.config().replace("# data_dir", "datadir"));
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
        let path = place.share("guardian-1");
        fs::write(&path, damage).unwrap();
        assert_refused(&place.check(), path.file_name().unwrap().to_str().unwrap(), "backup");
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
    fs::copy(place.share("guardian-2"), place.share("guardian-1")).unwrap();
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
    let made = init(home.to_str().unwrap(), &[]);
    assert!(made.status.success(), "{}", text(&made));
    assert!(String::from_utf8_lossy(&made.stdout).contains("identity = "), "the identity goes to stdout");
    for file in ["guardian.toml", "../home.passphrase", "keys/identity.sealed", "keys/account.sealed"] {
        let mode = fs::metadata(home.join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file} can be read by others");
    }
    let before = fs::read(home.join("keys/identity.sealed")).unwrap();
    assert_refused(&init(home.to_str().unwrap(), &[]), "can't write", "never overwritten");
    fs::rename(home.join("guardian.toml"), home.join("moved")).unwrap();
    assert_refused(&init(home.to_str().unwrap(), &[]), "can't write", "never overwritten");
    assert_eq!(fs::read(home.join("keys/identity.sealed")).unwrap(), before);
    fs::rename(home.join("moved"), home.join("guardian.toml")).unwrap();
    // What opens the keys is not among them, and the configuration knows where it is.
    assert_eq!(fs::read_dir(home.join("keys")).unwrap().count(), 2, "identity and account");
    let config = home.join("guardian.toml");
    let address = ["--address", "/ip4/127.0.0.1/udp/23700/quic-v1"];
    let member = guardian(&[&["key", "member", "--config", config.to_str().unwrap()][..], &address].concat());
    assert_done(&member);
}

#[test]
fn keys_are_sealed_with_the_passphrase_that_is_given_or_there() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    fs::write(path("given"), "correct horse\r\n").unwrap();
    let (first, second) = (path("first"), path("second"));
    assert_done(&init(&first, &["--passphrase-file", &path("given")]));
    write_private(Path::new(&path("second.passphrase")), b"battery staple").unwrap();
    assert_done(&init(&second, &[]));
    for (home, passphrase) in [(&first, "correct horse"), (&second, "battery staple")] {
        let files = KeyFiles::with_passphrase("alice", Secret::new(passphrase.to_owned()));
        files.identity(&Path::new(home).join("keys/identity.sealed")).unwrap();
    }
}

#[test]
fn secrets_that_others_can_read_are_refused() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    for name in ["passphrase", "identity.sealed", "account.sealed", "exits.sealed"] {
        let readable = |mode| fs::set_permissions(place.key(name), fs::Permissions::from_mode(mode)).unwrap();
        readable(0o644);
        assert_refused(&place.check(), "other users of this machine can read", "chmod 600");
        readable(0o600);
    }
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
fn without_exit_shares_a_guardian_is_told_what_it_can_not_do() {
    let place = Place::new();
    fs::remove_file(place.key("exits.sealed")).unwrap();
    let said = text(&place.check());
    assert!(said.contains("poor  no exit shares: this guardian signs orders and reports"), "{said}");
    assert!(said.contains("pass  keys: 0 validators") && said.contains("put it beside the identity"), "{said}");
    place.write(&place.config().replace("# exits = ", "exits = "));
    assert_refused(&place.check(), "can't read the exit shares", "as long as there are none");
}

#[test]
fn the_configuration_in_force_is_shown_without_secrets() {
    let place = Place::new();
    place.write(&place.config().replace("http://127.0.0.1:1\"", "http://alice:hunter2@127.0.0.1:1/key/topsecret\""));
    let config = place.home().join("guardian.toml");
    let shown = guardian(&["config", "show", "--config", config.to_str().unwrap()]);
    assert_done(&shown);
    let said = String::from_utf8(shown.stdout).unwrap();
    assert!(!said.contains("hunter2") && !said.contains("topsecret"), "{said}");
    // It is a configuration again, and says of each line where it comes from.
    toml::from_str::<toml::Table>(&said).unwrap();
    for (start, origin) in [
        ("name = \"guardian-1\"", "# file"),
        ("listen = \"127.0.0.1:23702\"", "# default"),
        ("chain_id = 1", "# network"),
    ] {
        let line = said.lines().find(|line| line.starts_with(start)).unwrap_or_else(|| panic!("{start}:\n{said}"));
        assert!(line.ends_with(origin), "{line}");
    }
    let json = guardian(&["config", "show", "--json", "--config", config.to_str().unwrap()]);
    assert!(serde_json::from_slice::<serde_json::Value>(&json.stdout).unwrap().is_array());
}

#[test]
fn without_the_contracts_a_guardian_says_where_they_come_from() {
    let place = Place::new();
    place.write(&place.config().replace("guardian_keys = ", "# guardian_keys = "));
    assert_refused(&place.check(), "the guardians' contracts are not known", "guardian contracts deploy");
    let run = guardian(&["run", "--config", place.home().join("guardian.toml").to_str().unwrap()]);
    assert_refused(&run, "the guardians' contracts are not known", "deployment.json");
}

#[test]
fn a_missing_share_says_how_to_get_it_back() {
    let place = Place::new();
    fs::remove_file(place.share("guardian-1")).unwrap();
    assert_refused(&place.check(), "there is no share of committee", "guardian key recover");
}

#[test]
fn a_backup_comes_back_in_another_folder_and_never_over_one() {
    let place = Place::new();
    let (file, new) = (place.dir.path().join("backup"), place.dir.path().join("new"));
    let config = place.home().join("guardian.toml");
    let back_up =
        ["backup", "create", "--config", config.to_str().unwrap(), "--out", file.to_str().unwrap(), "--devnet-seal"];
    assert_done(&guardian(&back_up));
    assert_refused(&guardian(&back_up), "can't write", "never overwritten");
    let passphrase = place.key("passphrase");
    let restore = |dir: &Path, passphrase: &Path| {
        let (from, dir, passphrase) = (file.to_str().unwrap(), dir.to_str().unwrap(), passphrase.to_str().unwrap());
        guardian(&["backup", "restore", "--from", from, "--dir", dir, "--passphrase-file", passphrase])
    };
    assert_refused(&restore(&new, Path::new("/nonexistent")), "/nonexistent", "passphrase");
    assert_refused(&restore(&place.home(), &passphrase), "not empty", "new folder");
    assert_done(&restore(&new, &passphrase));
    // Keys and store are fine; only the providers are still not there.
    let check = guardian(&["check", "--config", new.join("guardian.toml").to_str().unwrap()]);
    assert_refused(&check, "can't connect to the chains", "[beacon]");
    assert!(text(&check).contains("pass  store: 0 records"), "{}", text(&check));
}

#[test]
fn nobody_is_pardoned_who_did_nothing() {
    let place = Place::new();
    let config = place.home().join("guardian.toml");
    let pardon = |member: &str| guardian(&["pardon", member, "--config", config.to_str().unwrap()]);
    assert_refused(&pardon("guardian-2"), "nothing is known against `guardian-2`", "status");
    assert_refused(&pardon("nobody"), "`nobody` is not a member", "guardian-4");
}

/// A proof that `culprit` signed a commitment that is not two points; signed by `signer`.
fn proof(place: &Place, culprit: u16, signer: u16) -> (Committee, Fault) {
    let committee = CommitteeFile::load(&place.home().join("committee.toml")).unwrap().committee().unwrap();
    let member = |number: u16| MemberId::new(number).unwrap();
    let files = KeyFiles::with_passphrase(&format!("guardian-{signer}"), Secret::new("devnet".to_owned()));
    let sealed = place.dir.path().join(format!("committee/guardian-{signer}/keys/identity.sealed"));
    let identity = files.identity(&sealed).unwrap();
    let duty = DutyId {
        kind: DutyKind::Reserves,
        period: Epoch(7),
        subject: Subject::Whole,
        key_epoch: committee.key_epoch(),
    };
    let label = CommitmentLabel {
        owner: member(culprit),
        coordinator: member(1),
        boot: BootId { number: 1, name: [1; 16] },
        index: 1,
    };
    let no_points = Commitments::from_bytes(&[0xff; 66]).unwrap();
    let commitment = Commitment::seal((duty, [5; 32].into()), label, no_points, &committee, &identity);
    (committee, Fault::Commitment { duty, digest: [5; 32].into(), commitment })
}

#[test]
fn a_proof_from_the_signing_of_duties_is_checked_and_not_believed() {
    let place = Place::new();
    let committee = place.home().join("committee.toml");
    let verify = |fault: &Fault| {
        let path = place.dir.path().join("a.fault");
        fs::write(&path, fault.encode()).unwrap();
        guardian(&["fault", "verify", path.to_str().unwrap(), "--committee", committee.to_str().unwrap()])
    };
    let proven = verify(&proof(&place, 3, 3).1);
    assert_done(&proven);
    assert!(text(&proven).contains("proven: guardian-3 (member 3)"), "{}", text(&proven));
    // Signed by another member than the one it accuses.
    assert_refused(&verify(&proof(&place, 3, 2).1), "does not hold", "nobody is convicted");
    // Of another committee of the same people.
    let other = Place::new();
    assert_refused(&verify(&proof(&other, 3, 3).1), "does not hold", "of another one");
}

#[test]
fn a_pardon_is_for_what_is_proven_and_no_more() {
    let place = Place::new();
    let config = place.home().join("guardian.toml");
    let (committee, fault) = proof(&place, 3, 3);
    let (culprit, duty) = fault.verify(&committee).unwrap();
    let data = place.home().join("data");
    let mut store = Store::open(&data).unwrap();
    store.append(&[Record::Fault { committee: committee.id(), culprit, fault }]).unwrap();
    drop(store);
    let pardon = |member: &str| guardian(&["pardon", member, "--config", config.to_str().unwrap()]);
    assert_refused(&pardon("guardian-2"), "nothing is known against `guardian-2`", "status");
    let pardoned = pardon("guardian-3");
    assert_done(&pardoned);
    assert!(text(&pardoned).contains("`guardian-3` is forgiven what it did up to epoch 7"), "{}", text(&pardoned));
    let records = Store::open(&data).unwrap().load().unwrap();
    let forgiven = Record::Pardon { committee: committee.id(), member: culprit, upto: duty.period };
    assert_eq!(records.last(), Some(&forgiven));
    assert!(records.iter().any(|record| matches!(record, Record::Fault { .. })), "the proof itself is kept");
}

#[test]
fn a_plan_with_two_members_of_one_name_says_what_to_do() {
    let place = Place::new();
    let plan = place.dir.path().join("plan.toml");
    let example = String::from_utf8(guardian(&["key", "plan", "--example"]).stdout).unwrap();
    fs::write(&plan, example.replace("name = \"bob\"", "name = \"alice\"")).unwrap();
    let config = place.home().join("guardian.toml");
    let arguments = ["key", "generate", "--config", config.to_str().unwrap(), "--plan", plan.to_str().unwrap()];
    let refused = guardian(&arguments);
    assert_refused(&refused, "the plan makes no sense", "another name");
    assert!(text(&refused).contains("members 1 and 2 have the same name"), "{}", text(&refused));
}

#[test]
fn a_plan_is_written_from_what_the_operators_send() {
    let place = Place::new();
    let mut members = Vec::new();
    for i in 1..=3 {
        let config = place.dir.path().join(format!("committee/guardian-{i}/guardian.toml"));
        fs::write(&config, place.config().replace("guardian-1", &format!("guardian-{i}"))).unwrap();
        let address = format!("/dns4/host-{i}.example/udp/23700/quic-v1");
        let member = guardian(&["key", "member", "--config", config.to_str().unwrap(), "--address", &address]);
        assert_done(&member);
        let path = place.dir.path().join(format!("member-{i}.toml"));
        fs::write(&path, &member.stdout).unwrap();
        members.push(path.to_str().unwrap().to_owned());
    }
    let out = place.dir.path().join("plan.toml");
    let plan = |threshold: &str| {
        let mut arguments = vec!["key", "plan", "generate", "--threshold", threshold, "--out", out.to_str().unwrap()];
        members.iter().for_each(|member| arguments.extend(["--member", member]));
        guardian(&arguments)
    };
    assert_refused(&plan("1"), "the plan makes no sense", "guardian key plan --example");
    let written = plan("2");
    assert_done(&written);
    assert!(String::from_utf8_lossy(&written.stdout).starts_with("ceremony = \"0x"), "{}", text(&written));
    assert!(fs::read_to_string(&out).unwrap().contains("/dns4/host-3.example/udp/23700/quic-v1"));
    assert_refused(&plan("2"), "can't write", "never overwritten");
    let example = guardian(&["key", "plan", "--example"]);
    assert!(String::from_utf8_lossy(&example.stdout).contains("[[members]]"));
}

#[test]
fn what_is_for_a_running_node_says_so_when_none_runs() {
    let place = Place::new();
    let config = place.home().join("guardian.toml");
    let config = ["--config", config.to_str().unwrap()];
    for command in [
        &["hold", "--kind", "ejection", "--for", "2h", "--reason", "upgrade"][..],
        &["release", "--kind", "reserves"],
        &["reload"],
    ] {
        assert_refused(&guardian(&[command, &config].concat()), "no node runs with the store", "guardian run");
    }
    let unknown = guardian(&[&["hold", "--kind", "everything"][..], &config].concat());
    assert!(text(&unknown).contains("the kinds are ejection, reserves"), "{}", text(&unknown));
}

#[test]
fn contracts_are_deployed_only_with_the_key_that_a_committee_has_proven() {
    let place = Place::new();
    let committee = place.home().join("committee.toml");
    let (plan, payer) = (place.dir.path().join("plan.json"), place.dir.path().join("payer"));
    fs::write(&payer, "11".repeat(32)).unwrap();
    let deploy = || {
        let out = place.dir.path().join("out.json");
        let [plan, payer, committee, out] = [&plan, &payer, &committee, &out].map(|path| path.to_str().unwrap());
        let files = ["--plan", plan, "--key-file", payer, "--committee", committee, "--out", out];
        guardian(&[&["contracts", "deploy", "--rpc-url", "http://127.0.0.1:1"][..], &files].concat())
    };
    let example = include_str!("../../../contracts/test/vectors/deployment.json");
    let mut example: serde_json::Value = serde_json::from_str(example).unwrap();
    fs::write(&plan, example["plan"].to_string()).unwrap();
    let (px, py) = CommitteeFile::load(&committee).unwrap().committee().unwrap().group_key().coordinates();
    let [px, py] = [px, py].map(|word| format!("0x{}", hex::encode(word)));
    assert_refused(&deploy(), "the plan's group key is not that of", &format!("px {px} and py {py}"));
    example["plan"]["group_key"] = serde_json::json!({ "px": px, "py": py });
    fs::write(&plan, example["plan"].to_string()).unwrap();
    assert_refused(&deploy(), "the deployment can't be checked", "--rpc-url");
}
