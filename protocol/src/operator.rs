//! What the operator can tell a running guardian. It can hold it back and forgive others. It can't make it sign anything but what it
//! computed itself, and of that only what waits for the operator's word.

use crate::{
    duty::DutyKind,
    hold::{Hold, Holds, Limits},
    types::{MemberId, Timestamp},
};
use alloy_primitives::B256;

/// One command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OperatorCommand {
    /// Duties of this kind wait, from now on: nothing of them is announced, signed, submitted, or followed by parts of exits.
    Hold {
        /// The kind.
        kind: DutyKind,
        /// Until then; `None`: until they are released.
        until: Option<Timestamp>,
        /// For whoever looks later.
        reason: String,
    },
    /// Duties of this kind go on.
    Release {
        /// The kind.
        kind: DutyKind,
    },
    /// The duty with this digest passes the limits, and for a day whatever moves no more than it.
    ReleaseDuty {
        /// The digest.
        digest: B256,
    },
    /// These limits are in force from now on.
    Limit {
        /// The limits.
        limits: Box<Limits>,
    },
    /// This digest is never signed here, whatever comes.
    Forbid {
        /// The digest.
        digest: B256,
    },
    /// The duty with this digest, which needs the operator's word, is taken up whenever it is due.
    Ask {
        /// The digest.
        digest: B256,
    },
    /// The contracts' past is read again, and compared with what was recorded.
    Rescan,
    /// A member is forgiven what it was convicted of so far.
    Pardon {
        /// The member.
        member: MemberId,
    },
}

/// What became of a [`OperatorCommand`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OperatorRefusal {
    /// The reason is too long to be kept.
    #[error("a reason has at most {max} bytes", max = Holds::MAX_REASON)]
    ReasonTooLong,
    /// The end of the hold has passed already.
    #[error("the hold would have ended already")]
    EndsInThePast,
    /// Nothing was held.
    #[error("nothing of this kind is held")]
    NotHeld,
    /// No duty of this digest is known here.
    #[error("this guardian knows no duty with this digest")]
    UnknownDigest,
    /// Too many digests are refused already.
    #[error("so many digests are refused already that there is no room for another")]
    TooManyForbidden,
    /// Nothing of this digest waits for the operator's word.
    #[error("nothing with this digest waits for your word here")]
    NotOffered,
    /// The operator has forbidden the digest.
    #[error("this digest was forbidden here, and never will be signed")]
    Forbidden,
    /// Whoever observes signs nothing.
    #[error("this guardian only observes, and signs nothing")]
    Observing,
    /// No page of the past was read so far.
    #[error("nothing of the contracts' past was read so far")]
    NoHistory,
    /// The member was convicted of nothing here.
    #[error("nothing is known against this member here")]
    NotConvicted,
}

/// The answer to a command: done and durable, or why not.
pub type OperatorReply = Result<(), OperatorRefusal>;

/// Checks a hold that an operator asks for.
pub(crate) fn check_hold(now: Timestamp, hold: &Hold) -> OperatorReply {
    if hold.reason.len() > Holds::MAX_REASON {
        return Err(OperatorRefusal::ReasonTooLong);
    }
    if hold.until.is_some_and(|until| until <= now) {
        return Err(OperatorRefusal::EndsInThePast);
    }
    Ok(())
}
