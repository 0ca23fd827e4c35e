//! One validator on its way out: what speaks for it, the parts that came in, and the whole signature once it is there.

use super::{
    broadcast::Broadcast,
    request::{self, Missing, Request},
    root::exit_root,
    trail::{ExitStage, Wait},
};
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
use std::{collections::BTreeMap, sync::Arc};

/// An exit that a signed order demands.
#[derive(Debug)]
pub(super) struct OpenExit {
    duty: DutyId,
    reference_slot: Slot,
    order: B256,
    index: ValidatorIndex,
    pubkey: BlsPubkey,
    reason: EjectionReason,
    /// `None`: no share of its key is here.
    key: Option<Arc<ValidatorKey>>,
    /// What was read last speaks for it; see [`OpenExit::weigh`].
    cleared: bool,
    /// The registry has an order for it, this one or a newer one, at the block that was read last.
    accepted: bool,
    /// The first of the epochs that were read one after the other, up to the last one, in which nothing stood in its way.
    free_since: Option<Epoch>,
    /// Why the beacon chain would not take it yet.
    unripe: Option<Wait>,
    /// It was told that it does not come about.
    told_stuck: bool,
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
    pub(super) broadcast: Broadcast,
    pub(super) request: Request,
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
    /// What `signed` demands of one validator, of whose key we hold a share if there is a `key`. `None` if the fork schedule is unusable.
    pub(super) fn new(
        signed: &Signed,
        ejection: &Ejection,
        key: Option<&Arc<ValidatorKey>>,
        setup: &Setup,
        broadcast: Broadcast,
    ) -> Option<Self> {
        Some(Self {
            duty: signed.id(),
            reference_slot: signed.duty().reference_slot,
            order: signed.digest(),
            index: ejection.index,
            pubkey: ejection.pubkey,
            reason: ejection.reason,
            key: key.cloned(),
            cleared: false,
            accepted: false,
            free_since: None,
            unripe: None,
            told_stuck: false,
            kept_back: false,
            doubted: false,
            root: exit_root(signed.duty().period, ejection.index, &setup.network)?,
            ours: None,
            verified: BTreeMap::new(),
            fresh: BTreeMap::new(),
            signature: None,
            broadcast,
            request: Request::default(),
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
    pub(super) fn weigh(&mut self, validator: &ValidatorRecord, evidence: &Evidence, setup: &Setup) -> Weight {
        let epoch = evidence.checkpoint.epoch;
        let free_since = self.free_since.take();
        (self.cleared, self.unripe) = (false, Wait::of(validator, epoch, &setup.network));
        if epoch < self.period() {
            return Weight::Open;
        }
        let ordered = evidence.orders.get(&self.pubkey);
        self.accepted = ordered.is_some_and(|slot| *slot >= self.reference_slot);
        let is_the_one = validator.index == self.index && validator.pubkey == self.pubkey;
        if !is_the_one || !demands_exit(validator, evidence) {
            let news = !std::mem::replace(&mut self.doubted, true);
            return if news { Weight::Against } else { Weight::Open };
        }
        self.cleared = !stops_exits(evidence) && ordered == Some(&self.reference_slot);
        if !self.cleared {
            return Weight::Open;
        }
        if !self.kept_back && self.unripe.is_none() {
            self.free_since = free_since.or(Some(epoch));
        }
        Weight::For
    }

    /// Nothing that was read speaks for it any more.
    pub(super) fn doubt(&mut self) {
        self.cleared = false;
        self.request.withdraw();
    }

    /// Whether, by what speaks for it, its exit may be requested by EIP-7002 as well, and on which terms.
    pub(super) fn consider_request(
        &mut self,
        now: Timestamp,
        validator: &ValidatorRecord,
        evidence: &Evidence,
        orders: usize,
        setup: &Setup,
    ) {
        let epoch = evidence.checkpoint.epoch;
        let age = epoch.0.saturating_sub(self.period().0);
        let terms = request::terms(validator, evidence, (age, self.free_for(epoch)), orders, setup);
        let terms = terms.and_then(|terms| self.is_ripe().then_some(terms).ok_or(Missing::Ripe));
        let place = (self.duty, self.order);
        self.request.offer(now, terms, place, setup);
    }

    /// When it is our turn to request it, if it may be.
    pub(super) fn request_turn(&self) -> Option<Timestamp> {
        self.request.turn().filter(|_| self.is_ripe())
    }

    /// The operator's word, or a limit's. Returns whether it is another than before.
    pub(super) fn keep_back(&mut self, kept_back: bool) -> bool {
        std::mem::replace(&mut self.kept_back, kept_back) != kept_back
    }

    /// Whether our part may be given.
    pub(super) fn is_free(&self) -> bool {
        self.cleared && !self.kept_back
    }

    /// Whether the whole may be published: the same, and the beacon chain would take it.
    fn is_ripe(&self) -> bool {
        self.is_free() && self.unripe.is_none()
    }

    /// How many epochs, of those that were read, nothing has stood in its way up to `epoch`.
    pub(super) fn free_for(&self, epoch: Epoch) -> u64 {
        self.free_since.map_or(0, |since| epoch.0.saturating_sub(since.0))
    }

    /// Whether it is news that it does not come about.
    pub(super) fn gets_stuck(&mut self) -> bool {
        !std::mem::replace(&mut self.told_stuck, true)
    }

    /// The registry has forgotten its order, or never had it, and will not take it any more.
    pub(super) fn is_over(&self, epoch: Epoch, life: u64) -> bool {
        !self.accepted && epoch.0.saturating_sub(self.period().0) > life
    }

    /// How far the guardians' own way is.
    pub(super) fn stage(&self) -> ExitStage {
        match (self.broadcast.times(), self.signature, self.verified.len()) {
            (1.., Some(_), _) => ExitStage::Broadcast,
            (_, Some(_), _) => ExitStage::Combined,
            (_, None, 1..) => ExitStage::Parts,
            (_, None, 0) => ExitStage::Ordered,
        }
    }

    /// Fills in what is known here alone.
    pub(super) fn describe(&self, status: &mut ExitStatus) {
        let is_complete = self.signature.is_some();
        status.needed = self.threshold().unwrap_or_default();
        // Parts are let go of when the whole is there.
        status.parts = if is_complete { status.needed } else { self.verified.len() };
        status.has_share = self.key.is_some();
        status.is_given = self.ours.is_some();
        status.is_cleared = self.cleared;
        status.is_held = self.kept_back;
        status.is_complete = is_complete;
        status.published = self.broadcast.times();
        status.taken = self.broadcast.taken();
        status.refusal = self.broadcast.refusal().map(str::to_owned);
        status.waits = self.unripe;
        status.is_stuck = self.told_stuck;
        status.request = Some(self.request.tried());
    }

    /// What was done for it so far, in words.
    pub(super) fn tried(&self) -> String {
        let signed = match (self.signature.is_some(), self.threshold()) {
            (true, _) => self.broadcast.tried(),
            (false, Some(needed)) => format!("{} of {needed} parts of its exit are there", self.verified.len()),
            (false, None) => "no share of its key is here".to_owned(),
        };
        format!("{signed}; {}", self.request.tried())
    }

    fn threshold(&self) -> Option<usize> {
        self.key.as_ref().map(|key| usize::from(key.commitments.threshold()))
    }

    pub(super) fn period(&self) -> Epoch {
        self.duty.period
    }

    pub(super) fn order(&self) -> B256 {
        self.order
    }

    pub(super) fn pubkey(&self) -> BlsPubkey {
        self.pubkey
    }

    pub(super) fn reason(&self) -> EjectionReason {
        self.reason
    }

    /// Keeps a part until it is looked at. One that is not needed any more is dropped.
    pub(super) fn offer(&mut self, member: MemberId, partial: PartialSignature) -> bool {
        let needed = self.key.is_some() && self.signature.is_none() && !self.verified.contains_key(&member);
        if needed {
            self.fresh.insert(member, partial);
        }
        needed
    }

    /// What is left to sign.
    pub(super) fn to_sign(&self) -> Option<ToSign> {
        let key = self.key.as_ref().filter(|_| self.ours.is_none() && self.is_free())?;
        Some(ToSign { index: self.index, key: Arc::clone(key), root: self.root })
    }

    /// As many of the parts of members that `are_chosen` as are needed. None, if ours came last and there are enough: then what is left
    /// is to combine them.
    pub(super) fn to_check(&self, are_chosen: impl Fn(MemberId) -> bool) -> Option<ToCheck> {
        let key = self.key.as_ref()?;
        let need = usize::from(key.commitments.threshold()).saturating_sub(self.verified.len());
        let chosen = self.fresh.iter().filter(|(member, _)| are_chosen(**member)).take(need);
        let fresh: BTreeMap<MemberId, PartialSignature> = chosen.map(|(member, part)| (*member, *part)).collect();
        (need == 0 || !fresh.is_empty()).then(|| ToCheck {
            order: self.order,
            index: self.index,
            key: Arc::clone(key),
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
            self.broadcast.begin(now);
            self.fresh.clear();
            self.verified.clear();
        }
        self.signature.is_some()
    }

    /// When it is our turn to publish, if there is something to.
    pub(super) fn turn(&self) -> Option<Timestamp> {
        self.signature.filter(|_| self.is_ripe()).map(|_| self.broadcast.turn())
    }

    /// The complete exit, to be published now.
    pub(super) fn publish(&mut self, now: Timestamp, setup: &Setup) -> Option<SignedExit> {
        let signature = self.signature?;
        self.broadcast.count(now, setup);
        Some(SignedExit { epoch: self.period(), index: self.index, signature: signature.to_bytes() })
    }

    /// Adds our part to what its order's parts are told as, if it may be given now: who has not heard it yet may be the t-th.
    pub(super) fn tell(&self, orders: &mut BTreeMap<B256, PartialExits>) {
        let Some(ours) = self.ours.filter(|_| self.is_free()) else { return };
        let nothing = || PartialExits { duty: self.duty, digest: self.order, exits: Vec::new() };
        orders.entry(self.order).or_insert_with(nothing).exits.push((self.index, ours));
    }
}
