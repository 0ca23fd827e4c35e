//! Who does what under a plan. Everybody computes the same; orders are those of the numbers.

use super::{Participant, Plan, Purpose};
use crate::types::MemberId;
use std::collections::{BTreeMap, BTreeSet};

impl Plan {
    /// Who deals.
    #[must_use]
    pub fn dealers(&self) -> BTreeSet<MemberId> {
        match &self.current {
            None => self.members.iter().map(|member| member.id).collect(),
            Some(current) => current.dealers.clone(),
        }
    }

    /// Who gets a share of the key.
    #[must_use]
    pub fn receivers(&self) -> BTreeSet<MemberId> {
        match self.purpose {
            Purpose::Generate | Purpose::Reshare => self.members.iter().map(|member| member.id).collect(),
            Purpose::Repair { lost } => [lost].into(),
        }
    }

    /// To whom each dealer encrypts something in the second step, itself included: the receivers; in a repair the
    /// helpers, who sum up what they got and pass the sums to the receiver.
    #[must_use]
    pub fn recipients(&self) -> BTreeSet<MemberId> {
        match self.purpose {
            Purpose::Generate | Purpose::Reshare => self.receivers(),
            Purpose::Repair { .. } => self.dealers(),
        }
    }

    /// Who makes the test signature: everybody who holds a share and takes part.
    #[must_use]
    pub fn signers(&self) -> BTreeSet<MemberId> {
        match self.purpose {
            Purpose::Generate | Purpose::Reshare => self.receivers(),
            Purpose::Repair { .. } => &self.dealers() | &self.receivers(),
        }
    }

    /// Everybody who takes part: dealers and receivers.
    #[must_use]
    pub fn participants(&self) -> BTreeMap<MemberId, Participant> {
        let taking_part = &self.dealers() | &self.receivers();
        let current = self.current.iter().flat_map(|current| &current.members);
        // The members' list comes last: in a repair it has the identity that the receiver uses from now on.
        current.chain(&self.members).filter(|p| taking_part.contains(&p.id)).map(|p| (p.id, p.clone())).collect()
    }
}
