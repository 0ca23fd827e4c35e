//! Bringing one complete exit to every beacon node, again and again until the beacon chain shows it: a node's 200 is not acceptance, and an
//! exit may wait long for a place in a block.

use crate::{
    setup::Setup,
    types::{ProviderId, Timestamp},
};
use std::time::Duration;

/// How often one exit was published, with what success, and when it is next.
#[derive(Debug)]
pub(super) struct Broadcast {
    turn: Timestamp,
    /// How long the members before us are let try.
    patience: Duration,
    times: u32,
    last: Option<Outcome>,
}

/// What the beacon nodes said last.
#[derive(Debug)]
struct Outcome {
    taken: usize,
    asked: usize,
    refusal: Option<String>,
}

impl Broadcast {
    /// After `patience`.
    pub(super) fn new(now: Timestamp, patience: Duration) -> Self {
        Self { turn: now.after(patience), patience, times: 0, last: None }
    }

    /// There is something to publish from now on.
    pub(super) fn begin(&mut self, now: Timestamp) {
        self.turn = now.after(self.patience);
    }

    /// When it is our turn.
    pub(super) fn turn(&self) -> Timestamp {
        self.turn
    }

    /// It is published now, and next after twice as long as the last time, up to an epoch: beacon nodes have other things to do.
    pub(super) fn count(&mut self, now: Timestamp, setup: &Setup) {
        let pause = setup.timing.submit_stagger.saturating_mul(2_u32.saturating_pow(self.times));
        self.times = self.times.saturating_add(1);
        self.turn = now.after(pause.min(setup.network.epoch()).saturating_add(self.patience));
    }

    /// What became of it at each beacon node: `None`: taken.
    pub(super) fn outcome(&mut self, said: &[(ProviderId, Option<String>)]) {
        let taken = said.iter().filter(|(_, refusal)| refusal.is_none()).count();
        let refusal = said.iter().find_map(|(provider, refusal)| Some(format!("{provider}: {}", refusal.as_ref()?)));
        self.last = Some(Outcome { taken, asked: said.len(), refusal });
    }

    pub(super) fn times(&self) -> u32 {
        self.times
    }

    /// How many beacon nodes took it the last time, of how many.
    pub(super) fn taken(&self) -> Option<(usize, usize)> {
        self.last.as_ref().map(|last| (last.taken, last.asked))
    }

    /// Why the first of those did not take it that did not.
    pub(super) fn refusal(&self) -> Option<&str> {
        self.last.as_ref()?.refusal.as_deref()
    }

    /// In words, for people.
    pub(super) fn tried(&self) -> String {
        let Some(Outcome { taken, asked, refusal }) = &self.last else {
            return format!("published {} times", self.times);
        };
        let refused = refusal.as_ref().map(|refusal| format!(", refused: {refusal}")).unwrap_or_default();
        format!("published {} times, taken by {taken} of {asked} beacon nodes{refused}", self.times)
    }
}
