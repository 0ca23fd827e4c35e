//! Duties that carry the committee's signature: which of them count now, and what follows.
//!
//! A group signature says that t shares were used, not that somebody has read what it states. So it counts only for periods that can be
//! known here, and it opens more than it moves: each irrevocable act asks for more ([`crate::exits`]).

use super::Guardian;
use crate::{
    duty::DutyId,
    effects::{Effects, Recipient},
    event::Event,
    record::Record,
    sign::Signed,
    types::{Epoch, MemberId, Timestamp},
    wire::{Envelope, Greeting, Message, SignedDuty},
};
use guardian_crypto::schnorr::Signature;
use std::collections::{BTreeMap, VecDeque};

/// Epochs by which members may be ahead of us without a word: their providers may hear of finality sooner than ours.
const AHEAD: u64 = 4;

/// When a signed duty is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Age {
    /// It counts.
    Current,
    /// Of an epoch that is not final here yet, and may never be.
    Ahead,
    /// It means nothing any more.
    Past,
}

/// Signed duties that wait until their period is known here, of each member the last ones that it told. Who fills it takes only its own
/// place.
#[derive(Debug, Default)]
pub(super) struct Waiting(BTreeMap<MemberId, VecDeque<Signed>>);

impl Waiting {
    /// Keeps it. Returns whether it is news.
    fn keep(&mut self, member: MemberId, signed: Signed) -> bool {
        let kept = self.0.entry(member).or_default();
        if kept.iter().any(|other| other.digest() == signed.digest()) {
            return false;
        }
        kept.push_back(signed);
        if kept.len() > Greeting::MAX_SIGNED {
            kept.pop_front();
        }
        true
    }

    /// Takes out those whose time has come, with who told them.
    fn take(&mut self, last: Option<Epoch>) -> Vec<(MemberId, Signed)> {
        let mut due = Vec::new();
        for (member, kept) in &mut self.0 {
            let (later, now) =
                std::mem::take(kept).into_iter().partition(|signed| age(signed.id(), last) == Age::Ahead);
            *kept = later;
            due.extend(Vec::from(now).into_iter().map(|signed| (*member, signed)));
        }
        due
    }
}

impl Guardian {
    /// A member says that the committee has signed this.
    pub(super) fn on_signed(
        &mut self,
        now: Timestamp,
        from: MemberId,
        SignedDuty { duty, signature }: SignedDuty,
        fx: &mut Effects,
    ) {
        match Signed::verify(duty, signature, &self.setup) {
            Ok(signed) => self.hear_of(now, from, signed, fx),
            Err(error) => fx.report(Event::MessageRefused { member: from, reason: error.to_string() }),
        }
    }

    /// What waited for its period to be known here is looked at again.
    pub(super) fn take_waiting(&mut self, now: Timestamp, fx: &mut Effects) {
        for (member, signed) in self.waiting.take(self.observer.last()) {
            self.hear_of(now, member, signed, fx);
        }
    }

    fn hear_of(&mut self, now: Timestamp, from: MemberId, signed: Signed, fx: &mut Effects) {
        let id = signed.id();
        match age(id, self.observer.last()) {
            Age::Current => self.learn(now, signed, false, fx),
            Age::Ahead => {
                // Before the first look at the chains, everything is.
                let is_far = self.observer.last().is_some_and(|last| id.period.0 > last.0.saturating_add(AHEAD));
                if self.waiting.keep(from, signed) && is_far {
                    fx.report(Event::SignedAhead { id, member: from });
                }
            }
            Age::Past => {}
        }
    }

    /// We put the committee's signature together.
    pub(super) fn complete(&mut self, now: Timestamp, id: DutyId, signature: Signature, fx: &mut Effects) {
        let Some(signed) = self.open.get(&id).and_then(|duty| duty.signed(signature, &self.setup)) else { return };
        let message = SignedDuty { duty: signed.duty().clone(), signature };
        let envelope = self.seal(Message::Signed(message));
        fx.send(Recipient::All, envelope);
        self.learn(now, signed, true, fx);
    }

    /// A duty is signed, by us or by others: from here on it needs no vote any more.
    fn learn(&mut self, now: Timestamp, signed: Signed, coordinated: bool, fx: &mut Effects) {
        let (id, digest) = (signed.id(), signed.digest());
        // Whoever signed it, and however long it is known: else we would ask for its signature again and again.
        if self.open.get(&id).is_some_and(|open| open.digest() == digest) {
            self.open.remove(&id);
        }
        let is_newest = self.submissions.add(now, signed.clone(), false, &self.setup);
        // An older order still has its exits, unless newer ones demand them too.
        if !is_newest && !self.exits.is_news(&signed) {
            return;
        }
        if is_newest {
            // What is open about the same is done with, unless it is of a later period.
            self.open.retain(|open, _| (open.kind, open.subject) != (id.kind, id.subject) || open.period > id.period);
        }
        fx.record(Record::signed(&signed));
        fx.report(Event::Signed { id, digest, coordinated });
        self.holds.file(now, signed.duty(), digest, true, fx);
        self.check_signed(&signed, fx);
        self.exits.start(now, &signed, &self.setup, fx);
    }

    /// Sends what is signed about the subject of `id` to `member`, if it is of that period or a newer one, and if we did not just do so.
    pub(super) fn send_signed(&mut self, now: Timestamp, member: MemberId, id: DutyId, fx: &mut Effects) {
        let Some(signed) = self.submissions.of(id).map(|submission| submission.signed()) else { return };
        if signed.duty().period >= id.period && self.peers.may_tell(now, member, (id.kind, id.subject)) {
            fx.send(Recipient::One(member), self.seal_signed(signed));
        }
    }

    pub(super) fn seal_signed(&self, signed: &Signed) -> Envelope {
        let message = SignedDuty { duty: signed.duty().clone(), signature: *signed.signature() };
        self.seal(Message::Signed(message))
    }
}

/// `last`: what was observed here last.
fn age(id: DutyId, last: Option<Epoch>) -> Age {
    let Some(last) = last else { return Age::Ahead };
    if id.period > last {
        Age::Ahead
    } else if id.period.0.saturating_add(id.kind.life()) < last.0 {
        Age::Past
    } else {
        Age::Current
    }
}
