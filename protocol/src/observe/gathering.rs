//! The open questions of one reference: what the duties that are due there need, asked for one after the other as far as each depends on
//! what came before. To read something new, add a [`Need`], its question to [`Gathering::next`], and its answer to
//! [`Gathering::answered`].

use super::{
    Reference, Trouble,
    history::History,
    proving::{self, FromState},
    served::Served,
    weighing::{self, AskedPage, Raw},
};
use crate::{
    duty::{Evidence, Need, Needs},
    effects::Effects,
    event::{Event, HistoryEvent},
    ports::{Query, ReadFailure},
    setup::Setup,
    types::{BlsPubkey, Proof, Registry},
};
use std::time::Duration;

/// See the module.
#[derive(Debug)]
pub(super) struct Gathering {
    reference: Reference,
    needs: Needs,
    state: Option<FromState>,
    /// The question that is open.
    open: Option<Query>,
    /// Pages of the history that were read for it.
    pages: usize,
}

/// What an observation needs next.
pub(super) enum Step {
    /// An answer to this.
    Ask(Query),
    /// Another reference: reading the history has taken so long that there is a newer one.
    Anew,
    /// Nothing: everything is known.
    Done,
}

impl Gathering {
    /// Nothing is known yet besides the reference.
    pub(super) fn new(reference: Reference, needs: Needs) -> Self {
        Self { reference, needs, state: None, open: None, pages: 0 }
    }

    /// The next question that is open and can be asked, if what is known so far is fit to go on with.
    pub(super) fn next(&mut self, history: &mut History, setup: &Setup) -> Result<Step, Trouble> {
        let (checkpoint, slot, chain) = &self.reference;
        if self.needs.has(Need::Validators) {
            let at = chain.block;
            history.want(at);
            if let Some((from, upto)) = history.next(at) {
                return Ok(self.ask(Query::Events { from, upto, at }));
            }
            if self.pages > 1 {
                return Ok(Step::Anew);
            }
            self.check_complete(history.registry(), setup)?;
        }
        let pubkeys = self.pubkeys(history.registry());
        // Nothing is asked of a state if the protocol has no validators and nobody needs to know how many the network has.
        let is_asked_of = !pubkeys.is_empty() || self.needs.has(Need::Census);
        if self.state.is_some() || !is_asked_of {
            return Ok(Step::Done);
        }
        let query = Query::State { checkpoint: *checkpoint, slot: *slot, pubkeys };
        Ok(self.ask(query))
    }

    fn ask(&mut self, query: Query) -> Step {
        self.open = Some(query.clone());
        Step::Ask(query)
    }

    /// Events that a node leaves out look like events that never were. So a history counts when it leads to the number of validators that
    /// the protocol's own books have at the same block. Where the contract keeps no books, enough providers must have given it alike, and
    /// none may have given more; one provider alone is not believed.
    fn check_complete(&self, registry: &Registry, setup: &Setup) -> Result<(), Trouble> {
        let known = u64::try_from(registry.validators().len()).unwrap_or(u64::MAX);
        match self.reference.2.active_validators {
            Some(counted) if counted == known => Ok(()),
            Some(counted) => Err(Trouble::HistoryIncomplete { counted, known }),
            None if setup.quorum.execution > 1 => Ok(()),
            None => Err(Trouble::HistoryUnproven),
        }
    }

    /// Takes the answers to the question that [`Gathering::next`] last gave; they took `took` to come.
    pub(super) fn answered(
        &mut self,
        raw: Raw,
        took: Duration,
        (history, served): (&mut History, &mut Served),
        setup: &Setup,
        fx: &mut Effects,
    ) -> Result<(), Trouble> {
        let (checkpoint, slot, chain) = &self.reference;
        match self.open.take() {
            Some(Query::Events { from, upto, at }) => {
                let has_books = chain.active_validators.is_some();
                let was_too_much = raw.iter().any(|(_, answer)| is_too_much(answer.as_ref().err()));
                match weighing::page(raw, AskedPage { from, upto, at }, has_books, setup, fx) {
                    Ok(page) => {
                        if upto < at.number || self.pages > 0 {
                            fx.report(Event::History(HistoryEvent::Advanced {
                                upto,
                                wanted: at.number,
                                events: page.events.len(),
                            }));
                        }
                        fx.record(history.add(page, took, &setup.contracts));
                        self.pages = self.pages.saturating_add(1);
                    }
                    Err(trouble) => {
                        if was_too_much {
                            history.narrow();
                        }
                        return Err(trouble);
                    }
                }
            }
            Some(Query::State { .. }) => {
                served.note(&raw, checkpoint.epoch, fx);
                let mut known = proving::state(raw, checkpoint, *slot, setup, fx)?;
                if known.proof == Proof::Quorum && served.lately(checkpoint.epoch, setup) {
                    known.proof = Proof::Downgraded;
                }
                self.state = Some(known);
            }
            Some(Query::Finalized | Query::Chain(_) | Query::Progress(_)) | None => {}
        }
        Ok(())
    }

    /// Whether it waits for a page of the history.
    pub(super) fn waits_for_page(&self) -> bool {
        matches!(self.open, Some(Query::Events { .. }))
    }

    /// Everything together.
    pub(super) fn into_evidence(self, registry: &Registry) -> Evidence {
        let nothing = FromState { validators: Vec::new(), census: None, proof: Proof::Quorum };
        let FromState { validators, census, proof } = self.state.unwrap_or(nothing);
        Evidence::new(self.reference, (validators, census, proof), registry)
    }

    fn pubkeys(&self, registry: &Registry) -> Vec<BlsPubkey> {
        if self.needs.has(Need::Validators) { registry.validators().copied().collect() } else { Vec::new() }
    }
}

/// Whether less might have been answered. A node that is asked too often is asked later, and for as much.
fn is_too_much(failure: Option<&ReadFailure>) -> bool {
    match failure {
        Some(ReadFailure::Unreachable(_) | ReadFailure::TooLarge(_) | ReadFailure::Malformed(_)) => true,
        Some(
            ReadFailure::NotAvailable(_)
            | ReadFailure::NotInSync(_)
            | ReadFailure::Unauthorized(_)
            | ReadFailure::RateLimited(_)
            | ReadFailure::WrongChain(_),
        )
        | None => false,
    }
}
