//! `guardian verify signature`: FROST(secp256k1, SHA-256) of RFC 9591, in the contracts' form of 96 bytes or in the RFC's of 65.

use super::{
    Bytes, bytes,
    facts::{Facts, Form},
    fixed,
};
use crate::hint::{Hinted, WithHint};
use clap::Args;
use eyre::Result;
use guardian_crypto::{
    Error,
    schnorr::{self, GroupKey},
};
use std::{fs, path::PathBuf};

/// Arguments of `guardian verify signature`.
#[derive(Debug, Args)]
pub(in crate::cli) struct Signature {
    /// The group's key: a compressed point (33 bytes), or its coordinates x and y (64 bytes), as `GuardianKeys` has them
    #[arg(long, value_parser = bytes)]
    key: Bytes,
    /// The signature: R.x, R.y and z (96 bytes), as contracts take it; or R compressed and z (65 bytes), as RFC 9591 writes it
    #[arg(long, value_parser = bytes)]
    signature: Bytes,
    #[command(flatten)]
    signed: Signed,
    #[command(flatten)]
    form: Form,
}

/// What was signed. The committee signs digests; a digest is a message of 32 bytes.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Signed {
    /// A duty's digest: 32 bytes
    #[arg(long, value_parser = fixed::<32>)]
    digest: Option<[u8; 32]>,
    /// A message of any length, in hexadecimal
    #[arg(long, value_parser = bytes)]
    message: Option<Bytes>,
    /// A file, whose bytes are the message
    #[arg(long)]
    message_file: Option<PathBuf>,
}

impl Signature {
    pub(super) fn run(self) -> Result<()> {
        let key = key(&self.key.0).hint(
            "--key is no key of a group",
            "copy it whole: from `GuardianKeys` on chain, or from a dossier (`group_key`)",
        )?;
        let (form, signature) = signature(&self.signature.0).hint(
            "--signature is no signature",
            "copy it whole: 96 bytes in hexadecimal from a transaction or a dossier, or 65 as RFC 9591 writes them",
        )?;
        let message = self.signed.bytes()?;
        let mut facts = Facts::default();
        facts.add("key", key)?;
        facts.add("form", form)?;
        facts.add("message_bytes", message.len())?;
        let outcome = key.verify_message(&message, &signature).hint(
            "this group did not sign this message with this signature",
            "compare key, message and signature with where they come from: each must be whole, and of one duty and key epoch",
        );
        facts.conclude(self.form, Some(outcome))
    }
}

impl Signed {
    fn bytes(self) -> Result<Vec<u8>, Hinted> {
        match self {
            Self { digest: Some(digest), .. } => Ok(digest.to_vec()),
            Self { message: Some(message), .. } => Ok(message.0),
            Self { message_file: Some(path), .. } => {
                fs::read(&path).hint(format!("can't read {}", path.display()), "check the path")
            }
            Self { .. } => Err(Hinted::new("nothing was signed", "pass --digest, --message or --message-file")),
        }
    }
}

fn key(bytes: &[u8]) -> Result<GroupKey, Error> {
    let coordinates = match bytes {
        // SEC 1's uncompressed form.
        [4, coordinates @ ..] if bytes.len() == 65 => coordinates,
        _ => bytes,
    };
    match (coordinates.first_chunk(), coordinates.last_chunk()) {
        (Some(x), Some(y)) if coordinates.len() == 64 => GroupKey::from_coordinates(*x, *y),
        _ => GroupKey::from_bytes(bytes),
    }
}

/// A signature, and which form it has.
fn signature(bytes: &[u8]) -> Result<(&'static str, schnorr::Signature), Error> {
    match bytes.len() {
        65 => Ok(("RFC 9591", schnorr::Signature::from_rfc9591(bytes)?)),
        _ => Ok(("contracts", schnorr::Signature::from_bytes(bytes)?)),
    }
}
