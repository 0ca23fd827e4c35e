//! One validator on its way out.

use super::root::exit_root;
use crate::{
    duty::{
        DutyId,
        kinds::{Ejection, EjectionReason},
    },
    ports::SignedExit,
    setup::Setup,
    sign::Signed,
    types::{Epoch, MemberId, Timestamp, ValidatorIndex},
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
    order: B256,
    index: ValidatorIndex,
    reason: EjectionReason,
    key: Arc<ValidatorKey>,
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
            order: signed.digest(),
            index: ejection.index,
            reason: ejection.reason,
            key: Arc::clone(key),
            root: exit_root(signed.duty().period, ejection.index, &setup.network)?,
            ours: None,
            verified: BTreeMap::new(),
            fresh: BTreeMap::new(),
            signature: None,
            turn,
            patience,
        })
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
        self.ours.is_none().then(|| ToSign { index: self.index, key: Arc::clone(&self.key), root: self.root })
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

    /// Our part is made; whether it was still to make.
    pub(super) fn signed(&mut self, partial: VerifiedPartial) -> bool {
        if self.ours.is_some() {
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
        self.signature.map(|_| self.turn)
    }

    /// The complete exit, to be published now, and again if that does not help: a node's 200 is not acceptance.
    pub(super) fn publish(&mut self, now: Timestamp, setup: &Setup) -> Option<SignedExit> {
        let signature = self.signature?;
        self.turn = now.after(setup.timing.submit_stagger.saturating_add(self.patience));
        Some(SignedExit { epoch: self.period(), index: self.index, signature: signature.to_bytes() })
    }

    /// Adds our part to what its order's parts are told as.
    pub(super) fn tell(&self, orders: &mut BTreeMap<B256, PartialExits>) {
        let Some(ours) = self.ours else { return };
        let nothing = || PartialExits { duty: self.duty, digest: self.order, exits: Vec::new() };
        orders.entry(self.order).or_insert_with(nothing).exits.push((self.index, ours));
    }
}
