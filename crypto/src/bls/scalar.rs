//! Numbers modulo the order of BLS12-381's groups: what sharing and interpolation compute with.
//!
//! `blst` offers these only as foreign functions; this uses `crypto-bigint`'s Montgomery form instead, which runs in constant
//! time. Not a general field: it has the operations that its two users need.

use crate::member::MemberId;
use k256::elliptic_curve::bigint::{
    Encoding, U256, impl_modulus,
    modular::constant_mod::{Residue, ResidueParams},
};
use rand_core::{CryptoRng, RngCore};
use std::fmt;
use zeroize::{Zeroize, Zeroizing};

impl_modulus!(Order, U256, "73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001");

/// A number modulo the order. `Copy`, because the arithmetic is; owners of secret ones wipe them (see [`Zeroizing`]).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Scalar(Residue<Order, { U256::LIMBS }>);

impl Scalar {
    pub(super) const ZERO: Self = Self(Residue::ZERO);
    pub(super) const ONE: Self = Self(Residue::ONE);

    /// The number with these big-endian bytes, if it is below the order.
    pub(super) fn from_be_bytes(bytes: &[u8; 32]) -> Option<Self> {
        let number = U256::from_be_slice(bytes);
        (number < Order::MODULUS).then(|| Self(Residue::new(&number)))
    }

    /// The little-endian number of these bytes, reduced.
    pub(super) fn reduce_le_bytes(bytes: &[u8; 32]) -> Self {
        Self(Residue::new(&U256::from_le_slice(bytes)))
    }

    /// A member's x-coordinate.
    pub(super) fn of_member(member: MemberId) -> Self {
        Self(Residue::new(&U256::from_u16(member.get())))
    }

    /// An exponent for random linear combinations: 128 bits, so that a wrong sum looks right once in 2^128 draws.
    pub(super) fn random_weight(rng: &mut (impl CryptoRng + RngCore)) -> Self {
        let mut bytes = [0; 16];
        rng.fill_bytes(&mut bytes);
        Self::from(u128::from_le_bytes(bytes))
    }

    /// Uniform and not zero, by rejection: what is rejected says nothing about what is kept.
    pub(super) fn random(rng: &mut (impl CryptoRng + RngCore)) -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        loop {
            rng.fill_bytes(bytes.as_mut());
            // The order has 255 bits.
            let [first, ..] = &mut *bytes;
            *first &= 0x7f;
            match Self::from_be_bytes(&bytes) {
                Some(scalar) if scalar != Self::ZERO => return scalar,
                _ => {}
            }
        }
    }

    pub(super) fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }

    pub(super) fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }

    pub(super) fn mul(self, other: Self) -> Self {
        Self(self.0 * other.0)
    }

    /// `None` for zero.
    pub(super) fn invert(self) -> Option<Self> {
        let (inverse, exists) = self.0.invert();
        bool::from(exists).then_some(Self(inverse))
    }

    pub(super) fn to_be_bytes(self) -> [u8; 32] {
        self.0.retrieve().to_be_bytes()
    }

    pub(super) fn to_le_bytes(self) -> [u8; 32] {
        self.0.retrieve().to_le_bytes()
    }
}

impl From<u128> for Scalar {
    fn from(number: u128) -> Self {
        Self(Residue::new(&U256::from_u128(number)))
    }
}

impl fmt::Debug for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scalar(<redacted>)")
    }
}

impl Zeroize for Scalar {
    fn zeroize(&mut self) {
        self.0.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ORDER: [u8; 32] = alloy_primitives::hex!("73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001");

    #[test]
    fn only_numbers_below_the_order_are_scalars() {
        let mut below = ORDER;
        below[31] = 0;
        assert!(Scalar::from_be_bytes(&below).unwrap().add(Scalar::ONE) == Scalar::ZERO);
        assert!(Scalar::from_be_bytes(&ORDER).is_none());
        assert!(Scalar::from_be_bytes(&[0xff; 32]).is_none());
        assert!(Scalar::ZERO.invert().is_none());
    }

    #[test]
    fn reduction_subtracts_the_order_as_often_as_needed() {
        let mut twice_and_five = alloy_primitives::U256::from_be_bytes(ORDER);
        twice_and_five = twice_and_five + twice_and_five + alloy_primitives::U256::from(5);
        let five = Scalar::of_member(MemberId::new(5).unwrap());
        assert!(Scalar::reduce_le_bytes(&twice_and_five.to_le_bytes()) == five);
    }

    proptest! {
        #[test]
        fn arithmetic_agrees_with_big_numbers(a: [u8; 32], b: [u8; 32]) {
            use alloy_primitives::U256 as Big;
            let (a, b) = (Scalar::reduce_le_bytes(&a), Scalar::reduce_le_bytes(&b));
            let order = Big::from_be_bytes(ORDER);
            let big = |scalar: Scalar| Big::from_be_bytes(scalar.to_be_bytes());
            prop_assert_eq!(big(a.add(b)), big(a).add_mod(big(b), order));
            prop_assert_eq!(big(a.mul(b)), big(a).mul_mod(big(b), order));
            prop_assert_eq!(big(a.sub(b).add(b)), big(a));
            prop_assert_eq!(Big::from_le_bytes(a.to_le_bytes()), big(a));
            if let Some(inverse) = a.invert() {
                prop_assert_eq!(big(a.mul(inverse)), Big::ONE);
            }
        }
    }
}
