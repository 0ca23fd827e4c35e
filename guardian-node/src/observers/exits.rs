//! What happens on a validator's way out, told by the observers.

use guardian_protocol::{ExitEvent, RequestOutcome, ValidatorIndex};
use serde_json::{Value, json};
use tracing::{error, info, warn};

/// As a log line.
pub(super) fn log(event: &ExitEvent) {
    match event {
        ExitEvent::PartReleased { index, reason } => {
            info!(validator = index.0, reason = reason.as_str(), "gave our part of the validator's exit");
        }
        ExitEvent::Combined { index } => info!(validator = index.0, "the validator's exit is complete"),
        ExitEvent::Seen { index, exit_epoch } => {
            info!(validator = index.0, exit_epoch = exit_epoch.0, "the validator's exit is on the beacon chain");
        }
        ExitEvent::Moved { index, stage } => {
            info!(validator = index.0, stage = stage.as_str(), "a validator that leaves is further");
        }
        ExitEvent::Settled { index } => info!(validator = index.0, "a validator that has left was settled"),
        ExitEvent::Stuck { id, index, epochs, tried } => {
            let hint = "`guardian exits` shows what it waits for; docs/operating.md says what to do";
            error!(duty = %id, validator = index.0, epochs, tried, hint, "ALARM: a validator that must leave does not");
        }
        ExitEvent::Requesting { index, max_fee } => {
            info!(validator = index.0, max_fee, "our turn to pay for the request of a validator's exit");
        }
        ExitEvent::Requested { index, outcome } => requested(*index, outcome),
        ExitEvent::NoShare { index } => warn!(validator = index.0, "no share of this validator's key here"),
    }
}

/// The word for it in the history.
pub(super) const fn word(event: &ExitEvent) -> &'static str {
    match event {
        ExitEvent::PartReleased { .. } => "partial_exit_released",
        ExitEvent::Combined { .. } => "exit_combined",
        ExitEvent::Seen { .. } => "exit_seen",
        ExitEvent::Moved { .. } => "exit_moved",
        ExitEvent::Settled { .. } => "exit_settled",
        ExitEvent::Stuck { .. } => "exit_stuck",
        ExitEvent::Requesting { .. } => "exit_requesting",
        ExitEvent::Requested { .. } => "exit_requested",
        ExitEvent::NoShare { .. } => "no_exit_share",
    }
}

/// The step that `guardian_exits_total` counts.
pub(super) const fn step(event: &ExitEvent) -> &'static str {
    match event {
        ExitEvent::PartReleased { .. } => "partial_released",
        ExitEvent::Combined { .. } => "combined",
        ExitEvent::Seen { .. } => "seen",
        ExitEvent::Moved { stage, .. } => stage.as_str(),
        ExitEvent::Settled { .. } => "settled",
        ExitEvent::Stuck { .. } => "stuck",
        ExitEvent::Requesting { .. } => "requesting",
        ExitEvent::Requested { outcome, .. } => match outcome {
            RequestOutcome::Included { .. } => "request_included",
            RequestOutcome::AlreadyMade => "request_already_made",
            RequestOutcome::Refused(_) => "request_refused",
            RequestOutcome::TooDear { .. } => "request_too_dear",
            RequestOutcome::Failed(_) => "request_failed",
        },
        ExitEvent::NoShare { .. } => "no_share",
    }
}

/// Everything else that there is to say of it.
pub(super) fn details(event: &ExitEvent) -> Value {
    match event {
        ExitEvent::PartReleased { index, reason } => json!({"validator": index, "reason": reason.as_str()}),
        ExitEvent::Combined { index } | ExitEvent::Settled { index } | ExitEvent::NoShare { index } => {
            json!({"validator": index})
        }
        ExitEvent::Seen { index, exit_epoch } => json!({"validator": index, "exit_epoch": exit_epoch}),
        ExitEvent::Moved { index, stage } => json!({"validator": index, "stage": stage}),
        ExitEvent::Stuck { id, index, epochs, tried } => {
            json!({"duty": id.to_string(), "validator": index, "epochs": epochs, "tried": tried})
        }
        ExitEvent::Requesting { index, max_fee } => json!({"validator": index, "max_fee": max_fee.to_string()}),
        ExitEvent::Requested { index, outcome } => json!({"validator": index, "outcome": outcome_details(outcome)}),
    }
}

fn outcome_details(outcome: &RequestOutcome) -> Value {
    match outcome {
        RequestOutcome::Included { transaction, gas, fee } => {
            json!({"transaction": transaction, "gas": gas, "fee": fee.to_string()})
        }
        RequestOutcome::AlreadyMade => json!("already made"),
        RequestOutcome::TooDear { fee } => json!({"too_dear": fee.to_string()}),
        RequestOutcome::Refused(why) | RequestOutcome::Failed(why) => json!({"reason": why}),
    }
}

fn requested(index: ValidatorIndex, outcome: &RequestOutcome) {
    let validator = index.0;
    match outcome {
        RequestOutcome::Included { transaction, gas, fee } => {
            info!(validator, %transaction, gas, fee, "the validator's exit is requested, and we paid for it");
        }
        RequestOutcome::AlreadyMade => info!(validator, "the validator's exit was requested already: nothing was paid"),
        RequestOutcome::Refused(reason) => warn!(validator, reason, "the request of the validator's exit is refused"),
        RequestOutcome::TooDear { fee } => {
            let hint =
                "it falls by itself; [exits] exit_fee_ceiling_gwei and exit_fees_per_day_gwei say how much is paid";
            warn!(validator, fee, hint, "the request of the validator's exit costs more than may be paid");
        }
        RequestOutcome::Failed(reason) => {
            warn!(validator, reason, "the validator's exit is not requested, for now");
        }
    }
}
