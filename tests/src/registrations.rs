//! Registrations as node operators send them to Puffer's contract, with shares that are dealt and encrypted for real.

use alloy::{
    primitives::{B256, Bytes, U256},
    sol,
    sol_types::SolCall,
};
use eyre::Result;
use guardian_crypto::{
    bls::{SecretKey, dealer::split, deposit::DepositMessage},
    enclave::EnclavePublic,
};
use rand_core::OsRng;

#[allow(missing_docs, clippy::allow_attributes_without_reason, reason = "generated from the interfaces")]
mod abi {
    use super::sol;

    sol! {
        struct Permit { uint256 deadline; uint256 amount; uint8 v; bytes32 r; bytes32 s; }
        struct ValidatorKeyData {
            bytes blsPubKey;
            bytes signature;
            bytes32 depositDataRoot;
            bytes[] blsEncryptedPrivKeyShares;
            bytes blsPubKeySet;
            bytes raveEvidence;
        }
        function registerValidatorKey(
            ValidatorKeyData calldata data,
            bytes32 moduleName,
            Permit calldata pufETHPermit,
            Permit calldata vtPermit
        ) external payable;
    }
}

/// What an operator registers a validator with.
#[derive(Debug)]
pub struct Operator<'a> {
    /// The validator's key.
    pub key: &'a SecretKey,
    /// The guardians' enclave keys, in the order of their list.
    pub guardians: &'a [EnclavePublic],
    /// How many shares make the key.
    pub threshold: u16,
    /// The module's name.
    pub module: B256,
    /// The module's withdrawal credentials.
    pub credentials: [u8; 32],
    /// The chain's genesis fork.
    pub genesis_fork: [u8; 4],
}

impl Operator<'_> {
    /// The call data of an honest registration, with 32 ETH.
    ///
    /// # Errors
    /// If the key can't be split for so many guardians.
    pub fn call_data(&self) -> Result<Vec<u8>> {
        let count = u16::try_from(self.guardians.len())?;
        let (shares, commitments) = split(self.key, count, self.threshold, &mut OsRng)?;
        let encrypted = self.guardians.iter().zip(&shares);
        let encrypted = encrypted
            .map(|(key, share)| Ok(Bytes::from(key.encrypt(share.to_secret_bytes().expose(), &mut OsRng)?)))
            .collect::<Result<Vec<Bytes>>>()?;
        let pubkey = self.key.public_key();
        let deposit = DepositMessage { pubkey, withdrawal_credentials: self.credentials, amount: 32_000_000_000 };
        let signature = self.key.sign(&deposit.signing_root(self.genesis_fork));
        let data = abi::ValidatorKeyData {
            blsPubKey: pubkey.to_bytes().to_vec().into(),
            signature: signature.to_bytes().to_vec().into(),
            depositDataRoot: deposit.data_root(&signature).into(),
            blsEncryptedPrivKeyShares: encrypted,
            blsPubKeySet: commitments.to_bytes().into(),
            raveEvidence: Bytes::new(),
        };
        let none = || abi::Permit { deadline: U256::ZERO, amount: U256::ZERO, v: 0, r: B256::ZERO, s: B256::ZERO };
        let call =
            abi::registerValidatorKeyCall { data, moduleName: self.module, pufETHPermit: none(), vtPermit: none() };
        Ok(call.abi_encode())
    }
}
