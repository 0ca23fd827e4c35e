//! Keys and signatures of one validator. Signing with a whole key is for development networks and tests; guardians sign with
//! shares.

use super::{DST, scalar::Scalar};
use crate::{
    encoding::{exact, public_bytes},
    error::Error,
    secret::Secret,
};
use blst::{BLST_ERROR, min_pk};
use sha2::{Digest, Sha256};
use std::fmt;
use zeroize::Zeroizing;

const PUBLIC_KEY: &str = "BLS public key";

/// A validator's (or share's) public key: a point of G1's prime-order subgroup, not the identity. 48 bytes, compressed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey([u8; 48]);

/// A signature: a point of G2's prime-order subgroup, not the identity. 96 bytes, compressed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlsSignature([u8; 96]);

/// A validator's whole secret key: 1 to the group's order. Not `Clone`, not serialisable; wiped when dropped.
pub struct SecretKey(min_pk::SecretKey);

impl PublicKey {
    /// Reads a compressed point.
    ///
    /// # Errors
    /// [`Error::Malformed`] if it is not 48 bytes, not canonical, not on the curve, not in the subgroup, or the identity.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        Self::decode(bytes)?;
        exact(PUBLIC_KEY, bytes).map(Self)
    }

    /// The compressed point.
    #[must_use]
    pub const fn to_bytes(&self) -> [u8; 48] {
        self.0
    }

    /// Checks a signature over `root`.
    ///
    /// # Errors
    /// [`Error::InvalidSignature`].
    pub fn verify(&self, root: &[u8; 32], signature: &BlsSignature) -> Result<(), Error> {
        // Both were validated when they were made.
        let key = min_pk::PublicKey::uncompress(&self.0).map_err(|_| Error::InvalidSignature)?;
        verify(&key, root, &min_pk::Signature::uncompress(&signature.0).map_err(|_| Error::InvalidSignature)?)
    }

    /// What [`PublicKey::from_bytes`] checks, as a point.
    pub(super) fn decode(bytes: &[u8]) -> Result<min_pk::PublicKey, Error> {
        min_pk::PublicKey::uncompress(&exact::<48>(PUBLIC_KEY, bytes)?)
            .and_then(|key| key.validate().map(|()| key))
            .map_err(|error| Error::Malformed { what: PUBLIC_KEY, why: reason(error) })
    }

    /// A point of the subgroup, for instance a sum of such: all that is left to check is that it is not the identity.
    pub(super) fn from_validated(point: &min_pk::PublicKey) -> Result<Self, Error> {
        let bytes = point.compress();
        if is_identity(&bytes) {
            return Err(Error::Malformed { what: PUBLIC_KEY, why: reason(BLST_ERROR::BLST_PK_IS_INFINITY) });
        }
        Ok(Self(bytes))
    }
}

impl BlsSignature {
    /// Reads a compressed point.
    ///
    /// # Errors
    /// [`Error::Malformed`] if it is not 96 bytes, not canonical, not on the curve, not in the subgroup, or the identity.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        const WHAT: &str = "BLS signature";
        let bytes = exact::<96>(WHAT, bytes)?;
        signature_point(&bytes).map_err(|error| Error::Malformed { what: WHAT, why: reason(error) })?;
        Ok(Self(bytes))
    }

    /// The compressed point.
    #[must_use]
    pub const fn to_bytes(&self) -> [u8; 96] {
        self.0
    }

    /// A point that verified as a signature, so neither outside of the subgroup nor the identity.
    pub(super) fn from_verified(point: &min_pk::Signature) -> Self {
        Self(point.compress())
    }
}

public_bytes!(PublicKey, 48);
public_bytes!(BlsSignature, 96);

impl SecretKey {
    /// Reads 32 big-endian bytes.
    ///
    /// # Errors
    /// [`Error::Malformed`] if they are not 32, or the number is zero or not below the group's order.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        Self::read("BLS secret key", bytes)
    }

    /// The same of something that is called `what`.
    pub(super) fn read(what: &'static str, bytes: &[u8]) -> Result<Self, Error> {
        let why = "it is not 32 bytes of 1 to the group's order";
        min_pk::SecretKey::from_bytes(bytes).map(Self).map_err(|_| Error::Malformed { what, why })
    }

    /// The key that development networks give validator number `index`: public knowledge, no secret at all. SHA-256 of the
    /// index (32 bytes, little-endian), read as a little-endian number, reduced by the order (consensus specs'
    /// "interop" or "mocked start" keys).
    ///
    /// # Errors
    /// None for any known index (the number would have to be a multiple of the order).
    pub fn interop(index: u64) -> Result<Self, Error> {
        let mut preimage = [0; 32];
        for (to, from) in preimage.iter_mut().zip(index.to_le_bytes()) {
            *to = from;
        }
        Self::from_scalar(Scalar::reduce_le_bytes(&Sha256::digest(preimage).into()))
    }

    /// The public side: a valid key, because a secret key is neither zero nor a multiple of the order.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        PublicKey(self.0.sk_to_pk().compress())
    }

    /// Signs any `root` with the whole key: for development networks and tests only. Guardians hold no whole key; what they sign
    /// with, [`super::ExitShare`], signs nothing but exits ([`super::partial_exit`]).
    #[must_use]
    pub fn sign(&self, root: &[u8; 32]) -> BlsSignature {
        BlsSignature(self.sign_point(root).compress())
    }

    /// The signature as a point, for shares.
    pub(super) fn sign_point(&self, root: &[u8; 32]) -> min_pk::Signature {
        self.0.sign(root, DST, &[])
    }

    /// The 32 big-endian bytes, to be sealed.
    #[must_use]
    pub fn to_secret_bytes(&self) -> Secret<[u8; 32]> {
        Secret::new(self.0.to_bytes())
    }

    pub(super) fn from_scalar(scalar: Scalar) -> Result<Self, Error> {
        Self::from_bytes(Zeroizing::new(scalar.to_be_bytes()).as_ref())
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(<redacted>)")
    }
}

/// Checks a signature by a validated key; the signature's subgroup is checked here.
pub(super) fn verify(key: &min_pk::PublicKey, root: &[u8; 32], signature: &min_pk::Signature) -> Result<(), Error> {
    let holds = signature.verify(true, root, DST, &[], key, false) == BLST_ERROR::BLST_SUCCESS;
    holds.then_some(()).ok_or(Error::InvalidSignature)
}

/// A canonical point of the subgroup, not the identity.
pub(super) fn signature_point(bytes: &[u8; 96]) -> Result<min_pk::Signature, BLST_ERROR> {
    let point = min_pk::Signature::uncompress(bytes)?;
    point.validate(true)?;
    Ok(point)
}

/// Whether a compressed point is the identity, by the flag that only it has.
fn is_identity(compressed: &[u8]) -> bool {
    compressed.first().is_some_and(|flags| flags & 0x40 != 0)
}

const fn reason(error: BLST_ERROR) -> &'static str {
    match error {
        BLST_ERROR::BLST_POINT_NOT_ON_CURVE => "it is not on the curve",
        BLST_ERROR::BLST_POINT_NOT_IN_GROUP => "it is not in the subgroup",
        BLST_ERROR::BLST_PK_IS_INFINITY => "it is the identity",
        BLST_ERROR::BLST_SUCCESS
        | BLST_ERROR::BLST_BAD_ENCODING
        | BLST_ERROR::BLST_AGGR_TYPE_MISMATCH
        | BLST_ERROR::BLST_VERIFY_FAIL
        | BLST_ERROR::BLST_BAD_SCALAR => "it is not a canonical compressed point",
    }
}
