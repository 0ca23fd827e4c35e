//! Runs that ask one question.

use super::{
    invariants::{Violation, violation},
    scenario::Outcome,
    world::World,
};
use std::time::Duration;

impl World<'_> {
    /// Somebody is started twice, and both processes stay. Ends when every other guardian has noticed.
    ///
    /// # Errors
    /// `a_doppelganger_is_noticed` if they have not within half an hour of the run's own time; or another invariant that breaks.
    pub fn run_twice(mut self) -> Result<Outcome, Violation> {
        const WITHIN: Duration = Duration::from_secs(1_800);
        self.revive()?;
        for _ in 0..self.below(80) {
            self.event()?;
        }
        let Some(member) = self.anybody() else { return self.outcome() };
        self.start_doppelganger(member)?;
        let deadline = self.now.after(WITHIN);
        while self.now < deadline {
            self.event()?;
            if self.below(40) == 0 {
                self.relink(member)?;
            }
            let mut others = self.processes.iter().filter(|(_, process)| process.member() != member);
            if others.all(|(id, _)| self.lives.has_noticed(*id, member)) {
                return self.outcome();
            }
        }
        violation("a_doppelganger_is_noticed", format!("{member} runs twice"))
    }
}
