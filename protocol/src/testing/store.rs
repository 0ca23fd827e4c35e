//! A store in memory, and what leaves a step through it.

use crate::{AppendRecords, Effects, Record, Released};
use std::convert::Infallible;

/// Everything that was made durable, as it is read after a restart.
#[derive(Clone, Debug, Default)]
pub struct Log(pub Vec<Record>);

impl AppendRecords for Log {
    type Error = Infallible;

    fn append(&mut self, records: &[Record]) -> Result<(), Self::Error> {
        self.0.extend(records.iter().map(|record| Record::decode(&record.encode()).unwrap()));
        Ok(())
    }
}

/// What `fx` releases when its records are durable.
#[must_use]
pub fn released(fx: Effects) -> Released {
    let Ok(released) = fx.commit(&mut Log::default());
    released
}

/// The records that `fx` makes durable, as they are read again.
#[must_use]
pub fn recorded(fx: Effects) -> Vec<Record> {
    let mut log = Log::default();
    let Ok(_) = fx.commit(&mut log);
    log.0
}
