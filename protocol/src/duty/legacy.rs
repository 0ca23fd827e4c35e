//! What guardians sign for Puffer's own contracts: the four messages that PufferProtocol and PufferOracleV2 want checked.
//!
//! Three contracts can check them, and each wants other bytes: our `FrostGuardianModule` (one EIP-712 digest for the group),
//! Puffer's deployed GuardianModule, and its proposed successor that binds module and chain (an EIP-191 digest that every
//! guardian signs alone with ECDSA). Here are the digests of all three; who signs and sends them is decided elsewhere.
//!
//! Vectors: `contracts/test/vectors/digests.json` and `legacy_digests.json`, shared with Solidity and an independent generator.

use super::{
    abi::Abi,
    digest::{Words, separator, typed_data},
};
use crate::types::{BlsPubkey, KeyEpoch};
use alloy_primitives::{Address, B256, U256, keccak256};

const PROVISIONING_TYPE: &[u8] =
    b"Provisioning(uint64 keyEpoch,uint256 pufferModuleIndex,bytes pubKey,bytes signature,\
bytes withdrawalCredentials,bytes32 depositDataRoot)";
const SKIP_TYPE: &[u8] = b"SkipProvisioning(uint64 keyEpoch,bytes32 moduleName,uint256 skippedIndex)";
const WITHDRAWALS_TYPE: &[u8] = b"BatchWithdrawals(uint64 keyEpoch,StoppedValidator[] validators)\
StoppedValidator(address module,uint256 startEpoch,uint256 endEpoch,bool wasSlashed,bytes32 moduleName,\
uint256 pufferModuleIndex,uint256 withdrawalAmount)";
const STOPPED_TYPE: &[u8] = b"StoppedValidator(address module,uint256 startEpoch,uint256 endEpoch,bool wasSlashed,\
bytes32 moduleName,uint256 pufferModuleIndex,uint256 withdrawalAmount)";
const COUNT_TYPE: &[u8] = b"ValidatorCount(uint64 keyEpoch,uint256 numberOfValidators,uint256 epochNumber)";

/// A message to Puffer's contracts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PufferMessage {
    /// A validator gets its deposit.
    Provisioning(Provisioning),
    /// A validator whose registration is malformed is passed over.
    Skip {
        /// The module's name.
        module_name: B256,
        /// The validator's number in it.
        index: U256,
    },
    /// Validators that left are settled, in this order.
    Withdrawals(Vec<StoppedValidator>),
    /// How many validators the network has.
    ValidatorCount {
        /// All active ones.
        validators: U256,
        /// When they were counted.
        epoch: U256,
    },
}

/// What is said of a validator before its deposit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provisioning {
    /// Its number in its module.
    pub index: U256,
    /// Its public key.
    pub pubkey: BlsPubkey,
    /// Its signature of the deposit, 96 bytes.
    pub signature: [u8; 96],
    /// The module's.
    pub withdrawal_credentials: B256,
    /// Root of the deposit.
    pub deposit_data_root: B256,
}

/// A validator that left. Puffer's `StoppedValidatorInfo`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoppedValidator {
    /// Its module.
    pub module: Address,
    /// Epoch in which it became active.
    pub start_epoch: U256,
    /// Epoch in which it left.
    pub end_epoch: U256,
    /// Whether it was slashed.
    pub was_slashed: bool,
    /// Its module's name.
    pub module_name: B256,
    /// Its number in the module.
    pub index: U256,
    /// What came back, wei.
    pub withdrawal_amount: U256,
}

/// Which of Puffer's own modules checks an ECDSA signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LegacyModule {
    /// The deployed one: bound to nothing, so that messages of two words collide, and a signature counts on every chain.
    Deployed,
    /// The proposed one: bound to a module and a chain, still without a type. Skipping and counting collide there too.
    Bound {
        /// The module's address.
        module: Address,
        /// The chain.
        chain_id: u64,
    },
}

impl PufferMessage {
    /// What the group signs for the `FrostGuardianModule` at `module`.
    #[must_use]
    pub fn digest(&self, chain_id: u64, module: Address, key_epoch: KeyEpoch) -> B256 {
        typed_data(separator(chain_id, module), self.struct_hash(key_epoch))
    }

    /// EIP-712's hash of what the group signs.
    pub(super) fn struct_hash(&self, key_epoch: KeyEpoch) -> B256 {
        let words = |kind| Words::new(kind).number(key_epoch.0);
        let words = match self {
            Self::Provisioning(validator) => words(PROVISIONING_TYPE)
                .word(validator.index.into())
                .word(keccak256(validator.pubkey))
                .word(keccak256(validator.signature))
                .word(keccak256(validator.withdrawal_credentials))
                .word(validator.deposit_data_root),
            Self::Skip { module_name, index } => words(SKIP_TYPE).word(*module_name).word((*index).into()),
            Self::Withdrawals(validators) => {
                let hashes: Vec<u8> = validators.iter().flat_map(|validator| validator.struct_hash().0).collect();
                words(WITHDRAWALS_TYPE).word(keccak256(hashes))
            }
            Self::ValidatorCount { validators, epoch } => {
                words(COUNT_TYPE).word((*validators).into()).word((*epoch).into())
            }
        };
        words.hash()
    }

    /// What each guardian signs with ECDSA for one of Puffer's own modules.
    #[must_use]
    pub fn legacy_digest(&self, module: LegacyModule) -> B256 {
        keccak256(self.legacy_payload(module))
    }

    /// The bytes whose hash that is: a message of EIP-191 that holds the hash of the ABI encoding.
    #[must_use]
    pub fn legacy_payload(&self, module: LegacyModule) -> Vec<u8> {
        let abi = match module {
            LegacyModule::Deployed => Abi::default(),
            LegacyModule::Bound { module, chain_id } => {
                Abi::default().word(module.into_word()).word(U256::from(chain_id).into())
            }
        };
        let encoded = match self {
            // The withdrawal credentials come before the signature here.
            Self::Provisioning(validator) => abi
                .word(validator.index.into())
                .bytes(validator.pubkey.as_slice())
                .bytes(validator.withdrawal_credentials.as_slice())
                .bytes(&validator.signature)
                .word(validator.deposit_data_root),
            Self::Skip { module_name, index } => abi.word(*module_name).word((*index).into()),
            Self::Withdrawals(validators) => {
                let rows: Vec<[B256; 7]> = validators.iter().map(StoppedValidator::words).collect();
                abi.structs(&rows)
            }
            Self::ValidatorCount { validators, epoch } => abi.word((*validators).into()).word((*epoch).into()),
        };
        let hash = keccak256(encoded.encode());
        [b"\x19Ethereum Signed Message:\n32".as_slice(), hash.as_slice()].concat()
    }
}

impl StoppedValidator {
    fn words(&self) -> [B256; 7] {
        [
            self.module.into_word(),
            self.start_epoch.into(),
            self.end_epoch.into(),
            U256::from(u8::from(self.was_slashed)).into(),
            self.module_name,
            self.index.into(),
            self.withdrawal_amount.into(),
        ]
    }

    fn struct_hash(&self) -> B256 {
        self.words().into_iter().fold(Words::new(STOPPED_TYPE), Words::word).hash()
    }
}
