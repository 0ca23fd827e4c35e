//! The key to which node operators encrypt a guardian's shares of validators' keys, and the encryption: ECIES over secp256k1.
//!
//! Puffer calls it the enclave key, because its own guardians keep it in one. The scheme is that of the crate `ecies` 0.2, which Puffer's
//! signer encrypts with:
//!
//! ```text
//! ciphertext = ephemeral public key (65, uncompressed) || nonce (16) || tag (16) || AES-256-GCM(key, nonce, plaintext)
//! key        = HKDF-SHA256(no salt, ephemeral public key || shared point, both uncompressed; no info), 32 bytes
//! ```
//!
//! Nothing here says whose share a plaintext is; [`crate::bls::ExitShare::decrypt`] does.

use crate::{
    encoding::{exact, public_bytes},
    error::Error,
    secret::Secret,
};
use aes_gcm::{
    AeadInPlace, AesGcm, KeyInit,
    aes::{Aes256, cipher::consts::U16},
};
use hkdf::Hkdf;
use k256::{
    ProjectivePoint, SecretKey,
    elliptic_curve::{sec1::ToEncodedPoint, zeroize::Zeroize},
};
use rand_core::{CryptoRng, RngCore};
use sha2::Sha256;
use std::fmt;
use zeroize::Zeroizing;

/// Bytes that a ciphertext is longer than its plaintext: ephemeral key, nonce and tag.
pub const OVERHEAD: usize = 65 + 16 + 16;

const PUBLIC: &str = "enclave key";
const CIPHERTEXT: &str = "ciphertext";

type Cipher = AesGcm<Aes256, U16>;

/// A secret enclave key. Not `Clone`, not serialisable; wiped when dropped.
///
/// ```compile_fail
/// fn copy(key: &guardian_crypto::enclave::EnclaveKey) -> guardian_crypto::enclave::EnclaveKey {
///     key.clone()
/// }
/// ```
pub struct EnclaveKey(SecretKey);

/// A public enclave key as contracts list it: a point of secp256k1, 65 bytes, uncompressed (SEC 1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EnclavePublic([u8; 65]);

impl EnclaveKey {
    /// A new key.
    #[must_use]
    pub fn generate(rng: &mut (impl CryptoRng + RngCore)) -> Self {
        Self(SecretKey::random(rng))
    }

    /// Reads 32 big-endian bytes.
    ///
    /// # Errors
    /// [`Error::Malformed`] if they are not 32, or the number is zero or not below the group's order.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let bytes = Zeroizing::new(exact::<32>(PUBLIC, bytes)?);
        let why = "it is not a number of 1 to the group's order";
        SecretKey::from_bytes((&*bytes).into()).map(Self).map_err(|_| Error::Malformed { what: PUBLIC, why })
    }

    /// The 32 big-endian bytes, to be sealed.
    #[must_use]
    pub fn to_secret_bytes(&self) -> Secret<[u8; 32]> {
        let mut bytes = self.0.to_bytes();
        let secret = Secret::new(bytes.into());
        bytes.zeroize();
        secret
    }

    /// What operators encrypt to.
    #[must_use]
    pub fn public(&self) -> EnclavePublic {
        EnclavePublic::of(&self.0.public_key())
    }

    /// What was encrypted to this key.
    ///
    /// # Errors
    /// [`Error::Malformed`] if it is too short or begins with no uncompressed point; [`Error::NotDecrypted`] if it was encrypted to another
    /// key, or changed.
    pub fn decrypt(&self, ciphertext: &[u8]) -> Result<Secret<Vec<u8>>, Error> {
        let short = Error::Malformed { what: CIPHERTEXT, why: "it is too short" };
        let (ephemeral, rest) = ciphertext.split_first_chunk::<65>().ok_or(short.clone())?;
        let (nonce, rest) = rest.split_first_chunk::<16>().ok_or(short.clone())?;
        let (tag, body) = rest.split_first_chunk::<16>().ok_or(short)?;
        let point = point_of(CIPHERTEXT, ephemeral)?;
        let cipher = cipher(ephemeral, &(point.to_projective() * *self.0.to_nonzero_scalar()))?;
        let mut plaintext = Zeroizing::new(body.to_vec());
        cipher
            .decrypt_in_place_detached(nonce.into(), &[], &mut plaintext, tag.into())
            .map_err(|_| Error::NotDecrypted)?;
        Ok(Secret::new(std::mem::take(&mut *plaintext)))
    }
}

impl fmt::Debug for EnclaveKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnclaveKey").field("public", &self.public()).finish_non_exhaustive()
    }
}

impl EnclavePublic {
    /// Reads an uncompressed point.
    ///
    /// # Errors
    /// [`Error::Malformed`] if it is not 65 bytes that begin with 4, or not on the curve.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let bytes = exact::<65>(PUBLIC, bytes)?;
        point_of(PUBLIC, &bytes)?;
        Ok(Self(bytes))
    }

    /// The uncompressed point.
    #[must_use]
    pub const fn to_bytes(&self) -> [u8; 65] {
        self.0
    }

    /// Encrypts `plaintext` to this key: the node operator's side. Nonce and ephemeral key are drawn for each ciphertext.
    ///
    /// # Errors
    /// [`Error::Malformed`] for a plaintext that is too long for the cipher (64 GiB).
    pub fn encrypt(&self, plaintext: &[u8], rng: &mut (impl CryptoRng + RngCore)) -> Result<Vec<u8>, Error> {
        let ephemeral = SecretKey::random(rng);
        let public = EnclavePublic::of(&ephemeral.public_key()).0;
        let point = point_of(PUBLIC, &self.0)?;
        let cipher = cipher(&public, &(point.to_projective() * *ephemeral.to_nonzero_scalar()))?;
        let mut nonce = [0; 16];
        rng.fill_bytes(&mut nonce);
        let mut body = plaintext.to_vec();
        let tag = cipher
            .encrypt_in_place_detached((&nonce).into(), &[], &mut body)
            .map_err(|_| Error::Malformed { what: "plaintext", why: "it is too long" })?;
        Ok([public.as_slice(), &nonce, tag.as_slice(), &body].concat())
    }

    fn of(key: &k256::PublicKey) -> Self {
        let mut bytes = [0; 65];
        for (to, from) in bytes.iter_mut().zip(key.to_encoded_point(false).as_bytes()) {
            *to = *from;
        }
        Self(bytes)
    }
}

public_bytes!(EnclavePublic, 65);

/// The point with these bytes; of the encodings of SEC 1 only the uncompressed one is taken.
fn point_of(what: &'static str, bytes: &[u8; 65]) -> Result<k256::PublicKey, Error> {
    let uncompressed = bytes.first() == Some(&4);
    let point = uncompressed.then(|| k256::PublicKey::from_sec1_bytes(bytes).ok()).flatten();
    point.ok_or(Error::Malformed { what, why: "it has no uncompressed point of the curve" })
}

/// The cipher that both sides derive: from the ephemeral key as it was sent, and the point that only they know.
fn cipher(ephemeral: &[u8; 65], shared: &ProjectivePoint) -> Result<Cipher, Error> {
    let mut point = shared.to_affine().to_encoded_point(false);
    let mut input = Zeroizing::new(Vec::with_capacity(130));
    input.extend_from_slice(ephemeral);
    input.extend_from_slice(point.as_bytes());
    point.zeroize();
    let mut key = Zeroizing::new([0; 32]);
    Hkdf::<Sha256>::new(None, &input)
        .expand(&[], key.as_mut())
        .map_err(|_| Error::Malformed { what: "derived key", why: "it is too long" })?;
    Ok(Cipher::new((&*key).into()))
}
