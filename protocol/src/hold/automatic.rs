//! Holds that a guardian places by itself when something happens that people should look at first. Each says why, survives a restart and
//! is released by the operator.

use super::Hold;
use crate::{duty::DutyKind, effects::Effects, event::Event, record::Record};
use alloy_primitives::B256;
use borsh::{BorshDeserialize, BorshSerialize};
use serde::Serialize;
use std::collections::BTreeMap;

/// What happened. The numbers are lasting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Cause {
    /// The committee signed something else than what is computed here.
    SignedOtherwise = 0,
    /// The governor wants another key in the place of the group's.
    KeyProposed = 1,
    /// The contracts are paused. Ends by itself when they no longer are.
    KeysPaused = 2,
    /// The chain finalizes again, after more than a day without.
    FinalityReturned = 3,
    /// A third of what is watched fails at once.
    ManyFail = 4,
}

impl Cause {
    /// Every cause.
    pub const ALL: [Self; 5] =
        [Self::SignedOtherwise, Self::KeyProposed, Self::KeysPaused, Self::FinalityReturned, Self::ManyFail];

    /// The number used in keys of the store.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The word used in logs, metrics and status.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignedOtherwise => "signed_otherwise",
            Self::KeyProposed => "key_proposed",
            Self::KeysPaused => "keys_paused",
            Self::FinalityReturned => "finality_returned",
            Self::ManyFail => "many_fail",
        }
    }
}

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A reason to hold, as it is seen now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trigger {
    pub(crate) cause: Cause,
    /// Which occasion it is: what was released is not held again for the same.
    pub(crate) about: B256,
    pub(crate) reason: String,
}

/// The last occasion of each cause for each kind.
#[derive(Debug, Default)]
pub(super) struct Automatic(BTreeMap<(DutyKind, Cause), Occasion>);

#[derive(Debug)]
struct Occasion {
    about: B256,
    /// `None`: the operator released it, or it is over.
    hold: Option<Hold>,
}

impl Automatic {
    /// Takes a record's word.
    pub(super) fn restore(&mut self, kind: DutyKind, cause: Cause, about: B256, reason: Option<String>) {
        let hold = reason.map(|reason| Hold { until: None, reason });
        self.0.insert((kind, cause), Occasion { about, hold });
    }

    /// Holds `kind` for `trigger`, unless it was held for the same before.
    pub(super) fn place(&mut self, kind: DutyKind, trigger: &Trigger, fx: &mut Effects) {
        let Trigger { cause, about, reason } = trigger;
        let known = self.0.get(&(kind, *cause));
        if known.is_some_and(|known| known.about == *about || known.hold.is_some()) {
            return;
        }
        let hold = Some(Hold { until: None, reason: reason.clone() });
        self.0.insert((kind, *cause), Occasion { about: *about, hold });
        fx.record(Record::AutomaticHold { kind, cause: *cause, about: *about, reason: Some(reason.clone()) });
        fx.report(Event::AutomaticHold { kind, cause: *cause, reason: reason.clone() });
    }

    /// What led to a hold for `cause` is over: the next occasion is another one. A hold that stands stays if it `is_kept`.
    pub(super) fn over(&mut self, kind: DutyKind, cause: Cause, is_kept: bool, fx: &mut Effects) {
        let Some(known) = self.0.get_mut(&(kind, cause)) else { return };
        let stands = known.hold.is_some();
        if (stands && is_kept) || (!stands && known.about.is_zero()) {
            return;
        }
        *known = Occasion { about: B256::ZERO, hold: None };
        fx.record(Record::AutomaticHold { kind, cause, about: B256::ZERO, reason: None });
        if stands {
            fx.report(Event::AutomaticHoldOver { kind, cause });
        }
    }

    /// The operator releases all of `kind`. Returns whether there were any.
    pub(super) fn release(&mut self, kind: DutyKind, fx: &mut Effects) -> bool {
        let mut any = false;
        for ((_, cause), occasion) in self.0.iter_mut().filter(|((of, _), _)| *of == kind) {
            if occasion.hold.take().is_some() {
                any = true;
                fx.record(Record::AutomaticHold { kind, cause: *cause, about: occasion.about, reason: None });
                fx.report(Event::AutomaticHoldOver { kind, cause: *cause });
            }
        }
        any
    }

    /// Those that stand.
    pub(super) fn all(&self) -> impl Iterator<Item = (DutyKind, Cause, &Hold)> {
        self.0.iter().filter_map(|((kind, cause), occasion)| Some((*kind, *cause, occasion.hold.as_ref()?)))
    }

    /// One that holds `kind`, if any does.
    pub(super) fn hold_of(&self, kind: DutyKind) -> Option<&Hold> {
        self.all().find_map(|(of, _, hold)| (of == kind).then_some(hold))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: DutyKind = DutyKind::Reserves;

    fn trigger(about: u8) -> Trigger {
        Trigger { cause: Cause::SignedOtherwise, about: B256::repeat_byte(about), reason: "look".into() }
    }

    /// What the records of `fx` restore.
    fn again(fx: Effects) -> Automatic {
        let mut restored = Automatic::default();
        for record in crate::testing::recorded(fx) {
            if let Record::AutomaticHold { kind, cause, about, reason } = record {
                restored.restore(kind, cause, about, reason);
            }
        }
        restored
    }

    #[test]
    fn a_hold_is_placed_once_for_each_occasion_and_survives_a_restart() {
        let (mut holds, mut fx) = (Automatic::default(), Effects::default());
        holds.place(KIND, &trigger(1), &mut fx);
        holds.place(KIND, &trigger(1), &mut fx);
        assert!(holds.hold_of(KIND).is_some() && holds.hold_of(DutyKind::Ejection).is_none());
        assert!(holds.release(KIND, &mut fx) && !holds.release(KIND, &mut fx));
        holds.place(KIND, &trigger(1), &mut fx);
        assert!(holds.hold_of(KIND).is_none(), "the operator has looked at it");
        let mut holds = again(fx);
        let mut fx = Effects::default();
        holds.place(KIND, &trigger(1), &mut fx);
        assert!(holds.hold_of(KIND).is_none(), "and a restart changes nothing");
        holds.place(KIND, &trigger(2), &mut fx);
        assert!(holds.hold_of(KIND).is_some(), "another occasion");
        assert_eq!(again(fx).all().count(), 1);
    }

    #[test]
    fn what_is_over_leaves_a_kept_hold_and_lets_the_next_occasion_hold_again() {
        let (mut holds, mut fx) = (Automatic::default(), Effects::default());
        holds.place(KIND, &trigger(1), &mut fx);
        holds.over(KIND, Cause::SignedOtherwise, true, &mut fx);
        assert!(holds.hold_of(KIND).is_some(), "it is the operator's to release");
        holds.over(KIND, Cause::SignedOtherwise, false, &mut fx);
        assert!(holds.hold_of(KIND).is_none(), "it ends by itself");
        holds.place(KIND, &trigger(1), &mut fx);
        assert!(holds.hold_of(KIND).is_some(), "it came back");
        holds.release(KIND, &mut fx);
        holds.over(KIND, Cause::SignedOtherwise, true, &mut fx);
        let mut holds = again(fx);
        holds.place(KIND, &trigger(1), &mut Effects::default());
        assert!(holds.hold_of(KIND).is_some(), "after a restart too");
    }
}
