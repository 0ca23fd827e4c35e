//! What is under way, and who can hear whom. Messages take their time, get lost, come twice, and overtake each other.

use super::cast::below;
use guardian_crypto::member::MemberId;
use guardian_protocol::Timestamp;
use rand_chacha::ChaCha20Rng;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// A process: a member, and which of its processes (0, or 1 if it runs twice).
pub(super) type ProcessId = (MemberId, u8);

/// A message under way.
#[derive(Clone, Debug)]
pub(super) struct Letter {
    pub(super) from: MemberId,
    pub(super) to: ProcessId,
    pub(super) bytes: Vec<u8>,
}

#[derive(Debug, Default)]
pub(super) struct Network {
    /// By arrival, then by the order of sending.
    under_way: BTreeMap<(Timestamp, u64), Letter>,
    sent: u64,
    /// On which side of a rift each member is.
    apart: BTreeSet<MemberId>,
}

impl Network {
    /// Sends a letter. On a quiet day it arrives after 5 ms, once.
    pub(super) fn send(&mut self, now: Timestamp, letter: Letter, faulty: bool, rng: &mut ChaCha20Rng) {
        if !self.hear_each_other(letter.from, letter.to.0) {
            return;
        }
        let copies = match if faulty { below(rng, 20) } else { 2 } {
            0 => 0,
            1 => 2,
            _ => 1,
        };
        for _ in 0..copies {
            let delay = if faulty { 1 + below(rng, 40) * below(rng, 40) } else { 5 };
            let at = now.after(Duration::from_millis(u64::try_from(delay).unwrap_or(5)));
            self.under_way.insert((at, self.sent), letter.clone());
            self.sent = self.sent.saturating_add(1);
        }
    }

    /// The next letter that has arrived by `now`.
    pub(super) fn arrived(&mut self, now: Timestamp) -> Option<Letter> {
        let (&(at, n), _) = self.under_way.first_key_value()?;
        (at <= now).then(|| self.under_way.remove(&(at, n))).flatten()
    }

    /// When the next letter arrives.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.under_way.first_key_value().map(|(&(at, _), _)| at)
    }

    pub(super) fn hear_each_other(&self, one: MemberId, other: MemberId) -> bool {
        self.apart.contains(&one) == self.apart.contains(&other)
    }

    /// The network falls into two parts; an empty set heals it.
    pub(super) fn part(&mut self, apart: BTreeSet<MemberId>) {
        self.apart = apart;
        let apart = &self.apart;
        self.under_way.retain(|_, letter| apart.contains(&letter.from) == apart.contains(&letter.to.0));
    }
}
