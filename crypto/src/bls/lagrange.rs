//! Interpolation at zero: what `t` points of a polynomial say of its constant term.
//!
//! Members' numbers are small, so Lagrange's coefficients are fractions of small integers (for members 1, 2 and 4 they are
//! 8/3, -2 and 1/3). Their sum over the common denominator costs a few additions in the group instead of `t` multiplications
//! by numbers of 255 bits. Only sets for which the integers get large take the general way.

use super::{msm::sum_of_multiples, scalar::Scalar};
use crate::member::MemberId;
use blst::{blst_p2, min_pk, min_sig};

/// The largest integers worth the effort: above half of the group's order, one multiplication by the denominator's inverse and
/// these together cost more than they save.
const SMALL: u128 = 1 << 100;

/// Lagrange's coefficients at zero for one set of members.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Weights(Kind);

#[derive(Debug, PartialEq, Eq)]
enum Kind {
    /// `(sum of plus - sum of minus) / denominator`, each an integer at a member's place.
    Fractions { plus: Vec<(u128, usize)>, minus: Vec<(u128, usize)>, denominator: u128 },
    /// One number modulo the order for each member.
    Residues(Vec<Scalar>),
}

impl Weights {
    /// For these members; `None` if one is listed twice.
    pub(super) fn at_zero(members: &[MemberId]) -> Option<Self> {
        if let Some(kind) = fractions(members) {
            return Some(Self(kind));
        }
        let residues = members.iter().map(|member| residue(*member, members)).collect::<Option<Vec<_>>>()?;
        Some(Self(Kind::Residues(residues)))
    }

    /// The value at zero of the polynomial that has `points` at the members, in the same order.
    pub(super) fn interpolate(&self, points: &[min_pk::Signature]) -> Option<min_pk::Signature> {
        match &self.0 {
            Kind::Residues(residues) => {
                let terms = residues.iter().copied().zip(points.iter().copied());
                Some(sum_of_multiples(terms)?.to_signature())
            }
            Kind::Fractions { plus, minus, denominator } => {
                let sum = |terms: &[(u128, usize)]| {
                    let points = terms.iter().map(|(times, at)| Some((Scalar::from(*times), *points.get(*at)?)));
                    sum_of_multiples(points.collect::<Option<Vec<_>>>()?)
                };
                let difference = match (sum(plus), sum(minus)) {
                    (Some(plus), Some(minus)) => subtract(plus, minus),
                    (Some(plus), None) if minus.is_empty() => plus,
                    _ => return None,
                };
                if *denominator == 1 {
                    return Some(difference.to_signature());
                }
                let part = Scalar::from(*denominator).invert()?;
                Some(sum_of_multiples([(part, difference.to_signature())])?.to_signature())
            }
        }
    }
}

/// `blst` offers subtraction for public keys only; in its other variant those are points of this group.
fn subtract(from: min_pk::AggregateSignature, what: min_pk::AggregateSignature) -> min_pk::AggregateSignature {
    let mut difference = min_sig::AggregatePublicKey::from(blst_p2::from(from));
    difference.sub_aggregate(&min_sig::AggregatePublicKey::from(blst_p2::from(what)));
    blst_p2::from(difference).into()
}

/// `product of j / (j - i)` over all other members `j`; `None` if `i` is listed twice.
fn residue(member: MemberId, members: &[MemberId]) -> Option<Scalar> {
    let i = Scalar::of_member(member);
    let (numerator, denominator) = others(member, members)?
        .map(Scalar::of_member)
        .fold((Scalar::ONE, Scalar::ONE), |(numerator, denominator), j| (numerator.mul(j), denominator.mul(j.sub(i))));
    Some(numerator.mul(denominator.invert()?))
}

/// The coefficients over their least common denominator; `None` if the integers get too large, or a member is listed twice.
fn fractions(members: &[MemberId]) -> Option<Kind> {
    let reduced = members.iter().map(|member| fraction(*member, members)).collect::<Option<Vec<_>>>()?;
    let denominator = reduced.iter().try_fold(1u128, |common, of| {
        common.checked_mul(of.denominator.checked_div(greatest_common_divisor(common, of.denominator))?)
    })?;
    let (mut plus, mut minus) = (Vec::new(), Vec::new());
    for (at, of) in reduced.iter().enumerate() {
        let times = of.numerator.checked_mul(denominator.checked_div(of.denominator)?)?;
        if times > SMALL {
            return None;
        }
        if of.negative { minus.push((times, at)) } else { plus.push((times, at)) }
    }
    Some(Kind::Fractions { plus, minus, denominator })
}

/// A fraction in lowest terms.
struct Fraction {
    negative: bool,
    numerator: u128,
    denominator: u128,
}

/// As [`residue`], but exactly.
fn fraction(member: MemberId, members: &[MemberId]) -> Option<Fraction> {
    let i = u128::from(member.get());
    let one = Fraction { negative: false, numerator: 1, denominator: 1 };
    others(member, members)?.map(|other| u128::from(other.get())).try_fold(one, |so_far, j| {
        let numerator = so_far.numerator.checked_mul(j)?;
        let denominator = so_far.denominator.checked_mul(j.abs_diff(i))?;
        let divisor = greatest_common_divisor(numerator, denominator);
        Some(Fraction {
            negative: so_far.negative != (j < i),
            numerator: numerator.checked_div(divisor)?,
            denominator: denominator.checked_div(divisor)?,
        })
    })
}

/// Everybody but `member`; `None` if `member` is not listed exactly once.
fn others(member: MemberId, members: &[MemberId]) -> Option<impl Iterator<Item = MemberId>> {
    let once = members.iter().filter(|other| **other == member).count() == 1;
    once.then(|| members.iter().copied().filter(move |other| *other != member))
}

/// Euclid's.
fn greatest_common_divisor(mut a: u128, mut b: u128) -> u128 {
    while let Some(rest) = a.checked_rem(b) {
        (a, b) = (b, rest);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn members(numbers: &[u16]) -> Vec<MemberId> {
        numbers.iter().map(|number| MemberId::new(*number).unwrap()).collect()
    }

    /// The coefficients as numbers modulo the order, whichever form they have.
    fn residues(weights: &Weights, count: usize) -> Vec<Scalar> {
        match &weights.0 {
            Kind::Residues(residues) => residues.clone(),
            Kind::Fractions { plus, minus, denominator } => {
                let part = Scalar::from(*denominator).invert().unwrap();
                let mut all = vec![Scalar::ZERO; count];
                for (times, at) in plus {
                    all[*at] = Scalar::from(*times).mul(part);
                }
                for (times, at) in minus {
                    all[*at] = Scalar::ZERO.sub(Scalar::from(*times).mul(part));
                }
                all
            }
        }
    }

    #[test]
    fn small_committees_have_small_coefficients() {
        let Weights(kind) = Weights::at_zero(&members(&[1, 2, 4])).unwrap();
        let expected = Kind::Fractions { plus: vec![(8, 0), (1, 2)], minus: vec![(6, 1)], denominator: 3 };
        assert_eq!(kind, expected);
        let Weights(kind) = Weights::at_zero(&members(&[1, 2, 3])).unwrap();
        let expected = Kind::Fractions { plus: vec![(3, 0), (1, 2)], minus: vec![(3, 1)], denominator: 1 };
        assert_eq!(kind, expected);
    }

    #[test]
    fn large_ones_do_not() {
        let odd: Vec<u16> = (0..67).map(|i| 991 * i + 1).collect();
        assert!(matches!(Weights::at_zero(&members(&odd)), Some(Weights(Kind::Residues(_)))));
    }

    #[test]
    fn nobody_counts_twice() {
        assert_eq!(Weights::at_zero(&members(&[1, 2, 2])), None);
        assert_eq!(Weights::at_zero(&members(&[7, 7])), None);
    }

    proptest! {
        #[test]
        fn both_forms_say_the_same(numbers in prop::collection::btree_set(1u16..400, 1..40)) {
            let members: Vec<MemberId> = numbers.iter().map(|number| MemberId::new(*number).unwrap()).collect();
            let general: Vec<Scalar> = members.iter().map(|member| residue(*member, &members).unwrap()).collect();
            prop_assert!(residues(&Weights::at_zero(&members).unwrap(), members.len()) == general);
        }
    }
}
