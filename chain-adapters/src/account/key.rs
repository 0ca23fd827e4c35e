//! A key of the account that is in this process. It is kept here and leaves only as signatures.

use crate::error::Error;
use alloy::{
    primitives::{Address, B256, Signature},
    signers::{SignerSync, local::PrivateKeySigner},
};
use std::fmt;

/// A secp256k1 key that pays. Can't be printed, cloned or serialised; the curve library wipes it from memory when dropped.
pub struct AccountKey(PrivateKeySigner);

impl AccountKey {
    /// The key with these 32 bytes.
    ///
    /// # Errors
    /// [`Error::AccountKey`] if they are zero or not below the group order.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, Error> {
        PrivateKeySigner::from_slice(bytes).map(Self).map_err(|_| Error::AccountKey)
    }

    /// The account's address: the operator sends ether here.
    #[must_use]
    pub fn address(&self) -> Address {
        self.0.address()
    }

    /// A signature of `hash`. `None` if the curve library fails, which it does with negligible probability.
    pub(super) fn sign(&self, hash: &B256) -> Option<Signature> {
        self.0.sign_hash_sync(hash).ok()
    }
}

impl fmt::Debug for AccountKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AccountKey({})", self.address())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_shows_its_address_and_nothing_else() {
        let key = AccountKey::from_bytes(&[0x5a; 32]).unwrap();
        assert_eq!(format!("{key:?}"), format!("AccountKey({})", key.address()));
        assert!(!format!("{key:?}").contains("5a5a5a5a"));
    }

    #[test]
    fn zero_is_not_a_key() {
        assert!(AccountKey::from_bytes(&[0; 32]).is_err());
        assert!(AccountKey::from_bytes(&[0xff; 32]).is_err());
    }
}
