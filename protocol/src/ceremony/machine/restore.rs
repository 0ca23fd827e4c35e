//! How a participant starts: from its plan, its secrets and its records, for the first time or again.

use super::{Ceremony, Told, peers::Peers};
use crate::{
    ceremony::{
        ledger::{Accepted, Ledger},
        plan::{CeremonyId, Plan, PlanError, Purpose},
        post::Step,
        record::Record,
        rules::Rules,
    },
    types::{BootId, MemberId, Timestamp},
};
use guardian_crypto::{frost::KeyShare, identity::IdentityKey};
use rand_core::{CryptoRng, RngCore};
use std::collections::BTreeMap;

/// Why a participant can't start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RestoreError {
    /// The plan makes no sense.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The plan has no such participant, or another identity for it.
    #[error("the plan has no member {0} with this identity")]
    NotAParticipant(MemberId),
    /// The records are of another ceremony.
    #[error("the records are of ceremony {0}, not of this plan's")]
    OtherCeremony(CeremonyId),
    /// A record that could not have been written in this ceremony.
    #[error("a record is not of this ceremony: {0}")]
    Record(&'static str),
    /// A dealer's share of the current key is needed and not there.
    #[error("member {0} deals from its share of the current key, which is missing")]
    ShareMissing(MemberId),
    /// The share is not of the current key, or somebody else's.
    #[error("the key share is not member {0}'s share of the plan's current key")]
    OtherShare(MemberId),
    /// The records hold another deal of this participant than its identity makes. Continuing would look like cheating.
    #[error("the deal in the records is not the one that this identity makes with this version of the node")]
    OtherDeal,
}

impl Ceremony {
    /// Starts as `me`, with the records of earlier starts if there are any. `share` is the share of the current key:
    /// dealers of a resharing need it until their posts are recorded, helpers of a repair always.
    ///
    /// # Errors
    /// [`RestoreError`].
    pub fn restore(
        now: Timestamp,
        plan: Plan,
        me: MemberId,
        identity: IdentityKey,
        share: Option<KeyShare>,
        records: impl IntoIterator<Item = Record>,
        rng: &mut (impl CryptoRng + RngCore),
    ) -> Result<Self, RestoreError> {
        let rules = Rules::new(plan)?;
        if rules.identity(me) != Some(&identity.public()) {
            return Err(RestoreError::NotAParticipant(me));
        }
        let others: Vec<MemberId> = rules.participants.keys().copied().filter(|member| *member != me).collect();
        let old = usable(&rules, me, share)?;
        let mut ceremony = Self {
            ledger: Ledger::new(rules),
            me,
            identity,
            old,
            boot: BootId::draw(0, rng),
            key: None,
            session: None,
            early: BTreeMap::new(),
            proof: None,
            fault: None,
            activated: false,
            begun: false,
            peers: Peers::new(now, others.into_iter()),
            told: Told::default(),
        };
        for record in records {
            ceremony.replay(record)?;
        }
        ceremony.check_dealing()?;
        Ok(ceremony)
    }

    fn replay(&mut self, record: Record) -> Result<(), RestoreError> {
        match record {
            Record::Begun(id) if id != self.ledger.rules.id => return Err(RestoreError::OtherCeremony(id)),
            Record::Begun(_) => self.begun = true,
            Record::Post(post) => match self.ledger.accept(post) {
                Accepted::New | Accepted::Known | Accepted::Contradiction => {}
                Accepted::Fault(_) => return Err(RestoreError::Record("a post is wrong")),
                Accepted::Refused(why) => return Err(RestoreError::Record(why)),
            },
            Record::Proof(signature) => self.proof = Some(signature),
            Record::Fault(fault) => {
                fault.verify_under(&self.ledger.rules).map_err(|_| RestoreError::Record("a fault is not proven"))?;
                self.fault = Some(fault);
            }
        }
        Ok(())
    }

    /// What is recorded must be what would be made again, and what is still to be made must be possible.
    fn check_dealing(&self) -> Result<(), RestoreError> {
        let rules = &self.ledger.rules;
        if !rules.dealers.contains(&self.me) || self.proof.is_some() {
            return Ok(());
        }
        let recorded = self.ledger.board.get(Step::Deal, self.me);
        if self.old.is_none() && rules.scheme.needs_share() {
            let dealt = recorded.is_some() && self.ledger.board.get(Step::Shares, self.me).is_some();
            let helps = matches!(rules.plan.purpose, Purpose::Repair { .. });
            return if dealt && !helps { Ok(()) } else { Err(RestoreError::ShareMissing(self.me)) };
        }
        match (recorded, self.own().deal()) {
            (Some(post), Ok(body)) if *post.body() != body => Err(RestoreError::OtherDeal),
            _ => Ok(()),
        }
    }
}

/// The share, if it is one that this participant deals from.
fn usable(rules: &Rules, me: MemberId, share: Option<KeyShare>) -> Result<Option<KeyShare>, RestoreError> {
    let deals = rules.dealers.contains(&me) && rules.scheme.needs_share();
    match (share, &rules.plan.current) {
        (Some(share), Some(current)) if deals => {
            let fits = share.member() == me && share.belongs_to(&current.public).is_ok();
            if fits { Ok(Some(share)) } else { Err(RestoreError::OtherShare(me)) }
        }
        _ => Ok(None),
    }
}
