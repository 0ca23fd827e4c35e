//! What a shell does with an outcome: the new share is put to use, the old one is deleted, and what was promised of
//! both is checked.

use super::{
    cast::identity,
    invariants::{Violation, violation},
    network::ProcessId,
    world::{Keys, Sabotage, World},
};
use guardian_crypto::{
    Error,
    frost::{
        KeyShare, PublicShares,
        signing::{SigningPackage, aggregate, commit, sign},
    },
};
use guardian_protocol::ceremony::{Ceremony, Input, Purpose, Record, Step, Transcript, recover};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use std::collections::BTreeMap;

impl World {
    /// The shell: puts an outcome to use as soon as there is one.
    pub(super) fn activate(&mut self, id: ProcessId) -> Result<(), Violation> {
        let (member, _) = id;
        if self.sabotage == Sabotage::EarlyActivation {
            self.delete_early(id)?;
        }
        let Some(process) = self.processes.get(&id).filter(|process| !process.keys.activated) else { return Ok(()) };
        let Some(outcome) = process.ceremony.as_ref().and_then(Ceremony::outcome) else { return Ok(()) };
        let mut said = outcome.transcript.encode();
        // The test signature may differ: its last 96 bytes.
        said.truncate(said.len().saturating_sub(96));
        self.invariants.outcome(member, &outcome.public, said)?;
        self.recoverable(&outcome.transcript)?;
        let repairs = matches!(self.cast.plan.purpose, Purpose::Repair { .. });
        if let Some(process) = self.processes.get_mut(&id) {
            // Who helps in a repair keeps its share.
            let old = process.keys.old.take().filter(|_| repairs);
            process.keys = Keys { old, new: outcome.share, activated: true };
        }
        self.step(id, Input::Activated)
    }

    /// Before the first old share is deleted, every receiver can get its new one from its identity alone.
    pub(super) fn recoverable(&self, transcript: &Transcript) -> Result<(), Violation> {
        if self.processes.values().any(|process| process.keys.activated) {
            return Ok(());
        }
        for member in self.cast.plan.receivers() {
            if let Err(error) = recover(&self.cast.plan, &identity(member), transcript) {
                return violation("old_shares_last_until_new_ones_work", format!("{member}: {error}"));
            }
        }
        Ok(())
    }

    /// Takes away a protection: the shell does not wait for the proof.
    pub(super) fn delete_early(&mut self, id: ProcessId) -> Result<(), Violation> {
        let process = self.processes.get(&id);
        let certified = |record: &Record| matches!(record, Record::Post(post) if post.step() == Step::Confirm);
        let confirmed = process.map_or(0, |process| process.disk.records.iter().filter(|r| certified(r)).count());
        if confirmed < self.members().len()
            || process.is_none_or(|p| p.ceremony.as_ref().is_none_or(|c| c.outcome().is_some()))
        {
            return Ok(());
        }
        violation("old_shares_last_until_new_ones_work", format!("{} has no proof yet", id.0))
    }

    /// A quorum of the shares that were put to use signs under the key that was agreed on.
    pub(super) fn shares_sign(&self) -> Result<(), Violation> {
        let keys = self.processes.values().map(|process| &process.keys);
        let shares: Vec<&KeyShare> = keys.filter_map(|keys| keys.new.as_ref().or(keys.old.as_ref())).collect();
        let public = self.honest().find_map(|member| self.ceremony(member)?.outcome()).map(|outcome| outcome.public);
        let Some(public) = public else { return Ok(()) };
        let t = usize::from(public.threshold());
        // A liar among the holders may leave too few.
        let Some(quorum) = shares.get(..t) else { return Ok(()) };
        match sign_together(quorum, &public) {
            Ok(()) => Ok(()),
            Err(error) => violation("shares_sign", error.to_string()),
        }
    }
}

/// Signs something with exactly these shares.
fn sign_together(shares: &[&KeyShare], public: &PublicShares) -> Result<(), Error> {
    let mut rng = ChaCha20Rng::seed_from_u64(5);
    let (mut nonces, mut commitments) = (BTreeMap::new(), BTreeMap::new());
    for share in shares {
        let (nonce, commitment) = commit(share, &mut rng)?;
        nonces.insert(share.member(), nonce);
        commitments.insert(share.member(), commitment);
    }
    let package = SigningPackage::new([8; 32], &commitments)?;
    let mut parts = BTreeMap::new();
    for share in shares {
        let nonce = nonces.remove(&share.member()).ok_or(Error::MissingFrom(share.member()))?;
        parts.insert(share.member(), sign(nonce, &package, share)?);
    }
    aggregate(&package, &parts, public).map(drop)
}
