//! Events of the brain, told to people: one log line and one metric each. The only place where duties are logged.

use crate::{evidence::Evidence, metrics::Metrics};
use guardian_protocol::{CallOutcome, Difference, DutyId, Event, Layer, MemberId, ProviderId};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Instant,
};
use tracing::{debug, error, info, warn};

/// The reader of events.
#[derive(Debug)]
pub(crate) struct Reporter {
    metrics: Arc<Metrics>,
    names: Names,
    /// Providers that failed last time: their failure is logged when it begins, not every time.
    failing: BTreeSet<(Layer, ProviderId)>,
    decided: BTreeMap<DutyId, Instant>,
    nudged: Option<Instant>,
    evidence: Evidence,
}

/// Names for numbers.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    /// Beacon providers, in configured order.
    pub(crate) beacon: Vec<String>,
    /// Execution providers.
    pub(crate) execution: Vec<String>,
    /// Members.
    pub(crate) members: BTreeMap<MemberId, String>,
}

impl Names {
    fn provider(&self, layer: Layer, id: ProviderId) -> &str {
        let names = match layer {
            Layer::Beacon => &self.beacon,
            Layer::Execution => &self.execution,
        };
        names.get(usize::from(id.0)).map_or("?", String::as_str)
    }

    fn member(&self, id: MemberId) -> &str {
        self.members.get(&id).map_or("?", String::as_str)
    }
}

impl Reporter {
    pub(crate) fn new(metrics: Arc<Metrics>, names: Names, evidence: Evidence) -> Self {
        Self { metrics, names, failing: BTreeSet::new(), decided: BTreeMap::new(), nudged: None, evidence }
    }

    /// A provider said that something was finalized; the clock of `guardian_finality_to_submit_seconds` starts.
    pub(crate) fn nudged(&mut self) {
        self.nudged = Some(Instant::now());
    }

    /// Tells one event.
    pub(crate) fn tell(&mut self, event: Event) {
        match event {
            Event::ProviderFailed { .. } | Event::ProviderDisagrees { .. } | Event::NoQuorum { .. } => {
                self.provider(event)
            }
            Event::PartialExitReleased { .. }
            | Event::ExitCombined { .. }
            | Event::ExitSeen { .. }
            | Event::NoExitShare { .. } => self.exit(&event),
            Event::DigestsDiffer { .. }
            | Event::EvidenceDiffers { .. }
            | Event::EvidenceAlike { .. }
            | Event::SignedOtherwise { .. }
            | Event::MessageRefused { .. } => self.disagreement(event),
            Event::Culprit { .. } | Event::Quarantined { .. } | Event::QuarantineLifted { .. } => {
                self.misconduct(event)
            }
            Event::Observed { checkpoint, validators, proof, .. } => {
                self.failing.clear();
                let (epoch, root, proof) = (checkpoint.epoch.0, checkpoint.root, proof.as_str());
                self.metrics.observations.with_label_values(&[proof]).inc();
                info!(epoch, %root, validators, proof, "finalized epoch observed");
            }
            Event::KeyMismatch { onchain, ours } if onchain < ours => warn!(
                onchain = onchain.0,
                ours = ours.0,
                "at the finalized block the contracts do not have our key yet: waiting until its rotation is final"
            ),
            Event::KeyMismatch { onchain, ours } => {
                error!(onchain = onchain.0, ours = ours.0, "the contracts verify against another key");
            }
            Event::FloorRaised { after } => info!(after = after.0, "new store: signing periods after this one"),
            event => self.duty(event),
        }
    }

    fn duty(&mut self, event: Event) {
        match event {
            Event::Decided { id, digest } => {
                self.decided.insert(id, Instant::now());
                while self.decided.len() > 16 {
                    self.decided.pop_first();
                }
                self.count(id, "decided");
                info!(duty = %id, %digest, "decided and announced");
            }
            Event::Refused { id, reason } => {
                self.count(id, "refused");
                warn!(duty = %id, %reason, "the guard refuses");
            }
            Event::Agreed { id } => {
                self.count(id, "agreed");
                info!(duty = %id, "agreed");
            }
            Event::SessionOpened { id, attempt, signers } => {
                let signers: Vec<&str> = signers.iter().map(|member| self.names.member(*member)).collect();
                debug!(duty = %id, attempt, ?signers, "signing session opened");
            }
            Event::Signed { id, digest, coordinated } => {
                if let Some(decided) = self.decided.remove(&id) {
                    self.metrics.sign_seconds.observe(decided.elapsed().as_secs_f64());
                }
                self.count(id, "signed");
                info!(duty = %id, %digest, coordinated, "signed by the committee");
            }
            Event::Expired { id } => {
                self.count(id, "expired");
                warn!(duty = %id, "not signed in time; the next period takes over");
            }
            Event::Submitting { id } => {
                if let Some(nudged) = self.nudged.take() {
                    self.metrics.finality_to_submit_seconds.observe(nudged.elapsed().as_secs_f64());
                }
                self.count(id, "submitting");
                info!(duty = %id, "our turn to submit");
            }
            Event::Submitted { id, outcome } => self.submitted(id, &outcome),
            Event::Confirmed { id } => {
                self.count(id, "confirmed");
                info!(duty = %id, "confirmed by a finalized block");
            }
            Event::Superseded { id } => {
                self.count(id, "superseded");
                info!(duty = %id, "the contract has a newer one");
            }
            Event::Reorged { id } => {
                self.count(id, "reorged");
                warn!(duty = %id, "lost in a reorganisation");
            }
            other => debug!(event = ?other, "event"),
        }
    }

    fn submitted(&self, id: DutyId, outcome: &CallOutcome) {
        let kind = id.kind.as_str();
        let word = match outcome {
            CallOutcome::Included { transaction, gas } => {
                self.metrics.submission_gas.with_label_values(&[kind]).set(i64::try_from(*gas).unwrap_or(i64::MAX));
                info!(duty = %id, %transaction, gas, "included");
                "included"
            }
            CallOutcome::AlreadyAccepted => {
                info!(duty = %id, "the contract had it already; nothing was sent");
                "already_accepted"
            }
            CallOutcome::Refused(reason) => {
                error!(duty = %id, reason, "the contract refuses");
                "refused"
            }
            CallOutcome::Failed(reason) => {
                warn!(duty = %id, reason, "not included; will be tried again");
                "failed"
            }
        };
        self.metrics.submissions.with_label_values(&[kind, word]).inc();
    }

    fn provider(&mut self, event: Event) {
        match event {
            Event::ProviderFailed { provider, layer, failure } => {
                let name = self.names.provider(layer, provider);
                self.metrics.provider_failures.with_label_values(&[layer.as_str(), name]).inc();
                if self.failing.insert((layer, provider)) {
                    warn!(layer = layer.as_str(), provider = name, reason = %failure, "provider gives no answer");
                }
            }
            Event::ProviderDisagrees { provider, layer, detail } => {
                let name = self.names.provider(layer, provider);
                self.metrics.provider_disagreements.with_label_values(&[layer.as_str(), name]).inc();
                error!(
                    layer = layer.as_str(),
                    provider = name,
                    says = detail,
                    "ALARM: provider contradicts the others"
                );
            }
            Event::NoQuorum { layer, detail } => {
                self.metrics.contradictions.with_label_values(&[layer.as_str()]).inc();
                error!(layer = layer.as_str(), detail, "ALARM: providers contradict each other; nothing is believed");
            }
            other => debug!(event = ?other, "event"),
        }
    }

    fn disagreement(&self, event: Event) {
        match event {
            Event::DigestsDiffer { id, member, theirs, ours } => {
                let name = self.names.member(member);
                self.metrics.digest_disagreements.with_label_values(&[name]).inc();
                error!(duty = %id, member = name, %theirs, %ours, "ALARM: a member computed another digest");
            }
            Event::EvidenceDiffers { period, member, difference } => {
                let name = self.names.member(member);
                self.metrics.evidence_differences.with_label_values(&[name]).inc();
                let Difference { fact, ours, theirs } = difference;
                let (ours, theirs) = (ours.as_deref().unwrap_or("nothing"), theirs.as_deref().unwrap_or("nothing"));
                error!(epoch = period.0, member = name, fact, ours, theirs, "ALARM: a member has read something else");
            }
            Event::EvidenceAlike { period, member } => {
                let member = self.names.member(member);
                error!(
                    epoch = period.0,
                    member,
                    "ALARM: a member has read the same and computed another digest: it runs another version, or lies"
                );
            }
            Event::SignedOtherwise { id, signed, ours } => {
                self.metrics.signed_otherwise.inc();
                let ours = ours.map_or_else(|| "nothing".to_owned(), |digest| digest.to_string());
                error!(duty = %id, %signed, ours, "ALARM: the committee signed something else than what is computed here");
            }
            Event::MessageRefused { member, reason } => {
                let name = self.names.member(member);
                self.metrics.messages_refused.with_label_values(&[name]).inc();
                debug!(member = name, reason, "message refused");
            }
            other => debug!(event = ?other, "event"),
        }
    }

    fn misconduct(&self, event: Event) {
        match event {
            Event::Culprit { id, member, fault } => {
                let name = self.names.member(member);
                self.metrics.culprits.with_label_values(&[name]).inc();
                // The proof is in the store as well; this file is for people.
                match self.evidence.keep(member, id, &fault) {
                    Ok(file) => {
                        let file = file.display();
                        error!(duty = %id, member = name, %file, "ALARM: a member cheated and is excluded; the file proves it");
                    }
                    Err(error) => {
                        error!(duty = %id, member = name, %error, "ALARM: a member cheated and is excluded; the proof could not be written to a file");
                    }
                }
            }
            Event::Quarantined { member, boots } => {
                let name = self.names.member(member);
                self.metrics.doppelgangers.with_label_values(&[name]).set(1);
                let starts = boots.map(|boots| boots.map(|boot| hex::encode(boot.0)).join(" and "));
                error!(member = name, starts, "ALARM: two processes run with one identity; neither is signed with");
            }
            Event::QuarantineLifted { member } => {
                let name = self.names.member(member);
                self.metrics.doppelgangers.with_label_values(&[name]).set(0);
                info!(member = name, "only one process of the member is left: it takes part again");
            }
            other => debug!(event = ?other, "event"),
        }
    }

    fn exit(&self, event: &Event) {
        let step = match event {
            Event::PartialExitReleased { index, reason } => {
                info!(validator = index.0, reason = reason.as_str(), "gave our part of the validator's exit");
                "partial_released"
            }
            Event::ExitCombined { index } => {
                info!(validator = index.0, "the validator's exit is complete");
                "combined"
            }
            Event::ExitSeen { index, exit_epoch } => {
                info!(validator = index.0, exit_epoch = exit_epoch.0, "the validator's exit is on the beacon chain");
                "seen"
            }
            Event::NoExitShare { index } => {
                warn!(validator = index.0, "no share of this validator's key here");
                "no_share"
            }
            _ => return,
        };
        self.metrics.exits.with_label_values(&[step]).inc();
    }

    fn count(&self, id: DutyId, step: &str) {
        self.metrics.duties.with_label_values(&[id.kind.as_str(), step]).inc();
    }
}
