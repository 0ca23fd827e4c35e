//! One member's secret share of one validator's key, kept for making that validator leave.
//!
//! A share signs whatever root it is given, also one of an attestation: sign only roots that
//! [`super::exit::VoluntaryExit::signing_root`] made here, never one that was received.

use super::{SecretKey, ShareCommitments};
use crate::{error::Error, member::MemberId, secret::Secret};
use std::fmt;

/// A member's share. Not `Clone`, not serialisable, prints no secret; wiped when dropped.
///
/// ```compile_fail
/// fn copy(share: &guardian_crypto::bls::ExitShare) -> guardian_crypto::bls::ExitShare {
///     share.clone()
/// }
/// ```
pub struct ExitShare {
    member: MemberId,
    secret: SecretKey,
}

impl ExitShare {
    /// Accepts `bytes` (32, big-endian) as `member`'s share of the key behind `commitments`, having checked that it is.
    ///
    /// # Errors
    /// [`Error::Malformed`] if the bytes are not 32 or the number is zero or not below the group's order;
    /// [`Error::ShareMismatch`] if it is not this member's share of this key.
    pub fn import(member: MemberId, bytes: &[u8], commitments: &ShareCommitments) -> Result<Self, Error> {
        let secret = SecretKey::from_bytes(bytes)?;
        if secret.public_key() != commitments.public_share(member)? {
            return Err(Error::ShareMismatch);
        }
        Ok(Self { member, secret })
    }

    /// Whose share this is.
    #[must_use]
    pub const fn member(&self) -> MemberId {
        self.member
    }

    /// The 32 big-endian bytes, to be sealed; [`ExitShare::import`] reads them.
    #[must_use]
    pub fn to_secret_bytes(&self) -> Secret<[u8; 32]> {
        self.secret.to_secret_bytes()
    }

    pub(super) const fn secret(&self) -> &SecretKey {
        &self.secret
    }
}

impl fmt::Debug for ExitShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExitShare").field("member", &self.member).finish_non_exhaustive()
    }
}
