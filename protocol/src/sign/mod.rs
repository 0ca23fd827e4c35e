//! The fourth step: one signature of the committee under a digest that t members computed alike.
//!
//! [`guard`] decides whether this guardian may sign at all, [`signer`] spends nonces, [`coordinator`] collects shares. Who cheats is
//! convicted by what it signed itself ([`Fault`]) and takes no more part ([`Culprits`], [`Roster`]).

mod attestation;
pub(crate) mod coordinator;
mod culprits;
mod fault;
pub(crate) mod guard;
pub(crate) mod package;
mod refusal;
mod roster;
pub(crate) mod signer;

pub use attestation::{AccountOrder, Attestation};
pub(crate) use culprits::Culprits;
pub use fault::{Fault, FaultError};
pub use refusal::NotSafe;
pub(crate) use roster::Roster;

#[cfg(test)]
mod tests;

use crate::{
    duty::{Duty, DutyError, DutyId, DutyKind},
    setup::Setup,
    types::{GuardianList, KeyEpoch},
};
use alloy_primitives::{Address, B256};
use guardian_crypto::{account::AccountSignature, schnorr::Signature};

/// A duty with the committee's valid signature, or those of enough of its accounts. It proves itself: whoever holds one may bring it to the
/// contract, and no trust in its bearer is needed. Built only by [`Signed::verify`], and where accounts sign, held against their list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    duty: Duty,
    contract: Address,
    digest: B256,
    attestation: Attestation,
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
    /// The group signed what accounts sign here, or the other way round.
    #[error("duties of the kind {0} are signed in another way here")]
    OtherWay(DutyKind),
    /// Accounts that are on the list have signed, but too few of them.
    #[error("{have} of the accounts on the module's list signed this duty, and {need} must")]
    TooFewAccounts {
        /// How many did.
        have: usize,
        /// How many must.
        need: u64,
    },
}

impl Signed {
    /// Checks the duty's invariants and the committee's signature.
    ///
    /// # Errors
    /// [`SignedError`] says what does not hold.
    pub fn verify(duty: Duty, signature: Signature, setup: &Setup) -> Result<Self, SignedError> {
        if setup.contracts.accounts.get(duty.kind()).is_some() {
            return Err(SignedError::OtherWay(duty.kind()));
        }
        let (contract, digest) = checked(&duty, setup)?;
        setup.committee.group_key().verify(&digest.0, &signature).map_err(|_| SignedError::BadSignature)?;
        Ok(Self { duty, contract, digest, attestation: Attestation::Group(signature) })
    }

    /// The same where accounts sign: enough of those on `list`, which is the module's at a block that is final here. What else is among
    /// `signatures` is left out.
    ///
    /// # Errors
    /// [`SignedError`] says what does not hold.
    pub fn by_accounts(
        duty: Duty,
        signatures: &[AccountSignature],
        list: &GuardianList,
        setup: &Setup,
    ) -> Result<Self, SignedError> {
        if setup.contracts.accounts.get(duty.kind()).is_none() {
            return Err(SignedError::OtherWay(duty.kind()));
        }
        let (contract, digest) = checked(&duty, setup)?;
        let too_few = |have| SignedError::TooFewAccounts { have, need: list.threshold };
        let places = list.lay_out(digest, signatures).map_err(too_few)?;
        let attestation = Attestation::Accounts(places.into_iter().flatten().collect());
        Ok(Self { duty, contract, digest, attestation })
    }

    /// What this guardian's own store has: it was held against a list when it was recorded, which may have changed since.
    ///
    /// # Errors
    /// [`SignedError`] says what does not hold.
    pub(crate) fn of_record(duty: Duty, attestation: Attestation, setup: &Setup) -> Result<Self, SignedError> {
        let signatures = match &attestation {
            Attestation::Group(signature) => return Self::verify(duty, *signature, setup),
            Attestation::Accounts(signatures) => signatures,
        };
        if setup.contracts.accounts.get(duty.kind()).is_none() {
            return Err(SignedError::OtherWay(duty.kind()));
        }
        let (contract, digest) = checked(&duty, setup)?;
        if signatures.is_empty() || signatures.iter().any(|signature| signature.account(&digest.0).is_err()) {
            return Err(SignedError::BadSignature);
        }
        Ok(Self { duty, contract, digest, attestation })
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

    /// What the contract verifies.
    #[must_use]
    pub fn attestation(&self) -> &Attestation {
        &self.attestation
    }
}

/// Checks what does not depend on who signed; the contract and the digest.
fn checked(duty: &Duty, setup: &Setup) -> Result<(Address, B256), SignedError> {
    duty.check(setup.network.slots_per_epoch)?;
    if duty.key_epoch != setup.key_epoch_of(duty.kind()) {
        return Err(SignedError::WrongKeyEpoch(duty.key_epoch));
    }
    let no_contract = SignedError::NoContract(duty.kind());
    let contract = duty.kind().verifier(&setup.contracts).ok_or(no_contract)?;
    let digest = setup.domain().digest(duty).ok_or(no_contract)?;
    Ok((contract, digest))
}
