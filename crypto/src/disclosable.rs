//! Encryption of 32-byte secrets to a guardian's identity, which the recipient can open *to everybody*, with a proof, without
//! showing its key. So a wrong share of a key ceremony is not one word against another: anybody can see what was sent.
//!
//! | | |
//! |---|---|
//! | ephemeral key | `E = e*B`, one per sender and session, announced with a proof that its sender knows `e` |
//! | shared point | `K = e*A = a*E`; `A = a*B` is the recipient's ed25519 key |
//! | pad | first 32 bytes of `SHA-512(domain, context, E, A, K)` |
//! | ciphertext | `secret XOR pad` |
//! | disclosure | `K`, and a Chaum-Pedersen proof that `log_B A == log_E K` |
//!
//! The shape is that of ChillDKG's encrypted PedPop (Ruffing and Nick, BIP draft "ChillDKG"), with the disclosable shared point
//! of ETHDKG (Schindler et al., ePrint 2019/985). The proof is of Chaum and Pedersen ("Wallet databases with observers", CRYPTO
//! 1992), made non-interactive by Fiat and Shamir's transform over everything in it (SHA-512; weak variants omit the statement
//! and can be forged, Bernhard et al., ASIACRYPT 2012). Using one ed25519 key for signatures and Diffie-Hellman: Thormarker,
//! ePrint 2021/509.
//!
//! Threats, and what answers them:
//! - *A sender repeats another's `E`, or a multiple of it, and sends nonsense to provoke a disclosure.* The disclosed point
//!   would open what the other one sent. Hence the proof of possession: it is bound to the sender's identity and the session,
//!   and [`IdentityKey::decrypt`] and [`IdentityKey::disclose`] take only a [`VerifiedEphemeral`]. Whoever knows `e` can
//!   compute `e*A` itself, so that a disclosure tells nobody anything about another message, and nothing about `a`.
//! - *Points outside of the group of prime order* would make `K` depend on how the scalar was reduced, and would let two
//!   different `K` be proven. Every point is decoded canonically and refused unless it is in the group and not its identity.
//! - *A ciphertext of another ceremony, step or recipient is replayed.* All of them are to be in `context`.
//!
//! What this is not: it authenticates nothing (a changed ciphertext decrypts to a changed secret; the posts around it are signed
//! and the secrets have public commitments); and a disclosure opens *everything* that the ephemeral key sent to this recipient,
//! which is why there is one ephemeral key per sender and session.
//!
//! One pad for one secret: never encrypt two secrets with one ephemeral key for one recipient in one context.

use crate::{
    encoding::{Reader, public_bytes},
    error::Error,
    identity::{IdentityKey, IdentityPublic},
    secret::Secret,
};
use curve25519_dalek::{
    EdwardsPoint, Scalar, constants::ED25519_BASEPOINT_POINT, edwards::CompressedEdwardsY, traits::IsIdentity,
};
use rand_core::{CryptoRng, RngCore};
use sha2::{Digest, Sha512};
use std::fmt;
use zeroize::Zeroizing;

const PAD: &str = "GUARDIAN/disclosable/pad/v1";
const POSSESSION: &str = "GUARDIAN/disclosable/possession/v1";
const EQUALITY: &str = "GUARDIAN/disclosable/equality/v1";
const NONCE: &str = "GUARDIAN/disclosable/nonce/v1";

/// A sender's key for one session. Not `Clone`; wiped when dropped.
///
/// ```compile_fail
/// fn copy(key: &guardian_crypto::disclosable::EphemeralKey) -> guardian_crypto::disclosable::EphemeralKey {
///     key.clone()
/// }
/// ```
pub struct EphemeralKey {
    secret: Zeroizing<Scalar>,
    point: EdwardsPoint,
    public: EphemeralPublic,
}

/// What a sender announces: its ephemeral key and the proof that it knows the secret. 96 bytes, `E || c || s`: a point of the
/// group of prime order and two canonical scalars. Judged by [`EphemeralPublic::verify`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EphemeralPublic([u8; 96]);

/// An ephemeral key of which its sender has proven to know the secret, for one session. Comes only from
/// [`EphemeralPublic::verify`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerifiedEphemeral(EdwardsPoint);

/// The shared point of a recipient and an ephemeral key, and the proof that it is that. 96 bytes, `K || c || s`. Public: it
/// opens what this ephemeral key sent to this recipient, and nothing else. Judged by [`Disclosure::open`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Disclosure([u8; 96]);

/// Checks that secrets can be encrypted to this identity: its key is in the group of prime order. Every key that
/// [`IdentityKey`] makes is. To be asked before a ceremony begins, because nobody in it could send to such a member.
///
/// # Errors
/// [`Error::Malformed`].
pub fn check_recipient(recipient: &IdentityPublic) -> Result<(), Error> {
    recipient_point(recipient).map(|_| ())
}

impl EphemeralKey {
    /// A key of `owner` for `session`, and its announcement. The same generator state gives the same key and the same bytes.
    #[must_use]
    pub fn generate(owner: &IdentityPublic, session: &[u8], rng: &mut (impl CryptoRng + RngCore)) -> Self {
        let secret = loop {
            let mut wide = Zeroizing::new([0; 64]);
            rng.fill_bytes(wide.as_mut());
            let secret = Zeroizing::new(Scalar::from_bytes_mod_order_wide(&wide));
            if *secret != Scalar::ZERO {
                break secret;
            }
        };
        let point = EdwardsPoint::mul_base(&secret);
        let encoded = encode(&point);
        let nonce = nonce(&secret, rng, &[POSSESSION.as_bytes(), session, &owner.to_bytes(), &encoded]);
        let challenge = possession(owner, session, &encoded, &EdwardsPoint::mul_base(&nonce));
        let response = *nonce + challenge * *secret;
        Self { secret, point, public: EphemeralPublic(join(&encoded, &challenge, &response)) }
    }

    /// What to announce.
    #[must_use]
    pub const fn public(&self) -> EphemeralPublic {
        self.public
    }

    /// Encrypts `secret` to `recipient`. `context` names ceremony, step, sender and recipient; for each there is one secret.
    ///
    /// # Errors
    /// [`Error::Malformed`] if the recipient's key is not in the group of prime order ([`check_recipient`]).
    pub fn encrypt(
        &self,
        recipient: &IdentityPublic,
        context: &[u8],
        secret: &Secret<[u8; 32]>,
    ) -> Result<[u8; 32], Error> {
        let shared = Zeroizing::new(*self.secret * recipient_point(recipient)?);
        Ok(*xor(secret.expose(), &pad(context, &self.point, recipient, &shared)))
    }
}

impl EphemeralPublic {
    /// Reads 96 bytes; see the type for what is not yet checked.
    ///
    /// # Errors
    /// [`Error::Malformed`] if they are not 96, if the point is not canonical, not in the group of prime order, or its identity,
    /// or if a scalar is not canonical.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        split("ephemeral key", bytes)
            .map(|(point, challenge, response)| Self(join(&encode(&point), &challenge, &response)))
    }

    /// The 96 bytes `E || c || s`.
    #[must_use]
    pub const fn to_bytes(&self) -> [u8; 96] {
        self.0
    }

    /// Checks that `owner` knows this key's secret and announced it for `session`.
    ///
    /// # Errors
    /// [`Error::InvalidProof`].
    pub fn verify(&self, owner: &IdentityPublic, session: &[u8]) -> Result<VerifiedEphemeral, Error> {
        let (point, challenge, response) = split("ephemeral key", &self.0)?;
        let commitment = EdwardsPoint::vartime_double_scalar_mul_basepoint(&-challenge, &point, &response);
        if possession(owner, session, &encode(&point), &commitment) == challenge {
            Ok(VerifiedEphemeral(point))
        } else {
            Err(Error::InvalidProof { what: "possession of the ephemeral key" })
        }
    }
}

impl IdentityKey {
    /// Decrypts what the owner of `from` encrypted to this identity in `context`. Succeeds for any 32 bytes: what comes out is to
    /// be compared with a public commitment, and if it does not match, [`IdentityKey::disclose`] shows that to everybody.
    #[must_use]
    pub fn decrypt(&self, from: &VerifiedEphemeral, context: &[u8], ciphertext: &[u8; 32]) -> Secret<[u8; 32]> {
        let shared = Zeroizing::new(*self.scalar() * from.0);
        Secret::new(*xor(ciphertext, &pad(context, &from.0, &self.public(), &shared)))
    }

    /// Opens to everybody what the owner of `from` encrypted to this identity. The proof's nonce depends on this key and on the
    /// statement as well as on `rng`, so that a repeated `rng` does no harm.
    #[must_use]
    pub fn disclose(&self, from: &VerifiedEphemeral, rng: &mut (impl CryptoRng + RngCore)) -> Disclosure {
        let secret = self.scalar();
        let public = self.public();
        let shared = *secret * from.0;
        let statement = [&public.to_bytes()[..], &encode(&from.0), &encode(&shared)].concat();
        let nonce = nonce(&secret, rng, &[EQUALITY.as_bytes(), &statement]);
        let challenge = equality(&public, &from.0, &shared, &EdwardsPoint::mul_base(&nonce), &(*nonce * from.0));
        Disclosure(join(&encode(&shared), &challenge, &(*nonce + challenge * *secret)))
    }
}

impl Disclosure {
    /// Reads 96 bytes; see the type for what is not yet checked.
    ///
    /// # Errors
    /// As [`EphemeralPublic::from_bytes`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        split("disclosure", bytes)
            .map(|(point, challenge, response)| Self(join(&encode(&point), &challenge, &response)))
    }

    /// The 96 bytes `K || c || s`.
    #[must_use]
    pub const fn to_bytes(&self) -> [u8; 96] {
        self.0
    }

    /// What the owner of `from` encrypted to `recipient` as `ciphertext` in `context`: exactly what the recipient got.
    ///
    /// # Errors
    /// [`Error::InvalidProof`] if the point is not what `recipient` and `from` share; [`Error::Malformed`] if the recipient's key
    /// is not in the group of prime order.
    pub fn open(
        &self,
        recipient: &IdentityPublic,
        from: &VerifiedEphemeral,
        context: &[u8],
        ciphertext: &[u8; 32],
    ) -> Result<Secret<[u8; 32]>, Error> {
        let (shared, challenge, response) = split("disclosure", &self.0)?;
        let key = recipient_point(recipient)?;
        let first = EdwardsPoint::vartime_double_scalar_mul_basepoint(&-challenge, &key, &response);
        let second = response * from.0 - challenge * shared;
        if equality(recipient, &from.0, &shared, &first, &second) != challenge {
            return Err(Error::InvalidProof { what: "disclosure" });
        }
        Ok(Secret::new(*xor(ciphertext, &pad(context, &from.0, recipient, &shared))))
    }
}

public_bytes!(EphemeralPublic, 96);
public_bytes!(Disclosure, 96);

impl fmt::Debug for EphemeralKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EphemeralKey").field("public", &self.public).finish_non_exhaustive()
    }
}

/// SHA-512 over a purpose and parts, each with its length in front.
fn hash(domain: &'static str, parts: &[&[u8]]) -> Zeroizing<[u8; 64]> {
    let mut hash = Sha512::new();
    for part in [domain.as_bytes()].iter().chain(parts) {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    Zeroizing::new(hash.finalize().into())
}

fn pad(context: &[u8], from: &EdwardsPoint, to: &IdentityPublic, shared: &EdwardsPoint) -> Zeroizing<[u8; 32]> {
    let shared = Zeroizing::new(encode(shared));
    let wide = hash(PAD, &[context, &encode(from), &to.to_bytes(), shared.as_ref()]);
    let mut pad = Zeroizing::new([0; 32]);
    for (to, from) in pad.iter_mut().zip(wide.iter()) {
        *to = *from;
    }
    pad
}

fn xor(left: &[u8; 32], right: &[u8; 32]) -> Zeroizing<[u8; 32]> {
    let mut result = Zeroizing::new(*left);
    for (to, from) in result.iter_mut().zip(right) {
        *to ^= *from;
    }
    result
}

fn possession(owner: &IdentityPublic, session: &[u8], key: &[u8; 32], commitment: &EdwardsPoint) -> Scalar {
    let wide = hash(POSSESSION, &[session, &owner.to_bytes(), key, &encode(commitment)]);
    Scalar::from_bytes_mod_order_wide(&wide)
}

fn equality(
    recipient: &IdentityPublic,
    from: &EdwardsPoint,
    shared: &EdwardsPoint,
    first: &EdwardsPoint,
    second: &EdwardsPoint,
) -> Scalar {
    let base = encode(&ED25519_BASEPOINT_POINT);
    let parts = [base, recipient.to_bytes(), encode(from), encode(shared), encode(first), encode(second)];
    Scalar::from_bytes_mod_order_wide(&hash(EQUALITY, &[&parts.concat()]))
}

/// A proof's nonce: from the secret, fresh randomness, and what is being proven (as RFC 9591, section 4.1, hedges its nonces).
fn nonce(secret: &Scalar, rng: &mut (impl CryptoRng + RngCore), statement: &[&[u8]]) -> Zeroizing<Scalar> {
    let mut random = Zeroizing::new([0; 32]);
    rng.fill_bytes(random.as_mut());
    let secret = Zeroizing::new(secret.to_bytes());
    let parts: Vec<&[u8]> = [&secret[..], &random[..]].into_iter().chain(statement.iter().copied()).collect();
    Zeroizing::new(Scalar::from_bytes_mod_order_wide(&hash(NONCE, &parts)))
}

fn recipient_point(recipient: &IdentityPublic) -> Result<EdwardsPoint, Error> {
    decode(&recipient.to_bytes())
        .ok_or(Error::Malformed { what: "recipient's identity key", why: "it is not in the group of prime order" })
}

fn encode(point: &EdwardsPoint) -> [u8; 32] {
    point.compress().to_bytes()
}

/// The point of the group of prime order, other than its identity, of which this is the canonical encoding.
fn decode(bytes: &[u8; 32]) -> Option<EdwardsPoint> {
    let point = CompressedEdwardsY(*bytes).decompress()?;
    (encode(&point) == *bytes && point.is_torsion_free() && !point.is_identity()).then_some(point)
}

fn join(point: &[u8; 32], challenge: &Scalar, response: &Scalar) -> [u8; 96] {
    let mut bytes = [0; 96];
    let parts = [*point, challenge.to_bytes(), response.to_bytes()];
    for (to, from) in bytes.iter_mut().zip(parts.iter().flatten()) {
        *to = *from;
    }
    bytes
}

fn split(what: &'static str, bytes: &[u8]) -> Result<(EdwardsPoint, Scalar, Scalar), Error> {
    let mut reader = Reader::new(what, bytes);
    let (point, challenge, response) = (reader.array()?, reader.array()?, reader.array()?);
    let not_a_point = reader.malformed("its point is not canonical and in the group of prime order");
    let not_a_scalar = reader.malformed("a scalar is not below the group's order");
    reader.finish()?;
    let scalar =
        |bytes| Option::<Scalar>::from(Scalar::from_canonical_bytes(bytes)).ok_or_else(|| not_a_scalar.clone());
    Ok((decode(&point).ok_or(not_a_point)?, scalar(challenge)?, scalar(response)?))
}
