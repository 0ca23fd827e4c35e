//! What makes a duty count at its contract, and leave to have this guardian's account sign.

use super::guard::Permit;
use crate::duty::DutyId;
use alloy_primitives::{B256, keccak256};
use guardian_crypto::{account::AccountSignature, schnorr::Signature};

/// What a contract verifies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attestation {
    /// One signature of the group's key.
    Group(Signature),
    /// Signatures of guardians' own accounts, in no order: which places they take in the contract's list is found out when they are brought
    /// there.
    Accounts(Vec<AccountSignature>),
}

impl Attestation {
    /// The group's signature, if it is one.
    #[must_use]
    pub const fn group(&self) -> Option<&Signature> {
        match self {
            Self::Group(signature) => Some(signature),
            Self::Accounts(_) => None,
        }
    }

    /// The accounts' signatures, if they are some.
    #[must_use]
    pub fn accounts(&self) -> &[AccountSignature] {
        match self {
            Self::Group(_) => &[],
            Self::Accounts(signatures) => signatures,
        }
    }
}

/// Leave to have this guardian's own account sign one digest. Made of the guard's permit alone; the account may be asked again, which says nothing
/// new.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountOrder {
    id: DutyId,
    payload: Vec<u8>,
}

impl AccountOrder {
    /// Spends `permit`; `None` if `payload` is not what it permits.
    pub(crate) fn new(permit: &Permit, payload: Vec<u8>) -> Option<Self> {
        (keccak256(&payload) == permit.digest()).then(|| Self { id: permit.id(), payload })
    }

    /// Which duty it is for.
    #[must_use]
    pub const fn id(&self) -> DutyId {
        self.id
    }

    /// The bytes whose Keccak-256 hash the account signs: a message of EIP-191, which no transaction can be.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// Their hash.
    #[must_use]
    pub fn digest(&self) -> B256 {
        keccak256(&self.payload)
    }
}
