//! Claims that a point is somebody's signature of an exit, checked many at a time.
//!
//! For random `r_i`, `sum(r_i * signature_i)` pairs with the generator to the product of the pairings of `r_i * key_i` with the
//! hashed roots, and if one claim is false, this fails but once in 2^128 draws ("small exponents" of Bellare, Garay and Rabin,
//! EUROCRYPT '98). Claims about one exit share its hash and its pairing: their keys are values of the same committed polynomial,
//! so `sum(r_i * key_i)` is one combination of its commitments, however many members there are. All points must be in their
//! subgroups, one by one: a random combination would not see a point of small order.

use super::{
    DST, PublicKey, ShareCommitments, exit::ExitRoot, keys, msm::sum_of_multiples, scalar::Scalar,
    share_commitments::powers, workers,
};
use crate::member::MemberId;
use blst::{BLST_ERROR, Pairing, blst_fp12, blst_p1_affine, blst_p2_affine, min_pk};
use rand_core::{CryptoRng, RngCore};
use std::{any::Any, num::NonZeroUsize};

/// `point`, of the subgroup and not the identity, is said to be the signature of `root` by a member's share, or by the
/// validator's whole key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Claim<'a> {
    pub(super) commitments: &'a ShareCommitments,
    /// Whose share; `None` for the whole key.
    pub(super) member: Option<MemberId>,
    pub(super) root: ExitRoot,
    pub(super) point: min_pk::Signature,
}

impl Claim<'_> {
    /// Checks it alone.
    pub(super) fn holds(&self) -> bool {
        let key = match self.member {
            Some(member) => self.commitments.public_share(member),
            None => Ok(self.commitments.public_key()),
        };
        let key = key.and_then(|key| PublicKey::decode(&key.to_bytes()));
        key.is_ok_and(|key| keys::verify(&key, self.root.as_bytes(), &self.point).is_ok())
    }

    /// Where the polynomial is evaluated.
    fn place(&self) -> Scalar {
        self.member.map_or(Scalar::ZERO, Scalar::of_member)
    }
}

/// Exits that one equation is about. Blocks are checked together; if that fails, each alone, for little more than the sum's
/// pairing. Smaller ones find liars sooner, larger ones sum faster.
const BLOCK: usize = 32;

/// The places of the exits about which something false may be claimed: nobody's if all claims hold, otherwise whole blocks.
/// `claims` has one list for each exit.
pub(super) fn suspects(
    claims: &[Vec<Claim<'_>>],
    workers: NonZeroUsize,
    rng: &mut (impl CryptoRng + RngCore),
) -> Vec<usize> {
    let weighted: Vec<(usize, Vec<Weighted<'_>>)> = claims
        .iter()
        .enumerate()
        .filter(|(_, claims)| !claims.is_empty())
        .map(|(place, claims)| (place, claims.iter().map(|claim| (Scalar::random_weight(rng), *claim)).collect()))
        .collect();
    let blocks: Vec<_> = weighted.chunks(weighted.len().div_ceil(workers.get()).clamp(1, BLOCK)).collect();
    let equations = workers::map(workers, &blocks, |block| Equation::of(block));
    if blocks.is_empty() || Equation::total(&equations).is_some_and(|total| total.holds()) {
        return Vec::new();
    }
    let verdicts = workers::map(workers, &equations, |equation| equation.as_ref().is_some_and(Equation::holds));
    let failed = blocks.into_iter().zip(verdicts).filter(|(_, holds)| !holds);
    failed.flat_map(|(block, _)| block.iter().map(|(place, _)| *place)).collect()
}

/// The places of the false ones among claims of one member.
pub(super) fn false_ones(
    claims: &[Claim<'_>],
    workers: NonZeroUsize,
    rng: &mut (impl CryptoRng + RngCore),
) -> Vec<usize> {
    let each: Vec<Vec<Claim<'_>>> = claims.iter().map(|claim| vec![*claim]).collect();
    let suspects: Vec<(usize, &Claim<'_>)> =
        suspects(&each, workers, rng).into_iter().filter_map(|place| Some((place, claims.get(place)?))).collect();
    let verdicts = workers::map(workers, &suspects, |(_, claim)| claim.holds());
    suspects.iter().zip(verdicts).filter(|(_, holds)| !holds).map(|((place, _), _)| *place).collect()
}

/// A claim and its random weight.
type Weighted<'a> = (Scalar, Claim<'a>);

/// What the claims about some exits say together.
#[derive(Debug)]
struct Equation {
    keys_with_roots: Pairing<'static>,
    signatures: min_pk::AggregateSignature,
}

impl Equation {
    /// Of the claims about these exits; `None` if it can't hold, because a side is degenerate.
    fn of(exits: &[(usize, Vec<Weighted<'_>>)]) -> Option<Self> {
        // The signatures come as one sum, so each exit is aggregated with none: a value of another type, to this interface.
        const NO_SIGNATURE: &dyn Any = &();
        let mut keys_with_roots = Pairing::new(true, DST);
        for (_, claims) in exits {
            let (_, about) = claims.first()?;
            let key = combined_key(claims, about.commitments)?;
            let aggregated = keys_with_roots.aggregate(&key, false, NO_SIGNATURE, false, about.root.as_bytes(), &[]);
            if aggregated != BLST_ERROR::BLST_SUCCESS {
                return None;
            }
        }
        keys_with_roots.commit();
        let points = exits.iter().flat_map(|(_, claims)| claims).map(|(weight, claim)| (*weight, claim.point));
        Some(Self { keys_with_roots, signatures: sum_of_multiples(points)? })
    }

    /// All of them in one; `None` if one can't hold.
    fn total(equations: &[Option<Self>]) -> Option<Self> {
        let mut signatures: Option<min_pk::AggregateSignature> = None;
        let mut keys_with_roots = Pairing::new(true, DST);
        for equation in equations {
            let equation = equation.as_ref()?;
            if keys_with_roots.merge(&equation.keys_with_roots) != BLST_ERROR::BLST_SUCCESS {
                return None;
            }
            match &mut signatures {
                Some(sum) => sum.add_aggregate(&equation.signatures),
                None => signatures = Some(equation.signatures),
            }
        }
        Some(Self { keys_with_roots, signatures: signatures? })
    }

    fn holds(&self) -> bool {
        let mut with_generator = blst_fp12::default();
        Pairing::aggregated(&mut with_generator, &blst_p2_affine::from(self.signatures.to_signature()));
        self.keys_with_roots.finalverify(Some(&with_generator))
    }
}

/// `sum(weight * key)` over claims about one exit: `sum over k of (sum(weight * place^k)) * commitment_k`.
fn combined_key(claims: &[Weighted<'_>], commitments: &ShareCommitments) -> Option<blst_p1_affine> {
    let mut coefficients = vec![Scalar::ZERO; commitments.points().len()];
    for (weight, claim) in claims {
        for (coefficient, power) in coefficients.iter_mut().zip(powers(claim.place())) {
            *coefficient = coefficient.add(weight.mul(power));
        }
    }
    let key = sum_of_multiples(coefficients.into_iter().zip(commitments.points().iter().copied()))?;
    Some(key.to_public_key().into())
}
