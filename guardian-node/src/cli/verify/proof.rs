//! `guardian verify proof`: a proof of a validator, or a bare Merkle branch, against the root of a beacon block.

use super::{
    facts::{Facts, Form},
    fixed, pubkey,
};
use crate::hint::{Hinted, WithHint};
use alloy_primitives::B256;
use clap::Args;
use eyre::Result;
use guardian_chain::state::{Branch, ProvenValidator, ValidatorProof};
use guardian_protocol::BlsPubkey;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::{fs, path::PathBuf};

/// Files that are larger than this are not read. A proof takes 15 kB.
const MAX_BYTES: u64 = 1 << 20;

/// Arguments of `guardian verify proof`.
#[derive(Debug, Args)]
pub(in crate::cli) struct Proof {
    /// The proof, as `guardian verify state --prove` prints it; or a branch: `leaf`, `gindex` and `siblings`, lowest first
    file: PathBuf,
    /// The root of the block, from where you trust it: EIP-4788's contract, your beacon node, an explorer
    #[arg(long, value_parser = fixed::<32>)]
    block_root: [u8; 32],
    /// The public key that the validator must have
    #[arg(long, value_parser = pubkey)]
    pubkey: Option<BlsPubkey>,
    #[command(flatten)]
    form: Form,
}

const OTHER: &str = "it is of another block, was changed, or is of something else";

impl Proof {
    pub(super) fn run(self) -> Result<()> {
        let json = self.read()?;
        if json.get("siblings").is_some() { self.branch(json) } else { self.validator(json) }
    }

    fn read(&self) -> Result<Value, Hinted> {
        let what = || format!("can't read {}", self.file.display());
        let length = fs::metadata(&self.file).hint(what(), "check the path")?.len();
        if length > MAX_BYTES {
            return Err(Hinted::new(format!("{} is too long for a proof", self.file.display()), "check the path"));
        }
        let text = fs::read(&self.file).hint(what(), "check the path")?;
        serde_json::from_slice(&text).hint(self.no_proof(), "it is JSON, as `guardian verify state --prove` prints it")
    }

    fn no_proof(&self) -> String {
        format!("{} is no proof", self.file.display())
    }

    fn parse<T: DeserializeOwned>(&self, json: Value) -> Result<T, Hinted> {
        let advice = "compare its shape with one that `guardian verify state --prove` prints";
        serde_json::from_value(json).hint(self.no_proof(), advice)
    }

    fn validator(&self, json: Value) -> Result<()> {
        let proof: ValidatorProof = self.parse(json)?;
        let mut facts = Facts::default();
        facts.add("block_root", B256::from(self.block_root))?;
        let outcome = match proof.check(self.block_root.into()) {
            Ok(proven) => {
                tell(&mut facts, &proven)?;
                self.is_of(&proven)
            }
            Err(error) => Err(Hinted::caused("the proof proves nothing of this block", OTHER, error)),
        };
        facts.conclude(self.form, Some(outcome))
    }

    fn is_of(&self, proven: &ProvenValidator) -> Result<(), Hinted> {
        match self.pubkey {
            Some(pubkey) if !proven.has_key(&pubkey.0) => {
                let what = format!("the proof is of validator {}, whose key is not {pubkey}", proven.index);
                Err(Hinted::new(what, "ask for a proof of the validator that you mean"))
            }
            Some(_) | None => Ok(()),
        }
    }

    fn branch(&self, json: Value) -> Result<()> {
        let branch: Branch = self.parse(json)?;
        if self.pubkey.is_some() {
            let advice = "leave --pubkey out, or pass a proof of a validator";
            return Err(Hinted::new("a bare branch says nothing of a public key", advice).into());
        }
        let mut facts = Facts::default();
        facts.add("block_root", B256::from(self.block_root))?;
        facts.add("gindex", branch.gindex.to_string())?;
        facts.add("leaf", branch.leaf)?;
        let outcome = match branch.root() {
            Some(root) if root.0 == self.block_root => Ok(()),
            Some(root) => Err(Hinted::new(format!("the branch leads to {root}"), OTHER)),
            None => Err(Hinted::new("the branch has not as many siblings as its generalized index has levels", OTHER)),
        };
        facts.conclude(self.form, Some(outcome))
    }
}

fn tell(facts: &mut Facts, proven: &ProvenValidator) -> Result<(), serde_json::Error> {
    facts.add("validator_index", proven.index)?;
    facts.add("pubkey_root", proven.pubkey_root)?;
    facts.add("balance_gwei", proven.balance)?;
    facts.add("effective_balance_gwei", proven.effective_balance)?;
    facts.add("slashed", proven.slashed)?;
    facts.add("withdrawal_credentials", proven.withdrawal_credentials)?;
    facts.add("activation_eligibility_epoch", proven.activation_eligibility_epoch)?;
    facts.add("activation_epoch", proven.activation_epoch)?;
    facts.add("exit_epoch", proven.exit_epoch)?;
    facts.add("withdrawable_epoch", proven.withdrawable_epoch)
}
