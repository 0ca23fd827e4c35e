//! What must hold after every step, whatever goes wrong. Each invariant has a name, and a violation says which one
//! fired.

use alloy::primitives::B256;
use guardian_crypto::{
    frost::{PublicShares, signing::Commitments},
    member::MemberId,
};
use guardian_protocol::ceremony::{
    Body, Event, Plan, Post, Record, Released, Step,
    signing::{Commitment, Message as Signing, Terms},
    wire,
    wire::Message,
};
use std::collections::BTreeMap;

/// A broken invariant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {detail}")]
pub struct Violation {
    /// Which invariant.
    pub name: &'static str,
    /// What broke it.
    pub detail: String,
}

/// A broken invariant called `name`.
///
/// # Errors
/// Always: it is one.
pub fn violation<T>(name: &'static str, detail: String) -> Result<T, Violation> {
    Err(Violation { name, detail })
}

/// What has been said so far, by whom, across all restarts and processes.
#[derive(Debug, Default)]
pub struct Invariants {
    /// What each member said first in the last step before the proof.
    confirmed: BTreeMap<MemberId, Body>,
    /// The commitments that each package was made of.
    packages: BTreeMap<B256, Vec<Commitment>>,
    /// In which package each nonce was used.
    spent: BTreeMap<Commitments, B256>,
    /// What came out first.
    outcome: Option<(PublicShares, Vec<u8>)>,
}

/// Who says something, and what it has on disk.
#[derive(Clone, Copy, Debug)]
pub struct Speaker<'a> {
    /// Who.
    pub member: MemberId,
    /// Whether it has lost records or runs twice while somebody lies: then it may have to contradict itself.
    pub misled: bool,
    /// Its records.
    pub records: &'a [Record],
    /// What it signs together with others.
    pub terms: Option<&'a Terms>,
}

impl Invariants {
    /// Checks everything that an honest participant is about to say.
    ///
    /// # Errors
    /// The first invariant that breaks.
    pub fn check(
        &mut self,
        plan: &Plan,
        speaker: Speaker<'_>,
        released: &Released,
        liar: Option<MemberId>,
    ) -> Result<(), Violation> {
        for event in &released.events {
            if let Event::Failed { fault } = event {
                if Some(fault.culprit()) != liar {
                    let detail = format!("{} blames {}: {}", speaker.member, fault.culprit(), fault.reason());
                    return violation("honest_members_are_never_blamed", detail);
                }
                if let Err(error) = fault.verify(plan) {
                    return violation("blame_is_proven", error.to_string());
                }
            }
        }
        for outgoing in &released.messages {
            match wire::decode(plan.id(), &outgoing.bytes) {
                Ok(Message::Post(post)) => self.post(speaker, &post)?,
                Ok(Message::Proof(proof)) => recorded(speaker, &Record::Proof(proof))?,
                Ok(Message::Fault(fault)) => recorded(speaker, &Record::Fault(fault))?,
                Ok(Message::Signing(message)) => self.signing(speaker, &message)?,
                Ok(Message::Have(_)) => {}
                Err(error) => return violation("what_is_said_can_be_read", error.to_string()),
            }
        }
        Ok(())
    }

    /// Takes note of what a liar asks others to sign.
    pub fn asked(&mut self, plan: &Plan, terms: Option<&Terms>, released: &Released) {
        for outgoing in &released.messages {
            if let (Some(terms), Ok(Message::Signing(Signing::Package(package)))) =
                (terms, wire::decode(plan.id(), &outgoing.bytes))
            {
                self.packages.insert(package.hash(terms), package.commitments);
            }
        }
    }

    fn post(&mut self, speaker: Speaker<'_>, post: &Post) -> Result<(), Violation> {
        recorded(speaker, &Record::Post(post.clone()))?;
        if post.author() != speaker.member || post.step() != Step::Confirm || speaker.misled {
            return Ok(());
        }
        let first = self.confirmed.entry(speaker.member).or_insert_with(|| post.body().clone());
        if first == post.body() {
            Ok(())
        } else {
            violation("nobody_confirms_twice", format!("{}: {first:?}, {:?}", speaker.member, post.body()))
        }
    }

    /// No nonce is used for two packages, over all starts and processes of everybody; who coordinates has signed its
    /// own package in the same breath.
    fn signing(&mut self, speaker: Speaker<'_>, message: &Signing) -> Result<(), Violation> {
        let Some(terms) = speaker.terms else { return Ok(()) };
        let package = match message {
            Signing::Commitment(commitment) => return self.offer(speaker, commitment),
            Signing::Package(package) => {
                let hash = package.hash(terms);
                self.packages.insert(hash, package.commitments.clone());
                hash
            }
            Signing::Share(share) => {
                self.offer(speaker, &share.next)?;
                share.package
            }
        };
        let made_of = self.packages.get(&package);
        let ours = made_of.and_then(|commitments| commitments.iter().find(|c| c.owner == speaker.member));
        let Some(ours) = ours else {
            return violation("a_share_answers_a_package", format!("{} answers what nobody asked", speaker.member));
        };
        let used = *self.spent.entry(ours.points).or_insert(package);
        if used == package { Ok(()) } else { violation("no_nonce_is_used_twice", speaker.member.to_string()) }
    }

    fn offer(&self, speaker: Speaker<'_>, commitment: &Commitment) -> Result<(), Violation> {
        if self.spent.contains_key(&commitment.points) {
            return violation("no_nonce_is_used_twice", format!("{} offers a spent one", speaker.member));
        }
        Ok(())
    }

    /// Checks what came out for one more participant: the key, and all that was said up to the test signature.
    ///
    /// # Errors
    /// `all_outcomes_agree`.
    pub fn outcome(&mut self, member: MemberId, public: &PublicShares, said: Vec<u8>) -> Result<(), Violation> {
        let first = self.outcome.get_or_insert_with(|| (public.clone(), said.clone()));
        if first.0 == *public && first.1 == said {
            Ok(())
        } else {
            violation("all_outcomes_agree", format!("{member} has another key or transcript"))
        }
    }
}

fn recorded(speaker: Speaker<'_>, record: &Record) -> Result<(), Violation> {
    if speaker.records.contains(record) {
        Ok(())
    } else {
        violation("nothing_is_said_before_its_record", format!("{}: {record:?}", speaker.member))
    }
}
