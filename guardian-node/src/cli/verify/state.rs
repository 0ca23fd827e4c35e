//! `guardian verify state`: a whole beacon state is hashed. Of which block it is follows from its bytes; that the block is the chain's
//! has to be known from elsewhere.

use super::{
    facts::{Facts, Form},
    fixed, pubkey,
};
use crate::{
    cli::{output, state_file},
    hint::{Hinted, WithHint},
};
use alloy_primitives::{B256, FixedBytes};
use clap::{Args, ValueEnum};
use eyre::Result;
use guardian_chain::state::{MAINNET, MINIMAL, Preset, ProvedState, StateProver, Tracked, Wanted};
use guardian_protocol::BlsPubkey;
use std::path::PathBuf;

/// Arguments of `guardian verify state`.
#[derive(Debug, Args)]
pub(in crate::cli) struct State {
    /// The state, in SSZ: from `/eth/v2/debug/beacon/states/SLOT` of a beacon node, or from anybody
    file: PathBuf,
    /// Its fork, such as `electra`; found out if not given
    #[arg(long)]
    fork: Option<String>,
    /// Its preset; found out if not given
    #[arg(long, value_enum)]
    preset: Option<PresetName>,
    /// The root that the state must have
    #[arg(long, value_parser = fixed::<32>)]
    root: Option<[u8; 32]>,
    /// The root of the block that the state must be of
    #[arg(long, value_parser = fixed::<32>)]
    block_root: Option<[u8; 32]>,
    /// Print a proof of this validator (its public key) for `guardian verify proof`; what was found goes to stderr
    #[arg(long, value_parser = pubkey, conflicts_with = "json")]
    prove: Option<BlsPubkey>,
    /// Show what the state says of this validator (its public key)
    #[arg(long, value_parser = pubkey, conflicts_with = "prove")]
    validator: Option<BlsPubkey>,
    #[command(flatten)]
    form: Form,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum PresetName {
    Mainnet,
    Minimal,
}

impl State {
    pub(super) fn run(self) -> Result<()> {
        let (fork, state) = self.read()?;
        let outcome = self.compare(&state);
        let mut facts = Facts::default();
        facts.add("root", B256::from(state.root))?;
        facts.add("slot", state.slot)?;
        facts.add("fork", fork)?;
        facts.add("fork_version", FixedBytes::from(state.fork_version))?;
        facts.add("block_root", B256::from(state.block_root()))?;
        facts.add("advanced", !state.is_of_block())?;
        facts.add("genesis_validators_root", B256::from(state.genesis_validators_root))?;
        facts.add("genesis_time", state.genesis_time)?;
        facts.add("validators", state.extract.network.validators)?;
        facts.add("active", state.extract.network.active)?;
        if let Some(pubkey) = self.validator {
            let found = state.extract.validators.iter().find(|tracked| tracked.record.pubkey == pubkey);
            facts.add("validator", found.ok_or_else(|| not_there(&pubkey)).map(Tracked::complete)?)?;
        }
        let Some(pubkey) = self.prove else { return facts.conclude(self.form, outcome) };
        output::talk(facts.lines().trim_end());
        outcome.transpose()?;
        if state.extract.validators.is_empty() {
            return Err(not_there(&pubkey).into());
        }
        let advice = "a proof leads to a block: pass the state right after one, whose slot has a block";
        let proof = state.proof(&pubkey).hint(format!("validator {pubkey} can't be proved from this state"), advice)?;
        output::data(&serde_json::to_string_pretty(&proof)?);
        Ok(())
    }

    /// The state, and its fork.
    fn read(&self) -> Result<(&'static str, ProvedState), Hinted> {
        let all = [MAINNET, MINIMAL];
        let named = self.preset.map(PresetName::get);
        let presets = named.as_ref().map_or(all.as_slice(), std::slice::from_ref);
        let is_asked = |fork: &&str| self.fork.as_ref().is_none_or(|asked| asked.eq_ignore_ascii_case(fork));
        let forks: Vec<&'static str> = StateProver::forks().filter(is_asked).collect();
        let layouts: Vec<_> = forks.iter().flat_map(|fork| presets.iter().map(|preset| (*fork, *preset))).collect();
        if forks.is_empty() {
            let known: Vec<&str> = StateProver::forks().collect();
            let what = format!("this version knows no fork `{}`", self.fork.as_deref().unwrap_or_default());
            return Err(Hinted::new(what, format!("it is one of {}", known.join(", "))));
        }
        let path = self.file.display();
        if let [(fork, preset)] = layouts.as_slice() {
            let advice = "download it again as SSZ; is it another fork's, or another preset's (--preset)?";
            let state = state_file::prove(&self.file, fork, *preset, self.wanted())?;
            return Ok((fork, state.hint(format!("{path} is no state of {fork}"), advice)?));
        }
        let found = state_file::find(&self.file, layouts, || self.wanted(), |_| true)?;
        found.ok_or_else(|| {
            let advice = "download it as SSZ, not as JSON; with --fork and --preset, this says where it breaks";
            Hinted::new(format!("{path} is no beacon state of a fork that this version knows"), advice)
        })
    }

    fn wanted(&self) -> Wanted {
        Wanted::validators(self.validator.iter().chain(&self.prove).copied()).with_proofs(self.prove)
    }

    /// Whether it is the state that was meant; `None` if none was.
    fn compare(&self, state: &ProvedState) -> Option<Result<(), Hinted>> {
        let equal = |what: &str, said: Option<[u8; 32]>, found: [u8; 32]| {
            let (said, found) = (B256::from(said?), B256::from(found));
            let advice = "it is another state, or a false one: the roots of finalized blocks are told by explorers, nodes and \
                          EIP-4788's contract";
            Some(if said == found {
                Ok(())
            } else {
                Err(Hinted::new(format!("{what} is {found}, not {said}"), advice))
            })
        };
        let lists = (!state.lists_fit).then(|| {
            let what = "no true state has lists of validators and of balances that differ in length";
            Err(Hinted::new(what, "whoever made this file made it up: take it from another source"))
        });
        let roots = [equal("its root", self.root, state.root), equal("its block", self.block_root, state.block_root())];
        [lists].into_iter().chain(roots).flatten().reduce(Result::and)
    }
}

impl PresetName {
    const fn get(self) -> Preset {
        match self {
            Self::Mainnet => MAINNET,
            Self::Minimal => MINIMAL,
        }
    }
}

fn not_there(pubkey: &BlsPubkey) -> Hinted {
    Hinted::new(format!("validator {pubkey} is not in this state"), "was it deposited later, or on another chain?")
}
