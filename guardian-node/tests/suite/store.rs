//! The store: what was appended is there after a crash, in whole batches, and a second digest for a duty never gets in.

use guardian_node::store::{BoardStore, Store, StoreError};
use guardian_protocol::{
    AppendRecords, BlockRef, DutyId, DutyKind, Epoch, EventPage, KeyEpoch, Record, Subject,
    ceremony::{self, CeremonyId},
};
use rocksdb::{DB, Options};
use std::{
    fs,
    path::{Path, PathBuf},
};

fn decided(period: u64, digest: u8) -> Record {
    let id =
        DutyId { kind: DutyKind::Reserves, period: Epoch(period), subject: Subject::Whole, key_epoch: KeyEpoch(1) };
    Record::Decided { id, digest: [digest; 32].into() }
}

#[test]
fn what_was_appended_is_there_after_reopening() {
    let dir = tempfile::tempdir().unwrap();
    let records = vec![decided(9, 1), decided(10, 2), Record::Floor { epoch: Epoch(8), is_settled: true }];
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

/// Writes `schema` into the store in `dir`, as if a version with that had made it.
fn set_schema(dir: &Path, schema: u32) {
    let options = Options::default();
    let db = DB::open_cf(&options, dir, DB::list_cf(&options, dir).unwrap()).unwrap();
    db.put_cf(db.cf_handle("meta").unwrap(), "schema", schema.to_be_bytes()).unwrap();
}

#[test]
fn a_store_of_the_schema_before_keeps_all_but_the_events() {
    let dir = tempfile::tempdir().unwrap();
    let floor = Record::Floor { epoch: Epoch(8), is_settled: true };
    let upto = BlockRef { number: 9, hash: [9; 32].into(), timestamp: 9 };
    let events = Record::Events { contracts: Vec::new(), page: EventPage { from: 0, upto, events: Vec::new() } };
    Store::open(dir.path()).unwrap().append(&[decided(9, 1), floor.clone(), events]).unwrap();
    set_schema(dir.path(), 4);
    // Who only looks changes nothing.
    assert_eq!(Store::load_beside(dir.path()).unwrap().unwrap().len(), 3);
    for _ in 0..2 {
        let store = Store::open(dir.path()).unwrap();
        let kept = store.load().unwrap();
        assert!(kept.len() == 2 && kept.contains(&decided(9, 1)) && kept.contains(&floor), "{kept:?}");
    }
    for unknown in [3, 6] {
        set_schema(dir.path(), unknown);
        assert!(matches!(Store::open(dir.path()), Err(StoreError::UnknownSchema { .. })), "{unknown}");
    }
}

#[test]
fn a_second_process_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let _first = Store::open(dir.path()).unwrap();
    assert!(matches!(Store::open(dir.path()), Err(StoreError::InUse(_))));
}

/// A store of which three writes lie in its log, and where in the log the second one lies.
fn store_with_a_log(dir: &Path) -> (PathBuf, std::ops::Range<usize>) {
    let mut store = Store::open(dir).unwrap();
    store.append(&[decided(9, 1)]).unwrap();
    let path = log(dir);
    let length = || usize::try_from(fs::metadata(&path).unwrap().len()).unwrap();
    let first = length();
    store.append(&[decided(10, 1)]).unwrap();
    let second = length();
    store.append(&[decided(11, 1)]).unwrap();
    drop(store);
    (path, first..second)
}

#[test]
fn a_store_with_a_damaged_log_is_refused_and_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (path, middle) = store_with_a_log(dir.path());
    let whole = fs::read(&path).unwrap();
    // Every bit of the record's header, which has 7 bytes, and some of what it holds.
    let header = middle.clone().take(7).flat_map(|at| (0..8).map(move |bit| (at, bit)));
    for (at, bit) in header.chain(middle.skip(7).step_by(20).map(|at| (at, 3))) {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << bit;
        fs::write(&path, bytes).unwrap();
        let Err(error) = Store::open(dir.path()) else { panic!("bit {bit} of byte {at} goes unnoticed") };
        assert!(matches!(error, StoreError::Damaged(_) | StoreError::LogEndsEarly(_)), "{error:?}");
        assert!(error.advice().contains("start with a new one"), "{}", error.advice());
    }
    fs::write(&path, whole).unwrap();
    assert_eq!(Store::open(dir.path()).unwrap().load().unwrap(), [decided(9, 1), decided(10, 1), decided(11, 1)]);
}

#[test]
fn a_store_whose_last_write_was_cut_off_has_the_rest() {
    let dir = tempfile::tempdir().unwrap();
    let (path, middle) = store_with_a_log(dir.path());
    let whole = fs::read(&path).unwrap();
    // In its header, in what it holds, and before it.
    for end in [middle.end + 3, whole.len() - 1, middle.end] {
        let copy = tempfile::tempdir().unwrap();
        for entry in fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap()) {
            fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
        }
        fs::write(copy.path().join(path.file_name().unwrap()), &whole[..end]).unwrap();
        let found = Store::open(copy.path()).unwrap().load().unwrap();
        assert_eq!(found, [decided(9, 1), decided(10, 1)], "cut at {end}");
    }
}

#[test]
fn a_damaged_table_is_not_reported_as_in_use() {
    let dir = tempfile::tempdir().unwrap();
    store_with_a_log(dir.path());
    // Opening it again moves everything from the log into tables.
    drop(Store::open(dir.path()).unwrap());
    let files = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path());
    for table in files.filter(|path| path.extension().is_some_and(|extension| extension == "sst")) {
        let mut bytes = fs::read(&table).unwrap();
        bytes[0] ^= 1;
        fs::write(&table, bytes).unwrap();
    }
    let error = Store::open(dir.path()).and_then(|store| store.load()).unwrap_err();
    assert!(matches!(error, StoreError::Damaged(_)), "{error:?}");
    assert!(format!("{:?}", error).contains("block"), "RocksDB's words no longer hold the trap: {error:?}");
}

/// A record of a ceremony.
fn begun(byte: u8) -> ceremony::Record {
    ceremony::Record::Begun(CeremonyId([byte; 32].into()))
}

fn logs(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.extension().is_some_and(|extension| extension == "log")).collect()
}

/// The one write-ahead log of a board that was just written to.
fn log(dir: &Path) -> PathBuf {
    let filled: Vec<PathBuf> = logs(dir).into_iter().filter(|path| fs::metadata(path).unwrap().len() > 0).collect();
    let [log] = filled.as_slice() else { panic!("{filled:?}") };
    log.clone()
}

#[test]
fn a_board_is_read_in_the_order_in_which_it_was_written() {
    let dir = tempfile::tempdir().unwrap();
    for first in [1, 4, 7] {
        let mut board = BoardStore::open(dir.path()).unwrap();
        let known = board.load().unwrap();
        assert_eq!(known, (1..first).map(begun).collect::<Vec<_>>());
        board.append(&[begun(first), begun(first + 1)]).unwrap();
        board.append(&[begun(first + 2)]).unwrap();
    }
}

#[test]
fn a_board_whose_last_write_was_cut_off_has_the_rest() {
    let dir = tempfile::tempdir().unwrap();
    let mut board = BoardStore::open(dir.path()).unwrap();
    board.append(&[begun(1)]).unwrap();
    let whole = fs::metadata(log(dir.path())).unwrap().len();
    board.append(&[begun(2)]).unwrap();
    let path = log(dir.path());
    let with_second = fs::metadata(&path).unwrap().len();
    assert!(with_second > whole);
    drop(board);
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..usize::try_from(with_second - 1).unwrap()]).unwrap();
    let mut board = BoardStore::open(dir.path()).unwrap();
    assert_eq!(board.load().unwrap(), vec![begun(1)]);
    board.append(&[begun(3)]).unwrap();
    drop(board);
    assert_eq!(BoardStore::open(dir.path()).unwrap().load().unwrap(), vec![begun(1), begun(3)]);
}

#[test]
fn a_damaged_board_is_an_error_and_never_a_shorter_one() {
    let dir = tempfile::tempdir().unwrap();
    let mut board = BoardStore::open(dir.path()).unwrap();
    board.append(&[begun(1)]).unwrap();
    let path = log(dir.path());
    let middle = usize::try_from(fs::metadata(&path).unwrap().len()).unwrap() - 3;
    board.append(&[begun(2)]).unwrap();
    drop(board);
    let mut bytes = fs::read(&path).unwrap();
    bytes[middle] ^= 1;
    fs::write(&path, bytes).unwrap();
    let damaged = BoardStore::open(dir.path()).and_then(|mut board| board.load());
    assert!(matches!(damaged, Err(StoreError::Damaged(_))), "{damaged:?}");
}

#[test]
fn a_board_has_one_process() {
    let dir = tempfile::tempdir().unwrap();
    let _first = BoardStore::open(dir.path()).unwrap();
    assert!(matches!(BoardStore::open(dir.path()), Err(StoreError::InUse(_))));
}
