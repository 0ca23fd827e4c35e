//! Distributed key generation: the members make a key that none of them ever sees (PedPop, the library's three parts).
//!
//! [`Round1::begin`] makes a public package for everybody; [`Round1::receive`] takes everybody else's and makes one secret
//! package for each of them; [`Round2::finish`] takes those and yields the share. Each step consumes the one before.
//!
//! What this asks of its user (and cannot check): all members see the *same* first packages (echo broadcast: "failure in using
//! a proper broadcast channel will make the key generation insecure"); second packages are encrypted to their recipient; the
//! sender of a package is known from the channel, never from the package; and at the end all members confirm the same
//! [`PublicShares`]. The proofs of knowledge carry no session: bind the session in the messages around them.

use super::{KeyShare, PublicShares, identifier_of, key_share::point_bytes};
use crate::{
    encoding::Reader,
    error::Error,
    member::{MAX_MEMBERS, MemberId, check_majority},
    schnorr::has_compressed_tag,
    secret::Secret,
};
use alloy_primitives::Bytes;
use frost_secp256k1::{
    Identifier,
    keys::{SigningShare, VerifiableSecretSharingCommitment, dkg},
};
use k256::{
    AffinePoint, EncodedPoint, ProjectivePoint,
    elliptic_curve::sec1::{FromEncodedPoint, ToEncodedPoint},
};
use rand_core::{CryptoRng, RngCore};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

/// Bytes of a proof of knowledge: a compressed point and a scalar.
const PROOF: usize = 65;

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
    bytes: Vec<u8>,
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
            if package.threshold() != usize::from(parameters.threshold) {
                return Err(Error::InvalidDealing { culprit: member, why: "it commits to another threshold" });
            }
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
        let public = PublicShares::from_commitment(&parameters.members, &sum(commitments)?)?;
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
        let mut bytes = package.commitment().serialize_whole()?;
        bytes.extend_from_slice(&package.proof_of_knowledge().serialize()?);
        Ok(Self { bytes, package })
    }

    fn threshold(&self) -> usize {
        self.bytes.len().saturating_sub(PROOF) / 33
    }

    /// The commitments, lowest coefficient first, then the proof.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.bytes.clone()
    }

    /// Reads what [`Round1Package::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`Error::Malformed`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new("first package of key generation", bytes);
        let commitments = bytes.len().saturating_sub(PROOF) / 33;
        if !(2..=usize::from(MAX_MEMBERS)).contains(&commitments) {
            return Err(reader.malformed("it does not hold 2 to 256 commitments"));
        }
        let not_a_point = reader.malformed("a commitment is not a compressed point");
        let mut points = Vec::with_capacity(commitments);
        for _ in 0..commitments {
            points.push(reader.array::<33>()?);
        }
        let proof_point = reader.array::<33>()?;
        let proof_scalar = reader.array::<32>()?;
        reader.finish()?;
        if !points.iter().chain([&proof_point]).all(has_compressed_tag) {
            return Err(not_a_point);
        }
        let commitment = VerifiableSecretSharingCommitment::deserialize(&points).map_err(|_| not_a_point.clone())?;
        let proof = frost_secp256k1::Signature::deserialize(&[&proof_point[..], &proof_scalar[..]].concat())
            .map_err(|_| not_a_point)?;
        Ok(Self { bytes: bytes.to_vec(), package: dkg::round1::Package::new(commitment, proof) })
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
    /// [`Error::Malformed`].
    pub fn from_secret_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let why = "it is not a scalar of 32 bytes";
        let share = SigningShare::deserialize(bytes)
            .map_err(|_| Error::Malformed { what: "second package of key generation", why })?;
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
        write!(f, "Round1Package({:x})", Bytes::copy_from_slice(&self.bytes))
    }
}

impl fmt::Debug for Round2Package {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Round2Package(<redacted>)")
    }
}

/// The commitments to the sum of the polynomials. The callers' commitments are all of the same length (the threshold).
fn sum<'a>(
    commitments: impl Iterator<Item = &'a VerifiableSecretSharingCommitment>,
) -> Result<VerifiableSecretSharingCommitment, Error> {
    let mut total: Vec<ProjectivePoint> = Vec::new();
    for commitment in commitments {
        let points: Vec<AffinePoint> =
            commitment.serialize()?.iter().map(|point| decode(point)).collect::<Result<_, _>>()?;
        if total.is_empty() {
            total = vec![ProjectivePoint::IDENTITY; points.len()];
        }
        if total.len() != points.len() {
            return Err(Error::ShareMismatch);
        }
        for (sum, point) in total.iter_mut().zip(points) {
            *sum += point;
        }
    }
    let encoded = total.iter().map(|point| point_bytes(point.to_affine().to_encoded_point(true).as_bytes()));
    Ok(VerifiableSecretSharingCommitment::deserialize(encoded.collect::<Result<Vec<_>, _>>()?)?)
}

fn decode(point: &[u8]) -> Result<AffinePoint, Error> {
    EncodedPoint::from_bytes(point)
        .ok()
        .and_then(|encoded| AffinePoint::from_encoded_point(&encoded).into())
        .ok_or(Error::Malformed { what: "commitment", why: "it is not a point of the curve" })
}
