//! One member's secret share of one validator's key, kept for making that validator leave.
//!
//! What it signs is an [`ExitRoot`], and those come from [`super::exit::VoluntaryExit::signing_root`] alone: a share signs exits
//! and nothing else.

use super::{PublicKey, SecretKey, ShareCommitments, exit::ExitRoot};
use crate::{enclave::EnclaveKey, error::Error, member::MemberId, secret::Secret};
use blst::min_pk;
use std::fmt;

/// How far [`ExitShare::locate`] looks. Numbers are given out once, so they outgrow the largest committee in time.
const HIGHEST: u16 = 4096;
/// Its name in errors.
const WHAT: &str = "exit share";

/// A member's share. Not `Clone`, not serialisable, prints no secret; wiped when dropped.
///
/// ```compile_fail
/// fn copy(share: &guardian_crypto::bls::ExitShare) -> guardian_crypto::bls::ExitShare {
///     share.clone()
/// }
/// ```
///
/// It signs no root that is given as bytes:
///
/// ```compile_fail
/// fn attest(share: &guardian_crypto::bls::ExitShare, root: [u8; 32]) {
///     guardian_crypto::bls::partial_exit(share, &root);
/// }
/// ```
pub struct ExitShare {
    member: MemberId,
    /// Of the whole key.
    validator: PublicKey,
    secret: SecretKey,
}

impl ExitShare {
    /// Accepts `bytes` (32, big-endian) as `member`'s share of the key behind `commitments`, having checked that it is.
    ///
    /// # Errors
    /// [`Error::Malformed`] if the bytes are not 32 or the number is zero or not below the group's order;
    /// [`Error::ShareMismatch`] if it is not this member's share of this key.
    pub fn import(member: MemberId, bytes: &[u8], commitments: &ShareCommitments) -> Result<Self, Error> {
        let secret = SecretKey::read(WHAT, bytes)?;
        if secret.public_key() != commitments.public_share(member)? {
            return Err(Error::ShareMismatch);
        }
        Ok(Self { member, validator: commitments.public_key(), secret })
    }

    /// Decrypts `member`'s share of the key behind `commitments`, as a node operator encrypted it to the member's key. Puffer's slots count
    /// from 0: the ciphertext in slot `i` is member `i + 1`'s.
    ///
    /// # Errors
    /// As [`EnclaveKey::decrypt`] and [`ExitShare::import`].
    pub fn decrypt(
        member: MemberId,
        key: &EnclaveKey,
        ciphertext: &[u8],
        commitments: &ShareCommitments,
    ) -> Result<Self, Error> {
        Self::import(member, key.decrypt(ciphertext)?.expose(), commitments)
    }

    /// Accepts `bytes` (32, big-endian) as a share of the key behind `commitments`, and finds out whose it is: nobody has to be
    /// believed about the slot. (Where one share is enough, all members have the same, and it is the first's.) Looks through members 1 to 4096, some hundredths of a millisecond for each in small committees.
    ///
    /// # Errors
    /// As [`ExitShare::import`]; [`Error::ShareMismatch`] if it is no such member's share of this key.
    pub fn locate(bytes: &[u8], commitments: &ShareCommitments) -> Result<Self, Error> {
        let secret = SecretKey::read(WHAT, bytes)?;
        let public = secret.public_key();
        let member = MemberId::first(HIGHEST)
            .find(|member| commitments.public_share(*member).is_ok_and(|share| share == public))
            .ok_or(Error::ShareMismatch)?;
        Ok(Self { member, validator: commitments.public_key(), secret })
    }

    /// Whose share this is.
    #[must_use]
    pub const fn member(&self) -> MemberId {
        self.member
    }

    /// The public key of the validator that it is a share of.
    #[must_use]
    pub const fn validator(&self) -> PublicKey {
        self.validator
    }

    /// The 32 big-endian bytes, to be sealed; [`ExitShare::import`] reads them.
    #[must_use]
    pub fn to_secret_bytes(&self) -> Secret<[u8; 32]> {
        self.secret.to_secret_bytes()
    }

    pub(super) fn sign(&self, root: &ExitRoot) -> min_pk::Signature {
        self.secret.sign_point(root.as_bytes())
    }
}

impl fmt::Debug for ExitShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExitShare")
            .field("member", &self.member)
            .field("validator", &self.validator)
            .finish_non_exhaustive()
    }
}
