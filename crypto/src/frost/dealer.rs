//! A key made in one place and dealt out. For development networks and tests: whoever deals has seen the whole key. Guardians
//! who do not trust each other use [`super::dkg`].

use super::{KeyShare, PublicShares, member_of};
use crate::{
    error::Error,
    member::{MemberId, check_majority},
};
use frost_secp256k1::keys::{IdentifierList, KeyPackage, generate_with_dealer};
use rand_core::{CryptoRng, RngCore};
use std::collections::BTreeSet;

/// Makes a key and its shares for members `1..=n`, of whom `t` must sign. Shares are in the order of their members.
///
/// # Errors
/// [`Error::Threshold`] unless `2 <= n <= 256` and `n/2 < t <= n`.
pub fn deal(n: u16, t: u16, rng: &mut (impl CryptoRng + RngCore)) -> Result<(Vec<KeyShare>, PublicShares), Error> {
    check_majority(t, usize::from(n))?;
    loop {
        match deal_once(n, t, rng) {
            // Once in 2^128 keys: the contract could not verify with it.
            Err(Error::UnusableGroupKey) => {}
            outcome => return outcome,
        }
    }
}

fn deal_once(n: u16, t: u16, rng: &mut (impl CryptoRng + RngCore)) -> Result<(Vec<KeyShare>, PublicShares), Error> {
    let (shares, _) = generate_with_dealer(n, t, IdentifierList::Default, &mut *rng)?;
    let (_, first) = shares.first_key_value().ok_or(Error::Threshold { threshold: t, members: 0 })?;
    let members: BTreeSet<MemberId> = MemberId::first(n).collect();
    let public = PublicShares::from_commitment(&members, first.commitment())?;
    let mut dealt = Vec::with_capacity(usize::from(n));
    for (identifier, share) in shares {
        let member = member_of(identifier).ok_or(Error::ShareMismatch)?;
        let share = KeyShare::new(member, KeyPackage::try_from(share)?)?;
        share.belongs_to(&public)?;
        dealt.push(share);
    }
    Ok((dealt, public))
}
