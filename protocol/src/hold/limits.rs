//! The limits of an operator: how much may be set in motion before people have looked. The numbers alone; what was moved is counted in
//! [`super::movements`].

use crate::duty::{Bounds, DutyKind, Measure, PerKind};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Settings of one guardian. They can only keep it from taking part, so they may differ between operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long a duty waits that is beyond a soft limit: time for people to hold it.
    pub soft_wait: Duration,
    /// Beyond these a duty is told with an alarm, and waits.
    pub soft: PerKind<Bounds>,
    /// Beyond these it goes on only when the operator has released it.
    pub hard: PerKind<Bounds>,
}

/// How strict a limit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// It goes on after a while.
    Soft,
    /// It never goes on by itself.
    Hard,
}

impl Severity {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Soft, Self::Hard];

    /// The word used in logs, metrics and status.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Soft => "soft",
            Self::Hard => "hard",
        }
    }
}

impl Default for Limits {
    /// What each kind thinks fit for mainnet.
    fn default() -> Self {
        let none = PerKind::default();
        Self { soft_wait: Duration::from_secs(30 * 60), soft: none, hard: none }.or_usual()
    }
}

fn usual(kind: DutyKind, severity: Severity) -> Bounds {
    let [soft, hard] = kind.usual_bounds();
    match severity {
        Severity::Soft => soft,
        Severity::Hard => hard,
    }
}

impl Limits {
    /// These limits; what they leave out is as usual.
    #[must_use]
    pub fn or_usual(self) -> Self {
        let filled = |own: &PerKind<Bounds>, severity| {
            let of = |kind| own.get(kind).copied().unwrap_or_default().or(usual(kind, severity));
            let all = DutyKind::ALL.into_iter().map(|kind| (kind, of(kind)));
            all.filter(|(_, bounds)| *bounds != Bounds::NONE).collect()
        };
        Self { soft: filled(&self.soft, Severity::Soft), hard: filled(&self.hard, Severity::Hard), ..self }
    }

    /// A limit that was set and can never bind, because nothing of its kind is measured so.
    #[must_use]
    pub fn meaningless(&self) -> Option<(DutyKind, Measure)> {
        let all = self.soft.iter().chain(self.hard.iter());
        let mut set = all.flat_map(|(kind, bounds)| Measure::ALL.map(|measure| (kind, measure, bounds.get(measure))));
        let found =
            set.find(|(kind, measure, bound)| bound.is_some() && usual(*kind, Severity::Hard).get(*measure).is_none());
        found.map(|(kind, measure, _)| (kind, measure))
    }

    /// The bound of this strictness.
    pub(crate) fn bound(&self, severity: Severity, kind: DutyKind, measure: Measure) -> Option<u64> {
        let bounds = match severity {
            Severity::Soft => &self.soft,
            Severity::Hard => &self.hard,
        };
        bounds.get(kind).and_then(|bounds| bounds.get(measure))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_limited_by_default_and_hard_limits_are_wider() {
        let limits = Limits::default();
        for kind in DutyKind::ALL {
            let bound = |severity, measure| limits.bound(severity, kind, measure);
            let binding: Vec<_> = Measure::ALL.into_iter().filter(|m| bound(Severity::Hard, *m).is_some()).collect();
            assert!(kind.needs_a_word() || !binding.is_empty(), "{kind} has no limit");
            assert!(binding.iter().all(|m| bound(Severity::Soft, *m) < bound(Severity::Hard, *m)), "{kind}");
        }
        assert_eq!(limits.meaningless(), None);
        assert_eq!(limits.or_usual(), limits);
    }

    #[test]
    fn what_an_operator_leaves_out_is_as_usual() {
        let one = Bounds { per_day: Some(7), ..Bounds::default() };
        let hard: PerKind<Bounds> = [(DutyKind::Ejection, one)].into_iter().collect();
        let limits = Limits { hard, soft: PerKind::default(), ..Limits::default() }.or_usual();
        let usual = Limits::default();
        assert_eq!(limits.bound(Severity::Hard, DutyKind::Ejection, Measure::PerDay), Some(7));
        let others = [(DutyKind::Ejection, Measure::PerEpoch), (DutyKind::Reserves, Measure::ChangeBps)];
        for (kind, measure) in others {
            let bound = limits.bound(Severity::Hard, kind, measure);
            assert!(bound.is_some() && bound == usual.bound(Severity::Hard, kind, measure));
        }
        assert_eq!(limits.soft, usual.soft);
    }

    #[test]
    fn a_limit_that_can_never_bind_is_found() {
        let none = Limits { soft: PerKind::default(), hard: PerKind::default(), ..Limits::default() };
        let wrong: PerKind<Bounds> =
            [(DutyKind::Reserves, Bounds { per_day: Some(1), ..Bounds::default() })].into_iter().collect();
        assert_eq!(Limits { soft: wrong, ..none }.meaningless(), Some((DutyKind::Reserves, Measure::PerDay)));
        assert_eq!(none.meaningless(), None);
    }
}
