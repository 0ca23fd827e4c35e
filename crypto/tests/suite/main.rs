//! The crate's promises, through its public face only. One binary, so that it links once.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a failing test panics, and a skipped one says so"
)]

mod bls;
mod bls_batch;
mod bls_independent;
mod bls_vectors;
mod custody;
mod differential;
mod disclosable;
mod dkg;
mod encodings;
mod exit;
mod frost;
mod identity;
mod randomness;
mod repair;
mod reshare;
mod schnorr;
mod seal;
mod secrets;
mod vectors;
