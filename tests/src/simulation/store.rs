//! A store in memory that survives a crash of its guardian, can be set back to an earlier state, and can be told to cheat.

use alloy::primitives::{B256, keccak256};
use guardian_protocol::{AppendRecords, DecodeError, Epoch, Record};

/// What has been made durable. Records go through their lasting encoding, as on a disk.
#[derive(Clone, Debug, Default)]
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
    Unreadable(#[from] DecodeError),
}

impl MemoryStore {
    /// An empty store. One that `forgets` says "durable" without doing it: what sending before the commit would amount to.
    #[must_use]
    pub fn new(forgets: bool) -> Self {
        Self { records: Vec::new(), forgets }
    }

    /// Makes this the store of a guardian that has waited already, as every new one must.
    pub fn used_before(&mut self) {
        self.records.push(Record::Floor { epoch: Epoch(0), is_settled: true });
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

    /// Gets a record that no guardian wrote.
    pub fn forge(&mut self, record: Record) {
        self.records.push(record);
    }

    /// What was on this disk when it held `length` records. They are only ever appended, so that every earlier state is a beginning
    /// of the present one.
    #[must_use]
    pub fn as_it_was(&self, length: usize) -> Self {
        Self { records: self.records.iter().take(length).cloned().collect(), forgets: self.forgets }
    }

    /// Names the state of this disk.
    #[must_use]
    pub fn digest(&self) -> B256 {
        keccak256(self.records.iter().flat_map(Record::encode).collect::<Vec<u8>>())
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
