//! Multi-scalar multiplication over either group, in `blst`'s. Public values only: not constant-time.

use super::scalar::Scalar;
use blst::MultiPoint;

/// `sum(scalar * point)`; `None` if no scalar is other than zero. The scalars' width is what the largest needs, so that small
/// ones cost little.
pub(super) fn sum_of_multiples<P>(terms: impl IntoIterator<Item = (Scalar, P)>) -> Option<<[P] as MultiPoint>::Output>
where
    [P]: MultiPoint,
{
    let (scalars, points): (Vec<[u8; 32]>, Vec<P>) = terms
        .into_iter()
        .filter(|(scalar, _)| *scalar != Scalar::ZERO)
        .map(|(scalar, point)| (scalar.to_le_bytes(), point))
        .unzip();
    let bits = scalars.iter().map(bit_length).max()?;
    let packed: Vec<u8> = scalars.iter().flat_map(|scalar| scalar.iter().copied().take(bits.div_ceil(8))).collect();
    Some(points.mult(&packed, bits))
}

/// How many bits a little-endian number has, leading zeros left out.
fn bit_length(number: &[u8; 32]) -> usize {
    let (mut length, mut below) = (0, 0usize);
    for byte in number {
        below = below.saturating_add(8);
        if *byte != 0 {
            let zeros = usize::try_from(byte.leading_zeros()).unwrap_or(0);
            length = below.saturating_sub(zeros);
        }
    }
    length
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leading_zeros_are_not_part_of_a_number() {
        let with = |at: usize, byte: u8| {
            let mut number = [0; 32];
            number[at] = byte;
            bit_length(&number)
        };
        assert_eq!(bit_length(&[0; 32]), 0);
        assert_eq!((with(0, 1), with(0, 0x80), with(1, 1), with(31, 0x7f)), (1, 8, 9, 255));
    }
}
