//! The newest events in JSON, in memory: what pages show of the past. Not an archive: a restart forgets it, the log keeps more.

use super::{Names, exits, metrics::outcome_word, versions};
use alloy_primitives::B256;
use guardian_protocol::{
    CallOutcome, Checkpoint, Difference, DutyId, Epoch, Event, Excess, Figure, Forgotten, HistoryEvent, Layer,
    MemberId, Proof, ProviderId, RuleVersion, Timestamp,
};
use serde::Serialize;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Entries that are kept. Each takes some hundred bytes.
pub(crate) const CAPACITY: usize = 1024;
/// Entries of one kind at most: a noisy provider or member must not push out what matters.
const OF_ONE_KIND: usize = 256;

/// One event, as a page shows it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Entry {
    /// When this guardian learnt of it, in Unix milliseconds.
    pub(crate) time: u64,
    /// The kind of event.
    pub(crate) event: &'static str,
    /// The rest.
    #[serde(flatten)]
    pub(crate) details: Value,
}

/// A ring of entries. Cloning shares it.
#[derive(Clone, Debug, Default)]
pub(crate) struct History(Arc<Mutex<VecDeque<Entry>>>);

impl History {
    /// Notes `event`.
    pub(crate) fn observe(&self, names: &Names, now: Timestamp, event: &Event) {
        let entry = Entry { time: now.0, event: word(event), details: details(names, event) };
        let mut entries = self.entries();
        let mut alike = (0..).zip(entries.iter()).filter(|(_, kept)| kept.event == entry.event);
        let oldest = alike.next();
        if let Some((oldest, _)) = oldest.filter(|_| alike.count() + 1 >= OF_ONE_KIND) {
            entries.remove(oldest);
        }
        if entries.len() >= CAPACITY {
            entries.pop_front();
        }
        entries.push_back(entry);
    }

    /// The newest `limit` entries, the newest first.
    pub(crate) fn newest(&self, limit: usize) -> Vec<Entry> {
        self.entries().iter().rev().take(limit).cloned().collect()
    }

    fn entries(&self) -> MutexGuard<'_, VecDeque<Entry>> {
        // Every change leaves a whole ring behind.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The word for `event`.
const fn word(event: &Event) -> &'static str {
    match event {
        Event::Observed { .. } => "observed",
        Event::ProviderFailed { .. } => "provider_failed",
        Event::ProviderDisagrees { .. } => "provider_disagrees",
        Event::NoQuorum { .. } => "no_quorum",
        Event::History(event) => past_word(event),
        Event::KeyMismatch { .. } => "key_mismatch",
        Event::Decided { .. } => "decided",
        Event::Refused { .. } => "refused",
        Event::NotAttested { .. } => "not_attested",
        Event::Held { .. } => "held",
        Event::WaitOver { .. } => "wait_over",
        Event::ForbiddenDuty { .. } => "forbidden_duty",
        Event::HoldPlaced { .. } => "hold_placed",
        Event::HoldReleased { .. } => "hold_released",
        Event::AutomaticHold { .. } => "automatic_hold",
        Event::AutomaticHoldOver { .. } => "automatic_hold_over",
        Event::LimitExceeded { .. } => "limit_exceeded",
        Event::LimitReleased { .. } => "limit_released",
        Event::LimitsChanged => "limits_changed",
        Event::Forbidden { .. } => "forbidden",
        Event::Offered { .. } => "offered",
        Event::AskedFor { .. } => "asked_for",
        Event::Pardoned { .. } => "pardoned",
        Event::StoreSetBack { .. } => "store_set_back",
        Event::FloorRaised { .. } => "floor_raised",
        Event::DigestsDiffer { .. } => "digests_differ",
        Event::EvidenceDiffers { .. } => "evidence_differs",
        Event::EvidenceAlike { .. } => "evidence_alike",
        Event::SignedOtherwise { .. } => "signed_otherwise",
        Event::Agreed { .. } => "agreed",
        Event::SessionOpened { .. } => "session_opened",
        Event::Culprit { .. } => "culprit",
        Event::Quarantined { .. } => "quarantined",
        Event::QuarantineLifted { .. } => "quarantine_lifted",
        Event::OwnDoppelgangerFound { .. } => "own_doppelganger_found",
        Event::OwnDoppelgangerGone => "own_doppelganger_gone",
        Event::Signed { .. } => "signed",
        Event::Expired { .. } => "expired",
        Event::Submitting { .. } => "submitting",
        Event::Submitted { .. } => "submitted",
        Event::Confirmed { .. } => "confirmed",
        Event::Superseded { .. } => "superseded",
        Event::Reorged { .. } => "reorged",
        Event::Exit(event) => exits::word(event),
        Event::OrderUnfounded { .. } => "order_unfounded",
        Event::SignedAhead { .. } => "signed_ahead",
        Event::Version(event) => versions::word(event),
        Event::MessageRefused { .. } => "message_refused",
    }
}

fn set_back(shown_by: Option<&str>, forgotten: &Forgotten) -> Value {
    json!({"shown_by": shown_by, "forgotten": forgotten.to_string()})
}

/// Everything else that there is to say of `event`.
fn details(names: &Names, event: &Event) -> Value {
    let name = |member: &MemberId| names.member(*member);
    match event {
        Event::Observed { checkpoint, validators, proof, figures } => {
            observed(checkpoint, *validators, *proof, figures)
        }
        Event::ProviderFailed { provider, layer, failure } => of(names, *layer, *provider, &failure.to_string()),
        Event::ProviderDisagrees { provider, layer, detail } => of(names, *layer, *provider, detail),
        Event::NoQuorum { layer, detail } => json!({"layer": layer, "detail": detail}),
        Event::History(event) => past_detail(names, event),
        Event::KeyMismatch { onchain, ours } => json!({"onchain": onchain, "ours": ours}),
        Event::Refused { id, reason } => json!({"duty": id.to_string(), "reason": reason.to_string()}),
        Event::NotAttested { id, reason } => json!({"duty": id.to_string(), "reason": reason}),
        Event::StoreSetBack { by, forgotten } => set_back(by.as_ref().map(name), forgotten),
        Event::FloorRaised { after } => json!({"after": after}),
        Event::Held { id, digest, reason } => json!({"duty": id.to_string(), "digest": digest, "reason": reason}),
        Event::Decided { id, digest, rules } => decided(*id, *digest, *rules),
        Event::ForbiddenDuty { id, digest } | Event::Offered { id, digest } | Event::LimitReleased { id, digest } => {
            json!({"duty": id.to_string(), "digest": digest})
        }
        Event::HoldPlaced { kind, until, reason } => json!({"kind": kind, "until": until, "reason": reason}),
        Event::HoldReleased { kind } => json!({"kind": kind}),
        Event::AutomaticHold { kind, cause, reason } => json!({"kind": kind, "cause": cause, "reason": reason}),
        Event::AutomaticHoldOver { kind, cause } => json!({"kind": kind, "cause": cause}),
        Event::LimitExceeded { id, digest, excess, until } => limit_exceeded(*id, *digest, *excess, *until),
        Event::LimitsChanged | Event::OwnDoppelgangerGone => json!({}),
        Event::Forbidden { digest } | Event::AskedFor { digest } => json!({"digest": digest}),
        Event::Pardoned { member, upto } => json!({"member": name(member), "upto": upto}),
        Event::DigestsDiffer { id, member, theirs, ours } => {
            json!({"duty": id.to_string(), "member": name(member), "theirs": theirs, "ours": ours})
        }
        Event::EvidenceDiffers { period, member, difference } => evidence_differs(*period, name(member), difference),
        Event::EvidenceAlike { period, member } => json!({"period": period, "member": name(member)}),
        Event::SignedOtherwise { id, signed, ours } => {
            json!({"duty": id.to_string(), "signed": signed, "ours": ours})
        }
        Event::SessionOpened { id, attempt, signers } => {
            json!({"duty": id.to_string(), "attempt": attempt, "signers": names.all(signers)})
        }
        Event::Culprit { id, member, .. } => json!({"duty": id.to_string(), "member": name(member)}),
        Event::Quarantined { member, .. } | Event::QuarantineLifted { member } => json!({"member": name(member)}),
        Event::OwnDoppelgangerFound { by } => json!({"seen_by": names.all(by)}),
        Event::Signed { id, digest, coordinated } => signed(*id, *digest, *coordinated),
        Event::Submitted { id, outcome } => submitted(*id, outcome),
        Event::Agreed { id }
        | Event::WaitOver { id }
        | Event::Expired { id }
        | Event::Submitting { id }
        | Event::Confirmed { id }
        | Event::Superseded { id }
        | Event::Reorged { id } => json!({"duty": id.to_string()}),
        Event::Exit(event) => exits::details(event),
        Event::OrderUnfounded { id, index } => json!({"duty": id.to_string(), "validator": index}),
        Event::SignedAhead { id, member } => json!({"duty": id.to_string(), "member": name(member)}),
        Event::Version(event) => versions::details(names, event),
        Event::MessageRefused { member, reason } => json!({"member": name(member), "reason": reason}),
    }
}

fn decided(id: DutyId, digest: B256, rules: RuleVersion) -> Value {
    json!({"duty": id.to_string(), "digest": digest, "rules": rules})
}

fn signed(id: DutyId, digest: B256, coordinated: bool) -> Value {
    json!({"duty": id.to_string(), "digest": digest, "coordinated": coordinated})
}

fn of(names: &Names, layer: Layer, provider: ProviderId, detail: &str) -> Value {
    json!({"layer": layer, "provider": names.provider(layer, provider), "detail": detail})
}

fn observed(checkpoint: &Checkpoint, validators: usize, proof: Proof, figures: &[Figure]) -> Value {
    let (epoch, root) = (checkpoint.epoch, checkpoint.root);
    let figures: BTreeMap<String, f64> =
        figures.iter().map(|figure| (format!("{}.{}", figure.kind, figure.name), figure.value)).collect();
    json!({"epoch": epoch, "root": root, "validators": validators, "proof": proof.as_str(), "figures": figures})
}

fn evidence_differs(period: Epoch, member: &str, difference: &Difference) -> Value {
    json!({"period": period, "member": member, "difference": difference})
}

fn limit_exceeded(id: DutyId, digest: B256, excess: Excess, until: Option<Timestamp>) -> Value {
    json!({"duty": id.to_string(), "digest": digest, "excess": excess, "until": until})
}

fn submitted(id: DutyId, outcome: &CallOutcome) -> Value {
    let (duty, word) = (id.to_string(), outcome_word(outcome));
    match outcome {
        CallOutcome::Included { transaction, gas } => {
            json!({"duty": duty, "outcome": word, "transaction": transaction, "gas": gas})
        }
        CallOutcome::AlreadyAccepted => json!({"duty": duty, "outcome": word}),
        CallOutcome::Refused(reason) | CallOutcome::Failed(reason) => {
            json!({"duty": duty, "outcome": word, "reason": reason})
        }
    }
}
const fn past_word(event: &HistoryEvent) -> &'static str {
    match event {
        HistoryEvent::Advanced { .. } => "history_advanced",
        HistoryEvent::Contested { .. } => "history_contested",
        HistoryEvent::Incomplete { .. } => "history_incomplete",
        HistoryEvent::Unproven => "history_unproven",
        HistoryEvent::Corrected { .. } => "history_corrected",
        HistoryEvent::Differs { .. } => "history_differs",
        HistoryEvent::Rescanned { .. } => "history_rescanned",
    }
}

fn past_detail(names: &Names, event: &HistoryEvent) -> Value {
    match event {
        HistoryEvent::Advanced { upto, wanted, events } => json!({"upto": upto, "wanted": wanted, "events": events}),
        HistoryEvent::Contested { range: (from, upto), fewer, more, missing } => {
            let named = |all: &[ProviderId]| -> Vec<String> {
                all.iter().map(|id| names.provider(Layer::Execution, *id).to_owned()).collect()
            };
            json!({"from": from, "upto": upto, "fewer": named(fewer), "more": named(more), "missing": missing})
        }
        HistoryEvent::Incomplete { counted, known } => json!({"counted": counted, "known": known}),
        HistoryEvent::Unproven => json!({}),
        HistoryEvent::Corrected { range: (from, upto), recorded, read }
        | HistoryEvent::Differs { range: (from, upto), recorded, read } => {
            json!({"from": from, "upto": upto, "recorded": recorded, "read": read})
        }
        HistoryEvent::Rescanned { pages, corrected } => json!({"pages": pages, "corrected": corrected}),
    }
}
