//! The open questions of one reference: what the duties that are due there need, asked for one after the other as far as each depends on
//! what came before. To read something new, add a [`Need`], its question to [`Gathering::next`], and its answer to
//! [`Gathering::answered`].

use super::{
    Reference, Trouble,
    proving::{self, FromState},
    served::Served,
    weighing::{self, Raw},
};
use crate::{
    duty::{Evidence, Need, Needs},
    effects::Effects,
    ports::Query,
    record::Record,
    setup::Setup,
    types::{BlockRef, BlsPubkey, Proof, Registry},
};

/// See the module.
#[derive(Debug)]
pub(super) struct Gathering {
    reference: Reference,
    needs: Needs,
    state: Option<FromState>,
}

impl Gathering {
    /// Nothing is known yet besides the reference.
    pub(super) fn new(reference: Reference, needs: Needs) -> Self {
        Self { reference, needs, state: None }
    }

    /// The next question that is open and can be asked; `None`: everything that is needed is known.
    pub(super) fn next(&self, registry: &Registry, setup: &Setup) -> Option<Query> {
        let (checkpoint, slot, chain) = &self.reference;
        if self.needs.has(Need::Validators)
            && let Some(from) = first_unread(registry, chain.block, setup)
        {
            return Some(Query::Events { from, to: chain.block });
        }
        let pubkeys = self.pubkeys(registry);
        // Nothing is asked of a state if the protocol has no validators and nobody needs to know how many the network has.
        let is_asked_of = !pubkeys.is_empty() || self.needs.has(Need::Census);
        (self.state.is_none() && is_asked_of).then_some(Query::State { checkpoint: *checkpoint, slot: *slot, pubkeys })
    }

    /// Takes the answers to the question that [`Gathering::next`] last gave.
    pub(super) fn answered(
        &mut self,
        raw: Raw,
        registry: &mut Registry,
        served: &mut Served,
        setup: &Setup,
        fx: &mut Effects,
    ) -> Result<(), Trouble> {
        let (checkpoint, slot, _) = &self.reference;
        match self.next(registry, setup) {
            Some(Query::Events { to, .. }) => {
                let events = weighing::events(raw, setup, fx)?;
                registry.advance(to, &events);
                fx.record(Record::Events { upto: to, events });
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

/// The first block up to `to` whose events are not in the registry.
fn first_unread(registry: &Registry, to: BlockRef, setup: &Setup) -> Option<u64> {
    let from = registry.upto().map_or(setup.start_block, |block| block.number.saturating_add(1));
    (from <= to.number).then_some(from)
}
