//! `guardian report replay`: decides a duty again from its dossier. Needs no network, no configuration and no trust in who made the
//! file: what it can't check, it says.

use crate::{
    cli::{output, state_file},
    dossiers,
    hint::Hinted,
};
use clap::Args;
use eyre::Result;
use guardian_chain::state::{MAINNET, MINIMAL, ProvedState, StateProver, Tracked, Wanted};
use guardian_protocol::{BlsPubkey, Difference, Dossier, Evidence, Proof, ValidatorRecord};
use std::path::{Path, PathBuf};

/// Arguments of `guardian report replay`.
#[derive(Debug, Args)]
pub(in crate::cli) struct Replay {
    /// The dossier: a JSON file from a guardian's folder `dossiers`
    file: PathBuf,
    /// Another guardian's dossier of the same duty: tells every fact in which the two differ
    #[arg(long)]
    against: Option<PathBuf>,
    /// The beacon state at the reference slot, in SSZ, from any source: it is hashed, and validators are compared with it
    #[arg(long)]
    state: Option<PathBuf>,
}

impl Replay {
    pub(super) fn run(self) -> Result<()> {
        let dossier = dossiers::read(&self.file)?;
        let id = dossier.duty.id();
        let mut found = replay(&dossier);
        if let Some(other) = &self.against {
            let other = dossiers::read(other)?;
            let between = dossier.against(&other);
            output::data(&format!("facts that differ from the other dossier: {}", between.len()));
            found.extend(between);
        }
        if let Some(path) = &self.state {
            found.extend(against_state(&dossier, path)?);
            output::data("state: hashed, and it is the one that the finalized block names");
        }
        if found.is_empty() {
            output::data(&format!("{id} follows from this evidence"));
            return Ok(());
        }
        found.iter().for_each(|difference| output::data(&format!("DIFFERENT  {difference}")));
        let what =
            format!("{id}: {} differences (here: what was computed now; there: what the file says)", found.len());
        Err(Hinted::new(what, "compare with the dossiers of other guardians (--against): who changed what?").into())
    }
}

/// Decides again; prints what is known, returns what differs.
fn replay(dossier: &Dossier) -> Vec<Difference> {
    let replay = dossier.replay();
    let digest =
        replay.digest.map_or_else(|| "none: nothing of the kind is due".to_owned(), |digest| digest.to_string());
    output::data(&format!("digest from the evidence: {digest}"));
    output::data(&format!("digest in the file:       {}", dossier.digest));
    let mut found = replay.differences;
    if !replay.intact {
        found.push(said("evidence", "another root", &dossier.evidence_root.to_string()));
    }
    let key = dossier.evidence.chain.group_key;
    match replay.signature_holds {
        None => output::data("signature: none in the file"),
        Some(true) => output::data(&format!("signature: by group key {key}; compare it with the contract's")),
        Some(false) => found.push(said("signature", &format!("not by group key {key}"), "signed")),
    }
    found
}

fn said(fact: &str, ours: &str, theirs: &str) -> Difference {
    Difference { fact: fact.to_owned(), ours: Some(ours.to_owned()), theirs: Some(theirs.to_owned()) }
}

/// Where the dossier's validators are not those of the state in the file at `path`.
fn against_state(dossier: &Dossier, path: &Path) -> Result<Vec<Difference>, Hinted> {
    let evidence = &dossier.evidence;
    let pubkeys: Vec<BlsPubkey> =
        evidence.validators.iter().map(|v| v.pubkey).chain(evidence.unknown.iter().copied()).collect();
    let state = hash(path, dossier.network.slots_per_epoch, &pubkeys, evidence)?;
    let records: Vec<ValidatorRecord> = state.extract.validators.iter().map(Tracked::complete).collect();
    Ok(dossier.against_state(&records))
}

/// The state in the file, which must be the one that `evidence` speaks of. Its fork is the one under which it hashes to the right root.
fn hash(path: &Path, slots_per_epoch: u64, pubkeys: &[BlsPubkey], evidence: &Evidence) -> Result<ProvedState, Hinted> {
    let preset = if slots_per_epoch == MINIMAL.slots_per_epoch { MINIMAL } else { MAINNET };
    let layouts = StateProver::forks().map(|fork| (fork, preset));
    let wanted = || Wanted::validators(pubkeys.iter().copied());
    if let Some((_, state)) = state_file::find(path, layouts, wanted, |state| fits(state, evidence))? {
        return Ok(state);
    }
    let what = format!("{} is not the state at slot {} of the finalized block", path.display(), evidence.slot);
    Err(Hinted::new(what, "download it as SSZ from /eth/v2/debug/beacon/states/SLOT of a node that keeps history"))
}

fn fits(state: &ProvedState, evidence: &Evidence) -> bool {
    let root = match evidence.proof {
        Proof::AdvancedState { root } => root,
        // Of a skipped slot, a quorum does not say the state's root: that the state names the block is what can be checked.
        Proof::Quorum | Proof::Downgraded if !state.is_of_block() => state.root.into(),
        Proof::Quorum | Proof::Downgraded | Proof::State { .. } => evidence.checkpoint.state_root,
    };
    state.slot == evidence.slot && evidence.checkpoint.root == state.block_root() && root == state.root
}
