//! The same key in other hands: refresh, resharing, repair and recovery among real processes on loopback, from a dealt key.

use crate::support::{Place, assert_done, assert_refused, text};
use std::{fs, path::PathBuf};

/// Member `i` writes a plan, and everybody in `members` gets it.
fn plan(place: &Place, i: u16, arguments: &[&str], members: &[u16]) -> PathBuf {
    let path = place.path().join(format!("{}.toml", arguments.join("").replace('/', "")));
    let out = ["--out", path.to_str().unwrap()];
    assert_done(&place.run(i, &[&["key", "plan"], arguments, &out].concat()));
    place.hand_out(&path, members);
    path
}

#[test]
fn a_refresh_changes_shares_only_and_no_old_plan_undoes_it() {
    let place = Place::with_key(3);
    let (before, old_shares) = (place.committee(1).committee().unwrap(), place.share_files(1));
    let first = plan(&place, 1, &["refresh", "--label", "one"], &[1, 2, 3]);
    place.ceremony("refresh", &[1, 2, 3]);
    let after = place.committee(1).committee().unwrap();
    assert_eq!(after.group_key(), before.group_key());
    assert_ne!(after.id(), before.id());
    assert_eq!(place.share_files(1).len(), 1);
    assert_ne!(place.share_files(1), old_shares, "the old share is still there");
    let signature = place.sign_together(&[2, 3]);
    before.group_key().verify(&[7; 32], &signature).unwrap();

    // The next one, and then the first plan once more: it deals a key that is not ours any more.
    plan(&place, 1, &["refresh", "--label", "two"], &[1, 2, 3]);
    place.ceremony("refresh", &[1, 2, 3]);
    let newest = fs::read(place.home(1).join("committee.toml")).unwrap();
    place.hand_out(&first, &[1]);
    let plan = place.plan_path(1);
    assert_refused(
        &place.run(1, &["key", "refresh", "--plan", &plan]),
        "the plan deals the key of committee",
        "out of date",
    );
    assert_eq!(fs::read(place.home(1).join("committee.toml")).unwrap(), newest);
}

#[test]
fn members_come_and_go_and_the_key_stays() {
    let place = Place::with_key(4);
    let group_key = place.committee(1).committee().unwrap().group_key();
    // Somebody who has nothing but an identity: the fifth folder is a member's of another committee, moved here.
    let other = Place::without_key(5);
    let newcomer = other.run(
        5,
        &["key", "member", "--address", "/ip4/127.0.0.1/udp/1/quic-v1", "--ceremony-address", &{
            let config = fs::read_to_string(other.config_path(5)).unwrap();
            let start = config.find("ceremony_listen = [\"").unwrap() + "ceremony_listen = [\"".len();
            config[start..].split('"').next().unwrap().to_owned()
        }],
    );
    assert_done(&newcomer);
    let card = place.path().join("guardian-5.toml");
    fs::write(&card, &newcomer.stdout).unwrap();
    let arguments = ["reshare", "--add", card.to_str().unwrap(), "--remove", "guardian-1", "--threshold", "4"];
    let dealers = ["--dealer", "guardian-1", "--dealer", "guardian-2", "--dealer", "guardian-3"];
    let path = plan(&place, 2, &[arguments.as_slice(), &dealers].concat(), &[1, 2, 3, 4]);
    other.hand_out(&path, &[5]);

    let running = [1, 2, 3, 4].map(|i| place.start(i, "reshare", &[]));
    let fifth = other.start(5, "reshare", &[]);
    for process in running.into_iter().chain([fifth]) {
        process.ends_with(0);
    }
    let committee = place.committee(2).committee().unwrap();
    assert_eq!((committee.size(), committee.threshold()), (4, 4));
    assert_eq!(committee.group_key(), group_key);
    assert_eq!(place.share_files(1), Vec::<String>::new(), "who left still has a share");
    assert_eq!(other.committee(5).committee().unwrap().id(), committee.id());
    assert_eq!(other.share(5).member().get(), 5);
    for i in [2, 3, 4] {
        assert_eq!(place.share_files(i).len(), 1);
        place.share(i);
    }
    let refused = place.run(1, &["check"]);
    assert_refused(&refused, "`guardian-1` is not a member", "guardian-5");
}

#[test]
fn a_lost_share_comes_back_by_repair_or_from_the_transcript() {
    let place = Place::with_key(3);
    let committee = place.committee(1).committee().unwrap();
    let lose = |i: u16| {
        let file = place.share_files(i).pop().unwrap();
        fs::remove_file(place.home(i).join("keys/shares").join(file)).unwrap();
    };
    let whole = place.share(3).to_secret_bytes().expose().clone();
    lose(3);
    assert_refused(&place.run(3, &["check"]), "there is no share of committee", "guardian key repair");
    plan(&place, 1, &["repair", "--lost", "guardian-3"], &[1, 2, 3]);
    place.ceremony("repair", &[1, 2, 3]);
    assert_eq!(place.share(3).to_secret_bytes().expose(), &whole);
    assert_eq!(place.committee(1).committee().unwrap().id(), committee.id());

    // A refresh leaves a transcript; with it the identity alone is enough.
    plan(&place, 1, &["refresh"], &[1, 2, 3]);
    place.ceremony("refresh", &[1, 2, 3]);
    let whole = place.share(2).to_secret_bytes().expose().clone();
    lose(2);
    let ceremonies = fs::read_dir(place.home(1).join("data/ceremonies")).unwrap().map(|entry| entry.unwrap().path());
    let folder = ceremonies.filter(|folder| fs::read_to_string(folder.join("plan.toml")).unwrap().contains("refresh"));
    let folder = folder.last().unwrap();
    let (plan, transcript) = (folder.join("plan.toml"), folder.join("transcript"));
    let recover = |transcript: &str| {
        let plan = plan.to_str().unwrap();
        place.run(2, &["key", "recover", "--plan", plan, "--transcript", transcript, "--devnet-seal"])
    };
    let damaged = place.path().join("damaged");
    let bytes = fs::read(&transcript).unwrap();
    fs::write(&damaged, &bytes[..bytes.len() - 1]).unwrap();
    assert_refused(&recover(damaged.to_str().unwrap()), "not a transcript", "another member");
    let recovered = recover(transcript.to_str().unwrap());
    assert_done(&recovered);
    assert_eq!(place.share(2).to_secret_bytes().expose(), &whole, "{}", text(&recovered));
    place.sign_together(&[1, 2]);
}

#[test]
fn those_who_did_not_help_adopt_a_new_identity() {
    let place = Place::with_key(5);
    let old = place.committee(5).committee().unwrap();
    // The third member's machine burnt: another identity, the same number and name.
    let spare = Place::without_key(3);
    fs::copy(spare.home(3).join("keys/identity.sealed"), place.home(3).join("keys/identity.sealed")).unwrap();
    fs::remove_dir_all(place.home(3).join("keys/shares")).unwrap();
    fs::remove_file(place.home(3).join("committee.toml")).unwrap();
    let entry = place.committee(1).members[2].clone();
    let addresses = [&entry.addresses[0], &entry.ceremony_addresses[0]].map(ToString::to_string);
    let card = place.run(3, &["key", "member", "--address", &addresses[0], "--ceremony-address", &addresses[1]]);
    assert_done(&card);
    let path = place.path().join("guardian-3.toml");
    fs::write(&path, &card.stdout).unwrap();
    let arguments = ["repair", "--lost", "guardian-3", "--member", path.to_str().unwrap()];
    let helpers_and_lost = [1, 2, 4, 3];
    plan(&place, 1, &arguments, &helpers_and_lost);
    place.ceremony("repair", &helpers_and_lost);
    let new = place.committee(1).committee().unwrap();
    assert_ne!(new.id(), old.id());
    assert_eq!(new.public_shares(), old.public_shares());
    place.sign_together(&[1, 3, 4]);

    // Who was not there takes the new file over, with the share that it has. A file of another key is not taken.
    let file = place.home(1).join("committee.toml");
    let adopt = |file: &str| place.run(5, &["key", "adopt", "--committee", file, "--devnet-seal"]);
    assert_refused(&adopt(file.with_file_name("guardian.toml").to_str().unwrap()), "committee file", "the same file");
    // Nor one with a stranger in it that the operator has not asked for its identity.
    let refused = adopt(file.to_str().unwrap());
    assert_refused(&refused, "another identity for guardian-3", "--accept-member guardian-3");
    let new_identity = hex::encode(place.committee(1).members[2].identity.to_bytes());
    assert!(text(&refused).contains(&format!("then {new_identity}")), "{}", text(&refused));
    assert_eq!(place.committee(5).committee().unwrap().id(), old.id());
    let accept = |name: &str| {
        let file = file.to_str().unwrap();
        place.run(5, &["key", "adopt", "--committee", file, "--devnet-seal", "--accept-member", name])
    };
    assert_refused(&accept("guardian-2"), "another identity for guardian-3", "--accept-member guardian-3");
    assert_done(&accept("guardian-3"));
    assert_eq!(place.committee(5).committee().unwrap().id(), new.id());
    assert_eq!(place.share_files(5).len(), 1);
    place.sign_together(&[3, 4, 5]);
}

#[test]
fn a_committee_file_of_another_key_is_not_adopted() {
    let (place, other) = (Place::with_key(3), Place::with_key(3));
    let before = place.committee(1).committee().unwrap().id();
    let file = other.home(1).join("committee.toml");
    let refused = place.run(1, &["key", "adopt", "--committee", file.to_str().unwrap(), "--devnet-seal"]);
    assert_refused(&refused, "of another key", "guardian key reshare");
    assert_eq!(place.committee(1).committee().unwrap().id(), before);
}
