//! Key ceremonies among real processes on loopback: from a plan to a working key, through kills, wrong plans and a liar.

use crate::support::{Place, Running, assert_done, assert_refused, guardian, text};
use guardian_crypto::{identity::IdentityKey, secret::Secret};
use guardian_node::{ceremony::plan_file::PlanFile, keys::KeyFiles, store::BoardStore};
use guardian_p2p::{Config, Event, Identity, Member, Network, peer_id_of};
use guardian_protocol::{
    AppendRecords, MemberId,
    ceremony::{
        CeremonyId, Evidence, Plan, Record,
        post::{Body, Post, Step},
        wire,
    },
};
use std::{
    fs,
    path::{Path, PathBuf},
};

fn plan_of(place: &Place) -> (PlanFile, Plan) {
    let file = PlanFile::load(Path::new(&place.plan_path(1))).unwrap();
    let plan = file.plan(false).unwrap();
    (file, plan)
}

fn folder_of(place: &Place, i: u16, id: CeremonyId) -> PathBuf {
    place.home(i).join("data/ceremonies").join(guardian_node::ceremony::short(id))
}

fn identity_of(place: &Place, i: u16) -> IdentityKey {
    let files = KeyFiles::with_passphrase(&format!("guardian-{i}"), Secret::new("devnet".to_owned()));
    files.identity(&place.home(i).join("keys/identity.sealed")).unwrap()
}

#[test]
fn four_processes_make_a_key_although_one_is_killed_again_and_again() {
    let place = Place::without_key(4);
    let others: Vec<Running> = [1, 2, 3].map(|i| place.start(i, "generate", &[])).into();
    for step in ["deal", "shares", "confirm"] {
        let mut victim = place.start(4, "generate", &[]);
        // What it had recorded, but not told yet, when it was killed the last time, it does not tell any more.
        victim.says_one_of(&[&format!("{step}: ours is out"), &format!("{step}: everybody's is here")]);
        victim.kill();
    }
    place.start(4, "generate", &[]).ends_with(0);
    for process in others {
        process.ends_with(0);
    }

    let committee = fs::read(place.home(1).join("committee.toml")).unwrap();
    for i in 1..=4 {
        assert_eq!(fs::read(place.home(i).join("committee.toml")).unwrap(), committee);
        assert_eq!(place.share_files(i).len(), 1);
    }
    place.sign_together(&[1, 2, 3]);
    place.sign_together(&[2, 3, 4]);

    // Again is always safe: it ends by itself, and nothing has changed.
    place.start(2, "generate", &[]).ends_with(0);
    assert_eq!(fs::read(place.home(2).join("committee.toml")).unwrap(), committee);
    let status = place.run(1, &["key", "status"]);
    assert_done(&status);
    assert!(text(&status).contains("done"), "{}", text(&status));
}

/// Takes `what` out of a ceremony's records.
fn forget(board: &Path, what: impl Fn(&Record) -> bool) {
    let records = BoardStore::open(board).unwrap().load().unwrap();
    let (gone, left): (Vec<Record>, Vec<Record>) = records.into_iter().partition(what);
    assert!(!gone.is_empty());
    fs::remove_dir_all(board).unwrap();
    BoardStore::open(board).unwrap().append(&left).unwrap();
}

#[test]
fn who_missed_the_end_gets_it_from_anybody_who_runs_the_command_again() {
    let place = Place::without_key(3);
    place.ceremony("generate", &[1, 2, 3]);
    let (_, plan) = plan_of(&place);
    // As if member 3 had been cut off before it heard that the others are done.
    let last =
        |record: &Record| matches!(record, Record::Post(post) if post.step() == Step::Done && post.author().get() != 3);
    forget(&folder_of(&place, 3, plan.id()).join("board"), last);
    let config = fs::read_to_string(place.config_path(3)).unwrap();
    place.write_config(3, &config.replace("ceremony_linger = \"30s\"", "ceremony_linger = \"2s\""));

    let mut straggler = place.start(3, "generate", &[]);
    straggler.says("done: waiting for guardian-1 (not connected), guardian-2 (not connected)");
    place.start(2, "generate", &[]).ends_with(0);
    // Nobody has heard of member 1 any more: the straggler does not stay for it for ever, and tells so.
    straggler.says("guardian-1 (not connected) may not have everything yet");
    straggler.ends_with(0);
}

#[test]
fn a_rehearsal_goes_through_everything_and_leaves_no_key() {
    let place = Place::without_key(3);
    let running: Vec<Running> = [1, 2, 3].map(|i| place.start(i, "generate", &["--rehearse"])).into();
    for process in running {
        process.ends_with(0);
    }
    for i in 1..=3 {
        assert!(!place.home(i).join("committee.toml").exists());
        assert_eq!(place.share_files(i), Vec::<String>::new());
    }
}

#[test]
fn whoever_has_another_plan_is_named_and_so_is_who_is_not_there() {
    let place = Place::without_key(4);
    let path = place.home(3).join("plan.toml");
    fs::write(&path, fs::read_to_string(&path).unwrap().replace("attempt = 1", "attempt = 2")).unwrap();
    let mut first = place.start(1, "generate", &[]);
    let third = place.start(3, "generate", &[]);
    first.says("guardian-3 runs another ceremony");
    first.says("guardian-4 (not connected)");
    crate::support::eventually("the status names them", || {
        let status = text(&place.run(1, &["key", "status"]));
        status.contains("guardian-3 (runs another plan") && status.contains("guardian-4 (not connected)")
    });
    for process in [first, third] {
        process.interrupt();
        process.ends_with(4);
    }
    assert_eq!(place.share_files(1), Vec::<String>::new());
}

/// Connects to the others with member `me`'s identity and tells them something that no honest member says.
async fn lie(place: &Place, me: u16, bytes: Vec<u8>) {
    let (file, _) = plan_of(place);
    let others = file.members.iter().filter(|entry| entry.id.get() != me);
    let members = others.map(|entry| Member {
        peer_id: peer_id_of(entry.identity.to_bytes()).unwrap(),
        addresses: entry.during_ceremonies().to_vec(),
    });
    let config = Config { members: members.collect(), ..Config::default() };
    let identity = Identity::from_seed(*identity_of(place, me).expose_seed()).unwrap();
    let (network, mut events, run) = Network::start(config, identity).await.unwrap();
    let running = tokio::spawn(run);
    loop {
        match events.recv().await.unwrap() {
            Event::Connected(peer) => drop(network.send(peer, bytes.clone())),
            // The others have heard, passed it on and gone.
            Event::Disconnected(_) => break,
            Event::Received { .. } | Event::Doppelgangers(_) => {}
        }
    }
    running.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_liar_ends_the_ceremony_with_a_proof_that_anybody_can_check() {
    let place = Place::without_key(3);
    let (_, plan) = plan_of(&place);
    let body = Body::Deal { ephemeral: [9; 96], commitments: vec![1, 2, 3] };
    let post = Post::seal(plan.id(), MemberId::new(3).unwrap(), body, &identity_of(&place, 3));
    let honest = [1, 2].map(|i| place.start(i, "generate", &[]));
    let bytes = wire::encode(plan.id(), &wire::Message::Post(post));
    lie(&place, 3, bytes).await;
    for process in honest {
        process.ends_with(3);
    }
    let fault = folder_of(&place, 1, plan.id()).join("member-3.fault");
    let fault = fault.to_str().unwrap();
    let verified = guardian(&["fault", "verify", fault, "--plan", &place.plan_path(1)]);
    assert_done(&verified);
    assert!(text(&verified).contains("guardian-3"), "{}", text(&verified));
    assert_eq!(place.share_files(1), Vec::<String>::new());
    // Failure is final: running it again says so again.
    place.start(1, "generate", &[]).ends_with(3);
}

#[test]
fn a_proof_is_checked_and_not_believed() {
    let place = Place::without_key(3);
    let (_, plan) = plan_of(&place);
    let prove = |author: u16, accused: u16| {
        let deal = |byte| {
            let body = Body::Deal { ephemeral: [byte; 96], commitments: vec![byte] };
            Post::seal(plan.id(), MemberId::new(author).unwrap(), body, &identity_of(&place, author))
        };
        let evidence = Evidence::Equivocation { first: deal(1), second: deal(2) };
        let fault = borsh::to_vec(&(plan.id(), MemberId::new(accused).unwrap(), evidence)).unwrap();
        let path = place.path().join(format!("{author}-{accused}.fault"));
        fs::write(&path, [[1].as_slice(), &fault].concat()).unwrap();
        guardian(&["fault", "verify", path.to_str().unwrap(), "--plan", &place.plan_path(1)])
    };
    let proven = prove(2, 2);
    assert_done(&proven);
    assert!(text(&proven).contains("proven: guardian-2 (member 2)"), "{}", text(&proven));
    assert_refused(&prove(2, 3), "does not hold", "nobody is convicted");

    let nonsense = place.path().join("nonsense");
    fs::write(&nonsense, b"nonsense").unwrap();
    let path = nonsense.to_str().unwrap();
    assert_refused(
        &guardian(&["fault", "verify", path, "--plan", &place.plan_path(1)]),
        "no proof",
        "nobody is convicted",
    );
    let of_duties = guardian(&["fault", "verify", path, "--committee", &place.plan_path(1)]);
    assert_refused(&of_duties, "committee file", "the same file");
}

#[test]
fn a_plan_that_does_not_fit_is_refused_before_anything_is_done() {
    let place = Place::without_key(3);
    let run = |command: &str| {
        let plan = place.plan_path(1);
        place.run(1, &["key", command, "--plan", &plan])
    };
    assert_refused(&run("reshare"), "the plan's purpose is \"generate\"", "guardian key generate");

    let plan = fs::read_to_string(place.plan_path(1)).unwrap();
    let write = |text: &str| fs::write(place.plan_path(1), text).unwrap();
    write(&plan.replace("guardian-1", "guardian-9"));
    assert_refused(&run("generate"), "our identity under the name `guardian-9`", "[guardian] name");
    let identities = [1, 2].map(|i| identity_of(&place, i).public().to_string());
    write(
        &plan.replace(&identities[0], "SWAP").replace(&identities[1], &identities[0]).replace("SWAP", &identities[1]),
    );
    assert_refused(&run("generate"), "another identity for `guardian-1`", "guardian key member");
    write(&plan.replace("threshold", "treshold"));
    assert_refused(&run("generate"), "unknown field `treshold`", "guardian key plan --example");
    write("");
    assert_refused(&run("generate"), "is not valid", "guardian key plan --example");

    // A first key where there is one already.
    let keyed = Place::with_key(3);
    keyed.hand_out(&place.path().join("committee/plan.toml"), &[1]);
    let strangers = keyed.run(1, &["key", "generate", "--plan", &keyed.plan_path(1)]);
    assert_refused(&strangers, "another identity for `guardian-1`", "guardian key member");
}
