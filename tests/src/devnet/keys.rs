//! Everything a committee needs on a development chain, made by one machine that then knows it all. Never for real stakes: a trusted
//! dealer could sign alone, which is why no command of the operator's does this.
//!
//! With `no_group_key` the guardians make the group key themselves, by the plan that is written instead of a committee file.

use alloy::primitives::Address;
use eyre::Result;
use guardian_chain::AccountKey;
use guardian_crypto::{
    bls::{self, ExitShare, ShareCommitments},
    frost::dealer,
    identity::IdentityKey,
    seal::{PurposeKind, Work},
    secret::Secret,
};
use guardian_node::{
    ceremony::plan_file::PlanFile,
    committee::{CommitteeFile, MemberEntry},
    durable::write_private,
    hint::{Hinted, WithHint},
    keys::KeyFiles,
    shares::Shares,
};
use guardian_protocol::{KeyEpoch, MemberId};
use rand_core::{OsRng, RngCore};
use std::path::PathBuf;

/// An order for keys and files.
#[derive(Clone, Debug)]
pub struct DevnetKeys {
    /// Folder to make
    pub out: PathBuf,
    /// How many guardians
    pub guardians: u16,
    /// How many must act together
    pub threshold: u16,
    /// How many interop validators' keys to split, from index 0
    pub validators: u64,
    /// First network port: each guardian gets one for its node, and after all of these one for key ceremonies
    pub base_port: u16,
    /// Addresses of the guardians' nodes, with {i} for the number; loopback if left out
    pub address: Option<String>,
    /// Their addresses during key ceremonies, with {i} for the number; loopback if left out
    pub ceremony_address: Option<String>,
    /// The number of a guardian that gets no key of its account: a remote signer is to have it
    pub remote_account: Option<u16>,
    /// Make no group key: write a plan.toml with which the guardians make it themselves (`guardian key generate`)
    pub no_group_key: bool,
}

impl Default for DevnetKeys {
    /// Four guardians on loopback, of whom three must act together.
    fn default() -> Self {
        Self {
            out: PathBuf::new(),
            guardians: 4,
            threshold: 3,
            validators: 16,
            base_port: 19000,
            address: None,
            ceremony_address: None,
            remote_account: None,
            no_group_key: false,
        }
    }
}

/// The keys and files that were made.
#[derive(Debug)]
pub struct DevnetManifest {
    /// Group key coordinates, hex; none if the guardians are to make it.
    pub group_key: Option<(String, String)>,
    /// One for each guardian.
    pub guardians: Vec<GuardianFiles>,
    /// Public keys of the validators, hex, by index.
    pub validators: Vec<String>,
}

/// Where one guardian's files are.
#[derive(Debug)]
pub struct GuardianFiles {
    /// Its name.
    pub name: String,
    /// Its folder.
    pub dir: PathBuf,
    /// Its network port.
    pub port: u16,
    /// Its network port during key ceremonies.
    pub ceremony_port: u16,
    /// The account that needs ether.
    pub account: Address,
    /// The account's key, if it is not in the folder.
    pub account_key: Option<Secret<[u8; 32]>>,
    /// Where a web3signer has it.
    pub web3signer: Option<String>,
}

impl DevnetKeys {
    /// Makes everything.
    ///
    /// # Errors
    /// If the numbers do not fit, or a file can't be written.
    pub fn make(&self) -> Result<DevnetManifest> {
        let splits = self.split_validators()?;
        let mut members = Vec::new();
        let mut guardians = Vec::new();
        for id in MemberId::first(self.guardians) {
            let (entry, files) = self.guardian(id, &splits)?;
            members.push(entry);
            guardians.push(files);
        }
        let group_key = if self.no_group_key {
            self.write_plan(members, &guardians)?;
            None
        } else {
            Some(self.deal(members, &guardians)?)
        };
        let validators = splits.iter().map(|split| hex::encode(split.commitments.public_key().to_bytes())).collect();
        Ok(DevnetManifest { group_key, guardians, validators })
    }

    /// Everything of one guardian but the group key.
    fn guardian(&self, id: MemberId, splits: &[Split]) -> Result<(MemberEntry, GuardianFiles)> {
        let i = id.get();
        let name = format!("guardian-{i}");
        let dir = self.out.join(&name);
        let port = self.base_port.saturating_add(i).saturating_sub(1);
        let ceremony_port = port.saturating_add(self.guardians);
        let files = key_files(&name);
        let identity = IdentityKey::generate(&mut OsRng);
        let account = new_account();
        write_private(&dir.join("keys/passphrase"), PASSPHRASE.as_bytes())?;
        let write = |file: &str, kind, bytes: &Secret<Vec<u8>>| {
            files.write(&dir.join("keys").join(file), kind, KeyEpoch(0), bytes, Work::Devnet)
        };
        write("identity.sealed", PurposeKind::Identity, &Secret::new(identity.expose_seed().to_vec()))?;
        files.write_exits(&dir.join("keys/exits.sealed"), &take_share(splits, usize::from(i))?, Work::Devnet)?;
        let address = AccountKey::from_bytes(account.expose()).hint("can't make an account", "try again")?.address();
        let account_key = if self.remote_account == Some(i) {
            Some(account)
        } else {
            write("account.sealed", PurposeKind::Account, &Secret::new(account.expose().to_vec()))?;
            None
        };
        let entry = MemberEntry {
            id,
            name: name.clone(),
            identity: identity.public(),
            addresses: addresses("address", self.address.as_ref(), i, port)?,
            ceremony_addresses: match (&self.ceremony_address, &self.address) {
                // Somewhere else, and nobody said where: the same address.
                (None, Some(_)) => Vec::new(),
                (template, _) => addresses("ceremony_address", template.as_ref(), i, ceremony_port)?,
            },
        };
        let account = address;
        Ok((entry, GuardianFiles { name, dir, port, ceremony_port, account, account_key, web3signer: None }))
    }

    /// Deals the group key; returns its coordinates.
    fn deal(&self, members: Vec<MemberEntry>, guardians: &[GuardianFiles]) -> Result<(String, String)> {
        let (shares, public) = dealer::deal(self.guardians, self.threshold, &mut OsRng).hint(
            format!("can't deal a key to {} of {} guardians", self.threshold, self.guardians),
            "the threshold must be more than half of the guardians and at most all of them",
        )?;
        let file = CommitteeFile { key_epoch: KeyEpoch(1), public_shares: hex::encode(public.to_bytes()), members };
        let committee = file.committee()?;
        for (guardian, share) in guardians.iter().zip(&shares) {
            let folder = guardian.dir.join("keys/shares");
            Shares::new(&folder, &key_files(&guardian.name)).write(&committee, share, Work::Devnet)?;
        }
        self.write_everywhere("committee.toml", &file.text()?, guardians)?;
        let (x, y) = public.group_key().coordinates();
        Ok((hex::encode(x), hex::encode(y)))
    }

    /// The plan of the ceremony that makes the group key.
    fn write_plan(&self, members: Vec<MemberEntry>, guardians: &[GuardianFiles]) -> Result<()> {
        let plan = PlanFile::generate("devnet", self.threshold, members)?;
        self.write_everywhere("plan.toml", &plan.text()?, guardians)
    }

    fn write_everywhere(&self, name: &str, text: &str, guardians: &[GuardianFiles]) -> Result<()> {
        write_private(&self.out.join(name), text.as_bytes())?;
        for guardian in guardians {
            write_private(&guardian.dir.join(name), text.as_bytes())?;
        }
        Ok(())
    }

    fn split_validators(&self) -> Result<Vec<Split>> {
        (0..self.validators)
            .map(|index| {
                let key = bls::SecretKey::interop(index)
                    .hint("can't derive an interop key", "this is a defect: report it")?;
                let (shares, commitments) = bls::dealer::split(&key, self.guardians, self.threshold, &mut OsRng)
                    .hint("can't split a validator's key", "check guardians and threshold")?;
                Ok(Split { shares, commitments })
            })
            .collect()
    }
}

/// No secret: whoever deals the keys of a development network knows them anyway.
const PASSPHRASE: &str = "devnet";

fn key_files(name: &str) -> KeyFiles {
    KeyFiles::with_passphrase(name, Secret::new(PASSPHRASE.to_owned()))
}

fn addresses(
    option: &str,
    template: Option<&String>,
    i: u16,
    port: u16,
) -> Result<Vec<guardian_p2p::Multiaddr>, Hinted> {
    let text = template.map_or_else(
        || format!("/ip4/127.0.0.1/udp/{port}/quic-v1"),
        |template| template.replace("{i}", &i.to_string()),
    );
    let advice = format!("write {option} like /dns4/guardian-{{i}}/udp/23700/quic-v1");
    Ok(vec![text.parse().hint(format!("`{text}` is not a multiaddress"), advice)?])
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

/// A random secp256k1 key. A draw of 32 bytes is a valid one except with probability 2^-128.
fn new_account() -> Secret<[u8; 32]> {
    let mut bytes = [0; 32];
    OsRng.fill_bytes(&mut bytes);
    Secret::new(bytes)
}
