//! A snapshot for people: what this guardian sees, does and waits for. Nothing is decided from it.

use crate::{
    audit::Difference,
    duty::{DutyId, DutyKind, KeyProposal},
    exits::{ExitStage, Wait},
    hold::{Cause, Hold, LimitedDuty},
    setup::Mode,
    submit::Stage,
    types::{BlsPubkey, Epoch, MemberId, Program, RuleVersion, Timestamp, ValidatorIndex},
};
use alloy_primitives::B256;
use serde::Serialize;
use std::collections::BTreeMap;

/// Where a guardian stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Status {
    /// Which member it is.
    pub member: MemberId,
    /// How many must act together.
    pub threshold: usize,
    /// The last finalized epoch that it fully observed.
    pub observed: Option<Epoch>,
    /// How many validators the protocol has, by the contracts' events.
    pub validators: usize,
    /// How far the contracts' events are read.
    pub history: HistoryStatus,
    /// The members that it is connected to.
    pub connected: Vec<MemberId>,
    /// Why it would not contribute to the next report. Empty: ready.
    pub not_ready: Vec<Reason>,
    /// Duties that it decided and that are not signed yet.
    pub open: Vec<OpenDutyStatus>,
    /// Duties that are due and wait for the operator's word, without which this guardian takes no part in them.
    pub offered: Vec<OfferedDuty>,
    /// Kinds of duty that wait, and why: because the operator said so, or because something happened.
    pub holds: Vec<HeldKind>,
    /// Duties that are beyond a limit, and wait for their time or for the operator's release.
    pub limited: Vec<LimitedDuty>,
    /// Whether it takes part.
    pub mode: Mode,
    /// Whether the contracts take no signature, by the last epoch observed.
    pub keys_paused: bool,
    /// The key that the governor wants in the place of the group's, by the last epoch observed.
    pub key_proposal: Option<KeyProposal>,
    /// When something of each kind may be due next, as far as its contract had come at the last epoch observed.
    pub next: Vec<NextDuty>,
    /// The newest signed duty of each subject of each kind.
    pub signed: Vec<SignedDutyStatus>,
    /// Exits of validators that are under way.
    pub exits: Vec<ExitStatus>,
    /// How many of the protocol's validators the members that are present can let go by exits that they sign.
    pub exitable: usize,
    /// Our shares of validators' keys that fewer holders than the committee's threshold could use.
    pub weak_exit_shares: usize,
    /// What members that computed another digest have read otherwise, of the last period.
    pub differences: Vec<Disagreement>,
    /// Members that were proven to cheat and take no part in signing.
    pub excluded: Vec<MemberId>,
    /// Members that run two processes with one identity and take no part in signing until only one is left.
    pub quarantined: Vec<MemberId>,
    /// What this program is.
    pub program: Program,
    /// The programs of other members, as they said last. Those that are missing have not said.
    pub programs: Vec<MemberProgram>,
    /// Members that are connected and decide by other rules at the last epoch observed. Their votes are not counted with ours.
    pub other_rules: Vec<MemberId>,
}

impl Status {
    /// Of a guardian that does not run yet, because too little is known of its chains.
    #[must_use]
    pub fn before_start(
        (member, threshold, mode): (MemberId, usize, Mode),
        program: Program,
        start_block: u64,
        not_ready: Vec<Reason>,
    ) -> Self {
        Self {
            member,
            threshold,
            observed: None,
            validators: 0,
            history: HistoryStatus { from: start_block, read: None, wanted: None, pages: 0 },
            connected: Vec::new(),
            not_ready,
            open: Vec::new(),
            offered: Vec::new(),
            holds: Vec::new(),
            limited: Vec::new(),
            mode,
            keys_paused: false,
            key_proposal: None,
            next: Vec::new(),
            signed: Vec::new(),
            exits: Vec::new(),
            exitable: 0,
            weak_exit_shares: 0,
            differences: Vec::new(),
            excluded: Vec::new(),
            quarantined: Vec::new(),
            program,
            programs: Vec::new(),
            other_rules: Vec::new(),
        }
    }
}

/// How far the contracts' events are read, in blocks of the execution chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct HistoryStatus {
    /// The first block that can hold any.
    pub from: u64,
    /// The last block that was read.
    pub read: Option<u64>,
    /// The block up to which an observation needs them; `None`: none has asked yet.
    pub wanted: Option<u64>,
    /// In how many pages they are kept.
    pub pages: usize,
}

impl HistoryStatus {
    /// Whether blocks are left to be read.
    #[must_use]
    pub fn is_being_read(&self) -> bool {
        self.wanted.is_some_and(|wanted| self.read.is_none_or(|read| read < wanted))
    }
}

/// What a member runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MemberProgram {
    /// The member.
    pub member: MemberId,
    /// Its program.
    #[serde(flatten)]
    pub program: Program,
    /// The first epoch, from the last one observed on, in which it decides by other rules than this guardian.
    pub parts_from: Option<Epoch>,
}

/// A duty on its way to a signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OpenDutyStatus {
    /// Which.
    pub id: DutyId,
    /// What this guardian computed.
    pub digest: B256,
    /// The version of the rules that decided it.
    pub rules: RuleVersion,
    /// How many members announced the same.
    pub votes: usize,
    /// Since when.
    pub since: Timestamp,
    /// Members that announced something else, with what.
    pub disagreeing: Vec<(MemberId, B256)>,
    /// Why it waits, if it does: without that, this guardian would announce and sign it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held: Option<Hold>,
}

/// A kind of duty, and when something of it may be due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct NextDuty {
    /// The kind.
    pub kind: DutyKind,
    /// The first epoch.
    pub epoch: Epoch,
}

/// A duty that waits for the operator's word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OfferedDuty {
    /// Which.
    pub id: DutyId,
    /// Its digest, by which the operator asks for it.
    pub digest: B256,
    /// How many members announced it.
    pub votes: usize,
    /// What it states, by name.
    pub statements: BTreeMap<String, String>,
}

/// A kind of duty that waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HeldKind {
    /// The kind.
    pub kind: DutyKind,
    /// What happened; `None`: the operator holds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// Why, and until when.
    #[serde(flatten)]
    pub hold: Hold,
}

/// A fact that another member has otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Disagreement {
    /// The period.
    pub period: Epoch,
    /// Who.
    pub member: MemberId,
    /// What, and how on each side.
    #[serde(flatten)]
    pub difference: Difference,
}

/// A duty on its way to the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SignedDutyStatus {
    /// Which.
    pub id: DutyId,
    /// Its digest.
    pub digest: B256,
    /// How far it is.
    pub stage: Stage,
}

/// How far a validator is that was ordered out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExitStatus {
    /// Whose.
    pub validator: ValidatorIndex,
    /// Its public key.
    pub pubkey: BlsPubkey,
    /// The newest order for it; `None`: it was signed before this guardian's store began.
    pub order: Option<DutyId>,
    /// Why it has to leave, by that order.
    pub reason: Option<&'static str>,
    /// How far it is.
    pub stage: ExitStage,
    /// When it leaves; `None`: no finalized block has its exit.
    pub exit_epoch: Option<Epoch>,
    /// When its stake can be withdrawn.
    pub withdrawable_epoch: Option<Epoch>,
    /// How many members' parts are known to be right.
    pub parts: usize,
    /// How many are needed; 0 if no share of its key is here, or the exit is in a block.
    pub needed: usize,
    /// A share of its key is here.
    pub has_share: bool,
    /// This guardian has given its own part.
    pub is_given: bool,
    /// What was read last speaks for it: until then this guardian gives no part.
    pub is_cleared: bool,
    /// The operator, or a limit, keeps it back.
    pub is_held: bool,
    /// The parts are enough, and make the validator's own signature.
    pub is_complete: bool,
    /// How often this guardian has published it.
    pub published: u32,
    /// How many beacon nodes took it the last time, of how many.
    pub taken: Option<(usize, usize)>,
    /// Why one of them did not take it.
    pub refusal: Option<String>,
    /// Why the beacon chain would not let it go yet.
    pub waits: Option<Wait>,
    /// What became of its request by EIP-7002, in words; `None`: nothing is left to ask for.
    pub request: Option<String>,
    /// It should have been in a block for long.
    pub is_stuck: bool,
}

/// Why a guardian would not contribute to the next report. Stable codes: alerts are built on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// No finalized epoch was observed since the start.
    NothingObserved,
    /// The beacon chain has not finalized anything yet.
    NothingFinal,
    /// What it has finalized is older than it can be while it finalizes.
    FinalityOld,
    /// Too few beacon providers answer.
    BeaconQuorum,
    /// Beacon providers contradict each other.
    BeaconContradiction,
    /// Too few execution providers answer.
    ExecutionQuorum,
    /// Execution providers contradict each other.
    ExecutionContradiction,
    /// The contracts verify against another key.
    KeyMismatch,
    /// Events of the contracts are still to be read.
    ReadingHistory,
    /// Execution providers know different events of the contracts, and nothing tells who is right.
    HistoryContested,
    /// Events of the contracts are missing: the protocol's own books have another number of validators.
    HistoryIncomplete,
    /// Nothing shows that the only execution provider knows all events of the contracts.
    HistoryUnproven,
    /// Fewer than threshold members, itself included, are connected.
    TooFewPeers,
    /// The store is new, and it is not yet known what an older one may have signed.
    StoreIsNew,
    /// The store was set back, and it is not yet known what it has forgotten.
    StoreSetBack,
    /// Fewer than threshold members, itself included, have said since the start what they heard from it before.
    TooFewGreetings,
    /// Another process runs with this guardian's identity.
    Doppelganger,
    /// Too few of the members that are connected decide by the same rules.
    OtherRules,
    /// It was started to observe only.
    Observing,
    /// This guardian was proven to cheat, and the others exclude it.
    Excluded,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 20] = [
        Self::NothingObserved,
        Self::NothingFinal,
        Self::FinalityOld,
        Self::BeaconQuorum,
        Self::BeaconContradiction,
        Self::ExecutionQuorum,
        Self::ExecutionContradiction,
        Self::KeyMismatch,
        Self::ReadingHistory,
        Self::HistoryContested,
        Self::HistoryIncomplete,
        Self::HistoryUnproven,
        Self::TooFewPeers,
        Self::StoreIsNew,
        Self::StoreSetBack,
        Self::TooFewGreetings,
        Self::Doppelganger,
        Self::OtherRules,
        Self::Observing,
        Self::Excluded,
    ];

    /// The code used in `/readyz`, metrics and alerts.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NothingObserved => "nothing_observed",
            Self::NothingFinal => "nothing_final",
            Self::FinalityOld => "finality_old",
            Self::BeaconQuorum => "beacon_quorum",
            Self::BeaconContradiction => "beacon_contradiction",
            Self::ExecutionQuorum => "execution_quorum",
            Self::ExecutionContradiction => "execution_contradiction",
            Self::KeyMismatch => "key_mismatch",
            Self::ReadingHistory => "reading_history",
            Self::HistoryContested => "history_contested",
            Self::HistoryIncomplete => "history_incomplete",
            Self::HistoryUnproven => "history_unproven",
            Self::TooFewPeers => "too_few_peers",
            Self::StoreIsNew => "store_is_new",
            Self::StoreSetBack => "store_set_back",
            Self::TooFewGreetings => "too_few_greetings",
            Self::Doppelganger => "doppelganger",
            Self::OtherRules => "other_rules",
            Self::Observing => "observing",
            Self::Excluded => "excluded",
        }
    }
}
