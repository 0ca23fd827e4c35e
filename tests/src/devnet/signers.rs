//! The group's signature without the guardians' nodes, made of the shares on their disks. The devnet's governor provisions validators with
//! it, which no node signs yet; a thief signs whatever it likes.

use super::{chains::CHAIN_ID, guardians, keys::GuardianFiles};
use alloy::primitives::B256;
use eyre::{Result, eyre};
use guardian_crypto::{
    frost::{
        KeyShare,
        signing::{self, SigningPackage},
    },
    schnorr::Signature,
};
use guardian_node::{committee::CommitteeFile, keys::KeyFiles, shares::Shares};
use guardian_protocol::{
    ChainSpec, Committee, Contracts, Duty, Setup, Signed,
    testing::{chain_spec, member, setup},
};
use rand_core::OsRng;
use std::{collections::BTreeMap, path::Path};

/// As many shares as must sign.
#[derive(Debug)]
pub(super) struct Signers {
    pub(super) committee: Committee,
    shares: Vec<KeyShare>,
}

impl Signers {
    /// Those of the first guardians with these names and homes.
    ///
    /// # Errors
    /// If a file can't be read.
    pub(super) fn of<'a>(homes: impl IntoIterator<Item = (&'a str, &'a Path)>) -> Result<Self> {
        let mut homes = homes.into_iter().peekable();
        let (_, first) = homes.peek().ok_or_else(|| eyre!("no guardians"))?;
        let committee = CommitteeFile::load(&first.join("committee.toml"))?.committee()?;
        let shares = homes.take(committee.threshold()).map(|(name, home)| share(&committee, name, home));
        let shares = shares.collect::<Result<_>>()?;
        Ok(Self { committee, shares })
    }

    /// Those of guardians that were not started yet.
    ///
    /// # Errors
    /// If a file can't be read.
    pub(super) fn of_files(files: &[GuardianFiles]) -> Result<Self> {
        Self::of(files.iter().map(|files| (files.name.as_str(), files.dir.as_path())))
    }

    /// Signs a digest.
    ///
    /// # Errors
    /// If the shares do not make a signature.
    pub(super) fn sign(&self, digest: B256) -> Result<Signature> {
        sign(&self.committee, &self.shares, digest)
    }

    /// Signs a duty to one of `contracts`.
    ///
    /// # Errors
    /// If the duty is malformed, or the shares do not make a signature.
    pub(super) fn signed(&self, duty: Duty, contracts: Contracts) -> Result<Signed> {
        let network = ChainSpec { chain_id: CHAIN_ID, ..chain_spec() };
        let setup = Setup { network, contracts, ..setup(self.committee.clone(), member(1)) };
        let digest = setup.domain().digest(&duty).ok_or_else(|| eyre!("no contract for the duty"))?;
        Ok(Signed::verify(duty, self.sign(digest)?, &setup)?)
    }
}

/// The key files of the guardian `name` at `home`.
///
/// # Errors
/// If there is no passphrase.
pub(super) fn key_files(name: &str, home: &Path) -> Result<KeyFiles> {
    Ok(KeyFiles::new(name, &home.join(guardians::passphrase(name, home)))?)
}

/// The share on the disk of the guardian `name` at `home`.
fn share(committee: &Committee, name: &str, home: &Path) -> Result<KeyShare> {
    let files = key_files(name, home)?;
    Ok(Shares::new(&home.join("keys/shares"), &files).load(committee)?)
}

/// The signature of all of `shares` over `digest`, verified under the group key on the way.
///
/// # Errors
/// If they do not make one.
pub(super) fn sign(committee: &Committee, shares: &[KeyShare], digest: B256) -> Result<Signature> {
    let (mut secrets, mut commitments) = (Vec::new(), BTreeMap::new());
    for share in shares {
        let (secret, public) = signing::commit(share, &mut OsRng)?;
        commitments.insert(share.member(), public);
        secrets.push(secret);
    }
    let package = SigningPackage::new(digest.0, &commitments)?;
    let parts = secrets.into_iter().zip(shares).map(|(nonces, share)| {
        let part = signing::sign(nonces, &package, share)?;
        Ok((share.member(), part))
    });
    Ok(signing::aggregate(&package, &parts.collect::<Result<_>>()?, committee.public_shares())?)
}
