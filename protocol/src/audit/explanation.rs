//! Why a duty says what it says: the rules that it was decided by, and a line for every validator.

use super::{Difference, Dossier, differences, facts};
use crate::{
    duty::{Impact, Rules},
    types::{BlsPubkey, ValidatorIndex, ValidatorRecord},
};
use std::collections::BTreeMap;

/// What a duty says of one validator, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidatorLine {
    /// Its index; `None` if the beacon chain does not know it.
    pub index: Option<ValidatorIndex>,
    /// Its public key.
    pub pubkey: BlsPubkey,
    /// In words.
    pub text: String,
}

impl Dossier {
    /// What the contract of the duty's kind said: names and values in words.
    #[must_use]
    pub fn rules(&self) -> Vec<(String, String)> {
        self.evidence.chain.rules(self.duty.kind()).map(Rules::facts).unwrap_or_default()
    }

    /// What it sets in motion, as limits count it, in words.
    #[must_use]
    pub fn movement(&self) -> String {
        match self.duty.body.impact() {
            Impact::Moves(things) => {
                let extent = self.evidence.chain.rules(self.duty.kind()).map(|rules| rules.extent(&self.evidence));
                format!("moves {} of {}", things.len(), extent.unwrap_or_default().whole)
            }
            Impact::Sets(value) => format!("sets the figure {value}, which is compared with the last confirmed one"),
        }
    }

    /// A line for every validator of the protocol. Empty if the duty is not about validators.
    #[must_use]
    pub fn validators(&self) -> Vec<ValidatorLine> {
        let slots = self.network.slots_per_epoch;
        let verdict = |validator: &ValidatorRecord| self.duty.body.verdict(validator, &self.evidence, slots);
        let known = self.evidence.validators.iter().filter_map(|validator| {
            let why = verdict(validator)?;
            let ValidatorRecord { index, pubkey, balance, .. } = *validator;
            Some(ValidatorLine { index: Some(index), pubkey, text: format!("{index} {pubkey} {balance} gwei: {why}") })
        });
        let unknown = self.evidence.unknown.iter().filter(|_| self.duty.body.is_about_validators());
        let unknown = unknown.map(|pubkey| ValidatorLine {
            index: None,
            pubkey: *pubkey,
            text: format!("? {pubkey}: not counted and not judged: the beacon chain does not know it"),
        });
        known.chain(unknown).collect()
    }

    /// The facts of the evidence in which another dossier (theirs) differs from this one (ours).
    #[must_use]
    pub fn against(&self, other: &Self) -> Vec<Difference> {
        differences(&facts(&self.evidence), &facts(&other.evidence))
    }

    /// Where this dossier (theirs) has other validators than a state (ours) that was hashed.
    #[must_use]
    pub fn against_state(&self, records: &[ValidatorRecord]) -> Vec<Difference> {
        let described = |record: &ValidatorRecord| (format!("validator {}", record.pubkey), format!("{record:?}"));
        let theirs: BTreeMap<String, String> = self.evidence.validators.iter().map(described).collect();
        // What the dossier's providers did not tell, a state can't contradict.
        let as_told = |record: &ValidatorRecord| {
            let told = self.evidence.validators.iter().find(|told| told.pubkey == record.pubkey);
            let participation = told.and_then(|told| told.participation.and(record.participation));
            described(&ValidatorRecord { participation, ..*record })
        };
        differences(&records.iter().map(as_told).collect(), &theirs)
    }
}
