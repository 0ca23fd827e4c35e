//! Duties that this guardian decided and that are not signed yet.
//!
//! Announcing, coordinating and answering coordinators for one duty share its nonces, so they live together here. When the next
//! period is decided, the old one is abandoned and its nonces die with it.
//!
//! Cheating that comes to light is collected in [`OpenDuty::take_faults`]; what follows from it is not decided here.

mod attest;
mod context;
mod coordinate;

use attest::Attesting;
pub(crate) use context::SigningContext;

use crate::{
    agree::{
        Tally,
        order::{Turn, order},
    },
    duty::{Duty, DutyId},
    effects::{Effects, Recipient},
    event::Event,
    hold::Hold,
    setup::Setup,
    sign::{
        Attestation, Fault, Signed,
        coordinator::{Coordinator, Progress},
        package::PackageError,
        signer::Signer,
    },
    types::{BootId, Committee, GuardianList, MemberId, Timestamp},
    wire::{Announcement, Commitment, Envelope, Message, Package, Share},
};
use alloy_primitives::B256;
use guardian_crypto::schnorr::Signature;
use rand_core::{CryptoRng, RngCore};

/// One decided, unsigned duty.
#[derive(Debug)]
pub(crate) struct OpenDuty {
    duty: Duty,
    digest: B256,
    boot: BootId,
    since: Timestamp,
    /// All members, in the order of their turns as coordinators.
    coordinators: Vec<MemberId>,
    signer: Signer,
    coordinator: Coordinator,
    rounds: u32,
    announcement: Option<Envelope>,
    next_round: Timestamp,
    /// When our turn as coordinator begins; set when the digest is agreed.
    turn: Option<Timestamp>,
    /// Why it waits: until it is released, nothing is said of it, and no package is answered.
    held: Option<Hold>,
    /// The package of our own that we have not answered yet: the others' answers are under way meanwhile.
    unanswered: Option<Package>,
    /// Commitments that came with shares. They are looked at only if the session fails.
    spare: Vec<(MemberId, Commitment)>,
    /// Where accounts sign, in the place of everything that has to do with nonces.
    attesting: Option<Attesting>,
    faults: Vec<Fault>,
}

impl OpenDuty {
    /// A duty that the guard has let through. `list`: the accounts that sign it, if the group does not.
    #[must_use]
    pub(crate) fn new(
        now: Timestamp,
        (duty, digest): (Duty, B256),
        list: Option<GuardianList>,
        boot: BootId,
        committee: &Committee,
    ) -> Self {
        let id = duty.id();
        let coordinators = order(Turn::Coordinate, id, digest, committee);
        Self {
            duty,
            digest,
            boot,
            since: now,
            coordinators,
            signer: Signer::new(id, digest, boot),
            coordinator: Coordinator::new(id, digest),
            rounds: 0,
            announcement: None,
            next_round: now,
            turn: None,
            held: None,
            unanswered: None,
            spare: Vec::new(),
            attesting: list.map(Attesting::new),
            faults: Vec::new(),
        }
    }

    /// Which duty.
    #[must_use]
    pub(crate) fn id(&self) -> DutyId {
        self.duty.id()
    }

    /// What this guardian computed.
    #[must_use]
    pub(crate) fn digest(&self) -> B256 {
        self.digest
    }

    /// Since when it is open.
    #[must_use]
    pub(crate) fn since(&self) -> Timestamp {
        self.since
    }

    /// Why it waits, if it does.
    #[must_use]
    pub(crate) fn held(&self) -> Option<&Hold> {
        self.held.as_ref()
    }

    /// Lets it wait, or go on. It keeps its nonces: what was promised with them stays good.
    pub(crate) fn wait(&mut self, hold: Option<Hold>, fx: &mut Effects) {
        let (id, digest) = (self.id(), self.digest);
        match (&self.held, &hold) {
            (None, Some(hold)) => fx.report(Event::Held { id, digest, reason: hold.reason.clone() }),
            (Some(_), None) => fx.report(Event::WaitOver { id }),
            (None, None) | (Some(_), Some(_)) => {}
        }
        self.held = hold;
    }

    /// Our current announcement, for a peer that came late.
    #[must_use]
    pub(crate) fn announcement(&self) -> Option<&Envelope> {
        self.announcement.as_ref().filter(|_| self.held.is_none())
    }

    /// Proofs of cheating found since the last call.
    #[must_use]
    pub(crate) fn take_faults(&mut self) -> Vec<Fault> {
        std::mem::take(&mut self.faults)
    }

    /// Announces when it is time to, with fresh commitments for the coordinators whose turn this round is.
    pub(crate) fn announce(
        &mut self,
        now: Timestamp,
        tally: &mut Tally,
        context: &SigningContext<'_>,
        rng: &mut (impl CryptoRng + RngCore),
        fx: &mut Effects,
    ) {
        if !context.may_sign() || self.held.is_some() {
            return;
        }
        if now < self.next_round {
            fx.wake(self.next_round);
            return;
        }
        self.rounds = self.rounds.saturating_add(1);
        self.next_round = now.after(context.setup.timing.reannounce.saturating_mul(self.rounds));
        fx.wake(self.next_round);
        // A vote alone, where nobody coordinates.
        let most = if self.attesting.is_some() { 0 } else { Announcement::MAX_COMMITMENTS };
        let served: Vec<MemberId> = served(&self.coordinators, self.rounds).take(most).collect();
        let commitments = served
            .into_iter()
            .filter_map(|coordinator| self.signer.commit(coordinator, context.setup, context.keys, rng))
            .collect();
        let announcement =
            Announcement { duty: self.id(), digest: self.digest, boot: self.boot, round: self.rounds, commitments };
        tally.file(context.setup.me, announcement.clone(), Some(self.boot));
        self.consider(context.setup.me, &announcement, context.setup);
        let envelope = context.seal(Message::Announcement(announcement));
        fx.send(Recipient::All, envelope.clone());
        self.announcement = Some(envelope);
        if let Some(attested) = self.attested() {
            fx.send(Recipient::All, context.seal(Message::Attested(attested)));
        }
    }

    /// Takes the commitment that a member's announcement holds for us, if it votes as we do.
    pub(crate) fn consider(&mut self, member: MemberId, announcement: &Announcement, setup: &Setup) {
        if announcement.duty == self.id()
            && announcement.digest == self.digest
            && let Some(commitment) = announcement.commitment_for(setup.me)
        {
            self.offer(member, commitment, setup);
        }
    }

    /// Answers the package in `envelope` with our share.
    pub(crate) fn answer(
        &mut self,
        package: &Package,
        envelope: &Envelope,
        tally: &Tally,
        context: &SigningContext<'_>,
        rng: &mut (impl CryptoRng + RngCore),
        fx: &mut Effects,
    ) {
        let coordinator = envelope.sender();
        if !context.may_sign() || self.held.is_some() || context.roster.culprits.is_excluded(coordinator) {
            return;
        }
        // What an owner told us itself, under its own signature, needs no second look.
        let known = |commitment: &Commitment| tally.holds(package.duty, package.digest, commitment);
        match self.sign(package, coordinator, known, context, rng) {
            Ok(share) => fx.send(Recipient::One(coordinator), context.seal(Message::Share(share))),
            Err(error) => {
                if error.is_fault() {
                    self.faults.push(Fault::Package { package: envelope.encode() });
                }
                fx.report(Event::MessageRefused { member: coordinator, reason: error.to_string() });
            }
        }
    }

    /// Takes a member's share, which came in `envelope` (`None`: it is ours). The committee's signature comes out when it was the last
    /// one needed.
    pub(crate) fn take(
        &mut self,
        now: Timestamp,
        member: MemberId,
        share: &Share,
        envelope: Option<Envelope>,
        setup: &Setup,
    ) -> Option<Signature> {
        if !self.coordinator.awaits(member, share) {
            return None;
        }
        self.spare.push((member, share.next));
        match self.coordinator.take(now, member, share, envelope, setup) {
            Progress::Waiting => None,
            Progress::Complete(signature) => Some(signature),
            Progress::Faults(faults) => {
                self.faults.extend(faults);
                None
            }
        }
    }

    /// The signed duty that `attestation` makes of this one.
    #[must_use]
    pub(crate) fn signed(&self, attestation: &Attestation, setup: &Setup) -> Option<Signed> {
        let duty = self.duty.clone();
        match (attestation, &self.attesting) {
            (Attestation::Group(signature), _) => Signed::verify(duty, *signature, setup).ok(),
            (Attestation::Accounts(signatures), Some(attesting)) => attesting.signed(duty, signatures, setup),
            (Attestation::Accounts(_), None) => None,
        }
    }

    /// `member` offers us a commitment of its own.
    fn offer(&mut self, member: MemberId, commitment: &Commitment, setup: &Setup) {
        if commitment.owner != member || commitment.coordinator != setup.me || self.coordinator.holds(commitment) {
            return;
        }
        if member != setup.me {
            if !commitment.is_genuine(self.id(), self.digest, &setup.committee) {
                return;
            }
            if !commitment.points.is_well_formed() {
                let (duty, digest) = (self.id(), self.digest);
                self.faults.push(Fault::Commitment { duty, digest, commitment: *commitment });
                return;
            }
        }
        self.coordinator.offer(*commitment);
    }

    fn sign(
        &mut self,
        package: &Package,
        coordinator: MemberId,
        known: impl Fn(&Commitment) -> bool,
        context: &SigningContext<'_>,
        rng: &mut (impl CryptoRng + RngCore),
    ) -> Result<Share, PackageError> {
        let permit = context.guard.permit(self.id(), self.digest).map_err(|_| PackageError::OtherDigest)?;
        self.signer.sign(permit, package, coordinator, known, (context.setup, context.keys), rng)
    }
}

/// The coordinators for which an announcement of `round` (from 1) holds commitments: as many as fit, the next ones in each round.
fn served(coordinators: &[MemberId], round: u32) -> impl Iterator<Item = MemberId> + '_ {
    let count = coordinators.len().min(Announcement::MAX_COMMITMENTS);
    let before = usize::try_from(round).unwrap_or(0).saturating_sub(1).saturating_mul(count);
    let start = before.checked_rem(coordinators.len()).unwrap_or(0);
    coordinators.iter().cycle().skip(start).take(count).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_a_few_rounds_every_coordinator_is_served() {
        for size in [1u16, 2, 8, 9, 11, 34] {
            let coordinators: Vec<MemberId> = MemberId::first(size).collect();
            let rounds = u32::from(size.div_ceil(8));
            let mut seen: Vec<MemberId> = (1..=rounds).flat_map(|round| served(&coordinators, round)).collect();
            seen.sort_unstable();
            seen.dedup();
            assert_eq!(seen, coordinators, "{size} coordinators in {rounds} rounds");
            assert_eq!(served(&coordinators, 1).next(), Some(coordinators[0]), "the first is served first");
            assert_eq!(served(&coordinators, rounds + 7).count(), usize::from(size.min(8)));
        }
        assert_eq!(served(&[], 3).count(), 0);
    }
}
