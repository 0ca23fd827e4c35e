//! The committee: who the guardians are, how many must act together, and under which key.

use super::{KeyEpoch, MemberId, versioned};
use alloy_primitives::{B256, keccak256};
use guardian_crypto::{frost::PublicShares, identity::IdentityPublic, schnorr::GroupKey};
use std::collections::{BTreeMap, BTreeSet};

/// One guardian, as every other guardian knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its place in the committee.
    pub id: MemberId,
    /// The operator's name, for people.
    pub name: String,
    /// The key that signs its messages and authenticates its connections.
    pub identity: IdentityPublic,
}

/// The guardians of one key epoch. Invariants: the members are exactly the holders of `public`'s shares, identities are
/// distinct, and more than half must act (`t > n/2`), so that two different digests can't both find a quorum of honest guardians.
#[derive(Clone, Debug)]
pub struct Committee {
    members: BTreeMap<MemberId, Member>,
    public: PublicShares,
    key_epoch: KeyEpoch,
    id: B256,
}

/// Why a committee was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommitteeError {
    /// Two members carry the same number.
    #[error("two members carry the number {0}")]
    DuplicateMember(MemberId),
    /// Two members carry the same identity key: one operator would count twice.
    #[error("member {0} has the identity of another member")]
    DuplicateIdentity(MemberId),
    /// A member's name would be more than a name in logs and on terminals.
    #[error("the name of member {0} has control characters")]
    Name(MemberId),
    /// The key was dealt to other members than those listed.
    #[error("the members listed are not the ones that hold shares of the key")]
    NotTheShareHolders,
    /// The threshold does not exceed half of the committee.
    #[error("threshold {threshold} of {members} members is not a majority")]
    NoMajority {
        /// Required signers.
        threshold: u16,
        /// Size of the committee.
        members: usize,
    },
}

impl Committee {
    /// Checks the invariants above.
    ///
    /// # Errors
    /// [`CommitteeError`] names the first one that does not hold.
    pub fn new(
        members: impl IntoIterator<Item = Member>,
        public: PublicShares,
        key_epoch: KeyEpoch,
    ) -> Result<Self, CommitteeError> {
        let mut by_id = BTreeMap::new();
        let mut identities = BTreeSet::new();
        for member in members {
            if member.name.chars().any(char::is_control) {
                return Err(CommitteeError::Name(member.id));
            }
            if !identities.insert(member.identity) {
                return Err(CommitteeError::DuplicateIdentity(member.id));
            }
            let id = member.id;
            if by_id.insert(id, member).is_some() {
                return Err(CommitteeError::DuplicateMember(id));
            }
        }
        if !public.members().eq(by_id.keys().copied()) {
            return Err(CommitteeError::NotTheShareHolders);
        }
        let threshold = public.threshold();
        if usize::from(threshold).saturating_mul(2) <= by_id.len() || usize::from(threshold) > by_id.len() {
            return Err(CommitteeError::NoMajority { threshold, members: by_id.len() });
        }
        let id = id(by_id.values(), &public, key_epoch);
        Ok(Self { members: by_id, public, key_epoch, id })
    }

    /// Names this committee: the same people with the same shares of the same key in the same key epoch, and nothing else. Everything
    /// that guardians sign for each other is bound to it. A committee that took over a key by resharing has the same group key but
    /// another id, so that what was said in the one is not heard in the other. Operators' names for people do not count.
    #[must_use]
    pub fn id(&self) -> B256 {
        self.id
    }

    /// A member by number.
    #[must_use]
    pub fn get(&self, id: MemberId) -> Option<&Member> {
        self.members.get(&id)
    }

    /// All members, in the order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = &Member> {
        self.members.values()
    }

    /// How many guardians there are.
    #[must_use]
    pub fn size(&self) -> usize {
        self.members.len()
    }

    /// How many must act together.
    #[must_use]
    pub fn threshold(&self) -> usize {
        usize::from(self.public.threshold())
    }

    /// How many members may be faulty without keeping the others from signing.
    #[must_use]
    pub fn tolerated(&self) -> usize {
        self.size().saturating_sub(self.threshold())
    }

    /// The key epoch these shares belong to.
    #[must_use]
    pub fn key_epoch(&self) -> KeyEpoch {
        self.key_epoch
    }

    /// The public side of the key shares.
    #[must_use]
    pub fn public_shares(&self) -> &PublicShares {
        &self.public
    }

    /// The key that the contracts know.
    #[must_use]
    pub fn group_key(&self) -> GroupKey {
        self.public.group_key()
    }
}

/// keccak256 of the domain, a zero byte, version 1, and the borsh encoding of: key epoch (u64), the public shares' own encoding
/// (length-prefixed), and a list of each member's number (u16) and identity (32 bytes) in the order of the numbers.
fn id<'a>(members: impl Iterator<Item = &'a Member>, public: &PublicShares, key_epoch: KeyEpoch) -> B256 {
    const DOMAIN: &[u8] = b"GUARDIAN/committee";
    let members: Vec<_> = members.map(|member| (member.id, member.identity)).collect();
    let mut bytes = [DOMAIN, &[0]].concat();
    bytes.extend(versioned::encode(1, &(key_epoch, public, members)));
    keccak256(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Dealt, member};

    #[test]
    fn a_members_name_is_one_line_of_letters() {
        let dealt = Dealt::new(3, 2, 1);
        let named = |name: &str| {
            let mut members: Vec<Member> = dealt.committee.iter().cloned().collect();
            members[1].name = name.to_owned();
            Committee::new(members, dealt.committee.public_shares().clone(), KeyEpoch(1)).map(|_| ())
        };
        assert_eq!(named("Zoë & sons, №2"), Ok(()));
        for hostile in ["a\nb", "\u{1b}[2J", "\u{9b}31m", "\0"] {
            assert_eq!(named(hostile), Err(CommitteeError::Name(member(2))), "{hostile:?}");
        }
    }
}
