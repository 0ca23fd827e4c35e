//! Sealed key files on disk, refused if they are not what they should be. How they get there whole is `durable`'s business; what is in
//! those that hold several keys stands in `exit_shares` and `enclave_keys`.

use crate::{
    config::Config,
    durable::{read_private, replace_private, write_private},
    hint::{Hinted, WithHint},
    passphrase,
};
use guardian_crypto::{
    frost::KeyShare,
    identity::IdentityKey,
    seal::{self, Purpose, PurposeKind, Work},
    secret::Secret,
};
use guardian_protocol::KeyEpoch;
use std::path::Path;

/// Opens one guardian's sealed files.
#[derive(Debug)]
pub struct KeyFiles {
    owner: String,
    passphrase: Secret<String>,
}

impl KeyFiles {
    /// For the files of the guardian of `config`, with the passphrase from where it says.
    ///
    /// # Errors
    /// If the passphrase can't be had, or is empty.
    pub fn of(config: &Config) -> Result<Self, Hinted> {
        Ok(Self::with_passphrase(&config.guardian.name, config.keys.passphrase()?.read()?))
    }

    /// For the files of guardian `owner`, with the passphrase in `passphrase_file`.
    ///
    /// # Errors
    /// If the passphrase can't be read or is empty, or if others can read it.
    pub fn new(owner: &str, passphrase_file: &Path) -> Result<Self, Hinted> {
        Ok(Self::with_passphrase(owner, passphrase::of_file(passphrase_file)?))
    }

    /// The same with the passphrase at hand.
    #[must_use]
    pub fn with_passphrase(owner: &str, passphrase: Secret<String>) -> Self {
        Self { owner: owner.to_owned(), passphrase }
    }

    /// The guardian's name.
    #[must_use]
    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// The identity key.
    ///
    /// # Errors
    /// If the file is not a sealed identity of this guardian.
    pub fn identity(&self, path: &Path) -> Result<IdentityKey, Hinted> {
        Ok(IdentityKey::from_seed(Secret::new(self.fixed(path, PurposeKind::Identity, KeyEpoch(0))?)))
    }

    /// The account key's 32 bytes.
    ///
    /// # Errors
    /// If the file is not a sealed account key of this guardian.
    pub fn account(&self, path: &Path) -> Result<Secret<[u8; 32]>, Hinted> {
        Ok(Secret::new(self.fixed(path, PurposeKind::Account, KeyEpoch(0))?))
    }

    /// The share of the group key of `key_epoch`.
    ///
    /// # Errors
    /// If the file is not a sealed key share of this guardian and epoch.
    pub fn share(&self, path: &Path, key_epoch: KeyEpoch) -> Result<KeyShare, Hinted> {
        let bytes = self.read(path, PurposeKind::KeyShare, key_epoch)?;
        KeyShare::from_secret_bytes(bytes.expose())
            .hint(format!("{} does not hold a key share", path.display()), "restore the file from your backup")
    }

    /// Seals `plaintext`.
    ///
    /// # Errors
    /// If it is too large.
    pub fn seal(
        &self,
        kind: PurposeKind,
        key_epoch: KeyEpoch,
        plaintext: &Secret<Vec<u8>>,
        work: Work,
    ) -> Result<Vec<u8>, Hinted> {
        seal::seal(&self.purpose(kind, key_epoch), plaintext, &self.passphrase, work).hint(
            "can't seal a secret",
            "it is too large or empty, or the guardian's name has other characters than letters, digits, `.`, `_`, `-`",
        )
    }

    /// Opens `bytes`, which come from `path`.
    ///
    /// # Errors
    /// If they were not sealed for this, or with another passphrase.
    pub fn open(
        &self,
        kind: PurposeKind,
        key_epoch: KeyEpoch,
        bytes: &[u8],
        path: &Path,
    ) -> Result<Secret<Vec<u8>>, Hinted> {
        seal::open(&self.purpose(kind, key_epoch), bytes, &self.passphrase).hint(
            format!("can't open the sealed file {}", path.display()),
            "check the passphrase ([keys] passphrase_file, or what else names it) and that the file belongs to this guardian and key epoch; restore it from your backup if it is damaged",
        )
    }

    /// Seals `plaintext` into a new file at `path`, atomically: it is complete on disk, or not there at all.
    ///
    /// # Errors
    /// If there is a file already, or it can't be written.
    pub fn write(
        &self,
        path: &Path,
        kind: PurposeKind,
        key_epoch: KeyEpoch,
        plaintext: &Secret<Vec<u8>>,
        work: Work,
    ) -> Result<(), Hinted> {
        write_private(path, &self.seal(kind, key_epoch, plaintext, work)?)
    }

    /// The same into `path`, where a file may be, which stays until the new one is complete.
    ///
    /// # Errors
    /// If it can't be written.
    pub(crate) fn replace(
        &self,
        path: &Path,
        kind: PurposeKind,
        plaintext: &Secret<Vec<u8>>,
        work: Work,
    ) -> Result<(), Hinted> {
        replace_private(path, &self.seal(kind, KeyEpoch(0), plaintext, work)?)
    }

    fn fixed(&self, path: &Path, kind: PurposeKind, key_epoch: KeyEpoch) -> Result<[u8; 32], Hinted> {
        let bytes = self.read(path, kind, key_epoch)?;
        bytes
            .expose()
            .as_slice()
            .try_into()
            .hint(format!("{} does not hold a key of 32 bytes", path.display()), "restore the file from your backup")
    }

    pub(crate) fn read(&self, path: &Path, kind: PurposeKind, key_epoch: KeyEpoch) -> Result<Secret<Vec<u8>>, Hinted> {
        let what = format!("can't read the sealed key {}", path.display());
        let advice = "check the path under [keys]; `guardian init` makes identity and account keys";
        self.open(kind, key_epoch, read_private(path, &what, advice)?.expose(), path)
    }

    fn purpose(&self, kind: PurposeKind, key_epoch: KeyEpoch) -> Purpose {
        Purpose { kind, owner: self.owner.clone(), key_epoch: key_epoch.0 }
    }
}
