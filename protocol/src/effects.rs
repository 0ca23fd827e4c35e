//! What a step wants done, and the one door through which it gets done.
//!
//! The machine's face can only *write* effects. The driver's face can only *take* them, and [`Effects::commit`] is the only way
//! to take anything: it writes the records first. "Persist before you speak" is therefore not a habit but a type.

use crate::{
    audit::Dossier,
    event::Event,
    operator::OperatorReply,
    ports::{AppendRecords, Call, Query, QueryId},
    record::Record,
    types::{MemberId, Timestamp},
    wire::Envelope,
    work::Job,
};

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
    /// Questions to the providers.
    pub queries: Vec<(QueryId, Query)>,
    /// Things to do on the chains.
    pub calls: Vec<Call>,
    /// Work that takes long, to be done where it holds up nobody; each comes back as [`crate::input::Input::Computed`].
    pub jobs: Vec<Job>,
    /// Accounts of duties, for auditors; a later one of a duty replaces an earlier one. Nothing depends on them.
    pub dossiers: Vec<Dossier>,
    /// Answers to the operator, one for each command of this step.
    pub replies: Vec<OperatorReply>,
    /// What happened, for logs and metrics.
    pub events: Vec<Event>,
    /// When to step again at the latest.
    pub wake: Option<Timestamp>,
}

/// A message and its recipient.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// Who gets it.
    pub to: Recipient,
    /// The signed message.
    pub envelope: Envelope,
}

/// Who gets a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recipient {
    /// Every other member.
    All,
    /// This member.
    One(MemberId),
}

/// The machine's face.
impl Effects {
    /// Something to remember.
    pub(crate) fn record(&mut self, record: Record) {
        self.records.push(record);
    }

    /// Something to say.
    pub(crate) fn send(&mut self, to: Recipient, envelope: Envelope) {
        self.released.messages.push(Outgoing { to, envelope });
    }

    /// Something to find out.
    pub(crate) fn read(&mut self, id: QueryId, query: Query) {
        self.released.queries.push((id, query));
    }

    /// Something to do on chain.
    pub(crate) fn call(&mut self, call: Call) {
        self.released.calls.push(call);
    }

    /// Something that takes long.
    pub(crate) fn compute(&mut self, job: Job) {
        self.released.jobs.push(job);
    }

    /// Something to keep for auditors.
    pub(crate) fn file(&mut self, dossier: Dossier) {
        self.released.dossiers.push(dossier);
    }

    /// What the operator is told.
    pub(crate) fn reply(&mut self, reply: OperatorReply) {
        self.released.replies.push(reply);
    }

    /// Something that happened.
    pub(crate) fn report(&mut self, event: Event) {
        self.released.events.push(event);
    }

    /// When to step again at the latest; of several, the earliest counts.
    pub(crate) fn wake(&mut self, at: Timestamp) {
        self.released.wake = Some(self.released.wake.map_or(at, |earlier| earlier.min(at)));
    }
}

/// The driver's face.
impl Effects {
    /// Makes the records durable, then releases the rest.
    ///
    /// # Errors
    /// The store's. Nothing is released then, and the machine that wrote these effects must not be stepped again: it believes
    /// things that are not on disk.
    pub fn commit<S: AppendRecords>(self, store: &mut S) -> Result<Released, S::Error> {
        if !self.records.is_empty() {
            store.append(&self.records)?;
        }
        Ok(self.released)
    }
}
