//! What a deposit says and its signature covers (consensus specs, phase 0), so that a registration can be judged before 32 ETH move.
//!
//! A deposit is signed for the chain's genesis fork and for no validators' root, whatever fork it is made in: it has to hold before the
//! chain knows the validator.

use super::{
    BlsSignature, PublicKey,
    exit::{fork_data_root, hash, number_leaf},
};
use crate::error::Error;

/// `DOMAIN_DEPOSIT` of the consensus specs.
const DOMAIN_DEPOSIT: [u8; 4] = [3, 0, 0, 0];

/// What the holder of a key says of its stake: `DepositMessage`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DepositMessage {
    /// The validator's.
    pub pubkey: PublicKey,
    /// To whom the stake goes back.
    pub withdrawal_credentials: [u8; 32],
    /// Gwei.
    pub amount: u64,
}

impl DepositMessage {
    /// `hash_tree_root` of the container.
    #[must_use]
    pub fn hash_tree_root(&self) -> [u8; 32] {
        hash(&self.head(), &hash(&number_leaf(self.amount), &[0; 32]))
    }

    /// What gets signed: `compute_signing_root(message, compute_domain(DOMAIN_DEPOSIT, genesis_fork_version))`.
    #[must_use]
    pub fn signing_root(&self, genesis_fork_version: [u8; 4]) -> [u8; 32] {
        let mut domain = [0; 32];
        let root = fork_data_root(genesis_fork_version, &[0; 32]);
        for (to, from) in domain.iter_mut().zip(DOMAIN_DEPOSIT.into_iter().chain(root)) {
            *to = from;
        }
        hash(&self.hash_tree_root(), &domain)
    }

    /// Checks that the validator's own key signed this message on the chain with this genesis fork.
    ///
    /// # Errors
    /// [`Error::InvalidSignature`]
    pub fn verify(&self, genesis_fork_version: [u8; 4], signature: &BlsSignature) -> Result<(), Error> {
        self.pubkey.verify(&self.signing_root(genesis_fork_version), signature)
    }

    /// `hash_tree_root` of `DepositData`, the message with its signature: what the deposit contract is told.
    #[must_use]
    pub fn data_root(&self, signature: &BlsSignature) -> [u8; 32] {
        let [a, b, c] = leaves(signature.to_bytes());
        let signature = hash(&hash(&a, &b), &hash(&c, &[0; 32]));
        hash(&self.head(), &hash(&number_leaf(self.amount), &signature))
    }

    /// Root of the two first members.
    fn head(&self) -> [u8; 32] {
        let [a, b] = leaves(self.pubkey.to_bytes());
        hash(&hash(&a, &b), &self.withdrawal_credentials)
    }
}

/// SSZ's leaves of a vector of bytes.
fn leaves<const BYTES: usize, const LEAVES: usize>(bytes: [u8; BYTES]) -> [[u8; 32]; LEAVES] {
    let mut leaves = [[0; 32]; LEAVES];
    for (leaf, chunk) in leaves.iter_mut().zip(bytes.chunks(32)) {
        for (to, from) in leaf.iter_mut().zip(chunk) {
            *to = *from;
        }
    }
    leaves
}
