//! The sealed file of a guardian's enclave keys: the one that operators encrypt to now, and those before it, to which registrations that
//! are not read yet may be encrypted.

use crate::{
    config::KeysConfig,
    hint::{Hinted, WithHint},
    keys::KeyFiles,
};
use alloy_primitives::{Address, keccak256};
use guardian_crypto::{
    Error,
    bls::{ExitShare, ShareCommitments},
    enclave::{EnclaveKey, EnclavePublic},
    seal::{PurposeKind, Work},
    secret::Secret,
};
use guardian_protocol::{KeyEpoch, MemberId};
use rand_core::OsRng;
use std::path::{Path, PathBuf};

/// Version of the plaintext: this byte, then 32 bytes for each key, the newest first.
const VERSION: u8 = 1;
/// Keys that are kept.
const MOST: usize = 16;

/// Enclave keys, the newest first; at least one.
#[derive(Debug)]
pub struct EnclaveKeys(Vec<EnclaveKey>);

/// Where the keys of `keys` lie: beside the identity.
#[must_use]
pub fn place(keys: &KeysConfig) -> PathBuf {
    keys.identity.with_file_name("enclave.sealed")
}

/// The account that Puffer's contracts derive from an enclave key.
#[must_use]
pub fn account_of(key: &EnclavePublic) -> Address {
    let [_, coordinates @ ..] = key.to_bytes();
    Address::from_word(keccak256(coordinates))
}

impl EnclaveKeys {
    /// One new key.
    #[must_use]
    pub fn generate() -> Self {
        Self(vec![EnclaveKey::generate(&mut OsRng)])
    }

    /// A new key before these.
    ///
    /// # Errors
    /// If there are as many as are kept.
    pub fn rotated(mut self) -> Result<Self, Hinted> {
        if self.0.len() >= MOST {
            return Err(Hinted::new(
                format!("there are {MOST} enclave keys already"),
                "no guardian needs so many: make sure that the newest one stands in the contract and that `guardian key exits verify` \
                 misses nothing, move the file away, and make a new one",
            ));
        }
        self.0.insert(0, EnclaveKey::generate(&mut OsRng));
        Ok(self)
    }

    /// The public sides, the newest first.
    pub fn public(&self) -> impl Iterator<Item = EnclavePublic> + '_ {
        self.0.iter().map(EnclaveKey::public)
    }

    /// `member`'s share of the key behind `commitments`, by whichever of the keys opens it.
    ///
    /// # Errors
    /// As [`ExitShare::decrypt`]; of several keys that of the first that opened it, or of the newest.
    pub fn share(
        &self,
        member: MemberId,
        ciphertext: &[u8],
        commitments: &ShareCommitments,
    ) -> Result<ExitShare, Error> {
        let mut tries = self.0.iter().map(|key| ExitShare::decrypt(member, key, ciphertext, commitments));
        tries.find(|opened| !matches!(opened, Err(Error::NotDecrypted))).unwrap_or(Err(Error::NotDecrypted))
    }

    fn plaintext(&self) -> Secret<Vec<u8>> {
        // Room for all of it, so that no copy stays behind.
        let mut plaintext = Vec::with_capacity(self.0.len().saturating_mul(32).saturating_add(1));
        plaintext.push(VERSION);
        self.0.iter().for_each(|key| plaintext.extend_from_slice(key.to_secret_bytes().expose()));
        Secret::new(plaintext)
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let (&VERSION, body) = bytes.split_first()? else { return None };
        let (keys, rest) = body.as_chunks::<32>();
        let fits = rest.is_empty() && (1..=MOST).contains(&keys.len());
        fits.then(|| keys.iter().map(|key| EnclaveKey::from_bytes(key).ok()).collect::<Option<_>>().map(Self)).flatten()
    }
}

impl KeyFiles {
    /// The enclave keys in the file at `path`.
    ///
    /// # Errors
    /// If the file is not a sealed file of this guardian's enclave keys.
    pub fn enclave(&self, path: &Path) -> Result<EnclaveKeys, Hinted> {
        let bytes = self.read(path, PurposeKind::EnclaveKeys, KeyEpoch(0))?;
        EnclaveKeys::parse(bytes.expose()).ok_or_else(|| {
            Hinted::new(format!("{} does not hold enclave keys", path.display()), "restore the file from your backup")
        })
    }

    /// Seals `keys` into a new file at `path`.
    ///
    /// # Errors
    /// If there is a file already, or it can't be written.
    pub fn write_enclave(&self, path: &Path, keys: &EnclaveKeys, work: Work) -> Result<(), Hinted> {
        self.write(path, PurposeKind::EnclaveKeys, KeyEpoch(0), &keys.plaintext(), work)
    }

    /// The same in the place of the file that is there.
    ///
    /// # Errors
    /// If it can't be written; the old file is then still there.
    pub fn replace_enclave(&self, path: &Path, keys: &EnclaveKeys, work: Work) -> Result<(), Hinted> {
        self.replace(path, PurposeKind::EnclaveKeys, &keys.plaintext(), work)
            .hint("the enclave keys are as they were", "mend what is said below, and run the command again")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use guardian_crypto::bls::{SecretKey, dealer::split};

    fn sealed(keys: &EnclaveKeys) -> (tempfile::TempDir, KeyFiles, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let files = KeyFiles::with_passphrase("guardian-2", Secret::new("test".to_owned()));
        let path = folder.path().join("enclave.sealed");
        files.write_enclave(&path, keys, Work::Devnet).unwrap();
        (folder, files, path)
    }

    #[test]
    fn a_rotated_key_comes_first_and_the_old_one_still_opens() {
        let first = EnclaveKeys::generate();
        let old = first.public().next().unwrap();
        let (_folder, files, path) = sealed(&first);
        let rotated = files.enclave(&path).unwrap().rotated().unwrap();
        files.replace_enclave(&path, &rotated, Work::Devnet).unwrap();
        let keys = files.enclave(&path).unwrap();
        let public: Vec<EnclavePublic> = keys.public().collect();
        assert_eq!((public.len(), public[1]), (2, old));

        let (shares, commitments) = split(&SecretKey::interop(1).unwrap(), 3, 2, &mut OsRng).unwrap();
        for key in public {
            let encrypted = key.encrypt(shares[1].to_secret_bytes().expose(), &mut OsRng).unwrap();
            assert_eq!(keys.share(shares[1].member(), &encrypted, &commitments).unwrap().member(), shares[1].member());
            let other = keys.share(shares[0].member(), &encrypted, &commitments).unwrap_err();
            assert_eq!(other, Error::ShareMismatch, "it opened, and is another member's");
        }
        let foreign = EnclaveKey::generate(&mut OsRng).public().encrypt(&[1; 32], &mut OsRng).unwrap();
        assert_eq!(keys.share(shares[1].member(), &foreign, &commitments).unwrap_err(), Error::NotDecrypted);
    }

    #[test]
    fn only_whole_files_of_some_keys_are_read() {
        let good = EnclaveKeys::generate().rotated().unwrap().plaintext();
        let good = good.expose();
        assert_eq!(EnclaveKeys::parse(good).unwrap().0.len(), 2);
        for length in (0..good.len()).filter(|length| *length != 33) {
            assert!(EnclaveKeys::parse(&good[..length]).is_none(), "length {length}");
        }
        assert!(EnclaveKeys::parse(&[&[2], &good[1..]].concat()).is_none(), "another version");
        assert!(EnclaveKeys::parse(&[&[1], &[0; 32][..]].concat()).is_none(), "zero is no key");
        assert!(EnclaveKeys::parse(&[&[1][..], &[7; 32 * (MOST + 1)]].concat()).is_none(), "too many");
        let full = EnclaveKeys::parse(&[&[1][..], &[7; 32 * MOST]].concat()).unwrap();
        assert!(full.rotated().is_err());
    }

    #[test]
    fn the_account_of_a_key_is_the_one_that_contracts_derive() {
        // The account of the key 1.
        let key = EnclaveKey::from_bytes(&[[0; 31].as_slice(), &[1]].concat()).unwrap();
        assert_eq!(account_of(&key.public()).to_string(), "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf");
    }
}
