//! What happened in a ceremony, told once. Logs and metrics are readers of these.

use super::{fault::Fault, plan::CeremonyId, post::Step};
use crate::types::MemberId;
use guardian_crypto::schnorr::GroupKey;

/// One thing that happened in a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// This participant posted.
    Posted {
        /// In which step.
        step: Step,
    },
    /// A member's post arrived for the first time.
    Received {
        /// Its author.
        member: MemberId,
        /// Its step.
        step: Step,
    },
    /// Everybody's posts of a step are here.
    Complete {
        /// The step.
        step: Step,
    },
    /// A member complains of what a dealer sent to it: one of the two is at fault, and a [`Event::Failed`] says who.
    Complaint {
        /// Who complains.
        member: MemberId,
        /// Against whom.
        dealer: MemberId,
    },
    /// A member signed two different posts for one step that are each possible: it runs twice, or lies. An alarm; this
    /// ceremony cannot go on.
    Contradiction {
        /// The author.
        member: MemberId,
        /// The step.
        step: Step,
    },
    /// Everybody confirmed the same transcript: this is the new key.
    Certified {
        /// The group key.
        key: GroupKey,
    },
    /// This participant asked the signers for the test signature.
    SessionOpened {
        /// Which attempt.
        attempt: u32,
        /// With whom.
        signers: Vec<MemberId>,
    },
    /// All signers signed together: the ceremony has succeeded.
    Proven,
    /// Everybody has put the outcome to use: this process is no longer needed.
    Finished,
    /// Somebody provably broke the rules: the ceremony has failed. An alarm.
    Failed {
        /// Who and how.
        fault: Box<Fault>,
    },
    /// This participant can't go on, and it is nobody's fault: the numbers make no key. Does not happen in practice
    /// (once in 2^128).
    Stuck {
        /// Why.
        reason: String,
    },
    /// A member of a threshold session was left out, because it gave a wrong part.
    Excluded {
        /// The member.
        member: MemberId,
    },
    /// A member runs another ceremony than this: a different plan file.
    OtherPlan {
        /// The member.
        member: MemberId,
        /// What it runs.
        ceremony: CeremonyId,
    },
    /// A member's message was refused.
    MessageRefused {
        /// Who sent it.
        member: MemberId,
        /// Why.
        reason: String,
    },
}
