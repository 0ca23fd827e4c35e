//! The member that lies. It computes what everybody computes, so that it gets its turns, and then says something else. All of it is
//! properly signed. It is one of two kinds:
//!
//! - who *forges* gives wrong shares, wrong parts of exits, and wrong signatures of its account. It is caught, and nobody deals with it any more;
//! - who *schemes* gives no offence, and asks as coordinator for several packages around the same nonces, which is what an attacker
//!   on a key share has to do.
//!
//! Both accuse others, of whatever they heard.

use super::keys::Keys;
use alloy::primitives::{B256, U256};
use guardian_crypto::{
    account::AccountSignature, bls::PartialSignature, frost::signing::SignatureShare, secret::Secret,
};
use guardian_protocol::{
    DutyBody, DutyId, Envelope, Fault, MemberId,
    testing::{self, Commitment, LegacyModule, Message, Package, PufferMessage},
};
use rand_chacha::{ChaCha20Rng, rand_core::RngCore};

/// Who it is and what it has heard.
#[derive(Debug)]
pub(super) struct Liar {
    member: MemberId,
    forges: bool,
    /// Commitments of everybody, with what they were made for.
    commitments: Vec<(DutyId, B256, Commitment)>,
    packages: Vec<Envelope>,
    shares: Vec<Envelope>,
}

impl Liar {
    const MEMORY: usize = 60;

    pub(super) fn new(member: MemberId, forges: bool) -> Self {
        Self { member, forges, commitments: Vec::new(), packages: Vec::new(), shares: Vec::new() }
    }

    pub(super) fn member(&self) -> MemberId {
        self.member
    }

    /// Whether it schemes.
    pub(super) fn schemes(&self) -> bool {
        !self.forges
    }

    /// Hears everything that anybody says to anybody: more than a liar can.
    pub(super) fn listen(&mut self, envelope: &Envelope) {
        match envelope.message() {
            Message::Announcement(said) => {
                self.commitments.extend(said.commitments.iter().map(|c| (said.duty, said.digest, *c)));
            }
            Message::Share(share) => {
                let package = self.packages.iter().find_map(|sealed| match sealed.message() {
                    Message::Package(package) if package.hash() == share.package => Some(package),
                    _ => None,
                });
                self.commitments.extend(package.map(|package| (share.duty, package.digest, share.next)));
                self.shares.push(envelope.clone());
            }
            Message::Package(_) => self.packages.push(envelope.clone()),
            _ => {}
        }
        let surplus = self.commitments.len().saturating_sub(Self::MEMORY);
        self.commitments.drain(..surplus);
    }

    /// What it says instead of `envelope`, now and then.
    pub(super) fn tamper(&self, envelope: Envelope, keys: &Keys, rng: &mut ChaCha20Rng) -> Envelope {
        if !self.forges || rng.next_u32().is_multiple_of(2) {
            return envelope;
        }
        match envelope.message() {
            Message::Share(share) => {
                let mut forged = *share;
                // Somebody's nonces, nobody's share: a valid scalar that is wrong.
                let mut bytes = [0; 32];
                rng.fill_bytes(bytes.get_mut(16..).unwrap_or_default());
                if let Ok(share) = SignatureShare::from_bytes(&bytes) {
                    forged.share = share;
                }
                self.seal(Message::Share(forged), keys)
            }
            Message::PartialExits(parts) => {
                let mut forged = parts.clone();
                if let Ok(garbage) = PartialSignature::from_bytes(&[1; 96]) {
                    forged.exits.iter_mut().for_each(|(_, partial)| *partial = garbage);
                }
                self.seal(Message::PartialExits(forged), keys)
            }
            Message::Attested(attested) => {
                let (mut forged, (own, _)) = (attested.clone(), testing::account(self.member.get()));
                let DutyBody::ValidatorCount(count) = &mut forged.duty.body else { return envelope };
                // A lie that its own account signs, or the truth with a signature of nobody who may sign.
                let (key, active) = if rng.next_u32().is_multiple_of(2) {
                    (own, count.active + 1)
                } else {
                    (Secret::new([9; 32]), count.active)
                };
                count.active = active;
                let (validators, epoch) = (U256::from(active), U256::from(forged.duty.period.0));
                let message = PufferMessage::ValidatorCount { validators, epoch };
                let signed = AccountSignature::sign(&key, &message.legacy_digest(LegacyModule::Deployed).0);
                forged.signatures = signed.into_iter().map(|(signature, _)| signature).collect();
                self.seal(Message::Attested(forged), keys)
            }
            _ => envelope,
        }
    }

    /// Another package around `victim`'s nonces, as well made as a package can be: genuine commitments that were made for this
    /// coordinator and one digest of one duty, in order, as many as it takes. `None` while it has not heard enough.
    pub(super) fn scheme(&self, victim: MemberId, keys: &Keys, rng: &mut ChaCha20Rng) -> Option<(Package, Envelope)> {
        let ours = |c: &Commitment| c.coordinator == self.member;
        let (duty, digest, _) =
            *self.commitments.iter().rev().find(|(_, _, c)| c.owner == victim && ours(c)).filter(|_| !self.forges)?;
        // Mostly the last one that it got, which is the one that may not be spent.
        let mut pick = |owner: MemberId| {
            let fit =
                |(id, d, c): &&(DutyId, B256, Commitment)| *id == duty && *d == digest && c.owner == owner && ours(c);
            let from: Vec<Commitment> = self.commitments.iter().filter(fit).map(|(_, _, c)| *c).collect();
            let at = usize::try_from(rng.next_u32()).ok()?.checked_rem(from.len())?;
            if rng.next_u32().is_multiple_of(3) { from.get(at) } else { from.last() }.copied()
        };
        let threshold = keys.committee().threshold();
        let mut commitments = vec![pick(victim)?];
        for other in keys.members().filter(|other| *other != victim) {
            if commitments.len() < threshold {
                commitments.extend(pick(other));
            }
        }
        commitments.sort_by_key(|commitment| commitment.owner);
        let package = Package { duty, digest, commitments };
        (package.commitments.len() == threshold).then(|| (package.clone(), self.seal(Message::Package(package), keys)))
    }

    /// An accusation, made of what somebody else signed.
    pub(super) fn accuse(&self, rng: &mut ChaCha20Rng) -> Option<Fault> {
        let mut pick = |from: &[Envelope]| {
            let at = usize::try_from(rng.next_u32()).ok()?.checked_rem(from.len())?;
            from.get(at).map(Envelope::encode)
        };
        let (package, share) = (pick(&self.packages), pick(&self.shares));
        match rng.next_u32() % 4 {
            0 => Some(Fault::Package { package: package? }),
            1 => {
                let (duty, digest, commitment) = *self.commitments.last()?;
                Some(Fault::Commitment { duty, digest, commitment })
            }
            _ => Some(Fault::Share { package: package?, share: share? }),
        }
    }

    /// Signs something as itself.
    pub(super) fn seal(&self, message: Message, keys: &Keys) -> Envelope {
        Envelope::seal(self.member, message, keys.committee(), &keys.identity(self.member))
    }
}
