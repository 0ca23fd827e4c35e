//! What happened, told once. Logs, metrics and status are readers of these; no step writes a log line itself.

mod exit;
mod history;
mod version;

pub use exit::ExitEvent;
pub use history::HistoryEvent;
pub use version::VersionEvent;

use crate::{
    audit::Difference,
    duty::{DutyId, DutyKind, Figure},
    hold::{Cause, Excess},
    ports::{CallOutcome, ReadFailure},
    sign::{Fault, NotSafe},
    types::{BootId, Checkpoint, Epoch, KeyEpoch, MemberId, Proof, ProviderId, RuleVersion, Timestamp, ValidatorIndex},
};
use alloy_primitives::B256;

/// One thing that happened in a step.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Enough providers agree that this checkpoint is finalized, and everything at it was read.
    Observed {
        /// The checkpoint.
        checkpoint: Checkpoint,
        /// How many of the protocol's validators the beacon chain knows.
        validators: usize,
        /// How that is known.
        proof: Proof,
        /// What people watch of each kind of duty.
        figures: Vec<Figure>,
    },
    /// A provider gave no answer.
    ProviderFailed {
        /// Which.
        provider: ProviderId,
        /// Of which layer.
        layer: Layer,
        /// Why.
        failure: ReadFailure,
    },
    /// A provider contradicts what enough others say. Somebody lies or is broken: an alarm.
    ProviderDisagrees {
        /// Which.
        provider: ProviderId,
        /// Of which layer.
        layer: Layer,
        /// About what.
        detail: String,
    },
    /// Providers contradict each other and none has enough on its side. Nothing is believed: an alarm.
    NoQuorum {
        /// Of which layer.
        layer: Layer,
        /// About what.
        detail: String,
    },
    /// Something about the contracts' past.
    History(HistoryEvent),
    /// The contracts verify against another key than ours, at the finalized block: an alarm, unless ours is the newer one, whose rotation is
    /// not final yet. Told once, until it has passed.
    KeyMismatch {
        /// The contract's key epoch.
        onchain: KeyEpoch,
        /// Our key's.
        ours: KeyEpoch,
    },
    /// This guardian computed a duty. It announces it next, unless it is held.
    Decided {
        /// The duty.
        id: DutyId,
        /// Its digest.
        digest: B256,
        /// The version of the rules that decided it: the reference epoch's.
        rules: RuleVersion,
    },
    /// The guard refused.
    Refused {
        /// The duty.
        id: DutyId,
        /// Why.
        reason: NotSafe,
    },
    /// This guardian's own account did not sign a duty that accounts sign, or is none of those that may: an alarm.
    NotAttested {
        /// The duty.
        id: DutyId,
        /// Why.
        reason: String,
    },
    /// A duty waits: it is not announced, and not signed here.
    Held {
        /// The duty.
        id: DutyId,
        /// Its digest.
        digest: B256,
        /// Why.
        reason: String,
    },
    /// A duty that waited goes on.
    WaitOver {
        /// The duty.
        id: DutyId,
    },
    /// The operator refuses the digest that this guardian computed: an alarm. It takes no part.
    ForbiddenDuty {
        /// The duty.
        id: DutyId,
        /// Its digest.
        digest: B256,
    },
    /// The operator holds a kind of duty.
    HoldPlaced {
        /// The kind.
        kind: DutyKind,
        /// Until then; `None`: until it is released.
        until: Option<Timestamp>,
        /// Why.
        reason: String,
    },
    /// Duties of a kind go on: the operator released them, or the hold's time is over.
    HoldReleased {
        /// The kind.
        kind: DutyKind,
    },
    /// A kind of duty is held because of what happened: an alarm.
    AutomaticHold {
        /// The kind.
        kind: DutyKind,
        /// What happened.
        cause: Cause,
        /// In words.
        reason: String,
    },
    /// A hold of that cause is over: the operator released it, or its cause has passed.
    AutomaticHoldOver {
        /// The kind.
        kind: DutyKind,
        /// Its cause.
        cause: Cause,
    },
    /// A duty moves more than a limit of this operator allows: an alarm. This guardian takes no part in it for now.
    LimitExceeded {
        /// The duty.
        id: DutyId,
        /// Its digest.
        digest: B256,
        /// The limit.
        excess: Excess,
        /// It goes on at this time; `None`: when the operator releases it.
        until: Option<Timestamp>,
    },
    /// The operator lets a duty pass the limits.
    LimitReleased {
        /// The duty.
        id: DutyId,
        /// Its digest.
        digest: B256,
    },
    /// Other limits are in force.
    LimitsChanged,
    /// The operator refuses a digest.
    Forbidden {
        /// The digest.
        digest: B256,
    },
    /// A duty is due that needs the operator's word. Told once, as long as it is due.
    Offered {
        /// The duty.
        id: DutyId,
        /// Its digest.
        digest: B256,
    },
    /// The operator asks for what has this digest.
    AskedFor {
        /// The digest.
        digest: B256,
    },
    /// The operator forgave a member.
    Pardoned {
        /// The member.
        member: MemberId,
        /// What it did up to this period.
        upto: Epoch,
    },
    /// The store was set back to an earlier state, or another process has its identity: an alarm. Nothing is signed until the
    /// floor is raised past everything that it can have forgotten.
    StoreSetBack {
        /// Who has shown it; `None`: the mark beside the keys.
        by: Option<MemberId>,
        /// What the store does not know.
        forgotten: Forgotten,
    },
    /// A store that is new, or was set back, may sign again after this period.
    FloorRaised {
        /// The period.
        after: Epoch,
    },
    /// A member computed another digest for a duty of ours: an alarm.
    DigestsDiffer {
        /// The duty.
        id: DutyId,
        /// Who.
        member: MemberId,
        /// What it announced.
        theirs: B256,
        /// What we announced.
        ours: B256,
    },
    /// What that member read otherwise than we did: an alarm.
    EvidenceDiffers {
        /// The period.
        period: Epoch,
        /// Who.
        member: MemberId,
        /// What, and how on each side.
        difference: Difference,
    },
    /// That member read the same as we did: it decides by other rules, or lies. An alarm.
    EvidenceAlike {
        /// The period.
        period: Epoch,
        /// Who.
        member: MemberId,
    },
    /// The committee signed something else than what we compute from what we read: an alarm.
    SignedOtherwise {
        /// The duty.
        id: DutyId,
        /// What was signed.
        signed: B256,
        /// What we compute; `None` if nothing of the kind is due.
        ours: Option<B256>,
    },
    /// Threshold members announced our digest.
    Agreed {
        /// The duty.
        id: DutyId,
    },
    /// This guardian opened a signing session as coordinator.
    SessionOpened {
        /// The duty.
        id: DutyId,
        /// Which attempt.
        attempt: u32,
        /// With whom.
        signers: Vec<MemberId>,
    },
    /// A member cheated and is excluded from signing: an alarm. Anyone can check the proof.
    Culprit {
        /// The duty.
        id: DutyId,
        /// Who.
        member: MemberId,
        /// The proof.
        fault: Fault,
    },
    /// A member runs two processes with one identity: an alarm. Its commitments are not used.
    Quarantined {
        /// Who.
        member: MemberId,
        /// The starts that live; `None` if the transport has seen both, and one of them says nothing.
        boots: Option<[BootId; 2]>,
    },
    /// For long enough only one process of the member has lived: it takes part again.
    QuarantineLifted {
        /// Who.
        member: MemberId,
    },
    /// More members than can be faulty say that another process runs with our identity: an alarm. Nothing is signed.
    OwnDoppelgangerFound {
        /// Who says so.
        by: Vec<MemberId>,
    },
    /// They no longer say so: we take part again.
    OwnDoppelgangerGone,
    /// The committee signed.
    Signed {
        /// The duty.
        id: DutyId,
        /// The digest.
        digest: B256,
        /// Whether this guardian put the shares together.
        coordinated: bool,
    },
    /// Not signed in time; the next period takes over.
    Expired {
        /// The duty.
        id: DutyId,
    },
    /// It is this guardian's turn to pay for the transaction.
    Submitting {
        /// The duty.
        id: DutyId,
    },
    /// What became of it.
    Submitted {
        /// The duty.
        id: DutyId,
        /// The outcome.
        outcome: CallOutcome,
    },
    /// The contract has the duty, finally.
    Confirmed {
        /// The duty.
        id: DutyId,
    },
    /// The contract has a newer duty of the kind; this one will never count.
    Superseded {
        /// The duty.
        id: DutyId,
    },
    /// The contract had the duty and lost it in a reorganisation.
    Reorged {
        /// The duty.
        id: DutyId,
    },
    /// Something on a validator's way out.
    Exit(ExitEvent),
    /// A signed order demands the exit of a validator that need not leave, by what is read here: an alarm. Our part is not given. Told once
    /// for each exit of an order.
    OrderUnfounded {
        /// The order.
        id: DutyId,
        /// The validator.
        index: ValidatorIndex,
    },
    /// The committee's signature holds for a period that is far from final here, or from being so: who made it has not read what it signed,
    /// or we are far behind. An alarm. It waits until the period is final.
    SignedAhead {
        /// The duty.
        id: DutyId,
        /// Who told us.
        member: MemberId,
    },
    /// Something about another version of the node.
    Version(VersionEvent),
    /// A member's message was refused.
    MessageRefused {
        /// The member.
        member: MemberId,
        /// Why.
        reason: String,
    },
}

/// Something that a guardian did and that its store does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forgotten {
    /// A start.
    Start {
        /// Its number.
        number: u64,
    },
    /// A vote.
    Vote {
        /// The duty that it was for.
        duty: DutyId,
    },
}

impl std::fmt::Display for Forgotten {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Start { number } => write!(f, "start number {number}"),
            Self::Vote { duty } => write!(f, "a vote for {duty}"),
        }
    }
}

/// Which chain a provider serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Layer {
    /// The consensus layer.
    Beacon,
    /// The execution layer.
    Execution,
}

impl Layer {
    /// The word used in logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Beacon => "beacon",
            Self::Execution => "execution",
        }
    }
}

impl std::fmt::Display for Layer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
