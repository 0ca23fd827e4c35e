//! The protocol's validators, folded from the contracts' events in chain order.

use super::{BlockRef, BlsPubkey, EventPage, ProtocolEvent, Slot};
use std::collections::{BTreeMap, BTreeSet};

/// Which validators are the protocol's, which of them were ordered out, and up to which block that is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Registry {
    validators: BTreeSet<BlsPubkey>,
    ordered: BTreeMap<BlsPubkey, Slot>,
    upto: Option<BlockRef>,
}

impl Registry {
    /// What follows from `pages`, which are in chain order and leave no block out.
    #[must_use]
    pub fn of(pages: &[EventPage]) -> Self {
        let mut registry = Self::default();
        pages.iter().for_each(|page| registry.advance(page.upto, &page.events));
        registry
    }

    /// Takes the events of the blocks after the last ones, up to `upto`.
    pub fn advance(&mut self, upto: BlockRef, events: &[ProtocolEvent]) {
        for event in events {
            match event {
                ProtocolEvent::Provisioned(pubkey) => {
                    self.validators.insert(*pubkey);
                }
                ProtocolEvent::Exited(pubkey) => {
                    self.validators.remove(pubkey);
                    self.ordered.remove(pubkey);
                }
                ProtocolEvent::Ordered { pubkey, reference_slot } => {
                    self.ordered.insert(*pubkey, *reference_slot);
                }
            }
        }
        self.upto = Some(upto);
    }

    /// The protocol's validators.
    pub fn validators(&self) -> impl ExactSizeIterator<Item = &BlsPubkey> {
        self.validators.iter()
    }

    /// The reference slot of the newest order for this validator.
    #[must_use]
    pub fn ordered_at(&self, pubkey: &BlsPubkey) -> Option<Slot> {
        self.ordered.get(pubkey).copied()
    }

    /// The last block whose events are in.
    #[must_use]
    pub fn upto(&self) -> Option<BlockRef> {
        self.upto
    }
}
