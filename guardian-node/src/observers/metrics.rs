//! Events as metrics: how many, and how long from one to another.

use super::{Names, exits};
use crate::metrics::{Maker, SLOW, number};
use guardian_protocol::{
    CallOutcome, Cause, DutyId, DutyKind, Event, Excess, Figure, HistoryEvent, Layer, MemberId, Program, Proof,
    ProviderId, VersionEvent,
};
use prometheus::{GaugeVec, Histogram, IntCounter, IntCounterVec, IntGaugeVec};
use serde::Serialize;
use std::{collections::BTreeMap, sync::Arc, time::Instant};

/// Duties whose signature is waited for, with the time of their decision.
const DECIDED: usize = 16;

/// The metrics' observer.
#[derive(Debug)]
pub(crate) struct EventObserver {
    metrics: EventMetrics,
    names: Arc<Names>,
    decided: BTreeMap<DutyId, Instant>,
    nudged: Option<Instant>,
    /// The labels under which each member's program is shown.
    programs: BTreeMap<MemberId, [String; 4]>,
}

/// Everything that follows from events.
#[derive(Clone, Debug)]
pub(crate) struct EventMetrics {
    duty: DutyMetrics,
    member: MemberMetrics,
    provider_failures: IntCounterVec,
    provider_disagreements: IntCounterVec,
    contradictions: IntCounterVec,
    history: HistoryMetrics,
    observations: IntCounterVec,
    figures: GaugeVec,
    exits: IntCounterVec,
    stores_set_back: IntCounter,
}

/// What is wrong with the contracts' past.
#[derive(Clone, Debug)]
struct HistoryMetrics {
    lacking: IntCounterVec,
    incomplete: IntCounter,
    corrections: IntCounter,
    differences: IntCounter,
}

/// What this guardian has against a member, since the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Grievances {
    /// Announcements of another digest than ours.
    pub(crate) digest_disagreements: u64,
    /// Facts that it has read otherwise.
    pub(crate) evidence_differences: u64,
    /// Messages of it that were not taken.
    pub(crate) messages_refused: u64,
}

#[derive(Clone, Debug)]
struct DutyMetrics {
    steps: IntCounterVec,
    sign_seconds: Histogram,
    finality_to_submit_seconds: Histogram,
    submissions: IntCounterVec,
    submission_gas: IntGaugeVec,
    signed_otherwise: IntCounter,
    automatic_holds: IntCounterVec,
    limits_exceeded: IntCounterVec,
}

#[derive(Clone, Debug)]
struct MemberMetrics {
    digest_disagreements: IntCounterVec,
    evidence_differences: IntCounterVec,
    culprits: IntCounterVec,
    doppelgangers: IntGaugeVec,
    messages_refused: IntCounterVec,
    messages_unknown: IntCounterVec,
    other_rules: IntCounterVec,
    programs: IntGaugeVec,
}

impl EventMetrics {
    pub(crate) fn new(make: &Maker) -> Result<Self, prometheus::Error> {
        let of_provider = ["layer", "provider"];
        Ok(Self {
            duty: DutyMetrics::new(make)?,
            member: MemberMetrics::new(make)?,
            provider_failures: make.counters(
                "guardian_provider_failures_total",
                "questions that a provider did not answer",
                &of_provider,
            )?,
            provider_disagreements: make.counters(
                "guardian_provider_disagreements_total",
                "answers that contradict what enough other providers say",
                &of_provider,
            )?,
            contradictions: make.counters(
                "guardian_contradictions_total",
                "questions on which providers contradict each other without a quorum",
                &["layer"],
            )?,
            history: HistoryMetrics::new(make)?,
            observations: make.counters(
                "guardian_observations_total",
                "finalized epochs observed, by how the validators are known",
                &["proof"],
            )?,
            figures: make.float_gauges(
                "guardian_figure",
                "a number that people watch of a kind of duty, at the last reference; its unit ends its name",
                &["kind", "figure"],
            )?,
            exits: make.counters("guardian_exits_total", "voluntary exits that reached a step", &["step"])?,
            stores_set_back: make.counter(
                "guardian_store_set_back_total",
                "times that this guardian was shown something of its own that its store does not know",
            )?,
        })
    }
}

impl EventMetrics {
    /// What there is against the member `name`.
    pub(crate) fn grievances(&self, name: &str) -> Grievances {
        let of = |counters: &IntCounterVec| counters.with_label_values(&[name]).get();
        let MemberMetrics { digest_disagreements, evidence_differences, messages_refused, .. } = &self.member;
        Grievances {
            digest_disagreements: of(digest_disagreements),
            evidence_differences: of(evidence_differences),
            messages_refused: of(messages_refused),
        }
    }
}

impl HistoryMetrics {
    fn new(make: &Maker) -> Result<Self, prometheus::Error> {
        Ok(Self {
            lacking: make.counters(
                "guardian_history_lacking_total",
                "answers about the contracts' events that lack some which another provider knows",
                &["provider"],
            )?,
            incomplete: make.counter(
                "guardian_history_incomplete_total",
                "times that the events began to differ from the protocol's own books",
            )?,
            corrections: make.counter(
                "guardian_history_corrections_total",
                "pages of events that were recorded otherwise than they are known now, and corrected",
            )?,
            differences: make.counter(
                "guardian_history_differences_total",
                "pages of events that are given otherwise now than they were, and kept",
            )?,
        })
    }
}

impl DutyMetrics {
    fn new(make: &Maker) -> Result<Self, prometheus::Error> {
        Ok(Self {
            steps: make.counters("guardian_duties_total", "duties that reached a step", &["kind", "step"])?,
            sign_seconds: make.seconds("guardian_sign_seconds", "from deciding a duty to its signature", &SLOW)?,
            finality_to_submit_seconds: make.seconds(
                "guardian_finality_to_submit_seconds",
                "from the hint that something is final to our transaction",
                &SLOW,
            )?,
            submissions: make.counters(
                "guardian_submissions_total",
                "our submissions by outcome",
                &["kind", "outcome"],
            )?,
            submission_gas: make.gauges("guardian_submission_gas", "gas of our last transaction", &["kind"])?,
            signed_otherwise: make.counter(
                "guardian_signed_otherwise_total",
                "duties that the committee signed and that come out otherwise here",
            )?,
            automatic_holds: make.counters(
                "guardian_automatic_holds_total",
                "holds that this guardian placed by itself",
                &["kind", "cause"],
            )?,
            limits_exceeded: make.counters(
                "guardian_limits_exceeded_total",
                "duties that moved more than a limit of this operator allows",
                &["kind", "measure", "severity"],
            )?,
        })
    }
}

impl MemberMetrics {
    fn new(make: &Maker) -> Result<Self, prometheus::Error> {
        let of_member = ["member"];
        Ok(Self {
            digest_disagreements: make.counters(
                "guardian_digest_disagreements_total",
                "announcements of another digest than ours",
                &of_member,
            )?,
            evidence_differences: make.counters(
                "guardian_evidence_differences_total",
                "facts that a member has read otherwise than we did",
                &of_member,
            )?,
            culprits: make.counters("guardian_culprits_total", "proofs that a member cheated", &of_member)?,
            doppelgangers: make.gauges(
                "guardian_doppelgangers",
                "1 while two processes run with the member's identity",
                &of_member,
            )?,
            messages_refused: make.counters("guardian_messages_refused_total", "messages not taken", &of_member)?,
            messages_unknown: make.counters(
                "guardian_messages_unknown_total",
                "messages that only another version of the node understands",
                &of_member,
            )?,
            other_rules: make.counters(
                "guardian_other_rules_total",
                "periods in which a member decided by other rules than we did",
                &of_member,
            )?,
            programs: make.gauges(
                "guardian_member_info",
                "1 for the program that each member runs; rules: the newest version that it knows",
                &["member", "version", "commit", "rules"],
            )?,
        })
    }
}

impl EventObserver {
    pub(crate) fn new(metrics: EventMetrics, names: Arc<Names>) -> Self {
        Self { metrics, names, decided: BTreeMap::new(), nudged: None, programs: BTreeMap::new() }
    }

    /// Something may be final: the clock of `guardian_finality_to_submit_seconds` starts.
    pub(crate) fn nudged(&mut self) {
        self.nudged = Some(Instant::now());
    }

    /// Counts `event`.
    pub(crate) fn observe(&mut self, event: &Event) {
        let member = &self.metrics.member;
        match event {
            Event::Observed { proof, figures, .. } => self.observed(*proof, figures),
            Event::ProviderFailed { provider, layer, .. } => {
                self.count_provider(&self.metrics.provider_failures, *layer, *provider);
            }
            Event::ProviderDisagrees { provider, layer, .. } => {
                self.count_provider(&self.metrics.provider_disagreements, *layer, *provider);
            }
            Event::NoQuorum { layer, .. } => {
                self.metrics.contradictions.with_label_values(&[layer.as_str()]).inc();
            }
            Event::History(event) => self.past(event),
            Event::Decided { id, .. } => self.decided(*id),
            Event::Refused { id, .. } => self.count_duty(*id, "refused"),
            Event::NotAttested { id, .. } => self.count_duty(*id, "not_attested"),
            Event::Held { id, .. } => self.count_duty(*id, "held"),
            Event::ForbiddenDuty { id, .. } => self.count_duty(*id, "forbidden"),
            Event::Offered { id, .. } => self.count_duty(*id, "offered"),
            Event::AutomaticHold { kind, cause, .. } => self.held_by_itself(*kind, *cause),
            Event::LimitExceeded { id, excess, .. } => self.limit_exceeded(*id, *excess),
            Event::DigestsDiffer { member: who, .. } => self.count_member(&member.digest_disagreements, *who),
            Event::EvidenceDiffers { member: who, .. } => self.count_member(&member.evidence_differences, *who),
            Event::StoreSetBack { .. } => self.metrics.stores_set_back.inc(),
            Event::SignedOtherwise { .. } => self.metrics.duty.signed_otherwise.inc(),
            Event::Agreed { id } => self.count_duty(*id, "agreed"),
            Event::Culprit { member: who, .. } => self.count_member(&member.culprits, *who),
            Event::Quarantined { member: who, .. } => self.show_doppelganger(*who, true),
            Event::QuarantineLifted { member: who } => self.show_doppelganger(*who, false),
            Event::Signed { id, .. } => self.signed(*id),
            Event::Expired { id } => self.count_duty(*id, "expired"),
            Event::Submitting { id } => self.submitting(*id),
            Event::Submitted { id, outcome } => self.submitted(*id, outcome),
            Event::Confirmed { id } => self.count_duty(*id, "confirmed"),
            Event::Superseded { id } => self.count_duty(*id, "superseded"),
            Event::Reorged { id } => self.count_duty(*id, "reorged"),
            Event::Exit(event) => self.count_exit(exits::step(event)),
            Event::OrderUnfounded { .. } => self.count_exit("unfounded"),
            Event::SignedAhead { id, .. } => self.count_duty(*id, "ahead"),
            Event::Version(event) => self.version(event),
            Event::MessageRefused { member: who, .. } => self.count_member(&member.messages_refused, *who),
            // Told by `guardian_not_ready`, by the status, or by the log alone.
            Event::KeyMismatch { .. }
            | Event::WaitOver { .. }
            | Event::HoldPlaced { .. }
            | Event::HoldReleased { .. }
            | Event::AutomaticHoldOver { .. }
            | Event::LimitReleased { .. }
            | Event::LimitsChanged
            | Event::Forbidden { .. }
            | Event::AskedFor { .. }
            | Event::Pardoned { .. }
            | Event::OwnDoppelgangerFound { .. }
            | Event::OwnDoppelgangerGone
            | Event::FloorRaised { .. }
            | Event::EvidenceAlike { .. }
            | Event::SessionOpened { .. } => {}
        }
    }

    fn observed(&self, proof: Proof, figures: &[Figure]) {
        self.metrics.observations.with_label_values(&[proof.as_str()]).inc();
        for figure in figures {
            self.metrics.figures.with_label_values(&[figure.kind.as_str(), figure.name]).set(figure.value);
        }
    }

    fn held_by_itself(&self, kind: DutyKind, cause: Cause) {
        self.metrics.duty.automatic_holds.with_label_values(&[kind.as_str(), cause.as_str()]).inc();
    }

    fn limit_exceeded(&self, id: DutyId, excess: Excess) {
        let labels = [id.kind.as_str(), excess.measure.as_str(), excess.severity.as_str()];
        self.metrics.duty.limits_exceeded.with_label_values(&labels).inc();
    }

    fn past(&self, event: &HistoryEvent) {
        let metrics = &self.metrics.history;
        match event {
            HistoryEvent::Contested { fewer, .. } => {
                for provider in fewer {
                    metrics.lacking.with_label_values(&[self.names.provider(Layer::Execution, *provider)]).inc();
                }
            }
            HistoryEvent::Incomplete { .. } => metrics.incomplete.inc(),
            HistoryEvent::Corrected { .. } => metrics.corrections.inc(),
            HistoryEvent::Differs { .. } => metrics.differences.inc(),
            // Told by `guardian_not_ready` and by the blocks that are read.
            HistoryEvent::Advanced { .. } | HistoryEvent::Unproven | HistoryEvent::Rescanned { .. } => {}
        }
    }

    fn decided(&mut self, id: DutyId) {
        self.decided.insert(id, Instant::now());
        while self.decided.len() > DECIDED {
            self.decided.pop_first();
        }
        self.count_duty(id, "decided");
    }

    fn signed(&mut self, id: DutyId) {
        if let Some(decided) = self.decided.remove(&id) {
            self.metrics.duty.sign_seconds.observe(decided.elapsed().as_secs_f64());
        }
        self.count_duty(id, "signed");
    }

    fn submitting(&mut self, id: DutyId) {
        if let Some(nudged) = self.nudged.take() {
            self.metrics.duty.finality_to_submit_seconds.observe(nudged.elapsed().as_secs_f64());
        }
        self.count_duty(id, "submitting");
    }

    fn submitted(&self, id: DutyId, outcome: &CallOutcome) {
        let kind = id.kind.as_str();
        if let CallOutcome::Included { gas, .. } = outcome {
            self.metrics.duty.submission_gas.with_label_values(&[kind]).set(number(*gas));
        }
        self.metrics.duty.submissions.with_label_values(&[kind, outcome_word(outcome)]).inc();
    }

    fn show_doppelganger(&self, member: MemberId, found: bool) {
        let name = self.names.member(member);
        self.metrics.member.doppelgangers.with_label_values(&[name]).set(i64::from(found));
    }

    fn version(&mut self, event: &VersionEvent) {
        let member = &self.metrics.member;
        match event {
            VersionEvent::Introduced { member, program, .. } => self.show_program(*member, Some(program)),
            VersionEvent::NotIntroduced { member } => self.show_program(*member, None),
            VersionEvent::OtherRules { member: who, .. } => self.count_member(&member.other_rules, *who),
            VersionEvent::MessageUnknown { member: who, .. } => self.count_member(&member.messages_unknown, *who),
        }
    }

    /// One series for each member: the one before goes.
    fn show_program(&mut self, member: MemberId, program: Option<&Program>) {
        let shown = &self.metrics.member.programs;
        if let Some(labels) = self.programs.remove(&member) {
            // It was set, so it is there.
            drop(shown.remove_label_values(&labels));
        }
        if let Some(Program { version, rules }) = program {
            let name = self.names.member(member).to_owned();
            let labels = [name, version.release(), version.commit(), rules.newest().to_string()];
            shown.with_label_values(&labels).set(1);
            self.programs.insert(member, labels);
        }
    }

    fn count_duty(&self, id: DutyId, step: &str) {
        self.metrics.duty.steps.with_label_values(&[id.kind.as_str(), step]).inc();
    }

    fn count_exit(&self, step: &str) {
        self.metrics.exits.with_label_values(&[step]).inc();
    }

    fn count_member(&self, counters: &IntCounterVec, member: MemberId) {
        counters.with_label_values(&[self.names.member(member)]).inc();
    }

    fn count_provider(&self, counters: &IntCounterVec, layer: Layer, provider: ProviderId) {
        counters.with_label_values(&[layer.as_str(), self.names.provider(layer, provider)]).inc();
    }
}

/// The word for an outcome, in metrics and in the history.
pub(super) const fn outcome_word(outcome: &CallOutcome) -> &'static str {
    match outcome {
        CallOutcome::Included { .. } => "included",
        CallOutcome::AlreadyAccepted => "already_accepted",
        CallOutcome::Refused(_) => "refused",
        CallOutcome::Failed(_) => "failed",
    }
}
