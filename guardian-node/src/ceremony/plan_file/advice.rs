//! What an operator can do about a plan that makes no sense.

use super::ADVICE;
use guardian_protocol::ceremony::PlanError;

/// For each mistake, how it is put right; [`ADVICE`] holds for all of them.
pub(super) fn advice(error: &PlanError) -> String {
    let first = match error {
        PlanError::NoAttempt => "write attempt = 1, or one more than the attempt that failed",
        PlanError::Text(_) => "shorten that name or label, or give one",
        PlanError::Order(_) => "list each member once, the lowest number first",
        PlanError::SharedIdentity(..) => {
            "each operator has an identity of its own: ask both for the line that `guardian key member` prints"
        }
        PlanError::SharedName(..) => {
            "give one of the two another name; its operator sets the same in [guardian] name, and prints `guardian key member` again"
        }
        PlanError::UnusableIdentity(_) => {
            "that identity was mistyped or made by something else: ask for the line that `guardian key member` prints"
        }
        PlanError::Threshold(_) => "more than half of the members must sign together, and at least two",
        PlanError::KeyEpoch(_) => "compare key_epoch with that in committee.toml",
        PlanError::CurrentGiven => "leave out [current], or write purpose = \"reshare\"",
        PlanError::CurrentMissing => {
            "let `guardian key plan reshare`, `refresh` or `repair` write the plan: it fills in [current]"
        }
        PlanError::NotTheShareHolders | PlanError::UnknownDealer(_) | PlanError::ChangedIdentity(_) => {
            "[current] must say what committee.toml says: let `guardian key plan` write the plan from it"
        }
        PlanError::TooFewDealers { .. } => "name more dealers, or leave them out and let `guardian key plan` choose",
        PlanError::RepairChangesCommittee => "repair first; then change the committee with `guardian key reshare`",
        PlanError::NothingLost(_) | PlanError::LostHelps(_) | PlanError::TooManyHelpers(_) => {
            "let `guardian key plan repair --lost NAME` choose the helpers"
        }
        PlanError::NotForRotation => "only `guardian key plan generate --replace` writes a plan with [rotation]",
        PlanError::Scheme(_) => "choose other members or another threshold",
    };
    format!("{first}. {ADVICE}")
}
