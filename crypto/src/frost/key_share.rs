//! One member's secret share of the group key. It signs only through [`super::signing::sign`].

use super::{PublicShares, algebra, identifier_of};
use crate::{
    encoding::Reader,
    error::Error,
    member::{MAX_MEMBERS, MemberId},
    schnorr::{GroupKey, has_compressed_tag},
    secret::Secret,
};
use frost_secp256k1::{
    VerifyingKey,
    keys::{KeyPackage, SigningShare, VerifyingShare},
};
use k256::Scalar;
use std::fmt;
use zeroize::Zeroizing;

const WHAT: &str = "key share";
const VERSION: u8 = 1;

/// A member's share. Not `Clone`, not serialisable, prints no secret; wiped when dropped.
///
/// ```compile_fail
/// fn copy(share: &guardian_crypto::frost::KeyShare) -> guardian_crypto::frost::KeyShare {
///     share.clone()
/// }
/// ```
pub struct KeyShare {
    member: MemberId,
    group_key: GroupKey,
    verifying_share: [u8; 33],
    package: KeyPackage,
}

impl KeyShare {
    pub(super) fn new(member: MemberId, package: KeyPackage) -> Result<Self, Error> {
        let malformed = |why| Error::Malformed { what: WHAT, why };
        if *package.identifier() != identifier_of(member)? {
            return Err(Error::ShareMismatch);
        }
        if !(2..=MAX_MEMBERS).contains(package.min_signers()) {
            return Err(malformed("its threshold is not 2 to 256"));
        }
        // Recomputed, not believed; serialising refuses the identity, that is a zero share.
        let verifying_share = point_bytes(&VerifyingShare::from(*package.signing_share()).serialize()?)?;
        if package.verifying_share().serialize()? != verifying_share {
            return Err(Error::ShareMismatch);
        }
        let group_key = GroupKey::from_bytes(&package.verifying_key().serialize()?)?;
        Ok(Self { member, group_key, verifying_share, package })
    }

    /// The share of `member` in the key that `public` describes.
    ///
    /// # Errors
    /// [`Error::UnknownMember`]; [`Error::ShareMismatch`] if `secret` is not that share.
    pub(super) fn of(member: MemberId, public: &PublicShares, secret: &Secret<[u8; 32]>) -> Result<Self, Error> {
        let expected = public.verifying_share(member).ok_or(Error::UnknownMember(member))?;
        let share = SigningShare::deserialize(secret.expose()).map_err(|_| Error::ShareMismatch)?;
        let verifying_share = VerifyingShare::from(share);
        if verifying_share.serialize().map_err(|_| Error::ShareMismatch)? != expected {
            return Err(Error::ShareMismatch);
        }
        let verifying_key = *public.package().verifying_key();
        let identifier = identifier_of(member)?;
        Self::new(member, KeyPackage::new(identifier, share, verifying_share, verifying_key, public.threshold()))
    }

    /// Whose share this is.
    #[must_use]
    pub const fn member(&self) -> MemberId {
        self.member
    }

    /// How many members must sign together.
    #[must_use]
    pub fn threshold(&self) -> u16 {
        *self.package.min_signers()
    }

    /// The key that this is a share of.
    #[must_use]
    pub const fn group_key(&self) -> GroupKey {
        self.group_key
    }

    /// The public side of this share (SEC 1, compressed).
    #[must_use]
    pub const fn verifying_share(&self) -> [u8; 33] {
        self.verifying_share
    }

    /// Checks that this share is one of those that `public` describes. Do this once when both have been loaded: a share of
    /// another key epoch would get its owner blamed.
    ///
    /// # Errors
    /// [`Error::UnknownMember`] or [`Error::ShareMismatch`].
    pub fn belongs_to(&self, public: &PublicShares) -> Result<(), Error> {
        let expected = public.verifying_share(self.member).ok_or(Error::UnknownMember(self.member))?;
        if expected == self.verifying_share
            && public.group_key() == self.group_key
            && public.threshold() == self.threshold()
        {
            Ok(())
        } else {
            Err(Error::ShareMismatch)
        }
    }

    /// The bytes to be sealed: version 1, member and threshold (two bytes each, big-endian), group key (33), share (32).
    #[must_use]
    pub fn to_secret_bytes(&self) -> Secret<Vec<u8>> {
        let secret = Zeroizing::new(self.package.signing_share().serialize());
        let mut bytes = Vec::with_capacity(1 + 2 + 2 + 33 + 32);
        bytes.push(VERSION);
        bytes.extend_from_slice(&self.member.get().to_be_bytes());
        bytes.extend_from_slice(&self.threshold().to_be_bytes());
        bytes.extend_from_slice(&self.group_key.to_bytes());
        bytes.extend_from_slice(&secret);
        Secret::new(bytes)
    }

    /// Reads what [`KeyShare::to_secret_bytes`] wrote.
    ///
    /// # Errors
    /// [`Error::Malformed`], [`Error::UnsupportedVersion`], [`Error::UnusableGroupKey`].
    pub fn from_secret_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(WHAT, bytes);
        reader.version(VERSION)?;
        let member = reader.member()?;
        let threshold = reader.number()?;
        let group_key = reader.array::<33>()?;
        let secret = Zeroizing::new(reader.array::<32>()?);
        let out_of_range = reader.malformed("the share is not 1 to the group's order");
        reader.finish()?;
        GroupKey::from_bytes(&group_key)?;
        let share = SigningShare::deserialize(secret.as_ref()).map_err(|_| out_of_range.clone())?;
        let verifying_share = VerifyingShare::from(share);
        verifying_share.serialize().map_err(|_| out_of_range)?;
        let verifying_key = VerifyingKey::deserialize(&group_key)?;
        Self::new(member, KeyPackage::new(identifier_of(member)?, share, verifying_share, verifying_key, threshold))
    }

    /// The share itself.
    pub(super) fn scalar(&self) -> Result<Zeroizing<Scalar>, Error> {
        let bytes = Zeroizing::new(self.package.signing_share().serialize());
        let bytes = Zeroizing::new(crate::encoding::exact::<32>(WHAT, &bytes)?);
        algebra::scalar(&bytes).ok_or(Error::ShareMismatch)
    }

    pub(super) const fn package(&self) -> &KeyPackage {
        &self.package
    }
}

impl fmt::Debug for KeyShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyShare")
            .field("member", &self.member)
            .field("threshold", &self.threshold())
            .field("group_key", &self.group_key)
            .finish_non_exhaustive()
    }
}

/// A serialised point as an array.
pub(super) fn point_bytes(bytes: &[u8]) -> Result<[u8; 33], Error> {
    crate::encoding::exact::<33>("point", bytes).and_then(|bytes| {
        if has_compressed_tag(&bytes) {
            Ok(bytes)
        } else {
            Err(Error::Malformed { what: "point", why: "it is not compressed" })
        }
    })
}
