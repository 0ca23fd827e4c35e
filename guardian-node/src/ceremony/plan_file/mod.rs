//! The plan file: a ceremony's [`Plan`], and where its participants are reached, as TOML. [`EXAMPLE`] is its documentation; a test keeps
//! the two in step.
//!
//! The plan is what all participants must have in common, and its hash names the ceremony. Addresses are not part of it: an operator may
//! correct one in the middle.

mod advice;
mod make;

use crate::{
    committee::{CommitteeFile, MemberEntry},
    hint::{Hinted, WithHint},
};
use advice::advice;
use guardian_crypto::frost::PublicShares;
use guardian_p2p::Multiaddr;
use guardian_protocol::{
    KeyEpoch, MemberId,
    ceremony::plan::{Current, Participant, Plan, Purpose, Rotation},
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fs, path::Path};

/// The annotated example.
pub const EXAMPLE: &str = include_str!("example.toml");

const VERSION: u8 = 1;
const ADVICE: &str = "`guardian key plan --example` shows an annotated plan; every participant needs the same file, so correct it together";

/// The file's shape.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanFile {
    version: u8,
    /// What is to come out.
    pub purpose: PurposeWord,
    /// Tells this ceremony from all others with the same members.
    pub label: String,
    /// Counts from 1.
    pub attempt: u32,
    /// The key epoch of the key.
    pub key_epoch: KeyEpoch,
    /// How many members must sign together afterwards.
    pub threshold: u16,
    /// In a repair: who lost its share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost: Option<MemberId>,
    /// The contract in which a new key shall replace another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotation: Option<Rotation>,
    /// Who holds shares afterwards.
    pub members: Vec<MemberEntry>,
    /// The committee that holds the key now, unless a new one is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<CurrentEntry>,
}

/// What is to come out, as operators say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PurposeWord {
    /// A new key.
    Generate,
    /// The same key for another committee or threshold.
    Reshare,
    /// The same key and committee, new shares.
    Refresh,
    /// A lost share.
    Repair,
}

/// The committee that holds the key now.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CurrentEntry {
    /// The public side of its shares, hex.
    pub public_shares: String,
    /// Who deals, or helps.
    pub dealers: Vec<MemberId>,
    /// Its members.
    pub members: Vec<MemberEntry>,
}

impl PurposeWord {
    /// The word in the file, which is also that of the command: `guardian key generate` runs a plan to generate a key.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Generate => "generate",
            Self::Reshare => "reshare",
            Self::Refresh => "refresh",
            Self::Repair => "repair",
        }
    }
}

/// Reading one.
impl PlanFile {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// If it can't be read, is malformed, or makes no sense.
    pub fn load(path: &Path) -> Result<Self, Hinted> {
        let text = fs::read_to_string(path).hint(
            format!("can't read the plan {}", path.display()),
            "`guardian key plan` writes one; pass it with --plan",
        )?;
        Self::parse(&text, path)
    }

    /// Reads `text`, which stands in the file at `path`.
    ///
    /// # Errors
    /// If it is malformed or makes no sense.
    pub fn parse(text: &str, path: &Path) -> Result<Self, Hinted> {
        let plan: Self = toml::from_str(text).hint(format!("the plan {} is not valid", path.display()), ADVICE)?;
        if plan.version != VERSION {
            return Err(Hinted::new(
                format!("the plan {} has version {}, this node knows {VERSION}", path.display(), plan.version),
                "all participants need the same version of the node",
            ));
        }
        plan.checked()
    }

    /// What all participants must have in common.
    ///
    /// # Errors
    /// If it makes no sense.
    pub fn plan(&self, rehearse: bool) -> Result<Plan, Hinted> {
        let plan = Plan {
            purpose: self.protocol_purpose()?,
            label: self.label.clone(),
            attempt: self.attempt,
            rehearse,
            key_epoch: self.key_epoch,
            threshold: self.threshold,
            members: participants(&self.members),
            current: self.current.as_ref().map(|current| current.to_protocol(self.key_epoch)).transpose()?,
            // A rehearsal's key must never be able to replace another.
            proof_of_possession_for: self.rotation.filter(|_| !rehearse),
        };
        match plan.check() {
            Ok(()) => Ok(plan),
            Err(error) => Err(Hinted::caused("the plan makes no sense", advice(&error), error)),
        }
    }

    /// Everybody who takes part, with addresses.
    #[must_use]
    pub fn participants(&self, plan: &Plan) -> BTreeMap<MemberId, &MemberEntry> {
        let current = self.current.iter().flat_map(|current| &current.members);
        let listed: BTreeMap<MemberId, &MemberEntry> =
            current.chain(&self.members).map(|entry| (entry.id, entry)).collect();
        plan.participants().into_keys().filter_map(|id| Some((id, *listed.get(&id)?))).collect()
    }

    /// The committee file that follows from the outcome.
    #[must_use]
    pub fn committee_file(&self, public: &PublicShares) -> CommitteeFile {
        let public_shares = hex::encode(public.to_bytes());
        CommitteeFile { key_epoch: self.key_epoch, public_shares, members: self.members.clone() }
    }

    fn protocol_purpose(&self) -> Result<Purpose, Hinted> {
        match (self.purpose, self.lost) {
            (PurposeWord::Repair, Some(lost)) => Ok(Purpose::Repair { lost }),
            (PurposeWord::Repair, None) => Err(Hinted::new("the plan does not say whose share was `lost`", ADVICE)),
            (_, Some(_)) => Err(Hinted::new("only a repair's plan says whose share was `lost`", ADVICE)),
            (PurposeWord::Generate, None) => Ok(Purpose::Generate),
            (PurposeWord::Reshare, None) => Ok(Purpose::Reshare),
            (PurposeWord::Refresh, None) => self.check_refresh().map(|()| Purpose::Reshare),
        }
    }

    /// A refresh that changed the committee would be a surprise.
    fn check_refresh(&self) -> Result<(), Hinted> {
        let Some(current) = &self.current else { return Ok(()) };
        let same = participants(&current.members) == participants(&self.members)
            && current.public()?.threshold() == self.threshold;
        let advice = "to change members or threshold, write purpose = \"reshare\" and use `guardian key reshare`";
        if same { Ok(()) } else { Err(Hinted::new("a refresh keeps members and threshold as they are", advice)) }
    }
}

impl CurrentEntry {
    fn public(&self) -> Result<PublicShares, Hinted> {
        let bytes = hex::decode(&self.public_shares).hint("public_shares in the plan is not hex", ADVICE)?;
        PublicShares::from_bytes(&bytes).hint("public_shares in the plan is malformed", ADVICE)
    }

    fn to_protocol(&self, key_epoch: KeyEpoch) -> Result<Current, Hinted> {
        Ok(Current {
            key_epoch,
            public: self.public()?,
            dealers: self.dealers.iter().copied().collect(),
            members: participants(&self.members),
        })
    }
}

fn participants(entries: &[MemberEntry]) -> Vec<Participant> {
    let participant = |e: &MemberEntry| Participant { id: e.id, name: e.name.clone(), identity: e.identity };
    entries.iter().map(participant).collect()
}

impl MemberEntry {
    /// Where it is reached during ceremonies.
    #[must_use]
    pub fn during_ceremonies(&self) -> &[Multiaddr] {
        if self.ceremony_addresses.is_empty() { &self.addresses } else { &self.ceremony_addresses }
    }
}

#[cfg(test)]
mod tests;
