//! The exact bytes that get signed: EIP-712 digests, bound to the chain, the contract, the type of duty and the key epoch.
//!
//! The same vectors are checked here, in Solidity and by an independent generator (`contracts/test/vectors/digests.json`).

use super::{Contracts, Duty, DutyBody};
use alloy_primitives::{Address, B256, U256, keccak256};

const DOMAIN_TYPE: &[u8] = b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)";
const DOMAIN_NAME: &[u8] = b"Puffer Guardian";
const DOMAIN_VERSION: &[u8] = b"1";
const EJECTION_TYPE: &[u8] =
    b"EjectionOrder(uint64 keyEpoch,uint64 referenceSlot,bytes32 referenceRoot,bytes ejections)";
const RESERVES_TYPE: &[u8] = b"ReserveReport(uint64 keyEpoch,uint64 referenceSlot,bytes32 referenceRoot,\
uint64 validatorCount,uint128 validatorBalance,uint128 vaultBalance)";

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

    /// The digest that the contract verifies for `duty`.
    #[must_use]
    pub fn digest(&self, duty: &Duty) -> B256 {
        let (contract, struct_hash) = match &duty.body {
            DutyBody::Ejection(order) => (
                self.contracts.ejection_registry,
                Words::new(EJECTION_TYPE)
                    .number(duty.key_epoch.0)
                    .number(duty.reference_slot.0)
                    .word(duty.reference_root)
                    .word(keccak256(order.packed()))
                    .hash(),
            ),
            DutyBody::Reserves(report) => (
                self.contracts.reserve_feed,
                Words::new(RESERVES_TYPE)
                    .number(duty.key_epoch.0)
                    .number(duty.reference_slot.0)
                    .word(duty.reference_root)
                    .number(report.validator_count)
                    .number(report.validator_balance)
                    .number(report.vault_balance)
                    .hash(),
            ),
        };
        let mut message = Vec::with_capacity(66);
        message.extend_from_slice(&[0x19, 0x01]);
        message.extend_from_slice(self.separator(contract).as_slice());
        message.extend_from_slice(struct_hash.as_slice());
        keccak256(message)
    }

    fn separator(&self, contract: Address) -> B256 {
        Words::new(DOMAIN_TYPE)
            .word(keccak256(DOMAIN_NAME))
            .word(keccak256(DOMAIN_VERSION))
            .number(self.chain_id)
            .word(contract.into_word())
            .hash()
    }
}

/// EIP-712's `hashStruct` over members that are one word each.
struct Words(Vec<u8>);

impl Words {
    fn new(encoded_type: &[u8]) -> Self {
        Self(keccak256(encoded_type).to_vec())
    }

    fn number(self, value: impl Into<u128>) -> Self {
        self.word(B256::from(U256::from(value.into())))
    }

    fn word(mut self, word: B256) -> Self {
        self.0.extend_from_slice(word.as_slice());
        self
    }

    fn hash(self) -> B256 {
        keccak256(self.0)
    }
}
