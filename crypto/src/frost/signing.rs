//! The two rounds of signing: [`commit`] ahead of time, [`sign`] once the package of commitments is known, [`aggregate`] by
//! whoever coordinates. One attempt; which attempt, with whom and over what is decided elsewhere.
//!
//! The one deadly mistake is to use nonces twice: from two shares made with the same nonces, anybody computes the secret share.
//! So [`Nonces`] are consumed by [`sign`], even when it fails, and cannot be copied or stored. A crash loses them, which costs
//! one attempt.

use super::{KeyShare, PublicShares, identifier_of};
use crate::{
    encoding::{exact, public_bytes},
    error::Error,
    member::{MAX_MEMBERS, MemberId},
    schnorr::{Signature, has_compressed_tag},
};
use frost_secp256k1::{CheaterDetection, round1, round2};
use rand_core::{CryptoRng, RngCore};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

/// Secret nonces of one signing attempt. Not `Clone`, not serialisable; wiped when dropped.
///
/// ```compile_fail
/// fn copy(nonces: &guardian_crypto::frost::signing::Nonces) -> guardian_crypto::frost::signing::Nonces {
///     nonces.clone()
/// }
/// ```
///
/// ```compile_fail
/// use guardian_crypto::frost::{KeyShare, signing::{Nonces, SigningPackage, sign}};
///
/// fn twice(nonces: Nonces, first: &SigningPackage, second: &SigningPackage, share: &KeyShare) {
///     let _ = sign(nonces, first, share);
///     let _ = sign(nonces, second, share);
/// }
/// ```
pub struct Nonces {
    nonces: round1::SigningNonces,
    commitments: Commitments,
}

/// The public side of [`Nonces`]: two compressed points, hiding (`D`) then binding (`E`). Any 66 bytes until they are put into a
/// [`SigningPackage`]: only there is a bad one blamed on its owner.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Commitments([u8; 66]);

/// One signer's answer: a scalar, big-endian. Any 32 bytes until [`verify_share`] or [`aggregate`] judges them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SignatureShare([u8; 32]);

/// What a group of signers signs together: a digest, and the commitments of every one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningPackage {
    signers: BTreeSet<MemberId>,
    package: frost_secp256k1::SigningPackage,
}

impl Nonces {
    /// The commitments that belong to these nonces.
    #[must_use]
    pub const fn commitments(&self) -> Commitments {
        self.commitments
    }
}

impl fmt::Debug for Nonces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Nonces").field("commitments", &self.commitments).finish_non_exhaustive()
    }
}

impl Commitments {
    /// Reads 66 bytes; see the type for what is not yet checked.
    ///
    /// # Errors
    /// [`Error::Malformed`] if they are not 66.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        exact("commitments", bytes).map(Self)
    }

    /// The 66 bytes `D || E`.
    #[must_use]
    pub const fn to_bytes(&self) -> [u8; 66] {
        self.0
    }

    /// Whether these are two points of the curve, none of them the identity. No honest owner announces others.
    #[must_use]
    pub fn is_well_formed(&self) -> bool {
        self.to_frost().is_some()
    }

    fn from_frost(commitments: &round1::SigningCommitments) -> Result<Self, Error> {
        Self::from_bytes(&[commitments.hiding().serialize()?, commitments.binding().serialize()?].concat())
    }

    fn to_frost(self) -> Option<round1::SigningCommitments> {
        let (hiding, binding) = self.0.split_first_chunk::<33>()?;
        let binding = binding.first_chunk::<33>()?;
        if !has_compressed_tag(hiding) || !has_compressed_tag(binding) {
            return None;
        }
        let point = |bytes: &[u8; 33]| round1::NonceCommitment::deserialize(bytes).ok();
        Some(round1::SigningCommitments::new(point(hiding)?, point(binding)?))
    }
}

impl SignatureShare {
    /// Reads 32 bytes; see the type for what is not yet checked.
    ///
    /// # Errors
    /// [`Error::Malformed`] if they are not 32.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        exact("signature share", bytes).map(Self)
    }

    /// The scalar's 32 bytes, big-endian.
    #[must_use]
    pub const fn to_bytes(&self) -> [u8; 32] {
        self.0
    }

    fn to_frost(self) -> Option<round2::SignatureShare> {
        round2::SignatureShare::deserialize(&self.0).ok()
    }
}

public_bytes!(Commitments, 66);
public_bytes!(SignatureShare, 32);

impl SigningPackage {
    /// The package in which the owners of `commitments` sign `message`.
    ///
    /// # Errors
    /// [`Error::MalformedCommitments`] names everybody whose commitments are not two points of the curve;
    /// [`Error::TooFewSigners`] for less than two; [`Error::Malformed`] for more than a committee can have.
    pub fn new(message: [u8; 32], commitments: &BTreeMap<MemberId, Commitments>) -> Result<Self, Error> {
        Self::over(&message, commitments)
    }

    /// The RFC's vectors have messages of other lengths than a digest's.
    pub(super) fn over(message: &[u8], commitments: &BTreeMap<MemberId, Commitments>) -> Result<Self, Error> {
        if commitments.len() < 2 {
            return Err(Error::TooFewSigners { have: commitments.len(), need: 2 });
        }
        if commitments.len() > usize::from(MAX_MEMBERS) {
            return Err(Error::Malformed {
                what: "signing package",
                why: "it has more signers than a committee has members",
            });
        }
        let mut decoded = BTreeMap::new();
        let mut culprits = Vec::new();
        for (member, commitments) in commitments {
            match commitments.to_frost() {
                Some(commitments) => {
                    decoded.insert(identifier_of(*member)?, commitments);
                }
                None => culprits.push(*member),
            }
        }
        if !culprits.is_empty() {
            return Err(Error::MalformedCommitments { culprits });
        }
        let package = frost_secp256k1::SigningPackage::new(decoded, message);
        Ok(Self { signers: commitments.keys().copied().collect(), package })
    }

    /// Who has to sign: all of these.
    pub fn signers(&self) -> impl ExactSizeIterator<Item = MemberId> + Clone + '_ {
        self.signers.iter().copied()
    }
}

/// Round one: fresh nonces, and the commitments to announce. Independent of what will be signed.
///
/// # Errors
/// None in practice; a generator that yields a zero nonce is refused.
pub fn commit(share: &KeyShare, rng: &mut (impl CryptoRng + RngCore)) -> Result<(Nonces, Commitments), Error> {
    let (nonces, commitments) = round1::commit(share.package().signing_share(), rng);
    let commitments = Commitments::from_frost(&commitments)?;
    Ok((Nonces { nonces, commitments }, commitments))
}

/// Round two: this member's share of the signature. Consumes the nonces, whatever comes of it.
///
/// # Errors
/// [`Error::NotASigner`] if the package is not for this member; [`Error::TooFewSigners`] if it is for fewer than the threshold;
/// [`Error::ForeignNonces`] if it contains other commitments for this member than those of `nonces`.
pub fn sign(nonces: Nonces, package: &SigningPackage, share: &KeyShare) -> Result<SignatureShare, Error> {
    let member = share.member();
    if !package.signers.contains(&member) {
        return Err(Error::NotASigner(member));
    }
    check_count(package, share.threshold())?;
    let signature_share = round2::sign(&package.package, &nonces.nonces, share.package()).map_err(|error| {
        if error == frost_secp256k1::Error::IncorrectCommitment { Error::ForeignNonces } else { error.into() }
    })?;
    SignatureShare::from_bytes(&signature_share.serialize())
}

/// Checks one signer's share.
///
/// # Errors
/// [`Error::InvalidShares`] if it is wrong; otherwise [`Error::UnknownMember`] or [`Error::NotASigner`].
pub fn verify_share(
    package: &SigningPackage,
    member: MemberId,
    share: &SignatureShare,
    public: &PublicShares,
) -> Result<(), Error> {
    let identifier = identifier_of(member)?;
    let verifying_share = public.package().verifying_shares().get(&identifier).ok_or(Error::UnknownMember(member))?;
    if !package.signers.contains(&member) {
        return Err(Error::NotASigner(member));
    }
    let share = share.to_frost().ok_or_else(|| Error::InvalidShares { culprits: vec![member] })?;
    let verifying_key = public.package().verifying_key();
    frost_core::verify_signature_share(identifier, verifying_share, &share, &package.package, verifying_key)?;
    Ok(())
}

/// Makes the group's signature of all signers' shares. Cheaters are looked for only when the sum does not verify, and then all
/// of them are named. What is returned has been verified as the contract will verify it.
///
/// # Errors
/// [`Error::InvalidShares`] names everybody whose share is wrong. [`Error::UnknownMember`], [`Error::NotASigner`],
/// [`Error::MissingFrom`], [`Error::TooFewSigners`] if package, shares and committee do not fit together.
pub fn aggregate(
    package: &SigningPackage,
    shares: &BTreeMap<MemberId, SignatureShare>,
    public: &PublicShares,
) -> Result<Signature, Error> {
    if let Some(stranger) = package.signers().find(|member| !public.contains(*member)) {
        return Err(Error::UnknownMember(stranger));
    }
    if let Some(extra) = shares.keys().find(|member| !package.signers.contains(member)) {
        return Err(Error::NotASigner(*extra));
    }
    if let Some(silent) = package.signers().find(|member| !shares.contains_key(member)) {
        return Err(Error::MissingFrom(silent));
    }
    check_count(package, public.threshold())?;
    let mut decoded = BTreeMap::new();
    for (member, share) in shares {
        let Some(share) = share.to_frost() else {
            return Err(Error::InvalidShares { culprits: all_invalid(package, shares, public) });
        };
        decoded.insert(identifier_of(*member)?, share);
    }
    let signature =
        frost_secp256k1::aggregate_custom(&package.package, &decoded, public.package(), CheaterDetection::AllCheaters)?;
    let signature = Signature::from_rfc9591(&signature.serialize()?)?;
    public.group_key().verify_message(package.package.message(), &signature)?;
    Ok(signature)
}

fn all_invalid(
    package: &SigningPackage,
    shares: &BTreeMap<MemberId, SignatureShare>,
    public: &PublicShares,
) -> Vec<MemberId> {
    shares
        .iter()
        .filter(|(member, share)| {
            matches!(verify_share(package, **member, share, public), Err(Error::InvalidShares { .. }))
        })
        .map(|(member, _)| *member)
        .collect()
}

fn check_count(package: &SigningPackage, threshold: u16) -> Result<(), Error> {
    let have = package.signers.len();
    if have < usize::from(threshold) { Err(Error::TooFewSigners { have, need: threshold }) } else { Ok(()) }
}
