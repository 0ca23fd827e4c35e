//! What a step of a ceremony wants done. As in `crate::effects`, messages leave only through [`Effects::commit`],
//! after the records that they rest on are durable.

use super::{event::Event, record::Record};
use crate::{effects::Recipient, ports::AppendRecords, types::Timestamp};

/// Effects of one step, locked until committed.
#[derive(Debug, Default)]
pub struct Effects {
    records: Vec<Record>,
    released: Released,
}

/// Effects that may be carried out: the records they rest on are durable. Built only by [`Effects::commit`].
#[derive(Debug, Default)]
pub struct Released {
    /// Messages, in order.
    pub messages: Vec<Outgoing>,
    /// What happened, for logs and metrics.
    pub events: Vec<Event>,
    /// When to step again at the latest.
    pub wake: Option<Timestamp>,
}

/// A message and its recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// Who gets it; all means all other participants.
    pub to: Recipient,
    /// The encoded message, at most [`super::wire::MAX_BYTES`].
    pub bytes: Vec<u8>,
}

/// The machine's face.
impl Effects {
    pub(super) fn record(&mut self, record: Record) {
        self.records.push(record);
    }

    pub(super) fn send(&mut self, to: Recipient, bytes: Vec<u8>) {
        self.released.messages.push(Outgoing { to, bytes });
    }

    pub(super) fn report(&mut self, event: Event) {
        self.released.events.push(event);
    }

    /// Of several, the earliest counts.
    pub(super) fn wake(&mut self, at: Timestamp) {
        self.released.wake = Some(self.released.wake.map_or(at, |earlier| earlier.min(at)));
    }
}

/// The driver's face.
impl Effects {
    /// Makes the records durable, then releases the rest.
    ///
    /// # Errors
    /// The store's. Nothing is released then, and the machine that wrote these effects must not be stepped again: it
    /// believes things that are not on disk.
    pub fn commit<S: AppendRecords<Record>>(self, store: &mut S) -> Result<Released, S::Error> {
        if !self.records.is_empty() {
            store.append(&self.records)?;
        }
        Ok(self.released)
    }
}
