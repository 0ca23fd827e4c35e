//! Everything that can happen to a guardian.

use crate::{
    duty::DutyId,
    operator::OperatorCommand,
    ports::{Answers, CallOutcome, RequestOutcome},
    types::{MemberId, ProviderId, ValidatorIndex},
    work::Computed,
};
use alloy_primitives::B256;
use guardian_crypto::account::AccountSignature;

/// One event from outside.
#[derive(Clone, Debug)]
pub enum Input {
    /// The time asked for by the last `wake` has come (or earlier: waking too often does no harm).
    Woke,
    /// A provider says that something was finalized: worth looking now. Not believed, only a hint.
    Nudged,
    /// A connection to a member is up; the transport has authenticated it.
    PeerUp(MemberId),
    /// The last connection to a member is gone.
    PeerDown(MemberId),
    /// Two processes of a member connect by turns; the transport has authenticated both.
    Doppelgangers(MemberId),
    /// Bytes from a member; the transport has authenticated `from` as their author.
    Heard {
        /// The author.
        from: MemberId,
        /// What was said.
        bytes: Vec<u8>,
    },
    /// The providers' answers.
    Read(Answers),
    /// What became of a submission.
    Called {
        /// The duty that was submitted.
        id: DutyId,
        /// The outcome.
        outcome: CallOutcome,
    },
    /// What became of the request of an exit.
    Requested {
        /// The order's digest.
        order: B256,
        /// Whose exit.
        index: ValidatorIndex,
        /// The outcome.
        outcome: RequestOutcome,
    },
    /// What the beacon nodes said to an exit that was published.
    Published {
        /// Whose exit.
        index: ValidatorIndex,
        /// Why each did not take it; `None`: it did.
        said: Vec<(ProviderId, Option<String>)>,
    },
    /// What became of a question to this guardian's own account.
    Attested {
        /// The duty that it was to sign.
        id: DutyId,
        /// Its signature, or why there is none.
        outcome: Result<AccountSignature, String>,
    },
    /// What came out of a job.
    Computed(Computed),
    /// What the operator of this guardian wants. The answer is among the step's effects.
    Operator(OperatorCommand),
}
