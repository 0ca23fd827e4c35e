//! The plan: what is to be made, by whom, for whom. Every participant has the same one; its hash is the ceremony's
//! name, so that nobody can take part in two halves of different ceremonies. [`Plan::check`] says whether it makes
//! sense.
//!
//! A plan is public and carries no secrets. Whether it is *wanted* is the operators' judgement: running it is consent.

mod check;
mod roles;

pub use check::PlanError;

use super::{
    hash,
    post::Step,
    signing::{Parameters, Terms},
};
use crate::types::{Committee, CommitteeError, KeyEpoch, Member, MemberId, versioned};
use alloy_primitives::{Address, B256};
use borsh::{BorshDeserialize, BorshSerialize};
use guardian_crypto::{frost::PublicShares, identity::IdentityPublic, schnorr::GroupKey};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, fmt, time::Duration};

/// What a ceremony is to do, among whom. Participants that differ in any part of it are in different ceremonies.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// What is to come out.
    pub purpose: Purpose,
    /// Tells this ceremony from another one that would otherwise have the same plan: which network it is for, for
    /// example. Two ceremonies with the same plan would make the same key. At most [`Plan::MAX_TEXT`] bytes.
    #[serde(default)]
    pub label: String,
    /// Counts from 1. A ceremony that failed is final; the next try is a plan with the next number.
    pub attempt: u32,
    /// Go through everything, and let no share leave the machine.
    #[serde(default)]
    pub rehearse: bool,
    /// The key epoch of the key: the current one, unless a new key is made.
    pub key_epoch: KeyEpoch,
    /// How many of `members` must sign together.
    pub threshold: u16,
    /// Who holds shares afterwards, strictly increasing by number.
    pub members: Vec<Participant>,
    /// The key that is dealt anew, and who deals. None for a new key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<Current>,
    /// The contract in which the new key shall replace another: the test message is then its rotation digest, so that
    /// the proof of the ceremony is the proof of possession that the contract asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof_of_possession_for: Option<Rotation>,
}

/// What a ceremony is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// A new key, which nobody ever sees.
    Generate,
    /// The same key, in new shares: for another committee, another threshold, or the same ones (a refresh).
    Reshare,
    /// The same shares: one member that lost its share gets it back.
    Repair {
        /// Who lost it.
        lost: MemberId,
    },
}

/// Somebody who takes part.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Participant {
    /// Its number. Old and new committee share one space of numbers: who stays keeps its number, newcomers get unused
    /// ones.
    pub id: MemberId,
    /// The operator's name, for people. At most [`Plan::MAX_TEXT`] bytes.
    pub name: String,
    /// The key that signs its posts, and to which its shares are encrypted.
    pub identity: IdentityPublic,
}

/// The committee that holds the key now.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Current {
    /// Its key epoch.
    pub key_epoch: KeyEpoch,
    /// The public side of its shares.
    pub public: PublicShares,
    /// Who deals: at least as many as the current threshold. In a repair: the helpers.
    pub dealers: BTreeSet<MemberId>,
    /// Its members, strictly increasing by number.
    pub members: Vec<Participant>,
}

/// The contract whose key is to be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rotation {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// The contract `GuardianKeys`.
    pub guardian_keys: Address,
}

/// The name of a ceremony: the hash of its plan.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct CeremonyId(pub B256);

/// Why bytes are not a plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanDecodeError {
    /// Written by another version of the node.
    #[error("plan version {0} is not known to this version of the node")]
    UnknownVersion(u8),
    /// Not this version's encoding.
    #[error("corrupt plan: {0}")]
    Corrupt(String),
}

impl Plan {
    /// The format's version.
    pub const VERSION: u8 = 1;
    /// The longest label or name, in bytes.
    pub const MAX_TEXT: usize = 64;
    /// The most helpers in a repair.
    pub const MAX_HELPERS: usize = 80;

    const DOMAIN: &'static str = "GUARDIAN/ceremony/plan/v1";

    /// The ceremony's name: keccak256 of the domain, a zero byte, and [`Plan::encode`].
    #[must_use]
    pub fn id(&self) -> CeremonyId {
        CeremonyId(hash(Self::DOMAIN, &self.encode()))
    }

    /// The lasting encoding: version 1, then borsh.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        versioned::encode(Self::VERSION, self)
    }

    /// The strict inverse of [`Plan::encode`]. Says nothing about whether the plan makes sense.
    ///
    /// # Errors
    /// On any byte sequence that [`Plan::encode`] does not produce.
    pub fn decode(bytes: &[u8]) -> Result<Self, PlanDecodeError> {
        match bytes.split_first() {
            Some((&Self::VERSION, body)) => {
                borsh::from_slice(body).map_err(|error| PlanDecodeError::Corrupt(error.to_string()))
            }
            Some((other, _)) => Err(PlanDecodeError::UnknownVersion(*other)),
            None => Err(PlanDecodeError::Corrupt("no bytes".to_owned())),
        }
    }

    /// The committee that holds the key after the ceremony, given what it made.
    ///
    /// # Errors
    /// If `public` is not of this plan's members.
    pub fn committee(&self, public: PublicShares) -> Result<Committee, CommitteeError> {
        Committee::new(self.members.iter().cloned().map(Member::from), public, self.key_epoch)
    }

    /// What all signers sign at the end, to show that their shares work: the contract's rotation digest if the key is
    /// for one, else a hash of the transcript, which is no digest of any contract (those are EIP-712's).
    #[must_use]
    pub fn test_message(&self, transcript: B256, key: GroupKey) -> B256 {
        const DOMAIN: &str = "GUARDIAN/ceremony/test/v1";
        match self.proof_of_possession_for {
            Some(rotation) => rotation.digest(self.key_epoch, key),
            None => hash(DOMAIN, &[self.id().0.0, transcript.0].concat()),
        }
    }
}

impl Plan {
    /// The session of the test signature under the key that `transcript` makes: everybody who holds a share signs, the
    /// lowest of them coordinates.
    #[must_use]
    pub fn test_session(&self, transcript: B256, public: PublicShares) -> Terms {
        const DOMAIN: &str = "GUARDIAN/ceremony/signing/v1";
        let signers = self.signers();
        let identities = self.participants().into_iter().filter(|(member, _)| signers.contains(member));
        let message = self.test_message(transcript, public.group_key());
        Terms::new(Parameters {
            context: hash(DOMAIN, &[self.id().0.0, transcript.0].concat()),
            message,
            public,
            signers: identities.map(|(member, participant)| (member, participant.identity)).collect(),
            quorum: signers.len(),
            coordinators: signers.first().into_iter().copied().collect(),
            patience: Duration::ZERO,
        })
    }
}

impl Rotation {
    /// What old and new key sign so that `key` begins `key_epoch`.
    #[must_use]
    pub fn digest(&self, key_epoch: KeyEpoch, key: GroupKey) -> B256 {
        crate::duty::rotation(self.chain_id, self.guardian_keys, key_epoch, key)
    }
}

impl Purpose {
    /// The word used in logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Generate => "generate",
            Self::Reshare => "reshare",
            Self::Repair { .. } => "repair",
        }
    }

    /// The steps that are posts, in order.
    #[must_use]
    pub const fn steps(self) -> &'static [Step] {
        match self {
            Self::Generate | Self::Reshare => &[Step::Deal, Step::Shares, Step::Confirm],
            Self::Repair { .. } => &[Step::Deal, Step::Shares, Step::Sum, Step::Confirm],
        }
    }
}

impl From<Participant> for Member {
    fn from(participant: Participant) -> Self {
        Self { id: participant.id, name: participant.name, identity: participant.identity }
    }
}

impl From<Member> for Participant {
    fn from(member: Member) -> Self {
        Self { id: member.id, name: member.name, identity: member.identity }
    }
}

impl fmt::Display for CeremonyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}
