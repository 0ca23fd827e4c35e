//! Which programs the others run, and what follows from it: votes that were decided by other rules are told, and never counted with ours.
//! They are no misconduct. Nobody is asked what it has read, or accused, because it was not updated.

use super::Guardian;
use crate::{
    effects::Effects,
    event::{Event, VersionEvent},
    types::{BootId, Epoch, MemberId, Program},
    wire::Introduction,
};

impl Guardian {
    /// A member says which program it runs.
    pub(super) fn on_introduction(&mut self, from: MemberId, introduction: &Introduction, fx: &mut Effects) {
        // What an earlier start said, whoever repeats it, is history.
        if self.doppelgangers.current(from) != Some(introduction.boot) {
            return;
        }
        if self.programs.introduced(from, introduction.clone()) {
            let program = introduction.program.clone();
            let parts_from = self.parts_from(&program);
            fx.report(Event::Version(VersionEvent::Introduced { member: from, program, parts_from }));
            self.forget_other_rules(from);
        }
    }

    /// A member has greeted as `boot`: what an earlier start of it ran says nothing.
    pub(super) fn forget_program(&mut self, member: MemberId, boot: BootId, fx: &mut Effects) {
        if self.programs.greeted(member, boot) {
            fx.report(Event::Version(VersionEvent::NotIntroduced { member }));
            self.forget_other_rules(member);
        }
    }

    /// Whether `member` decides by other rules than we do in `period`; told once for each.
    pub(super) fn follows_other_rules(&mut self, member: MemberId, period: Epoch, fx: &mut Effects) -> bool {
        let ours = &self.setup.program.rules;
        let Some(theirs) = self.programs.other_rules(member, period, ours) else { return false };
        let ours = ours.at(period);
        if self.programs.is_news(member, period) {
            fx.report(Event::Version(VersionEvent::OtherRules { member, period, theirs, ours }));
        }
        true
    }

    /// The first epoch, from the last one observed on, of which this program decides by other rules than ours.
    pub(super) fn parts_from(&self, program: &Program) -> Option<Epoch> {
        self.setup.program.rules.parts_from(&program.rules, self.observed())
    }

    /// Members that are connected and decide by other rules at the last reference.
    pub(super) fn with_other_rules(&self) -> impl Iterator<Item = MemberId> + '_ {
        let (epoch, ours) = (self.observed(), &self.setup.program.rules);
        self.peers.connected().filter(move |member| self.programs.other_rules(*member, epoch, ours).is_some())
    }

    fn observed(&self) -> Epoch {
        self.observer.last().unwrap_or_default()
    }

    /// Votes that came before it was known that they were decided by other rules.
    fn forget_other_rules(&mut self, member: MemberId) {
        let (programs, ours) = (&self.programs, &self.setup.program.rules);
        self.tally.forget(member, |period| programs.other_rules(member, period, ours).is_some());
    }
}
