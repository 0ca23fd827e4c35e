//! The first step: find what is finalized, read everything at it, and fold what enough providers say into [`Evidence`], or refuse.
//!
//! One observation is four questions in a row: the finalized checkpoint, the contracts at the block that it contains, the contracts'
//! events up to that block, the validators in the checkpoint's state. Every question goes to every provider, every answer is
//! weighed by [`quorum`]; validators in a state that proves itself need no weighing (`proving`). Whatever fails is simply asked again at the next poll, of whatever is finalized then.

mod proving;
pub mod quorum;
mod registry;
mod weighing;

pub(crate) use weighing::landed;

pub use registry::Registry;

use crate::{
    effects::Effects,
    event::{Event, Layer},
    ports::{Answers, At, Query, QueryId},
    record::Record,
    setup::Setup,
    types::{BlockRef, ChainView, Checkpoint, Epoch, Evidence, Proof, Slot, Timestamp, ValidatorRecord},
};

/// The observation machine.
#[derive(Debug)]
pub struct Observer {
    registry: Registry,
    stage: Stage,
    asked: Option<(QueryId, Timestamp)>,
    next_poll: Timestamp,
    last: Option<Epoch>,
    trouble: Option<Trouble>,
}

/// Where one observation stands.
#[derive(Debug)]
enum Stage {
    Idle,
    Finality,
    Chain(Checkpoint, Slot),
    Events(Checkpoint, Slot, ChainView),
    Validators(Checkpoint, Slot, ChainView),
}

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
}

impl Observer {
    /// Starts with what the store knows of the contracts' events.
    #[must_use]
    pub fn restore(registry: Registry) -> Self {
        Self { registry, stage: Stage::Idle, asked: None, next_poll: Timestamp(0), last: None, trouble: None }
    }

    /// The protocol's validators.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The last epoch that was fully observed.
    #[must_use]
    pub fn last(&self) -> Option<Epoch> {
        self.last
    }

    /// What stands in the way, if anything does.
    #[must_use]
    pub fn trouble(&self) -> Option<Trouble> {
        self.trouble
    }

    /// Looks at the next occasion instead of at the next poll.
    pub fn nudge(&mut self) {
        self.next_poll = Timestamp(0);
    }

    /// Asks what is finalized if it is time to, and gives up questions that nobody answers.
    pub fn poll(&mut self, now: Timestamp, ids: &mut QueryIds, setup: &Setup, fx: &mut Effects) {
        if let Some((_, since)) = self.asked
            && now.since(since) >= setup.timing.query_timeout
        {
            self.give_up(now, setup);
        }
        if self.asked.is_none() && now >= self.next_poll {
            self.next_poll = now.after(setup.timing.poll);
            self.ask(now, Stage::Finality, Query::Finalized, ids, fx);
        }
        let deadline = self.asked.map_or(self.next_poll, |(_, since)| since.after(setup.timing.query_timeout));
        fx.wake(deadline);
    }

    /// Takes answers to our question; others are ignored. Complete evidence comes out once for each finalized epoch.
    pub fn answered(
        &mut self,
        now: Timestamp,
        answers: Answers,
        ids: &mut QueryIds,
        setup: &Setup,
        fx: &mut Effects,
    ) -> Option<Evidence> {
        if self.asked.is_none_or(|(id, _)| id != answers.id) {
            return None;
        }
        self.asked = None;
        let outcome = match std::mem::replace(&mut self.stage, Stage::Idle) {
            Stage::Idle => return None,
            Stage::Finality => self.finality(now, answers, ids, setup, fx),
            Stage::Chain(checkpoint, slot) => self.chain(now, (checkpoint, slot), answers, ids, setup, fx),
            Stage::Events(checkpoint, slot, chain) => {
                self.events(now, (checkpoint, slot, chain), answers, ids, setup, fx)
            }
            Stage::Validators(checkpoint, slot, chain) => {
                proving::validators(answers.answers, &checkpoint, slot, setup, fx)
                    .map(|known| Some(self.observed(checkpoint, slot, chain, known, fx)))
            }
        };
        match outcome {
            Ok(evidence) => {
                // Between two questions nobody knows yet whether it has passed.
                if self.asked.is_none() {
                    self.trouble = None;
                }
                evidence
            }
            Err(trouble) => {
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
        ids: &mut QueryIds,
        setup: &Setup,
        fx: &mut Effects,
    ) -> Result<Option<Evidence>, Trouble> {
        let Some(checkpoint) = weighing::checkpoint(answers.answers, setup, fx)? else {
            return Err(Trouble::NothingFinal);
        };
        let slot = checkpoint.epoch.first_slot(setup.network.slots_per_epoch);
        let (Some(slot), true) = (slot, self.last.is_none_or(|last| checkpoint.epoch > last)) else {
            return Ok(None);
        };
        let at =
            checkpoint.execution.map_or_else(|| At::Time(setup.network.time_of(slot)), |block| At::Block(block.hash));
        self.ask(now, Stage::Chain(checkpoint, slot), Query::Chain(at), ids, fx);
        Ok(None)
    }

    fn chain(
        &mut self,
        now: Timestamp,
        (checkpoint, slot): (Checkpoint, Slot),
        answers: Answers,
        ids: &mut QueryIds,
        setup: &Setup,
        fx: &mut Effects,
    ) -> Result<Option<Evidence>, Trouble> {
        let chain = weighing::chain(answers.answers, setup, fx)?;
        if chain.key_epoch != setup.committee.key_epoch() || chain.group_key != setup.committee.group_key() {
            // Once, and not at every poll until somebody has done something about it.
            if self.trouble != Some(Trouble::KeyMismatch) {
                let ours = setup.committee.key_epoch();
                fx.report(Event::KeyMismatch { onchain: chain.key_epoch, ours });
            }
            return Err(Trouble::KeyMismatch);
        }
        let to = chain.block;
        let from = self.registry.upto().map_or(setup.start_block, |block| block.number.saturating_add(1));
        if from > to.number {
            return Ok(self.ask_validators(now, (checkpoint, slot, chain), ids, fx));
        }
        self.ask(now, Stage::Events(checkpoint, slot, chain), Query::Events { from, to }, ids, fx);
        Ok(None)
    }

    fn events(
        &mut self,
        now: Timestamp,
        (checkpoint, slot, chain): (Checkpoint, Slot, ChainView),
        answers: Answers,
        ids: &mut QueryIds,
        setup: &Setup,
        fx: &mut Effects,
    ) -> Result<Option<Evidence>, Trouble> {
        let events = weighing::events(answers.answers, setup, fx)?;
        let upto: BlockRef = chain.block;
        self.registry.advance(upto, &events);
        fx.record(Record::Events { upto, events });
        Ok(self.ask_validators(now, (checkpoint, slot, chain), ids, fx))
    }

    /// The last question; if the protocol has no validators, there is nothing to ask and the evidence is complete.
    fn ask_validators(
        &mut self,
        now: Timestamp,
        (checkpoint, slot, chain): (Checkpoint, Slot, ChainView),
        ids: &mut QueryIds,
        fx: &mut Effects,
    ) -> Option<Evidence> {
        let pubkeys: Vec<_> = self.registry.validators().copied().collect();
        if pubkeys.is_empty() {
            return Some(self.observed(checkpoint, slot, chain, (Vec::new(), Proof::Quorum), fx));
        }
        let query = Query::Validators { checkpoint, slot, pubkeys };
        self.ask(now, Stage::Validators(checkpoint, slot, chain), query, ids, fx);
        None
    }

    fn observed(
        &mut self,
        checkpoint: Checkpoint,
        slot: Slot,
        chain: ChainView,
        known: (Vec<ValidatorRecord>, Proof),
        fx: &mut Effects,
    ) -> Evidence {
        self.last = Some(checkpoint.epoch);
        fx.report(Event::Observed { checkpoint, validators: known.0.len(), proof: known.1 });
        Evidence::new(checkpoint, slot, chain, known, &self.registry)
    }

    fn ask(&mut self, now: Timestamp, stage: Stage, query: Query, ids: &mut QueryIds, fx: &mut Effects) {
        let id = ids.fresh();
        self.stage = stage;
        self.asked = Some((id, now));
        fx.read(id, query);
    }

    /// Tries again from the start: soon, since by then something newer may be finalized; but what a rotation or an operator alone can end
    /// is asked about no more often than usual.
    fn give_up(&mut self, now: Timestamp, setup: &Setup) {
        self.stage = Stage::Idle;
        self.asked = None;
        let usual = setup.timing.poll;
        let soon = usual.checked_div(4).unwrap_or_default();
        self.next_poll = now.after(if self.trouble == Some(Trouble::KeyMismatch) { usual } else { soon });
    }
}

/// Numbers questions.
#[derive(Debug, Default)]
pub struct QueryIds(u64);

impl QueryIds {
    /// A number that was not used since the start.
    pub fn fresh(&mut self) -> QueryId {
        self.0 = self.0.saturating_add(1);
        QueryId(self.0)
    }
}
