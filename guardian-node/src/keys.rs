//! Sealed key files on disk, refused if they are not what they should be. How they get there whole is `durable`'s business.

use crate::{
    config::{Config, KeysConfig},
    durable::{read_private, write_private},
    hint::{Hinted, WithHint},
    passphrase,
};
use guardian_crypto::{
    bls::{
        ExitShare, ShareCommitments,
        import::{RawShare, import_all},
    },
    frost::KeyShare,
    identity::IdentityKey,
    seal::{self, Purpose, PurposeKind, Work},
    secret::Secret,
};
use guardian_protocol::{BlsPubkey, KeyEpoch, MemberId, ValidatorKey};
use std::{collections::BTreeMap, num::NonZeroUsize, path::Path, thread};

/// Opens one guardian's sealed files.
#[derive(Debug)]
pub struct KeyFiles {
    owner: String,
    passphrase: Secret<String>,
}

/// Version of the plaintext of the exit shares' file.
const EXITS_VERSION: u8 = 1;

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

    /// The shares of the validators' keys that `keys` leads to; none if no file is named, and none is in the usual place.
    ///
    /// # Errors
    /// As of [`KeyFiles::exits`].
    pub fn exits_of(&self, keys: &KeysConfig, me: MemberId) -> Result<BTreeMap<BlsPubkey, ValidatorKey>, Hinted> {
        let path = keys.exit_shares();
        // What can't be looked at is not missing: reading it says why.
        if keys.exits.is_none() && path.try_exists().is_ok_and(|there| !there) {
            return Ok(BTreeMap::new());
        }
        self.exits(&path, me)
    }

    /// The shares of the validators' keys. Each is checked against its public commitments before it is taken.
    ///
    /// # Errors
    /// If the file is not this guardian's, or one share does not fit its commitments.
    pub fn exits(&self, path: &Path, me: MemberId) -> Result<BTreeMap<BlsPubkey, ValidatorKey>, Hinted> {
        let advice = "restore the file from your backup, or ask the dealer of the shares for it again";
        let what = format!("can't read the exit shares {}", path.display());
        let missing = "leave [keys] exits out as long as there are none: the guardian runs without; else get the file again from whoever dealt \
                       the shares, or from your backup";
        let bytes =
            self.open(PurposeKind::ExitShares, KeyEpoch(0), read_private(path, &what, missing)?.expose(), path)?;
        let malformed = format!("{} does not hold exit shares", path.display());
        let shares = match bytes.expose().split_first() {
            Some((&EXITS_VERSION, body)) => raw_shares(body),
            _ => None,
        };
        let shares = shares.ok_or_else(|| Hinted::new(malformed, advice))?;
        let workers = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        let imported = import_all(&shares, workers)
            .hint(format!("{} holds a share that does not fit its commitments", path.display()), advice)?;
        // Whose shares these are, they say themselves: the committee file only has to agree.
        if let Some((share, _)) = imported.first().filter(|(share, _)| share.member() != me) {
            return Err(Hinted::new(
                format!("{} holds exit shares of member {}, not {me}", path.display(), share.member()),
                "each guardian has its own file of exit shares, and keeps its number in every committee",
            ));
        }
        let keys = imported.into_iter().map(|(share, commitments)| {
            (commitments.public_key().to_bytes().into(), ValidatorKey { share, commitments })
        });
        Ok(keys.collect())
    }

    /// Seals shares of validators' keys into `path`.
    ///
    /// # Errors
    /// If the file can't be written.
    pub fn write_exits(&self, path: &Path, shares: &[(ExitShare, ShareCommitments)], work: Work) -> Result<(), Hinted> {
        let defect = "this is a defect: report it";
        let number = |number: usize| u32::try_from(number).hint("too many exit shares", defect).map(u32::to_le_bytes);
        let public: Vec<Vec<u8>> = shares.iter().map(|(_, commitments)| commitments.to_bytes()).collect();
        let length = public.iter().fold(5, |sum: usize, bytes| sum.saturating_add(36).saturating_add(bytes.len()));
        // Room for all of it, so that no copy stays behind.
        let mut plaintext = Vec::with_capacity(length);
        plaintext.push(EXITS_VERSION);
        plaintext.extend(number(shares.len())?);
        for ((share, _), commitments) in shares.iter().zip(&public) {
            plaintext.extend(number(commitments.len())?);
            plaintext.extend(commitments);
            plaintext.extend(share.to_secret_bytes().expose());
        }
        self.write(path, PurposeKind::ExitShares, KeyEpoch(0), &Secret::new(plaintext), work)
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

    fn fixed(&self, path: &Path, kind: PurposeKind, key_epoch: KeyEpoch) -> Result<[u8; 32], Hinted> {
        let bytes = self.read(path, kind, key_epoch)?;
        bytes
            .expose()
            .as_slice()
            .try_into()
            .hint(format!("{} does not hold a key of 32 bytes", path.display()), "restore the file from your backup")
    }

    fn read(&self, path: &Path, kind: PurposeKind, key_epoch: KeyEpoch) -> Result<Secret<Vec<u8>>, Hinted> {
        let what = format!("can't read the sealed key {}", path.display());
        let advice = "check the path under [keys]; `guardian init` makes identity and account keys";
        self.open(kind, key_epoch, read_private(path, &what, advice)?.expose(), path)
    }

    fn purpose(&self, kind: PurposeKind, key_epoch: KeyEpoch) -> Purpose {
        Purpose { kind, owner: self.owner.clone(), key_epoch: key_epoch.0 }
    }
}

/// What was written, strictly, without another copy of the secrets: how many; of each the length of its commitments, the commitments, and
/// the share. Numbers have 4 bytes, the lowest first.
fn raw_shares(body: &[u8]) -> Option<Vec<RawShare<'_>>> {
    let number = |bytes: &[u8; 4]| usize::try_from(u32::from_le_bytes(*bytes)).ok();
    let (count, mut rest) = body.split_first_chunk()?;
    let mut shares = Vec::new();
    for _ in 0..number(count)? {
        let (length, tail) = rest.split_first_chunk()?;
        let (commitments, tail) = tail.split_at_checked(number(length)?)?;
        let (share, tail) = tail.split_at_checked(32)?;
        shares.push(RawShare { share, commitments });
        rest = tail;
    }
    rest.is_empty().then_some(shares)
}

#[cfg(test)]
mod tests {
    use super::*;
    use guardian_crypto::bls::{SecretKey, dealer::split};
    use rand_core::OsRng;

    /// The files of a guardian, and what member 2 of three keeps of some validators' keys.
    fn table(folder: &Path) -> (KeyFiles, Vec<(ExitShare, ShareCommitments)>) {
        let files = KeyFiles::with_passphrase("guardian-2", Secret::new("test".to_owned()));
        let shares: Vec<_> = (0..3)
            .map(|index| {
                let (mut shares, commitments) = split(&SecretKey::interop(index).unwrap(), 3, 2, &mut OsRng).unwrap();
                (shares.remove(1), commitments)
            })
            .collect();
        files.write_exits(&folder.join("exits.sealed"), &shares, Work::Devnet).unwrap();
        (files, shares)
    }

    #[test]
    fn exit_shares_are_read_as_written_and_name_their_owner() {
        let folder = tempfile::tempdir().unwrap();
        let (files, written) = table(folder.path());
        let path = folder.path().join("exits.sealed");
        let read = files.exits(&path, MemberId::new(2).unwrap()).unwrap();
        assert_eq!(read.len(), 3);
        for (share, commitments) in written {
            let key = &read[&BlsPubkey::from(commitments.public_key().to_bytes())];
            assert_eq!((key.share.member().get(), &key.commitments), (2, &commitments));
            assert_eq!(key.share.to_secret_bytes().expose(), share.to_secret_bytes().expose());
        }
        let refused = files.exits(&path, MemberId::new(1).unwrap()).unwrap_err();
        assert!(refused.to_string().contains("member 2"), "{refused}");
    }

    #[test]
    fn exit_shares_may_be_missing_unless_their_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let (files, _) = table(folder.path());
        let me = MemberId::new(2).unwrap();
        let mut keys = KeysConfig { identity: folder.path().join("identity.sealed"), ..KeysConfig::default() };
        assert_eq!(files.exits_of(&keys, me).unwrap().len(), 3, "beside the identity");
        std::fs::rename(keys.exit_shares(), folder.path().join("elsewhere")).unwrap();
        assert_eq!(files.exits_of(&keys, me).unwrap().len(), 0);
        keys.exits = Some(folder.path().join("elsewhere"));
        assert_eq!(files.exits_of(&keys, me).unwrap().len(), 3, "where it is named");
        keys.exits = Some(folder.path().join("nowhere"));
        let error = files.exits_of(&keys, me).unwrap_err();
        assert!(error.to_string().contains("nowhere") && error.advice().contains("leave [keys] exits out"), "{error}");
    }

    #[test]
    fn exit_shares_of_thousands_of_validators_in_a_large_committee_can_be_sealed() {
        let files = KeyFiles::with_passphrase("guardian-2", Secret::new("test".to_owned()));
        // 67 points of 48 bytes, a length and a share, of each of 5,000 validators.
        let plaintext = Secret::new(vec![7; 5_000 * (67 * 48 + 36)]);
        let sealed = files.seal(PurposeKind::ExitShares, KeyEpoch(0), &plaintext, Work::Devnet).unwrap();
        let opened = files.open(PurposeKind::ExitShares, KeyEpoch(0), &sealed, Path::new("here")).unwrap();
        assert!(opened.expose() == plaintext.expose());
    }

    #[test]
    fn a_key_file_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (files, _) = table(folder.path());
        let path = folder.path().join("exits.sealed");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        let error = files.exits(&path, MemberId::new(2).unwrap()).unwrap_err();
        assert!(error.to_string().contains("mode 640") && error.advice().contains("chmod 600"), "{error}");
    }

    #[test]
    fn only_whole_exit_shares_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let (files, written) = table(folder.path());
        let plain = files.read(&folder.path().join("exits.sealed"), PurposeKind::ExitShares, KeyEpoch(0)).unwrap();
        let body = &plain.expose()[1..];
        let raw = raw_shares(body).unwrap();
        for (raw, (share, commitments)) in raw.iter().zip(&written) {
            assert_eq!(
                (raw.share, raw.commitments),
                (&share.to_secret_bytes().expose()[..], &commitments.to_bytes()[..])
            );
        }
        assert_eq!(raw_shares(&0u32.to_le_bytes()).map(|none| none.len()), Some(0));
        for length in 0..body.len() {
            assert!(raw_shares(&body[..length]).is_none(), "length {length}");
        }
        assert!(raw_shares(&[body, &[0]].concat()).is_none());
        assert!(raw_shares(&[&u32::MAX.to_le_bytes()[..], &body[4..]].concat()).is_none());
        assert!(raw_shares(&[&body[..4], &u32::MAX.to_le_bytes()[..], &body[8..]].concat()).is_none());
    }
}
