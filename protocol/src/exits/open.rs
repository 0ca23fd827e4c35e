//! One validator on its way out: what speaks for it, the parts that came in, and the whole signature once it is there.

use super::root::exit_root;
use crate::{
    duty::{
        DutyId, Evidence, demands_exit,
        kinds::{Ejection, EjectionReason},
        stops_exits,
    },
    ports::SignedExit,
    setup::Setup,
    sign::Signed,
    status::ExitStatus,
    types::{BlsPubkey, Epoch, MemberId, Slot, Timestamp, ValidatorIndex, ValidatorRecord},
    wire::PartialExits,
    work::{
        ValidatorKey,
        exits::{ToCheck, ToSign},
    },
};
use alloy_primitives::B256;
use guardian_crypto::bls::{BlsSignature, PartialSignature, VerifiedPartial, batch::Checked, exit::ExitRoot};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// An exit that a signed order demands.
#[derive(Debug)]
pub(super) struct OpenExit {
    duty: DutyId,
    reference_slot: Slot,
    order: B256,
    index: ValidatorIndex,
    pubkey: BlsPubkey,
    reason: EjectionReason,
    key: Arc<ValidatorKey>,
    /// What was read last speaks for it; see [`OpenExit::weigh`].
    cleared: bool,
    /// The operator, or a limit, says wait.
    kept_back: bool,
    /// It was told that what is read here speaks against it.
    doubted: bool,
    root: ExitRoot,
    /// Our part, once it is made.
    ours: Option<PartialSignature>,
    /// Parts that count, ours among them.
    verified: BTreeMap<MemberId, VerifiedPartial>,
    /// Parts that nobody has looked at yet; at most one of each member.
    fresh: BTreeMap<MemberId, PartialSignature>,
    signature: Option<BlsSignature>,
    turn: Timestamp,
    patience: Duration,
    /// How often we have published it.
    published: u32,
}

/// What evidence says of an exit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weight {
    /// It speaks for it.
    For,
    /// It can't say: the order is not final on its chain, say, or of a later epoch.
    Open,
    /// The validator need not leave, as far as it shows. Said once.
    Against,
}

impl OpenExit {
    /// What `signed` demands of one validator. `patience` is how long the members before us are let try to publish it. `None` if the
    /// fork schedule is unusable.
    pub(super) fn new(
        signed: &Signed,
        ejection: &Ejection,
        key: &Arc<ValidatorKey>,
        setup: &Setup,
        (turn, patience): (Timestamp, Duration),
    ) -> Option<Self> {
        Some(Self {
            duty: signed.id(),
            reference_slot: signed.duty().reference_slot,
            order: signed.digest(),
            index: ejection.index,
            pubkey: ejection.pubkey,
            reason: ejection.reason,
            key: Arc::clone(key),
            cleared: false,
            kept_back: false,
            doubted: false,
            root: exit_root(signed.duty().period, ejection.index, &setup.network)?,
            ours: None,
            verified: BTreeMap::new(),
            fresh: BTreeMap::new(),
            signature: None,
            turn,
            patience,
            published: 0,
        })
    }

    /// Which order demands it.
    pub(super) fn duty(&self) -> DutyId {
        self.duty
    }

    /// A group signature alone moves nothing that can't be taken back: who holds t shares of the key may have made it. So our part is
    /// given, and the whole is published, only while all of this holds of the newest finalized block that *we* read:
    /// - it is not older than the order;
    /// - the validator of that index has the order's key, is active, and must leave by the rules, whatever was ordered before;
    /// - the registry has accepted this order for it;
    /// - the keys are not paused, and the registry's exits are not stopped.
    ///
    /// An exit takes days in the queue, so the minutes until then cost nothing; they give people the time to say no.
    pub(super) fn weigh(&mut self, validator: &ValidatorRecord, evidence: &Evidence) -> Weight {
        self.cleared = false;
        if evidence.checkpoint.epoch < self.period() {
            return Weight::Open;
        }
        let is_the_one = validator.index == self.index && validator.pubkey == self.pubkey;
        if !is_the_one || !demands_exit(validator, evidence) {
            let news = !std::mem::replace(&mut self.doubted, true);
            return if news { Weight::Against } else { Weight::Open };
        }
        self.cleared = !stops_exits(evidence) && evidence.orders.get(&self.pubkey) == Some(&self.reference_slot);
        if self.cleared { Weight::For } else { Weight::Open }
    }

    /// Nothing that was read speaks for it any more.
    pub(super) fn doubt(&mut self) {
        self.cleared = false;
    }

    /// The operator's word, or a limit's. Returns whether it is another than before.
    pub(super) fn keep_back(&mut self, kept_back: bool) -> bool {
        std::mem::replace(&mut self.kept_back, kept_back) != kept_back
    }

    /// Whether our part may be given, and the whole published.
    pub(super) fn is_free(&self) -> bool {
        self.cleared && !self.kept_back
    }

    /// How far it is.
    pub(super) fn status(&self) -> ExitStatus {
        let needed = usize::from(self.key.commitments.threshold());
        let is_complete = self.signature.is_some();
        ExitStatus {
            validator: self.index,
            pubkey: self.pubkey,
            order: self.duty,
            reason: self.reason.as_str(),
            // Parts are let go of when the whole is there.
            parts: if is_complete { needed } else { self.verified.len() },
            needed,
            is_given: self.ours.is_some(),
            is_cleared: self.cleared,
            is_held: self.kept_back,
            is_complete,
            published: self.published,
        }
    }

    pub(super) fn period(&self) -> Epoch {
        self.duty.period
    }

    pub(super) fn order(&self) -> B256 {
        self.order
    }

    pub(super) fn reason(&self) -> EjectionReason {
        self.reason
    }

    /// Keeps a part until it is looked at. One that is not needed any more is dropped.
    pub(super) fn offer(&mut self, member: MemberId, partial: PartialSignature) -> bool {
        let needed = self.signature.is_none() && !self.verified.contains_key(&member);
        if needed {
            self.fresh.insert(member, partial);
        }
        needed
    }

    /// What is left to sign.
    pub(super) fn to_sign(&self) -> Option<ToSign> {
        (self.ours.is_none() && self.is_free()).then(|| ToSign {
            index: self.index,
            key: Arc::clone(&self.key),
            root: self.root,
        })
    }

    /// As many of the parts of members that `are_chosen` as are needed. None, if ours came last and there are enough: then what is left
    /// is to combine them.
    pub(super) fn to_check(&self, are_chosen: impl Fn(MemberId) -> bool) -> Option<ToCheck> {
        let need = usize::from(self.key.commitments.threshold()).saturating_sub(self.verified.len());
        let chosen = self.fresh.iter().filter(|(member, _)| are_chosen(**member)).take(need);
        let fresh: BTreeMap<MemberId, PartialSignature> = chosen.map(|(member, part)| (*member, *part)).collect();
        (need == 0 || !fresh.is_empty()).then(|| ToCheck {
            order: self.order,
            index: self.index,
            key: Arc::clone(&self.key),
            root: self.root,
            verified: self.verified.clone(),
            fresh,
        })
    }

    /// Our part is made; whether it was still to make, and still may be given.
    pub(super) fn signed(&mut self, partial: VerifiedPartial) -> bool {
        if self.ours.is_some() || !self.is_free() {
            return false;
        }
        self.ours = Some(partial.signature());
        if self.signature.is_none() {
            self.verified.insert(partial.member(), partial);
        }
        true
    }

    /// Parts were looked at; whether the exit became complete by that.
    pub(super) fn checked(
        &mut self,
        now: Timestamp,
        judged: &BTreeMap<MemberId, PartialSignature>,
        checked: &Checked,
    ) -> bool {
        if self.signature.is_some() {
            return false;
        }
        // What came in the meantime has not been looked at.
        self.fresh.retain(|member, part| judged.get(member) != Some(part));
        self.verified.extend(checked.verified.iter().map(|(member, partial)| (*member, partial.clone())));
        self.signature = checked.signature;
        if self.signature.is_some() {
            self.turn = now.after(self.patience);
            self.fresh.clear();
            self.verified.clear();
        }
        self.signature.is_some()
    }

    /// When it is our turn to publish, if there is something to.
    pub(super) fn turn(&self) -> Option<Timestamp> {
        self.signature.filter(|_| self.is_free()).map(|_| self.turn)
    }

    /// The complete exit, to be published now, and again if that does not help: a node's 200 is not acceptance. Each time after twice
    /// as long, up to an epoch: it may wait for a place in a block, and beacon nodes have other things to do.
    pub(super) fn publish(&mut self, now: Timestamp, setup: &Setup) -> Option<SignedExit> {
        let signature = self.signature?;
        let pause = setup.timing.submit_stagger.saturating_mul(2_u32.saturating_pow(self.published));
        self.published = self.published.saturating_add(1);
        self.turn = now.after(pause.min(setup.network.epoch()).saturating_add(self.patience));
        Some(SignedExit { epoch: self.period(), index: self.index, signature: signature.to_bytes() })
    }

    /// Adds our part to what its order's parts are told as, if it may be given now: who has not heard it yet may be the t-th.
    pub(super) fn tell(&self, orders: &mut BTreeMap<B256, PartialExits>) {
        let Some(ours) = self.ours.filter(|_| self.is_free()) else { return };
        let nothing = || PartialExits { duty: self.duty, digest: self.order, exits: Vec::new() };
        orders.entry(self.order).or_insert_with(nothing).exits.push((self.index, ours));
    }
}
