//! Metrics in Prometheus' format. `docs/metrics.md` says how to read each. A struct for each part of the node; what follows from events
//! is counted in `observers/metrics.rs`. Labels are words of ours, configured names or member numbers, never text from a peer.

mod account;
mod exits;
mod maker;
mod providers;
mod reload;
#[cfg(test)]
mod tests;

pub(crate) use maker::{Maker, SLOW};
pub(crate) use providers::ProviderMetrics;
pub(crate) use reload::ReloadMetrics;

use crate::observers::metrics::EventMetrics;
use account::AccountMetrics;
use exits::ExitMetrics;
use guardian_protocol::{Cause, DutyKind, Program, Reason, Severity, Stage, Status};
use maker::FAST;
use prometheus::{Histogram, IntCounterVec, IntGauge, IntGaugeVec};

/// Everything that is counted.
#[derive(Debug)]
pub(crate) struct Metrics {
    make: Maker,
    pub(crate) events: EventMetrics,
    pub(crate) driver: DriverMetrics,
    pub(crate) providers: ProviderMetrics,
    pub(crate) account: AccountMetrics,
    pub(crate) reload: ReloadMetrics,
    status: StatusMetrics,
    exits: ExitMetrics,
}

/// How the loop keeps up.
#[derive(Clone, Debug)]
pub(crate) struct DriverMetrics {
    pub(crate) inputs_dropped: IntCounterVec,
    pub(crate) step_seconds: Histogram,
    pub(crate) commit_seconds: Histogram,
}

/// The numbers of `/status`.
#[derive(Clone, Debug)]
struct StatusMetrics {
    ready: IntGauge,
    not_ready: IntGaugeVec,
    observed_epoch: IntGauge,
    validators: IntGauge,
    exitable: IntGauge,
    weak_exit_shares: IntGauge,
    history_read: IntGauge,
    history_wanted: IntGauge,
    members_connected: IntGauge,
    duty_period: IntGaugeVec,
    held: IntGaugeVec,
    automatic_hold: IntGaugeVec,
    limited: IntGaugeVec,
    offered: IntGaugeVec,
    keys_paused: IntGauge,
    key_proposed: IntGauge,
    members_other_rules: IntGauge,
    build: IntGaugeVec,
}

impl Metrics {
    /// A fresh set, at zero.
    ///
    /// # Errors
    /// If two metrics have the same name: a defect, found at the first start.
    pub(crate) fn new() -> Result<Self, prometheus::Error> {
        let make = Maker::new()?;
        Ok(Self {
            events: EventMetrics::new(&make)?,
            driver: DriverMetrics::new(&make)?,
            providers: ProviderMetrics::new(&make)?,
            account: AccountMetrics::new(&make)?,
            reload: ReloadMetrics::new(&make)?,
            status: StatusMetrics::new(&make)?,
            exits: ExitMetrics::new(&make)?,
            make,
        })
    }

    /// Shows `status`.
    pub(crate) fn show(&self, status: &Status) {
        self.status.show(status);
        self.exits.show(&status.exits);
    }

    /// The exposition text.
    pub(crate) fn text(&self) -> String {
        self.make.text()
    }
}

impl DriverMetrics {
    fn new(make: &Maker) -> Result<Self, prometheus::Error> {
        Ok(Self {
            inputs_dropped: make.counters(
                "guardian_inputs_dropped_total",
                "inputs dropped at a full queue",
                &["source"],
            )?,
            step_seconds: make.seconds("guardian_step_seconds", "one step of the brain", &FAST)?,
            commit_seconds: make.seconds("guardian_commit_seconds", "one synced write to the store", &FAST)?,
        })
    }
}

impl StatusMetrics {
    fn new(make: &Maker) -> Result<Self, prometheus::Error> {
        let metrics = Self {
            ready: make.gauge("guardian_ready", "1 if this guardian would contribute to the next report")?,
            not_ready: make.gauges("guardian_not_ready", "1 for each reason why it would not", &["reason"])?,
            observed_epoch: make.gauge("guardian_observed_epoch", "last finalized epoch that was fully observed")?,
            validators: make.gauge("guardian_validators", "validators of the protocol, by the contracts' events")?,
            exitable: make.gauge(
                "guardian_validators_exitable",
                "validators of the protocol that the members present can let go by exits that they sign",
            )?,
            weak_exit_shares: make.gauge(
                "guardian_exit_shares_weak",
                "our shares of validators' keys that fewer holders than the committee's threshold could use",
            )?,
            history_read: make.gauge("guardian_history_read_block", "last block whose events are read")?,
            history_wanted: make.gauge("guardian_history_wanted_block", "block up to which events are needed")?,
            members_connected: make.gauge("guardian_members_connected", "other members connected now")?,
            build: make.gauges(
                "guardian_build_info",
                "1 for the program that this guardian runs; rules: the newest version that it knows",
                &["version", "commit", "rules"],
            )?,
            members_other_rules: make.gauge(
                "guardian_members_other_rules",
                "other members connected now that decide by other rules at the last epoch observed",
            )?,
            held: make.gauges(
                "guardian_held",
                "1 while duties of the kind are held, whoever placed the hold",
                &["kind"],
            )?,
            automatic_hold: make.gauges(
                "guardian_automatic_hold",
                "1 while duties of the kind are held because of what happened",
                &["kind", "cause"],
            )?,
            offered: make.gauges(
                "guardian_offered_duties",
                "duties that are due and wait for the operator's word",
                &["kind"],
            )?,
            keys_paused: make.gauge("guardian_keys_paused", "1 while the contracts take no signature")?,
            key_proposed: make.gauge(
                "guardian_key_proposed",
                "number of the proposal that wants another key in the place of the group's; 0: none waits",
            )?,
            limited: make.gauges(
                "guardian_limited_duties",
                "duties that wait because they are beyond a limit",
                &["kind", "severity"],
            )?,
            duty_period: make.gauges("guardian_duty_period", "newest period that reached a step", &["kind", "step"])?,
        };
        for reason in Reason::ALL {
            metrics.not_ready.with_label_values(&[reason.as_str()]).set(0);
        }
        Ok(metrics)
    }

    fn show(&self, status: &Status) {
        self.ready.set(i64::from(status.not_ready.is_empty()));
        for reason in Reason::ALL {
            let holds = status.not_ready.contains(&reason);
            self.not_ready.with_label_values(&[reason.as_str()]).set(i64::from(holds));
        }
        self.observed_epoch.set(status.observed.map_or(0, |epoch| number(epoch.0)));
        self.validators.set(number(status.validators));
        self.exitable.set(number(status.exitable));
        self.weak_exit_shares.set(number(status.weak_exit_shares));
        self.history_read.set(status.history.read.map_or(0, number));
        self.history_wanted.set(status.history.wanted.map_or(0, number));
        self.members_connected.set(number(status.connected.len()));
        let Program { version, rules } = &status.program;
        let labels = [version.release(), version.commit(), rules.newest().to_string()];
        self.build.with_label_values(&labels).set(1);
        self.members_other_rules.set(number(status.other_rules.len()));
        for kind in DutyKind::ALL {
            let held = status.holds.iter().any(|held| held.kind == kind);
            self.held.with_label_values(&[kind.as_str()]).set(i64::from(held));
            for cause in Cause::ALL {
                let held = status.holds.iter().any(|held| (held.kind, held.cause) == (kind, Some(cause)));
                self.automatic_hold.with_label_values(&[kind.as_str(), cause.as_str()]).set(i64::from(held));
            }
            let offered = status.offered.iter().filter(|duty| duty.id.kind == kind).count();
            self.offered.with_label_values(&[kind.as_str()]).set(number(offered));
            for severity in Severity::ALL {
                let limited =
                    status.limited.iter().filter(|duty| (duty.id.kind, duty.excess.severity) == (kind, severity));
                self.limited.with_label_values(&[kind.as_str(), severity.as_str()]).set(number(limited.count()));
            }
        }
        self.keys_paused.set(i64::from(status.keys_paused));
        self.key_proposed.set(status.key_proposal.map_or(0, |proposal| number(proposal.number)));
        for duty in &status.signed {
            let step = match duty.stage {
                Stage::Signed => "signed",
                Stage::Submitted => "submitted",
                Stage::Confirmed => "confirmed",
                Stage::Superseded => "superseded",
            };
            self.duty_period.with_label_values(&[duty.id.kind.as_str(), step]).set(number(duty.id.period.0));
        }
    }
}

pub(crate) fn number(value: impl TryInto<i64>) -> i64 {
    value.try_into().unwrap_or(i64::MAX)
}

/// Brings a counter up to `total`.
fn raise(counters: &IntCounterVec, labels: &[&str], total: u64) {
    let counter = counters.with_label_values(labels);
    counter.inc_by(total.saturating_sub(counter.get()));
}
