//! When complete exits go to the beacon nodes: in turn among members, and not thousands at a time.

use super::open::OpenExit;
use crate::{
    effects::Effects,
    ports::Call,
    setup::Setup,
    types::{Timestamp, ValidatorIndex},
};
use std::{collections::BTreeMap, time::Duration};

/// Exits published at once. A block holds as many (`MAX_VOLUNTARY_EXITS`), so the pool of a beacon node fills faster than it empties.
const AT_ONCE: usize = 16;
/// Between two such batches: a beacon node has other things to do.
const PAUSE: Duration = Duration::from_secs(1);

/// How far publishing is.
#[derive(Debug, Default)]
pub(super) struct RateLimit {
    /// Before this, nothing is due; `None`: nothing is complete.
    next: Option<Timestamp>,
    /// Before this, nothing is published.
    rest: Timestamp,
}

impl RateLimit {
    /// An exit is due at this time.
    pub(super) fn due_at(&mut self, turn: Option<Timestamp>) {
        self.next = match (self.next, turn) {
            (Some(next), Some(turn)) => Some(next.min(turn)),
            (next, turn) => next.or(turn),
        };
    }

    /// Publishes what has been due for longest.
    pub(super) fn publish(
        &mut self,
        now: Timestamp,
        open: &mut BTreeMap<ValidatorIndex, OpenExit>,
        setup: &Setup,
        fx: &mut Effects,
    ) {
        let Some(next) = self.next.map(|next| next.max(self.rest)) else { return };
        if now < next {
            fx.wake(next);
            return;
        }
        let turns = open.iter().filter_map(|(index, exit)| Some((exit.turn()?, *index)));
        let mut due: Vec<(Timestamp, ValidatorIndex)> = turns.filter(|(turn, _)| *turn <= now).collect();
        due.sort_unstable();
        for (_, index) in due.iter().take(AT_ONCE) {
            if let Some(exit) = open.get_mut(index).and_then(|exit| exit.publish(now, setup)) {
                fx.call(Call::PublishExit(exit));
                self.rest = now.after(PAUSE);
            }
        }
        self.next = open.values().filter_map(OpenExit::turn).min();
        if let Some(next) = self.next {
            fx.wake(next.max(self.rest));
        }
    }
}
