//! The group's key and signatures in the form that contracts see, and their verification along a path that shares no code with
//! the FROST library: the same steps as the Solidity verifier, so that a signature which would fail on chain is caught here.
//!
//! RFC 9591 FROST(secp256k1, SHA-256), section 6.5: `z*G == R + e*P`, `e = hash_to_field(R || P || message)`.
//!
//! What is accepted here is what the contract accepts, except for inputs that nobody can find: the contract compares a 160-bit
//! hash of `R` instead of `R` itself.

use crate::{
    encoding::{exact, public_bytes},
    error::Error,
};
use k256::{
    AffinePoint, EncodedPoint, ProjectivePoint, Scalar,
    elliptic_curve::{
        PrimeField,
        bigint::U512,
        ops::{LinearCombination, Reduce},
        sec1::{FromEncodedPoint, ToEncodedPoint},
    },
};
use sha2::{Digest, Sha256};

/// RFC 9591's context string and the tag of its H2, with the length that RFC 9380's `expand_message_xmd` appends.
const CHALLENGE_DST: &[u8] = b"FROST-secp256k1-SHA256-v1chal\x1d";

/// The group's public key: a point of secp256k1 whose x-coordinate is below the group's order (else `ecrecover` could not
/// stand in for a multiplication on chain).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupKey {
    x: [u8; 32],
    y: [u8; 32],
}

/// A signature of the group, 96 bytes: `R.x || R.y || z`, big-endian. `R` is a point of the curve, `z` a non-zero scalar.
/// Signing is randomised: two signatures of one message differ, so the bytes identify nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signature {
    rx: [u8; 32],
    ry: [u8; 32],
    z: [u8; 32],
}

impl GroupKey {
    /// The key with these big-endian coordinates.
    ///
    /// # Errors
    /// [`Error::Malformed`] if they are no point of the curve; [`Error::UnusableGroupKey`] if `x` is not below the order.
    pub fn from_coordinates(x: [u8; 32], y: [u8; 32]) -> Result<Self, Error> {
        point(&x, &y).ok_or(Error::Malformed { what: "group key", why: "it is not a point of the curve" })?;
        if scalar(&x).is_none() {
            return Err(Error::UnusableGroupKey);
        }
        Ok(Self { x, y })
    }

    /// The big-endian coordinates, as `contracts/` stores them.
    #[must_use]
    pub const fn coordinates(&self) -> ([u8; 32], [u8; 32]) {
        (self.x, self.y)
    }

    /// Reads a compressed point (SEC 1, 33 bytes).
    ///
    /// # Errors
    /// As [`GroupKey::from_coordinates`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let bytes = exact::<33>("group key", bytes)?;
        let (x, y) =
            decompress(&bytes).ok_or(Error::Malformed { what: "group key", why: "it is not a compressed point" })?;
        Self::from_coordinates(x, y)
    }

    /// The compressed point (SEC 1, 33 bytes).
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 33] {
        compress(&self.x, &self.y)
    }

    /// Checks that the group signed `message`.
    ///
    /// # Errors
    /// [`Error::InvalidSignature`].
    pub fn verify(&self, message: &[u8; 32], signature: &Signature) -> Result<(), Error> {
        self.verify_message(message, signature)
    }

    /// Checks that the group signed a message of any length, as RFC 9591 has it. The committee signs digests alone
    /// ([`GroupKey::verify`]); others sign with the same ciphersuite, and so do the RFC's vectors.
    ///
    /// # Errors
    /// [`Error::InvalidSignature`].
    pub fn verify_message(&self, message: &[u8], signature: &Signature) -> Result<(), Error> {
        let r = point(&signature.rx, &signature.ry).ok_or(Error::InvalidSignature)?;
        let p = point(&self.x, &self.y).ok_or(Error::InvalidSignature)?;
        let z = scalar(&signature.z).ok_or(Error::InvalidSignature)?;
        let e = challenge(&compress(&signature.rx, &signature.ry), &self.to_bytes(), message);
        // The contract cannot verify a zero challenge: ecrecover refuses it.
        if e == Scalar::ZERO {
            return Err(Error::InvalidSignature);
        }
        let expected = ProjectivePoint::lincomb(&ProjectivePoint::GENERATOR, &z, &ProjectivePoint::from(p), &-e);
        if expected.to_affine() == r { Ok(()) } else { Err(Error::InvalidSignature) }
    }
}

impl Signature {
    /// Reads 96 bytes: `R.x || R.y || z`.
    ///
    /// # Errors
    /// [`Error::Malformed`] if they are not 96, if `R` is no point of the curve, or if `z` is zero or not below the order.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        const WHAT: &str = "signature";
        let mut reader = crate::encoding::Reader::new(WHAT, bytes);
        let (rx, ry, z) = (reader.array()?, reader.array()?, reader.array()?);
        reader.finish()?;
        Self::from_parts(rx, ry, z)
    }

    /// The signature with these big-endian values.
    ///
    /// # Errors
    /// As [`Signature::from_bytes`].
    pub fn from_parts(rx: [u8; 32], ry: [u8; 32], z: [u8; 32]) -> Result<Self, Error> {
        let malformed = |why| Error::Malformed { what: "signature", why };
        point(&rx, &ry).ok_or_else(|| malformed("R is not a point of the curve"))?;
        let response = scalar(&z).ok_or_else(|| malformed("z is not below the order"))?;
        if response == Scalar::ZERO {
            return Err(malformed("z is zero"));
        }
        Ok(Self { rx, ry, z })
    }

    /// Reads RFC 9591's encoding, 65 bytes: `R` compressed, then `z`.
    ///
    /// # Errors
    /// As [`Signature::from_bytes`].
    pub fn from_rfc9591(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = crate::encoding::Reader::new("signature", bytes);
        let (r, z) = (reader.array()?, reader.array()?);
        reader.finish()?;
        let (rx, ry) =
            decompress(&r).ok_or(Error::Malformed { what: "signature", why: "R is not a compressed point" })?;
        Self::from_parts(rx, ry, z)
    }

    /// The 96 bytes `R.x || R.y || z`.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 96] {
        let mut bytes = [0; 96];
        for (to, from) in bytes.iter_mut().zip([self.rx, self.ry, self.z].into_iter().flatten()) {
            *to = from;
        }
        bytes
    }

    /// `R.x`, big-endian.
    #[must_use]
    pub const fn rx(&self) -> [u8; 32] {
        self.rx
    }

    /// `R.y`, big-endian.
    #[must_use]
    pub const fn ry(&self) -> [u8; 32] {
        self.ry
    }

    /// `z`, big-endian.
    #[must_use]
    pub const fn z(&self) -> [u8; 32] {
        self.z
    }
}

public_bytes!(GroupKey, 33);
public_bytes!(Signature, 96);

/// Whether 33 bytes begin like a compressed point. `k256` (and with it `frost-secp256k1`) also reads the tag 5 of SEC 1's
/// "compact" form, which would give one point two encodings.
pub(crate) const fn has_compressed_tag(bytes: &[u8; 33]) -> bool {
    matches!(bytes, [2 | 3, ..])
}

fn decompress(bytes: &[u8; 33]) -> Option<([u8; 32], [u8; 32])> {
    if !has_compressed_tag(bytes) {
        return None;
    }
    let encoded = EncodedPoint::from_bytes(bytes).ok()?;
    let point = Option::<AffinePoint>::from(AffinePoint::from_encoded_point(&encoded))?.to_encoded_point(false);
    Some(((*point.x()?).into(), (*point.y()?).into()))
}

fn compress(x: &[u8; 32], y: &[u8; 32]) -> [u8; 33] {
    let [.., last] = y;
    let mut bytes = [0; 33];
    let [tag, rest @ ..] = &mut bytes;
    *tag = 2 | (last & 1);
    *rest = *x;
    bytes
}

/// The point with these coordinates, if they are below the field's prime and on the curve.
fn point(x: &[u8; 32], y: &[u8; 32]) -> Option<AffinePoint> {
    let encoded = EncodedPoint::from_affine_coordinates(&(*x).into(), &(*y).into(), false);
    AffinePoint::from_encoded_point(&encoded).into()
}

/// The scalar with these bytes, if they are below the group's order.
fn scalar(bytes: &[u8; 32]) -> Option<Scalar> {
    Scalar::from_repr((*bytes).into()).into()
}

/// RFC 9591's H2: RFC 9380's `hash_to_field` with `expand_message_xmd` over SHA-256, 48 bytes reduced by the order.
fn challenge(r: &[u8; 33], p: &[u8; 33], message: &[u8]) -> Scalar {
    let hash = |parts: &[&[u8]]| -> [u8; 32] {
        parts
            .iter()
            .fold(Sha256::new(), |hash, part| hash.chain_update(part))
            .chain_update(CHALLENGE_DST)
            .finalize()
            .into()
    };
    // Z_pad (one block of SHA-256), the message, the 48 bytes wanted, and a zero.
    let b0 = hash(&[&[0; 64], r, p, message, &[0, 48, 0]]);
    let b1 = hash(&[&b0, &[1]]);
    let mut mixed = b0;
    for (byte, other) in mixed.iter_mut().zip(b1) {
        *byte ^= other;
    }
    let b2 = hash(&[&mixed, &[2]]);
    // The 48 bytes are b1 and the first half of b2, read as one big-endian number.
    let mut wide = [0; 64];
    for (to, from) in wide.iter_mut().skip(16).zip(b1.into_iter().chain(b2)) {
        *to = from;
    }
    <Scalar as Reduce<U512>>::reduce_bytes(&wide.into())
}
