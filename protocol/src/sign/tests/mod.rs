//! The guard, the nonces, the coordinator and the proofs, each against what must never happen.

mod coordinator;
mod fault;
mod guard;
mod signer;

use super::{
    guard::Guard,
    package::PackageError,
    signer::{Keys, Signer},
};
use crate::{
    duty::{Duty, DutyBody, kinds::ReserveReport},
    effects::Effects,
    setup::Setup,
    testing::{Dealt, setup},
    types::{BootId, Committee, Epoch, Gwei, KeyEpoch, MemberId, Slot, Timestamp},
    wire::{Commitment, Envelope, Message, Package, Share},
};
use alloy_primitives::B256;
use guardian_crypto::{frost::KeyShare, identity::IdentityKey};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use std::collections::BTreeMap;

pub(super) use crate::testing::member;

pub(super) const NOW: Timestamp = Timestamp(1_000);

/// One committee, one report, everybody's signer. Members are counted from 0 here, and numbered from 1.
pub(super) struct Table {
    pub(super) setups: Vec<Setup>,
    pub(super) identities: Vec<IdentityKey>,
    pub(super) shares: Vec<KeyShare>,
    pub(super) signers: Vec<Signer>,
    pub(super) duty: Duty,
    pub(super) digest: B256,
    pub(super) rng: ChaCha20Rng,
}

impl Table {
    /// Two of three.
    pub(super) fn new() -> Self {
        Self::of(3, 2, 3)
    }

    pub(super) fn of(size: u16, threshold: u16, seed: u64) -> Self {
        let dealt = Dealt::new(size, threshold, seed);
        let setups: Vec<Setup> = MemberId::first(size).map(|me| setup(dealt.committee.clone(), me)).collect();
        let identities = MemberId::first(size).map(|member| dealt.identity(member)).collect();
        let shares = MemberId::first(size).map(|member| dealt.share(member)).collect();
        let nothing = Gwei(0);
        let report = ReserveReport {
            validator_count: 1,
            validators: Gwei(32),
            pods: nothing,
            vaults: nothing,
            pending: nothing,
            liabilities: nothing,
            supply: nothing,
            sources_version: 1,
        };
        let duty = Duty {
            key_epoch: KeyEpoch(1),
            period: Epoch(9),
            reference_slot: Slot(72),
            reference_root: [5; 32].into(),
            body: DutyBody::Reserves(report),
        };
        let digest = setups[0].domain().digest(&duty).unwrap();
        let signer = |number: u16| Signer::new(duty.id(), digest, boot(number));
        let signers = (1..=size).map(signer).collect();
        let rng = ChaCha20Rng::seed_from_u64(seed.wrapping_add(1_000));
        Self { setups, identities, shares, signers, duty, digest, rng }
    }

    pub(super) fn committee(&self) -> &Committee {
        &self.setups[0].committee
    }

    pub(super) fn commit(&mut self, owner: usize, coordinator: u16) -> Commitment {
        let keys = Keys { identity: &self.identities[owner], share: Some(&self.shares[owner]) };
        self.signers[owner].commit(member(coordinator), &self.setups[owner], keys, &mut self.rng).unwrap()
    }

    pub(super) fn sign(&mut self, owner: usize, package: &Package, coordinator: u16) -> Result<Share, PackageError> {
        let mut guard = Guard::restore(BTreeMap::new(), Some((Epoch(0), true)));
        guard.check_and_insert(&self.duty, self.digest, &mut Effects::default()).unwrap();
        let permit = guard.permit(self.duty.id(), self.digest).unwrap();
        let keys = Keys { identity: &self.identities[owner], share: Some(&self.shares[owner]) };
        let context = (&self.setups[owner], keys);
        self.signers[owner].sign(permit, package, member(coordinator), |_| false, context, &mut self.rng)
    }

    pub(super) fn package(&self, commitments: &[Commitment]) -> Package {
        Package { duty: self.duty.id(), digest: self.digest, commitments: commitments.to_vec() }
    }

    /// A message of `author` (counted from 0), as it travels.
    pub(super) fn seal(&self, author: usize, message: Message) -> Envelope {
        let me = self.setups[author].me;
        Envelope::seal(me, message, self.committee(), &self.identities[author])
    }
}

pub(super) fn boot(number: u16) -> BootId {
    BootId { number: u64::from(number), name: [u8::try_from(number).unwrap(); 16] }
}
