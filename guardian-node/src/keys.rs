//! Sealed key files on disk: written whole or not at all, readable by their owner only, refused if they are not what they should be.

use crate::hint::{Hinted, WithHint};
use borsh::{BorshDeserialize, BorshSerialize};
use guardian_crypto::{
    bls::{ExitShare, ShareCommitments},
    frost::KeyShare,
    identity::IdentityKey,
    seal::{self, Purpose, PurposeKind, Work},
    secret::Secret,
};
use guardian_protocol::{
    exits::ValidatorKey,
    types::{BlsPubkey, KeyEpoch, MemberId},
};
use std::{collections::BTreeMap, fs, io::Write, path::Path};
use tempfile::NamedTempFile;

/// Opens one guardian's sealed files.
#[derive(Debug)]
pub struct KeyFiles {
    owner: String,
    passphrase: Secret<String>,
}

/// A guardian's share of one validator's key, as it lies in the sealed file.
#[derive(BorshSerialize, BorshDeserialize)]
struct SealedExitShare {
    commitments: Vec<u8>,
    share: [u8; 32],
}

/// Version of the plaintext of the exit shares' file.
const EXITS_VERSION: u8 = 1;

impl KeyFiles {
    /// For the files of guardian `owner`, with the passphrase in `passphrase_file`.
    ///
    /// # Errors
    /// If the passphrase can't be read or is empty.
    pub fn new(owner: &str, passphrase_file: &Path) -> Result<Self, Hinted> {
        let advice = "put the passphrase of the sealed keys into this file, readable by the guardian only (chmod 600)";
        let text = fs::read_to_string(passphrase_file)
            .hint(format!("can't read the passphrase file {}", passphrase_file.display()), advice)?;
        let passphrase = text.trim_end_matches(['\r', '\n']).to_owned();
        if passphrase.is_empty() {
            return Err(Hinted::new(format!("the passphrase file {} is empty", passphrase_file.display()), advice));
        }
        Ok(Self::with_passphrase(owner, Secret::new(passphrase)))
    }

    /// The same with the passphrase at hand.
    #[must_use]
    pub fn with_passphrase(owner: &str, passphrase: Secret<String>) -> Self {
        Self { owner: owner.to_owned(), passphrase }
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

    /// The shares of the validators' keys. Each is checked against its public commitments before it is taken.
    ///
    /// # Errors
    /// If the file is not this guardian's, or one share does not fit its commitments.
    pub fn exits(&self, path: &Path, me: MemberId) -> Result<BTreeMap<BlsPubkey, ValidatorKey>, Hinted> {
        let advice = "restore the file from your backup, or ask the dealer of the shares for it again";
        let bytes = self.read(path, PurposeKind::ExitShares, KeyEpoch(0))?;
        let malformed = format!("{} does not hold exit shares", path.display());
        let entries: Vec<SealedExitShare> = match bytes.expose().split_first() {
            Some((&EXITS_VERSION, body)) => borsh::from_slice(body).hint(malformed, advice)?,
            _ => return Err(Hinted::new(malformed, advice)),
        };
        let mut keys = BTreeMap::new();
        for entry in entries {
            let wrong = || format!("{} holds a share that does not fit its commitments", path.display());
            let commitments = ShareCommitments::from_bytes(&entry.commitments).hint(wrong(), advice)?;
            let share = ExitShare::import(me, &entry.share, &commitments).hint(wrong(), advice)?;
            keys.insert(commitments.public_key().to_bytes().into(), ValidatorKey { share, commitments });
        }
        Ok(keys)
    }

    /// Seals shares of validators' keys into `path`.
    ///
    /// # Errors
    /// If the file can't be written.
    pub fn write_exits(&self, path: &Path, shares: &[(ExitShare, ShareCommitments)], work: Work) -> Result<(), Hinted> {
        let entries: Vec<SealedExitShare> = shares
            .iter()
            .map(|(share, commitments)| SealedExitShare {
                commitments: commitments.to_bytes(),
                share: *share.to_secret_bytes().expose(),
            })
            .collect();
        let mut plaintext = vec![EXITS_VERSION];
        entries.serialize(&mut plaintext).hint("can't encode exit shares", "this is a defect: report it")?;
        self.write(path, PurposeKind::ExitShares, KeyEpoch(0), &Secret::new(plaintext), work)
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
        let purpose = self.purpose(kind, key_epoch);
        let sealed = seal::seal(&purpose, plaintext, &self.passphrase, work)
            .hint(format!("can't seal {}", path.display()), "this is a defect: report it")?;
        write_private(path, &sealed)
    }

    fn fixed(&self, path: &Path, kind: PurposeKind, key_epoch: KeyEpoch) -> Result<[u8; 32], Hinted> {
        let bytes = self.read(path, kind, key_epoch)?;
        bytes
            .expose()
            .as_slice()
            .try_into()
            .hint(format!("{} does not hold a key of 32 bytes", path.display()), "restore the file from your backup")
    }

    fn read(&self, path: &Path, kind: PurposeKind, key_epoch: KeyEpoch) -> Result<Secret<Vec<u8>>, Hinted> {
        let bytes = fs::read(path).hint(
            format!("can't read the sealed key {}", path.display()),
            "check the path under [keys]; `guardian init` makes identity and account keys",
        )?;
        seal::open(&self.purpose(kind, key_epoch), &bytes, &self.passphrase).hint(
            format!("can't open the sealed key {}", path.display()),
            "check [keys] passphrase_file and that the file belongs to this guardian and key epoch; restore it from your backup if it is damaged",
        )
    }

    fn purpose(&self, kind: PurposeKind, key_epoch: KeyEpoch) -> Purpose {
        Purpose { kind, owner: self.owner.clone(), key_epoch: key_epoch.0 }
    }
}

/// Writes `bytes` to a new file at `path` that only its owner can read: complete and synced, or not there at all.
///
/// # Errors
/// If there is a file already, or it can't be written.
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<(), Hinted> {
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let write = || -> std::io::Result<()> {
        fs::create_dir_all(folder)?;
        // Made with mode 0600, in the same folder, so that the rename is atomic.
        let mut file = NamedTempFile::new_in(folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist_noclobber(path).map_err(|error| error.error)?;
        fs::File::open(folder)?.sync_all()
    };
    write().hint(
        format!("can't write {}", path.display()),
        "an existing file is never overwritten: move it away first; check free space and permissions",
    )
}
