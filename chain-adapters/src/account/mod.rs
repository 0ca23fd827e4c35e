//! The account that pays for transactions. Its key is here, or with a remote signer and then in no memory of this process. Which
//! transactions there are is the sender's business.
//!
//! A remote signer is asked for a signature and for nothing else: the transaction is put together here, and a signature counts only if it
//! is the account's over exactly its bytes. So a signer that lies can keep this node from paying, and can make it send nothing.

mod error;
mod key;
mod signature;
mod web3signer;

pub use error::{SignError, SignFault};
pub use key::AccountKey;
pub use web3signer::Web3SignerAccess;

use crate::{config::Limits, error::Error};
use alloy::{
    consensus::{SignableTransaction, TxEip1559, TxEnvelope},
    eips::eip2718::Encodable2718,
    primitives::{Address, B256, Bytes, Signature, keccak256},
};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use web3signer::Web3Signer;

/// What is signed to see whether a remote signer would: a message of EIP-191, which is no transaction and binds nobody.
const TRIAL: &[u8] = b"\x19Ethereum Signed Message:\n14guardian check";

/// The account that pays.
#[derive(Debug)]
pub struct Account {
    address: Address,
    signer: Signer,
    signed: AtomicU64,
    failed: [AtomicU64; SignFault::ALL.len()],
}

/// Where the key is.
#[derive(Debug)]
enum Signer {
    Key(AccountKey),
    Web3Signer(Box<Web3Signer>),
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
        Self::with(key.address(), Signer::Key(key))
    }
}

impl Account {
    fn with(address: Address, signer: Signer) -> Self {
        Self { address, signer, signed: AtomicU64::new(0), failed: Default::default() }
    }

    /// The account at `address`, whose key is behind a web3signer. Connects to nothing yet.
    ///
    /// # Errors
    /// [`Error`] if certificates or credentials are malformed.
    pub fn at_web3signer(address: Address, access: &Web3SignerAccess, limits: Limits) -> Result<Self, Error> {
        Ok(Self::with(address, Signer::Web3Signer(Box::new(Web3Signer::new(address, access, limits)?))))
    }

    /// Where the operator sends ether.
    #[must_use]
    pub const fn address(&self) -> Address {
        self.address
    }

    /// The kind of remote signer that has the key; `None` if it is in this process.
    #[must_use]
    pub const fn remote(&self) -> Option<&'static str> {
        match &self.signer {
            Signer::Key(_) => None,
            Signer::Web3Signer(_) => Some("web3signer"),
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

    /// The account's signature of the Keccak-256 hash of `payload`.
    async fn signature(&self, payload: &[u8]) -> Result<Signature, SignError> {
        let hash = keccak256(payload);
        let signature = match &self.signer {
            Signer::Key(key) => {
                key.sign(&hash).ok_or_else(|| SignError::new(SignFault::Failed, "the curve library failed"))
            }
            Signer::Web3Signer(signer) => match signer.sign(payload).await {
                Ok(scalars) => signature::of_account(self.address, &hash, scalars),
                Err(error) => Err(error),
            },
        };
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
