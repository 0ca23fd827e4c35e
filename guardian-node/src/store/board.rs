//! The records of one key ceremony, in the order in which they were made, in a RocksDB of their own. Its lock keeps a second process
//! away from the same ceremony.
//!
//! A crash can cut off the end of the last write, which was not spoken of yet: it is dropped. Anything else that can't be read is an
//! error, never silence: a record that vanished would let this participant contradict itself.

use super::rocks::{StoreError, options, synced};
use guardian_protocol::{AppendRecords, ceremony::record::Record};
use rocksdb::{DB, IteratorMode, WriteBatch};
use std::path::Path;

/// The open records of one ceremony.
#[derive(Debug)]
pub struct BoardStore {
    db: DB,
    /// The number of the next record: the key under which it will lie.
    next: u64,
}

/// The key of the schema version: of another length than a record's key.
const SCHEMA: &[u8] = b"\0schema\0version";

impl BoardStore {
    /// The version of keys and records.
    const VERSION: u32 = 1;

    /// Opens the records in `path`, or creates an empty folder of them.
    ///
    /// # Errors
    /// If another process has them open, or they were written by another version, or are unreadable.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        StoreError::check_logs(path)?;
        let mut options = options();
        options.create_if_missing(true);
        let db = DB::open(&options, path).map_err(|error| StoreError::opening(path, error))?;
        match db.get(SCHEMA)? {
            None => db.put_opt(SCHEMA, Self::VERSION.to_be_bytes(), &synced())?,
            Some(found) if *found == Self::VERSION.to_be_bytes() => {}
            Some(found) => return Err(StoreError::UnknownSchema { found: hex::encode(found), known: Self::VERSION }),
        }
        Ok(Self { db, next: 0 })
    }

    /// All records, in order. What is appended afterwards follows them.
    ///
    /// # Errors
    /// If one can't be read, or one is missing.
    pub fn load(&mut self) -> Result<Vec<Record>, StoreError> {
        let mut records = Vec::new();
        let mut next = 0_u64;
        for entry in self.db.iterator(IteratorMode::Start) {
            let (key, value) = entry?;
            if *key == *SCHEMA {
                continue;
            }
            if *key != next.to_be_bytes() {
                return Err(StoreError::Missing(next));
            }
            records.push(Record::decode(&value).map_err(StoreError::CeremonyRecord)?);
            next = next.saturating_add(1);
        }
        self.next = next;
        Ok(records)
    }
}

impl AppendRecords<Record> for BoardStore {
    type Error = StoreError;

    fn append(&mut self, records: &[Record]) -> Result<(), StoreError> {
        let mut batch = WriteBatch::default();
        let mut next = self.next;
        for record in records {
            batch.put(next.to_be_bytes(), record.encode());
            next = next.saturating_add(1);
        }
        self.db.write_opt(batch, &synced())?;
        self.next = next;
        Ok(())
    }
}
