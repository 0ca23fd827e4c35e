//! Repair: members who hold shares give one of them its lost share back, and learn nothing about it; it learns nothing about
//! theirs. Nobody else's share changes, and neither do the public shares.
//!
//! The enrolment protocol of Stinson and Wei (ePrint 2017/1155), by the library's `repairable`: each helper `i` splits
//! `lambda_i(lost) * s_i` into as many random summands `delta_ij` as there are helpers, one for each; helper `j` adds up what it
//! gets and sends the sum to the member that lost its share, which adds up the sums.
//!
//! The library checks nothing of that: one lying helper, and the share is silently wrong. So every helper also publishes
//! `D_ij = delta_ij * G` (its [`Contribution`]), and everything can be judged from public values:
//! - `sum_j D_ij == lambda_i(lost) * Y_i`: it contributes what it holds ([`Repair::check`]);
//! - `delta_ij * G == D_ij`: it sent what it published ([`Repair::check_delta`]);
//! - `sigma_j * G == sum_i D_ij`: it added up right ([`Repair::check_sum`]);
//! - `s * G == Y_lost`: the share is the lost one ([`Repair::finish`]).
//!
//! The points tell nothing new: whoever knows the public shares and the summands of all helpers but one can compute them.
//!
//! What this asks of its user: everybody sees the same contributions; summands and sums are encrypted to their recipient.

use super::{KeyShare, PublicShares, SecretScalars, algebra, identifier_of, member_of, reshare::check_holders};
use crate::{
    encoding::Reader,
    error::Error,
    member::{MAX_MEMBERS, MemberId},
    secret::Secret,
};
use alloy_primitives::Bytes;
use frost_secp256k1::{Identifier, keys::repairable::repair_share_part1};
use k256::ProjectivePoint;
use rand_core::{CryptoRng, RngCore};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};
use zeroize::Zeroizing;

const WHAT: &str = "contribution to a repair";

/// Who helps whom. Invariants: everybody holds a share, the helpers are at least the threshold, and the one who lost its share
/// is not among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repair {
    public: PublicShares,
    helpers: BTreeSet<MemberId>,
    lost: MemberId,
}

/// What a helper says to everybody: the points of its summands, 33 bytes each, in the order of the helpers' numbers. Any 2 to
/// 256 points until [`Repair::check`] judges them.
#[derive(Clone, PartialEq, Eq)]
pub struct Contribution(Vec<[u8; 33]>);

impl Repair {
    /// `helpers` give `lost` its share of the key that `public` describes.
    ///
    /// # Errors
    /// [`Error::UnknownMember`] for somebody without a share, or if `lost` is to help itself; [`Error::TooFewSigners`] for fewer
    /// helpers than the threshold.
    pub fn new(public: PublicShares, helpers: BTreeSet<MemberId>, lost: MemberId) -> Result<Self, Error> {
        check_holders(&public, &helpers)?;
        if !public.contains(lost) || helpers.contains(&lost) {
            return Err(Error::UnknownMember(lost));
        }
        Ok(Self { public, helpers, lost })
    }

    /// A helper's part: its contribution for everybody, and the summand for every helper (itself included). The same generator
    /// state gives the same.
    ///
    /// # Errors
    /// [`Error::UnknownMember`] if the share's owner is not a helper; [`Error::ShareMismatch`] if the share is of another key.
    pub fn deal(
        &self,
        share: &KeyShare,
        rng: &mut (impl CryptoRng + RngCore),
    ) -> Result<(Contribution, SecretScalars), Error> {
        if !self.helpers.contains(&share.member()) {
            return Err(Error::UnknownMember(share.member()));
        }
        share.belongs_to(&self.public)?;
        let helpers: Vec<Identifier> =
            self.helpers.iter().map(|member| identifier_of(*member)).collect::<Result<_, _>>()?;
        let summands = repair_share_part1::<frost_secp256k1::Secp256K1Sha256, _>(
            &helpers,
            share.package(),
            rng,
            identifier_of(self.lost)?,
        )?;
        let mut secrets = BTreeMap::new();
        for (identifier, summand) in &summands {
            let member = member_of(*identifier).ok_or(Error::ShareMismatch)?;
            let bytes = Zeroizing::new(summand.serialize());
            secrets.insert(member, Secret::new(crate::encoding::exact("summand", &bytes)?));
        }
        let points: Option<Vec<[u8; 33]>> = secrets
            .values()
            .map(|summand: &Secret<[u8; 32]>| {
                algebra::point_bytes(&algebra::times_generator(&*algebra::scalar(summand.expose())?))
            })
            .collect();
        // A zero summand: the generator is broken.
        Ok((Contribution(points.ok_or(Error::ShareMismatch)?), secrets))
    }

    /// Judges one helper's contribution by itself: that there is a point for every helper, and that they sum to what it holds.
    ///
    /// # Errors
    /// [`Error::InvalidDealing`] names the helper; [`Error::UnknownMember`] if it is none.
    pub fn check(&self, helper: MemberId, contribution: &Contribution) -> Result<(), Error> {
        let invalid = |why| Error::InvalidDealing { culprit: helper, why };
        let weight = algebra::lagrange(&self.helpers, helper, self.lost.get())?;
        if contribution.0.len() != self.helpers.len() {
            return Err(invalid("it does not have one point for every helper"));
        }
        let sum: Option<ProjectivePoint> = contribution.0.iter().map(algebra::point).sum();
        let held = self.public.verifying_share(helper).as_ref().and_then(algebra::point);
        match (sum, held) {
            (Some(sum), Some(held)) if sum == held * weight => Ok(()),
            _ => Err(invalid("it does not contribute what the helper holds")),
        }
    }

    /// Checks that `summand` is what the owner of `contribution` owes to helper `to`.
    ///
    /// # Errors
    /// [`Error::ShareMismatch`]; [`Error::UnknownMember`] if `to` is not a helper.
    pub fn check_delta(&self, contribution: &Contribution, to: MemberId, summand: &[u8; 32]) -> Result<(), Error> {
        matches_point(summand, self.point_for(contribution, to)?)
    }

    /// What a helper sends to the member that lost its share: the sum of what all helpers (itself included) sent to it, each of
    /// which has passed [`Repair::check_delta`].
    ///
    /// # Errors
    /// [`Error::MissingFrom`] or [`Error::UnknownMember`] if the summands are not exactly the helpers';
    /// [`Error::ShareMismatch`] if one is no scalar.
    pub fn sum(&self, summands: &SecretScalars) -> Result<Secret<[u8; 32]>, Error> {
        algebra::exactly(&self.helpers, summands)?;
        Ok(algebra::secret_bytes(&*algebra::sum_scalars(summands.values())?))
    }

    /// Checks that `sum` is what helper `helper` owes to the member that lost its share, given everybody's contributions.
    ///
    /// # Errors
    /// [`Error::ShareMismatch`]; [`Error::MissingFrom`] or [`Error::UnknownMember`] if the contributions are not exactly the
    /// helpers', or if `helper` is none.
    pub fn check_sum(
        &self,
        contributions: &BTreeMap<MemberId, Contribution>,
        helper: MemberId,
        sum: &[u8; 32],
    ) -> Result<(), Error> {
        algebra::exactly(&self.helpers, contributions)?;
        let mut expected = ProjectivePoint::IDENTITY;
        for contribution in contributions.values() {
            expected += self.point_for(contribution, helper)?;
        }
        matches_point(sum, expected)
    }

    /// The lost share, from the sums of all helpers.
    ///
    /// # Errors
    /// [`Error::MissingFrom`] or [`Error::UnknownMember`] if the sums are not exactly the helpers'; [`Error::ShareMismatch`] if
    /// the result is not the lost share ([`Repair::check_sum`] says whose sum is wrong).
    pub fn finish(&self, sums: &SecretScalars) -> Result<KeyShare, Error> {
        let share = self.sum(sums)?;
        KeyShare::of(self.lost, &self.public, &share)
    }

    fn point_for(&self, contribution: &Contribution, to: MemberId) -> Result<ProjectivePoint, Error> {
        if contribution.0.len() != self.helpers.len() {
            return Err(Error::ShareMismatch);
        }
        let place = self.helpers.iter().position(|helper| *helper == to).ok_or(Error::UnknownMember(to))?;
        contribution.0.get(place).and_then(algebra::point).ok_or(Error::ShareMismatch)
    }
}

impl Contribution {
    /// The points, in the order of the helpers' numbers.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.concat()
    }

    /// Reads what [`Contribution::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`Error::Malformed`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(WHAT, bytes);
        let count = bytes.len() / 33;
        if !(2..=usize::from(MAX_MEMBERS)).contains(&count) {
            return Err(reader.malformed("it does not hold 2 to 256 points"));
        }
        let mut points = Vec::with_capacity(count);
        for _ in 0..count {
            let bytes = reader.array()?;
            algebra::point(&bytes).ok_or_else(|| reader.malformed("a point is not a compressed point of the curve"))?;
            points.push(bytes);
        }
        reader.finish()?;
        Ok(Self(points))
    }
}

impl fmt::Debug for Contribution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Contribution({:x})", Bytes::from(self.to_bytes()))
    }
}

fn matches_point(secret: &[u8; 32], expected: ProjectivePoint) -> Result<(), Error> {
    match algebra::scalar(secret) {
        Some(scalar) if algebra::times_generator(&scalar) == expected => Ok(()),
        _ => Err(Error::ShareMismatch),
    }
}
