//! A registration as its operator wrote it: the call data of `registerValidatorKey`. The contract checks lengths and keeps the public key;
//! everything else is nowhere but here.

use alloy::{
    primitives::{B256, Bytes},
    sol,
    sol_types::SolCall,
};
use guardian_protocol::BlsPubkey;

#[allow(missing_docs, clippy::allow_attributes_without_reason, reason = "generated from the interfaces")]
mod abi {
    use super::sol;

    sol! {
        struct Permit {
            uint256 deadline;
            uint256 amount;
            uint8 v;
            bytes32 r;
            bytes32 s;
        }

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

pub(super) use abi::registerValidatorKeyCall;

/// The largest call data that is read: that of 256 guardians has some 100 KiB.
const MOST: usize = 512 * 1024;

/// What an operator brings for a validator. Nothing of it is checked but its shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// Name of the module that is to hold the stake.
    pub module: B256,
    /// The validator's public key, of the right length.
    pub pubkey: BlsPubkey,
    /// Its signature of the deposit.
    pub signature: Bytes,
    /// Root of the deposit, as the operator computed it.
    pub deposit_data_root: B256,
    /// A share of the key for each guardian in the list, in its order, encrypted to it.
    pub shares: Vec<Bytes>,
    /// Commitments to the shares' polynomial, 48 bytes each.
    pub key_set: Bytes,
}

/// Why call data is no registration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegistrationError {
    /// More than any registration has.
    #[error("it has {0} bytes, and no registration has so many")]
    TooLong(usize),
    /// Not a call of `registerValidatorKey`, or one that the contract could not read.
    #[error("it is no call of registerValidatorKey: {0}")]
    NotTheCall(String),
    /// A public key that the contract would refuse.
    #[error("its public key has {0} bytes instead of 48")]
    PublicKey(usize),
}

impl Registration {
    /// Reads call data, selector included.
    ///
    /// # Errors
    /// [`RegistrationError`]
    pub fn of_call(data: &[u8]) -> Result<Self, RegistrationError> {
        if data.len() > MOST {
            return Err(RegistrationError::TooLong(data.len()));
        }
        let call = registerValidatorKeyCall::abi_decode_validate(data)
            .map_err(|error| RegistrationError::NotTheCall(error.to_string()))?;
        let pubkey = BlsPubkey::try_from(call.data.blsPubKey.as_ref())
            .map_err(|_| RegistrationError::PublicKey(call.data.blsPubKey.len()))?;
        Ok(Self {
            module: call.moduleName,
            pubkey,
            signature: call.data.signature,
            deposit_data_root: call.data.depositDataRoot,
            shares: call.data.blsEncryptedPrivKeyShares,
            key_set: call.data.blsPubKeySet,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::primitives::U256;

    fn call(pubkey: Vec<u8>, shares: usize) -> Vec<u8> {
        let permit = || abi::Permit { deadline: U256::ZERO, amount: U256::ZERO, v: 0, r: B256::ZERO, s: B256::ZERO };
        let data = abi::ValidatorKeyData {
            blsPubKey: pubkey.into(),
            signature: vec![3; 96].into(),
            depositDataRoot: B256::repeat_byte(4),
            blsEncryptedPrivKeyShares: (0..shares).map(|_| Bytes::from(vec![5; 129])).collect(),
            blsPubKeySet: vec![6; 96].into(),
            raveEvidence: Bytes::new(),
        };
        let module = B256::repeat_byte(7);
        registerValidatorKeyCall { data, moduleName: module, pufETHPermit: permit(), vtPermit: permit() }.abi_encode()
    }

    #[test]
    fn the_selector_is_that_of_puffers_contract() {
        assert_eq!(registerValidatorKeyCall::SELECTOR, [0x48, 0xc1, 0xed, 0xf1]);
    }

    #[test]
    fn a_registration_is_read_as_its_operator_wrote_it() {
        let read = Registration::of_call(&call(vec![2; 48], 3)).unwrap();
        let expected = Registration {
            module: B256::repeat_byte(7),
            pubkey: BlsPubkey::repeat_byte(2),
            signature: vec![3; 96].into(),
            deposit_data_root: B256::repeat_byte(4),
            shares: vec![Bytes::from(vec![5; 129]); 3],
            key_set: vec![6; 96].into(),
        };
        assert_eq!(read, expected);
    }

    #[test]
    fn other_call_data_is_refused_and_none_of_it_panics() {
        let good = call(vec![2; 48], 3);
        for length in 0..good.len() {
            assert!(Registration::of_call(&good[..length]).is_err(), "length {length}");
        }
        assert_eq!(Registration::of_call(&call(vec![2; 47], 3)), Err(RegistrationError::PublicKey(47)));
        assert_eq!(Registration::of_call(&vec![0; MOST + 1]), Err(RegistrationError::TooLong(MOST + 1)));
        let mut other = good.clone();
        other[0] ^= 1;
        assert!(matches!(Registration::of_call(&other), Err(RegistrationError::NotTheCall(_))));
        // An offset that leads out of the data: of the operator's words, and of its shares. No count makes room that is not there.
        for word in [0, 12, 15] {
            let mut huge = good.clone();
            huge[4 + word * 32..4 + (word + 1) * 32].fill(0xff);
            assert!(Registration::of_call(&huge).is_err(), "word {word}");
        }
    }
}
