//! One participant that lies, in one way, which the seed picks. Everything it says is properly signed: it has its own
//! keys.

use super::cast::{below, identity};
use guardian_crypto::{
    disclosable::EphemeralPublic,
    frost::{KeyShare, dkg::Round1, repair::Repair, reshare::Resharing},
    member::MemberId,
};
use guardian_protocol::ceremony::{Body, Plan, Post, Purpose, Record, Step, wire::Message};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

/// How somebody lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lie {
    /// Different deals to different members.
    TwoDeals,
    /// A deal that is wrong by itself.
    BadDeal,
    /// A share that decrypts to nonsense.
    BadShare,
    /// A sum that decrypts to nonsense.
    BadSum,
    /// It claims to have received a deal that nobody sent.
    FalseEcho,
    /// To some it claims so, to others not.
    TwoEchoes,
    /// A complaint of a right share.
    FalseComplaint,
    /// It confirms something that nobody said.
    OtherTranscript,
    /// It says nothing from some step on.
    Mute(Step),
    /// It takes part in everything but the test signature.
    Unsigned,
}

/// The liar.
#[derive(Debug)]
pub(super) struct Liar {
    pub(super) member: MemberId,
    pub(super) lie: Lie,
}

impl Liar {
    /// A liar for `plan`.
    pub(super) fn pick(plan: &Plan, rng: &mut ChaCha20Rng) -> Option<Self> {
        const LIES: [Lie; 13] = [
            Lie::TwoDeals,
            Lie::BadDeal,
            Lie::BadShare,
            Lie::BadSum,
            Lie::FalseEcho,
            Lie::TwoEchoes,
            Lie::FalseComplaint,
            Lie::OtherTranscript,
            Lie::Mute(Step::Deal),
            Lie::Mute(Step::Shares),
            Lie::Mute(Step::Confirm),
            Lie::Mute(Step::Done),
            Lie::Unsigned,
        ];
        let members: Vec<MemberId> = plan.participants().into_keys().collect();
        let member = members.get(below(rng, members.len())).copied()?;
        LIES.get(below(rng, LIES.len())).map(|lie| Self { member, lie: *lie })
    }

    /// What it says to `to` instead of `message`; `None` if nothing. `records` are its own, `held` its share of the
    /// current key.
    pub(super) fn say(
        &self,
        to: MemberId,
        message: Message,
        plan: &Plan,
        records: &[Record],
        held: Option<&KeyShare>,
    ) -> Option<Message> {
        match message {
            // It does not give its lie away by listing, or passing on, what it would have said.
            Message::Have(_) => None,
            Message::Signing(_) if self.lie == Lie::Unsigned => None,
            Message::Post(post) if post.author() == self.member => {
                if matches!(self.lie, Lie::Mute(from) if post.step() >= from) {
                    return None;
                }
                let body = self.body(to, post.body(), plan, records, held);
                Some(Message::Post(match body {
                    Some(body) => Post::seal(plan.id(), self.member, body, &identity(self.member)),
                    None => post,
                }))
            }
            other => Some(other),
        }
    }

    fn body(
        &self,
        to: MemberId,
        body: &Body,
        plan: &Plan,
        records: &[Record],
        held: Option<&KeyShare>,
    ) -> Option<Body> {
        let half = to.get().is_multiple_of(2);
        match (self.lie, body) {
            (Lie::TwoDeals, Body::Deal { ephemeral, .. }) if half => {
                Some(Body::Deal { ephemeral: *ephemeral, commitments: self.another_deal(plan, held)? })
            }
            (Lie::BadDeal, Body::Deal { ephemeral, commitments }) => {
                let mut commitments = commitments.clone();
                *commitments.last_mut()? ^= 1;
                Some(Body::Deal { ephemeral: *ephemeral, commitments })
            }
            (Lie::BadShare, Body::Shares { echo, ciphertexts }) => {
                let mut ciphertexts = ciphertexts.clone();
                // Not its own: it would complain of itself.
                let place = plan.recipients().iter().position(|recipient| *recipient != self.member)?;
                *ciphertexts.get_mut(place)?.last_mut()? ^= 1;
                Some(Body::Shares { echo: echo.clone(), ciphertexts })
            }
            (Lie::BadSum, Body::Sum { shares, ciphertext }) => {
                let mut ciphertext = *ciphertext;
                *ciphertext.last_mut()? ^= 1;
                Some(Body::Sum { shares: *shares, ciphertext })
            }
            (Lie::FalseEcho | Lie::TwoEchoes, Body::Shares { echo, ciphertexts }) => {
                let mut echo = echo.clone();
                if self.lie == Lie::FalseEcho || half {
                    *echo.first_mut()? = [9; 32].into();
                }
                Some(Body::Shares { echo, ciphertexts: ciphertexts.clone() })
            }
            (Lie::FalseComplaint, Body::Confirm { .. }) => self.complaint(plan, records),
            (Lie::OtherTranscript, Body::Confirm { .. }) => Some(Body::Confirm { transcript: [9; 32].into() }),
            _ => None,
        }
    }

    /// Another deal that is right by itself.
    fn another_deal(&self, plan: &Plan, held: Option<&KeyShare>) -> Option<Vec<u8>> {
        let mut rng = ChaCha20Rng::seed_from_u64(99);
        let Some(current) = &plan.current else {
            return Round1::begin(self.member, &plan.receivers(), plan.threshold, &mut rng)
                .ok()
                .map(|(_, package)| package.to_bytes());
        };
        let (public, dealers) = (current.public.clone(), current.dealers.clone());
        match plan.purpose {
            Purpose::Repair { lost } => {
                let repair = Repair::new(public, dealers, lost).ok()?;
                repair.deal(held?, &mut rng).ok().map(|(contribution, _)| contribution.to_bytes())
            }
            Purpose::Generate | Purpose::Reshare => {
                let resharing = Resharing::new(public, dealers, plan.receivers(), plan.threshold).ok()?;
                resharing.deal(held?, &mut rng).ok().map(|(dealing, _)| dealing.to_bytes())
            }
        }
    }

    /// A complaint of the first other dealer, truly opened.
    fn complaint(&self, plan: &Plan, records: &[Record]) -> Option<Body> {
        let id = plan.id();
        let dealer = plan.dealers().into_iter().find(|dealer| *dealer != self.member)?;
        let step = match plan.purpose {
            Purpose::Repair { lost } if lost == self.member => Step::Sum,
            Purpose::Generate | Purpose::Reshare | Purpose::Repair { .. } => Step::Shares,
        };
        let post = |step: Step| {
            records.iter().find_map(|record| match record {
                Record::Post(post) if post.step() == step && post.author() == dealer => Some(post),
                _ => None,
            })
        };
        let (deal, opened) = (post(Step::Deal)?, post(step)?);
        let Body::Deal { ephemeral, .. } = deal.body() else { return None };
        let identity_of_dealer = plan.participants().get(&dealer)?.identity;
        let verified =
            EphemeralPublic::from_bytes(ephemeral).ok()?.verify(&identity_of_dealer, id.0.as_slice()).ok()?;
        let disclosure = identity(self.member).disclose(&verified, &mut ChaCha20Rng::seed_from_u64(1)).to_bytes();
        Some(Body::Complaint { dealer, deal: deal.hash(id), opened: opened.hash(id), disclosure })
    }
}
