//! Plans: which make sense, and that every part of one names another ceremony.

use super::cast::{Held, generate, id, identity, participants, repair, reshare};
use guardian_protocol::{
    KeyEpoch,
    ceremony::{Plan, PlanError, Purpose, Rotation},
};

fn refused(plan: &Plan, change: impl FnOnce(&mut Plan)) -> PlanError {
    plan.check().unwrap();
    let mut plan = plan.clone();
    change(&mut plan);
    plan.check().unwrap_err()
}

fn rotation() -> Rotation {
    Rotation { chain_id: 1, guardian_keys: [1; 20].into() }
}

#[test]
fn a_plan_for_a_new_key_has_to_make_sense() {
    let plan = generate(4, 3);
    assert_eq!(refused(&plan, |p| p.attempt = 0), PlanError::NoAttempt);
    assert_eq!(refused(&plan, |p| p.members.push(p.members[3].clone())), PlanError::Order(id(4)));
    assert_eq!(refused(&plan, |p| p.members.swap(0, 1)), PlanError::Order(id(1)));
    assert_eq!(refused(&plan, |p| p.members[2].id = id(2)), PlanError::Order(id(2)));
    let same = refused(&plan, |p| p.members[2].identity = identity(1).public());
    assert_eq!(same, PlanError::SharedIdentity(id(1), id(3)));
    for threshold in [0, 1, 2, 5, u16::MAX] {
        assert!(matches!(refused(&plan, |p| p.threshold = threshold), PlanError::Threshold(_)));
    }
    assert!(matches!(refused(&plan, |p| p.members.truncate(1)), PlanError::Threshold(_)));
    assert!(matches!(refused(&plan, |p| p.members.clear()), PlanError::Threshold(_)));
    assert_eq!(refused(&plan, |p| p.key_epoch = KeyEpoch(0)), PlanError::KeyEpoch(KeyEpoch(0)));
    let same = refused(&plan, |p| p.members[2].name = "guardian-1".to_owned());
    assert_eq!(same, PlanError::SharedName(id(1), id(3)));
    for name in ["", "two\nlines", &"x".repeat(65)] {
        assert!(matches!(refused(&plan, |p| p.members[1].name = name.to_owned()), PlanError::Text(_)));
    }
    assert!(matches!(refused(&plan, |p| p.label = "\u{7}".to_owned()), PlanError::Text(_)));
    let current = reshare(&Held::deal(4, 3), &[1, 2, 3], &[1, 2, 3], 2).current;
    assert_eq!(refused(&plan, |p| p.current = current), PlanError::CurrentGiven);
    let mut rotating = plan;
    rotating.proof_of_possession_for = Some(rotation());
    assert_eq!(refused(&rotating, |p| p.rehearse = true), PlanError::NotForRotation);
}

#[test]
fn a_plan_for_a_resharing_has_to_make_sense() {
    let held = Held::deal(4, 3);
    let plan = reshare(&held, &[1, 2, 3], &[2, 3, 4, 5], 3);
    assert_eq!(refused(&plan, |p| p.current = None), PlanError::CurrentMissing);
    assert_eq!(refused(&plan, |p| p.key_epoch = KeyEpoch(2)), PlanError::KeyEpoch(KeyEpoch(2)));
    assert_eq!(refused(&plan, |p| p.proof_of_possession_for = Some(rotation())), PlanError::NotForRotation);
    let current =
        |change: fn(&mut guardian_protocol::ceremony::Current)| refused(&plan, |p| change(p.current.as_mut().unwrap()));
    assert_eq!(current(|c| _ = c.dealers.insert(id(5))), PlanError::UnknownDealer(id(5)));
    assert_eq!(current(|c| _ = c.dealers.pop_first()), PlanError::TooFewDealers { have: 2, need: 3 });
    assert_eq!(current(|c| _ = c.members.pop()), PlanError::NotTheShareHolders);
    assert_eq!(current(|c| c.members = participants([1, 2, 3, 5])), PlanError::NotTheShareHolders);
    assert_eq!(current(|c| c.members.swap(0, 1)), PlanError::Order(id(1)));
    // Who stays keeps number and identity; a number is not used twice.
    let changed = refused(&plan, |p| p.members[0].identity = identity(9).public());
    assert_eq!(changed, PlanError::ChangedIdentity(id(2)));
    let renamed = refused(&plan, |p| p.members[3].name = "guardian-1".to_owned());
    assert_eq!(renamed, PlanError::SharedName(id(1), id(5)));
    let moved = refused(&plan, |p| p.members[3].identity = identity(1).public());
    assert_eq!(moved, PlanError::SharedIdentity(id(1), id(5)));
}

#[test]
fn a_plan_for_a_repair_has_to_make_sense() {
    let held = Held::deal(5, 3);
    let plan = repair(&held, &[1, 2, 3], 5);
    assert_eq!(refused(&plan, |p| p.threshold = 4), PlanError::RepairChangesCommittee);
    assert_eq!(refused(&plan, |p| _ = p.members.pop()), PlanError::RepairChangesCommittee);
    assert_eq!(refused(&plan, |p| p.purpose = Purpose::Repair { lost: id(6) }), PlanError::NothingLost(id(6)));
    assert_eq!(refused(&plan, |p| p.purpose = Purpose::Repair { lost: id(2) }), PlanError::LostHelps(id(2)));
    let changed = refused(&plan, |p| p.members[0].identity = identity(9).public());
    assert_eq!(changed, PlanError::ChangedIdentity(id(1)));
    // Only who lost its share may come with a new identity, and not with another member's.
    let stolen = refused(&plan, |p| p.members[4].identity = identity(4).public());
    assert_eq!(stolen, PlanError::SharedIdentity(id(4), id(5)));
}

#[test]
fn every_part_of_a_plan_names_another_ceremony() {
    let held = Held::deal(4, 3);
    let plan = reshare(&held, &[1, 2, 3], &[1, 2, 3, 4], 3);
    let changes: [fn(&mut Plan); 13] = [
        |p| p.purpose = Purpose::Generate,
        |p| p.label.push('x'),
        |p| p.attempt += 1,
        |p| p.rehearse = true,
        |p| p.key_epoch.0 += 1,
        |p| p.threshold += 1,
        |p| p.members[0].name.push('x'),
        |p| p.members[0].identity = identity(9).public(),
        |p| p.members[3].id = id(9),
        |p| p.current = None,
        |p| p.current.as_mut().unwrap().key_epoch.0 += 1,
        |p| _ = p.current.as_mut().unwrap().dealers.insert(id(4)),
        |p| p.proof_of_possession_for = Some(rotation()),
    ];
    for (n, change) in changes.into_iter().enumerate() {
        let mut other = plan.clone();
        change(&mut other);
        assert_ne!(other.id(), plan.id(), "change {n}");
    }
    assert_eq!(Plan::decode(&plan.encode()).unwrap().id(), plan.id());
}

#[test]
fn a_plan_survives_a_file_for_people() {
    let held = Held::deal(4, 3);
    let mut rotating = generate(4, 3);
    rotating.proof_of_possession_for = Some(rotation());
    for plan in [rotating, reshare(&held, &[1, 2, 3], &[1, 2, 3, 4], 3), repair(&held, &[1, 2, 3], 4)] {
        let text = serde_json::to_string(&plan).unwrap();
        assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), plan);
        let unknown = text.replacen('{', "{\"thresold\":3,", 1);
        assert!(serde_json::from_str::<Plan>(&unknown).is_err(), "a misspelt word is not ignored");
    }
}

#[test]
fn the_digest_of_a_rotation_is_the_contracts() {
    let path = std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../contracts/test/vectors/digests.json");
    let vectors: Vec<serde_json::Value> = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let mut checked = 0;
    for vector in vectors.iter().filter(|vector| vector["type"].as_str().unwrap().starts_with("KeyRotation")) {
        let word = |name: &str| -> [u8; 32] {
            let text = vector["fields"][name].as_str().unwrap();
            hex::decode(text.trim_start_matches("0x")).unwrap().try_into().unwrap()
        };
        let epoch = vector["fields"]["keyEpoch"].as_str().unwrap().parse().unwrap();
        let digest = guardian_protocol::testing::rotation_of(
            vector["chainId"].as_u64().unwrap(),
            vector["verifyingContract"].as_str().unwrap().parse().unwrap(),
            KeyEpoch(epoch),
            (word("px"), word("py")),
        );
        assert_eq!(digest.to_string(), vector["digest"].as_str().unwrap(), "{}", vector["name"]);
        checked += 1;
    }
    assert!(checked >= 2);
}
