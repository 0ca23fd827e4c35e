//! The bytes of a sealed key file: a secret, encrypted with a passphrase, that says what it is for. This crate writes no files.
//!
//! ```text
//! guardian-sealed/1 key-share owner=alice key-epoch=3 size=371\n
//! <size bytes: an age file (age-encryption.org/v1) with one scrypt recipient>
//! ```
//!
//! The first line is for people and for choosing the file; nobody believes it. Inside the encryption the purpose stands once
//! more, and [`open`] compares that one with what was expected: a file of another guardian, kind or key epoch that was put in
//! the place of the right one is an error, not another key. The size makes a file that was cut short, at any byte, an error of
//! its own, because an operator repairs it differently than a wrong passphrase.
//!
//! Salts and file keys are drawn by `age` from the operating system; this is the only place of the crate where randomness is not
//! an argument. (`age` also measures the machine's speed before it is told how much work to do; the measurement is not used.)

mod error;
mod purpose;

pub use error::SealError;
pub use purpose::{Purpose, PurposeKind};

use crate::secret::Secret;
use age::{Decryptor, Encryptor, secrecy::SecretString};
use purpose::Header;
use std::{
    io::{Read, Write},
    iter,
};
use zeroize::Zeroizing;

/// The largest sealed file. With a threshold of 67, the exit shares of 5,000 validators take 16 MiB.
pub const MAX_SEALED: usize = 128 * 1024 * 1024;

/// The most work that [`open`] accepts from a file: 2^18 is 256 MiB of memory. A file that asks for more is an attack on it.
const MAX_LOG_N: u8 = 18;

/// How much work it is to try one passphrase (scrypt with `r = 8`, `p = 1`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// For keys that are worth something: 2^17, 128 MiB, some tenths of a second (OWASP's recommendation for scrypt).
    Operator,
    /// For development networks and tests, which start many nodes at once: 2^8, a few hundred KiB.
    Devnet,
}

impl Work {
    const fn log_n(self) -> u8 {
        match self {
            Self::Operator => 17,
            Self::Devnet => 8,
        }
    }
}

/// Seals `plaintext` for `purpose`.
///
/// # Errors
/// [`SealError::Empty`] for an empty secret, [`SealError::NoPassphrase`] for an empty passphrase, [`SealError::InvalidOwner`],
/// [`SealError::TooLarge`].
pub fn seal(
    purpose: &Purpose,
    plaintext: &Secret<Vec<u8>>,
    passphrase: &Secret<String>,
    work: Work,
) -> Result<Vec<u8>, SealError> {
    purpose.check()?;
    if plaintext.expose().is_empty() {
        return Err(SealError::Empty);
    }
    if plaintext.expose().len() > MAX_SEALED {
        return Err(SealError::TooLarge);
    }
    let mut recipient = age::scrypt::Recipient::new(passphrase_for_age(passphrase)?);
    recipient.set_work_factor(work.log_n());
    let mut encrypted = encrypt(&recipient, purpose, plaintext).ok_or(SealError::EncryptionFailed)?;
    let mut sealed = Header { purpose: purpose.clone(), size: encrypted.len() }.to_string().into_bytes();
    sealed.append(&mut encrypted);
    if sealed.len() > MAX_SEALED { Err(SealError::TooLarge) } else { Ok(sealed) }
}

/// Opens a file that must have been sealed for `expected`.
///
/// # Errors
/// One [`SealError`] for each thing that an operator would repair differently.
pub fn open(expected: &Purpose, bytes: &[u8], passphrase: &Secret<String>) -> Result<Secret<Vec<u8>>, SealError> {
    let (header, encrypted) = Header::split(bytes)?;
    // Before the work: a wrong file is told apart without the passphrase.
    must_be(expected, &header.purpose)?;
    let decryptor = Decryptor::new(encrypted).map_err(refused)?;
    if !decryptor.is_scrypt() {
        return Err(SealError::Damaged("it is not sealed with a passphrase"));
    }
    let mut identity = age::scrypt::Identity::new(passphrase_for_age(passphrase)?);
    identity.set_max_work_factor(MAX_LOG_N);
    let mut reader = decryptor.decrypt(iter::once(&identity as &dyn age::Identity)).map_err(refused)?;
    // Never longer than its ciphertext: no reallocation leaves a copy of the secret behind.
    let mut plaintext = Zeroizing::new(Vec::with_capacity(encrypted.len()));
    reader.read_to_end(&mut plaintext).map_err(|_| SealError::Damaged("its contents were changed"))?;
    let end = plaintext.iter().position(|byte| *byte == b'\n').ok_or(SealError::Damaged("it names no purpose"))?;
    let (line, secret) = plaintext.split_at(end);
    let inner = std::str::from_utf8(line).ok().and_then(|line| line.parse().ok());
    must_be(expected, &inner.ok_or(SealError::Damaged("it names no purpose"))?)?;
    match secret.get(1..) {
        Some(secret) if !secret.is_empty() => Ok(Secret::new(secret.to_vec())),
        _ => Err(SealError::Empty),
    }
}

/// What the first line says that this file is for. Unauthenticated: for listings and messages only.
///
/// # Errors
/// As [`open`], as far as the first line goes.
pub fn purpose_of(bytes: &[u8]) -> Result<Purpose, SealError> {
    Header::split(bytes).map(|(header, _)| header.purpose)
}

/// One line with the purpose, then the secret, as an age file.
fn encrypt(recipient: &age::scrypt::Recipient, purpose: &Purpose, plaintext: &Secret<Vec<u8>>) -> Option<Vec<u8>> {
    let mut encrypted = Vec::new();
    let encryptor = Encryptor::with_recipients(iter::once(recipient as &dyn age::Recipient)).ok()?;
    let mut writer = encryptor.wrap_output(&mut encrypted).ok()?;
    writer.write_all(format!("{purpose}\n").as_bytes()).ok()?;
    writer.write_all(plaintext.expose()).ok()?;
    writer.finish().ok()?;
    Some(encrypted)
}

fn must_be(expected: &Purpose, found: &Purpose) -> Result<(), SealError> {
    if expected == found {
        Ok(())
    } else {
        Err(SealError::WrongPurpose { expected: Box::new(expected.clone()), found: Box::new(found.clone()) })
    }
}

fn passphrase_for_age(passphrase: &Secret<String>) -> Result<SecretString, SealError> {
    if passphrase.expose().is_empty() {
        return Err(SealError::NoPassphrase);
    }
    Ok(SecretString::from(passphrase.expose().clone()))
}

#[expect(clippy::wildcard_enum_match_arm, reason = "of another package, and open: later versions may add to it")]
fn refused(error: age::DecryptError) -> SealError {
    match error {
        // What a passphrase unlocks carries no hint of which passphrase it was.
        age::DecryptError::DecryptionFailed
        | age::DecryptError::KeyDecryptionFailed
        | age::DecryptError::NoMatchingKeys => SealError::WrongPassphrase,
        age::DecryptError::ExcessiveWork { required, .. } => SealError::TooCostly { log_n: required, limit: MAX_LOG_N },
        age::DecryptError::InvalidMac => SealError::Damaged("its age header was changed"),
        // InvalidHeader, UnknownFormat, Io, and what later versions may add.
        _ => SealError::Damaged("it holds no age file that is known"),
    }
}
