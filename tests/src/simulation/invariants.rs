//! What must hold after every event. Each invariant has a name, and a violation says which one fired.

use super::{chain::Chain, store::MemoryStore};
use alloy::primitives::B256;
use guardian_protocol::{
    effects::Released,
    event::Event,
    ports::Call,
    record::Record,
    sign::Signed,
    types::{DutyId, MemberId},
    wire::Message,
};
use std::collections::{BTreeMap, BTreeSet};

/// A broken invariant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {detail}")]
pub struct Violation {
    /// Which invariant.
    pub name: &'static str,
    /// What broke it.
    pub detail: String,
}

/// What has been said so far, by whom, across all restarts.
#[derive(Debug, Default)]
pub struct Invariants {
    announced: BTreeMap<(MemberId, DutyId), B256>,
    votes: BTreeMap<(DutyId, B256), BTreeSet<MemberId>>,
    /// Submissions by duty.
    pub submitted: BTreeMap<DutyId, usize>,
}

impl Invariants {
    /// Checks everything that `member` is about to do, with what its store holds at this moment.
    ///
    /// # Errors
    /// The first invariant that breaks.
    pub fn check(
        &mut self,
        member: MemberId,
        released: &Released,
        store: &MemoryStore,
        chain: &Chain,
        (threshold, liar): (usize, Option<MemberId>),
    ) -> Result<(), Violation> {
        for message in &released.messages {
            self.message(member, message.envelope.message(), store)?;
        }
        for call in &released.calls {
            if let Call::Submit(signed) = call {
                *self.submitted.entry(signed.id()).or_default() += 1;
                self.signed(signed, chain, threshold)?;
            }
        }
        for event in &released.events {
            if let Event::Culprit { member: blamed, id } = event
                && Some(*blamed) != liar
            {
                return violation("honest_guardians_are_never_blamed", format!("{member} blames {blamed} for {id}"));
            }
        }
        Ok(())
    }

    fn message(&mut self, member: MemberId, message: &Message, store: &MemoryStore) -> Result<(), Violation> {
        let decided =
            |id: DutyId| store.records().iter().any(|r| matches!(r, Record::Decided { id: i, .. } if *i == id));
        let signed =
            |id: DutyId| store.records().iter().any(|r| matches!(r, Record::Signed { duty, .. } if duty.id() == id));
        let recorded = match message {
            Message::Announcement(announcement) => {
                let (id, digest) = (announcement.duty, announcement.digest);
                let first = *self.announced.entry((member, id)).or_insert(digest);
                if first != digest {
                    return violation(
                        "no_two_digests_for_one_duty",
                        format!("{member} announced {first} and {digest} for {id}"),
                    );
                }
                self.votes.entry((id, digest)).or_default().insert(member);
                decided(id)
            }
            Message::Share(share) => decided(share.duty),
            Message::Package(package) => decided(package.duty),
            Message::Signed(duty) => signed(duty.duty.id()),
            Message::PartialExits(exits) => signed(exits.duty),
            Message::Greeting(_) => true,
        };
        if recorded {
            Ok(())
        } else {
            violation("nothing_is_sent_before_its_record", format!("{member} sends a {}", message.as_str()))
        }
    }

    fn signed(&self, signed: &Signed, chain: &Chain, threshold: usize) -> Result<(), Violation> {
        let votes = self.votes.get(&(signed.id(), signed.digest())).map_or(0, BTreeSet::len);
        if votes < threshold {
            return violation("no_signature_without_quorum", format!("{} was announced by {votes}", signed.id()));
        }
        if !chain.is_true(signed) {
            return violation("no_lie_is_signed", format!("{:?}", signed.duty()));
        }
        Ok(())
    }
}

/// A broken invariant called `name`.
///
/// # Errors
/// Always: it is one.
pub fn violation<T>(name: &'static str, detail: String) -> Result<T, Violation> {
    Err(Violation { name, detail })
}
