//! The step between deciding and announcing: people, and limits, may say wait or never before anything is said to the others.
//!
//! It can only keep this guardian from taking part. It changes nothing of what is decided, so it may differ between operators; when more
//! members hold than the committee tolerates, nothing is signed. A duty that is held keeps its place and its nonces, and goes on when it
//! is released, as long as its period is the current one. What t others signed without us is theirs to do: this guardian then neither
//! pays for it nor gives its parts of exits while it holds the kind, or a limit stands against it, and never for a digest that was forbidden.
//!
//! A kind that needs the operator's word is the other way round: it is not taken up before the operator asks for it by its digest, and then
//! nothing but the operator's own word stops it.
//!
//! Three voices speak here, and the strictest counts: the operator's, that of what happened ([`automatic`]), and that of how much a duty
//! moves ([`movements`], by [`limits`]).

mod automatic;
mod limits;
mod movements;
#[cfg(test)]
mod tests;

pub use automatic::Cause;
pub use limits::{Limits, Severity};
pub use movements::{Excess, LimitedDuty};

use crate::{
    duty::{ChainView, Duty, DutyKind, Evidence, KeyProposal, PerKind, Rules},
    effects::Effects,
    event::Event,
    record::Record,
    setup::{Mode, Setup},
    types::{Epoch, Timestamp},
};
use alloy_primitives::B256;
use automatic::{Automatic, Trigger};
use movements::Movements;
use serde::Serialize;
use std::collections::BTreeSet;

/// What the step says of a duty that was decided here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Announce it.
    Pass,
    /// Wait. What was announced already goes no further.
    Hold(Hold),
    /// Never sign this digest here.
    Refuse,
    /// The operator has not asked for it, and it is of a kind that needs that: do not even open it.
    Unasked,
}

/// Why, and until when, duties wait.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Hold {
    /// It ends by itself at this time; `None`: when somebody releases it.
    pub until: Option<Timestamp>,
    /// In the words of whoever placed it.
    pub reason: String,
}

/// The records' words, in the order in which they were recorded.
#[derive(Debug, Default)]
pub(crate) struct Words {
    pub(crate) kinds: Vec<(DutyKind, Option<Hold>)>,
    pub(crate) forbidden: BTreeSet<B256>,
    pub(crate) asked_for: BTreeSet<B256>,
    pub(crate) automatic: Vec<(DutyKind, Cause, B256, Option<String>)>,
    pub(crate) released: Vec<Duty>,
}

/// The holds that stand.
#[derive(Debug)]
pub(crate) struct Holds {
    kinds: PerKind<Hold>,
    forbidden: BTreeSet<B256>,
    asked_for: BTreeSet<B256>,
    automatic: Automatic,
    movements: Movements,
    mode: Mode,
    polled: Timestamp,
    keys_paused: bool,
    key_proposal: Option<KeyProposal>,
}

impl Holds {
    /// The longest reason that is kept, in bytes: it is shown on pages and in logs.
    pub(crate) const MAX_REASON: usize = 512;
    /// How many digests an operator can refuse. The last one that does not fit is an error, and nothing is forgotten.
    const MAX_FORBIDDEN: usize = 4096;
    /// Of so many that fail at once, or more, it is asked whether they are a third of all.
    const MANY: u64 = 16;

    /// With what the records say. What was signed is told by [`Holds::file`].
    pub(crate) fn restore(words: Words, setup: &Setup) -> Self {
        let Words { kinds, forbidden, asked_for, automatic, released } = words;
        let mut holds = Self {
            kinds: PerKind::default(),
            forbidden,
            asked_for,
            automatic: Automatic::default(),
            movements: Movements::new(setup.limits, setup.epochs_of_a_day()),
            mode: setup.mode,
            polled: Timestamp::default(),
            keys_paused: false,
            key_proposal: None,
        };
        for (kind, word) in kinds {
            match word {
                Some(hold) => holds.kinds.insert(kind, hold),
                None => holds.kinds.remove(kind),
            };
        }
        for (kind, cause, about, reason) in automatic {
            holds.automatic.restore(kind, cause, about, reason);
        }
        released.iter().for_each(|duty| holds.movements.restore_release(duty));
        holds
    }

    /// What is to become of `digest`, a duty of `kind`: the strictest answer of all rules.
    pub(crate) fn judge(&self, now: Timestamp, kind: DutyKind, digest: B256) -> Verdict {
        if self.is_forbidden(digest) {
            return Verdict::Refuse;
        }
        if kind.needs_a_word() && !self.is_asked_for(digest) {
            return Verdict::Unasked;
        }
        let of_kind = [self.hold_of(now, kind), self.automatic.hold_of(kind)];
        let holds = self.movements.hold_of(now, digest).into_iter().chain(of_kind.into_iter().flatten().cloned());
        let strictest = holds.max_by_key(|hold| hold.until.map_or(u64::MAX, |until| until.0));
        strictest.map_or(Verdict::Pass, Verdict::Hold)
    }

    /// Whether this guardian keeps away from what others signed: it pays for nothing that is held, forbidden or beyond a limit, and whoever
    /// only observes pays for nothing.
    pub(crate) fn keeps_from(&self, now: Timestamp, kind: DutyKind, digest: B256) -> bool {
        self.mode == Mode::Observe || self.judge(now, kind, digest) != Verdict::Pass
    }

    /// Whether `digest` is never signed here.
    pub(crate) fn is_forbidden(&self, digest: B256) -> bool {
        self.forbidden.contains(&digest)
    }

    /// Whether the operator has asked for `digest`.
    pub(crate) fn is_asked_for(&self, digest: B256) -> bool {
        self.asked_for.contains(&digest)
    }

    /// Whether duties of `kind` wait.
    #[cfg(test)]
    pub(crate) fn is_held(&self, now: Timestamp, kind: DutyKind) -> bool {
        self.hold_of(now, kind).is_some() || self.automatic.hold_of(kind).is_some()
    }

    /// The holds that stand, as of the last [`Holds::poll`], each with what happened if the operator did not place it.
    pub(crate) fn all(&self) -> impl Iterator<Item = (DutyKind, Option<Cause>, &Hold)> {
        let automatic = self.automatic.all().map(|(kind, cause, hold)| (kind, Some(cause), hold));
        self.kinds.iter().map(|(kind, hold)| (kind, None, hold)).chain(automatic)
    }

    /// What a limit keeps back, as of the last [`Holds::poll`].
    pub(crate) fn limited(&self) -> impl Iterator<Item = LimitedDuty> {
        self.movements.limited(self.polled)
    }
}

/// What the operator says.
impl Holds {
    /// Duties of `kind` shall wait.
    pub(crate) fn hold(&mut self, kind: DutyKind, hold: Hold, fx: &mut Effects) {
        let (until, reason) = (hold.until, hold.reason.clone());
        fx.record(Record::Hold { kind, hold: Some((until, reason.clone())) });
        fx.report(Event::HoldPlaced { kind, until, reason });
        self.kinds.insert(kind, hold);
    }

    /// Duties of `kind` shall go on, whoever placed the hold. Returns whether they were held.
    pub(crate) fn release(&mut self, kind: DutyKind, fx: &mut Effects) -> bool {
        let automatic = self.automatic.release(kind, fx);
        self.end(kind, fx) || automatic
    }

    /// The duty with `digest` shall pass all limits. Returns whether it is known here.
    pub(crate) fn release_duty(&mut self, digest: B256, fx: &mut Effects) -> bool {
        self.movements.release(digest, fx)
    }

    /// Other limits are in force.
    pub(crate) fn limit(&mut self, limits: Limits, fx: &mut Effects) {
        self.movements.limit(limits);
        fx.report(Event::LimitsChanged);
    }

    /// `digest` shall never be signed here. Returns whether there is room to remember it.
    pub(crate) fn forbid(&mut self, digest: B256, fx: &mut Effects) -> bool {
        let room = self.forbidden.len() < Self::MAX_FORBIDDEN || self.forbidden.contains(&digest);
        if room && self.forbidden.insert(digest) {
            fx.record(Record::Forbidden { digest });
            fx.report(Event::Forbidden { digest });
        }
        room
    }

    /// `digest`, which needs the operator's word, shall be signed. The caller knows what it stands for.
    pub(crate) fn ask_for(&mut self, digest: B256, fx: &mut Effects) {
        if self.asked_for.insert(digest) {
            fx.record(Record::AskedFor { digest });
            fx.report(Event::AskedFor { digest });
        }
    }

    /// Ends the operator's hold.
    fn end(&mut self, kind: DutyKind, fx: &mut Effects) -> bool {
        let held = self.kinds.remove(kind).is_some();
        if held {
            fx.record(Record::Hold { kind, hold: None });
            fx.report(Event::HoldReleased { kind });
        }
        held
    }

    fn hold_of(&self, now: Timestamp, kind: DutyKind) -> Option<&Hold> {
        self.kinds.get(kind).filter(|hold| hold.stands(now))
    }
}

/// What happens.
impl Holds {
    /// Looks at new evidence, before anything is decided from it.
    pub(crate) fn see(&mut self, evidence: &Evidence, slots_per_epoch: u64, fx: &mut Effects) {
        self.movements.see(evidence);
        self.see_keys(&evidence.chain, fx);
        for rules in &evidence.chain.rules {
            let (kind, (failing, all)) = (rules.kind(), rules.failing(evidence, slots_per_epoch));
            if failing < Self::MANY || failing.saturating_mul(3) < all {
                self.automatic.over(kind, Cause::ManyFail, true, fx);
                continue;
            }
            let reason = format!("{failing} of {all} fail at once: is it they, or what is read of them?");
            self.place(kind, &Trigger { cause: Cause::ManyFail, about: LASTING, reason }, fx);
        }
    }

    /// Without the key nothing counts: every kind waits while it is paused, and until somebody has looked at a key that shall replace it.
    fn see_keys(&mut self, chain: &ChainView, fx: &mut Effects) {
        let paused = chain.paused.then(|| Trigger {
            cause: Cause::KeysPaused,
            about: LASTING,
            reason: "the keys are paused: the contracts take no signature".to_owned(),
        });
        let proposed = chain.proposal.map(|KeyProposal { number, ready_at, key: [x, y], .. }| Trigger {
            cause: Cause::KeyProposed,
            about: numbered(number),
            reason: format!("proposal {number} wants another key in the place of the group's, from {ready_at} on (Unix time): {x} {y}"),
        });
        for kind in chain.rules.iter().map(Rules::kind) {
            match &paused {
                Some(trigger) => self.place(kind, trigger, fx),
                None => self.automatic.over(kind, Cause::KeysPaused, false, fx),
            }
            match &proposed {
                Some(trigger) => self.place(kind, trigger, fx),
                None => self.automatic.over(kind, Cause::KeyProposed, true, fx),
            }
        }
        (self.keys_paused, self.key_proposal) = (chain.paused, chain.proposal);
    }

    /// Whether the keys are paused, and the key that waits to replace the group's, by the newest evidence.
    pub(crate) fn keys(&self) -> (bool, Option<KeyProposal>) {
        (self.keys_paused, self.key_proposal)
    }

    /// The chain finalizes again, after more than a day in which nothing after `epoch` was, as providers agree.
    pub(crate) fn finality_returned(&mut self, epoch: Epoch, setup: &Setup, fx: &mut Effects) {
        let reason = format!(
            "nothing after epoch {epoch} was finalized for more than a day: is the chain that comes back the right one, and who fails on it \
             by its own fault?"
        );
        let trigger = Trigger { cause: Cause::FinalityReturned, about: numbered(epoch.0), reason };
        setup.contracts.duties.kinds().for_each(|kind| self.place(kind, &trigger, fx));
    }

    /// The committee signed something else than what is computed here.
    pub(crate) fn signed_otherwise(&mut self, kind: DutyKind, digest: B256, fx: &mut Effects) {
        let reason = format!("the committee signed {digest}, which is not what is computed here");
        self.place(kind, &Trigger { cause: Cause::SignedOtherwise, about: digest, reason }, fx);
    }

    /// Holds `kind` for `trigger`. What needs the operator's word waits for that, and for nothing else.
    fn place(&mut self, kind: DutyKind, trigger: &Trigger, fx: &mut Effects) {
        if !kind.needs_a_word() {
            self.automatic.place(kind, trigger, fx);
        }
    }

    /// Takes a duty up that was decided here, or that the committee has signed: what it moves counts from now on.
    pub(crate) fn file(&mut self, now: Timestamp, duty: &Duty, digest: B256, signed: bool, fx: &mut Effects) {
        self.movements.file(now, duty, digest, signed, fx);
    }

    /// What was decided before is abandoned.
    pub(crate) fn abandon(&mut self) {
        self.movements.abandon();
    }

    /// Everything that was due has been decided.
    pub(crate) fn decided(&mut self) {
        self.movements.decided();
    }

    /// The contract has the duty with this digest, finally.
    pub(crate) fn confirm(&mut self, digest: B256) {
        self.movements.confirm(digest);
    }

    /// Ends holds whose time has come, and asks to be woken for the others.
    pub(crate) fn poll(&mut self, now: Timestamp, fx: &mut Effects) {
        self.polled = now;
        for kind in DutyKind::ALL {
            match self.kinds.get(kind).and_then(|hold| hold.until) {
                Some(until) if until <= now => drop(self.end(kind, fx)),
                Some(until) => fx.wake(until),
                None => {}
            }
        }
        self.movements.ends(now).for_each(|until| fx.wake(until));
    }
}

/// The occasion of a state that lasts: it is another one when it has passed and comes again.
const LASTING: B256 = B256::with_last_byte(1);

/// An occasion that has a number.
fn numbered(number: u64) -> B256 {
    B256::left_padding_from(&number.to_be_bytes())
}

impl Hold {
    fn stands(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}
