//! How far each validator is that was ordered out, from the order to the withdrawal of its stake, as finalized blocks show it.
//!
//! Nothing of it is recorded: all that the beacon chain and the registry say is read again at each finalized epoch, so that a restart forgets
//! nothing. What is not told at an epoch, of a validator or of all, leaves everything where it was.

use super::open::OpenExit;
use crate::{
    duty::{DutyId, Evidence, kinds::EjectionReason},
    effects::Effects,
    event::{Event, ExitEvent},
    status::ExitStatus,
    types::{BlsPubkey, ChainSpec, Epoch, Gwei, ValidatorIndex, ValidatorRecord},
};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// How far a validator's exit is, in the order in which the stages come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ExitStage {
    /// The committee has signed an order for it.
    Ordered,
    /// The registry has the order, at a finalized block.
    Accepted,
    /// Some parts of its exit are there.
    Parts,
    /// There are enough of them: they make its own signature.
    Combined,
    /// This guardian has brought that to the beacon nodes.
    Broadcast,
    /// Its exit was requested by EIP-7002, at a finalized block.
    Requested,
    /// A finalized block has its exit: it leaves at its exit epoch.
    InBlock,
    /// It has left. Its stake is still locked.
    Exited,
    /// Its stake can be withdrawn, and waits for the sweep.
    Withdrawable,
    /// Its stake was withdrawn. What is left is to settle it with the protocol.
    Swept,
}

impl ExitStage {
    /// Every stage, in order.
    pub const ALL: [Self; 10] = [
        Self::Ordered,
        Self::Accepted,
        Self::Parts,
        Self::Combined,
        Self::Broadcast,
        Self::Requested,
        Self::InBlock,
        Self::Exited,
        Self::Withdrawable,
        Self::Swept,
    ];

    /// The word used in logs, metrics and status.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ordered => "ordered",
            Self::Accepted => "accepted",
            Self::Parts => "parts",
            Self::Combined => "combined",
            Self::Broadcast => "broadcast",
            Self::Requested => "requested",
            Self::InBlock => "in_block",
            Self::Exited => "exited",
            Self::Withdrawable => "withdrawable",
            Self::Swept => "swept",
        }
    }

    /// What the beacon chain says of a validator; `None`: that it has not begun to leave.
    fn on_chain(validator: &ValidatorRecord, epoch: Epoch) -> Option<Self> {
        match validator.exit_epoch {
            Epoch::FAR_FUTURE => None,
            exit if epoch < exit => Some(Self::InBlock),
            _ if epoch < validator.withdrawable_epoch => Some(Self::Exited),
            _ if validator.balance > Gwei(0) => Some(Self::Withdrawable),
            _ => Some(Self::Swept),
        }
    }
}

/// Why the beacon chain would not let a validator go yet, whoever asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Wait {
    /// It has to have been active for so long (`SHARD_COMMITTEE_PERIOD`): it may go from this epoch on.
    Young(Epoch),
    /// The withdrawal of so much of its balance is pending.
    PartialWithdrawal(Gwei),
}

impl Wait {
    pub(super) fn of(validator: &ValidatorRecord, epoch: Epoch, network: &ChainSpec) -> Option<Self> {
        let from = validator.activation_epoch.0.saturating_add(network.shard_committee_period);
        let pending = validator.pending_withdrawals.filter(|amount| *amount > Gwei(0));
        (epoch.0 < from).then_some(Self::Young(Epoch(from))).or(pending.map(Self::PartialWithdrawal))
    }
}

impl std::fmt::Display for Wait {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::PartialWithdrawal(amount) => write!(f, "the withdrawal of {amount} gwei of its balance is pending"),
            Self::Young(from) => write!(f, "it may leave from epoch {from} on: it has not been active for long enough"),
        }
    }
}

/// Everything that is known of one validator's exit.
#[derive(Debug)]
struct Trail {
    pubkey: BlsPubkey,
    is_accepted: bool,
    is_requested: bool,
    /// What the beacon chain shows.
    shown: Option<ExitStage>,
    exit_epoch: Option<Epoch>,
    withdrawable_epoch: Option<Epoch>,
}

/// All validators that were ordered out and are not settled.
#[derive(Debug, Default)]
pub(super) struct Trails {
    trails: BTreeMap<ValidatorIndex, Trail>,
    /// The newest order that is known for each validator, and its reason.
    orders: BTreeMap<BlsPubkey, (DutyId, EjectionReason)>,
}

impl Trails {
    /// The committee has ordered it out.
    pub(super) fn order(&mut self, pubkey: BlsPubkey, duty: DutyId, reason: EjectionReason) {
        let known = self.orders.entry(pubkey).or_insert((duty, reason));
        if known.0.period < duty.period {
            *known = (duty, reason);
        }
    }

    /// Takes what `evidence` shows; `open` are exits that guardians still work on, which end here when the beacon chain has them.
    pub(super) fn see(&mut self, evidence: &Evidence, open: &mut BTreeMap<ValidatorIndex, OpenExit>, fx: &mut Effects) {
        let epoch = evidence.checkpoint.epoch;
        for validator in &evidence.validators {
            let index = validator.index;
            let is_accepted = evidence.orders.contains_key(&validator.pubkey);
            if !is_accepted && !open.contains_key(&index) {
                continue;
            }
            let shown = ExitStage::on_chain(validator, epoch);
            let was_open = shown.is_some() && open.remove(&index).is_some();
            let when = |epoch: Epoch| (epoch != Epoch::FAR_FUTURE).then_some(epoch);
            let trail = Trail {
                pubkey: validator.pubkey,
                is_accepted,
                is_requested: evidence.requested.contains(&validator.pubkey),
                shown,
                exit_epoch: when(validator.exit_epoch),
                withdrawable_epoch: when(validator.withdrawable_epoch),
            };
            let known = self.trails.insert(index, trail);
            if was_open {
                fx.report(Event::Exit(ExitEvent::Seen { index, exit_epoch: validator.exit_epoch }));
            }
            // After a restart everything is seen for the first time, and was told before.
            let before = known.and_then(|known| known.shown).or(was_open.then_some(ExitStage::InBlock));
            if let (Some(before), Some(stage)) = (before, shown)
                && stage > before
            {
                fx.report(Event::Exit(ExitEvent::Moved { index, stage }));
            }
        }
        self.forget_settled(evidence, open, fx);
    }

    /// The protocol has settled those that are its own no longer. One that only the beacon state does not tell of stays where it was.
    fn forget_settled(&mut self, evidence: &Evidence, open: &mut BTreeMap<ValidatorIndex, OpenExit>, fx: &mut Effects) {
        let told = evidence.validators.iter().map(|validator| &validator.pubkey);
        let ours: BTreeSet<&BlsPubkey> = told.chain(&evidence.unknown).collect();
        self.trails.retain(|index, trail| {
            let is_ours = ours.contains(&trail.pubkey);
            if !is_ours && trail.shown.is_some() {
                fx.report(Event::Exit(ExitEvent::Settled { index: *index }));
            }
            is_ours && (trail.is_accepted || open.contains_key(index))
        });
        self.orders.retain(|pubkey, _| ours.contains(pubkey) || open.values().any(|exit| exit.pubkey() == *pubkey));
    }

    /// All of them, by index.
    pub(super) fn status(&self, open: &BTreeMap<ValidatorIndex, OpenExit>) -> Vec<ExitStatus> {
        let unseen = open.iter().filter(|(index, _)| !self.trails.contains_key(index));
        let unseen = unseen.map(|(index, exit)| (*index, exit.pubkey(), None));
        let seen = self.trails.iter().map(|(index, trail)| (*index, trail.pubkey, Some(trail)));
        let mut all: Vec<ExitStatus> = unseen
            .chain(seen)
            .map(|(index, pubkey, trail)| self.one((index, pubkey), trail, open.get(&index)))
            .collect();
        all.sort_by_key(|status| status.validator);
        all
    }

    fn one(
        &self,
        (validator, pubkey): (ValidatorIndex, BlsPubkey),
        trail: Option<&Trail>,
        open: Option<&OpenExit>,
    ) -> ExitStatus {
        let order = self.orders.get(&pubkey);
        let accepted = trail.filter(|trail| trail.is_accepted).map(|_| ExitStage::Accepted);
        let requested = trail.filter(|trail| trail.is_requested).map(|_| ExitStage::Requested);
        let stages = [accepted, requested, open.map(OpenExit::stage), trail.and_then(|trail| trail.shown)];
        let mut status = ExitStatus {
            validator,
            pubkey,
            order: order.map(|(duty, _)| *duty),
            reason: order.map(|(_, reason)| reason.as_str()),
            stage: stages.into_iter().flatten().max().unwrap_or(ExitStage::Ordered),
            exit_epoch: trail.and_then(|trail| trail.exit_epoch),
            withdrawable_epoch: trail.and_then(|trail| trail.withdrawable_epoch),
            parts: 0,
            needed: 0,
            has_share: false,
            is_given: false,
            is_cleared: false,
            is_held: false,
            is_complete: false,
            published: 0,
            taken: None,
            refusal: None,
            waits: None,
            request: None,
            is_stuck: false,
        };
        if let Some(open) = open {
            open.describe(&mut status);
        }
        status
    }
}
