//! What a duty sets in motion, as far as limits count it. Each kind answers for itself; the limits know no kind. Nothing is decided
//! from it: it can only make a guardian wait.

use alloy_primitives::B256;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What a duty sets in motion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Impact {
    /// These things move, each by its number. A thing that was moved before is not moved once more.
    Moves(BTreeSet<u64>),
    /// A figure takes this value in the place of the last one.
    Sets(u128),
}

/// What the things that duties of a kind move are part of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Extent {
    /// How many there are.
    pub(crate) whole: u64,
    /// To which module each of them belongs, where that is known.
    pub(crate) modules: BTreeMap<u64, B256>,
}

/// One way to measure an impact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Things moved in one epoch.
    PerEpoch,
    /// Things moved in a day of epochs.
    PerDay,
    /// The same as a share of all there are, in basis points.
    DayShareBps,
    /// Things of one module moved in a day of epochs, of the module that has the most.
    ModulePerDay,
    /// The change of a figure since the last confirmed one, up or down, in basis points of that.
    ChangeBps,
}

/// What may be moved, by each measure; without a number a measure does not bind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bounds {
    /// See [`Measure::PerEpoch`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_epoch: Option<u64>,
    /// See [`Measure::PerDay`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_day: Option<u64>,
    /// See [`Measure::DayShareBps`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub day_share_bps: Option<u64>,
    /// See [`Measure::ModulePerDay`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub module_per_day: Option<u64>,
    /// See [`Measure::ChangeBps`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change_bps: Option<u64>,
}

impl Measure {
    /// Every measure.
    pub const ALL: [Self; 5] = [Self::PerEpoch, Self::PerDay, Self::DayShareBps, Self::ModulePerDay, Self::ChangeBps];

    /// The word used in the configuration, logs, metrics and status.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PerEpoch => "per_epoch",
            Self::PerDay => "per_day",
            Self::DayShareBps => "day_share_bps",
            Self::ModulePerDay => "module_per_day",
            Self::ChangeBps => "change_bps",
        }
    }
}

impl std::fmt::Display for Measure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Bounds {
    /// Nothing binds.
    pub(crate) const NONE: Self =
        Self { per_epoch: None, per_day: None, day_share_bps: None, module_per_day: None, change_bps: None };

    /// The bound by `measure`.
    #[must_use]
    pub const fn get(&self, measure: Measure) -> Option<u64> {
        match measure {
            Measure::PerEpoch => self.per_epoch,
            Measure::PerDay => self.per_day,
            Measure::DayShareBps => self.day_share_bps,
            Measure::ModulePerDay => self.module_per_day,
            Measure::ChangeBps => self.change_bps,
        }
    }

    /// These, and those of `usual` where these say nothing.
    #[must_use]
    pub fn or(self, usual: Self) -> Self {
        Self {
            per_epoch: self.per_epoch.or(usual.per_epoch),
            per_day: self.per_day.or(usual.per_day),
            day_share_bps: self.day_share_bps.or(usual.day_share_bps),
            module_per_day: self.module_per_day.or(usual.module_per_day),
            change_bps: self.change_bps.or(usual.change_bps),
        }
    }

    /// For a kind that sets a figure.
    pub(super) const fn of_change(bps: u64) -> Self {
        Self { change_bps: Some(bps), ..Self::NONE }
    }
}
