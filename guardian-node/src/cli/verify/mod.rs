//! `guardian verify`: somebody who trusts nobody checks what guardians, or others, have made. No keys, no network, no configuration;
//! what is to be trusted (a key, a root) is an argument.
//!
//! A check that fails is an error (exit code 1). What was found is data, for people or, with `--json`, one object.

mod exit;
mod facts;
mod networks;
mod proof;
mod registration;
mod signature;
mod state;

use alloy_primitives::hex;
use clap::Subcommand;
use eyre::Result;
use guardian_protocol::BlsPubkey;

/// Subcommands of `guardian verify`.
#[derive(Debug, Subcommand)]
pub(super) enum Verify {
    /// Check a FROST signature over a digest, or over a message of any length
    Signature(signature::Signature),
    /// Compute what a voluntary exit's signature covers (EIP-7044), and check the signature
    Exit(exit::Exit),
    /// Say what is wrong with a validator's registration by itself: deposit, shares, commitments
    Registration(registration::Registration),
    /// Hash a beacon state and say of which block, slot and chain it is
    State(state::State),
    /// Check a proof of a validator, or a Merkle branch, against the root of a beacon block
    Proof(proof::Proof),
}

impl Verify {
    pub(super) fn run(self) -> Result<()> {
        match self {
            Self::Signature(command) => command.run(),
            Self::Exit(command) => command.run(),
            Self::Registration(command) => command.run(),
            Self::State(command) => command.run(),
            Self::Proof(command) => command.run(),
        }
    }
}

/// So many bytes in hexadecimal, with or without `0x`.
fn fixed<const N: usize>(text: &str) -> Result<[u8; N], String> {
    hex::decode_to_array(text).map_err(|error| format!("not {N} bytes in hexadecimal: {error}"))
}

/// Bytes in hexadecimal, with or without `0x`.
fn bytes(text: &str) -> Result<Bytes, String> {
    hex::decode(text).map(Bytes).map_err(|error| format!("not hexadecimal: {error}"))
}

/// Bytes of any number: one argument, where a bare list would be several.
#[derive(Clone, Debug)]
struct Bytes(Vec<u8>);

fn pubkey(text: &str) -> Result<BlsPubkey, String> {
    fixed::<48>(text).map(BlsPubkey::new)
}
