//! Keys of a committee, dealt once and handed out again for every seed: key generation is not what the simulation is about.

use alloy::primitives::B256;
use guardian_crypto::{
    bls::{self, ExitShare, ShareCommitments},
    identity::IdentityKey,
    schnorr::Signature,
    secret::Secret,
};
use guardian_protocol::{BlsPubkey, Committee, MemberId, Secrets, ValidatorKey, testing::Dealt};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use std::collections::BTreeMap;

/// The keys of one committee and of the validators that it watches.
#[derive(Debug)]
pub struct Keys {
    dealt: Dealt,
    validators: Vec<ValidatorKeys>,
    /// Whether guardians hold shares of the validators' keys.
    exits: bool,
}

#[derive(Debug)]
struct ValidatorKeys {
    commitments: ShareCommitments,
    shares: Vec<Secret<[u8; 32]>>,
}

impl Keys {
    /// Deals keys for `n` guardians, of whom `t` must act, and `validators` validators. Guardians hold shares of the validators' keys if
    /// there are to be `exits`: checking those takes longer than everything else at a start.
    ///
    /// # Panics
    /// If the numbers do not make a committee.
    #[must_use]
    pub fn deal(n: u16, t: u16, validators: u64, exits: bool) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(7);
        let validators = (0..validators)
            .map(|index| {
                let key = bls::SecretKey::interop(index).unwrap();
                let (shares, commitments) = bls::dealer::split(&key, n, t, &mut rng).unwrap();
                ValidatorKeys { commitments, shares: shares.iter().map(ExitShare::to_secret_bytes).collect() }
            })
            .collect();
        Self { dealt: Dealt::new(n, t, 7), validators, exits }
    }

    /// The members' numbers.
    pub fn members(&self) -> impl Iterator<Item = MemberId> + use<> {
        MemberId::first(u16::try_from(self.committee().size()).unwrap_or(0))
    }

    /// The identity key of `member`.
    #[must_use]
    pub fn identity(&self, member: MemberId) -> IdentityKey {
        self.dealt.identity(member)
    }

    /// The committee.
    #[must_use]
    pub fn committee(&self) -> &Committee {
        &self.dealt.committee
    }

    /// The committee's signature, by whoever has stolen enough of its shares.
    #[must_use]
    pub fn sign(&self, digest: B256, rng: &mut ChaCha20Rng) -> Signature {
        self.dealt.sign(digest, rng)
    }

    /// A fresh copy of the secrets of `member`, as if read from its sealed files.
    ///
    /// # Panics
    /// If there is no such member.
    #[must_use]
    pub fn secrets(&self, member: MemberId) -> Secrets {
        let mut validators = BTreeMap::new();
        for keys in self.validators.iter().filter(|_| self.exits) {
            let share = keys.shares.get(usize::from(member.get()) - 1).unwrap();
            let share = ExitShare::import(member, share.expose(), &keys.commitments).unwrap();
            let pubkey = BlsPubkey::from(keys.commitments.public_key().to_bytes());
            validators.insert(pubkey, ValidatorKey { share, commitments: keys.commitments.clone() });
        }
        Secrets { validators, ..self.dealt.secrets(member) }
    }

    /// The validators' public keys, by index.
    #[must_use]
    pub fn validators(&self) -> Vec<bls::PublicKey> {
        self.validators.iter().map(|keys| keys.commitments.public_key()).collect()
    }
}
