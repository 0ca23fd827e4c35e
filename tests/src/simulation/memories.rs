//! Who could have reminded whom of what: whose votes each process has heard, and who has greeted it since its start.
//!
//! These are facts of the world, taken from what was sent and what arrived, and not from what guardians make of it.

use super::process::{Process, ProcessId};
use alloy::primitives::B256;
use guardian_protocol::{DutyId, Epoch, MemberId, Record, testing::Message};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    rc::Rc,
};

/// A vote: a digest for a duty.
type Vote = (DutyId, B256);

/// See the module.
#[derive(Debug, Default)]
pub struct Memories {
    /// What is in the messages under way, as far as it matters here.
    sent: HashMap<Rc<[u8]>, Fact>,
    /// The vote of the highest period that a process has heard of each member.
    heard: BTreeMap<(ProcessId, MemberId), Vote>,
    /// Who has greeted each process.
    greeted: BTreeMap<ProcessId, BTreeSet<MemberId>>,
    /// The last vote of its member that each process was reminded of and does not account for.
    forgotten: BTreeMap<ProcessId, Vote>,
}

#[derive(Clone, Copy, Debug)]
enum Fact {
    Vote(Vote),
    /// A greeting by somebody who had heard this vote of the receiver.
    Greeting(Option<Vote>),
}

impl Memories {
    /// `by` sends this to `to`.
    pub fn sent(&mut self, by: ProcessId, to: Option<MemberId>, message: &Message, bytes: &Rc<[u8]>) {
        let fact = match message {
            Message::Announcement(vote) => Fact::Vote((vote.duty, vote.digest)),
            Message::Greeting(_) => Fact::Greeting(to.and_then(|to| self.heard.get(&(by, to)).copied())),
            _ => return,
        };
        self.sent.insert(Rc::clone(bytes), fact);
    }

    /// `process` is about to hear this of `from`. Returns whether it shows a vote of its own that it does not account for.
    pub fn hears(&mut self, id: ProcessId, process: &Process, from: MemberId, bytes: &Rc<[u8]>) -> bool {
        match self.sent.get(bytes).copied() {
            Some(Fact::Vote(vote)) => {
                let known = self.heard.entry((id, from)).or_insert(vote);
                if vote.0.period >= known.0.period {
                    *known = vote;
                }
                false
            }
            Some(Fact::Greeting(reminder)) => {
                self.greeted.entry(id).or_default().insert(from);
                let forgotten = reminder.filter(|vote| !accounts_for(process, *vote));
                self.forgotten.extend(forgotten.map(|vote| (id, vote)));
                forgotten.is_some()
            }
            None => false,
        }
    }

    /// `copy` knows all that `original` does.
    pub fn copied(&mut self, original: ProcessId, copy: ProcessId) {
        let heard = self.heard.iter().filter(|((process, _), _)| *process == original);
        let heard: Vec<_> = heard.map(|((_, member), vote)| ((copy, *member), *vote)).collect();
        self.heard.extend(heard);
        self.greeted.insert(copy, self.greeted.get(&original).cloned().unwrap_or_default());
        self.forgotten.extend(self.forgotten.get(&original).copied().map(|vote| (copy, vote)));
    }

    /// How many members have greeted it.
    #[must_use]
    pub fn greeters(&self, id: ProcessId) -> usize {
        self.greeted.get(&id).map_or(0, BTreeSet::len)
    }

    /// Whether it was ever shown a vote that it did not account for.
    #[must_use]
    pub fn was_reminded(&self, id: ProcessId) -> bool {
        self.forgotten.contains_key(&id)
    }

    /// Whether it was shown a vote that it does not account for now either.
    #[must_use]
    pub fn is_reminded(&self, id: ProcessId, process: &Process) -> bool {
        self.forgotten.get(&id).is_some_and(|vote| !accounts_for(process, *vote))
    }
}

/// Whether its disk knows the vote, or says that it has waited past its period.
fn accounts_for(process: &Process, (id, digest): Vote) -> bool {
    let records = process.disk().records();
    let decided = |record: &Record| matches!(record, Record::Decided { id: i, digest: d } if (*i, *d) == (id, digest));
    floor(process).is_some_and(|floor| id.period <= floor) || records.iter().any(decided)
}

/// Up to which period a process signs nothing; `None`: it is not settled.
fn floor(process: &Process) -> Option<Epoch> {
    let last = process.disk().records().iter().rev().find_map(|record| match record {
        Record::Floor { epoch, is_settled } => Some((*epoch, *is_settled)),
        _ => None,
    });
    last.and_then(|(epoch, is_settled)| is_settled.then_some(epoch))
}

/// Whether a process waits, as one with a new store or one that was set back does.
#[must_use]
pub fn waits(process: &Process) -> bool {
    floor(process).is_none()
}
