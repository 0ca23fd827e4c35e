//! A signature that somebody else made, held against what was to be signed.

use super::{SignError, SignFault};
use alloy::{
    primitives::{Address, B256, Signature, hex, keccak256},
    signers::k256::ecdsa,
};

/// What stands before the two coordinates of a secp256k1 key in its `SubjectPublicKeyInfo` (RFC 5480).
const PUBLIC_KEY_HEAD: [u8; 24] = hex!("3056301006072a8648ce3d020106052b8104000a03420004");

/// The two scalars of an ECDSA signature, as they came.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scalars {
    pub(super) r: B256,
    pub(super) s: B256,
}

/// The signature of `hash` by `account` that `scalars` are, with the low s that transactions must have (EIP-2). The parity is found out and
/// not believed. (The x-coordinate of a point above the group order, which would need two bits, comes up once in 2^127 signatures.)
///
/// # Errors
/// [`SignFault::Mismatch`] if it is none: of something else, or by another key.
pub(super) fn of_account(account: Address, hash: &B256, scalars: Scalars) -> Result<Signature, SignError> {
    let either = [false, true].map(|odd| Signature::from_scalars_and_parity(scalars.r, scalars.s, odd).normalized_s());
    let is_ours =
        |signature: &Signature| signature.recover_address_from_prehash(hash).is_ok_and(|signer| signer == account);
    either.into_iter().find(is_ours).ok_or_else(|| {
        let text = format!("what the signer signed is not what it was asked to sign, or not with the key of {account}");
        SignError::new(SignFault::Mismatch, text)
    })
}

/// The scalars of a signature in DER.
pub(super) fn scalars_of_der(der: &[u8]) -> Option<Scalars> {
    let (r, s) = ecdsa::Signature::from_der(der).ok()?.split_bytes();
    Some(Scalars { r: B256::from_slice(&r), s: B256::from_slice(&s) })
}

/// The address of a public key of secp256k1, as `SubjectPublicKeyInfo`.
pub(super) fn address_of_spki(key: &[u8]) -> Option<Address> {
    key.strip_prefix(&PUBLIC_KEY_HEAD).and_then(address_of)
}

/// The address of a public key, by its two coordinates of 32 bytes each.
pub(super) fn address_of(point: &[u8]) -> Option<Address> {
    let hash = (point.len() == 64).then(|| keccak256(point))?;
    hash.get(12..).map(Address::from_slice)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::AccountKey;
    use alloy::primitives::{U256, uint};

    /// Of secp256k1.
    const ORDER: U256 = uint!(0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141_U256);

    fn scalars(signature: &Signature) -> Scalars {
        Scalars { r: signature.r().into(), s: signature.s().into() }
    }

    #[test]
    fn a_high_s_becomes_the_low_one_of_the_same_signature() {
        let key = AccountKey::from_bytes(&[7; 32]).unwrap();
        for byte in 0..32 {
            let hash = B256::repeat_byte(byte);
            let signature = key.sign(&hash).unwrap();
            let high = Scalars { s: (ORDER - signature.s()).into(), ..scalars(&signature) };
            for given in [scalars(&signature), high] {
                assert_eq!(of_account(key.address(), &hash, given).unwrap(), signature);
            }
        }
    }

    #[test]
    fn what_is_not_the_accounts_signature_of_this_hash_is_refused() {
        let (key, other) = (AccountKey::from_bytes(&[7; 32]).unwrap(), AccountKey::from_bytes(&[8; 32]).unwrap());
        let hash = B256::repeat_byte(1);
        let of = |key: &AccountKey, hash: B256| scalars(&key.sign(&hash).unwrap());
        let (zero, most) = (B256::ZERO, B256::repeat_byte(0xff));
        let right = of(&key, hash);
        for given in [
            of(&other, hash),
            of(&key, B256::repeat_byte(2)),
            Scalars { r: zero, ..right },
            Scalars { s: zero, ..right },
            Scalars { r: most, s: most },
            Scalars { r: right.s, s: right.r },
            Scalars { s: ORDER.into(), ..right },
        ] {
            let error = of_account(key.address(), &hash, given).unwrap_err();
            assert_eq!(error.fault(), SignFault::Mismatch, "{given:?}");
        }
    }
}
