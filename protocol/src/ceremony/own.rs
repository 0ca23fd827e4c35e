//! What a participant does with its secrets: what it deals, what it reads, what it says about that. The same every time
//! it is asked: all randomness is derived from its identity and the ceremony.

use super::{
    ledger::Ledger,
    post::{Body, Step},
    scheme::Secrets,
};
use crate::types::MemberId;
use alloy_primitives::B256;
use guardian_crypto::{
    Error,
    disclosable::EphemeralKey,
    frost::{KeyShare, PublicShares},
    identity::IdentityKey,
    secret::Secret,
};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

/// The dealer's polynomial. Never used for a signature's nonces.
const DEALING: &str = "GUARDIAN/ceremony/dealing/v1";
/// The key that the dealt shares are encrypted with.
const EPHEMERAL: &str = "GUARDIAN/ceremony/ephemeral/v1";
/// Chance of the proof that a ciphertext was opened truly.
const DISCLOSURE: &str = "GUARDIAN/ceremony/disclosure/v1";

/// One participant's secrets and what it has seen, borrowed for one thing at a time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Own<'a> {
    pub(super) ledger: &'a Ledger,
    pub(super) me: MemberId,
    pub(super) identity: &'a IdentityKey,
    /// The share of the key that is dealt anew.
    pub(super) old: Option<&'a KeyShare>,
}

/// What a participant makes of everything that was dealt.
#[derive(Debug)]
pub(super) enum Verdict {
    /// All is right.
    Right(Box<NewKey>),
    /// What this dealer sent is wrong.
    Wrong(MemberId),
}

/// The key that a transcript makes.
#[derive(Debug)]
pub(super) struct NewKey {
    /// Hash of the transcript.
    pub(super) transcript: B256,
    /// The public side.
    pub(super) public: PublicShares,
    /// This participant's share, if it gets one.
    pub(super) share: Option<KeyShare>,
}

impl Own<'_> {
    /// The body of this dealer's first post.
    pub(super) fn deal(&self) -> Result<Body, Error> {
        let rules = &self.ledger.rules;
        let commitments = rules.scheme.commit(self.me, self.old, &self.derive(DEALING, &[])?)?;
        Ok(Body::Deal { ephemeral: self.ephemeral()?.public().to_bytes(), commitments })
    }

    /// The body of this participant's second post: every deal is here.
    pub(super) fn shares(&self) -> Result<Body, Error> {
        let rules = &self.ledger.rules;
        let mut echo = Vec::with_capacity(rules.dealers.len());
        for dealer in &rules.dealers {
            echo.push(self.ledger.board.hash(Step::Deal, *dealer).ok_or(Error::MissingFrom(*dealer))?);
        }
        let mut ciphertexts = Vec::new();
        if rules.dealers.contains(&self.me) {
            let ephemeral = self.ephemeral()?;
            let seed = self.derive(DEALING, &[])?;
            let secrets = rules.scheme.deal(self.me, self.old, &seed, &self.ledger.dealt())?;
            for to in &rules.recipients {
                let secret = secrets.get(to).ok_or(Error::MissingFrom(*to))?;
                ciphertexts.push(self.encrypt(&ephemeral, Step::Shares, *to, secret)?);
            }
        }
        Ok(Body::Shares { echo, ciphertexts })
    }

    /// The body of a helper's third post, or who dealt it something wrong. All shares are here.
    pub(super) fn sum(&self, lost: MemberId) -> Result<Result<Body, MemberId>, Error> {
        let secrets = self.read(Step::Shares)?;
        if let Some(dealer) = self.first_wrong(Step::Shares, &secrets) {
            return Ok(Err(dealer));
        }
        let shares = self.ledger.board.hash(Step::Shares, self.me).ok_or(Error::MissingFrom(self.me))?;
        let sum = self.ledger.rules.scheme.sum(&secrets)?.ok_or(Error::UnknownMember(lost))?;
        let ciphertext = self.encrypt(&self.ephemeral()?, Step::Sum, lost, &sum)?;
        Ok(Ok(Body::Sum { shares, ciphertext }))
    }

    /// What comes out, or who dealt this participant something wrong. Everything before [`Step::Confirm`] is here.
    pub(super) fn verdict(&self) -> Result<Verdict, Error> {
        let Ledger { rules, .. } = self.ledger;
        let dealt = self.ledger.dealt();
        let transcript = self.ledger.transcript().ok_or(Error::MissingFrom(self.me))?;
        let mut share = None;
        if rules.receivers.contains(&self.me) {
            let step = rules.owed_in(self.me);
            let secrets = self.read(step)?;
            if let Some(dealer) = self.first_wrong(step, &secrets) {
                return Ok(Verdict::Wrong(dealer));
            }
            share = Some(rules.scheme.finish(self.me, &dealt, &secrets)?);
        }
        let public = rules.scheme.public_shares(&rules.plan, &dealt)?;
        if let Some(share) = &share {
            share.belongs_to(&public)?;
        }
        Ok(Verdict::Right(Box::new(NewKey { transcript, public, share })))
    }

    /// Opens to everybody what `dealer` sent to this participant.
    pub(super) fn complain(&self, dealer: MemberId) -> Result<Body, Error> {
        let Ledger { rules, board, deals } = self.ledger;
        let missing = Error::MissingFrom(dealer);
        let from = deals.get(&dealer).ok_or_else(|| missing.clone())?;
        let deal = board.hash(Step::Deal, dealer).ok_or_else(|| missing.clone())?;
        let opened = board.hash(rules.owed_in(self.me), dealer).ok_or(missing)?;
        let mut rng = ChaCha20Rng::from_seed(*self.derive(DISCLOSURE, opened.as_slice())?.expose());
        let disclosure = self.identity.disclose(&from.ephemeral, &mut rng).to_bytes();
        Ok(Body::Complaint { dealer, deal, opened, disclosure })
    }

    /// What every dealer sent to this participant in `step`.
    fn read(&self, step: Step) -> Result<Secrets, Error> {
        let Ledger { rules, board, deals } = self.ledger;
        rules
            .dealers
            .iter()
            .map(|dealer| {
                let missing = || Error::MissingFrom(*dealer);
                let from = deals.get(dealer).ok_or_else(missing)?;
                let post = board.get(step, *dealer).ok_or_else(missing)?;
                let ciphertext = rules.ciphertext(post, self.me).ok_or_else(missing)?;
                let context = rules.cipher_context(step, *dealer, self.me);
                Ok((*dealer, self.identity.decrypt(&from.ephemeral, &context, ciphertext)))
            })
            .collect()
    }

    fn first_wrong(&self, step: Step, secrets: &Secrets) -> Option<MemberId> {
        let scheme = &self.ledger.rules.scheme;
        let dealt = self.ledger.dealt();
        let is_right = |dealer: MemberId, secret: &Secret<[u8; 32]>| {
            if step == Step::Sum {
                scheme.is_right_sum(&dealt, dealer, secret.expose())
            } else {
                dealt.get(&dealer).is_some_and(|dealt| scheme.is_right(dealt, self.me, secret.expose()))
            }
        };
        secrets.iter().find(|(dealer, secret)| !is_right(**dealer, secret)).map(|(dealer, _)| *dealer)
    }

    fn encrypt(
        &self,
        with: &EphemeralKey,
        step: Step,
        to: MemberId,
        secret: &Secret<[u8; 32]>,
    ) -> Result<[u8; 32], Error> {
        let rules = &self.ledger.rules;
        let identity = rules.identity(to).ok_or(Error::UnknownMember(to))?;
        with.encrypt(identity, &rules.cipher_context(step, self.me, to), secret)
    }

    fn ephemeral(&self) -> Result<EphemeralKey, Error> {
        let mut rng = ChaCha20Rng::from_seed(*self.derive(EPHEMERAL, &[])?.expose());
        Ok(EphemeralKey::generate(&self.identity.public(), self.ledger.rules.id.0.as_slice(), &mut rng))
    }

    fn derive(&self, domain: &'static str, more: &[u8]) -> Result<Secret<[u8; 32]>, Error> {
        self.identity.derive(domain, &[self.ledger.rules.id.0.as_slice(), more].concat())
    }
}
