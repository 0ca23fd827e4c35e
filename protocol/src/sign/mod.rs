//! The fourth step: one signature of the committee under a digest that t members computed alike.
//!
//! [`guard`] decides whether this guardian may sign at all, [`signer`] spends nonces, [`coordinator`] collects shares. Who cheats is
//! convicted by what it signed itself ([`Fault`]) and takes no more part ([`Culprits`], [`Roster`]).

pub(crate) mod coordinator;
mod culprits;
mod fault;
pub(crate) mod guard;
pub(crate) mod package;
mod refusal;
mod roster;
pub(crate) mod signer;

pub(crate) use culprits::Culprits;
pub use fault::{Fault, FaultError};
pub use refusal::NotSafe;
pub(crate) use roster::Roster;

#[cfg(test)]
mod tests;

use crate::{
    duty::{Duty, DutyError, DutyId, DutyKind},
    setup::Setup,
    types::KeyEpoch,
};
use alloy_primitives::{Address, B256};
use guardian_crypto::schnorr::Signature;

/// A duty with the committee's valid signature. It proves itself: whoever holds one may bring it to the contract, and no
/// trust in its bearer is needed. Built only by [`Signed::verify`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    duty: Duty,
    contract: Address,
    digest: B256,
    signature: Signature,
}

/// Why a signed duty was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignedError {
    /// The duty's own invariants do not hold.
    #[error("the duty is malformed: {0}")]
    Malformed(#[from] DutyError),
    /// It is signed under another key epoch.
    #[error("signed under key epoch {0}, not ours")]
    WrongKeyEpoch(KeyEpoch),
    /// This network has no contract that would check it.
    #[error("there is no contract for duties of the kind {0} here")]
    NoContract(DutyKind),
    /// The group key did not sign this.
    #[error("the group key did not sign this duty")]
    BadSignature,
}

impl Signed {
    /// Checks the duty's invariants and the committee's signature.
    ///
    /// # Errors
    /// [`SignedError`] says what does not hold.
    pub fn verify(duty: Duty, signature: Signature, setup: &Setup) -> Result<Self, SignedError> {
        duty.check(setup.network.slots_per_epoch)?;
        if duty.key_epoch != setup.committee.key_epoch() {
            return Err(SignedError::WrongKeyEpoch(duty.key_epoch));
        }
        let no_contract = SignedError::NoContract(duty.kind());
        let contract = duty.kind().verifier(&setup.contracts).ok_or(no_contract)?;
        let digest = setup.domain().digest(&duty).ok_or(no_contract)?;
        setup.committee.group_key().verify(&digest.0, &signature).map_err(|_| SignedError::BadSignature)?;
        Ok(Self { duty, contract, digest, signature })
    }

    /// What was signed.
    #[must_use]
    pub fn duty(&self) -> &Duty {
        &self.duty
    }

    /// Which duty it is.
    #[must_use]
    pub fn id(&self) -> DutyId {
        self.duty.id()
    }

    /// The contract that verifies the signature.
    #[must_use]
    pub fn contract(&self) -> Address {
        self.contract
    }

    /// The digest under the signature.
    #[must_use]
    pub fn digest(&self) -> B256 {
        self.digest
    }

    /// The committee's signature.
    #[must_use]
    pub fn signature(&self) -> &Signature {
        &self.signature
    }
}
