//! What is known of the other members right now: who is connected, what each said when it greeted, and which of its processes lives.

mod boots;
mod doppelgangers;
mod memory;
mod programs;
#[cfg(test)]
mod tests;

pub(crate) use doppelgangers::Doppelgangers;
pub(crate) use memory::Memory;
pub(crate) use programs::Programs;

use crate::{
    ports::Target,
    types::{Epoch, MemberId, Timestamp},
    wire::Greeting,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// The other members, as far as this guardian has met them since its start.
#[derive(Debug, Default)]
pub(crate) struct Peers {
    connected: BTreeSet<MemberId>,
    greeted: BTreeMap<MemberId, Greeted>,
    told: BTreeMap<(MemberId, Target), Timestamp>,
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
    pub(crate) fn up(&mut self, member: MemberId) {
        self.connected.insert(member);
    }

    /// The last connection is gone.
    pub(crate) fn down(&mut self, member: MemberId) {
        self.connected.remove(&member);
    }

    /// Takes what `member` said of itself. Returns whether it is to be answered: not if it was answered just now.
    pub(crate) fn greeted(&mut self, now: Timestamp, member: MemberId, greeting: &Greeting) -> bool {
        let last = self.greeted.get(&member).map(|known| known.answered);
        let answer = last.is_none_or(|last| now.since(last) >= Self::PAUSE);
        let answered = last.filter(|_| !answer).unwrap_or(now);
        self.greeted.insert(member, Greeted { highest: greeting.highest, answered });
        answer
    }

    /// Whether `member` may be told what is signed about `target` now; if so, not again for a moment.
    pub(crate) fn may_tell(&mut self, now: Timestamp, member: MemberId, target: Target) -> bool {
        // What is older than the pause says nothing any more.
        self.told.retain(|_, last| now.since(*last) < Self::PAUSE);
        let free = !self.told.contains_key(&(member, target));
        if free {
            self.told.insert((member, target), now);
        }
        free
    }

    /// Whether `member` is connected.
    #[must_use]
    pub(crate) fn is_connected(&self, member: MemberId) -> bool {
        self.connected.contains(&member)
    }

    /// Who is connected.
    pub(crate) fn connected(&self) -> impl ExactSizeIterator<Item = MemberId> {
        self.connected.iter().copied()
    }

    /// Who is connected and has not greeted.
    pub(crate) fn silent(&self) -> impl Iterator<Item = MemberId> + use<'_> {
        self.connected.iter().copied().filter(|member| !self.greeted.contains_key(member))
    }

    /// How many members have greeted, and the highest period that any of them knows of.
    #[must_use]
    pub(crate) fn heard_of(&self) -> (usize, Option<Epoch>) {
        (self.greeted.len(), self.greeted.values().filter_map(|greeted| greeted.highest).max())
    }
}
