//! Events as log lines: the only place where duties are logged. `info` tells an operator's story, `warn` is worth a look, and `error`
//! wants a person; it begins with ALARM where somebody may be lying.

use super::{Names, exits, past, versions};
use alloy_primitives::B256;
use guardian_protocol::{
    BootId, CallOutcome, Cause, Checkpoint, Difference, DutyId, DutyKind, Epoch, Event, Excess, Figure, Forgotten,
    HistoryEvent, KeyEpoch, Layer, MemberId, Proof, ProviderId, ReadFailure, Timestamp, ValidatorIndex,
};
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use tracing::{debug, error, info, warn};

/// The log's observer.
#[derive(Debug)]
pub(crate) struct Log {
    names: Arc<Names>,
    /// Providers that failed last time: their failure is logged when it begins, not every time.
    failing: BTreeSet<(Layer, ProviderId)>,
    /// Validators whose stake returns to strangers: told when the number changes.
    foreign: u64,
    /// Providers have differed about the past since the last observation.
    contested: bool,
}

impl Log {
    pub(crate) fn new(names: Arc<Names>) -> Self {
        Self { names, failing: BTreeSet::new(), foreign: 0, contested: false }
    }

    /// One line for `event`.
    pub(crate) fn observe(&mut self, event: &Event) {
        match event {
            Event::Observed { checkpoint, validators, proof, figures } => {
                self.observed(checkpoint, *validators, *proof);
                self.watch_foreign(figures);
            }
            Event::ProviderFailed { provider, layer, failure } => self.provider_failed(*layer, *provider, failure),
            Event::ProviderDisagrees { provider, layer, detail } => self.provider_disagrees(*layer, *provider, detail),
            Event::NoQuorum { layer, detail } => no_quorum(*layer, detail),
            Event::History(event) => self.past(event),
            Event::KeyMismatch { onchain, ours } => key_mismatch(*onchain, *ours),
            Event::Decided { id, digest, rules } => info!(duty = %id, %digest, rules = rules.0, "decided"),
            Event::Refused { id, reason } => warn!(duty = %id, %reason, "the guard refuses"),
            Event::NotAttested { id, reason } => not_attested(*id, reason),
            Event::Held { id, digest, reason } => held(*id, *digest, reason),
            Event::WaitOver { id } => info!(duty = %id, "no longer held"),
            Event::ForbiddenDuty { id, digest } => forbidden(*id, *digest),
            Event::HoldPlaced { kind, until, reason } => hold_placed(*kind, *until, reason),
            Event::HoldReleased { kind } => info!(kind = kind.as_str(), "duties of this kind go on"),
            Event::AutomaticHold { kind, cause, reason } => automatic_hold(*kind, *cause, reason),
            Event::AutomaticHoldOver { kind, cause } => info!(%kind, %cause, "no longer held for this cause"),
            Event::LimitExceeded { id, digest, excess, until } => limit_exceeded(*id, *digest, *excess, *until),
            Event::LimitReleased { id, digest } => warn!(duty = %id, %digest, "released: it passes the limits"),
            Event::LimitsChanged => info!("the limits of the configuration are in force"),
            Event::Forbidden { digest } => warn!(%digest, "this digest is never signed here"),
            Event::Offered { id, digest } => offered(*id, *digest),
            Event::AskedFor { digest } => warn!(%digest, "this guardian signs it, as its operator has asked"),
            Event::Pardoned { member, upto } => self.pardoned(*member, *upto),
            Event::StoreSetBack { by, forgotten } => self.store_set_back(*by, forgotten),
            Event::FloorRaised { after } => info!(after = after.0, "the store has waited: signing later periods"),
            Event::DigestsDiffer { id, member, theirs, ours } => self.digests_differ(*id, *member, *theirs, *ours),
            Event::EvidenceDiffers { period, member, difference } => {
                self.evidence_differs(*period, *member, difference)
            }
            Event::EvidenceAlike { period, member } => self.evidence_alike(*period, *member),
            Event::SignedOtherwise { id, signed, ours } => signed_otherwise(*id, *signed, *ours),
            Event::Agreed { id } => info!(duty = %id, "agreed"),
            Event::SessionOpened { id, attempt, signers } => self.session_opened(*id, *attempt, signers),
            Event::Culprit { id, member, .. } => self.culprit(*id, *member),
            Event::Quarantined { member, boots } => self.quarantined(*member, boots.as_ref()),
            Event::QuarantineLifted { member } => self.quarantine_lifted(*member),
            Event::OwnDoppelgangerFound { by } => self.own_doppelganger(by),
            Event::OwnDoppelgangerGone => info!("no other process runs with our identity any more: taking part again"),
            Event::Signed { id, digest, coordinated } => signed(*id, *digest, *coordinated),
            Event::Expired { id } => warn!(duty = %id, "not signed in time; the next period takes over"),
            Event::Submitting { id } => info!(duty = %id, "our turn to submit"),
            Event::Submitted { id, outcome } => submitted(*id, outcome),
            Event::Confirmed { id } => info!(duty = %id, "confirmed by a finalized block"),
            Event::Superseded { id } => info!(duty = %id, "the contract has a newer one"),
            Event::Reorged { id } => warn!(duty = %id, "lost in a reorganisation"),
            Event::Exit(event) => exits::log(event),
            Event::OrderUnfounded { id, index } => order_unfounded(*id, *index),
            Event::SignedAhead { id, member } => self.signed_ahead(*id, *member),
            Event::Version(event) => versions::log(&self.names, event),
            Event::MessageRefused { member, reason } => self.message_refused(*member, reason),
        }
    }

    fn message_refused(&self, member: MemberId, reason: &str) {
        debug!(member = self.names.member(member), reason, "message refused");
    }

    fn signed_ahead(&self, duty: DutyId, member: MemberId) {
        let member = self.names.member(member);
        error!(%duty, member, "ALARM: the committee signed for a period that is far from final here; it waits");
    }

    fn past(&mut self, event: &HistoryEvent) {
        match event {
            HistoryEvent::Contested { .. } if std::mem::replace(&mut self.contested, true) => {}
            HistoryEvent::Contested { fewer, more, range, missing } => {
                past::contested(&self.names, (fewer, more), *range, *missing);
            }
            HistoryEvent::Advanced { .. }
            | HistoryEvent::Incomplete { .. }
            | HistoryEvent::Unproven
            | HistoryEvent::Corrected { .. }
            | HistoryEvent::Differs { .. }
            | HistoryEvent::Rescanned { .. } => past::log(event),
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

    fn observed(&mut self, checkpoint: &Checkpoint, validators: usize, proof: Proof) {
        self.failing.clear();
        self.contested = false;
        let (epoch, root, proof) = (checkpoint.epoch.0, checkpoint.root, proof.as_str());
        info!(epoch, %root, validators, proof, "finalized epoch observed");
    }

    fn watch_foreign(&mut self, figures: &[Figure]) {
        let Some(figure) = figures.iter().find(|figure| figure.name == "foreign_validators") else { return };
        let count = whole(figure.value);
        if count > 0 && count != self.foreign {
            let hint = "`guardian report explain` on the newest report names them; they are counted all the same: tell the protocol's governor";
            error!(validators = count, hint, "ALARM: stake of the protocol's validators returns to none of its pods");
        }
        self.foreign = count;
    }

    fn digests_differ(&self, duty: DutyId, member: MemberId, theirs: B256, ours: B256) {
        let member = self.names.member(member);
        error!(%duty, member, %theirs, %ours, "ALARM: a member computed another digest");
    }

    fn session_opened(&self, duty: DutyId, attempt: u32, signers: &[MemberId]) {
        debug!(%duty, attempt, signers = ?self.names.all(signers), "signing session opened");
    }

    fn culprit(&self, duty: DutyId, member: MemberId) {
        error!(%duty, member = self.names.member(member), "ALARM: a member cheated and is excluded");
    }

    fn quarantine_lifted(&self, member: MemberId) {
        let member = self.names.member(member);
        info!(member, "only one process of the member is left: it takes part again");
    }

    fn pardoned(&self, member: MemberId, upto: Epoch) {
        let member = self.names.member(member);
        info!(member, upto = upto.0, "the member is forgiven and takes part again");
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
        let starts =
            boots.map(|boots| boots.map(|boot| format!("{} {}", boot.number, hex::encode(boot.name))).join(" and "));
        error!(member, starts, "ALARM: two processes run with one identity; neither is signed with");
    }

    fn store_set_back(&self, by: Option<MemberId>, forgotten: &Forgotten) {
        let shown_by = by.map_or("the mark beside the keys", |member| self.names.member(member));
        error!(
            %forgotten,
            shown_by,
            hint = "an old copy of data_dir was restored, or a second process runs with these keys: end that one; this node resumes by itself",
            "ALARM: the store was set back: it does not know of something that this guardian did; nothing is signed until that is safe"
        );
    }

    fn own_doppelganger(&self, by: &[MemberId]) {
        error!(
            seen_by = ?self.names.all(by),
            hint = "find it and stop it: a forgotten container, or a restored machine; this node resumes by itself",
            "ALARM: another process runs with our identity; nothing is signed"
        );
    }
}

/// A count that was told as a figure.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count is whole and not negative")]
fn whole(value: f64) -> u64 {
    value as u64
}

fn not_attested(id: DutyId, reason: &str) {
    let hint = "this guardian's account must be one of the module's guardians, and its key, or the remote signer that has it, must answer: \
                `guardian check` looks; the others go on as long as enough of them sign";
    error!(duty = %id, reason, hint, "this guardian's own account does not sign");
}

fn held(duty: DutyId, digest: B256, reason: &str) {
    warn!(%duty, %digest, reason, "held: not announced, and not signed here");
}

fn signed(duty: DutyId, digest: B256, coordinated: bool) {
    info!(%duty, %digest, coordinated, "signed by the committee");
}

fn forbidden(duty: DutyId, digest: B256) {
    error!(%duty, %digest, "ALARM: this node computes what its operator refuses; it takes no part");
}

fn offered(duty: DutyId, digest: B256) {
    let hint =
        format!("`guardian status` shows under `offered` what it states; if you want it, `guardian veto {digest}`");
    error!(%duty, %digest, hint, "ALARM: what only the operator can decide is due; this guardian takes no part without its word");
}

fn signed_otherwise(duty: DutyId, signed: B256, ours: Option<B256>) {
    let ours = ours.map_or_else(|| "nothing".to_owned(), |digest| digest.to_string());
    error!(%duty, %signed, ours, "ALARM: the committee signed something else than what is computed here");
}

fn order_unfounded(duty: DutyId, validator: ValidatorIndex) {
    let validator = validator.0;
    error!(%duty, validator, "ALARM: the committee ordered out a validator that need not leave; our part is not given");
}

fn automatic_hold(kind: DutyKind, cause: Cause, reason: &str) {
    let hint = format!("look into it, then `guardian release --kind {kind}`");
    error!(kind = kind.as_str(), cause = cause.as_str(), reason, hint, "ALARM: duties of this kind are held");
}

fn limit_exceeded(duty: DutyId, digest: B256, excess: Excess, until: Option<Timestamp>) {
    let Excess { severity, measure, amount, bound } = excess;
    let until = until.map_or_else(|| "released".to_owned(), utc);
    let hint = format!(
        "if it is right, `guardian release {digest}`; if not, `guardian forbid {digest}` or `guardian hold --kind {}`",
        duty.kind
    );
    let (severity, measure) = (severity.as_str(), measure.as_str());
    error!(%duty, %digest, severity, measure, amount, bound, until, hint, "ALARM: beyond a limit, so it waits");
}

fn hold_placed(kind: DutyKind, until: Option<Timestamp>, reason: &str) {
    let until = until.map_or_else(|| "released".to_owned(), utc);
    warn!(kind = kind.as_str(), until, reason, "duties of this kind are held");
}

/// For people: to the second, in UTC.
fn utc(time: Timestamp) -> String {
    let time = std::time::UNIX_EPOCH.checked_add(Duration::from_millis(time.0));
    time.map_or_else(|| "the end of time".to_owned(), |time| humantime::format_rfc3339_seconds(time).to_string())
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
