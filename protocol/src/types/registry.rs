//! The protocol's validators, folded from the contracts' events in chain order.

use super::{BlockRef, BlsPubkey, EventPage, ProtocolEvent, Slot};
use alloy_primitives::B256;
use std::collections::{BTreeMap, BTreeSet};

/// Which validators are the protocol's, which of them were ordered out, and up to which block that is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Registry {
    validators: BTreeSet<BlsPubkey>,
    ordered: BTreeMap<BlsPubkey, Slot>,
    /// The validators of each order, as they stand in it.
    orders: BTreeMap<Slot, Vec<BlsPubkey>>,
    /// Those whose exits were requested.
    requested: BTreeSet<BlsPubkey>,
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
                    self.requested.remove(pubkey);
                }
                ProtocolEvent::Ordered { pubkey, reference_slot } => {
                    self.ordered.insert(*pubkey, *reference_slot);
                    self.orders.entry(*reference_slot).or_default().push(*pubkey);
                }
                ProtocolEvent::ExitsRequested { reference_slot, positions } => {
                    let order = self.orders.get(reference_slot).map(Vec::as_slice).unwrap_or_default();
                    let chosen = order.iter().enumerate().filter(|(place, _)| has_bit(*positions, *place));
                    self.requested.extend(chosen.map(|(_, pubkey)| *pubkey));
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

    /// Whether the exit of this validator was requested, under whatever order.
    #[must_use]
    pub fn is_requested(&self, pubkey: &BlsPubkey) -> bool {
        self.requested.contains(pubkey)
    }

    /// The last block whose events are in.
    #[must_use]
    pub fn upto(&self) -> Option<BlockRef> {
        self.upto
    }
}

/// Whether the bit of `place` is set; the lowest is that of 0.
fn has_bit(bits: B256, place: usize) -> bool {
    let byte = place.checked_div(8).and_then(|back| 31_usize.checked_sub(back)).and_then(|at| bits.get(at));
    byte.is_some_and(|byte| byte.checked_shr(u32::try_from(place % 8).unwrap_or(8)).unwrap_or(0) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_name_validators_by_their_places_in_an_order() {
        let keys: Vec<BlsPubkey> = (0..10).map(BlsPubkey::repeat_byte).collect();
        let mut registry = Registry::default();
        let block = BlockRef { number: 1, hash: [3; 32].into(), timestamp: 1 };
        let slot = Slot(80);
        let ordered = keys.iter().map(|pubkey| ProtocolEvent::Ordered { pubkey: *pubkey, reference_slot: slot });
        registry.advance(block, &ordered.collect::<Vec<_>>());
        let request = |bits: u16, reference_slot| ProtocolEvent::ExitsRequested {
            reference_slot,
            positions: B256::left_padding_from(&bits.to_be_bytes()),
        };
        registry.advance(block, &[request(0b10_0000_0001, slot), request(2, slot), request(4, Slot(81))]);
        let requested: Vec<usize> = (0..10).filter(|place| registry.is_requested(&keys[*place])).collect();
        assert_eq!(requested, [0, 1, 9]);
        registry.advance(block, &[ProtocolEvent::Exited(keys[1])]);
        assert!(!registry.is_requested(&keys[1]));
    }
}
