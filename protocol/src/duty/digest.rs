//! The exact bytes that get signed: EIP-712 digests, bound to the chain, the contract, the kind of duty and the key epoch. What a kind's
//! struct holds stands in its own folder.
//!
//! The same vectors are checked here, in Solidity and by an independent generator (`contracts/test/vectors/digests.json`).

use super::{Duty, legacy::LegacyModule};
use crate::{
    setup::{AccountModule, Contracts},
    types::KeyEpoch,
};
use alloy_primitives::{Address, B256, U256, keccak256};
use guardian_crypto::schnorr::GroupKey;

const DOMAIN_TYPE: &[u8] = b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)";
const DOMAIN_NAME: &[u8] = b"Puffer Guardian";
const DOMAIN_VERSION: &[u8] = b"1";
const ROTATION_TYPE: &[u8] = b"KeyRotation(uint64 keyEpoch,uint256 px,uint256 py)";

/// Where a signature counts: one chain and its contracts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DigestDomain {
    chain_id: u64,
    contracts: Contracts,
}

impl DigestDomain {
    /// The domain of `contracts` on chain `chain_id`.
    #[must_use]
    pub fn new(chain_id: u64, contracts: Contracts) -> Self {
        Self { chain_id, contracts }
    }

    /// The digest that the contract verifies for `duty`. `None` if there is no contract that does.
    #[must_use]
    pub fn digest(&self, duty: &Duty) -> Option<B256> {
        let contract = duty.kind().verifier(&self.contracts)?;
        if self.contracts.accounts.get(duty.kind()).is_some() {
            return self.account_payload(duty).map(keccak256);
        }
        Some(typed_data(separator(self.chain_id, contract), duty.struct_hash()))
    }

    /// What each guardian's account signs the hash of, if accounts sign duties of this kind.
    pub(crate) fn account_payload(&self, duty: &Duty) -> Option<Vec<u8>> {
        let AccountModule { module, bound } = *self.contracts.accounts.get(duty.kind())?;
        let module =
            if bound { LegacyModule::Bound { module, chain_id: self.chain_id } } else { LegacyModule::Deployed };
        Some(duty.account_form()?.legacy_payload(module))
    }
}

/// The digest that the old and the new key sign so that `key` begins `key_epoch` in the contract `guardian_keys`.
#[must_use]
pub fn rotation(chain_id: u64, guardian_keys: Address, key_epoch: KeyEpoch, key: GroupKey) -> B256 {
    rotation_of(chain_id, guardian_keys, key_epoch, key.coordinates())
}

/// The same for any coordinates: the vectors' keys are no points of the curve.
#[must_use]
pub(crate) fn rotation_of(
    chain_id: u64,
    guardian_keys: Address,
    key_epoch: KeyEpoch,
    (px, py): ([u8; 32], [u8; 32]),
) -> B256 {
    let rotation = Words::new(ROTATION_TYPE).number(key_epoch.0).word(px.into()).word(py.into()).hash();
    typed_data(separator(chain_id, guardian_keys), rotation)
}

/// EIP-712's digest of a struct in a domain.
pub(super) fn typed_data(separator: B256, struct_hash: B256) -> B256 {
    let mut message = Vec::with_capacity(66);
    message.extend_from_slice(&[0x19, 0x01]);
    message.extend_from_slice(separator.as_slice());
    message.extend_from_slice(struct_hash.as_slice());
    keccak256(message)
}

pub(super) fn separator(chain_id: u64, contract: Address) -> B256 {
    Words::new(DOMAIN_TYPE)
        .word(keccak256(DOMAIN_NAME))
        .word(keccak256(DOMAIN_VERSION))
        .number(chain_id)
        .word(contract.into_word())
        .hash()
}

/// EIP-712's `hashStruct` over members that are one word each.
pub(super) struct Words(Vec<u8>);

impl Words {
    pub(super) fn new(encoded_type: &[u8]) -> Self {
        Self(keccak256(encoded_type).to_vec())
    }

    pub(super) fn number(self, value: impl Into<u128>) -> Self {
        self.word(B256::from(U256::from(value.into())))
    }

    pub(super) fn word(mut self, word: B256) -> Self {
        self.0.extend_from_slice(word.as_slice());
        self
    }

    pub(super) fn hash(self) -> B256 {
        keccak256(self.0)
    }
}
