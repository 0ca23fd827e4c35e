//! Duties that this guardian decided and that are not signed yet: at most one of each kind.
//!
//! Announcing, coordinating and answering coordinators for one duty share its nonces, so they live together here. When the next
//! period decides a duty of the same kind, the old one is abandoned and its nonces die with it.

use crate::{
    agree::{
        Tally,
        order::{Turn, rank},
    },
    effects::{Effects, Recipient},
    event::Event,
    setup::Setup,
    sign::{
        Signed,
        coordinator::{Coordinator, Progress},
        guard::Guard,
        signer::{Keys, Signer},
    },
    types::{BootId, Duty, DutyId, MemberId, Timestamp},
    wire::{Announcement, Envelope, Message, Package, Share},
};
use alloy_primitives::B256;
use guardian_crypto::schnorr::Signature;
use rand_core::{CryptoRng, RngCore};

/// One decided, unsigned duty.
#[derive(Debug)]
pub struct OpenDuty {
    duty: Duty,
    digest: B256,
    boot: BootId,
    since: Timestamp,
    signer: Signer,
    coordinator: Coordinator,
    rounds: u32,
    announcement: Option<Envelope>,
    next_round: Timestamp,
    /// When our turn as coordinator begins; set when the digest is agreed.
    turn: Option<Timestamp>,
}

/// What a step of signing needs besides the duty.
#[derive(Debug)]
pub struct Desk<'a> {
    /// Fixed surroundings.
    pub setup: &'a Setup,
    /// The secrets.
    pub keys: Keys<'a>,
    /// The guard.
    pub guard: &'a Guard,
}

impl Desk<'_> {
    /// Signs a message as ourselves.
    #[must_use]
    pub fn seal(&self, message: Message) -> Envelope {
        Envelope::seal(self.setup.me, message, &self.setup.committee, self.keys.identity)
    }
}

impl OpenDuty {
    /// A duty that the guard has let through.
    #[must_use]
    pub fn new(now: Timestamp, duty: Duty, digest: B256, boot: BootId) -> Self {
        let id = duty.id();
        Self {
            duty,
            digest,
            boot,
            since: now,
            signer: Signer::new(id, digest, boot),
            coordinator: Coordinator::new(id, digest),
            rounds: 0,
            announcement: None,
            next_round: now,
            turn: None,
        }
    }

    /// Which duty.
    #[must_use]
    pub fn id(&self) -> DutyId {
        self.duty.id()
    }

    /// What this guardian computed.
    #[must_use]
    pub fn digest(&self) -> B256 {
        self.digest
    }

    /// Since when it is open.
    #[must_use]
    pub fn since(&self) -> Timestamp {
        self.since
    }

    /// Our current announcement, for a peer that came late.
    #[must_use]
    pub fn announcement(&self) -> Option<&Envelope> {
        self.announcement.as_ref()
    }

    /// Announces when it is time to, with fresh commitments for every coordinator that may be needed.
    pub fn announce(
        &mut self,
        now: Timestamp,
        tally: &mut Tally,
        desk: &Desk<'_>,
        rng: &mut (impl CryptoRng + RngCore),
        fx: &mut Effects,
    ) {
        if now < self.next_round {
            fx.wake(self.next_round);
            return;
        }
        self.rounds = self.rounds.saturating_add(1);
        self.next_round = now.after(desk.setup.timing.reannounce.saturating_mul(self.rounds));
        fx.wake(self.next_round);
        self.signer.forget_unspent();
        let mut coordinators: Vec<(usize, MemberId)> = desk
            .setup
            .committee
            .iter()
            .filter_map(|member| Some((self.rank(member.id, desk.setup)?, member.id)))
            .filter(|(rank, _)| *rank < coordinators(desk.setup))
            .collect();
        coordinators.sort_unstable();
        let commitments = coordinators
            .into_iter()
            .map_while(|(_, member)| self.signer.commit(member, desk.setup, desk.keys, rng))
            .collect();
        let announcement =
            Announcement { duty: self.id(), digest: self.digest, boot: self.boot, round: self.rounds, commitments };
        tally.file(desk.setup.me, announcement.clone());
        self.consider(desk.setup.me, &announcement, desk.setup);
        let envelope = desk.seal(Message::Announcement(announcement));
        fx.send(Recipient::All, envelope.clone());
        self.announcement = Some(envelope);
    }

    /// Takes the commitment that a member's announcement holds for us, if it votes as we do.
    pub fn consider(&mut self, member: MemberId, announcement: &Announcement, setup: &Setup) {
        if announcement.duty != self.id() || announcement.digest != self.digest {
            return;
        }
        let for_us = self.rank(setup.me, setup).and_then(|rank| announcement.commitments.get(rank));
        if let Some(commitment) = for_us
            && commitment.owner == member
            && (member == setup.me || commitment.is_genuine(self.id(), self.digest, &setup.committee))
        {
            self.coordinator.offer(*commitment);
        }
    }

    /// Coordinates, if the digest is agreed, our turn has come and enough members are responsive.
    pub fn coordinate(
        &mut self,
        now: Timestamp,
        tally: &Tally,
        desk: &Desk<'_>,
        connected: impl Fn(MemberId) -> bool,
        rng: &mut (impl CryptoRng + RngCore),
        fx: &mut Effects,
    ) -> Option<Signature> {
        if self.turn.is_none() && tally.votes(self.id(), self.digest) >= desk.setup.committee.threshold() {
            fx.report(Event::Agreed { id: self.id() });
            let rank = self.rank(desk.setup.me, desk.setup).and_then(|rank| u32::try_from(rank).ok())?;
            self.turn = Some(now.after(desk.setup.timing.coordinator_stagger.saturating_mul(rank)));
        }
        let turn = self.turn?;
        if now < turn {
            fx.wake(turn);
            return None;
        }
        if !self.coordinator.should_open(now, desk.setup) {
            if let Some(deadline) = self.coordinator.deadline().filter(|deadline| *deadline > now) {
                fx.wake(deadline);
            }
            return None;
        }
        let (package, attempt) = self.coordinator.open(now, desk.setup, connected)?;
        fx.wake(now.after(desk.setup.timing.share_timeout));
        let signers: Vec<MemberId> = package.commitments.iter().map(|c| c.owner).collect();
        let envelope = desk.seal(Message::Package(package.clone()));
        for signer in signers.iter().filter(|signer| **signer != desk.setup.me) {
            fx.send(Recipient::One(*signer), envelope.clone());
        }
        fx.report(Event::SessionOpened { id: self.id(), attempt, signers });
        let ours = self.sign(&package, desk.setup.me, desk, rng)?;
        self.take(desk.setup.me, &ours, desk.setup, fx)
    }

    /// Answers a coordinator's package with our share.
    pub fn answer(
        &mut self,
        package: &Package,
        coordinator: MemberId,
        desk: &Desk<'_>,
        rng: &mut (impl CryptoRng + RngCore),
        fx: &mut Effects,
    ) {
        if let Some(share) = self.sign(package, coordinator, desk, rng) {
            fx.send(Recipient::One(coordinator), desk.seal(Message::Share(share)));
        } else {
            let reason = "a package that can't be signed".to_owned();
            fx.report(Event::MessageRefused { member: coordinator, reason });
        }
    }

    /// Takes a member's share. The committee's signature comes out when it was the last one needed.
    pub fn take(&mut self, member: MemberId, share: &Share, setup: &Setup, fx: &mut Effects) -> Option<Signature> {
        match self.coordinator.take(member, share, setup) {
            Progress::Waiting => None,
            Progress::Complete(signature) => Some(signature),
            Progress::Culprits(culprits) => {
                for member in culprits {
                    fx.report(Event::Culprit { id: self.id(), member });
                }
                None
            }
        }
    }

    /// The signed duty that `signature` makes of this one.
    #[must_use]
    pub fn signed(&self, signature: Signature, setup: &Setup) -> Option<Signed> {
        Signed::verify(self.duty.clone(), signature, setup).ok()
    }

    fn sign(
        &mut self,
        package: &Package,
        coordinator: MemberId,
        desk: &Desk<'_>,
        rng: &mut (impl CryptoRng + RngCore),
    ) -> Option<Share> {
        let permit = desk.guard.permit(self.id(), self.digest).ok()?;
        self.signer.sign(permit, package, coordinator, desk.setup, desk.keys, rng).ok()
    }

    fn rank(&self, member: MemberId, setup: &Setup) -> Option<usize> {
        rank(Turn::Coordinate, self.id(), self.digest, &setup.committee, member)
    }
}

/// How many members may coordinate: with n - t faulty ones, one more is enough.
fn coordinators(setup: &Setup) -> usize {
    setup.committee.size().saturating_sub(setup.committee.threshold()).saturating_add(1)
}
