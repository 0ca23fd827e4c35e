//! A guardian's eyes without its other parts.

use crate::{
    Answers, Effects, Evidence, Setup, Timestamp,
    duty::Needs,
    observe::{History, Observer, QueryIds, Trouble},
    types::EventPage,
};

/// Observation alone: what it wants to know leaves with the effects.
#[derive(Debug)]
pub struct Eyes {
    setup: Setup,
    observer: Observer,
    ids: QueryIds,
}

impl Eyes {
    /// The protocol's past is `page`.
    #[must_use]
    pub fn new(setup: Setup, page: EventPage) -> Self {
        let history = History::restore(setup.start_block, [(page.from, page)].into());
        Self { setup, observer: Observer::restore(history, None), ids: QueryIds::default() }
    }

    /// What they were told at their start.
    #[must_use]
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// Looks now.
    pub fn look(&mut self, now: Timestamp, fx: &mut Effects) {
        self.observer.nudge();
        self.observer.poll(now, &mut self.ids, &self.setup, fx);
    }

    /// Takes answers; complete evidence comes out once for each finalized epoch.
    pub fn answered(&mut self, now: Timestamp, answers: Answers, fx: &mut Effects) -> Option<Evidence> {
        self.observer.answered(now, answers, Needs::default(), &mut self.ids, &self.setup, fx)
    }

    /// What stands in the way, if anything does.
    #[must_use]
    pub fn trouble(&self) -> Option<Trouble> {
        self.observer.trouble()
    }
}
