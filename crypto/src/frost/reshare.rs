//! Resharing: the holders of a key deal it out again, to another committee or the same one, with the same or another threshold.
//! The group key stays; every share is new, and old and new ones do not mix.
//!
//! Desmedt and Jajodia ("Redistributing secret shares to new access structures", 1997), made verifiable with Feldman's
//! commitments (as Wong, Wang and Wing, 2002): each dealer `i` of a set `S` of at least the old threshold shares
//! `lambda_i(S) * s_i` with a polynomial of the new threshold; a new share is the sum of what its owner gets. Refreshing shares
//! is the same with the same members and threshold. Members who stay keep their number.
//!
//! What everybody checks: a dealing has exactly the new threshold's length (else the threshold could be raised or lowered), and
//! its constant term is `lambda_i(S)` times the dealer's *old* verifying share (else the key would change). Both can be judged
//! by anybody from public values, and so can a disclosed share ([`Resharing::check_share`]).
//!
//! What this asks of its user (and cannot check): everybody uses the same dealers and sees the same dealings (a reliable
//! broadcast; else the new shares do not lie on one polynomial: the "forget-and-forgive" attack of Aumasson and Shlomovits,
//! ePrint 2020/1052); shares are encrypted to their recipient; old shares are deleted only once the new ones are proven to
//! work. What it does not give: whoever keeps as many *old* shares as the old threshold can still sign with the unchanged key.
//! When a former member is distrusted, make a new key.

use super::{KeyShare, PublicShares, SecretScalars, algebra, feldman::Commitment, identifier_of, member_of};
use crate::{
    encoding::Reader,
    error::Error,
    member::{MemberId, check_majority},
    secret::Secret,
};
use alloy_primitives::Bytes;
use frost_secp256k1::{
    Identifier, SigningKey,
    keys::{IdentifierList, split},
};
use k256::Scalar;
use rand_core::{CryptoRng, RngCore};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};
use zeroize::Zeroizing;

/// Who deals what to whom. Invariants: the dealers hold shares and are at least the old threshold; the new committee is of a
/// size that [`check_majority`] allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resharing {
    old: PublicShares,
    dealers: BTreeSet<MemberId>,
    members: BTreeSet<MemberId>,
    threshold: u16,
}

/// What a dealer says to everybody: commitments to its polynomial, 33 bytes each. Any 2 to 256 points until
/// [`Resharing::check`] judges them.
#[derive(Clone, PartialEq, Eq)]
pub struct Dealing(Commitment);

impl Resharing {
    /// `dealers` deal the key that `old` describes to `members`, of whom `threshold` shall sign.
    ///
    /// # Errors
    /// [`Error::UnknownMember`] for a dealer without a share; [`Error::TooFewSigners`] for fewer dealers than the old threshold;
    /// [`Error::Threshold`] for a new committee that is none.
    pub fn new(
        old: PublicShares,
        dealers: BTreeSet<MemberId>,
        members: BTreeSet<MemberId>,
        threshold: u16,
    ) -> Result<Self, Error> {
        check_majority(threshold, members.len())?;
        check_holders(&old, &dealers)?;
        Ok(Self { old, dealers, members, threshold })
    }

    /// A dealer's part: its dealing for everybody, and the new members' shares of it. The same generator state gives the same.
    ///
    /// # Errors
    /// [`Error::UnknownMember`] if the share's owner is not a dealer; [`Error::ShareMismatch`] if the share is of another key.
    pub fn deal(
        &self,
        share: &KeyShare,
        rng: &mut (impl CryptoRng + RngCore),
    ) -> Result<(Dealing, SecretScalars), Error> {
        let weight = self.weight(share.member())?;
        share.belongs_to(&self.old)?;
        let weighted = Zeroizing::new(weight * *share.scalar()?);
        let key = SigningKey::deserialize(algebra::secret_bytes(&weighted).expose())?;
        let identifiers: Vec<Identifier> =
            self.members.iter().map(|member| identifier_of(*member)).collect::<Result<_, _>>()?;
        let wrong_size = Error::Threshold { threshold: self.threshold, members: self.members.len() };
        let count = u16::try_from(self.members.len()).map_err(|_| wrong_size.clone())?;
        let (dealt, _) = split(&key, count, self.threshold, IdentifierList::Custom(&identifiers), &mut *rng)?;
        let (_, first) = dealt.first_key_value().ok_or(wrong_size)?;
        let dealing = Dealing(Commitment::from_frost(first.commitment())?);
        let mut shares = BTreeMap::new();
        for (identifier, share) in &dealt {
            let member = member_of(*identifier).ok_or(Error::ShareMismatch)?;
            let bytes = Zeroizing::new(share.signing_share().serialize());
            shares.insert(member, Secret::new(crate::encoding::exact("share", &bytes)?));
        }
        Ok((dealing, shares))
    }

    /// Judges one dealer's dealing by itself: its length, and that it shares what the dealer holds.
    ///
    /// # Errors
    /// [`Error::InvalidDealing`] names the dealer; [`Error::UnknownMember`] if it is none.
    pub fn check(&self, dealer: MemberId, dealing: &Dealing) -> Result<(), Error> {
        let invalid = |why| Error::InvalidDealing { culprit: dealer, why };
        let weight = self.weight(dealer)?;
        if dealing.0.threshold() != usize::from(self.threshold) {
            return Err(invalid("it commits to another threshold"));
        }
        let held = self.old.verifying_share(dealer).as_ref().and_then(algebra::point);
        let expected = held.and_then(|held| algebra::point_bytes(&(held * weight)));
        if expected.is_some() && dealing.0.constant() == expected.as_ref() {
            Ok(())
        } else {
            Err(invalid("it does not share what the dealer holds"))
        }
    }

    /// Checks that `share` is what the dealer of `dealing` owes to `to`.
    ///
    /// # Errors
    /// [`Error::ShareMismatch`]; [`Error::UnknownMember`] if `to` is not among the new members.
    pub fn check_share(&self, dealing: &Dealing, to: MemberId, share: &[u8; 32]) -> Result<(), Error> {
        if !self.members.contains(&to) {
            return Err(Error::UnknownMember(to));
        }
        dealing.0.check_share(to, share)
    }

    /// The public side of the new shares; of the same group key.
    ///
    /// # Errors
    /// [`Error::MissingFrom`] or [`Error::UnknownMember`] if the dealings are not exactly those of the dealers;
    /// [`Error::InvalidDealing`] as [`Resharing::check`]; [`Error::Frost`] or [`Error::Malformed`] if the dealings cancel out, so
    /// that a member would hold zero or a coefficient vanish (nobody can bring that about alone; deal again).
    pub fn public_shares(&self, dealings: &BTreeMap<MemberId, Dealing>) -> Result<PublicShares, Error> {
        algebra::exactly(&self.dealers, dealings)?;
        for (dealer, dealing) in dealings {
            self.check(*dealer, dealing)?;
        }
        let sum = Commitment::sum(dealings.values().map(|dealing| &dealing.0))?;
        let public = PublicShares::from_commitment(&self.members, sum.frost())?;
        // Follows from the checks of the constant terms; it is the promise, so it is not left to an argument.
        if public.group_key() == self.old.group_key() { Ok(public) } else { Err(Error::ShareMismatch) }
    }

    /// A new member's share, from all dealings and from what each dealer sent to it.
    ///
    /// # Errors
    /// [`Error::InvalidDealing`] names who sent a share that does not match its dealing; [`Error::MissingFrom`],
    /// [`Error::UnknownMember`]; otherwise as [`Resharing::public_shares`].
    pub fn finish(
        &self,
        me: MemberId,
        dealings: &BTreeMap<MemberId, Dealing>,
        shares: &SecretScalars,
    ) -> Result<KeyShare, Error> {
        algebra::exactly(&self.dealers, dealings)?;
        algebra::exactly(&self.dealers, shares)?;
        for ((dealer, dealing), share) in dealings.iter().zip(shares.values()) {
            self.check_share(dealing, me, share.expose()).map_err(|error| {
                if error == Error::ShareMismatch {
                    Error::InvalidDealing { culprit: *dealer, why: "the secret share does not match the commitments" }
                } else {
                    error
                }
            })?;
        }
        let public = self.public_shares(dealings)?;
        let sum = algebra::sum_scalars(shares.values())?;
        KeyShare::of(me, &public, &algebra::secret_bytes(&sum))
    }

    fn weight(&self, dealer: MemberId) -> Result<Scalar, Error> {
        algebra::lagrange(&self.dealers, dealer, 0)
    }
}

impl Dealing {
    /// The commitments, lowest coefficient first.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.to_bytes()
    }

    /// Reads what [`Dealing::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`Error::Malformed`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new("dealing", bytes);
        let commitment = Commitment::read(&mut reader, bytes.len() / 33)?;
        reader.finish()?;
        Ok(Self(commitment))
    }
}

impl fmt::Debug for Dealing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Dealing({:x})", Bytes::from(self.to_bytes()))
    }
}

/// Checks that all of `holders` hold shares of the key, and that they are enough to use it.
pub(super) fn check_holders(public: &PublicShares, holders: &BTreeSet<MemberId>) -> Result<(), Error> {
    if let Some(stranger) = holders.iter().find(|member| !public.contains(**member)) {
        return Err(Error::UnknownMember(*stranger));
    }
    if holders.len() < usize::from(public.threshold()) {
        return Err(Error::TooFewSigners { have: holders.len(), need: public.threshold() });
    }
    Ok(())
}
