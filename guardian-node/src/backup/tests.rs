//! A backup unpacked elsewhere: what comes back, what never does, and that a restored guardian waits before it signs.

use super::*;
use crate::{node, store::Store};
use guardian_protocol::{
    Answers, AppendRecords, ChainSpec, Checkpoint, DutyId, DutyKind, Effects, Epoch, Guardian, Input, Query, Reading,
    Reason, Record, Setup, Slot, Subject, Timestamp,
};
use guardian_tests::devnet::keys::DevnetKeys;
use rand_core::OsRng;

/// A guardian with everything that can be in a backup, and with a store that has something in it.
fn guardian(dir: &Path) -> PathBuf {
    let keys = DevnetKeys { out: dir.to_owned(), validators: 2, ..DevnetKeys::default() };
    keys.make().unwrap();
    let home = dir.join("guardian-1");
    let config = crate::config::TEMPLATE.replace("../guardian.passphrase", "keys/passphrase");
    fs::write(home.join("guardian.toml"), config).unwrap();
    let mut store = Store::open(&home.join("data")).unwrap();
    let id = DutyId { kind: DutyKind::Reserves, period: Epoch(9), subject: Subject::Whole, key_epoch: KeyEpoch(1) };
    store
        .append(&[Record::Floor { epoch: Epoch(3), is_settled: true }, Record::Decided { id, digest: [7; 32].into() }])
        .unwrap();
    home
}

/// The ceremony that made the share that is there, and one that made another.
fn add_ceremonies(home: &Path) {
    let committee = fs::read_to_string(home.join("committee.toml")).unwrap();
    let other = committee.replacen("key_epoch = 1", "key_epoch = 7", 1);
    assert_ne!(committee, other);
    for (name, committee) in [("0123456789abcdef", committee), ("fedcba9876543210", other)] {
        let folder = folder::of(&home.join("data"), name);
        fs::create_dir_all(folder.join("board")).unwrap();
        fs::write(folder.join("committee.toml"), committee).unwrap();
        for file in ["plan.toml", "transcript", "status.json", "board/000004.log"] {
            fs::write(folder.join(file), file).unwrap();
        }
    }
}

fn files(dir: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![dir.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                found.push(path.strip_prefix(dir).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    found.sort_unstable();
    found
}

fn passphrase() -> Secret<String> {
    Secret::new("devnet".to_owned())
}

#[test]
fn what_comes_back_is_everything_but_the_store() {
    let dir = tempfile::tempdir().unwrap();
    let home = guardian(dir.path());
    add_ceremonies(&home);
    let (file, new) = (dir.path().join("backup"), dir.path().join("new"));
    back_up(&home.join("guardian.toml"), &file, Work::Devnet).unwrap();
    let restored = restore(&file, &new, passphrase()).unwrap();
    assert_eq!((restored.name.as_str(), restored.moved.len()), ("guardian-1", 0));

    let share =
        Shares::new(&home.join("keys/shares"), &KeyFiles::with_passphrase("guardian-1", passphrase())).names().unwrap();
    let expected = [
        "committee.toml".to_owned(),
        "data/ceremonies/0123456789abcdef/committee.toml".to_owned(),
        "data/ceremonies/0123456789abcdef/plan.toml".to_owned(),
        "data/ceremonies/0123456789abcdef/transcript".to_owned(),
        "guardian.toml".to_owned(),
        "keys/account.sealed".to_owned(),
        "keys/exits.sealed".to_owned(),
        "keys/identity.sealed".to_owned(),
        "keys/passphrase".to_owned(),
        format!("keys/shares/{}", share[0]),
    ];
    assert_eq!(files(&new), expected);
    for path in &expected {
        assert_eq!(fs::read(new.join(path)).unwrap(), fs::read(home.join(path)).unwrap(), "{path}");
    }
}

#[test]
fn a_restored_guardian_waits_until_signing_is_safe() {
    let dir = tempfile::tempdir().unwrap();
    let home = guardian(dir.path());
    let (file, new) = (dir.path().join("backup"), dir.path().join("new"));
    back_up(&home.join("guardian.toml"), &file, Work::Devnet).unwrap();
    restore(&file, &new, passphrase()).unwrap();

    let config = Config::load(&new.join("guardian.toml")).unwrap();
    let committee = CommitteeFile::load(&config.guardian.committee).unwrap();
    let (secrets, _) = node::secrets(&config, &committee).unwrap();
    let records = node::open_store(&config).unwrap().load().unwrap();
    assert_eq!(records, Vec::new());
    let setup = Setup {
        exit_requests: guardian_protocol::ExitRequestPolicy::default(),
        me: committee.named("guardian-1").unwrap().id,
        committee: committee.committee().unwrap(),
        network: ChainSpec {
            chain_id: 1,
            genesis_validators_root: [1; 32].into(),
            genesis_time: 0,
            seconds_per_slot: 12,
            slots_per_epoch: 32,
            forks: Vec::new(),
            capella_fork_version: None,
            deneb_fork_epoch: None,
            shard_committee_period: 0,
        },
        contracts: config.contracts(),
        quorum: config.quorum(),
        timing: config.timing.timing(),
        start_block: 0,
        limits: config.limits.limits(),
        mode: config.guardian.mode,
        program: crate::program::program(1),
    };
    let mut guardian = Guardian::restore(Timestamp(0), setup, secrets, records, &mut OsRng).unwrap();
    // Even when it sees what is final, it does not know yet what was signed before.
    let mut fx = Effects::default();
    guardian.step(Timestamp(0), Input::Woke, &mut OsRng, &mut fx);
    let asked = fx.commit(&mut node::open_store(&config).unwrap()).unwrap().queries;
    let (id, query) = asked.first().unwrap();
    assert_eq!(*query, Query::Finalized);
    let (root, state_root) = ([2; 32].into(), [3; 32].into());
    let finalized = Checkpoint { epoch: Epoch(10), root, block_slot: Slot(320), state_root, execution: None };
    let answers = vec![(guardian_protocol::ProviderId(0), Ok(Reading::Finalized(Some(finalized))))];
    let input = Input::Read(Answers { id: *id, answers });
    guardian.step(Timestamp(1), input, &mut OsRng, &mut Effects::default());
    assert!(guardian.not_ready().contains(&Reason::StoreIsNew), "{:?}", guardian.not_ready());
}

#[test]
fn nothing_is_restored_over_anything_that_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let home = guardian(dir.path());
    let file = dir.path().join("backup");
    back_up(&home.join("guardian.toml"), &file, Work::Devnet).unwrap();
    let before = files(&home);
    let error = restore(&file, &home, passphrase()).unwrap_err();
    assert!(error.to_string().contains("not empty"), "{error}");
    assert_eq!(files(&home), before);
}

#[test]
fn a_wrong_passphrase_and_a_damaged_backup_restore_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let home = guardian(dir.path());
    let (file, new) = (dir.path().join("backup"), dir.path().join("new"));
    back_up(&home.join("guardian.toml"), &file, Work::Devnet).unwrap();
    assert!(restore(&file, &new, Secret::new("wrong".to_owned())).is_err());
    let whole = fs::read(&file).unwrap();
    for damaged in [&whole[..whole.len() - 1], &[], b"not a backup"] {
        fs::write(&file, damaged).unwrap();
        assert!(restore(&file, &new, passphrase()).is_err());
    }
    assert!(!new.join("guardian.toml").exists());
}

#[test]
fn what_does_not_open_is_not_backed_up() {
    let dir = tempfile::tempdir().unwrap();
    let home = guardian(dir.path());
    let path = home.join("keys/exits.sealed");
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() - 1]).unwrap();
    let file = dir.path().join("backup");
    assert!(back_up(&home.join("guardian.toml"), &file, Work::Devnet).is_err());
    assert!(!file.exists());
}

#[test]
fn paths_that_lead_elsewhere_are_brought_into_the_new_folder() {
    let dir = tempfile::tempdir().unwrap();
    let home = guardian(dir.path());
    let elsewhere = dir.path().join("elsewhere");
    fs::create_dir_all(&elsewhere).unwrap();
    fs::rename(home.join("data"), elsewhere.join("data")).unwrap();
    fs::rename(home.join("keys/account.sealed"), dir.path().join("account.sealed")).unwrap();
    let text = crate::config::TEMPLATE
        .replace("../guardian.passphrase", "keys/passphrase")
        .replace("# data_dir = \"data\"", &format!("data_dir = {:?}", elsewhere.join("data")))
        .replace("# account = \"keys/account.sealed\"", "account = \"../account.sealed\" # on the other disk")
        .replace("[p2p]", "# Ask Ada before you change these.\n[p2p]");
    fs::write(home.join("guardian.toml"), text).unwrap();
    let (file, new) = (dir.path().join("backup"), dir.path().join("new"));
    back_up(&home.join("guardian.toml"), &file, Work::Devnet).unwrap();
    let restored = restore(&file, &new, passphrase()).unwrap();
    assert_eq!(restored.moved.len(), 2);
    let config = Config::load(&restored.config).unwrap();
    assert_eq!(config.guardian.data_dir, new.join("data"));
    assert!(new.join("keys/account.sealed").exists());
    // Everything else is as the operator wrote it, comments included.
    let was = fs::read_to_string(home.join("guardian.toml")).unwrap();
    let now = was
        .replace(&format!("{:?}", elsewhere.join("data")), "\"data\"")
        .replace("\"../account.sealed\"", "\"keys/account.sealed\"");
    assert_eq!(fs::read_to_string(&restored.config).unwrap(), now);
    assert!(now.contains("# on the other disk") && now.contains("# Ask Ada"));
}

#[test]
fn the_passphrase_comes_back_beside_the_folder_and_never_into_it() {
    let dir = tempfile::tempdir().unwrap();
    let home = guardian(dir.path());
    fs::rename(home.join("keys/passphrase"), home.join("../guardian.passphrase")).unwrap();
    fs::write(home.join("guardian.toml"), crate::config::TEMPLATE).unwrap();
    let file = dir.path().join("backup");
    back_up(&home.join("guardian.toml"), &file, Work::Devnet).unwrap();
    let new = dir.path().join("elsewhere/new");
    let restored = restore(&file, &new, passphrase()).unwrap();
    assert_eq!(fs::read_to_string(dir.path().join("elsewhere/new.passphrase")).unwrap(), "devnet");
    assert!(!files(&new).iter().any(|name| name.contains("passphrase")), "{:?}", files(&new));
    assert_eq!(restored.moved, [("../guardian.passphrase".into(), "../new.passphrase".into())]);
    KeyFiles::of(&Config::load(&restored.config).unwrap()).unwrap();
    // It may be there already, as where the operator has brought it.
    fs::remove_dir_all(&new).unwrap();
    restore(&file, &new, passphrase()).unwrap();
}
