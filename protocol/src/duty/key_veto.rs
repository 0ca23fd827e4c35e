//! Vetoes of keys: the guardians stop the key that the governor wants to put in the place of theirs (`GuardianKeys.vetoSigned`). That one
//! waits can be read; whether it is wanted can't: so it is up to each operator, and nobody signs one whose operator has not asked for it.

use super::{
    Duty, DutyError, Evidence,
    digest::Words,
    evidence::KeyProposal,
    impact::{Bounds, Impact},
};
use alloy_primitives::B256;
use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

const TYPE: &[u8] = b"KeyVeto(uint64 keyEpoch,uint64 proposal)";

/// None: nothing of it can be counted, and each one needs the operator's word.
pub(super) const BOUNDS: [Bounds; 2] = [Bounds::NONE; 2];

/// The contract sets none: a veto counts while a proposal waits, which the view of the chain shows for its own sake.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {}

/// This proposal shall not begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct KeyVeto {
    /// The contract's number of it; the first is 1.
    pub proposal: u64,
}

impl Rules {
    /// While the keys are paused, a veto delays a proposal, and only once.
    pub(super) fn decide(self, evidence: &Evidence) -> Option<KeyVeto> {
        let KeyProposal { number, slowed, .. } = evidence.chain.proposal?;
        let veto = KeyVeto { proposal: number };
        (veto.check().is_ok() && !(slowed && evidence.chain.paused)).then_some(veto)
    }
}

impl KeyVeto {
    /// Nothing moves, and no figure is set.
    pub(super) const fn impact(self) -> Impact {
        Impact::Moves(BTreeSet::new())
    }

    pub(super) const fn check(self) -> Result<(), DutyError> {
        if self.proposal == 0 { Err(DutyError::NoProposal) } else { Ok(()) }
    }

    /// Neither slot nor root: it is of one proposal, at whatever reference it was decided.
    pub(super) fn struct_hash(self, duty: &Duty) -> B256 {
        Words::new(TYPE).number(duty.key_epoch.0).number(self.proposal).hash()
    }

    pub(super) fn statements(self) -> Vec<(String, String)> {
        vec![("vetoed key proposal".to_owned(), self.proposal.to_string())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        duty::{DutyBody, DutyKind},
        testing::{any_chain_view, evidence},
        types::Level,
    };

    fn decided(number: u64, slowed: bool, paused: bool) -> Option<Duty> {
        let mut chain = any_chain_view(7);
        chain.proposal = Some(KeyProposal { number, ready_at: 9, key: [B256::ZERO; 2], slowed });
        chain.paused = paused;
        crate::decide::of_kind(DutyKind::KeyVeto, &evidence(chain, 7, Vec::new()), 8).into_iter().next()
    }

    #[test]
    fn a_veto_is_of_the_proposal_that_waits_and_not_of_one_that_was_slowed_already() {
        let duty = decided(3, false, false).unwrap();
        assert_eq!(duty.body, DutyBody::KeyVeto(KeyVeto { proposal: 3 }));
        assert_eq!(duty.level(), Level(3));
        assert!(decided(3, false, true).is_some(), "it counts during a pause");
        assert!(decided(3, true, false).is_some(), "and stops what was slowed, when the pause is over");
        assert_eq!(decided(3, true, true), None, "the contract would refuse it");
        assert_eq!(decided(0, false, false), None, "no proposal has this number");
        let nothing = evidence(any_chain_view(7), 7, Vec::new());
        assert!(crate::decide::of_kind(DutyKind::KeyVeto, &nothing, 8).is_empty());
    }
}
