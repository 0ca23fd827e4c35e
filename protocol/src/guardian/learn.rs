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
    sign::{Attestation, Signed, SignedError},
    types::{Epoch, MemberId, Timestamp},
    wire::{AttestedDuty, Envelope, Greeting, Message, SignedDuty},
};
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

    /// A member tells signatures of accounts. What is open here takes them one by one; what is not counts if they are enough.
    pub(super) fn on_attested(&mut self, now: Timestamp, from: MemberId, attested: &AttestedDuty, fx: &mut Effects) {
        let AttestedDuty { duty, signatures } = attested;
        let id = duty.id();
        // Before the first look at the chains nobody is known to be on a list. It is told again then.
        let Some(list) = self.lists.get(id.kind) else { return };
        let mut refuse = |reason| fx.report(Event::MessageRefused { member: from, reason });
        if signatures.len() > list.guardians.len() {
            return refuse(format!("more signatures for {id} than there are guardians"));
        }
        let digest = self.setup.domain().digest(duty);
        if let Some(open) = self.open.get_mut(&id).filter(|open| Some(open.digest()) == digest) {
            let strange = open.collect(signatures);
            if strange > 0 {
                refuse(format!("{strange} signatures for {id} of no account on the module's list"));
            }
            let signed = open.complete().and_then(|attestation| open.signed(&attestation, &self.setup));
            if let Some(signed) = signed {
                self.hear_of(now, from, signed, fx);
            }
            return;
        }
        match Signed::by_accounts(duty.clone(), signatures, list, &self.setup) {
            Ok(signed) => self.hear_of(now, from, signed, fx),
            // One member's part of what is not open here: over, not decided yet, or decided otherwise, which announcements tell.
            Err(SignedError::TooFewAccounts { .. }) => {}
            Err(error) => refuse(error.to_string()),
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

    /// We put the committee's signature together, or have the last account's that was needed.
    pub(super) fn complete(&mut self, now: Timestamp, id: DutyId, attestation: &Attestation, fx: &mut Effects) {
        let Some(signed) = self.open.get(&id).and_then(|duty| duty.signed(attestation, &self.setup)) else { return };
        fx.send(Recipient::All, self.seal_signed(&signed));
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
        let duty = signed.duty().clone();
        self.seal(match signed.attestation() {
            Attestation::Group(signature) => Message::Signed(SignedDuty { duty, signature: *signature }),
            Attestation::Accounts(signatures) => {
                Message::Attested(AttestedDuty { duty, signatures: signatures.clone() })
            }
        })
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
