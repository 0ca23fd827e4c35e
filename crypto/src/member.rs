//! A guardian's place in the committee, and how many guardians must act together.

use crate::error::Error;
use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};
use std::{fmt, num::NonZeroU16};

/// The largest committee. Key generation costs every member `members * threshold` point multiplications (about a second at
/// 100), and every decoder of member lists is bounded by this.
pub const MAX_MEMBERS: u16 = 256;

/// A guardian's number: its FROST identifier and the x-coordinate of its BLS share. Never zero, because the polynomial's value
/// at zero is the secret itself. Puffer counts guardians from slot 0, so a guardian in slot `i` is member `i + 1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MemberId(NonZeroU16);

impl MemberId {
    /// The member with this number; `None` for zero.
    #[must_use]
    pub const fn new(number: u16) -> Option<Self> {
        match NonZeroU16::new(number) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0.get()
    }

    /// The members `1..=count`, as a dealer numbers them.
    pub fn first(count: u16) -> impl Iterator<Item = Self> {
        (1..=count).filter_map(Self::new)
    }
}

impl fmt::Display for MemberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl TryFrom<u16> for MemberId {
    type Error = Error;

    fn try_from(number: u16) -> Result<Self, Error> {
        Self::new(number).ok_or(Error::Malformed { what: "member number", why: "it is zero" })
    }
}

impl BorshSerialize for MemberId {
    fn serialize<W: borsh::io::Write>(&self, writer: &mut W) -> borsh::io::Result<()> {
        BorshSerialize::serialize(&self.get(), writer)
    }
}

impl BorshDeserialize for MemberId {
    fn deserialize_reader<R: borsh::io::Read>(reader: &mut R) -> borsh::io::Result<Self> {
        let number = u16::deserialize_reader(reader)?;
        Self::try_from(number).map_err(|error| borsh::io::Error::new(borsh::io::ErrorKind::InvalidData, error))
    }
}

/// Checks that `threshold` of `members` is a size this crate works with: 2 to [`MAX_MEMBERS`] members of whom more than half,
/// and at most all, must act. With a majority, two disjoint groups can never both sign.
///
/// # Errors
/// [`Error::Threshold`].
pub fn check_majority(threshold: u16, members: usize) -> Result<(), Error> {
    let needed = usize::from(threshold);
    let allowed =
        (2..=usize::from(MAX_MEMBERS)).contains(&members) && needed <= members && needed.saturating_mul(2) > members;
    if allowed { Ok(()) } else { Err(Error::Threshold { threshold, members }) }
}

/// The threshold of `members` unless their operators choose another: `n - f`, where `f = (n - 1) / 3` is the number of faulty members that
/// `n >= 3f + 1` tolerates. Always more than half; all but `f` honest members are enough, and no two groups of this size
/// overlap in faulty members only.
#[must_use]
pub const fn default_threshold(members: u16) -> u16 {
    members.saturating_sub(members.saturating_sub(1) / 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_member_zero() {
        assert_eq!(MemberId::new(0), None);
        assert!(MemberId::try_from(0).is_err());
        assert!(borsh::from_slice::<MemberId>(&[0, 0]).is_err());
        assert!(serde_json::from_str::<MemberId>("0").is_err());
    }

    #[test]
    fn a_member_is_its_number_in_every_encoding() {
        let member = MemberId::new(258).unwrap();
        assert_eq!(borsh::to_vec(&member).unwrap(), [2, 1]);
        assert_eq!(serde_json::to_string(&member).unwrap(), "258");
        assert_eq!(borsh::from_slice::<MemberId>(&[2, 1]).unwrap(), member);
        assert_eq!(member.to_string(), "258");
    }

    #[test]
    fn only_a_majority_of_a_committee_of_sensible_size_is_a_threshold() {
        for (threshold, members) in [(2, 2), (2, 3), (3, 5), (5, 5), (129, 256)] {
            assert_eq!(check_majority(threshold, members), Ok(()), "{threshold} of {members}");
        }
        for (threshold, members) in
            [(0, 0), (0, 2), (1, 1), (1, 2), (2, 4), (4, 3), (128, 256), (129, 257), (u16::MAX, 3)]
        {
            assert_eq!(check_majority(threshold, members), Err(Error::Threshold { threshold, members }));
        }
    }

    #[test]
    fn the_default_threshold_tolerates_a_third_and_is_a_majority() {
        for (members, threshold) in [(2, 2), (3, 3), (4, 3), (7, 5), (10, 7), (31, 21), (100, 67), (256, 171)] {
            assert_eq!(default_threshold(members), threshold);
        }
        for members in 2..=MAX_MEMBERS {
            let (n, t) = (members, default_threshold(members));
            let faulty = n - t;
            assert_eq!(check_majority(t, usize::from(n)), Ok(()));
            assert!(n > 3 * faulty && n <= 3 * (faulty + 1), "{n} members tolerate {faulty}");
            assert!(2 * t > n + faulty, "two groups of {t} of {n} share an honest member");
        }
        assert_eq!((default_threshold(0), default_threshold(1)), (0, 1));
    }
}
