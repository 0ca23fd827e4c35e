//! A registration: what a node operator brings for a validator, and what can be wrong with it by itself. Whose turn it is, whether its key is
//! known elsewhere, and whether a guardian can read its own share are other questions.
//!
//! Puffer's contract checks lengths alone, so that anything can be registered; 32 ETH must not move for one with a flaw.

use super::{BlsPubkey, Gwei, MemberId};
use alloy_primitives::{B256, Bytes};
use guardian_crypto::{
    bls::{BlsSignature, PublicKey, ShareCommitments, deposit::DepositMessage},
    enclave::OVERHEAD,
};

/// What a validator is provisioned with: 32 ETH.
const STAKE: Gwei = Gwei(32_000_000_000);
/// A share of 32 bytes, encrypted.
const SHARE: usize = 32 + OVERHEAD;

/// What an operator brings. Nothing of it is checked but its shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// Name of the module that is to hold the stake.
    pub module: B256,
    /// The validator's public key, of the right length.
    pub pubkey: BlsPubkey,
    /// Its signature of the deposit.
    pub signature: Bytes,
    /// Root of the deposit, as the operator computed it. The contract computes its own.
    pub deposit_data_root: B256,
    /// A share of the key for each guardian in the list, in its order, encrypted to it.
    pub shares: Vec<Bytes>,
    /// Commitments to the shares' polynomial, 48 bytes each.
    pub key_set: Bytes,
}

/// What a registration is held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegistrationTerms {
    /// The module's, to which the stake goes back.
    pub withdrawal_credentials: B256,
    /// The chain's first fork: deposits are signed for it, whatever fork they are made in.
    pub genesis_fork_version: [u8; 4],
    /// How many guardians are on the list.
    pub guardians: usize,
    /// How many shares must make the key.
    pub threshold: usize,
}

/// What is wrong with a registration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegistrationFlaw {
    /// The public key is none.
    #[error("the public key is no point of the group")]
    PublicKey,
    /// Not one share for each guardian.
    #[error("{have} shares for {guardians} guardians")]
    ShareCount {
        /// How many there are.
        have: usize,
        /// How many there must be.
        guardians: usize,
    },
    /// A share that can't be one.
    #[error("the share in place {place} has {bytes} bytes, and an encrypted share has {SHARE}")]
    ShareLength {
        /// From 0.
        place: usize,
        /// How long it is.
        bytes: usize,
    },
    /// The commitments are none.
    #[error("the commitments are malformed: {0}")]
    KeySet(guardian_crypto::Error),
    /// Another number of shares makes the key than the list demands.
    #[error("{have} shares make the key, and {need} must")]
    Threshold {
        /// By the commitments.
        have: usize,
        /// By the list.
        need: usize,
    },
    /// The shares are of another key: it could never be exited.
    #[error("the shares are of another key than the validator's")]
    ForeignKeySet,
    /// The signature is none.
    #[error("the signature is no point of the group")]
    Signature,
    /// The key did not sign this deposit.
    #[error("the key did not sign a deposit of 32 ETH with the module's withdrawal credentials on this chain: {0}")]
    Deposit(
        /// What it signed instead, as far as that can be guessed.
        &'static str,
    ),
    /// The root is of another deposit.
    #[error("the deposit's root is not that of this deposit")]
    DepositDataRoot,
}

impl Registration {
    /// Everything that is wrong with it by itself, in the order of the parts; none: it is sound.
    #[must_use]
    pub fn flaws(&self, terms: &RegistrationTerms) -> Vec<RegistrationFlaw> {
        let mut flaws = Vec::new();
        let pubkey = PublicKey::from_bytes(self.pubkey.as_slice()).ok();
        if pubkey.is_none() {
            flaws.push(RegistrationFlaw::PublicKey);
        }
        self.flaws_of_deposit(pubkey, terms, &mut flaws);
        self.flaws_of_shares(terms, &mut flaws);
        flaws
    }

    /// `member`'s share as it was encrypted: Puffer counts places from 0.
    #[must_use]
    pub fn share_of(&self, member: MemberId) -> Option<&Bytes> {
        self.shares.get(usize::from(member.get()).checked_sub(1)?)
    }

    fn flaws_of_shares(&self, terms: &RegistrationTerms, flaws: &mut Vec<RegistrationFlaw>) {
        if self.shares.len() != terms.guardians {
            flaws.push(RegistrationFlaw::ShareCount { have: self.shares.len(), guardians: terms.guardians });
        }
        let lengths = self.shares.iter().map(|share| share.len()).enumerate();
        let malformed = lengths.filter(|(_, bytes)| *bytes != SHARE);
        flaws.extend(malformed.map(|(place, bytes)| RegistrationFlaw::ShareLength { place, bytes }));
        match ShareCommitments::from_bytes(&self.key_set) {
            Err(error) => flaws.push(RegistrationFlaw::KeySet(error)),
            Ok(commitments) => {
                let have = usize::from(commitments.threshold());
                if have != terms.threshold {
                    flaws.push(RegistrationFlaw::Threshold { have, need: terms.threshold });
                }
                if commitments.public_key().to_bytes() != self.pubkey.0 {
                    flaws.push(RegistrationFlaw::ForeignKeySet);
                }
            }
        }
    }

    fn flaws_of_deposit(
        &self,
        pubkey: Option<PublicKey>,
        terms: &RegistrationTerms,
        flaws: &mut Vec<RegistrationFlaw>,
    ) {
        let Ok(signature) = BlsSignature::from_bytes(&self.signature) else {
            return flaws.push(RegistrationFlaw::Signature);
        };
        let Some(pubkey) = pubkey else { return };
        let withdrawal_credentials = terms.withdrawal_credentials.0;
        let deposit = DepositMessage { pubkey, withdrawal_credentials, amount: STAKE.0 };
        let fork = terms.genesis_fork_version;
        if deposit.verify(fork, &signature).is_err() {
            let of_one = DepositMessage { amount: 1_000_000_000, ..deposit };
            let instead = if of_one.verify(fork, &signature).is_ok() {
                "it signed one of 1 ETH"
            } else {
                "another amount, other credentials, another chain, or another key"
            };
            flaws.push(RegistrationFlaw::Deposit(instead));
        }
        if deposit.data_root(&signature) != self.deposit_data_root.0 {
            flaws.push(RegistrationFlaw::DepositDataRoot);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use guardian_crypto::{
        bls::{SecretKey, dealer::split},
        enclave::EnclaveKey,
    };
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

    const TERMS: RegistrationTerms = RegistrationTerms {
        withdrawal_credentials: B256::repeat_byte(1),
        genesis_fork_version: [0, 0, 0, 9],
        guardians: 4,
        threshold: 3,
    };

    /// An operator's registration of the key `index`, for a deposit of `amount` on the chain of `fork`.
    fn registered(index: u64, credentials: u8, amount: u64, fork: [u8; 4]) -> Registration {
        let (key, mut rng) = (SecretKey::interop(index).unwrap(), ChaCha20Rng::seed_from_u64(index));
        let (shares, commitments) = split(&key, 4, 3, &mut rng).unwrap();
        let encrypt = |share: &guardian_crypto::bls::ExitShare| {
            let guardian = EnclaveKey::from_bytes(&[7; 32]).unwrap().public();
            guardian.encrypt(share.to_secret_bytes().expose(), &mut ChaCha20Rng::seed_from_u64(1)).unwrap().into()
        };
        let pubkey = key.public_key();
        let deposit = DepositMessage { pubkey, withdrawal_credentials: [credentials; 32], amount };
        let signature = key.sign(&deposit.signing_root(fork));
        Registration {
            module: B256::repeat_byte(5),
            pubkey: pubkey.to_bytes().into(),
            signature: signature.to_bytes().to_vec().into(),
            deposit_data_root: deposit.data_root(&signature).into(),
            shares: shares.iter().map(encrypt).collect(),
            key_set: commitments.to_bytes().into(),
        }
    }

    fn sound() -> Registration {
        registered(1, 1, STAKE.0, TERMS.genesis_fork_version)
    }

    #[test]
    fn a_sound_registration_has_no_flaw() {
        assert_eq!(sound().flaws(&TERMS), []);
        assert_eq!(sound().share_of(MemberId::new(4).unwrap()), sound().shares.last());
        assert_eq!(sound().share_of(MemberId::new(5).unwrap()), None);
    }

    #[test]
    fn each_malformed_registration_is_told_by_its_flaw() {
        use RegistrationFlaw as Flaw;
        let elsewhere = "another amount, other credentials, another chain, or another key";
        let fork = TERMS.genesis_fork_version;
        let with = |change: fn(&mut Registration)| {
            let mut registration = sound();
            change(&mut registration);
            registration.flaws(&TERMS)
        };
        let root = Flaw::DepositDataRoot;
        assert_eq!(
            registered(1, 2, STAKE.0, fork).flaws(&TERMS),
            [Flaw::Deposit(elsewhere), root.clone()],
            "credentials"
        );
        assert_eq!(registered(1, 1, STAKE.0, [0; 4]).flaws(&TERMS), [Flaw::Deposit(elsewhere)], "another chain");
        let one = registered(1, 1, 1_000_000_000, fork).flaws(&TERMS);
        assert_eq!(one, [Flaw::Deposit("it signed one of 1 ETH"), root.clone()]);
        let forged = with(|it| it.signature = registered(2, 1, STAKE.0, [0, 0, 0, 9]).signature);
        assert_eq!(forged, [Flaw::Deposit(elsewhere), root.clone()], "another key's signature");
        assert_eq!(with(|it| it.signature = vec![7; 96].into()), [Flaw::Signature]);
        assert_eq!(with(|it| it.signature = Bytes::new()), [Flaw::Signature]);
        assert_eq!(with(|it| it.deposit_data_root.0[0] ^= 1), [root]);
        assert_eq!(with(|it| it.key_set = registered(2, 1, 1, [0; 4]).key_set), [Flaw::ForeignKeySet]);
        assert_eq!(with(|it| it.shares.truncate(3)), [Flaw::ShareCount { have: 3, guardians: 4 }]);
        let short = with(|it| it.shares[2] = it.shares[2].slice(..128));
        assert_eq!(short, [Flaw::ShareLength { place: 2, bytes: 128 }]);
        assert_eq!(with(|it| it.shares[0] = Bytes::new()), [Flaw::ShareLength { place: 0, bytes: 0 }]);
        assert_eq!(with(|it| it.key_set = it.key_set.slice(..96)), [Flaw::Threshold { have: 2, need: 3 }]);
        assert!(matches!(with(|it| it.key_set = Bytes::new())[..], [Flaw::KeySet(_)]));
        assert!(matches!(with(|it| it.key_set = it.key_set.slice(1..))[..], [Flaw::KeySet(_)]));
        let infinity = with(|it| it.pubkey = [&[0xc0][..], &[0; 47]].concat().as_slice().try_into().unwrap());
        assert_eq!(infinity, [Flaw::PublicKey, Flaw::ForeignKeySet]);
    }

    #[test]
    fn a_list_with_one_guardian_takes_a_whole_key() {
        let (key, mut rng) = (SecretKey::interop(3).unwrap(), ChaCha20Rng::seed_from_u64(3));
        let (_, commitments) = split(&key, 1, 1, &mut rng).unwrap();
        let mut registration = registered(3, 1, STAKE.0, TERMS.genesis_fork_version);
        registration.shares.truncate(1);
        registration.key_set = commitments.to_bytes().into();
        assert_eq!(registration.flaws(&RegistrationTerms { guardians: 1, threshold: 1, ..TERMS }), []);
    }
}
