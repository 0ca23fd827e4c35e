//! What a voluntary exit's signature covers (consensus specs, phase 0; domain per EIP-7044).
//!
//! Not here: whether the exit is allowed (the validator must be active for some time), and when to publish it.

use crate::{encoding::public_bytes, error::Error};
use sha2::{Digest, Sha256};
use std::fmt;

/// `DOMAIN_VOLUNTARY_EXIT` of the consensus specs.
const DOMAIN_VOLUNTARY_EXIT: [u8; 4] = [4, 0, 0, 0];

/// The message that makes a validator leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct VoluntaryExit {
    /// The first epoch at which it may be included. Zero is allowed, and leaves the longest time.
    pub epoch: u64,
    /// The validator's index in the beacon state.
    pub validator_index: u64,
}

/// What the signature of one exit covers. It can't be read from bytes, so that a share signs no root that somebody sent: that of
/// an attestation, say, which would get the validator slashed.
///
/// ```compile_fail
/// let forged = guardian_crypto::bls::exit::ExitRoot([0; 32]);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExitRoot([u8; 32]);

/// Where an exit's signature counts: one chain, one fork version.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ExitDomain([u8; 32]);

/// A fork of the consensus layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fork {
    /// Its first epoch.
    pub epoch: u64,
    /// Its version.
    pub version: [u8; 4],
}

/// What [`exit_fork_version`] has to know of a chain. As `/eth/v1/config/fork_schedule` and `/eth/v1/config/spec` tell it.
#[derive(Clone, Copy, Debug)]
pub struct ExitForks<'a> {
    /// All scheduled forks, by epoch; the first one is genesis, at epoch 0.
    pub schedule: &'a [Fork],
    /// `CAPELLA_FORK_VERSION`, if the chain has that fork.
    pub capella_version: Option<[u8; 4]>,
    /// `DENEB_FORK_EPOCH`, if the chain has that fork.
    pub deneb_epoch: Option<u64>,
}

impl VoluntaryExit {
    /// `hash_tree_root` of the container.
    #[must_use]
    pub fn hash_tree_root(&self) -> [u8; 32] {
        hash(&number_leaf(self.epoch), &number_leaf(self.validator_index))
    }

    /// What gets signed: `compute_signing_root(exit, domain)`. The only source of [`ExitRoot`]s.
    #[must_use]
    pub fn signing_root(&self, domain: &ExitDomain) -> ExitRoot {
        ExitRoot(hash(&self.hash_tree_root(), &domain.0))
    }
}

impl ExitRoot {
    /// The root, for those who verify it.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for ExitRoot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ExitRoot({})", alloy_primitives::hex::encode_prefixed(self.0))
    }
}

impl ExitDomain {
    /// `compute_domain(DOMAIN_VOLUNTARY_EXIT, fork_version, genesis_validators_root)`; the version is [`exit_fork_version`]'s.
    #[must_use]
    pub fn new(fork_version: [u8; 4], genesis_validators_root: &[u8; 32]) -> Self {
        let mut domain = [0; 32];
        let root = fork_data_root(fork_version, genesis_validators_root);
        for (to, from) in domain.iter_mut().zip(DOMAIN_VOLUNTARY_EXIT.into_iter().chain(root)) {
            *to = from;
        }
        Self(domain)
    }

    /// Reads a domain.
    ///
    /// # Errors
    /// [`Error::Malformed`] if it is not 32 bytes or not one of a voluntary exit.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let bytes = crate::encoding::exact::<32>("exit domain", bytes)?;
        if !bytes.starts_with(&DOMAIN_VOLUNTARY_EXIT) {
            return Err(Error::Malformed { what: "exit domain", why: "it is not of the type of voluntary exits" });
        }
        Ok(Self(bytes))
    }

    /// Its 32 bytes.
    #[must_use]
    pub const fn to_bytes(&self) -> [u8; 32] {
        self.0
    }
}

public_bytes!(ExitDomain, 32);

/// `hash_tree_root(ForkData(version, genesis_validators_root))`.
#[must_use]
pub fn fork_data_root(version: [u8; 4], genesis_validators_root: &[u8; 32]) -> [u8; 32] {
    let mut leaf = [0; 32];
    for (to, from) in leaf.iter_mut().zip(version) {
        *to = from;
    }
    hash(&leaf, genesis_validators_root)
}

/// The fork version that an exit for `exit_epoch` must be signed under to be valid in a block of `including_epoch`.
///
/// The rule is that of the state which includes the exit, so it depends on *when* that happens:
/// * Deneb or later (EIP-7044): Capella's version, for any `exit_epoch`, for ever.
/// * Before Deneb (`get_domain`): the version of the including state's fork; if the exit's epoch is before that fork, the
///   version of the one before it. A fork further back cannot be expressed: such an exit has expired.
///
/// An exit that is signed before Deneb for a fork other than Capella becomes invalid when Deneb arrives.
///
/// # Errors
/// [`Error::Malformed`] if the schedule is empty, not in order, or does not begin at epoch 0, or if the chain has Deneb but no
/// known Capella version.
pub fn exit_fork_version(forks: &ExitForks<'_>, exit_epoch: u64, including_epoch: u64) -> Result<[u8; 4], Error> {
    let malformed = |why| Error::Malformed { what: "fork schedule", why };
    if !forks.schedule.is_sorted_by_key(|fork| fork.epoch) {
        return Err(malformed("it is not in order"));
    }
    if forks.schedule.first().is_none_or(|genesis| genesis.epoch != 0) {
        return Err(malformed("it does not begin at epoch 0"));
    }
    if forks.deneb_epoch.is_some_and(|deneb| including_epoch >= deneb) {
        return forks.capella_version.ok_or_else(|| malformed("it has Deneb, but no version of Capella"));
    }
    let mut past = forks.schedule.iter().rev().skip_while(|fork| fork.epoch > including_epoch);
    let current = past.next().ok_or_else(|| malformed("it does not begin at epoch 0"))?;
    let signed_under = if exit_epoch < current.epoch { past.next().unwrap_or(current) } else { current };
    Ok(signed_under.version)
}

/// SSZ's leaf of a `uint64`.
pub(super) fn number_leaf(number: u64) -> [u8; 32] {
    let mut leaf = [0; 32];
    for (to, from) in leaf.iter_mut().zip(number.to_le_bytes()) {
        *to = from;
    }
    leaf
}

/// Of two nodes of a Merkle tree, the one above.
pub(super) fn hash(left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
    Sha256::new().chain_update(left).chain_update(right).finalize().into()
}
