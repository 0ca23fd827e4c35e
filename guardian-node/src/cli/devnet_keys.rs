//! `guardian devnet-keys`: everything a committee needs on a development chain, made by one machine that then knows it all. Never for
//! real stakes: a trusted dealer could sign alone.

use super::{init::new_account, output};
use crate::{
    committee::{CommitteeFile, MemberEntry},
    hint::{Hinted, WithHint},
    keys::{KeyFiles, write_private},
};
use alloy_primitives::Address;
use clap::Args;
use eyre::Result;
use guardian_chain::AccountKey;
use guardian_crypto::{
    bls::{self, ExitShare, ShareCommitments},
    frost::dealer,
    identity::IdentityKey,
    seal::{PurposeKind, Work},
    secret::Secret,
};
use guardian_protocol::types::KeyEpoch;
use rand_core::OsRng;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Arguments of `guardian devnet-keys`.
#[derive(Debug, Args)]
pub struct DevnetKeys {
    /// Folder to make
    #[arg(long)]
    pub out: PathBuf,
    /// How many guardians
    #[arg(long, default_value_t = 4)]
    pub guardians: u16,
    /// How many must act together
    #[arg(long, default_value_t = 3)]
    pub threshold: u16,
    /// How many interop validators' keys to split, from index 0
    #[arg(long, default_value_t = 16)]
    pub validators: u64,
    /// First network port: each guardian gets one
    #[arg(long, default_value_t = 19000)]
    pub base_port: u16,
    /// Addresses of the guardians, with {i} for the number; loopback if left out
    #[arg(long)]
    pub address: Option<String>,
}

/// What was made, for scripts: printed as JSON.
#[derive(Debug, Serialize)]
pub struct DevnetManifest {
    /// Group key coordinates, hex.
    pub group_key: (String, String),
    /// One for each guardian.
    pub guardians: Vec<GuardianFiles>,
    /// Public keys of the validators, hex, by index.
    pub validators: Vec<String>,
}

/// Where one guardian's files are.
#[derive(Debug, Serialize)]
pub struct GuardianFiles {
    /// Its name.
    pub name: String,
    /// Its folder.
    pub dir: PathBuf,
    /// Its network port.
    pub port: u16,
    /// The account that needs ether.
    pub account: Address,
}

impl DevnetKeys {
    pub(super) fn run(self) -> Result<()> {
        let manifest = self.make()?;
        output::data(&serde_json::to_string_pretty(&manifest)?);
        output::talk("\nThese keys were made by one machine, which knows them all: for development chains only.");
        Ok(())
    }

    /// Makes everything.
    ///
    /// # Errors
    /// If the numbers do not fit, or a file can't be written.
    pub fn make(&self) -> Result<DevnetManifest> {
        let (shares, public) = dealer::deal(self.guardians, self.threshold, &mut OsRng).hint(
            format!("can't deal a key to {} of {} guardians", self.threshold, self.guardians),
            "the threshold must be more than half of the guardians and at most all of them",
        )?;
        let splits = self.split_validators()?;
        let mut members = Vec::new();
        let mut guardians = Vec::new();
        for (i, share) in (1u16..).zip(&shares) {
            let name = format!("guardian-{i}");
            let dir = self.out.join(&name);
            let port = self.base_port.saturating_add(i).saturating_sub(1);
            let files = KeyFiles::with_passphrase(&name, Secret::new("devnet".to_owned()));
            let identity = IdentityKey::generate(&mut OsRng);
            let account = new_account();
            write_private(&dir.join("keys/passphrase"), b"devnet")?;
            let write = |file: &str, kind, epoch, bytes: &Secret<Vec<u8>>| {
                files.write(&dir.join("keys").join(file), kind, KeyEpoch(epoch), bytes, Work::Devnet)
            };
            let seed = Secret::new(identity.expose_seed().to_vec());
            write("identity.sealed", PurposeKind::Identity, 0, &seed)?;
            write("account.sealed", PurposeKind::Account, 0, &Secret::new(account.expose().to_vec()))?;
            write("share.sealed", PurposeKind::KeyShare, 1, &share.to_secret_bytes())?;
            let exits = take_share(&splits, usize::from(i))?;
            files.write_exits(&dir.join("keys/exits.sealed"), &exits, Work::Devnet)?;
            let address =
                AccountKey::from_bytes(account.expose()).hint("can't make an account", "try again")?.address();
            let reachable = self.addresses(i, port)?;
            members.push(MemberEntry {
                id: share.member(),
                name: name.clone(),
                identity: identity.public(),
                addresses: reachable,
            });
            guardians.push(GuardianFiles { name, dir, port, account: address });
        }
        let committee =
            CommitteeFile { key_epoch: KeyEpoch(1), public_shares: hex::encode(public.to_bytes()), members };
        write_committee(&committee, &self.out, &guardians)?;
        let (x, y) = public.group_key().coordinates();
        Ok(DevnetManifest {
            group_key: (hex::encode(x), hex::encode(y)),
            guardians,
            validators: splits.iter().map(|split| hex::encode(split.commitments.public_key().to_bytes())).collect(),
        })
    }

    fn split_validators(&self) -> Result<Vec<Split>> {
        (0..self.validators)
            .map(|index| {
                let key = bls::SecretKey::interop(index)
                    .hint("can't derive an interop key", "this is a defect: report it")?;
                let (shares, commitments) = bls::dealer::split(&key, self.guardians, self.threshold, &mut OsRng)
                    .hint("can't split a validator's key", "check --guardians and --threshold")?;
                Ok(Split { shares, commitments })
            })
            .collect()
    }

    fn addresses(&self, i: u16, port: u16) -> Result<Vec<guardian_p2p::Multiaddr>, Hinted> {
        let text = self.address.as_ref().map_or_else(
            || format!("/ip4/127.0.0.1/udp/{port}/quic-v1"),
            |template| template.replace("{i}", &i.to_string()),
        );
        Ok(vec![text.parse().hint(
            format!("`{text}` is not a multiaddress"),
            "write --address like /dns4/guardian-{i}/udp/9000/quic-v1",
        )?])
    }
}

/// One validator's key in parts.
struct Split {
    shares: Vec<ExitShare>,
    commitments: ShareCommitments,
}

/// The shares of guardian number `i` (from 1) of every validator.
fn take_share(splits: &[Split], i: usize) -> Result<Vec<(ExitShare, ShareCommitments)>> {
    splits
        .iter()
        .map(|split| {
            let share = i.checked_sub(1).and_then(|at| split.shares.get(at));
            let share = share.ok_or_else(|| Hinted::new("a share is missing", "this is a defect: report it"))?;
            let copy = ExitShare::import(share.member(), share.to_secret_bytes().expose(), &split.commitments)
                .hint("a share does not fit", "this is a defect: report it")?;
            Ok((copy, split.commitments.clone()))
        })
        .collect()
}

fn write_committee(committee: &CommitteeFile, out: &Path, guardians: &[GuardianFiles]) -> Result<()> {
    let text = toml::to_string_pretty(committee)?;
    write_private(&out.join("committee.toml"), text.as_bytes())?;
    for guardian in guardians {
        write_private(&guardian.dir.join("committee.toml"), text.as_bytes())?;
    }
    Ok(())
}
