//! What a signed ejection order leads to: each guardian gives its part of the validator's exit, t parts make the validator's own
//! signature, and the beacon chain is watched until the exit is on it.
//!
//! An exit signature is valid for ever, so giving a part is irrevocable. It is given only here, and only for a validator in a
//! [`Signed`] order whose record is in the same commit or an earlier one. A part is checked against its author's public share
//! before it counts.

use crate::{
    agree::order::{Turn, rank},
    effects::Effects,
    event::Event,
    ports::{Call, SignedExit},
    setup::Setup,
    sign::Signed,
    types::{BlsPubkey, DutyBody, EjectionReason, Epoch, Evidence, MemberId, Network, Timestamp, ValidatorIndex},
    wire::PartialExits,
};
use alloy_primitives::B256;
use guardian_crypto::bls::{
    self, BlsSignature, ExitShare, PartialSignature, ShareCommitments,
    exit::{self, VoluntaryExit},
};
use std::{collections::BTreeMap, time::Duration};

/// This guardian's part of one validator's key, and what the public knows of all parts.
#[derive(Debug)]
pub struct ValidatorKey {
    /// The secret part.
    pub share: ExitShare,
    /// Feldman commitments: they fix every member's public share and the validator's key.
    pub commitments: ShareCommitments,
}

/// Exits under way.
#[derive(Debug)]
pub struct Exits {
    keys: BTreeMap<BlsPubkey, ValidatorKey>,
    open: BTreeMap<ValidatorIndex, OpenExit>,
    /// The last parts of each member, kept until their order is known here: parts may overtake the order's signature.
    early: BTreeMap<MemberId, PartialExits>,
}

#[derive(Debug)]
struct OpenExit {
    order: B256,
    period: Epoch,
    pubkey: BlsPubkey,
    root: [u8; 32],
    partials: BTreeMap<MemberId, PartialSignature>,
    signature: Option<BlsSignature>,
    turn: Timestamp,
    patience: Duration,
}

impl Exits {
    /// With these shares of validators' keys.
    #[must_use]
    pub fn new(keys: BTreeMap<BlsPubkey, ValidatorKey>) -> Self {
        Self { keys, open: BTreeMap::new(), early: BTreeMap::new() }
    }

    /// Validators whose exit is under way.
    pub fn open(&self) -> impl Iterator<Item = ValidatorIndex> {
        self.open.keys().copied()
    }

    /// Starts the exits that `signed` demands of validators that are `wanted` and not under way. Returns our parts of them, to be
    /// told to everybody.
    pub fn start(
        &mut self,
        now: Timestamp,
        signed: &Signed,
        wanted: impl Fn(ValidatorIndex) -> bool,
        setup: &Setup,
        fx: &mut Effects,
    ) -> Option<PartialExits> {
        let DutyBody::Ejection(order) = &signed.duty().body else { return None };
        let (id, digest, period) = (signed.id(), signed.digest(), signed.duty().period);
        let place = rank(Turn::PublishExit, id, digest, &setup.committee, setup.me).unwrap_or(usize::MAX);
        let patience = setup.timing.coordinator_stagger.saturating_mul(u32::try_from(place).unwrap_or(u32::MAX));
        let mut exits = Vec::new();
        // A slashed validator is on its way out already: the beacon chain saw to that.
        for ejection in order.ejections().iter().filter(|e| e.reason != EjectionReason::Slashed && wanted(e.index)) {
            if self.open.get(&ejection.index).is_some_and(|open| open.order == digest) {
                continue;
            }
            let Some(key) = self.keys.get(&ejection.pubkey) else {
                fx.report(Event::NoExitShare { index: ejection.index });
                continue;
            };
            let Some(root) = signing_root(period, ejection.index, &setup.network) else { continue };
            let partial = bls::partial_exit(&key.share, &root);
            fx.report(Event::PartialExitReleased { index: ejection.index, reason: ejection.reason });
            exits.push((ejection.index, partial));
            let open = OpenExit {
                order: digest,
                period,
                pubkey: ejection.pubkey,
                root,
                partials: BTreeMap::from([(setup.me, partial)]),
                signature: None,
                turn: now.after(patience),
                patience,
            };
            self.open.insert(ejection.index, open);
        }
        for (member, parts) in std::mem::take(&mut self.early) {
            self.take(now, member, parts, fx);
        }
        (!exits.is_empty()).then_some(PartialExits { duty: id, digest, exits })
    }

    /// Takes the parts that `member` gave. Wrong ones are reported and not counted.
    pub fn take(&mut self, now: Timestamp, member: MemberId, parts: PartialExits, fx: &mut Effects) {
        if !self.open.values().any(|open| open.order == parts.digest) {
            self.early.insert(member, parts);
            return;
        }
        for (index, partial) in parts.exits {
            let Some(open) = self.open.get_mut(&index).filter(|open| open.order == parts.digest) else { continue };
            let Some(key) = self.keys.get(&open.pubkey) else { continue };
            if open.signature.is_some() || open.partials.contains_key(&member) {
                continue;
            }
            if bls::verify_partial(&key.commitments, member, &open.root, &partial).is_err() {
                let reason = format!("wrong partial exit signature for validator {index}");
                fx.report(Event::MessageRefused { member, reason });
                continue;
            }
            open.partials.insert(member, partial);
            if open.partials.len() >= usize::from(key.commitments.threshold())
                && let Ok(signature) = bls::combine(&open.partials, &key.commitments, &open.root)
            {
                open.signature = Some(signature);
                open.turn = now.after(open.patience);
                fx.report(Event::ExitCombined { index });
            }
        }
    }

    /// Publishes complete exits when it is our turn. A node's 200 is not acceptance, so this repeats until the exit is seen.
    pub fn poll(&mut self, now: Timestamp, setup: &Setup, fx: &mut Effects) {
        for (index, open) in &mut self.open {
            let Some(signature) = &open.signature else { continue };
            if now >= open.turn {
                let exit = SignedExit { epoch: open.period, index: *index, signature: signature.to_bytes() };
                fx.call(Call::PublishExit(exit));
                open.turn = now.after(setup.timing.submit_stagger.saturating_add(open.patience));
            }
            fx.wake(open.turn);
        }
    }

    /// Closes the exits that `evidence` shows on the beacon chain.
    pub fn see(&mut self, evidence: &Evidence, fx: &mut Effects) {
        for validator in &evidence.validators {
            if validator.exit_epoch != Epoch::FAR_FUTURE && self.open.remove(&validator.index).is_some() {
                fx.report(Event::ExitSeen { index: validator.index, exit_epoch: validator.exit_epoch });
            }
        }
    }

    /// Our parts of what is still open under `order`, to be told again: to a peer that came late, or after a loss.
    #[must_use]
    pub fn ours(&self, order: &Signed, setup: &Setup) -> Option<PartialExits> {
        let exits: Vec<_> = self
            .open
            .iter()
            .filter(|(_, open)| open.order == order.digest())
            .filter_map(|(index, open)| Some((*index, *open.partials.get(&setup.me)?)))
            .collect();
        (!exits.is_empty()).then(|| PartialExits { duty: order.id(), digest: order.digest(), exits })
    }
}

/// The root that the validator's key signs: an exit valid from the order's reference epoch on, which has passed already. Its domain is
/// chosen as if a block of that same epoch included it, so that every guardian takes the same one; an order whose exit crosses the
/// fork to Deneb in flight is therefore lost, and the next order takes its place. `None` if the fork schedule is unusable.
fn signing_root(period: Epoch, index: ValidatorIndex, network: &Network) -> Option<[u8; 32]> {
    let schedule: Vec<exit::Fork> =
        network.forks.iter().map(|fork| exit::Fork { epoch: fork.epoch.0, version: fork.version }).collect();
    let forks = exit::ExitForks {
        schedule: &schedule,
        capella_version: network.capella_fork_version,
        deneb_epoch: network.deneb_fork_epoch.map(|epoch| epoch.0),
    };
    let version = exit::exit_fork_version(&forks, period.0, period.0).ok()?;
    let domain = exit::ExitDomain::new(version, &network.genesis_validators_root.0);
    Some(VoluntaryExit { epoch: period.0, validator_index: index.0 }.signing_root(&domain))
}
