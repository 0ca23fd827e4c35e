//! RocksDB behind [`AppendRecords`]. RocksDB's lock file keeps a second process away from the same store, and so from the same key.

use super::{
    tables::{self, Table},
    wal,
};
use guardian_protocol::{AppendRecords, DecodeError, DutyId, Record};
use rocksdb::{
    BlockBasedOptions, Cache, ColumnFamily, ColumnFamilyDescriptor, DB, DBRecoveryMode, ErrorKind, IteratorMode,
    Options, WriteBatch, WriteOptions,
};
use std::path::{Path, PathBuf};

/// An open store.
#[derive(Debug)]
pub struct Store {
    db: DB,
}

/// Why the store can't be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has it open.
    #[error("the store {0} is in use by another process")]
    InUse(PathBuf),
    /// Written by another version of the node.
    #[error("the store has schema {found}, this version of the node knows {known}")]
    UnknownSchema {
        /// In the store.
        found: String,
        /// Ours.
        known: u32,
    },
    /// A duty already has another digest. Nothing was written.
    #[error("{0} already has another digest in the store")]
    SecondDigest(DutyId),
    /// A record can't be read.
    #[error("the store holds a record that can't be read")]
    Record(#[from] DecodeError),
    /// A record of a key ceremony can't be read.
    #[error("the store holds a record of a key ceremony that can't be read")]
    CeremonyRecord(#[source] DecodeError),
    /// A record of a key ceremony is missing.
    #[error("record {0} of the key ceremony is missing")]
    Missing(u64),
    /// A table is missing.
    #[error("the store lacks the table `{0}`")]
    NoTable(&'static str),
    /// What was written and synced can't be read again as it was.
    #[error("the store is damaged")]
    Damaged(#[source] rocksdb::Error),
    /// The same of its newest writes: something else than a crash has shortened a log.
    #[error("the store is damaged: a record in the middle of {0} reads as its end")]
    LogEndsEarly(PathBuf),
    /// RocksDB failed.
    #[error("the store can't be read or written")]
    Rocks(#[source] rocksdb::Error),
}

impl From<rocksdb::Error> for StoreError {
    fn from(error: rocksdb::Error) -> Self {
        if error.kind() == ErrorKind::Corruption { Self::Damaged(error) } else { Self::Rocks(error) }
    }
}

impl StoreError {
    /// Refuses a folder of which RocksDB would silently forget a part.
    pub(super) fn check_logs(path: &Path) -> Result<(), Self> {
        wal::damaged(path).map_or(Ok(()), |log| Err(Self::LogEndsEarly(log)))
    }

    /// What it means that `path` could not be opened.
    pub(super) fn opening(path: &Path, error: rocksdb::Error) -> Self {
        // RocksDB has one kind for all I/O errors; its text is the only sign of a held lock. "block" is a usual word of its other errors.
        let held = ["While lock file: ", "lock hold by current process"];
        let io_error = error.kind() == ErrorKind::IOError;
        if io_error && held.iter().any(|words| error.as_ref().contains(words)) {
            Self::InUse(path.to_owned())
        } else {
            error.into()
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        match self {
            Self::InUse(_) => {
                "is another guardian running with this data_dir? Two with one key would sign against each other"
            }
            Self::UnknownSchema { .. } => {
                "use the version of the node that wrote it; or move the store away and start with a new one, which waits until it is \
                 safe to sign, and never run the old one again"
            }
            Self::SecondDigest(_) => "this must never happen; stop, keep the store, and report it",
            Self::Record(_) | Self::NoTable(_) => {
                "the disk may be failing; move the store away and start with a new one: the node then waits until signing is safe"
            }
            Self::CeremonyRecord(_) | Self::Missing(_) => {
                "the disk may be failing; move the folder away and run the command again: this guardian then makes the same \
                 posts once more, and the others still have theirs"
            }
            Self::Damaged(_) | Self::LogEndsEarly(_) => {
                "the disk may be failing, or the folder was copied while it was in use. Nothing was changed: move the store away, keep it, \
                 and start with a new one, which waits until it is safe to sign; never run the old one again, nor one that was mended"
            }
            Self::Rocks(_) => "check free space and permissions of data_dir; nothing that was not written was signed",
        }
    }
}

impl Store {
    /// The version of tables, keys and records.
    const SCHEMA: u32 = 5;
    /// The one before, which had no requests of exits among the contracts' events. It is taken over; who goes back is refused.
    const EVENTS_TO_READ_AGAIN: u32 = 4;

    /// Opens the store in `path`, or creates an empty one.
    ///
    /// # Errors
    /// If it is in use, of another version, or unreadable.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        StoreError::check_logs(path)?;
        Self::check_existing(path)?;
        let mut options = options();
        options.create_if_missing(true);
        options.create_missing_column_families(true);
        let families = Table::ALL.map(|table| ColumnFamilyDescriptor::new(table.name(), self::options()));
        let db = DB::open_cf_descriptors(&options, path, families).map_err(|error| StoreError::opening(path, error))?;
        let store = Self { db };
        store.check_schema()?;
        Ok(store)
    }

    /// All records, in an order in which they can be folded.
    ///
    /// # Errors
    /// If one can't be read.
    pub fn load(&self) -> Result<Vec<Record>, StoreError> {
        let mut records = Vec::new();
        for table in Table::ALL {
            // One that is read beside a node, or before it is taken over, may not have all.
            let Some(family) = self.db.cf_handle(table.name()) else { continue };
            for entry in self.db.iterator_cf(family, IteratorMode::Start) {
                let (key, value) = entry?;
                if table == Table::Meta && *key == *tables::SCHEMA {
                    continue;
                }
                records.push(Record::decode(&value)?);
            }
        }
        Ok(records)
    }

    /// All records of the store in `path`, also while a node runs on it. `None`: there is no store yet.
    ///
    /// # Errors
    /// If it is of another version, or unreadable.
    pub fn load_beside(path: &Path) -> Result<Option<Vec<Record>>, StoreError> {
        Self::check_existing(path)?;
        let found = DB::list_cf(&options(), path).unwrap_or_default();
        if found.is_empty() {
            return Ok(None);
        }
        let names = Table::ALL.map(Table::name).into_iter().filter(|name| found.iter().any(|found| found == name));
        let db = DB::open_cf_for_read_only(&options(), path, names, false)
            .map_err(|error| StoreError::opening(path, error))?;
        Self { db }.load().map(Some)
    }

    /// Forgets the contracts' events, so that the next start reads all of them. Everything else stays. Returns how many pages there were.
    ///
    /// # Errors
    /// If it can't be written.
    pub fn forget_events(&mut self) -> Result<usize, StoreError> {
        let batch = self.without_events()?;
        let pages = batch.len();
        self.db.write_opt(batch, &synced())?;
        Ok(pages)
    }

    fn without_events(&self) -> Result<WriteBatch, StoreError> {
        let events = self.table(Table::Events)?;
        let mut batch = WriteBatch::default();
        for entry in self.db.iterator_cf(events, IteratorMode::Start) {
            batch.delete_cf(events, entry?.0);
        }
        Ok(batch)
    }

    /// A store of another version is left as it is: not even new tables are made in it.
    fn check_existing(path: &Path) -> Result<(), StoreError> {
        let families = DB::list_cf(&options(), path).unwrap_or_default();
        if !families.iter().any(|family| family == Table::Meta.name()) {
            return Ok(());
        }
        let db = DB::open_cf_for_read_only(&options(), path, [Table::Meta.name()], false)
            .map_err(|error| StoreError::opening(path, error))?;
        let meta = db.cf_handle(Table::Meta.name()).ok_or(StoreError::NoTable(Table::Meta.name()))?;
        match db.get_cf(meta, tables::SCHEMA)? {
            Some(found) if !is_known(&found) => Err(unknown(&found)),
            Some(_) | None => Ok(()),
        }
    }

    fn check_schema(&self) -> Result<(), StoreError> {
        let meta = self.table(Table::Meta)?;
        match self.db.get_cf(meta, tables::SCHEMA)? {
            None => Ok(self.db.put_cf_opt(meta, tables::SCHEMA, Self::SCHEMA.to_be_bytes(), &synced())?),
            Some(found) if *found == Self::SCHEMA.to_be_bytes() => Ok(()),
            Some(found) if is_known(&found) => {
                let mut batch = self.without_events()?;
                batch.put_cf(meta, tables::SCHEMA, Self::SCHEMA.to_be_bytes());
                tracing::info!("the store was of an earlier version: the contracts' events are read again");
                Ok(self.db.write_opt(batch, &synced())?)
            }
            Some(found) => Err(unknown(&found)),
        }
    }

    fn table(&self, table: Table) -> Result<&ColumnFamily, StoreError> {
        self.db.cf_handle(table.name()).ok_or(StoreError::NoTable(table.name()))
    }
}

fn is_known(schema: &[u8]) -> bool {
    [Store::SCHEMA, Store::EVENTS_TO_READ_AGAIN].iter().any(|known| schema == known.to_be_bytes())
}

fn unknown(found: &[u8]) -> StoreError {
    let number = <[u8; 4]>::try_from(found).map(u32::from_be_bytes);
    let found = number.map_or_else(|_| hex::encode(found), |number| number.to_string());
    StoreError::UnknownSchema { found, known: Store::SCHEMA }
}

impl AppendRecords for Store {
    type Error = StoreError;

    fn append(&mut self, records: &[Record]) -> Result<(), StoreError> {
        let mut batch = WriteBatch::default();
        for record in records {
            let (table, key) = tables::place(record);
            let value = record.encode();
            if let Record::Decided { id, .. } = record
                && self.db.get_cf(self.table(table)?, &key)?.is_some_and(|known| known != value)
            {
                return Err(StoreError::SecondDigest(*id));
            }
            batch.put_cf(self.table(table)?, key, value);
        }
        Ok(self.db.write_opt(batch, &synced())?)
    }
}

/// Survives a power cut: the write-ahead log is synced before the write returns.
pub(super) fn synced() -> WriteOptions {
    let mut options = WriteOptions::default();
    options.set_sync(true);
    options
}

/// Small: a guardian writes a few records an epoch, and its whole memory shall stay below 128 MiB.
pub(super) fn options() -> Options {
    const MIB: usize = 1 << 20;
    let mut table = BlockBasedOptions::default();
    table.set_block_cache(&Cache::new_lru_cache(4 * MIB));
    let mut options = Options::default();
    options.set_block_based_table_factory(&table);
    options.set_write_buffer_size(2 * MIB);
    options.set_max_write_buffer_number(2);
    options.set_max_open_files(64);
    options.set_keep_log_file_num(2);
    options.set_max_total_wal_size(8 * MIB as u64);
    // RocksDB's default drops everything from the first record of its log that can't be read, without a word: the guard would forget.
    options.set_wal_recovery_mode(DBRecoveryMode::TolerateCorruptedTailRecords);
    options.set_track_and_verify_wals_in_manifest(true);
    // RocksDB's own log is not read by anybody: a start is a few kilobytes.
    options.set_stats_dump_period_sec(0);
    options.set_max_log_file_size(MIB);
    options
}
