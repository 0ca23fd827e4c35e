//! Signatures of Ethereum accounts as contracts recover them: ECDSA over secp256k1, 65 bytes. Who the accounts are, and what they may sign, is
//! not known here; a guardian's own account signs through `chain-adapters`, which may have its key elsewhere.

use crate::{
    encoding::{exact, public_bytes},
    error::Error,
    secret::Secret,
};
use alloy_primitives::{Address, keccak256};
use k256::ecdsa::{RecoveryId, Signature, SigningKey, VerifyingKey};

const WHAT: &str = "account signature";

/// A signature by an account: r, s and v. In the one form that `ecrecover` and OpenZeppelin's `ECDSA` take: s in the lower half of the
/// group's order (EIP-2), and v 27 or 28. That it is of some account says nothing; [`AccountSignature::account`] says of which.
///
/// One account can sign one digest in many ways, so these bytes name nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountSignature([u8; 65]);

impl AccountSignature {
    /// Reads r, s and v.
    ///
    /// # Errors
    /// [`Error::Malformed`] if they are not 65 bytes in the form that the type has.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let bytes = exact::<65>(WHAT, bytes)?;
        let malformed = |why| Error::Malformed { what: WHAT, why };
        let (scalars, parity) = parts(&bytes).ok_or_else(|| malformed("r, s or v is out of range"))?;
        if scalars.normalize_s().is_some() || parity.is_x_reduced() {
            return Err(malformed("its s is not in the lower half"));
        }
        Ok(Self(bytes))
    }

    /// r, s and v.
    #[must_use]
    pub const fn to_bytes(&self) -> [u8; 65] {
        self.0
    }

    /// The account that signed `digest`, if this is a signature of it; some other account, if it is of something else.
    ///
    /// # Errors
    /// [`Error::InvalidSignature`] if no key signs so.
    pub fn account(&self, digest: &[u8; 32]) -> Result<Address, Error> {
        let (scalars, parity) = parts(&self.0).ok_or(Error::InvalidSignature)?;
        let key = VerifyingKey::recover_from_prehash(digest, &scalars, parity).map_err(|_| Error::InvalidSignature)?;
        Ok(address_of(&key))
    }

    /// The signature of `digest` with an account's key (RFC 6979), and the account: for development networks and tests.
    ///
    /// # Errors
    /// [`Error::Malformed`] if the key is zero or not below the group's order.
    pub fn sign(key: &Secret<[u8; 32]>, digest: &[u8; 32]) -> Result<(Self, Address), Error> {
        let malformed =
            |_| Error::Malformed { what: "account key", why: "it is not a number of 1 to the group's order" };
        let key = SigningKey::from_bytes(key.expose().into()).map_err(malformed)?;
        let (scalars, parity) = key.sign_prehash_recoverable(digest).map_err(malformed)?;
        let mut bytes = [0; 65];
        let v = if parity.is_y_odd() { 28 } else { 27 };
        for (to, from) in bytes.iter_mut().zip(scalars.to_bytes().into_iter().chain([v])) {
            *to = from;
        }
        Ok((Self(bytes), address_of(key.verifying_key())))
    }
}

public_bytes!(AccountSignature, 65);

/// The scalars, and which of two points r stands for.
fn parts(bytes: &[u8; 65]) -> Option<(Signature, RecoveryId)> {
    let (scalars, v) = bytes.split_first_chunk::<64>()?;
    let parity = match v {
        [27] => false,
        [28] => true,
        _ => return None,
    };
    Some((Signature::from_slice(scalars).ok()?, RecoveryId::new(parity, false)))
}

fn address_of(key: &VerifyingKey) -> Address {
    let point = key.to_encoded_point(false);
    let [_, coordinates @ ..] = point.as_bytes() else { return Address::ZERO };
    Address::from_word(keccak256(coordinates))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::{U256, hex};
    use proptest::prelude::*;

    /// Of secp256k1.
    const ORDER: U256 = U256::from_be_slice(&hex!("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"));

    #[test]
    fn a_known_signature_is_its_accounts() {
        // The first account of anvil and hardhat; the digest of EIP-191 of 32 zero bytes, signed by viem.
        let key = Secret::new(hex!("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"));
        let digest = keccak256([&b"\x19Ethereum Signed Message:\n32"[..], &[0; 32]].concat());
        let (signature, account) = AccountSignature::sign(&key, &digest.0).unwrap();
        assert_eq!(account.to_string(), "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266");
        assert_eq!(signature.account(&digest.0), Ok(account));
        assert_ne!(signature.account(&[1; 32]), Ok(account));
    }

    #[test]
    fn only_the_form_that_contracts_take_is_read() {
        let (signature, _) = AccountSignature::sign(&Secret::new([7; 32]), &[1; 32]).unwrap();
        let good = signature.to_bytes();
        assert_eq!(AccountSignature::from_bytes(&good), Ok(signature));
        let with = |change: fn(&mut [u8; 65])| {
            let mut bytes = good;
            change(&mut bytes);
            AccountSignature::from_bytes(&bytes)
        };
        // What `ecrecover` would take and OpenZeppelin refuses: the same signature with the other s.
        let mut high = good;
        high[32..64].copy_from_slice(&(ORDER - U256::from_be_slice(&good[32..64])).to_be_bytes::<32>());
        high[64] = 55 - high[64];
        assert!(AccountSignature::from_bytes(&high).is_err());
        let changes: [fn(&mut [u8; 65]); 7] = [
            |bytes| bytes[64] -= 27,
            |bytes| bytes[64] = 29,
            |bytes| bytes[64] = 0,
            |bytes| bytes[..32].fill(0),
            |bytes| bytes[32..64].fill(0),
            |bytes| bytes[..32].fill(0xff),
            |bytes| bytes[32..64].fill(0xff),
        ];
        for change in changes {
            assert!(with(change).is_err());
        }
        for length in (0..65).chain([66, 130]) {
            assert!(AccountSignature::from_bytes(&good.repeat(2)[..length]).is_err(), "length {length}");
        }
        assert!(AccountSignature::sign(&Secret::new([0; 32]), &[1; 32]).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn a_signature_is_its_accounts_over_its_digest_alone(key: [u8; 32], digest: [u8; 32], other: [u8; 32]) {
            if let Ok((signature, account)) = AccountSignature::sign(&Secret::new(key), &digest) {
                prop_assert_eq!(AccountSignature::from_bytes(&signature.to_bytes()), Ok(signature));
                prop_assert_eq!(signature.account(&digest), Ok(account));
                prop_assert!(other == digest || signature.account(&other) != Ok(account));
            }
        }
    }
}
