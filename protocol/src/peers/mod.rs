//! What is known of the other members right now: who is connected, what each said when it greeted, and which of its processes lives.

mod boots;
mod doppelgangers;
#[cfg(test)]
mod tests;

pub use doppelgangers::Doppelgangers;

use crate::{
    types::{DutyKind, Epoch, MemberId, Timestamp},
    wire::Greeting,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// The other members, as far as this guardian has met them since its start.
#[derive(Debug, Default)]
pub struct Peers {
    connected: BTreeSet<MemberId>,
    greeted: BTreeMap<MemberId, Greeted>,
    told: BTreeMap<(MemberId, DutyKind), Timestamp>,
}

#[derive(Debug)]
struct Greeted {
    highest: Option<Epoch>,
    answered: Timestamp,
}

impl Peers {
    /// Between two full answers to one member: a member that asks more often wants our bandwidth, not our news.
    const PAUSE: Duration = Duration::from_secs(1);

    /// A connection is up.
    pub fn up(&mut self, member: MemberId) {
        self.connected.insert(member);
    }

    /// The last connection is gone.
    pub fn down(&mut self, member: MemberId) {
        self.connected.remove(&member);
    }

    /// Takes what `member` said of itself. Returns whether it is to be answered: not if it was answered just now.
    pub fn greeted(&mut self, now: Timestamp, member: MemberId, greeting: &Greeting) -> bool {
        let last = self.greeted.get(&member).map(|known| known.answered);
        let answer = last.is_none_or(|last| now.since(last) >= Self::PAUSE);
        let answered = last.filter(|_| !answer).unwrap_or(now);
        self.greeted.insert(member, Greeted { highest: greeting.highest, answered });
        answer
    }

    /// Whether `member` may be told about signed duties of `kind` now; if so, not again for a moment.
    pub fn may_tell(&mut self, now: Timestamp, member: MemberId, kind: DutyKind) -> bool {
        let free = self.told.get(&(member, kind)).is_none_or(|last| now.since(*last) >= Self::PAUSE);
        if free {
            self.told.insert((member, kind), now);
        }
        free
    }

    /// Whether `member` is connected.
    #[must_use]
    pub fn is_connected(&self, member: MemberId) -> bool {
        self.connected.contains(&member)
    }

    /// Who is connected.
    pub fn connected(&self) -> impl ExactSizeIterator<Item = MemberId> {
        self.connected.iter().copied()
    }

    /// How many members have greeted, and the highest period that any of them knows of.
    #[must_use]
    pub fn heard_of(&self) -> (usize, Option<Epoch>) {
        (self.greeted.len(), self.greeted.values().filter_map(|greeted| greeted.highest).max())
    }
}
