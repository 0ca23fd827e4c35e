//! A committee whose secrets are all known: dealt from a seed.

use crate::{Committee, KeyEpoch, Member, MemberId, Secrets};
use alloy_primitives::{Address, B256};
use guardian_crypto::{
    account::AccountSignature,
    frost::{
        KeyShare, dealer,
        signing::{self, SigningPackage},
    },
    identity::IdentityKey,
    schnorr::Signature,
    secret::Secret,
};
use rand_chacha::{
    ChaCha20Rng,
    rand_core::{CryptoRng, RngCore, SeedableRng},
};
use std::collections::BTreeMap;

/// A committee and everybody's secrets.
#[derive(Debug)]
pub struct Dealt {
    /// The committee, in key epoch 1.
    pub committee: Committee,
    seeds: Vec<[u8; 32]>,
    shares: Vec<Vec<u8>>,
}

/// The member with this number, from 1.
///
/// # Panics
/// If it is 0.
#[must_use]
pub fn member(number: u16) -> MemberId {
    MemberId::new(number).unwrap()
}

/// The key of the account of member `number`, and the account.
///
/// # Panics
/// Never: every such number is a key.
#[must_use]
pub fn account(number: u16) -> (Secret<[u8; 32]>, Address) {
    let mut key = [0x11; 32];
    key[..2].copy_from_slice(&number.to_be_bytes());
    let (_, account) = AccountSignature::sign(&Secret::new(key), &[0; 32]).unwrap();
    (Secret::new(key), account)
}

impl Dealt {
    /// `threshold` of `size`.
    ///
    /// # Panics
    /// If that is no committee.
    #[must_use]
    pub fn new(size: u16, threshold: u16, seed: u64) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let (shares, public) = dealer::deal(size, threshold, &mut rng).unwrap();
        let mut seeds = vec![[0; 32]; usize::from(size)];
        seeds.iter_mut().for_each(|seed| rng.fill_bytes(seed));
        let members = MemberId::first(size).zip(&seeds).map(|(id, seed)| Member {
            id,
            name: format!("guardian-{id}"),
            identity: IdentityKey::from_seed(Secret::new(*seed)).public(),
        });
        let committee = Committee::new(members, public, KeyEpoch(1)).unwrap();
        let shares = shares.iter().map(|share| share.to_secret_bytes().expose().to_vec()).collect();
        Self { committee, seeds, shares }
    }

    /// The identity key of `member`.
    #[must_use]
    pub fn identity(&self, member: MemberId) -> IdentityKey {
        IdentityKey::from_seed(Secret::new(self.seeds[usize::from(member.get()) - 1]))
    }

    /// The share of `member`.
    ///
    /// # Panics
    /// Never: it was dealt here.
    #[must_use]
    pub fn share(&self, member: MemberId) -> KeyShare {
        KeyShare::from_secret_bytes(&self.shares[usize::from(member.get()) - 1]).unwrap()
    }

    /// The committee's signature over `digest`: what somebody can make who has stolen a threshold of shares, too.
    ///
    /// # Panics
    /// Never: the shares were dealt here.
    #[must_use]
    pub fn sign(&self, digest: B256, rng: &mut (impl CryptoRng + RngCore)) -> Signature {
        let threshold = u16::try_from(self.committee.threshold()).unwrap();
        let signers: Vec<KeyShare> = MemberId::first(threshold).map(|member| self.share(member)).collect();
        let nonces: Vec<_> = signers.iter().map(|share| signing::commit(share, rng).unwrap().0).collect();
        let commitments = signers.iter().zip(&nonces).map(|(share, nonces)| (share.member(), nonces.commitments()));
        let package = SigningPackage::new(digest.0, &commitments.collect()).unwrap();
        let shares = nonces.into_iter().zip(&signers);
        let shares = shares.map(|(nonces, share)| (share.member(), signing::sign(nonces, &package, share).unwrap()));
        signing::aggregate(&package, &shares.collect(), self.committee.public_shares()).unwrap()
    }

    /// What `member` must never show; it has no shares of validators' keys.
    #[must_use]
    pub fn secrets(&self, member: MemberId) -> Secrets {
        Secrets { identity: self.identity(member), share: Some(self.share(member)), validators: BTreeMap::new() }
    }
}
