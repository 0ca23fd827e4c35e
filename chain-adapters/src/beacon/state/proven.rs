//! Checking a proof of a validator: by its own content and the root of a block alone, without the state that it was made from.
//!
//! The root has to be known from elsewhere, such as the contract of EIP-4788. A proof may come from anybody.

use super::{
    layout,
    list::Grouped,
    merkle::{Scratch, depth_for},
    plan::MOST_VALIDATORS,
    preset::MAINNET,
    proof::{Branch, ValidatorProof, gindex},
};
use alloy::primitives::B256;
use guardian_protocol::{Epoch, Gwei, ValidatorIndex};
use serde::Serialize;
use sha2::{Digest, Sha256};

/// Why a proof proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// It is made against another block.
    #[error("the proof leads to block {found}, not to {expected}")]
    OtherBlock {
        /// Where it leads, or says that it does.
        found: B256,
        /// Where it was to lead.
        expected: B256,
    },
    /// It is of something else in the block, or of nothing.
    #[error("the proof is malformed: {0}")]
    Malformed(&'static str),
}

/// What a proof proves of one validator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ProvenValidator {
    /// Its index.
    pub index: ValidatorIndex,
    /// `hash_tree_root` of its public key ([`ProvenValidator::has_key`]).
    pub pubkey_root: B256,
    /// Its withdrawal credentials.
    pub withdrawal_credentials: B256,
    /// Its effective balance.
    pub effective_balance: Gwei,
    /// Whether it was slashed.
    pub slashed: bool,
    /// When it could be activated.
    pub activation_eligibility_epoch: Epoch,
    /// When it was activated.
    pub activation_epoch: Epoch,
    /// When it leaves.
    pub exit_epoch: Epoch,
    /// When its balance can be withdrawn.
    pub withdrawable_epoch: Epoch,
    /// Its balance.
    pub balance: Gwei,
}

impl ProvenValidator {
    /// Whether `pubkey` (48 bytes) is its public key.
    #[must_use]
    pub fn has_key(&self, pubkey: &[u8; 48]) -> bool {
        self.pubkey_root.0 == <[u8; 32]>::from(Sha256::new().chain_update(pubkey).chain_update([0; 16]).finalize())
    }
}

impl ValidatorProof {
    /// Checks the proof against the root of a block, and reads what it proves. Which fork the block is of need not be known: the two
    /// depths that states have can't be taken for each other, as far as indexes below 2^24 go.
    ///
    /// # Errors
    /// [`ProofError`].
    pub fn check(&self, block_root: B256) -> Result<ProvenValidator, ProofError> {
        let malformed = ProofError::Malformed;
        if self.block_root != block_root {
            return Err(ProofError::OtherBlock { found: self.block_root, expected: block_root });
        }
        let index = self.index.0;
        if index >= MOST_VALIDATORS {
            return Err(malformed("no registry has so many validators"));
        }
        let fits = |depth: usize| {
            gindex_in("validators", depth, index) == Some(self.validator.gindex)
                && gindex_in("balances", depth, index / 4) == Some(self.balance.gindex)
        };
        if !depths().any(fits) {
            return Err(malformed("its generalized indexes are not those of this validator and its balance"));
        }
        leads_to(&self.validator, block_root)?;
        leads_to(&self.balance, block_root)?;
        let fields: &[B256; 8] =
            self.fields.as_slice().try_into().map_err(|_| malformed("a validator has eight fields"))?;
        let mut scratch = Scratch::default();
        scratch.nodes.extend(fields.iter().flatten());
        if self.validator.leaf.0 != scratch.root(0, 3) {
            return Err(malformed("its fields are not those of the validator in its leaf"));
        }
        let [pubkey_root, withdrawal_credentials, effective, slashed, eligible, activation, exit, withdrawable] =
            fields;
        let epoch = |chunk: &B256| number(chunk).map(Epoch);
        Ok(ProvenValidator {
            index: self.index,
            pubkey_root: *pubkey_root,
            withdrawal_credentials: *withdrawal_credentials,
            effective_balance: Gwei(number(effective)?),
            slashed: match number(slashed)? {
                0 => false,
                1 => true,
                _ => return Err(malformed("a boolean that is neither 0 nor 1")),
            },
            activation_eligibility_epoch: epoch(eligible)?,
            activation_epoch: epoch(activation)?,
            exit_epoch: epoch(exit)?,
            withdrawable_epoch: epoch(withdrawable)?,
            balance: Gwei(balance(&self.balance.leaf, index)),
        })
    }
}

/// The levels that states of known forks have.
fn depths() -> impl Iterator<Item = usize> {
    layout::FORKS.iter().map(|fork| depth_for(fork.fields().count() as u64))
}

/// The generalized index, in a block's tree, of a leaf of a list of a state with `depth` levels.
fn gindex_in(field: &str, depth: usize, leaf: u64) -> Option<u128> {
    // Both lists have the same place in every fork.
    let (place, field) = layout::fork("phase0")?.fields().enumerate().find(|(_, known)| known.name == field)?;
    Some(gindex(depth, place, Grouped::new(&field.ty, &MAINNET)?.depth, leaf))
}

fn leads_to(branch: &Branch, block_root: B256) -> Result<(), ProofError> {
    match branch.root() {
        Some(root) if root == block_root => Ok(()),
        Some(found) => Err(ProofError::OtherBlock { found, expected: block_root }),
        None => Err(ProofError::Malformed("it has not as many siblings as its index has levels")),
    }
}

/// The number of 64 bits in a chunk.
fn number(chunk: &B256) -> Result<u64, ProofError> {
    let (number, rest) = chunk.0.split_first_chunk::<8>().ok_or(ProofError::Malformed("a chunk is cut off"))?;
    if rest.iter().any(|byte| *byte != 0) {
        return Err(ProofError::Malformed("a number of more than 64 bits"));
    }
    Ok(u64::from_le_bytes(*number))
}

/// The balance of validator `index` in its chunk of four.
fn balance(chunk: &B256, index: u64) -> u64 {
    let four = chunk.0.as_chunks::<8>().0;
    let place = usize::try_from(index % 4).unwrap_or_default();
    four.get(place).copied().map(u64::from_le_bytes).unwrap_or_default()
}
