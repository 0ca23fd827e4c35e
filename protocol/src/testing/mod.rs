//! What tests of this crate and of others stand on: one committee, one chain, one set of contracts, and the words that are spoken between
//! guardians, which nobody else needs. No leave to sign can be had here either.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that can't go on has failed")]

mod committee;
mod eyes;
mod store;
mod world;

pub use committee::{Dealt, account, member};
pub use eyes::Eyes;
pub use store::{Log, recorded, released};
pub use world::{
    any_chain_view, chain_spec, chain_view, checkpoint, contracts, evidence, evidence_with, program, reserve_rules,
    rules, setup, validator,
};

pub use crate::{
    agree::order::{Turn, order, rank},
    audit::{Fact, Node},
    duty::legacy::{LegacyModule, Provisioning, PufferMessage, StoppedValidator},
    observe::Trouble,
    types::Registry,
    wire::{
        Alive, Announcement, AttestedDuty, Commitment, CommitmentLabel, EnvelopeError, Finding, Greeting, Holdings,
        Inquiry, Introduction, Message, Package, PartialExits, Probe, Reminder, Share, SignedBoot, SignedDuty,
    },
};

use crate::{BootId, Committee, Duty, Evidence, KeyEpoch};
use alloy_primitives::{Address, B256};
use guardian_crypto::identity::IdentityKey;

/// What a member says at its `boot` to somebody of whom it has not heard anything.
#[must_use]
pub fn first_greeting(boot: BootId, committee: &Committee, key: &IdentityKey) -> Message {
    Message::Greeting(Greeting {
        start: SignedBoot::seal(boot, committee, key),
        highest: None,
        signed: Vec::new(),
        excluded: Vec::new(),
        doppelganger: false,
        yours: Reminder::default(),
        asks: false,
    })
}

/// The duties that `evidence` demands.
#[must_use]
pub fn decide(evidence: &Evidence, slots_per_epoch: u64) -> Vec<Duty> {
    crate::decide::decide(evidence, |_| false, slots_per_epoch)
}

/// [`rotation`](crate::rotation) for any coordinates: the vectors' keys are no points of the curve.
#[must_use]
pub fn rotation_of(chain_id: u64, keys: Address, key_epoch: KeyEpoch, coordinates: ([u8; 32], [u8; 32])) -> B256 {
    crate::duty::rotation_of(chain_id, keys, key_epoch, coordinates)
}
