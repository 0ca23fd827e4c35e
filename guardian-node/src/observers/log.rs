//! Events as log lines: the only place where duties are logged. `info` tells an operator's story, `warn` is worth a look, and `error`
//! wants a person; it begins with ALARM where somebody may be lying.

use super::Names;
use guardian_protocol::{
    audit::Difference,
    event::{Event, Layer},
    ports::{CallOutcome, ReadFailure},
    types::{BootId, DutyId, Epoch, KeyEpoch, MemberId, ProviderId},
};
use std::{collections::BTreeSet, sync::Arc};
use tracing::{debug, error, info, warn};

/// The log's observer.
#[derive(Debug)]
pub(crate) struct Log {
    names: Arc<Names>,
    /// Providers that failed last time: their failure is logged when it begins, not every time.
    failing: BTreeSet<(Layer, ProviderId)>,
}

impl Log {
    pub(crate) fn new(names: Arc<Names>) -> Self {
        Self { names, failing: BTreeSet::new() }
    }

    /// One line for `event`.
    pub(crate) fn observe(&mut self, event: &Event) {
        match event {
            Event::Observed { checkpoint, validators, proof } => {
                self.failing.clear();
                let (epoch, root, proof) = (checkpoint.epoch.0, checkpoint.root, proof.as_str());
                info!(epoch, %root, validators, proof, "finalized epoch observed");
            }
            Event::ProviderFailed { provider, layer, failure } => self.provider_failed(*layer, *provider, failure),
            Event::ProviderDisagrees { provider, layer, detail } => self.provider_disagrees(*layer, *provider, detail),
            Event::NoQuorum { layer, detail } => no_quorum(*layer, detail),
            Event::KeyMismatch { onchain, ours } => key_mismatch(*onchain, *ours),
            Event::Decided { id, digest } => info!(duty = %id, %digest, "decided and announced"),
            Event::Refused { id, reason } => warn!(duty = %id, %reason, "the guard refuses"),
            Event::FloorRaised { after } => info!(after = after.0, "new store: signing periods after this one"),
            Event::DigestsDiffer { id, member, theirs, ours } => {
                error!(duty = %id, member = self.names.member(*member), %theirs, %ours, "ALARM: a member computed another digest");
            }
            Event::EvidenceDiffers { period, member, difference } => {
                self.evidence_differs(*period, *member, difference)
            }
            Event::EvidenceAlike { period, member } => self.evidence_alike(*period, *member),
            Event::SignedOtherwise { id, signed, ours } => {
                let ours = ours.map_or_else(|| "nothing".to_owned(), |digest| digest.to_string());
                error!(duty = %id, %signed, ours, "ALARM: the committee signed something else than what is computed here");
            }
            Event::Agreed { id } => info!(duty = %id, "agreed"),
            Event::SessionOpened { id, attempt, signers } => {
                debug!(duty = %id, attempt, signers = ?self.names.all(signers), "signing session opened");
            }
            Event::Culprit { id, member, .. } => {
                error!(duty = %id, member = self.names.member(*member), "ALARM: a member cheated and is excluded");
            }
            Event::Quarantined { member, boots } => self.quarantined(*member, boots.as_ref()),
            Event::QuarantineLifted { member } => {
                let member = self.names.member(*member);
                info!(member, "only one process of the member is left: it takes part again");
            }
            Event::OwnDoppelgangerFound { by } => self.own_doppelganger(by),
            Event::OwnDoppelgangerGone => info!("no other process runs with our identity any more: taking part again"),
            Event::Signed { id, digest, coordinated } => {
                info!(duty = %id, %digest, coordinated, "signed by the committee");
            }
            Event::Expired { id } => warn!(duty = %id, "not signed in time; the next period takes over"),
            Event::Submitting { id } => info!(duty = %id, "our turn to submit"),
            Event::Submitted { id, outcome } => submitted(*id, outcome),
            Event::Confirmed { id } => info!(duty = %id, "confirmed by a finalized block"),
            Event::Superseded { id } => info!(duty = %id, "the contract has a newer one"),
            Event::Reorged { id } => warn!(duty = %id, "lost in a reorganisation"),
            Event::PartialExitReleased { index, reason } => {
                info!(validator = index.0, reason = reason.as_str(), "gave our part of the validator's exit");
            }
            Event::ExitCombined { index } => info!(validator = index.0, "the validator's exit is complete"),
            Event::ExitSeen { index, exit_epoch } => {
                info!(validator = index.0, exit_epoch = exit_epoch.0, "the validator's exit is on the beacon chain");
            }
            Event::NoExitShare { index } => warn!(validator = index.0, "no share of this validator's key here"),
            Event::MessageRefused { member, reason } => {
                debug!(member = self.names.member(*member), reason, "message refused");
            }
        }
    }

    fn provider_failed(&mut self, layer: Layer, provider: ProviderId, failure: &ReadFailure) {
        if self.failing.insert((layer, provider)) {
            let name = self.names.provider(layer, provider);
            warn!(layer = layer.as_str(), provider = name, reason = %failure, "provider gives no answer");
        }
    }

    fn provider_disagrees(&self, layer: Layer, provider: ProviderId, says: &str) {
        let name = self.names.provider(layer, provider);
        error!(layer = layer.as_str(), provider = name, says, "ALARM: provider contradicts the others");
    }

    fn evidence_differs(&self, period: Epoch, member: MemberId, Difference { fact, ours, theirs }: &Difference) {
        let member = self.names.member(member);
        let (ours, theirs) = (ours.as_deref().unwrap_or("nothing"), theirs.as_deref().unwrap_or("nothing"));
        error!(epoch = period.0, member, fact, ours, theirs, "ALARM: a member has read something else");
    }

    fn evidence_alike(&self, period: Epoch, member: MemberId) {
        let member = self.names.member(member);
        error!(
            epoch = period.0,
            member, "ALARM: a member has read the same and computed another digest: it runs another version, or lies"
        );
    }

    fn quarantined(&self, member: MemberId, boots: Option<&[BootId; 2]>) {
        let member = self.names.member(member);
        let starts = boots.map(|boots| boots.map(|boot| hex::encode(boot.0)).join(" and "));
        error!(member, starts, "ALARM: two processes run with one identity; neither is signed with");
    }

    fn own_doppelganger(&self, by: &[MemberId]) {
        error!(
            seen_by = ?self.names.all(by),
            hint = "find it and stop it: a forgotten container, or a restored machine; this node resumes by itself",
            "ALARM: another process runs with our identity; nothing is signed"
        );
    }
}

fn no_quorum(layer: Layer, detail: &str) {
    error!(layer = layer.as_str(), detail, "ALARM: providers contradict each other; nothing is believed");
}

fn key_mismatch(onchain: KeyEpoch, ours: KeyEpoch) {
    let (onchain, ours) = (onchain.0, ours.0);
    if onchain < ours {
        warn!(
            onchain,
            ours, "at the finalized block the contracts do not have our key yet: waiting until its rotation is final"
        );
    } else {
        error!(onchain, ours, "the contracts verify against another key");
    }
}

fn submitted(duty: DutyId, outcome: &CallOutcome) {
    match outcome {
        CallOutcome::Included { transaction, gas } => info!(%duty, %transaction, gas, "included"),
        CallOutcome::AlreadyAccepted => info!(%duty, "the contract had it already; nothing was sent"),
        CallOutcome::Refused(reason) => error!(%duty, reason, "the contract refuses"),
        CallOutcome::Failed(reason) => warn!(%duty, reason, "not included; will be tried again"),
    }
}
