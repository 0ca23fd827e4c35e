//! The store: what was appended is there after a crash, in whole batches, and a second digest for a duty never gets in.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test that can't go on has failed; tests read and write files"
)]

use guardian_node::store::{Store, StoreError};
use guardian_protocol::{
    ports::AppendRecords,
    record::Record,
    types::{DutyId, DutyKind, Epoch, KeyEpoch},
};

fn decided(period: u64, digest: u8) -> Record {
    let id = DutyId { kind: DutyKind::Reserves, period: Epoch(period), key_epoch: KeyEpoch(1) };
    Record::Decided { id, digest: [digest; 32].into() }
}

#[test]
fn what_was_appended_is_there_after_reopening() {
    let dir = tempfile::tempdir().unwrap();
    let records = vec![decided(9, 1), decided(10, 2), Record::Floor { epoch: Epoch(8) }];
    Store::open(dir.path()).unwrap().append(&records).unwrap();
    let mut loaded = Store::open(dir.path()).unwrap().load().unwrap();
    for record in records {
        let at = loaded.iter().position(|found| *found == record).expect("a record is lost");
        loaded.remove(at);
    }
    assert!(loaded.is_empty(), "records that nobody wrote: {loaded:?}");
}

#[test]
fn a_second_digest_is_refused_and_its_whole_batch_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    store.append(&[decided(9, 1)]).unwrap();
    let error = store.append(&[decided(10, 1), decided(9, 2)]).unwrap_err();
    assert!(matches!(error, StoreError::SecondDigest(_)), "{error}");
    assert_eq!(store.load().unwrap(), vec![decided(9, 1)]);
    store.append(&[decided(9, 1)]).unwrap();
}

#[test]
fn a_second_process_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let _first = Store::open(dir.path()).unwrap();
    assert!(matches!(Store::open(dir.path()), Err(StoreError::InUse(_))));
}
