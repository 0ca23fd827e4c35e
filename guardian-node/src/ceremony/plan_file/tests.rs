//! The example, and what is refused.

use super::*;

fn example() -> PlanFile {
    toml::from_str(EXAMPLE).unwrap()
}

#[test]
fn the_example_is_a_plan() {
    let plan = example().plan(false).unwrap();
    assert_eq!(plan.participants().len(), 3);
}

#[test]
fn a_written_plan_is_read_as_the_same_ceremony() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("plan.toml");
    fs::write(&path, example().text().unwrap()).unwrap();
    let read = PlanFile::load(&path).unwrap();
    assert_eq!(read.plan(false).unwrap().id(), example().plan(false).unwrap().id());
}

#[test]
fn an_unknown_key_is_refused_by_name() {
    let error = toml::from_str::<PlanFile>(&EXAMPLE.replace("attempt", "atempt")).unwrap_err();
    assert!(error.to_string().contains("atempt"), "{error}");
}

#[test]
fn a_rehearsal_is_another_ceremony_and_can_not_replace_a_key() {
    let mut file = example();
    file.key_epoch = KeyEpoch(2);
    file.rotation = Some(Rotation { chain_id: 1, guardian_keys: [7; 20].into() });
    let (real, rehearsal) = (file.plan(false).unwrap(), file.plan(true).unwrap());
    assert_ne!(real.id(), rehearsal.id());
    assert!(real.proof_of_possession_for.is_some() && rehearsal.proof_of_possession_for.is_none());
}

#[test]
fn addresses_do_not_make_another_ceremony() {
    let mut moved = example();
    moved.members[0].addresses.clear();
    assert_eq!(moved.plan(false).unwrap().id(), example().plan(false).unwrap().id());
}

#[test]
fn a_threshold_that_is_no_majority_is_refused() {
    let mut file = example();
    file.threshold = 1;
    assert!(file.checked().is_err());
}

#[test]
fn lost_belongs_to_a_repair_alone() {
    let mut file = example();
    file.lost = MemberId::new(1);
    assert!(file.plan(false).is_err());
    file.purpose = PurposeWord::Repair;
    file.lost = None;
    assert!(file.plan(false).is_err());
}
