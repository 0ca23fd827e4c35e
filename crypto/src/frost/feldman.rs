//! Commitments to a secret polynomial (Feldman, FOCS 1987): what a dealer says to everybody so that each can check its share, and
//! anybody can check a share that has been disclosed.

use super::{algebra, identifier_of};
use crate::{
    encoding::Reader,
    error::Error,
    member::{MAX_MEMBERS, MemberId},
};
use frost_secp256k1::keys::{SecretShare, SigningShare, VerifiableSecretSharingCommitment};
use k256::ProjectivePoint;

/// Commitments to the coefficients, lowest first; 2 to [`MAX_MEMBERS`] points, none of them the identity.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Commitment {
    points: Vec<[u8; 33]>,
    commitment: VerifiableSecretSharingCommitment,
}

impl Commitment {
    pub(super) fn from_frost(commitment: &VerifiableSecretSharingCommitment) -> Result<Self, Error> {
        let bytes = commitment.serialize_whole()?;
        let count = bytes.len() / 33;
        let mut reader = Reader::new("commitment", &bytes);
        Self::read(&mut reader, count)
    }

    /// Reads this many points.
    pub(super) fn read(reader: &mut Reader<'_>, count: usize) -> Result<Self, Error> {
        if !(2..=usize::from(MAX_MEMBERS)).contains(&count) {
            return Err(reader.malformed("it does not hold 2 to 256 commitments"));
        }
        let mut points = Vec::with_capacity(count);
        for _ in 0..count {
            points.push(reader.array::<33>()?);
        }
        let not_a_point = reader.malformed("a commitment is not a compressed point");
        if !points.iter().all(crate::schnorr::has_compressed_tag) {
            return Err(not_a_point);
        }
        let commitment = VerifiableSecretSharingCommitment::deserialize(&points).map_err(|_| not_a_point)?;
        Ok(Self { points, commitment })
    }

    /// How many shares determine the polynomial.
    pub(super) const fn threshold(&self) -> usize {
        self.points.len()
    }

    /// The commitment to the polynomial's value at zero: to what is shared.
    pub(super) fn constant(&self) -> Option<&[u8; 33]> {
        self.points.first()
    }

    /// The points, lowest coefficient first.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        self.points.concat()
    }

    pub(super) const fn frost(&self) -> &VerifiableSecretSharingCommitment {
        &self.commitment
    }

    /// Checks that `share` is the polynomial's value at `to`.
    pub(super) fn check_share(&self, to: MemberId, share: &[u8; 32]) -> Result<(), Error> {
        let share = SigningShare::deserialize(share).map_err(|_| Error::ShareMismatch)?;
        let share = SecretShare::new(identifier_of(to)?, share, self.commitment.clone());
        share.verify().map(|_| ()).map_err(|_| Error::ShareMismatch)
    }

    /// The commitment to the sum of polynomials.
    ///
    /// # Errors
    /// [`Error::ShareMismatch`] if they are not all of one length; [`Error::Malformed`] if a sum is the identity.
    pub(super) fn sum<'a>(commitments: impl Iterator<Item = &'a Self>) -> Result<Self, Error> {
        let mut total: Vec<ProjectivePoint> = Vec::new();
        for commitment in commitments {
            if total.is_empty() {
                total = vec![ProjectivePoint::IDENTITY; commitment.threshold()];
            }
            if total.len() != commitment.threshold() {
                return Err(Error::ShareMismatch);
            }
            for (sum, bytes) in total.iter_mut().zip(&commitment.points) {
                *sum += algebra::point(bytes).ok_or(Error::ShareMismatch)?;
            }
        }
        let identity = Error::Malformed { what: "commitment", why: "a sum of commitments is the identity" };
        let bytes: Option<Vec<[u8; 33]>> = total.iter().map(algebra::point_bytes).collect();
        let bytes = bytes.ok_or(identity)?.concat();
        Self::read(&mut Reader::new("commitment", &bytes), total.len())
    }
}
