//! The public side of a shared key: who holds shares, how many must sign, and what each share's owner can be held to.
//!
//! Kept as the commitments to the sharing polynomial, so that the group key and all verifying shares fit together by
//! construction: no file can name a group key that its shares do not make.

use super::{identifier_of, key_share::point_bytes};
use crate::{
    encoding::Reader,
    error::Error,
    member::{MAX_MEMBERS, MemberId, check_majority},
    schnorr::{GroupKey, has_compressed_tag},
};
use alloy_primitives::Bytes;
use frost_secp256k1::{
    Identifier,
    keys::{PublicKeyPackage, VerifiableSecretSharingCommitment},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

const WHAT: &str = "public shares";
const VERSION: u8 = 1;

/// The public side of a shared key. Invariants: 2 to [`MAX_MEMBERS`] members, of whom more than half must sign; no share is zero.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicShares {
    group_key: GroupKey,
    /// Commitments to the polynomial's coefficients, lowest first; as many as the threshold.
    coefficients: Vec<[u8; 33]>,
    verifying_shares: BTreeMap<MemberId, [u8; 33]>,
    threshold: u16,
    package: PublicKeyPackage,
}

impl PublicShares {
    pub(super) fn from_commitment(
        members: &BTreeSet<MemberId>,
        commitment: &VerifiableSecretSharingCommitment,
    ) -> Result<Self, Error> {
        let coefficients: Vec<[u8; 33]> =
            commitment.serialize()?.iter().map(|point| point_bytes(point)).collect::<Result<_, _>>()?;
        let threshold = u16::try_from(coefficients.len()).unwrap_or(u16::MAX);
        check_majority(threshold, members.len())?;
        let identifiers: BTreeMap<MemberId, Identifier> =
            members.iter().map(|member| Ok((*member, identifier_of(*member)?))).collect::<Result<_, Error>>()?;
        let package = PublicKeyPackage::from_commitment(&identifiers.values().copied().collect(), commitment)?;
        let verifying_shares = identifiers
            .iter()
            .map(|(member, identifier)| {
                let share = package.verifying_shares().get(identifier).ok_or(Error::UnknownMember(*member))?;
                Ok((*member, point_bytes(&share.serialize()?)?))
            })
            .collect::<Result<_, Error>>()?;
        let group_key = GroupKey::from_bytes(&package.verifying_key().serialize()?)?;
        Ok(Self { group_key, coefficients, verifying_shares, threshold, package })
    }

    /// The key that the contracts know.
    #[must_use]
    pub const fn group_key(&self) -> GroupKey {
        self.group_key
    }

    /// How many members must sign together.
    #[must_use]
    pub const fn threshold(&self) -> u16 {
        self.threshold
    }

    /// Who holds shares, in order.
    pub fn members(&self) -> impl ExactSizeIterator<Item = MemberId> + Clone + '_ {
        self.verifying_shares.keys().copied()
    }

    /// Whether this member holds a share.
    #[must_use]
    pub fn contains(&self, member: MemberId) -> bool {
        self.verifying_shares.contains_key(&member)
    }

    /// The public side of a member's share (SEC 1, compressed).
    #[must_use]
    pub fn verifying_share(&self, member: MemberId) -> Option<[u8; 33]> {
        self.verifying_shares.get(&member).copied()
    }

    /// Version 1; threshold `t`; `t` commitments (33 bytes each, SEC 1); count of members `n`; `n` member numbers, increasing.
    /// Numbers are two bytes, big-endian.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let count = u16::try_from(self.verifying_shares.len()).unwrap_or(u16::MAX);
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(&self.threshold.to_be_bytes());
        bytes.extend(self.coefficients.iter().flatten());
        bytes.extend_from_slice(&count.to_be_bytes());
        bytes.extend(self.members().flat_map(|member| member.get().to_be_bytes()));
        bytes
    }

    /// Reads what [`PublicShares::to_bytes`] wrote. Computes `n * t` point multiplications: about a millisecond for a usual
    /// committee, a third of a second for 67 of 100. For bytes from the operator or from the members; not from strangers.
    ///
    /// # Errors
    /// [`Error::Malformed`], [`Error::UnsupportedVersion`], [`Error::Threshold`], [`Error::UnusableGroupKey`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(WHAT, bytes);
        reader.version(VERSION)?;
        let threshold = reader.number()?;
        if threshold > MAX_MEMBERS {
            return Err(reader.malformed("its threshold exceeds the largest committee"));
        }
        let mut coefficients = Vec::new();
        for _ in 0..threshold {
            let point = reader.array::<33>()?;
            if !has_compressed_tag(&point) {
                return Err(reader.malformed("a commitment is not a compressed point"));
            }
            coefficients.push(point);
        }
        let count = reader.number()?;
        let mut members = BTreeSet::new();
        for _ in 0..count {
            let member = reader.member()?;
            if members.last().is_some_and(|last| *last >= member) {
                return Err(reader.malformed("its members are not strictly increasing"));
            }
            members.insert(member);
        }
        let bad_point = reader.malformed("a commitment is not a point of the curve");
        reader.finish()?;
        check_majority(threshold, members.len())?;
        let commitment = VerifiableSecretSharingCommitment::deserialize(&coefficients).map_err(|_| bad_point)?;
        Self::from_commitment(&members, &commitment)
    }

    pub(super) const fn package(&self) -> &PublicKeyPackage {
        &self.package
    }
}

impl fmt::Debug for PublicShares {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublicShares")
            .field("group_key", &self.group_key)
            .field("threshold", &self.threshold)
            .field("members", &self.members().map(MemberId::get).collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

impl borsh::BorshSerialize for PublicShares {
    fn serialize<W: borsh::io::Write>(&self, writer: &mut W) -> borsh::io::Result<()> {
        borsh::BorshSerialize::serialize(&self.to_bytes(), writer)
    }
}

impl borsh::BorshDeserialize for PublicShares {
    fn deserialize_reader<R: borsh::io::Read>(reader: &mut R) -> borsh::io::Result<Self> {
        let bytes = Vec::<u8>::deserialize_reader(reader)?;
        Self::from_bytes(&bytes).map_err(|error| borsh::io::Error::new(borsh::io::ErrorKind::InvalidData, error))
    }
}

impl serde::Serialize for PublicShares {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Bytes::from(self.to_bytes()).serialize(serializer)
    }
}

impl<'de> serde::Deserialize<'de> for PublicShares {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = Bytes::deserialize(deserializer)?;
        Self::from_bytes(&bytes).map_err(serde::de::Error::custom)
    }
}
