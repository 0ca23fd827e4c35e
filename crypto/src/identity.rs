//! Who a guardian is: one long-term ed25519 key that signs its messages. The same 32-byte seed makes its libp2p peer id.
//!
//! Not a share of anything: losing it does not lose the group key, and it cannot sign for the group.

use crate::{
    encoding::{exact, public_bytes},
    error::Error,
    secret::Secret,
};
use curve25519_dalek::Scalar;
use ed25519_dalek::{Signer, SigningKey, VerifyingKey};
use hkdf::Hkdf;
use rand_core::{CryptoRng, RngCore};
use sha2::Sha256;
use std::fmt;
use zeroize::Zeroizing;

/// The salt of [`IdentityKey::derive`]: keeps its secrets apart from everything else that could be made of the seed.
const DERIVATION: &[u8] = b"GUARDIAN/identity/derivation/v1";

/// A guardian's secret identity. Wiped when dropped.
///
/// ```compile_fail
/// # use guardian_crypto::{identity::IdentityKey, secret::Secret};
/// let key = IdentityKey::from_seed(Secret::new([1; 32]));
/// let copy = key.clone();
/// ```
pub struct IdentityKey(SigningKey);

/// A guardian's public identity: a canonical ed25519 key that is not of small order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdentityPublic([u8; 32]);

/// A signature by an [`IdentityKey`]. Any 64 bytes; judged by [`IdentityPublic::verify`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdentitySignature([u8; 64]);

impl IdentityKey {
    /// A new identity.
    #[must_use]
    pub fn generate(rng: &mut (impl CryptoRng + RngCore)) -> Self {
        let mut seed = Zeroizing::new([0; 32]);
        rng.fill_bytes(seed.as_mut());
        Self(SigningKey::from_bytes(&seed))
    }

    /// The identity of a stored seed (RFC 8032's private key).
    #[must_use]
    pub fn from_seed(seed: Secret<[u8; 32]>) -> Self {
        Self(SigningKey::from_bytes(seed.expose()))
    }

    /// The seed, to be sealed or handed to the transport.
    #[must_use]
    pub fn expose_seed(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// The public side.
    #[must_use]
    pub fn public(&self) -> IdentityPublic {
        IdentityPublic(self.0.verifying_key().to_bytes())
    }

    /// Signs `message` for one purpose: `domain` says which, and contains no zero byte.
    #[must_use]
    pub fn sign(&self, domain: &'static str, message: &[u8]) -> IdentitySignature {
        IdentitySignature(self.0.sign(&separated(domain, message)).to_bytes())
    }

    /// A secret that only this identity can make, and always makes again: HKDF-SHA256 (RFC 5869) from the seed, with
    /// `domain || 0x00 || context` as info. Reveals nothing about the seed, nor about what it derives for another domain or
    /// context. Never for signing nonces: those must not come back.
    ///
    /// # Errors
    /// None in practice: HKDF refuses only outputs longer than 8160 bytes.
    pub fn derive(&self, domain: &'static str, context: &[u8]) -> Result<Secret<[u8; 32]>, Error> {
        let mut derived = Zeroizing::new([0; 32]);
        Hkdf::<Sha256>::new(Some(DERIVATION), self.0.as_bytes())
            .expand(&separated(domain, context), derived.as_mut())
            .map_err(|_| Error::Malformed { what: "derived secret", why: "it is too long" })?;
        Ok(Secret::new(*derived))
    }

    /// The scalar of which [`IdentityKey::public`] is the multiple of the base point (RFC 8032, section 5.1.5, step 3).
    pub(crate) fn scalar(&self) -> Zeroizing<Scalar> {
        Zeroizing::new(self.0.to_scalar())
    }
}

impl fmt::Debug for IdentityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdentityKey").field("public", &self.public()).finish_non_exhaustive()
    }
}

impl IdentityPublic {
    /// Reads a public identity.
    ///
    /// # Errors
    /// [`Error::Malformed`] if it is not 32 bytes, not a curve point, not canonical, or of small order (such a key accepts
    /// signatures that nobody made).
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        const WHAT: &str = "identity key";
        let bytes = exact::<32>(WHAT, bytes)?;
        let malformed = |why| Error::Malformed { what: WHAT, why };
        let key = VerifyingKey::from_bytes(&bytes).map_err(|_| malformed("it is not a point of the curve"))?;
        if key.to_edwards().compress().to_bytes() != bytes {
            return Err(malformed("it is not canonical"));
        }
        if key.is_weak() {
            return Err(malformed("it is of small order"));
        }
        Ok(Self(bytes))
    }

    /// The key's 32 bytes (RFC 8032).
    #[must_use]
    pub const fn to_bytes(&self) -> [u8; 32] {
        self.0
    }

    /// Checks that this identity signed `message` for the purpose `domain`.
    ///
    /// # Errors
    /// [`Error::InvalidSignature`].
    pub fn verify(&self, domain: &'static str, message: &[u8], signature: &IdentitySignature) -> Result<(), Error> {
        let key = VerifyingKey::from_bytes(&self.0).map_err(|_| Error::InvalidSignature)?;
        let signature = ed25519_dalek::Signature::from_bytes(&signature.0);
        key.verify_strict(&separated(domain, message), &signature).map_err(|_| Error::InvalidSignature)
    }
}

impl IdentitySignature {
    /// Reads a signature.
    ///
    /// # Errors
    /// [`Error::Malformed`] if it is not 64 bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        exact("identity signature", bytes).map(Self)
    }

    /// The signature's 64 bytes (RFC 8032).
    #[must_use]
    pub const fn to_bytes(&self) -> [u8; 64] {
        self.0
    }
}

public_bytes!(IdentityPublic, 32);
public_bytes!(IdentitySignature, 64);

/// `domain || 0x00 || message`: no message of one purpose can be read as one of another.
fn separated(domain: &'static str, message: &[u8]) -> Vec<u8> {
    debug_assert!(!domain.as_bytes().contains(&0), "a domain with a zero byte could be confused with another");
    [domain.as_bytes(), &[0], message].concat()
}
