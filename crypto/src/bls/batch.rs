//! Thousands of exits at once: signed, verified and combined together, on as many threads as the caller gives.
//!
//! For an order of 256 validators this is the difference between seconds and a fraction of one. What makes it fast: one random
//! linear combination instead of a pairing for each partial (`claims`); one hash and one pairing for each exit, however
//! many members signed it, and the result checked along with them; Lagrange's coefficients once for each set of signers, as small
//! integers where members' numbers are small (`lagrange`).
//!
//! These calls compute for long. Make them where waiting does no harm, never on a thread that serves others.

use super::{
    BlsSignature, ExitShare, PartialSignature, ShareCommitments, VerifiedPartial,
    claims::{Claim, false_ones, suspects},
    exit::ExitRoot,
    lagrange::Weights,
    workers,
};
use crate::member::MemberId;
use blst::min_pk;
use rand_core::{CryptoRng, RngCore};
use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroUsize,
};

/// One exit and what is known of its partial signatures.
#[derive(Clone, Debug)]
pub struct Exit<'a> {
    /// Of the validator's key.
    pub commitments: &'a ShareCommitments,
    /// Of this exit.
    pub root: ExitRoot,
    /// What counts already; of another exit or validator, it does not.
    pub verified: &'a BTreeMap<MemberId, VerifiedPartial>,
    /// What was received and has not been judged.
    pub fresh: &'a BTreeMap<MemberId, PartialSignature>,
}

/// What became of an [`Exit`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// The fresh partials that are right.
    pub verified: BTreeMap<MemberId, VerifiedPartial>,
    /// Whose are not. All of them, and nobody else.
    pub wrong: BTreeSet<MemberId>,
    /// The validator's signature, verified, if the partials that count are now `t`.
    pub signature: Option<BlsSignature>,
}

/// Signs exits with shares. Releasing the results cannot be undone.
#[must_use]
pub fn partial_exits(exits: &[(&ExitShare, ExitRoot)], workers: NonZeroUsize) -> Vec<VerifiedPartial> {
    workers::map(workers, exits, |(share, root)| super::partial_exit(share, root))
}

/// Verifies all fresh partials and completes each exit that has `t` then. In order; whoever is wrong is named exactly, and hinders
/// nobody. If somebody is, it takes longer, some times the duration of a run without; leave out who has been wrong before.
#[must_use]
pub fn check(exits: &[Exit<'_>], workers: NonZeroUsize, rng: &mut (impl CryptoRng + RngCore)) -> Vec<Checked> {
    let mut open = workers::map(workers, exits, Open::new);
    let mut combined = combine(&open.iter().collect::<Vec<_>>(), workers);
    let claims: Vec<Vec<Claim<'_>>> =
        open.iter().zip(&combined).map(|(exit, point)| exit.claims(*point).collect()).collect();
    let suspects = suspects(&claims, workers, rng);
    if !suspects.is_empty() {
        refuse_false_ones(&mut open, &suspects, workers, rng);
        combine_again(&open, &suspects, &mut combined, workers, rng);
    }
    open.into_iter().zip(combined).map(|(exit, point)| exit.checked(point)).collect()
}

/// Finds out who is wrong about the exits at these places. Member by member: most lie about everything or nothing.
fn refuse_false_ones(
    open: &mut [Open<'_>],
    places: &[usize],
    workers: NonZeroUsize,
    rng: &mut (impl CryptoRng + RngCore),
) {
    let mut of_members: BTreeMap<Option<MemberId>, Vec<(usize, Claim<'_>)>> = BTreeMap::new();
    for (place, exit) in places.iter().filter_map(|place| Some((*place, open.get(*place)?))) {
        for claim in exit.claims(None) {
            of_members.entry(claim.member).or_default().push((place, claim));
        }
    }
    for (member, claims) in of_members {
        let (places, claims): (Vec<usize>, Vec<Claim<'_>>) = claims.into_iter().unzip();
        for wrong in false_ones(&claims, workers, rng) {
            if let (Some(exit), Some(member)) = (places.get(wrong).and_then(|place| open.get_mut(*place)), member) {
                exit.refuse(member);
            }
        }
    }
}

/// Combines the exits at these places from what is left. That is right, and so must the result be; it is checked nevertheless.
fn combine_again(
    open: &[Open<'_>],
    places: &[usize],
    combined: &mut [Option<min_pk::Signature>],
    workers: NonZeroUsize,
    rng: &mut (impl CryptoRng + RngCore),
) {
    let (places, exits): (Vec<usize>, Vec<&Open<'_>>) =
        places.iter().filter_map(|place| Some((*place, open.get(*place)?))).unzip();
    let mut points = combine(&exits, workers);
    let made = exits.iter().zip(&points).enumerate();
    let (made, claims): (Vec<usize>, Vec<Claim<'_>>) =
        made.filter_map(|(at, (exit, point))| Some((at, exit.claim(None, (*point)?)))).unzip();
    for wrong in false_ones(&claims, workers, rng) {
        if let Some(point) = made.get(wrong).and_then(|at| points.get_mut(*at)) {
            *point = None;
        }
    }
    for (place, point) in places.into_iter().zip(points) {
        if let Some(combined) = combined.get_mut(place) {
            *combined = point;
        }
    }
}

/// An exit on its way.
struct Open<'a> {
    exit: &'a Exit<'a>,
    /// Of those whose partials count or may count.
    points: BTreeMap<MemberId, min_pk::Signature>,
    wrong: BTreeSet<MemberId>,
}

impl<'a> Open<'a> {
    /// Decodes the fresh ones: what is no point of the subgroup, or the identity, is wrong.
    fn new(exit: &'a Exit<'a>) -> Self {
        let counted = |partial: &VerifiedPartial| partial.point_for(exit.commitments.public_key(), exit.root);
        let known = exit.verified.iter().filter_map(|(member, partial)| Some((*member, counted(partial)?)));
        let mut points: BTreeMap<_, _> = known.collect();
        let mut wrong = BTreeSet::new();
        for (member, partial) in exit.fresh {
            match partial.point() {
                Some(point) => drop(points.insert(*member, point)),
                None => drop(wrong.insert(*member)),
            }
        }
        Self { exit, points, wrong }
    }

    /// The first `t`, if there are as many.
    fn signers(&self) -> Option<Vec<MemberId>> {
        let need = usize::from(self.exit.commitments.threshold());
        let signers: Vec<MemberId> = self.points.keys().copied().take(need).collect();
        (signers.len() == need).then_some(signers)
    }

    fn claim(&self, member: Option<MemberId>, point: min_pk::Signature) -> Claim<'a> {
        Claim { commitments: self.exit.commitments, member, root: self.exit.root, point }
    }

    /// What the fresh ones claim, and what `combined` does.
    fn claims(&self, combined: Option<min_pk::Signature>) -> impl Iterator<Item = Claim<'a>> {
        let fresh = self.exit.fresh.keys().filter_map(|member| Some((Some(*member), *self.points.get(member)?)));
        fresh.chain(combined.map(|point| (None, point))).map(|(member, point)| self.claim(member, point))
    }

    fn refuse(&mut self, member: MemberId) {
        self.points.remove(&member);
        self.wrong.insert(member);
    }

    /// To be called when everything that is left was found to be right.
    fn checked(self, combined: Option<min_pk::Signature>) -> Checked {
        let verified = self
            .claims(None)
            .filter_map(|claim| claim.member.map(|member| (member, VerifiedPartial::of(&claim, member))))
            .collect();
        let signature = combined.as_ref().map(BlsSignature::from_verified);
        Checked { verified, wrong: self.wrong, signature }
    }
}

/// Interpolates each exit that has enough.
fn combine(open: &[&Open<'_>], workers: NonZeroUsize) -> Vec<Option<min_pk::Signature>> {
    let sets: BTreeSet<Vec<MemberId>> = open.iter().filter_map(|exit| exit.signers()).collect();
    let weights: BTreeMap<Vec<MemberId>, Weights> =
        sets.into_iter().filter_map(|set| Weights::at_zero(&set).map(|weights| (set, weights))).collect();
    workers::map(workers, open, |exit| {
        let signers = exit.signers()?;
        let points: Vec<min_pk::Signature> =
            signers.iter().filter_map(|member| exit.points.get(member)).copied().collect();
        weights.get(&signers)?.interpolate(&points)
    })
}
