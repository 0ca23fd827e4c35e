//! The other participants' connections, and when to repeat what may have been lost.

use crate::{
    ceremony::{plan::CeremonyId, wire::Have},
    types::{MemberId, Timestamp},
};
use alloy_primitives::B256;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// The first repetition after something new; each further one takes twice as long, up to [`SLOWEST`].
const FIRST: Duration = Duration::from_millis(250);
const SLOWEST: Duration = Duration::from_secs(8);
/// A peer that says what it has more often than this is not answered: it will say it again. Each further answer that
/// tells it the same takes twice as long, up to [`SLOWEST`]: who is told and does not listen costs little.
const ANSWER_EVERY: Duration = Duration::from_millis(100);

#[derive(Debug)]
pub(super) struct Peers {
    peers: BTreeMap<MemberId, Peer>,
    repeat_at: Timestamp,
    pause: Duration,
}

#[derive(Debug, Default)]
struct Peer {
    connected: bool,
    answered: Option<Timestamp>,
    /// How long it has to wait for the next answer.
    patience: Duration,
    /// What it said that it has, when it said so last: the digest of that, and whether evidence of failure is among it.
    has: Option<(B256, bool)>,
    /// It has shown evidence that proves nothing, which no honest participant does.
    slanders: bool,
    other_plan: Option<CeremonyId>,
}

impl Peers {
    pub(super) fn new(now: Timestamp, others: impl Iterator<Item = MemberId>) -> Self {
        let peers = others.map(|member| (member, Peer::default())).collect();
        Self { peers, repeat_at: now.after(FIRST), pause: FIRST }
    }

    pub(super) fn up(&mut self, now: Timestamp, member: MemberId) -> bool {
        let Some(peer) = self.peers.get_mut(&member) else { return false };
        peer.connected = true;
        peer.answered = None;
        peer.patience = ANSWER_EVERY;
        self.stir(now);
        true
    }

    pub(super) fn down(&mut self, member: MemberId) {
        if let Some(peer) = self.peers.get_mut(&member) {
            peer.connected = false;
        }
    }

    pub(super) fn contains(&self, member: MemberId) -> bool {
        self.peers.contains_key(&member)
    }

    pub(super) fn connected(&self) -> BTreeSet<MemberId> {
        self.peers.iter().filter(|(_, peer)| peer.connected).map(|(member, _)| *member).collect()
    }

    /// What the peer runs instead of this ceremony.
    pub(super) fn other_plan(&self, member: MemberId) -> Option<CeremonyId> {
        self.peers.get(&member).and_then(|peer| peer.other_plan)
    }

    /// Notes which ceremony the peer runs, `None` being this one. Whether it is the first time that it is another.
    pub(super) fn runs(&mut self, member: MemberId, other: Option<CeremonyId>) -> bool {
        let Some(peer) = self.peers.get_mut(&member) else { return false };
        let first = peer.other_plan.is_none() && other.is_some();
        peer.other_plan = other;
        first
    }

    /// The peer said what it has. Whether it had said the same before.
    pub(super) fn has(&mut self, member: MemberId, have: &Have) -> bool {
        let this = (have.digest(), have.failed);
        self.peers.get_mut(&member).is_some_and(|peer| peer.has.replace(this) == Some(this))
    }

    /// Who did not say, when it spoke last, that it has the same as is here.
    pub(super) fn without(&self, have: &Have) -> BTreeSet<MemberId> {
        // After a failure nothing but the evidence counts: posts may differ for good, because who cheats shows each another one.
        let digest = have.digest();
        let same = |(theirs, failed): (B256, bool)| if have.failed { failed } else { theirs == digest };
        self.peers.iter().filter(|(_, peer)| !peer.has.is_some_and(same)).map(|(member, _)| *member).collect()
    }

    /// Whether the peer may be answered now; it counts as answered then.
    pub(super) fn may_answer(&mut self, now: Timestamp, member: MemberId) -> bool {
        let Some(peer) = self.peers.get_mut(&member) else { return false };
        let may = peer.answered.is_none_or(|at| now.since(at) >= peer.patience || at > now);
        if may {
            peer.answered = Some(now);
            peer.patience = peer.patience.saturating_mul(2).min(SLOWEST);
        }
        may
    }

    /// Whether the peer's evidence is worth looking at. Looking can take long.
    pub(super) fn is_believable(&self, member: MemberId) -> bool {
        self.peers.get(&member).is_some_and(|peer| !peer.slanders)
    }

    /// The peer has shown evidence that proves nothing.
    pub(super) fn slanders(&mut self, member: MemberId) {
        if let Some(peer) = self.peers.get_mut(&member) {
            peer.slanders = true;
        }
    }

    /// Something new happened: repeat soon if nothing else does.
    pub(super) fn stir(&mut self, now: Timestamp) {
        self.peers.values_mut().for_each(|peer| peer.patience = ANSWER_EVERY);
        self.pause = FIRST;
        self.repeat_at = now.after(FIRST);
    }

    /// Whether it is time to repeat; the next time is later.
    pub(super) fn is_time(&mut self, now: Timestamp) -> bool {
        if now < self.repeat_at {
            return false;
        }
        self.pause = self.pause.saturating_mul(2).min(SLOWEST);
        self.repeat_at = now.after(self.pause);
        true
    }

    pub(super) const fn next(&self) -> Timestamp {
        self.repeat_at
    }
}
