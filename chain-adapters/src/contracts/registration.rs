//! A registration as its operator wrote it: the call data of `registerValidatorKey`. The contract checks lengths and keeps the public key;
//! everything else is nowhere but here.

use alloy::{sol, sol_types::SolCall};
use guardian_protocol::{BlsPubkey, Registration};

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

/// Reads the call data of `registerValidatorKey`, selector included.
///
/// # Errors
/// [`RegistrationError`]
pub fn registration(data: &[u8]) -> Result<Registration, RegistrationError> {
    if data.len() > MOST {
        return Err(RegistrationError::TooLong(data.len()));
    }
    let call = registerValidatorKeyCall::abi_decode_validate(data)
        .map_err(|error| RegistrationError::NotTheCall(error.to_string()))?;
    let pubkey = BlsPubkey::try_from(call.data.blsPubKey.as_ref())
        .map_err(|_| RegistrationError::PublicKey(call.data.blsPubKey.len()))?;
    Ok(Registration {
        module: call.moduleName,
        pubkey,
        signature: call.data.signature,
        deposit_data_root: call.data.depositDataRoot,
        shares: call.data.blsEncryptedPrivKeyShares,
        key_set: call.data.blsPubKeySet,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::primitives::{B256, Bytes, U256};

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
        let read = registration(&call(vec![2; 48], 3)).unwrap();
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
            assert!(registration(&good[..length]).is_err(), "length {length}");
        }
        assert_eq!(registration(&call(vec![2; 47], 3)), Err(RegistrationError::PublicKey(47)));
        assert_eq!(registration(&vec![0; MOST + 1]), Err(RegistrationError::TooLong(MOST + 1)));
        let mut other = good.clone();
        other[0] ^= 1;
        assert!(matches!(registration(&other), Err(RegistrationError::NotTheCall(_))));
        // An offset that leads out of the data: of the operator's words, and of its shares. No count makes room that is not there.
        for word in [0, 12, 15] {
            let mut huge = good.clone();
            huge[4 + word * 32..4 + (word + 1) * 32].fill(0xff);
            assert!(registration(&huge).is_err(), "word {word}");
        }
    }
}
