//! The first step: find what is finalized, read everything at it that the duties which are due ask for, and fold what enough providers say
//! into [`Evidence`], or refuse.
//!
//! An observation begins with the **reference**: the finalized checkpoint, and what the contracts say at the block that it contains. By
//! the contracts' rules it is known which duties are due, and so what else has to be read: a set of open questions, each asked when
//! what it needs is known ([`gathering`]). Every question goes to every provider, every answer is weighed by [`quorum`]; a state that
//! proves itself needs no weighing ([`proving`]). When something fails, all is asked again at the next poll, of whatever is finalized then.

mod gathering;
mod history;
mod proving;
pub(crate) mod quorum;
mod rereading;
mod served;
mod settled;
mod weighing;

#[cfg(test)]
mod tests;

pub(crate) use history::History;
pub(crate) use weighing::{progress, report_failures};

use crate::{
    decide,
    duty::{ChainView, Evidence, Need, Needs},
    effects::Effects,
    event::{Event, HistoryEvent, Layer},
    ports::{Answers, At, Query, QueryId},
    setup::Setup,
    types::{Checkpoint, Epoch, Registry, Slot, Timestamp},
};
use gathering::{Gathering, Step};
use rereading::Rereading;
use served::Served;
use settled::Settled;

/// The observation machine.
#[derive(Debug)]
pub(crate) struct Observer {
    history: History,
    rereading: Rereading,
    stage: Stage,
    /// The open question, and of whom.
    asked: Option<(QueryId, Timestamp, Layer)>,
    next_poll: Timestamp,
    last: Option<Epoch>,
    /// What is finalized, if that is more than a day old.
    late: Option<Epoch>,
    /// What was late when finality returned, until it is asked for.
    returned_after: Option<Epoch>,
    trouble: Option<Trouble>,
    finality_is_old: bool,
    settled: Settled,
    served: Served,
}

/// Epochs from the finalized one to the clock's, beyond which the chain leaks stake instead of finalizing
/// (`MIN_EPOCHS_TO_INACTIVITY_PENALTY`), or the providers have stopped; normally there are two or three.
const OLD: u64 = 5;

/// Where one observation stands.
#[derive(Debug)]
enum Stage {
    Idle,
    Finality,
    Chain(Checkpoint, Slot),
    Gathering(Box<Gathering>),
}

/// The finalized checkpoint, its epoch's first slot, and the contracts at the block that it contains.
pub(crate) type Reference = (Checkpoint, Slot, ChainView);

/// Why nothing can be observed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Too few providers answer.
    TooFewAnswers(Layer),
    /// They contradict each other.
    Contradiction(Layer),
    /// The contracts verify against another key.
    KeyMismatch,
    /// The chain has not finalized anything yet.
    NothingFinal,
    /// Some execution providers know events that enough others do not, and nothing else tells who is right.
    HistoryContested,
    /// The contracts' events do not lead to the number of validators that the protocol's own books have: some are missing.
    HistoryIncomplete {
        /// By the books.
        counted: u64,
        /// By the events.
        known: u64,
    },
    /// There is one provider, and no books: nothing shows that its events are all.
    HistoryUnproven,
}

/// What an answer led to.
enum Progress {
    /// Nothing new is finalized.
    Nothing,
    /// There is more to ask.
    Ask(Box<(Stage, Query)>),
    /// It begins again, with whatever is finalized now.
    Anew,
    /// Everything is known.
    Done(Box<Evidence>),
}

impl Observer {
    /// Starts with what the store knows of the contracts' events, and of the last whole state.
    pub(crate) fn restore(history: History, states_served: Option<Epoch>) -> Self {
        Self {
            history,
            rereading: Rereading::default(),
            stage: Stage::Idle,
            asked: None,
            next_poll: Timestamp(0),
            last: None,
            late: None,
            returned_after: None,
            trouble: None,
            finality_is_old: false,
            settled: Settled::default(),
            served: Served::new(states_served),
        }
    }

    /// The protocol's validators.
    pub(crate) fn registry(&self) -> &Registry {
        self.history.registry()
    }

    /// How far the contracts' events are read.
    pub(crate) fn history(&self) -> &History {
        &self.history
    }

    /// Reads the whole history again, and compares. Whether there is any.
    pub(crate) fn rescan(&mut self) -> bool {
        self.rereading.begin(&self.history, true)
    }

    /// The last epoch that was fully observed.
    pub(crate) fn last(&self) -> Option<Epoch> {
        self.last
    }

    /// The last epoch before a gap of more than a day in what is finalized, once, when the gap has ended.
    pub(crate) fn finality_returned_after(&mut self) -> Option<Epoch> {
        self.returned_after.take()
    }

    /// What stands in the way, if anything does.
    pub(crate) fn trouble(&self) -> Option<Trouble> {
        self.trouble
    }

    /// Whether what the providers call final is further behind the clock than it can be while the chain finalizes.
    pub(crate) fn finality_is_old(&self) -> bool {
        self.finality_is_old
    }

    /// Looks at the next occasion instead of at the next poll.
    pub(crate) fn nudge(&mut self) {
        self.next_poll = Timestamp(0);
    }

    /// Asks what is finalized if it is time to, and gives up questions that nobody answers.
    pub(crate) fn poll(&mut self, now: Timestamp, ids: &mut QueryIds, setup: &Setup, fx: &mut Effects) {
        if let Some((_, since, layer)) = self.asked
            && now.since(since) >= setup.timing.query_timeout
        {
            // Nobody answered at all.
            self.trouble = Some(Trouble::TooFewAnswers(layer));
            if matches!(&self.stage, Stage::Gathering(gathering) if gathering.waits_for_page()) {
                self.history.narrow();
            }
            self.give_up(now, setup);
        }
        if self.asked.is_none() && now >= self.next_poll {
            self.next_poll = now.after(setup.timing.poll);
            self.ask(now, Stage::Finality, Query::Finalized, ids, fx);
        }
        self.rereading.poll(now, &self.history, self.trouble, ids, setup, fx);
        let deadline = self.asked.map_or(self.next_poll, |(_, since, _)| since.after(setup.timing.query_timeout));
        fx.wake(deadline);
    }

    /// Takes answers to our question; those to earlier ones are only compared with what was believed. Complete evidence comes out once
    /// for each finalized epoch. `besides` is what others than duties need to be read.
    pub(crate) fn answered(
        &mut self,
        now: Timestamp,
        mut answers: Answers,
        besides: Needs,
        ids: &mut QueryIds,
        setup: &Setup,
        fx: &mut Effects,
    ) -> Option<Evidence> {
        if self.rereading.answered(now, &mut answers, &mut self.history, self.trouble, setup, fx) {
            return None;
        }
        let Some((_, since, _)) = self.asked.take_if(|(id, ..)| *id == answers.id) else {
            self.settled.compare(answers, fx);
            return None;
        };
        self.settled.remember(&answers, setup.quorum);
        let progress = match std::mem::replace(&mut self.stage, Stage::Idle) {
            Stage::Idle => return None,
            Stage::Finality => self.finality(now, answers, setup, fx),
            Stage::Chain(checkpoint, slot) => self.chain((checkpoint, slot), answers, besides, setup, fx),
            Stage::Gathering(mut gathering) => gathering
                .answered(answers.answers, now.since(since), (&mut self.history, &mut self.served), setup, fx)
                .and_then(|()| self.gather(gathering, setup)),
        };
        match progress {
            Ok(Progress::Ask(next)) => {
                let (stage, query) = *next;
                // Between two questions nobody knows yet whether the trouble has passed.
                self.ask(now, stage, query, ids, fx);
                None
            }
            Ok(Progress::Anew) => {
                self.nudge();
                None
            }
            Ok(Progress::Nothing) => {
                self.trouble = None;
                None
            }
            Ok(Progress::Done(evidence)) => {
                self.trouble = None;
                self.rereading.allow_one();
                self.last = Some(evidence.checkpoint.epoch);
                let (checkpoint, validators, proof) = (evidence.checkpoint, evidence.validators.len(), evidence.proof);
                let figures = evidence.figures();
                fx.report(Event::Observed { checkpoint, validators, proof, figures });
                Some(*evidence)
            }
            Err(trouble) => {
                self.tell(trouble, fx);
                self.trouble = Some(trouble);
                self.give_up(now, setup);
                None
            }
        }
    }

    fn finality(
        &mut self,
        now: Timestamp,
        answers: Answers,
        setup: &Setup,
        fx: &mut Effects,
    ) -> Result<Progress, Trouble> {
        let Some(checkpoint) = weighing::checkpoint(answers.answers, setup, fx)? else {
            return Err(Trouble::NothingFinal);
        };
        let behind = setup.network.epoch_at(now).0.saturating_sub(checkpoint.epoch.0);
        self.finality_is_old = behind > OLD;
        self.watch_for_a_gap(checkpoint.epoch, behind > setup.epochs_of_a_day(), setup);
        let slot = checkpoint.epoch.first_slot(setup.network.slots_per_epoch);
        let (Some(slot), true) = (slot, self.last.is_none_or(|last| checkpoint.epoch > last)) else {
            return Ok(Progress::Nothing);
        };
        let at =
            checkpoint.execution.map_or_else(|| At::Time(setup.network.time_of(slot)), |block| At::Block(block.hash));
        Ok(Progress::Ask(Box::new((Stage::Chain(checkpoint, slot), Query::Chain(at)))))
    }

    /// A chain that finalizes again goes on at the present epoch, whatever it had finalized before. A chain of which every epoch is late
    /// has no such gap: there it is the clock that is wrong.
    fn watch_for_a_gap(&mut self, finalized: Epoch, is_late: bool, setup: &Setup) {
        if let Some(late) = self.late
            && finalized.0.saturating_sub(late.0) > setup.epochs_of_a_day()
        {
            self.returned_after = Some(late);
        }
        self.late = is_late.then_some(finalized);
    }

    fn chain(
        &mut self,
        (checkpoint, slot): (Checkpoint, Slot),
        answers: Answers,
        besides: Needs,
        setup: &Setup,
        fx: &mut Effects,
    ) -> Result<Progress, Trouble> {
        let chain = weighing::chain(answers.answers, setup, fx)?;
        if chain.key_epoch != setup.committee.key_epoch() || chain.group_key != setup.committee.group_key() {
            // Once, and not at every poll until somebody has done something about it.
            if self.trouble != Some(Trouble::KeyMismatch) {
                let ours = setup.committee.key_epoch();
                fx.report(Event::KeyMismatch { onchain: chain.key_epoch, ours });
            }
            return Err(Trouble::KeyMismatch);
        }
        let needs = decide::needs(&chain, checkpoint.epoch, setup.network.slots_per_epoch).and(besides);
        let gathering = Gathering::new((checkpoint, slot, chain), needs);
        self.gather(Box::new(gathering), setup)
    }

    /// Tells of a history that can't be believed: when that begins, and not at every poll.
    fn tell(&self, trouble: Trouble, fx: &mut Effects) {
        match trouble {
            _ if self.trouble == Some(trouble) => {}
            Trouble::HistoryIncomplete { counted, known } => {
                fx.report(Event::History(HistoryEvent::Incomplete { counted, known }))
            }
            Trouble::HistoryUnproven => fx.report(Event::History(HistoryEvent::Unproven)),
            Trouble::TooFewAnswers(_)
            | Trouble::Contradiction(_)
            | Trouble::KeyMismatch
            | Trouble::NothingFinal
            | Trouble::HistoryContested => {}
        }
    }

    /// Goes on to the next question that can be asked now; if none is left, the evidence is complete.
    fn gather(&mut self, mut gathering: Box<Gathering>, setup: &Setup) -> Result<Progress, Trouble> {
        Ok(match gathering.next(&mut self.history, setup)? {
            Step::Ask(query) => Progress::Ask(Box::new((Stage::Gathering(gathering), query))),
            Step::Anew => Progress::Anew,
            Step::Done => Progress::Done(Box::new(gathering.into_evidence(self.history.registry()))),
        })
    }

    fn ask(&mut self, now: Timestamp, stage: Stage, query: Query, ids: &mut QueryIds, fx: &mut Effects) {
        let id = ids.fresh();
        self.stage = stage;
        self.asked = Some((id, now, query.layer()));
        fx.read(id, query);
    }

    /// Tries again from the start: soon, since by then something newer may be finalized; but what a rotation or an operator alone can end
    /// is asked about no more often than usual.
    fn give_up(&mut self, now: Timestamp, setup: &Setup) {
        self.stage = Stage::Idle;
        self.asked = None;
        let usual = setup.timing.poll;
        let soon = usual.checked_div(4).unwrap_or_default();
        let takes_long = matches!(
            self.trouble,
            Some(Trouble::KeyMismatch | Trouble::HistoryIncomplete { .. } | Trouble::HistoryUnproven)
        );
        self.next_poll = now.after(if takes_long { usual } else { soon });
    }
}

/// What is needed to see exits on the beacon chain.
pub(crate) fn needs_of_exits(any_open: bool) -> Needs {
    if any_open { Needs::of([Need::Validators]) } else { Needs::default() }
}

/// Numbers questions.
#[derive(Debug, Default)]
pub(crate) struct QueryIds(u64);

impl QueryIds {
    /// A number that was not used since the start.
    pub(crate) fn fresh(&mut self) -> QueryId {
        self.0 = self.0.saturating_add(1);
        QueryId(self.0)
    }
}
