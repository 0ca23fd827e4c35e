//! The mathematics of the three purposes behind one face: commit, deal, judge, finish. Knows no posts and no
//! encryption.

use super::plan::{Plan, Purpose};
use crate::types::MemberId;
use guardian_crypto::{
    Error,
    frost::{
        KeyShare, PublicShares,
        dkg::{self, Round1, Round1Package, Round2Package},
        repair::{Contribution, Repair},
        reshare::{Dealing, Resharing},
    },
    secret::Secret,
};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use std::collections::{BTreeMap, BTreeSet};

/// How this plan's key is dealt.
#[derive(Debug)]
pub(super) enum Scheme {
    Generate { members: BTreeSet<MemberId>, threshold: u16 },
    Reshare(Box<Resharing>),
    Repair(Box<Repair>),
}

/// What a dealer committed to, judged by itself. Comes only from [`Scheme::judge`].
#[derive(Clone, Debug)]
pub(super) enum Dealt {
    Generate(Box<Round1Package>),
    Reshare(Dealing),
    Repair(Contribution),
}

/// Secrets by their recipient, or by their dealer.
pub(super) type Secrets = BTreeMap<MemberId, Secret<[u8; 32]>>;

impl Scheme {
    /// The scheme of a plan that has passed [`Plan::check`].
    pub(super) fn new(plan: &Plan) -> Result<Self, Error> {
        let members: BTreeSet<MemberId> = plan.members.iter().map(|member| member.id).collect();
        let Some(current) = &plan.current else { return Ok(Self::Generate { members, threshold: plan.threshold }) };
        let (public, dealers) = (current.public.clone(), current.dealers.clone());
        Ok(match plan.purpose {
            Purpose::Repair { lost } => Self::Repair(Box::new(Repair::new(public, dealers, lost)?)),
            Purpose::Generate | Purpose::Reshare => {
                Self::Reshare(Box::new(Resharing::new(public, dealers, members, plan.threshold)?))
            }
        })
    }

    /// Whether dealers deal from their share of a key that exists.
    pub(super) const fn needs_share(&self) -> bool {
        matches!(self, Self::Reshare(_) | Self::Repair(_))
    }

    /// What dealer `me` commits to. Depends on nothing but the arguments.
    pub(super) fn commit(
        &self,
        me: MemberId,
        old: Option<&KeyShare>,
        seed: &Secret<[u8; 32]>,
    ) -> Result<Vec<u8>, Error> {
        let mut rng = ChaCha20Rng::from_seed(*seed.expose());
        Ok(match self {
            Self::Generate { members, threshold } => Round1::begin(me, members, *threshold, &mut rng)?.1.to_bytes(),
            Self::Reshare(resharing) => resharing.deal(held(me, old)?, &mut rng)?.0.to_bytes(),
            Self::Repair(repair) => repair.deal(held(me, old)?, &mut rng)?.0.to_bytes(),
        })
    }

    /// What dealer `me` owes to each recipient, itself included, once everybody has committed. Depends on the
    /// commitments of others only in whether it succeeds.
    pub(super) fn deal(
        &self,
        me: MemberId,
        old: Option<&KeyShare>,
        seed: &Secret<[u8; 32]>,
        all: &BTreeMap<MemberId, Dealt>,
    ) -> Result<Secrets, Error> {
        let mut rng = ChaCha20Rng::from_seed(*seed.expose());
        match self {
            Self::Generate { members, threshold } => {
                let (round, _) = Round1::begin(me, members, *threshold, &mut rng)?;
                let mut others = packages(all);
                others.remove(&me);
                let (round, second) = round.receive(&others)?;
                let mut secrets: Secrets =
                    second.iter().map(|(to, package)| Ok((*to, scalar_of(package)?))).collect::<Result<_, Error>>()?;
                secrets.insert(me, scalar_of(&round.own_package()?)?);
                Ok(secrets)
            }
            Self::Reshare(resharing) => Ok(resharing.deal(held(me, old)?, &mut rng)?.1),
            Self::Repair(repair) => Ok(repair.deal(held(me, old)?, &mut rng)?.1),
        }
    }

    /// Judges what `dealer` committed to, by itself.
    pub(super) fn judge(&self, dealer: MemberId, bytes: &[u8]) -> Result<Dealt, Error> {
        Ok(match self {
            Self::Generate { threshold, .. } => {
                let package = Round1Package::from_bytes(bytes)?;
                dkg::check(dealer, *threshold, &package)?;
                Dealt::Generate(Box::new(package))
            }
            Self::Reshare(resharing) => {
                let dealing = Dealing::from_bytes(bytes)?;
                resharing.check(dealer, &dealing)?;
                Dealt::Reshare(dealing)
            }
            Self::Repair(repair) => {
                let contribution = Contribution::from_bytes(bytes)?;
                repair.check(dealer, &contribution)?;
                Dealt::Repair(contribution)
            }
        })
    }

    /// Whether `secret` is what the dealer owes to recipient `to`.
    pub(super) fn is_right(&self, dealt: &Dealt, to: MemberId, secret: &[u8; 32]) -> bool {
        match (self, dealt) {
            (Self::Generate { .. }, Dealt::Generate(package)) => dkg::check_share(package, to, secret).is_ok(),
            (Self::Reshare(resharing), Dealt::Reshare(dealing)) => resharing.check_share(dealing, to, secret).is_ok(),
            (Self::Repair(repair), Dealt::Repair(contribution)) => repair.check_delta(contribution, to, secret).is_ok(),
            // Only this scheme's own judgement makes a `Dealt`.
            _ => false,
        }
    }

    /// In a repair: what a helper passes on of what it was dealt.
    pub(super) fn sum(&self, secrets: &Secrets) -> Result<Option<Secret<[u8; 32]>>, Error> {
        match self {
            Self::Repair(repair) => repair.sum(secrets).map(Some),
            Self::Generate { .. } | Self::Reshare(_) => Ok(None),
        }
    }

    /// In a repair: whether `sum` is what `helper` owes to the member that lost its share.
    pub(super) fn is_right_sum(&self, all: &BTreeMap<MemberId, Dealt>, helper: MemberId, sum: &[u8; 32]) -> bool {
        match self {
            Self::Repair(repair) => repair.check_sum(&contributions(all), helper, sum).is_ok(),
            Self::Generate { .. } | Self::Reshare(_) => false,
        }
    }

    /// The public side of what comes out.
    pub(super) fn public_shares(&self, plan: &Plan, all: &BTreeMap<MemberId, Dealt>) -> Result<PublicShares, Error> {
        match self {
            Self::Generate { members, .. } => dkg::public_shares(members, &packages(all)),
            Self::Reshare(resharing) => resharing.public_shares(&dealings(all)),
            Self::Repair(_) => match &plan.current {
                Some(current) => Ok(current.public.clone()),
                None => Err(Error::ShareMismatch),
            },
        }
    }

    /// A receiver's share, from what every dealer (in a repair: every helper's sum) sent to it; all of it has been
    /// found right.
    pub(super) fn finish(
        &self,
        me: MemberId,
        all: &BTreeMap<MemberId, Dealt>,
        secrets: &Secrets,
    ) -> Result<KeyShare, Error> {
        match self {
            Self::Generate { members, .. } => dkg::finish(me, members, &packages(all), secrets),
            Self::Reshare(resharing) => resharing.finish(me, &dealings(all), secrets),
            Self::Repair(repair) => repair.finish(secrets),
        }
    }
}

fn held(me: MemberId, share: Option<&KeyShare>) -> Result<&KeyShare, Error> {
    share.filter(|share| share.member() == me).ok_or(Error::UnknownMember(me))
}

fn scalar_of(package: &Round2Package) -> Result<Secret<[u8; 32]>, Error> {
    let bytes = package.to_secret_bytes();
    <[u8; 32]>::try_from(bytes.expose().as_slice()).map(Secret::new).map_err(|_| Error::ShareMismatch)
}

fn packages(all: &BTreeMap<MemberId, Dealt>) -> BTreeMap<MemberId, Round1Package> {
    select(all, |dealt| if let Dealt::Generate(package) = dealt { Some(&**package) } else { None })
}

fn dealings(all: &BTreeMap<MemberId, Dealt>) -> BTreeMap<MemberId, Dealing> {
    select(all, |dealt| if let Dealt::Reshare(dealing) = dealt { Some(dealing) } else { None })
}

fn contributions(all: &BTreeMap<MemberId, Dealt>) -> BTreeMap<MemberId, Contribution> {
    select(all, |dealt| if let Dealt::Repair(contribution) = dealt { Some(contribution) } else { None })
}

fn select<T: Clone>(all: &BTreeMap<MemberId, Dealt>, pick: impl Fn(&Dealt) -> Option<&T>) -> BTreeMap<MemberId, T> {
    all.iter().filter_map(|(dealer, dealt)| Some((*dealer, pick(dealt)?.clone()))).collect()
}
