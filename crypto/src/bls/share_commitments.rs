//! Feldman's commitments to the polynomial that shares a validator's key: they fix the public key of every share.

use super::{PublicKey, scalar::Scalar};
use crate::{
    error::Error,
    member::{MAX_MEMBERS, MemberId},
};
use alloy_primitives::Bytes;
use blst::{MultiPoint, min_pk};
use std::fmt;

const WHAT: &str = "share commitments";
/// Bits of a scalar.
const SCALAR_BITS: usize = 255;

/// Commitments to a sharing polynomial, lowest coefficient first, so that the first is the validator's public key. As many as
/// the threshold: 2 to [`MAX_MEMBERS`]. How many members hold shares they cannot tell. (Puffer's `blsPubKeySet`.)
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
    /// [`Error::Malformed`] if their count is not 2 to 256, or one is not a point of the subgroup or is the identity.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let (chunks, rest) = bytes.as_chunks::<48>();
        if !rest.is_empty() {
            return Err(Error::Malformed { what: WHAT, why: "they are not a multiple of 48 bytes" });
        }
        if !(2..=usize::from(MAX_MEMBERS)).contains(&chunks.len()) {
            return Err(Error::Malformed { what: WHAT, why: "they are not 2 to 256" });
        }
        let keys = chunks.iter().map(|chunk| PublicKey::from_bytes(chunk)).collect::<Result<Vec<_>, _>>()?;
        Self::new(&keys)
    }

    pub(super) fn new(keys: &[PublicKey]) -> Result<Self, Error> {
        let public_key = *keys.first().ok_or(Error::Malformed { what: WHAT, why: "they are empty" })?;
        let threshold =
            u16::try_from(keys.len()).map_err(|_| Error::Malformed { what: WHAT, why: "they are too many" })?;
        let points = keys.iter().map(|key| key.point()).collect::<Result<_, _>>()?;
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
        let x = Scalar::of_member(member);
        let mut power = Scalar::ONE;
        let mut powers = Vec::with_capacity(self.points.len().saturating_mul(32));
        for _ in &self.points {
            powers.extend_from_slice(&power.to_le_bytes());
            power = power.mul(x);
        }
        PublicKey::from_point(&self.points.mult(&powers, SCALAR_BITS).to_public_key())
    }
}

/// `sum(scalars[i] * points[i])` over signatures. Public values only: not constant-time.
pub(super) fn weighted_sum(signatures: &[(Scalar, min_pk::Signature)]) -> Option<min_pk::Signature> {
    if signatures.is_empty() {
        return None;
    }
    let scalars: Vec<u8> = signatures.iter().flat_map(|(scalar, _)| scalar.to_le_bytes()).collect();
    let points: Vec<min_pk::Signature> = signatures.iter().map(|(_, point)| *point).collect();
    Some(points.mult(&scalars, SCALAR_BITS).to_signature())
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
