//! Mathematics and secrets of the Guardian node: threshold Schnorr signatures for the contracts, threshold BLS signatures for
//! voluntary exits, identities, and sealed key files.
//!
//! | module | what | built on |
//! |---|---|---|
//! | [`frost`] | key shares, key generation, resharing, repair, two-round signing | `frost-secp256k1`, unchanged (RFC 9591, audited) |
//! | [`schnorr`] | the signature as contracts see it, verified along an independent path | `k256`, `sha2` |
//! | [`bls`] | exit shares, partial exits, their combination | `blst` |
//! | [`account`] | signatures of Ethereum accounts, as contracts recover them | `k256` |
//! | [`identity`] | who a guardian is: signs its messages, derives what it must be able to make again | `ed25519-dalek`, `hkdf` |
//! | [`enclave`] | the key to which operators encrypt shares of validators' keys: ECIES, as Puffer's operators use it | `k256`, `hkdf`, `aes-gcm` |
//! | [`disclosable`] | secrets encrypted to an identity, which it can open to everybody with a proof | `curve25519-dalek`, `sha2` |
//! | [`seal`] | bytes of a passphrase-protected key file | `age` |
//! | [`secret`] | a value that cannot be printed, copied or serialised by accident | `zeroize` |
//!
//! What this crate is not: it knows no policy (when to sign, with whom, what), no clock, no disk, no network, no environment.
//! Randomness is an argument; the one exception is [`seal`], where `age` draws salts from the operating system.
//!
//! Rules that hold everywhere: bytes are decoded strictly (one value, one encoding; length checked; identity elements and zero
//! scalars refused); maps keyed by [`member::MemberId`] instead of parallel lists; a threshold exceeds half of the members; an
//! error that is somebody's fault names them ([`error::Error::culprits`]).

#![deny(clippy::wildcard_enum_match_arm)]
#![cfg_attr(not(test), deny(clippy::cast_possible_truncation))]

pub mod account;
pub mod bls;
pub mod disclosable;
pub mod enclave;
mod encoding;
pub mod error;
pub mod frost;
pub mod identity;
pub mod member;
pub mod schnorr;
pub mod seal;
pub mod secret;

pub use error::Error;
