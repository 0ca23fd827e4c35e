//! What beacon nodes say to a voluntary exit that they do not take. Some say so with 400, some with 500.

use super::{Phrase, meaning, phrase};

/// Why an exit was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExitRefusal {
    /// The pool has an exit of this validator.
    Known,
    /// The validator is leaving, or has left: nothing is missing.
    Leaving,
    /// It may be taken later: the validator is not active, or not for long enough.
    NotYet,
    /// The exit is wrong.
    Invalid,
}

use ExitRefusal::{Invalid, Known, Leaving, NotYet};

const WORDS: &[Phrase<ExitRefusal>] = &[
    phrase("Lodestar 1", "voluntary exit error already exists", Known),
    phrase("Lodestar 1", "voluntary exit error already exited", Leaving),
    phrase("Lodestar 1", "voluntary exit error inactive", NotYet),
    phrase("Lodestar 1", "voluntary exit error short time active", NotYet),
    phrase("Lodestar 1", "voluntary exit error early epoch", NotYet),
    phrase("Lodestar 1", "voluntary exit error pending withdrawals", NotYet),
    phrase("Lodestar 1", "voluntary exit error invalid", Invalid),
    phrase("Lighthouse", "already exited", Leaving),
    phrase("Lighthouse", "too young to exit", NotYet),
    phrase("Lighthouse", "future epoch", NotYet),
    phrase("Lighthouse", "not active(", NotYet),
    phrase("Lighthouse, Prysm", "pending withdrawal", NotYet),
    phrase("Lighthouse", "validator unknown", NotYet),
    phrase("Lighthouse", "bad signature", Invalid),
    phrase("Prysm", "already submitted an exit", Leaving),
    phrase("Prysm", "already initiated", Leaving),
    phrase("Prysm, Teku", "not been active long enough", NotYet),
    phrase("Prysm", "non active validator", NotYet),
    phrase("Teku", "exit already initiated", Leaving),
    phrase("Teku", "exit initiated", Leaving),
    phrase("Teku", "not the first", Known),
    phrase("Nimbus", "validator has exited", Leaving),
    phrase("Nimbus", "already exiting", Leaving),
    phrase("many", "already seen", Known),
    phrase("many", "already known", Known),
    phrase("many", "already exists", Known),
    phrase("many", "already in*pool", Known),
    phrase("many", "duplicate", Known),
    phrase("many", "has exited", Leaving),
    phrase("many", "already leaving", Leaving),
    phrase("many", "not active", NotYet),
    phrase("many", "inactive", NotYet),
    phrase("many", "too early", NotYet),
    phrase("many", "long enough", NotYet),
    phrase("many", "signature", Invalid),
];

/// What this answer means; `None`: it is not understood.
pub(crate) fn refusal(said: &str) -> Option<ExitRefusal> {
    meaning(WORDS, said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exit_that_is_known_is_told_from_one_that_is_wrong() {
        for (said, means) in [
            (r#"{"code":500,"message":"VOLUNTARY_EXIT_ERROR_ALREADY_EXISTS"}"#, Some(Known)),
            ("VOLUNTARY_EXIT_ERROR_ALREADY_EXITED", Some(Leaving)),
            ("VOLUNTARY_EXIT_ERROR_INACTIVE", Some(NotYet)),
            ("VOLUNTARY_EXIT_ERROR_INVALID_SIGNATURE", Some(Invalid)),
            (
                "BAD_REQUEST: Invalid object: gossip verification failed: ExitValidationError(Invalid(AlreadyExited(7)))",
                Some(Leaving),
            ),
            ("ExitValidationError(Invalid(TooYoungToExit { current_epoch: 1, earliest_exit_epoch: 2 }))", Some(NotYet)),
            (
                "Invalid exit: validator with index 5 has already submitted an exit, which will take place at epoch: 9",
                Some(Leaving),
            ),
            ("validator has not been active long enough to exit", Some(NotYet)),
            ("computer says no", None),
        ] {
            assert_eq!(refusal(said), means, "{said}");
        }
    }
}
