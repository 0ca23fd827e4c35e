//! The account that pays for transactions, and signs as a guardian's own where a contract wants that. Its key is here, or with a remote signer and then in no memory of this process. Which
//! transactions there are is the sender's business.
//!
//! A remote signer is asked for a signature and for nothing else: the transaction is put together here, and a signature counts only if it
//! is the account's over exactly its bytes. So a signer that lies can keep this node from paying, and can make it send nothing.

mod aws_kms;
mod error;
mod google_kms;
mod key;
mod signature;
mod web3signer;

pub use aws_kms::{AwsKmsAccess, AwsKmsKey};
pub use error::{SignError, SignFault};
pub use google_kms::{GoogleKmsAccess, GoogleKmsKey};
pub use key::AccountKey;
pub use web3signer::Web3SignerAccess;

use crate::{config::Limits, error::Error};
use alloy::{
    consensus::{SignableTransaction, TxEip1559, TxEnvelope},
    eips::eip2718::Encodable2718,
    primitives::{Address, B256, Bytes, Signature, keccak256},
};
use aws_kms::AwsKms;
use google_kms::GoogleKms;
use guardian_crypto::account::AccountSignature;
use guardian_protocol::AccountOrder;
use signature::Scalars;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use web3signer::Web3Signer;

/// What is signed to see whether a remote signer would: a message of EIP-191, which is no transaction and binds nobody.
const TRIAL: &[u8] = b"\x19Ethereum Signed Message:\n14guardian check";

/// The account that pays.
#[derive(Debug)]
pub struct Account {
    address: Address,
    key: KeyAt,
    signed: AtomicU64,
    failed: [AtomicU64; SignFault::ALL.len()],
}

/// Where the key is.
#[derive(Debug)]
enum KeyAt {
    Here(AccountKey),
    Web3Signer(Box<Web3Signer>),
    AwsKms(Box<AwsKms>),
    GoogleKms(Box<GoogleKms>),
}

/// How often an account's signer was asked, by what became of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SignerStats {
    /// Signatures that were the account's over what was to be signed.
    pub signed: u64,
    /// Times without one, in the order of [`SignFault::ALL`].
    pub failed: [u64; SignFault::ALL.len()],
}

impl From<AccountKey> for Account {
    fn from(key: AccountKey) -> Self {
        Self::with(key.address(), KeyAt::Here(key))
    }
}

impl Account {
    fn with(address: Address, key: KeyAt) -> Self {
        Self { address, key, signed: AtomicU64::new(0), failed: Default::default() }
    }

    /// The account at `address`, whose key is behind a web3signer. Connects to nothing yet.
    ///
    /// # Errors
    /// [`Error`] if certificates or credentials are malformed.
    pub fn at_web3signer(address: Address, access: &Web3SignerAccess, limits: Limits) -> Result<Self, Error> {
        Ok(Self::with(address, KeyAt::Web3Signer(Box::new(Web3Signer::new(address, access, limits)?))))
    }

    /// The account at `address`, whose key is in AWS KMS. Connects to nothing yet.
    ///
    /// # Errors
    /// [`Error`] if the key's region leads nowhere, or TLS can't be set up.
    pub fn at_aws_kms(address: Address, access: &AwsKmsAccess, limits: Limits) -> Result<Self, Error> {
        Ok(Self::with(address, KeyAt::AwsKms(Box::new(AwsKms::new(address, access, limits)?))))
    }

    /// The account at `address`, whose key is in Google Cloud KMS. Connects to nothing yet.
    ///
    /// # Errors
    /// [`Error::Http`] if TLS can't be set up.
    pub fn at_google_kms(address: Address, access: &GoogleKmsAccess, limits: Limits) -> Result<Self, Error> {
        Ok(Self::with(address, KeyAt::GoogleKms(Box::new(GoogleKms::new(address, access, limits)?))))
    }

    /// Where the operator sends ether.
    #[must_use]
    pub const fn address(&self) -> Address {
        self.address
    }

    /// The kind of remote signer that has the key; `None` if it is in this process.
    #[must_use]
    pub const fn remote(&self) -> Option<&'static str> {
        match &self.key {
            KeyAt::Here(_) => None,
            KeyAt::Web3Signer(_) => Some("web3signer"),
            KeyAt::AwsKms(_) => Some("AWS KMS"),
            KeyAt::GoogleKms(_) => Some("Google Cloud KMS"),
        }
    }

    /// How often signatures were asked for, and what became of it.
    #[must_use]
    pub fn stats(&self) -> SignerStats {
        SignerStats {
            signed: self.signed.load(Relaxed),
            failed: self.failed.each_ref().map(|count| count.load(Relaxed)),
        }
    }

    /// Has a message signed that binds nobody, to see whether a transaction would be.
    ///
    /// # Errors
    /// [`SignError`] says why it would not.
    pub async fn try_out(&self) -> Result<(), SignError> {
        self.signature(TRIAL).await.map(drop)
    }

    /// `transaction`, signed and encoded (EIP-2718), with its hash.
    ///
    /// # Errors
    /// [`SignError`]
    pub(crate) async fn sign(&self, transaction: TxEip1559) -> Result<(B256, Bytes), SignError> {
        let signature = self.signature(&transaction.encoded_for_signing()).await?;
        let envelope = TxEnvelope::from(transaction.into_signed(signature));
        Ok((*envelope.tx_hash(), envelope.encoded_2718().into()))
    }

    /// The account's signature of what `order` permits.
    ///
    /// # Errors
    /// [`SignError`]
    pub(crate) async fn attest(&self, order: &AccountOrder) -> Result<AccountSignature, SignError> {
        let signature = self.signature(order.payload()).await?;
        AccountSignature::from_bytes(&signature.as_bytes())
            .map_err(|error| SignError::new(SignFault::Failed, error.to_string()))
    }

    /// The account's signature of the Keccak-256 hash of `payload`.
    async fn signature(&self, payload: &[u8]) -> Result<Signature, SignError> {
        let hash = keccak256(payload);
        let given = match &self.key {
            KeyAt::Here(key) => {
                let failed = || SignError::new(SignFault::Failed, "the curve library failed");
                key.sign(&hash)
                    .map(|signature| Scalars { r: signature.r().into(), s: signature.s().into() })
                    .ok_or_else(failed)
            }
            KeyAt::Web3Signer(signer) => signer.sign(payload).await,
            KeyAt::AwsKms(signer) => signer.sign(&hash).await,
            KeyAt::GoogleKms(signer) => signer.sign(&hash).await,
        };
        let signature = given.and_then(|scalars| signature::of_account(self.address, &hash, scalars));
        match &signature {
            Ok(_) => self.signed.fetch_add(1, Relaxed),
            Err(error) => {
                let same = SignFault::ALL.into_iter().zip(&self.failed).find(|(fault, _)| *fault == error.fault());
                same.map_or(0, |(_, count)| count.fetch_add(1, Relaxed))
            }
        };
        signature
    }
}
