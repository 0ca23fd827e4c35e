//! BLS12-381 signatures of Ethereum's consensus layer, shared among guardians for one purpose: voluntary exits.
//!
//! The field and curve arithmetic is `blst`'s; ours is the sharing (Feldman's, with the checks that it needs) and the
//! combination (Lagrange's). A validator's key is dealt by its node operator, who also keeps it; guardians hold shares with which
//! `t` of them, and no fewer, can make that validator leave.
//!
//! **A signed exit is valid for ever.** So are `t` partial ones together. Nothing here decides whether to make one.

pub mod batch;
mod claims;
pub mod dealer;
pub mod deposit;
pub mod exit;
mod exit_share;
pub mod import;
mod keys;
mod lagrange;
mod msm;
mod partial;
mod scalar;
mod share_commitments;
mod workers;

pub use exit_share::ExitShare;
pub use keys::{BlsSignature, PublicKey, SecretKey};
pub use partial::{PartialSignature, VerifiedPartial, combine, partial_exit, verify_partial};
pub use share_commitments::ShareCommitments;

/// The ciphersuite of Ethereum's consensus layer (public keys in G1, signatures in G2, proofs of possession).
const DST: &[u8] = b"BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_";
