//! Threshold Schnorr signatures: FROST(secp256k1, SHA-256) of RFC 9591, by `frost-secp256k1`, unchanged.
//!
//! What this adds to the library is what it asks of its user: nonces that can be used once only ([`signing::Nonces`]), members
//! with numbers instead of arbitrary identifiers, thresholds that are majorities, encodings of fixed width with one form per
//! value, errors that name who is at fault, and a final signature checked the way the contract will check it.
//!
//! What it leaves to its user: key generation needs a broadcast channel on which everybody sees the same first messages, and
//! confidential channels for the second ones ([`dkg`]); blame needs evidence of who sent what.

mod algebra;
pub mod dealer;
pub mod dkg;
mod feldman;
mod key_share;
mod public_shares;
pub mod repair;
pub mod reshare;
#[cfg(test)]
mod rfc9591;
pub mod signing;

pub use key_share::KeyShare;
pub use public_shares::PublicShares;

use crate::{error::Error, member::MemberId, secret::Secret};
use frost_secp256k1::Identifier;
use std::collections::BTreeMap;

/// Secret scalars (32 bytes each, big-endian), by the member that each is for, or from: what travels encrypted in [`dkg`],
/// [`reshare`] and [`repair`].
pub type SecretScalars = BTreeMap<MemberId, Secret<[u8; 32]>>;

/// The scalar that stands for a member.
pub(crate) fn identifier_of(member: MemberId) -> Result<Identifier, Error> {
    Ok(Identifier::try_from(member.get())?)
}

/// The member that an identifier stands for; `None` if it is none of ours (ours are small numbers).
pub(crate) fn member_of(identifier: Identifier) -> Option<MemberId> {
    let bytes = identifier.serialize();
    let (low, high) = bytes.split_last_chunk::<2>().map(|(high, low)| (*low, high))?;
    if high.iter().any(|byte| *byte != 0) {
        return None;
    }
    MemberId::new(u16::from_be_bytes(low))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_and_identifiers_correspond() {
        for number in [1, 2, 255, 256, u16::MAX] {
            let member = MemberId::new(number).unwrap();
            assert_eq!(member_of(identifier_of(member).unwrap()), Some(member));
        }
        assert_eq!(member_of(Identifier::derive(b"somebody else").unwrap()), None);
    }
}
