//! Somebody who holds the group key and one member's identity: t shares that an old committee never gave back, say. Its orders are well
//! signed, well rooted, and over validators that need not leave; some of them it brings to the contract itself. Below t nothing of that can
//! be had; with it, no exit may move.

use super::{
    chain::{self, Chain},
    keys::Keys,
    world::{Item, World},
};
use alloy::primitives::B256;
use guardian_protocol::{
    Duty, DutyBody, Ejection, EjectionOrder, EjectionReason, Envelope, Epoch, KeyEpoch, Recipient, Setup, Signed, Slot,
    ValidatorIndex,
    testing::{Message, SignedDuty},
};
use rand_chacha::rand_core::RngCore;
use std::collections::BTreeSet;

/// What the thief has signed.
#[derive(Debug, Default)]
pub struct Stolen(BTreeSet<B256>);

impl Stolen {
    /// Whether the thief signed it.
    #[must_use]
    pub fn has(&self, digest: B256) -> bool {
        self.0.contains(&digest)
    }
}

impl World<'_> {
    /// The thief signs an order, tells it to everybody, and sometimes pays for it.
    pub(super) fn steal(&mut self) {
        let Some(teller) = self.anybody() else { return };
        let finalized = self.chain.finalized();
        let period = match self.below(6) {
            0 => finalized.saturating_sub(1 + self.below(5) as u64),
            1 => finalized + 1 + self.below(8) as u64,
            2 => u64::MAX / chain::SLOTS_PER_EPOCH,
            _ => finalized,
        };
        let setup = self.setup(teller);
        let choice = self.rng.next_u64();
        let Some(signed) = sign(&self.chain, self.keys, &setup, (period, choice), &mut self.rng) else { return };
        let Some(signature) = signed.attestation().group().copied() else { return };
        let message = SignedDuty { duty: signed.duty().clone(), signature };
        self.stolen.0.insert(signed.digest());
        self.tally.stolen += 1;
        self.note(|| format!("the thief signs {}", signed.id()));
        let identity = self.keys.identity(teller);
        let envelope = Envelope::seal(teller, Message::Signed(message), self.keys.committee(), &identity);
        self.send(teller, None, Recipient::All, &envelope);
        if self.below(2) == 0 {
            let from = self.processes.keys().next().copied();
            self.bag.extend(from.map(|from| Item::Submit { from, signed: Box::new(signed) }));
        }
    }
}

/// An order of `period` over the validators that the bits of `choice` name.
fn sign(
    chain: &Chain,
    keys: &Keys,
    setup: &Setup,
    (period, choice): (u64, u64),
    rng: &mut rand_chacha::ChaCha20Rng,
) -> Option<Signed> {
    let all = (0_u64..).zip(chain.pubkeys());
    let chosen = all.filter(|(index, _)| choice >> index & 1 == 1);
    let ejection =
        |(index, pubkey)| Ejection { index: ValidatorIndex(index), pubkey, reason: EjectionReason::LowBalance };
    let order = EjectionOrder::new(chosen.map(ejection).collect()).ok()?;
    let duty = Duty {
        key_epoch: KeyEpoch(1),
        period: Epoch(period),
        reference_slot: Slot(period.saturating_mul(chain::SLOTS_PER_EPOCH)),
        reference_root: chain::root_of(period),
        body: DutyBody::Ejection(order),
    };
    let digest = setup.domain().digest(&duty)?;
    Signed::verify(duty, keys.sign(digest, rng), setup).ok()
}
