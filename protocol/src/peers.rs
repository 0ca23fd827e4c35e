//! What is known of the other members right now: who is connected, and what each said when it greeted.

use crate::{
    types::{BootId, Epoch, MemberId},
    wire::Greeting,
};
use std::collections::{BTreeMap, BTreeSet};

/// The other members, as far as this guardian has met them since its start.
#[derive(Debug, Default)]
pub struct Peers {
    connected: BTreeSet<MemberId>,
    greeted: BTreeMap<MemberId, (BootId, Option<Epoch>)>,
}

impl Peers {
    /// A connection is up.
    pub fn up(&mut self, member: MemberId) {
        self.connected.insert(member);
    }

    /// The last connection is gone.
    pub fn down(&mut self, member: MemberId) {
        self.connected.remove(&member);
    }

    /// Takes what `member` said of itself.
    pub fn greeted(&mut self, member: MemberId, greeting: &Greeting) {
        self.greeted.insert(member, (greeting.boot, greeting.highest));
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
        (self.greeted.len(), self.greeted.values().filter_map(|(_, highest)| *highest).max())
    }
}
