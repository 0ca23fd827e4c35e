//! The step between deciding and announcing: people, and later limits, may say wait or never before anything is said to the others.
//!
//! It can only keep this guardian from taking part. It changes nothing of what is decided, so it may differ between operators; when more
//! members hold than the committee tolerates, nothing is signed. A duty that is held keeps its place and its nonces, and goes on when it
//! is released, as long as its period is the current one. What t others signed without us is theirs to do: this guardian then neither
//! pays for it nor gives its parts of exits while it holds the kind, and never for a digest that was vetoed.

use crate::{
    duty::{DutyKind, PerKind},
    effects::Effects,
    event::Event,
    record::Record,
    types::Timestamp,
};
use alloy_primitives::B256;
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
}

/// Why, and until when, duties wait.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Hold {
    /// It ends by itself at this time; `None`: when somebody releases it.
    pub until: Option<Timestamp>,
    /// In the words of whoever placed it.
    pub reason: String,
}

/// The holds that stand.
#[derive(Debug, Default)]
pub(crate) struct Holds {
    kinds: PerKind<Hold>,
    vetoed: BTreeSet<B256>,
}

impl Holds {
    /// The longest reason that is kept, in bytes: it is shown on pages and in logs.
    pub(crate) const MAX_REASON: usize = 512;
    /// How many digests an operator can refuse. The last one that does not fit is an error, and nothing is forgotten.
    const MAX_VETOES: usize = 4096;

    /// The records' words, in the order in which they were recorded.
    pub(crate) fn restore(words: impl IntoIterator<Item = (DutyKind, Option<Hold>)>, vetoed: BTreeSet<B256>) -> Self {
        let mut holds = Self { kinds: PerKind::default(), vetoed };
        for (kind, word) in words {
            match word {
                Some(hold) => holds.kinds.insert(kind, hold),
                None => holds.kinds.remove(kind),
            };
        }
        holds
    }

    /// What is to become of `digest`, a duty of `kind`: the strictest answer of all rules.
    pub(crate) fn judge(&self, now: Timestamp, kind: DutyKind, digest: B256) -> Verdict {
        if self.is_vetoed(digest) {
            return Verdict::Refuse;
        }
        self.hold_of(now, kind).map_or(Verdict::Pass, |hold| Verdict::Hold(hold.clone()))
    }

    /// Whether this guardian keeps away from what others signed: it pays for nothing that is held or vetoed.
    pub(crate) fn keeps_from(&self, now: Timestamp, kind: DutyKind, digest: B256) -> bool {
        self.judge(now, kind, digest) != Verdict::Pass
    }

    fn is_vetoed(&self, digest: B256) -> bool {
        self.vetoed.contains(&digest)
    }

    /// Whether duties of `kind` wait.
    #[cfg(test)]
    pub(crate) fn is_held(&self, now: Timestamp, kind: DutyKind) -> bool {
        self.hold_of(now, kind).is_some()
    }

    /// The holds that stand, as of the last [`Holds::poll`].
    pub(crate) fn all(&self) -> impl Iterator<Item = (DutyKind, &Hold)> {
        self.kinds.iter()
    }

    /// The operator wants duties of `kind` to wait.
    pub(crate) fn hold(&mut self, kind: DutyKind, hold: Hold, fx: &mut Effects) {
        let (until, reason) = (hold.until, hold.reason.clone());
        fx.record(Record::Hold { kind, hold: Some((until, reason.clone())) });
        fx.report(Event::HoldPlaced { kind, until, reason });
        self.kinds.insert(kind, hold);
    }

    /// The operator lets duties of `kind` go on. Returns whether they were held.
    pub(crate) fn release(&mut self, kind: DutyKind, fx: &mut Effects) -> bool {
        let held = self.kinds.remove(kind).is_some();
        if held {
            fx.record(Record::Hold { kind, hold: None });
            fx.report(Event::HoldReleased { kind });
        }
        held
    }

    /// The operator wants `digest` never to be signed here. Returns whether there is room to remember it.
    pub(crate) fn veto(&mut self, digest: B256, fx: &mut Effects) -> bool {
        let room = self.vetoed.len() < Self::MAX_VETOES || self.vetoed.contains(&digest);
        if room && self.vetoed.insert(digest) {
            fx.record(Record::Veto { digest });
            fx.report(Event::Vetoed { digest });
        }
        room
    }

    /// Ends holds whose time has come, and asks to be woken for the others.
    pub(crate) fn poll(&mut self, now: Timestamp, fx: &mut Effects) {
        for kind in DutyKind::ALL {
            match self.kinds.get(kind).and_then(|hold| hold.until) {
                Some(until) if until <= now => drop(self.release(kind, fx)),
                Some(until) => fx.wake(until),
                None => {}
            }
        }
    }

    fn hold_of(&self, now: Timestamp, kind: DutyKind) -> Option<&Hold> {
        self.kinds.get(kind).filter(|hold| hold.stands(now))
    }
}

impl Hold {
    fn stands(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_000);

    fn digest(number: u8) -> B256 {
        B256::repeat_byte(number)
    }

    fn hold(until: Option<u64>) -> Hold {
        Hold { until: until.map(Timestamp), reason: "looking into it".into() }
    }

    #[test]
    fn a_hold_concerns_one_kind_until_it_is_released() {
        let (mut holds, mut fx) = (Holds::default(), Effects::default());
        holds.hold(DutyKind::Ejection, hold(None), &mut fx);
        assert_eq!(holds.judge(NOW, DutyKind::Ejection, digest(1)), Verdict::Hold(hold(None)));
        assert_eq!(holds.judge(NOW, DutyKind::Reserves, digest(1)), Verdict::Pass);
        assert!(holds.release(DutyKind::Ejection, &mut fx) && !holds.release(DutyKind::Ejection, &mut fx));
        assert_eq!(holds.judge(NOW, DutyKind::Ejection, digest(1)), Verdict::Pass);
    }

    #[test]
    fn a_hold_with_an_end_ends_by_itself() {
        let (mut holds, mut fx) = (Holds::default(), Effects::default());
        holds.hold(DutyKind::Reserves, hold(Some(2_000)), &mut fx);
        holds.poll(NOW, &mut fx);
        assert_eq!(crate::testing::released(std::mem::take(&mut fx)).wake, Some(Timestamp(2_000)));
        assert!(holds.is_held(NOW, DutyKind::Reserves));
        assert!(!holds.is_held(Timestamp(2_000), DutyKind::Reserves));
        holds.poll(Timestamp(2_000), &mut fx);
        assert_eq!(holds.all().count(), 0, "even if the clock is set back");
    }

    #[test]
    fn vetoes_are_bounded_and_none_is_forgotten() {
        let (mut holds, mut fx) = (Holds::default(), Effects::default());
        let numbered = |number: usize| B256::from(alloy_primitives::U256::from(number));
        assert!((0..Holds::MAX_VETOES).all(|number| holds.veto(numbered(number), &mut fx)));
        assert!(!holds.veto(numbered(Holds::MAX_VETOES), &mut fx));
        assert!(holds.veto(numbered(7), &mut fx), "it is known");
        assert_eq!(holds.judge(NOW, DutyKind::Reserves, numbered(Holds::MAX_VETOES)), Verdict::Pass);
        assert_eq!(holds.judge(NOW, DutyKind::Reserves, numbered(0)), Verdict::Refuse);
    }

    #[test]
    fn a_refused_digest_is_refused_for_ever_and_no_other_is() {
        let (mut holds, mut fx) = (Holds::default(), Effects::default());
        assert!(holds.veto(digest(7), &mut fx));
        assert_eq!(holds.judge(NOW, DutyKind::Reserves, digest(7)), Verdict::Refuse);
        assert_eq!(holds.judge(NOW, DutyKind::Reserves, digest(8)), Verdict::Pass);
        let restored =
            Holds::restore([(DutyKind::Reserves, Some(hold(None))), (DutyKind::Reserves, None)], [digest(7)].into());
        assert_eq!(restored.judge(NOW, DutyKind::Reserves, digest(7)), Verdict::Refuse);
        assert!(!restored.is_held(NOW, DutyKind::Reserves), "the newest word counts");
    }
}
