//! Coordinating one open duty: when our turn comes, whom we ask, and our own answer among the others'.

use super::{OpenDuty, SigningContext};
use crate::{
    agree::Tally,
    effects::{Effects, Recipient},
    event::Event,
    sign::Attestation,
    types::{MemberId, Timestamp},
    wire::{Commitment, Message, Package},
};
use guardian_crypto::schnorr::Signature;
use rand_core::{CryptoRng, RngCore};

impl OpenDuty {
    /// Coordinates, if the digest is agreed, our turn has come and enough members are responsive.
    pub(crate) fn coordinate(
        &mut self,
        now: Timestamp,
        tally: &Tally,
        context: &SigningContext<'_>,
        rng: &mut (impl CryptoRng + RngCore),
        fx: &mut Effects,
    ) -> Option<Attestation> {
        if self.attesting.is_some() {
            return self.attest(now, tally, context, fx);
        }
        if self.turn.is_none() && tally.votes(self.id(), self.digest) >= context.setup.committee.threshold() {
            fx.report(Event::Agreed { id: self.id() });
            let place = self.place(context);
            self.turn = Some(now.after(context.setup.timing.coordinator_stagger.saturating_mul(place)));
        }
        let turn = self.turn.filter(|_| context.may_sign() && self.held.is_none())?;
        if now < turn {
            fx.wake(turn);
            return None;
        }
        if let Some(package) = self.unanswered.take()
            && let Some(signature) = self.answer_own(now, &package, context, rng)
        {
            return Some(Attestation::Group(signature));
        }
        for (package, silent) in self.coordinator.overdue(now) {
            for member in silent.into_iter().filter(|member| *member != context.setup.me) {
                fx.send(Recipient::One(member), package.clone());
            }
        }
        self.open_session(now, context, fx);
        None
    }

    /// Opens a session if none is running that may still succeed, and enough members are responsive.
    fn open_session(&mut self, now: Timestamp, context: &SigningContext<'_>, fx: &mut Effects) {
        if let Some(deadline) = self.coordinator.deadline().filter(|deadline| *deadline > now) {
            fx.wake(deadline);
            return;
        }
        for (member, commitment) in std::mem::take(&mut self.spare) {
            self.offer(member, &commitment, context.setup);
        }
        let me = context.setup.me;
        let is_usable = |commitment: &Commitment| commitment.owner == me || context.roster.is_usable(commitment);
        if !self.coordinator.should_open(now, context.setup, is_usable) {
            return;
        }
        let connected = |member| context.roster.is_connected(member);
        let seal = |package| context.seal(Message::Package(package));
        let opened = self.coordinator.open(now, context.setup, is_usable, connected, seal);
        let Some((package, envelope, attempt)) = opened else { return };
        let signers: Vec<MemberId> = package.owners().collect();
        for signer in signers.iter().filter(|signer| **signer != me) {
            fx.send(Recipient::One(*signer), envelope.clone());
        }
        fx.report(Event::SessionOpened { id: self.id(), attempt, signers });
        // What leaves a step leaves at its end: the package shall not wait for our own share.
        self.unanswered = Some(package);
        fx.wake(now);
    }

    /// Answers a package of our own. The signature comes out if all others have answered already.
    fn answer_own(
        &mut self,
        now: Timestamp,
        package: &Package,
        context: &SigningContext<'_>,
        rng: &mut (impl CryptoRng + RngCore),
    ) -> Option<Signature> {
        // Ours and those of the others that we use were checked when they were offered.
        let ours = self.sign(package, context.setup.me, |_| true, context, rng).ok()?;
        self.take(now, context.setup.me, &ours, None, context.setup)
    }

    /// How many coordinators are before us: of those that we can see to take part. Others may see it differently, and two may then
    /// coordinate at once, which costs messages and nothing else.
    fn place(&self, context: &SigningContext<'_>) -> u32 {
        let before = self.coordinators.iter().take_while(|member| **member != context.setup.me);
        let present = before.filter(|member| context.roster.is_in(**member) && context.roster.is_connected(**member));
        u32::try_from(present.count()).unwrap_or(u32::MAX)
    }
}
