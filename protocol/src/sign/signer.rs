//! The signer's side: nonces of one duty, each spent at most once, each for one coordinator.
//!
//! Nonces live here and nowhere else: in memory, until they are signed with or the duty ends. Each pair is for one coordinator, so that no
//! two can be made to fight over it. A coordinator may hold two of our commitments for a moment, when a new announcement and its
//! package cross; whichever it uses, the other dies with it, so no coordinator can have two sessions open with us. A share takes its
//! nonces by value.

use super::package::{self, PackageError};
use crate::{
    duty::DutyId,
    setup::Setup,
    sign::guard::Permit,
    types::{BootId, MemberId},
    wire::{Commitment, CommitmentLabel, Package, Share},
};
use alloy_primitives::B256;
use guardian_crypto::{
    frost::{
        KeyShare,
        signing::{self, Nonces},
    },
    identity::IdentityKey,
};
use rand_core::{CryptoRng, RngCore};
use std::collections::BTreeMap;

/// The secrets that signing needs, borrowed for one step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Keys<'a> {
    /// The long-term identity.
    pub identity: &'a IdentityKey,
    /// This guardian's share of the group key; without one it signs nothing.
    pub share: Option<&'a KeyShare>,
}

/// Nonces of one duty. Dropped with it.
#[derive(Debug)]
pub(crate) struct Signer {
    id: DutyId,
    digest: B256,
    boot: BootId,
    next_index: u32,
    /// By coordinator: the last commitments made for it, newest last, at most two. Only one of them will be signed with.
    unspent: BTreeMap<MemberId, Vec<Slot>>,
    /// The last share given to each coordinator, so that a repeated package gets the same answer and no second nonce.
    given: BTreeMap<MemberId, Share>,
}

#[derive(Debug)]
struct Slot {
    nonces: Nonces,
    commitment: Commitment,
}

impl Signer {
    /// No nonces yet.
    #[must_use]
    pub(crate) fn new(id: DutyId, digest: B256, boot: BootId) -> Self {
        Self { id, digest, boot, next_index: 0, unspent: BTreeMap::new(), given: BTreeMap::new() }
    }

    /// A fresh commitment for `coordinator`, who is the only one it can be used by; of those that it has not used, only the last one
    /// before it stays good. `None` if chance failed us (it does not).
    pub(crate) fn commit(
        &mut self,
        coordinator: MemberId,
        setup: &Setup,
        keys: Keys<'_>,
        rng: &mut (impl CryptoRng + RngCore),
    ) -> Option<Commitment> {
        let (nonces, points) = signing::commit(keys.share?, rng).ok()?;
        let label = CommitmentLabel { owner: setup.me, coordinator, boot: self.boot, index: self.next_index };
        self.next_index = self.next_index.checked_add(1)?;
        let commitment = Commitment::seal((self.id, self.digest), label, points, &setup.committee, keys.identity);
        let slots = self.unspent.entry(coordinator).or_default();
        if slots.len() >= 2 {
            slots.remove(0);
        }
        slots.push(Slot { nonces, commitment });
        Some(commitment)
    }

    /// Signs `package` for `coordinator`, consuming the permit and the nonces behind our commitment in it. Commitments of others for
    /// which `known` holds are taken for genuine; all others are checked.
    ///
    /// # Errors
    /// [`PackageError`]; no nonce was spent unless it is [`PackageError::Unsignable`].
    pub(crate) fn sign(
        &mut self,
        permit: Permit,
        package: &Package,
        coordinator: MemberId,
        known: impl Fn(&Commitment) -> bool,
        (setup, keys): (&Setup, Keys<'_>),
        rng: &mut (impl CryptoRng + RngCore),
    ) -> Result<Share, PackageError> {
        if package.duty != self.id
            || package.digest != self.digest
            || permit.digest() != self.digest
            || permit.id() != self.id
        {
            return Err(PackageError::OtherDigest);
        }
        let hash = package.hash();
        if let Some(given) = self.given.get(&coordinator)
            && given.package == hash
        {
            return Ok(*given);
        }
        // First what costs nothing: who has no unspent commitment of ours can't make us check signatures.
        let slots = self.unspent.get(&coordinator).ok_or(PackageError::NotOurs)?;
        let asked = |slot: &Slot| package.commitments.contains(&slot.commitment);
        let at = slots.iter().position(asked).ok_or(PackageError::NotOurs)?;
        let ours = slots.get(at).map(|slot| slot.commitment);
        let prepared = package::check(package, coordinator, &setup.committee, |c| Some(*c) == ours || known(c))?;
        // Both go: the one that is used, and the one that now never will be.
        let slot = self.unspent.remove(&coordinator).and_then(|slots| slots.into_iter().nth(at));
        let slot = slot.ok_or(PackageError::NotOurs)?;
        let share = keys.share.ok_or(PackageError::Unsignable)?;
        let share = signing::sign(slot.nonces, &prepared, share).map_err(|_| PackageError::Unsignable)?;
        let next = self.commit(coordinator, setup, keys, rng).ok_or(PackageError::Unsignable)?;
        let share = Share { duty: self.id, package: hash, share, next };
        self.given.insert(coordinator, share);
        Ok(share)
    }
}
