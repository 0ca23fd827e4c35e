//! Distributed key generation: the members make a key that none of them ever sees (PedPop, the library's three parts).
//!
//! [`Round1::begin`] makes a public package for everybody; [`Round1::receive`] takes everybody else's and makes one secret
//! package for each of them; [`Round2::finish`] takes those and yields the share. Each step consumes the one before.
//!
//! What this asks of its user (and cannot check): all members see the *same* first packages (echo broadcast: "failure in using
//! a proper broadcast channel will make the key generation insecure"); second packages are encrypted to their recipient; the
//! sender of a package is known from the channel, never from the package; and at the end all members confirm the same
//! [`PublicShares`]. The proofs of knowledge carry no session: bind the session in the messages around them.

use super::{KeyShare, PublicShares, SecretScalars, algebra, feldman::Commitment, identifier_of};
use crate::{
    encoding::{Reader, exact},
    error::Error,
    member::{MemberId, check_majority},
    schnorr::has_compressed_tag,
    secret::Secret,
};
use alloy_primitives::Bytes;
use frost_core::Ciphersuite;
use frost_secp256k1::{
    Identifier, Secp256K1Sha256,
    keys::{SigningShare, dkg},
};
use k256::ProjectivePoint;
use rand_core::{CryptoRng, RngCore};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};
use zeroize::Zeroizing;

/// Bytes of a compressed point.
const POINT: usize = 33;

/// Bytes of a proof of knowledge: a compressed point and a scalar.
const PROOF: usize = POINT + 32;

/// A member between its own first package and everybody else's. Not `Clone`; wiped when dropped.
pub struct Round1 {
    parameters: Parameters,
    secret: dkg::round1::SecretPackage,
}

/// A member between everybody's first packages and the second ones. Not `Clone`; wiped when dropped.
pub struct Round2 {
    parameters: Parameters,
    secret: dkg::round2::SecretPackage,
    received: BTreeMap<Identifier, dkg::round1::Package>,
}

/// What a member says to everybody: commitments to its polynomial (33 bytes each) and a proof that it knows the constant term (65).
#[derive(Clone, PartialEq, Eq)]
pub struct Round1Package {
    commitment: Commitment,
    proof: [u8; PROOF],
    package: dkg::round1::Package,
}

/// What a member says to one other: that one's value of its polynomial. Secret; not `Clone`; wiped when dropped.
pub struct Round2Package(dkg::round2::Package);

#[derive(Debug)]
struct Parameters {
    me: MemberId,
    members: BTreeSet<MemberId>,
    threshold: u16,
}

/// Judges one dealer's first package by itself: that it commits to `threshold` coefficients, and that the dealer knows the first
/// of them (so that it cannot have chosen it as the difference from another's). The same as [`Round1::receive`] does for all.
///
/// # Errors
/// [`Error::InvalidDealing`] names the dealer.
pub fn check(dealer: MemberId, threshold: u16, package: &Round1Package) -> Result<(), Error> {
    check_threshold(dealer, threshold, package)?;
    if is_proof_of_knowledge(dealer, package).unwrap_or(false) {
        Ok(())
    } else {
        Err(Error::InvalidDealing { culprit: dealer, why: "the proof of knowledge is not valid" })
    }
}

/// Checks that `share` is what the dealer of `package` owes to `to`. For whoever judges a disclosed share; a member's own are
/// checked by [`Round2::finish`].
///
/// # Errors
/// [`Error::ShareMismatch`].
pub fn check_share(package: &Round1Package, to: MemberId, share: &[u8; 32]) -> Result<(), Error> {
    package.commitment.check_share(to, share)
}

/// The public side of the key that these packages make, for whoever watches: the same that every member computes. Each package
/// must have passed [`check`].
///
/// # Errors
/// [`Error::MissingFrom`] or [`Error::UnknownMember`] if the packages are not exactly those of the members;
/// [`Error::ShareMismatch`] if they differ in threshold; [`Error::Threshold`]; [`Error::UnusableGroupKey`].
pub fn public_shares(
    members: &BTreeSet<MemberId>,
    packages: &BTreeMap<MemberId, Round1Package>,
) -> Result<PublicShares, Error> {
    algebra::exactly(members, packages)?;
    let sum = Commitment::sum(packages.values().map(|package| &package.commitment))?;
    PublicShares::from_commitment(members, sum.frost())
}

/// Member `me`'s share, from all packages and from what every member (itself included) made for it: what [`Round2::finish`]
/// yields, for a member that no longer has its own polynomial.
///
/// # Errors
/// As [`public_shares`]; [`Error::MissingFrom`] or [`Error::UnknownMember`] if the shares are not exactly those of the members, or
/// `me` is not among them;
/// [`Error::InvalidDealing`] names who made a share that does not match its package.
pub fn finish(
    me: MemberId,
    members: &BTreeSet<MemberId>,
    packages: &BTreeMap<MemberId, Round1Package>,
    shares: &SecretScalars,
) -> Result<KeyShare, Error> {
    algebra::exactly(members, shares)?;
    if !members.contains(&me) {
        return Err(Error::UnknownMember(me));
    }
    let public = public_shares(members, packages)?;
    for ((dealer, package), share) in packages.iter().zip(shares.values()) {
        let why = "the secret share does not match the commitments";
        check_share(package, me, share.expose()).map_err(|_| Error::InvalidDealing { culprit: *dealer, why })?;
    }
    let sum = algebra::sum_scalars(shares.values())?;
    KeyShare::of(me, &public, &algebra::secret_bytes(&sum))
}

fn check_threshold(dealer: MemberId, threshold: u16, package: &Round1Package) -> Result<(), Error> {
    if package.commitment.threshold() == usize::from(threshold) {
        Ok(())
    } else {
        Err(Error::InvalidDealing { culprit: dealer, why: "it commits to another threshold" })
    }
}

/// `R == mu*G - c*phi`, with the library's challenge `c = HDKG(identifier || phi || R)`; the library itself judges only all
/// packages at once, and only for a dealer. `None` if a part is no point or scalar.
fn is_proof_of_knowledge(dealer: MemberId, package: &Round1Package) -> Option<bool> {
    let constant = package.commitment.constant()?;
    let (commitment, response) = package.proof.split_first_chunk::<POINT>()?;
    let response = algebra::scalar(response.first_chunk()?)?;
    let identifier = identifier_of(dealer).ok()?.serialize();
    let challenge = Secp256K1Sha256::HDKG(&[&identifier[..], constant, commitment].concat())?;
    let expected: ProjectivePoint = algebra::times_generator(&response) - algebra::point(constant)? * challenge;
    Some(algebra::point(commitment)? == expected)
}

impl Round1 {
    /// Begins key generation as member `me` of `members`, of whom `threshold` shall sign.
    ///
    /// # Errors
    /// [`Error::Threshold`], or [`Error::UnknownMember`] if `me` is not among the members.
    pub fn begin(
        me: MemberId,
        members: &BTreeSet<MemberId>,
        threshold: u16,
        rng: &mut (impl CryptoRng + RngCore),
    ) -> Result<(Self, Round1Package), Error> {
        check_majority(threshold, members.len())?;
        if !members.contains(&me) {
            return Err(Error::UnknownMember(me));
        }
        let count = u16::try_from(members.len()).map_err(|_| Error::Threshold { threshold, members: members.len() })?;
        let (secret, package) = dkg::part1(identifier_of(me)?, count, threshold, &mut *rng)?;
        let parameters = Parameters { me, members: members.clone(), threshold };
        Ok((Self { parameters, secret }, Round1Package::from_frost(package)?))
    }

    /// Takes the first packages of all *other* members; yields the second package for each of them.
    ///
    /// # Errors
    /// [`Error::InvalidDealing`] names who committed to another threshold or proved nothing; [`Error::MissingFrom`] and
    /// [`Error::UnknownMember`] if the packages are not exactly those of the others.
    pub fn receive(
        self,
        packages: &BTreeMap<MemberId, Round1Package>,
    ) -> Result<(Round2, BTreeMap<MemberId, Round2Package>), Error> {
        let Self { parameters, secret } = self;
        let mut received = BTreeMap::new();
        for (identifier, member, package) in parameters.others(packages)? {
            check_threshold(member, parameters.threshold, package)?;
            received.insert(identifier, package.package.clone());
        }
        let (secret, mut outgoing) = dkg::part2(secret, &received)?;
        let mut packages = BTreeMap::new();
        for member in parameters.members.iter().filter(|member| **member != parameters.me) {
            let package = outgoing.remove(&identifier_of(*member)?).ok_or(Error::MissingFrom(*member))?;
            packages.insert(*member, Round2Package(package));
        }
        Ok((Round2 { parameters, secret, received }, packages))
    }
}

impl Round2 {
    /// This member's own value of its polynomial: what it would send to itself.
    ///
    /// # Errors
    /// None in practice: the library's scalar is one.
    pub fn own_package(&self) -> Result<Round2Package, Error> {
        let share = Zeroizing::new(self.secret.secret_share());
        Round2Package::from_secret_bytes(algebra::secret_bytes(&share).expose())
    }

    /// Takes the second packages that all *other* members made for this one; yields its share and the public side of the key.
    ///
    /// # Errors
    /// [`Error::InvalidDealing`] names who sent a share that does not match its commitments; [`Error::MissingFrom`] and
    /// [`Error::UnknownMember`] as in [`Round1::receive`]; [`Error::UnusableGroupKey`] once in 2^128 times.
    pub fn finish(self, packages: &BTreeMap<MemberId, Round2Package>) -> Result<(KeyShare, PublicShares), Error> {
        let Self { parameters, secret, received } = self;
        let second: BTreeMap<Identifier, dkg::round2::Package> = parameters
            .others(packages)?
            .into_iter()
            .map(|(identifier, _, package)| (identifier, package.0.clone()))
            .collect();
        let (key_package, public_package) = dkg::part3(&secret, &received, &second)?;
        let commitments = received.values().map(dkg::round1::Package::commitment).chain([secret.commitment()]);
        let commitments: Vec<Commitment> = commitments.map(Commitment::from_frost).collect::<Result<_, _>>()?;
        let public = PublicShares::from_commitment(&parameters.members, Commitment::sum(commitments.iter())?.frost())?;
        let share = KeyShare::new(parameters.me, key_package)?;
        share.belongs_to(&public)?;
        if *public.package() != public_package {
            return Err(Error::ShareMismatch);
        }
        Ok((share, public))
    }
}

impl Parameters {
    /// The messages, if they are exactly those of all members but this one.
    fn others<'a, T>(&self, messages: &'a BTreeMap<MemberId, T>) -> Result<Vec<(Identifier, MemberId, &'a T)>, Error> {
        let is_other = |member: MemberId| member != self.me && self.members.contains(&member);
        if let Some(stranger) = messages.keys().find(|member| !is_other(**member)) {
            return Err(Error::UnknownMember(*stranger));
        }
        if let Some(silent) = self.members.iter().find(|member| **member != self.me && !messages.contains_key(member)) {
            return Err(Error::MissingFrom(*silent));
        }
        messages.iter().map(|(member, message)| Ok((identifier_of(*member)?, *member, message))).collect()
    }
}

impl Round1Package {
    fn from_frost(package: dkg::round1::Package) -> Result<Self, Error> {
        let commitment = Commitment::from_frost(package.commitment())?;
        let proof = exact("proof of knowledge", &package.proof_of_knowledge().serialize()?)?;
        Ok(Self { commitment, proof, package })
    }

    /// The commitments, lowest coefficient first, then the proof.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        [&self.commitment.to_bytes()[..], &self.proof].concat()
    }

    /// Reads what [`Round1Package::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`Error::Malformed`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new("first package of key generation", bytes);
        let commitment = Commitment::read(&mut reader, bytes.len().saturating_sub(PROOF) / POINT)?;
        let proof = reader.array::<PROOF>()?;
        let not_a_proof = reader.malformed("its proof is not a compressed point and a scalar");
        reader.finish()?;
        if !proof.first_chunk::<POINT>().is_some_and(has_compressed_tag) {
            return Err(not_a_proof);
        }
        let signature = frost_secp256k1::Signature::deserialize(&proof).map_err(|_| not_a_proof)?;
        let package = dkg::round1::Package::new(commitment.frost().clone(), signature);
        Ok(Self { commitment, proof, package })
    }
}

impl Round2Package {
    /// The scalar's 32 bytes, big-endian; to be encrypted to their recipient.
    #[must_use]
    pub fn to_secret_bytes(&self) -> Secret<Vec<u8>> {
        Secret::new(self.0.signing_share().serialize())
    }

    /// Reads what [`Round2Package::to_secret_bytes`] wrote.
    ///
    /// # Errors
    /// [`Error::Malformed`], also for a share of zero: nobody draws one, and a broken file or sender easily makes one.
    pub fn from_secret_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let malformed = |why| Error::Malformed { what: "second package of key generation", why };
        let share = SigningShare::deserialize(bytes).map_err(|_| malformed("it is not a scalar of 32 bytes"))?;
        if bytes.iter().all(|byte| *byte == 0) {
            return Err(malformed("it is zero"));
        }
        Ok(Self(dkg::round2::Package::new(share)))
    }
}

impl fmt::Debug for Round1 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Round1").field("parameters", &self.parameters).finish_non_exhaustive()
    }
}

impl fmt::Debug for Round2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Round2").field("parameters", &self.parameters).finish_non_exhaustive()
    }
}

impl fmt::Debug for Round1Package {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Round1Package({:x})", Bytes::from(self.to_bytes()))
    }
}

impl fmt::Debug for Round2Package {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Round2Package(<redacted>)")
    }
}
