//! Older pages of the history, read again: one after each observed epoch, from the newest to the oldest and then from the start; all of
//! them at once when the operator asks for it, or when the protocol's own books show that something is missing.
//!
//! Missing logs are the commonest fault of execution nodes, and what they once left out would stay unknown for good.

use super::{
    QueryIds, Trouble,
    history::{History, lacks},
    weighing::{self, AskedPage},
};
use crate::{
    effects::Effects,
    event::{Event, HistoryEvent},
    ports::{Answers, Query, QueryId},
    setup::Setup,
    types::{EventPage, Timestamp},
};

/// Between two rounds while something is missing, in polls.
const PAUSE: u32 = 5;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Rereading {
    asked: Option<(QueryId, Timestamp, EventPage)>,
    /// Pages that are still to come before it begins again with the newest.
    left: usize,
    /// A page may be read now, since an epoch was observed.
    may_read: bool,
    /// All pages are to be read, one after the other.
    round: Option<Round>,
    /// No round begins by itself before.
    not_before: Timestamp,
}

/// All pages, once.
#[derive(Debug, Default)]
struct Round {
    pages: usize,
    corrected: usize,
    by_operator: bool,
}

impl Rereading {
    /// An epoch was observed: until the next there is time for a page.
    pub(super) fn allow_one(&mut self) {
        self.may_read = true;
    }

    /// All pages are read again, from the newest on. Whether there are any.
    pub(super) fn begin(&mut self, history: &History, by_operator: bool) -> bool {
        self.asked = None;
        self.left = history.pages().len();
        self.round = (self.left > 0).then_some(Round { by_operator, ..Round::default() });
        self.round.is_some()
    }

    /// Asks for a page if it is time to.
    pub(super) fn poll(
        &mut self,
        now: Timestamp,
        history: &History,
        trouble: Option<Trouble>,
        ids: &mut QueryIds,
        setup: &Setup,
        fx: &mut Effects,
    ) {
        if self.asked.as_ref().is_some_and(|(_, since, _)| now.since(*since) >= setup.timing.query_timeout) {
            self.asked = None;
        }
        let is_missing = matches!(trouble, Some(Trouble::HistoryIncomplete { .. }));
        if self.round.is_none() && is_missing && now >= self.not_before {
            self.begin(history, false);
        }
        if self.asked.is_some() || !(self.may_read || self.round.is_some()) {
            return;
        }
        self.may_read = false;
        if self.left == 0 || self.left > history.pages().len() {
            self.left = history.pages().len();
        }
        self.left = self.left.saturating_sub(1);
        let Some(page) = history.pages().get(self.left) else { return };
        let id = ids.fresh();
        fx.read(id, Query::Events { from: page.from, upto: page.upto.number, at: page.upto });
        self.asked = Some((id, now, page.clone()));
    }

    /// Takes answers to our question; others are left alone. Returns whether they were ours.
    pub(super) fn answered(
        &mut self,
        now: Timestamp,
        answers: &mut Answers,
        history: &mut History,
        trouble: Option<Trouble>,
        setup: &Setup,
        fx: &mut Effects,
    ) -> bool {
        let Some((_, _, known)) = self.asked.take_if(|(id, ..)| *id == answers.id) else { return false };
        let asked = AskedPage { from: known.from, upto: known.upto.number, at: known.upto };
        // A page that grew meanwhile is read again later.
        let is_still_known = history.pages().contains(&known);
        let raw = std::mem::take(&mut answers.answers);
        let read = weighing::page(raw, asked, false, setup, fx).ok().filter(|_| is_still_known);
        let corrected = read.is_some_and(|read| compare(known, read, history, trouble, setup, fx));
        if let Some(round) = &mut self.round {
            round.pages = round.pages.saturating_add(1);
            round.corrected = round.corrected.saturating_add(usize::from(corrected));
        }
        if self.left == 0
            && let Some(Round { pages, corrected, by_operator }) = self.round.take()
        {
            self.not_before = now.after(setup.timing.poll.saturating_mul(PAUSE));
            if by_operator || corrected > 0 {
                fx.report(Event::History(HistoryEvent::Rescanned { pages, corrected }));
            }
        }
        true
    }
}

/// Compares a page with what was recorded. More events are believed: those of before had left some out. Fewer or others are believed only
/// where the protocol's books say that something is wrong, and that this is right. Returns whether the page was corrected.
fn compare(
    known: EventPage,
    read: EventPage,
    history: &mut History,
    trouble: Option<Trouble>,
    setup: &Setup,
    fx: &mut Effects,
) -> bool {
    if known == read {
        return false;
    }
    let range = (read.from, read.upto.number);
    let (before, now) = (known.events.len(), read.events.len());
    let completes = match trouble {
        Some(Trouble::HistoryIncomplete { counted, .. }) => {
            u64::try_from(history.validators_with(&read)).is_ok_and(|validators| validators == counted)
        }
        Some(_) | None => false,
    };
    if lacks(&known.events, &read.events).is_none() && !completes {
        fx.report(Event::History(HistoryEvent::Differs { range, recorded: before, read: now }));
        return false;
    }
    let Some(record) = history.correct(read, &setup.contracts) else { return false };
    fx.record(record);
    fx.report(Event::History(HistoryEvent::Corrected { range, recorded: before, read: now }));
    true
}
