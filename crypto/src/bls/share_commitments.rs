//! Feldman's commitments to the polynomial that shares a validator's key: they fix the public key of every share.

use super::{PublicKey, msm::sum_of_multiples, scalar::Scalar};
use crate::{
    error::Error,
    member::{MAX_MEMBERS, MemberId},
};
use alloy_primitives::Bytes;
use blst::min_pk;
use std::fmt;

const WHAT: &str = "share commitments";

/// Commitments to a sharing polynomial, lowest coefficient first, so that the first is the validator's public key. As many as
/// the threshold: 1 to [`MAX_MEMBERS`]. With one, each member holds the whole key. How many members hold shares they cannot tell. (Puffer's `blsPubKeySet`.)
#[derive(Clone)]
pub struct ShareCommitments {
    public_key: PublicKey,
    points: Vec<min_pk::PublicKey>,
    threshold: u16,
}

impl ShareCommitments {
    /// Reads `t` compressed points of 48 bytes.
    ///
    /// # Errors
    /// [`Error::Malformed`] if their count is not 1 to 256, or one is not a point of the subgroup or is the identity.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let (chunks, rest) = bytes.as_chunks::<48>();
        if !rest.is_empty() {
            return Err(Error::Malformed { what: WHAT, why: "they are not a multiple of 48 bytes" });
        }
        if !(1..=usize::from(MAX_MEMBERS)).contains(&chunks.len()) {
            return Err(Error::Malformed { what: WHAT, why: "they are not 1 to 256" });
        }
        Self::new(chunks.iter().map(|chunk| PublicKey::decode(chunk)).collect::<Result<_, _>>()?)
    }

    /// Of points that are validated already.
    pub(super) fn new(points: Vec<min_pk::PublicKey>) -> Result<Self, Error> {
        let constant = points.first().ok_or(Error::Malformed { what: WHAT, why: "they are empty" })?;
        let public_key = PublicKey::from_validated(constant)?;
        let threshold =
            u16::try_from(points.len()).map_err(|_| Error::Malformed { what: WHAT, why: "they are too many" })?;
        Ok(Self { public_key, points, threshold })
    }

    /// The compressed points, 48 bytes each.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.points.iter().flat_map(min_pk::PublicKey::compress).collect()
    }

    /// The validator's public key. Compare it with the deposit's: the commitments alone do not say whose they are.
    #[must_use]
    pub const fn public_key(&self) -> PublicKey {
        self.public_key
    }

    /// How many members must sign together.
    #[must_use]
    pub const fn threshold(&self) -> u16 {
        self.threshold
    }

    /// The public key of a member's share: the polynomial at the member's number, in the exponent.
    ///
    /// # Errors
    /// [`Error::Malformed`] if it is the identity, which a dealer can only bring about on purpose.
    pub fn public_share(&self, member: MemberId) -> Result<PublicKey, Error> {
        let share = sum_of_multiples(powers(Scalar::of_member(member)).zip(self.points.iter().copied()));
        let share = share.ok_or(Error::Malformed { what: WHAT, why: "they are empty" })?;
        PublicKey::from_validated(&share.to_public_key())
    }

    /// The points themselves, lowest coefficient first.
    pub(super) fn points(&self) -> &[min_pk::PublicKey] {
        &self.points
    }
}

/// `1, x, x^2, ...`
pub(super) fn powers(x: Scalar) -> impl Iterator<Item = Scalar> {
    std::iter::successors(Some(Scalar::ONE), move |power| Some(power.mul(x)))
}

impl PartialEq for ShareCommitments {
    fn eq(&self, other: &Self) -> bool {
        self.points == other.points
    }
}

impl Eq for ShareCommitments {}

impl fmt::Debug for ShareCommitments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShareCommitments")
            .field("public_key", &self.public_key)
            .field("threshold", &self.threshold)
            .finish_non_exhaustive()
    }
}

impl borsh::BorshSerialize for ShareCommitments {
    fn serialize<W: borsh::io::Write>(&self, writer: &mut W) -> borsh::io::Result<()> {
        borsh::BorshSerialize::serialize(&self.to_bytes(), writer)
    }
}

impl borsh::BorshDeserialize for ShareCommitments {
    fn deserialize_reader<R: borsh::io::Read>(reader: &mut R) -> borsh::io::Result<Self> {
        let bytes = Vec::<u8>::deserialize_reader(reader)?;
        Self::from_bytes(&bytes).map_err(|error| borsh::io::Error::new(borsh::io::ErrorKind::InvalidData, error))
    }
}

impl serde::Serialize for ShareCommitments {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Bytes::from(self.to_bytes()).serialize(serializer)
    }
}

impl<'de> serde::Deserialize<'de> for ShareCommitments {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = Bytes::deserialize(deserializer)?;
        Self::from_bytes(&bytes).map_err(serde::de::Error::custom)
    }
}
