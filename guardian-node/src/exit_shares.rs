//! The sealed file of a guardian's shares of validators' keys: which there are, read, written and added to. Each is checked against its
//! public commitments before it is taken.

use crate::{
    config::KeysConfig,
    durable::read_private,
    hint::{Hinted, WithHint},
    keys::KeyFiles,
};
use guardian_crypto::{
    bls::{
        ExitShare, ShareCommitments,
        import::{RawShare, import_all},
    },
    seal::{PurposeKind, Work},
    secret::Secret,
};
use guardian_protocol::{BlsPubkey, KeyEpoch, MemberId, ValidatorKey};
use std::{collections::BTreeMap, num::NonZeroUsize, path::Path, thread};

/// Version of the plaintext.
const VERSION: u8 = 1;

impl KeyFiles {
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
            Some((&VERSION, body)) => raw_shares(body),
            _ => None,
        };
        let shares = shares.ok_or_else(|| Hinted::new(malformed, advice))?;
        let workers = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        let imported = import_all(me, &shares, workers).map_err(|error| match owner_of(&shares, error.entry) {
            Some(owner) => Hinted::new(
                format!("{} holds exit shares of member {owner}, not {me}", path.display()),
                "each guardian has its own file of exit shares, and keeps its number in every committee",
            ),
            None => {
                let what = format!("{} holds a share that does not fit its commitments", path.display());
                Hinted::caused(what, advice, error)
            }
        })?;
        let keys = imported.into_iter().map(|(share, commitments)| {
            (commitments.public_key().to_bytes().into(), ValidatorKey { share, commitments })
        });
        Ok(keys.collect())
    }

    /// Seals shares of validators' keys into a new file at `path`.
    ///
    /// # Errors
    /// If there is a file already, or it can't be written.
    pub fn write_exits(&self, path: &Path, shares: &[(ExitShare, ShareCommitments)], work: Work) -> Result<(), Hinted> {
        let shares = shares.iter().map(|(share, commitments)| (share, commitments));
        self.write(path, PurposeKind::ExitShares, KeyEpoch(0), &plaintext(shares)?, work)
    }

    /// Adds shares to those in the file at `path`, which need not exist: afterwards it holds all of them, or is as it was. One that is
    /// there already changes nothing. Returns how many are new.
    ///
    /// # Errors
    /// If the file is not this guardian's, holds another share of one of the validators, or can't be written.
    pub fn add_exits(&self, path: &Path, me: MemberId, added: Vec<ValidatorKey>, work: Work) -> Result<usize, Hinted> {
        let missing = path.try_exists().is_ok_and(|there| !there);
        let mut all = if missing { BTreeMap::new() } else { self.exits(path, me)? };
        let before = all.len();
        for key in added {
            let validator = BlsPubkey::from(key.commitments.public_key().to_bytes());
            if key.share.member() != me || all.get(&validator).is_some_and(|known| known.commitments != key.commitments)
            {
                return Err(Hinted::new(
                    format!("{} holds another share of validator {validator}", path.display()),
                    "one key was dealt twice, or for another member: nothing was changed; find out which dealing the other guardians \
                     have, and restore the file without the wrong one",
                ));
            }
            all.entry(validator).or_insert(key);
        }
        let new = all.len().saturating_sub(before);
        if new > 0 {
            let shares = all.values().map(|key| (&key.share, &key.commitments));
            self.replace(path, PurposeKind::ExitShares, &plaintext(shares)?, work)?;
        }
        Ok(new)
    }
}

/// What is sealed: version; how many; of each the length of its commitments, the commitments, and the share. Numbers have 4 bytes, the
/// lowest first.
fn plaintext<'a>(
    shares: impl Iterator<Item = (&'a ExitShare, &'a ShareCommitments)> + Clone,
) -> Result<Secret<Vec<u8>>, Hinted> {
    let number = |number: usize| {
        u32::try_from(number).hint("too many exit shares", "this is a defect: report it").map(u32::to_le_bytes)
    };
    let public: Vec<Vec<u8>> = shares.clone().map(|(_, commitments)| commitments.to_bytes()).collect();
    let length = public.iter().fold(5, |sum: usize, bytes| sum.saturating_add(36).saturating_add(bytes.len()));
    // Room for all of it, so that no copy stays behind.
    let mut plaintext = Vec::with_capacity(length);
    plaintext.push(VERSION);
    plaintext.extend(number(public.len())?);
    for ((share, _), commitments) in shares.zip(&public) {
        plaintext.extend(number(commitments.len())?);
        plaintext.extend(commitments);
        plaintext.extend(share.to_secret_bytes().expose());
    }
    Ok(Secret::new(plaintext))
}

/// Whose the share with this number is, if it is a member's at all.
fn owner_of(shares: &[RawShare<'_>], entry: usize) -> Option<MemberId> {
    let raw = shares.get(entry)?;
    let commitments = ShareCommitments::from_bytes(raw.commitments).ok()?;
    ExitShare::locate(raw.share, &commitments).ok().map(|share| share.member())
}

/// What [`plaintext`] wrote behind the version, strictly, without another copy of the secrets.
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

    fn of(index: u64, seed_member: usize) -> ValidatorKey {
        let (mut shares, commitments) = split(&SecretKey::interop(index).unwrap(), 3, 2, &mut OsRng).unwrap();
        ValidatorKey { share: shares.remove(seed_member), commitments }
    }

    #[test]
    fn shares_are_added_to_those_that_are_there() {
        let folder = tempfile::tempdir().unwrap();
        let (files, _) = table(folder.path());
        let (path, me) = (folder.path().join("exits.sealed"), MemberId::new(2).unwrap());
        assert_eq!(files.add_exits(&path, me, vec![of(7, 1), of(8, 1)], Work::Devnet).unwrap(), 2);
        let mut all = files.exits(&path, me).unwrap();
        assert_eq!(all.len(), 5);
        let known = all.remove(&BlsPubkey::from(SecretKey::interop(7).unwrap().public_key().to_bytes())).unwrap();
        assert_eq!(files.add_exits(&path, me, vec![known], Work::Devnet).unwrap(), 0, "it is there already");
        // Another dealing of the same key, and another member's share: all or none.
        for wrong in [of(0, 1), of(9, 0)] {
            let error = files.add_exits(&path, me, vec![of(10, 1), wrong], Work::Devnet).unwrap_err();
            assert!(error.to_string().contains("another share of validator"), "{error}");
            assert_eq!(files.exits(&path, me).unwrap().len(), 5);
        }
        let fresh = folder.path().join("fresh.sealed");
        assert_eq!(files.add_exits(&fresh, me, vec![of(7, 1)], Work::Devnet).unwrap(), 1);
        assert_eq!(files.exits(&fresh, me).unwrap().len(), 1);
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
