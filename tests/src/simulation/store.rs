//! A store in memory that survives a crash of its guardian, and can be told to cheat.

use guardian_protocol::{
    ports::AppendRecords,
    record::{Record, RecordError},
};

/// What has been made durable. Records go through their lasting encoding, as on a disk.
#[derive(Debug, Default)]
pub struct MemoryStore {
    records: Vec<Record>,
    forgets: bool,
}

/// Why a record is refused.
#[derive(Debug, thiserror::Error)]
pub enum RefusedRecord {
    /// The guard let a second digest through.
    #[error("two digests for one duty")]
    SecondDigest,
    /// It does not survive its own encoding.
    #[error("{0}")]
    Unreadable(#[from] RecordError),
}

impl MemoryStore {
    /// An empty store. One that `forgets` says "durable" without doing it: what sending before the commit would amount to.
    #[must_use]
    pub fn new(forgets: bool) -> Self {
        Self { records: Vec::new(), forgets }
    }

    /// Everything durable.
    #[must_use]
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// Loses records that `lost` picks: a broken guard.
    pub fn lose(&mut self, lost: impl Fn(&Record) -> bool) {
        self.records.retain(|record| !lost(record));
    }
}

impl AppendRecords for MemoryStore {
    type Error = RefusedRecord;

    fn append(&mut self, records: &[Record]) -> Result<(), RefusedRecord> {
        if self.forgets {
            return Ok(());
        }
        for record in records {
            if let Record::Decided { id, digest } = record {
                let other = |r: &Record| matches!(r, Record::Decided { id: i, digest: d } if i == id && d != digest);
                if self.records.iter().any(other) {
                    return Err(RefusedRecord::SecondDigest);
                }
            }
            self.records.push(Record::decode(&record.encode())?);
        }
        Ok(())
    }
}
