//! The programs of the other members, as each introduces its own: kept per start, since a member that restarts may run another.
//!
//! A member that greets without an introduction runs a program from before there were any, which follows the first rules for good.

use crate::{
    types::{BootId, Epoch, MemberId, Program, RuleSchedule, RuleVersion},
    wire::Introduction,
};
use std::collections::BTreeMap;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Programs {
    of: BTreeMap<MemberId, (BootId, Program)>,
    /// The highest period for which a member's vote under other rules was told.
    told: BTreeMap<MemberId, Epoch>,
}

impl Programs {
    /// `member` introduces itself. Returns whether it runs another program than was known.
    pub(crate) fn introduced(&mut self, member: MemberId, Introduction { boot, program }: Introduction) -> bool {
        let last = self.of.insert(member, (boot, program.clone()));
        last.is_none_or(|(_, last)| last != program)
    }

    /// `member` has greeted as `boot`. Returns whether what it runs is not known any more.
    pub(crate) fn greeted(&mut self, member: MemberId, boot: BootId) -> bool {
        let is_of_another = self.of.get(&member).is_some_and(|(of, _)| *of != boot);
        is_of_another && self.of.remove(&member).is_some()
    }

    /// All that are known.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (MemberId, &Program)> {
        self.of.iter().map(|(member, (_, program))| (*member, program))
    }

    /// The rules by which `member` decides at `epoch`, if they are others than `ours`.
    #[must_use]
    pub(crate) fn other_rules(&self, member: MemberId, epoch: Epoch, ours: &RuleSchedule) -> Option<RuleVersion> {
        let theirs = self.of.get(&member).map_or(RuleVersion::FIRST, |(_, program)| program.rules.at(epoch));
        (theirs != ours.at(epoch)).then_some(theirs)
    }

    /// Whether a vote of `member` under other rules, for this period, is news. Told once for a member and period.
    pub(crate) fn is_news(&mut self, member: MemberId, period: Epoch) -> bool {
        let is_news = self.told.get(&member).is_none_or(|told| *told < period);
        if is_news {
            self.told.insert(member, period);
        }
        is_news
    }
}
