//! `guardian verify exit`: the root that a voluntary exit's signature covers, and the signature.

use super::{
    facts::{Facts, Form},
    fixed,
    networks::Network,
};
use crate::hint::{Hinted, WithHint};
use alloy_primitives::{B256, FixedBytes};
use clap::Args;
use eyre::Result;
use guardian_crypto::bls::{
    BlsSignature, PublicKey,
    exit::{ExitDomain, VoluntaryExit},
};
use serde::Deserialize;
use std::{fs, path::PathBuf};

/// Arguments of `guardian verify exit`.
#[derive(Debug, Args)]
pub(in crate::cli) struct Exit {
    /// The exit, as the beacon API and tools for stakers write it (JSON: `message` and `signature`)
    #[arg(required_unless_present_all = ["validator_index", "epoch"], conflicts_with_all = ["validator_index", "epoch"])]
    file: Option<PathBuf>,
    /// Instead of a file: the validator's index
    #[arg(long, requires = "epoch")]
    validator_index: Option<u64>,
    /// Instead of a file: the epoch in the message
    #[arg(long, requires = "validator_index")]
    epoch: Option<u64>,
    /// The signature, if it is in no file: 96 bytes
    #[arg(long, value_parser = fixed::<96>, requires = "pubkey", conflicts_with = "file")]
    signature: Option<[u8; 96]>,
    /// The validator's public key: 48 bytes
    #[arg(long, value_parser = fixed::<48>)]
    pubkey: Option<[u8; 48]>,
    /// The root that the signature is said to cover
    #[arg(long, value_parser = fixed::<32>)]
    root: Option<[u8; 32]>,
    #[command(flatten)]
    chain: Chain,
    #[command(flatten)]
    form: Form,
}

/// Of which chain.
#[derive(Debug, Args)]
struct Chain {
    /// A public network, as it is since Deneb: signed under Capella's fork version (EIP-7044)
    #[arg(long, value_enum, required_unless_present_all = ["fork_version", "genesis_validators_root"])]
    network: Option<Network>,
    /// Of any chain: the fork version, from Deneb on Capella's
    #[arg(long, value_parser = fixed::<4>, requires = "genesis_validators_root", conflicts_with = "network")]
    fork_version: Option<[u8; 4]>,
    /// Of any chain: the root of its validators at genesis
    #[arg(long, value_parser = fixed::<32>, requires = "fork_version", conflicts_with = "network")]
    genesis_validators_root: Option<[u8; 32]>,
}

/// A signed exit, or one without its signature.
#[derive(Debug, Deserialize)]
struct ExitFile {
    message: Message,
    #[serde(default)]
    signature: Option<FixedBytes<96>>,
}

/// Numbers are strings, as everywhere in the beacon API.
#[derive(Debug, Deserialize)]
struct Message {
    epoch: String,
    validator_index: String,
}

impl Exit {
    pub(super) fn run(self) -> Result<()> {
        let (exit, signature) = self.exit()?;
        let (version, genesis) = self.chain.get()?;
        let domain = ExitDomain::new(version, &genesis.0);
        let root = exit.signing_root(&domain);
        let mut facts = Facts::default();
        facts.add("validator_index", exit.validator_index)?;
        facts.add("epoch", exit.epoch)?;
        facts.add("fork_version", FixedBytes::from(version))?;
        facts.add("genesis_validators_root", genesis)?;
        facts.add("domain", domain)?;
        facts.add("signing_root", B256::from(*root.as_bytes()))?;
        let is_root = self.root.map(|said| {
            let what = format!("the root of this exit is not {}", B256::from(said));
            (said == *root.as_bytes()).then_some(()).ok_or_else(|| {
                Hinted::new(
                    what,
                    "is it an exit of another chain, fork version, validator or epoch? See what was computed",
                )
            })
        });
        let is_signed = match (signature, self.pubkey) {
            (Some(signature), Some(pubkey)) => Some(is_signed(root.as_bytes(), &pubkey, &signature)),
            (Some(_), None) => {
                let advice = "pass its public key with --pubkey; any explorer or beacon node tells it from the index";
                return Err(Hinted::new("an exit names its validator by index, not by key", advice).into());
            }
            (None, Some(_)) => {
                let what = "there is no signature that this key could have made";
                return Err(Hinted::new(what, "pass --signature, or a file that has one").into());
            }
            (None, None) => None,
        };
        let outcomes = [is_root, is_signed].into_iter().flatten().reduce(Result::and);
        facts.conclude(self.form, outcomes)
    }

    /// The exit, and its signature if it has one.
    fn exit(&self) -> Result<(VoluntaryExit, Option<[u8; 96]>), Hinted> {
        const ADVICE: &str =
            "the shape is {\"message\": {\"epoch\": \"1\", \"validator_index\": \"2\"}, \"signature\": \"0x...\"}";
        if let (Some(validator_index), Some(epoch)) = (self.validator_index, self.epoch) {
            return Ok((VoluntaryExit { epoch, validator_index }, self.signature));
        }
        let Some(path) = &self.file else {
            return Err(Hinted::new("no exit", "pass a file, or --validator-index and --epoch"));
        };
        let text = fs::read_to_string(path).hint(format!("can't read {}", path.display()), "check the path")?;
        let what = || format!("{} is no voluntary exit", path.display());
        let file: ExitFile = serde_json::from_str(&text).hint(what(), ADVICE)?;
        let number = |text: &str| text.parse().hint(format!("{}: `{text}` is no number", what()), ADVICE);
        let exit = VoluntaryExit {
            epoch: number(&file.message.epoch)?,
            validator_index: number(&file.message.validator_index)?,
        };
        Ok((exit, file.signature.map(|signature| signature.0)))
    }
}

impl Chain {
    fn get(&self) -> Result<([u8; 4], B256), Hinted> {
        match (self.network, self.fork_version, self.genesis_validators_root) {
            (Some(network), ..) => Ok((network.capella_version(), network.genesis_validators_root())),
            (None, Some(version), Some(root)) => Ok((version, root.into())),
            (None, ..) => {
                let advice = "pass --network, or both --fork-version and --genesis-validators-root";
                Err(Hinted::new("an exit counts on one chain alone", advice))
            }
        }
    }
}

fn is_signed(root: &[u8; 32], pubkey: &[u8; 48], signature: &[u8; 96]) -> Result<(), Hinted> {
    let pubkey = PublicKey::from_bytes(pubkey).hint("--pubkey is no public key", "copy it whole: 48 bytes")?;
    let advice = "copy it whole: 96 bytes in hexadecimal";
    let signature = BlsSignature::from_bytes(signature).hint("the signature is none of BLS12-381", advice)?;
    pubkey.verify(root, &signature).hint(
        "this validator's key did not sign this exit",
        "is it of another chain or fork version (since Deneb: Capella's), or another validator's key?",
    )
}
