//! Exits on the chains of the simulation, and what keeps them from coming about: nodes that take none, proposers that include none, a fee that
//! is too high, a pod that makes no requests, withdrawals that are pending; and a registry that forgets what it has requested.

use super::{
    chain::{Chain, FORK_VERSION, block, index, network},
    invariants::{Violation, violation},
};
use alloy::primitives::B256;
use guardian_crypto::bls::{
    BlsSignature,
    exit::{ExitDomain, VoluntaryExit},
};
use guardian_protocol::{
    BlsPubkey, ExitRequest, ProtocolEvent, RequestOutcome, SignedExit, ValidatorIndex, Wei, testing::Registry,
};
use std::collections::{BTreeMap, BTreeSet};

/// What goes wrong with exits at the moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExitTroubles {
    /// No beacon node takes an exit.
    pub refused: bool,
    /// Beacon nodes take exits, and no block gets them.
    pub never_included: bool,
    /// EIP-7002's fee is above what anybody pays.
    pub dear: bool,
    /// The validators' pods make no requests.
    pub pod_denies: bool,
    /// Who pays for a request dies before it knows what became of it.
    pub payer_dies: bool,
    /// The withdrawal of a part of each validator's balance is pending.
    pub pending: bool,
}

/// Requests by EIP-7002.
#[derive(Debug, Default)]
pub struct Requests {
    /// What goes wrong.
    pub troubles: ExitTroubles,
    /// In which epochs withdrawals were pending.
    pending: BTreeSet<u64>,
    /// What was requested under each order.
    made: BTreeMap<B256, BTreeSet<usize>>,
    /// How many requests there were for each validator.
    pub by_validator: BTreeMap<ValidatorIndex, usize>,
    /// Wei that were paid for all of them.
    pub fees: Wei,
    /// The registry does not remember what it has requested: for a sabotage.
    pub forgets: bool,
    /// States do not tell of pending withdrawals: for a sabotage.
    pub hides_pending: bool,
}

/// What a request costs when it is not dear.
pub const FEE: Wei = 1;

impl Requests {
    /// An epoch begins.
    pub(super) fn begin(&mut self, epoch: u64) {
        if self.troubles.pending {
            self.pending.insert(epoch);
        }
    }

    /// Whether withdrawals were pending in `epoch`.
    #[must_use]
    pub fn are_pending(&self, epoch: u64) -> bool {
        self.pending.contains(&epoch)
    }
}

impl Chain {
    /// The epoch of the head.
    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }

    pub(super) fn is_paused(&self) -> bool {
        self.paused.contains(&self.epoch)
    }

    /// A contract logs something: visible from the next epoch's first block on.
    pub(super) fn log(&mut self, event: ProtocolEvent) {
        self.events.push((self.epoch + 1, event));
    }

    /// A validator begins to leave.
    pub(super) fn leave(&mut self, index: ValidatorIndex) {
        self.exits.entry(index.0).or_insert(self.epoch);
    }

    /// What the contracts had logged by `epoch`.
    pub(super) fn registry_at(&self, epoch: u64) -> Registry {
        let mut registry = Registry::default();
        let seen = self.events.iter().filter(|(at, _)| *at <= epoch);
        seen.for_each(|(at, event)| registry.advance(block(*at), std::slice::from_ref(event)));
        registry
    }

    /// A beacon node's exit pool: a wrong signature changes nothing. Why it does not take it, if it does not.
    pub fn publish(&mut self, exit: &SignedExit) -> Option<String> {
        if self.exits.contains_key(&exit.index.0) {
            return None;
        }
        let domain = ExitDomain::new(FORK_VERSION, &network().genesis_validators_root.0);
        let root = VoluntaryExit { epoch: exit.epoch.0, validator_index: exit.index.0 }.signing_root(&domain);
        let genuine = self.validators.get(index(exit.index.0)).is_some_and(|(key, _)| {
            BlsSignature::from_bytes(&exit.signature)
                .is_ok_and(|signature| key.verify(root.as_bytes(), &signature).is_ok())
        });
        let troubles = self.requests.troubles;
        if troubles.refused {
            return Some("not taken".to_owned());
        }
        if genuine && !troubles.never_included && !troubles.pending {
            self.leave(exit.index);
        }
        (!genuine).then(|| "a wrong signature".to_owned())
    }

    /// The troubles of exits from now on.
    pub fn trouble_exits(&mut self, troubles: ExitTroubles) {
        self.requests.troubles = troubles;
        self.requests.begin(self.epoch());
    }

    /// Somebody pays to have a validator's exit requested.
    pub fn request(&mut self, request: &ExitRequest) -> RequestOutcome {
        let (order, position) = (request.order.digest(), request.position);
        let troubles = self.requests.troubles;
        if troubles.dear {
            return RequestOutcome::TooDear { fee: request.max_fee.saturating_add(1) };
        }
        if !self.requests.forgets
            && request
                .orders
                .iter()
                .any(|(order, place)| self.requests.made.get(order).is_some_and(|made| made.contains(place)))
        {
            return RequestOutcome::AlreadyMade;
        }
        if troubles.pod_denies {
            return RequestOutcome::Refused("the pod makes no requests".to_owned());
        }
        if self.is_paused() {
            return RequestOutcome::Refused("paused".to_owned());
        }
        self.requests.made.entry(order).or_default().insert(position);
        *self.requests.by_validator.entry(request.index).or_default() += 1;
        self.requests.fees += FEE;
        if !self.requests.forgets {
            let positions = B256::left_padding_from(
                &1_u64.checked_shl(u32::try_from(position).unwrap_or(64)).unwrap_or(0).to_be_bytes(),
            );
            let reference_slot = request.order.duty().reference_slot;
            self.log(ProtocolEvent::ExitsRequested { reference_slot, positions });
        }
        if !troubles.pending {
            self.leave(request.index);
        }
        RequestOutcome::Included { transaction: order, gas: 120_000, fee: FEE }
    }

    /// No validator's exit was requested twice.
    ///
    /// # Errors
    /// If one was.
    pub fn one_request_each(&self) -> Result<(), Violation> {
        match self.requests.by_validator.iter().find(|(_, times)| **times > 1) {
            Some((index, times)) => {
                violation("never_two_requests_for_one_validator", format!("{times} for validator {index}"))
            }
            None => Ok(()),
        }
    }

    /// Whether a request for the validator was in a block that is final at `epoch`.
    #[must_use]
    pub fn was_requested(&self, pubkey: &BlsPubkey, epoch: u64) -> bool {
        self.registry_at(epoch).is_requested(pubkey)
    }
}
