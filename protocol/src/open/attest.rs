//! A duty whose contract takes guardians' own signatures: this guardian's account signs when the digest is agreed, and signatures are
//! collected until the contract's list has enough.
//!
//! Nobody coordinates: a signature counts by itself, whoever tells it. What is not on the contract's list counts nothing, and convicts
//! nobody.

use super::{OpenDuty, SigningContext};
use crate::{
    agree::Tally,
    duty::Duty,
    effects::{Effects, Recipient},
    event::Event,
    ports::Call,
    setup::Setup,
    sign::{AccountOrder, Attestation, Signed},
    types::{GuardianList, Timestamp},
    wire::{AttestedDuty, Message},
};
use alloy_primitives::{Address, B256};
use guardian_crypto::account::AccountSignature;
use std::collections::BTreeMap;

/// Signatures of one duty, and our account's part.
#[derive(Debug)]
pub(super) struct Attesting {
    /// As the contract had it at the reference.
    list: GuardianList,
    /// By account. One of each: an account can sign in many ways, which say the same.
    collected: BTreeMap<Address, AccountSignature>,
    ours: Option<AccountSignature>,
    /// Ours was told to the others.
    is_told: bool,
    /// When the account may be asked again; `None`: it was not asked yet.
    again: Option<Timestamp>,
    is_agreed: bool,
}

impl Attesting {
    pub(super) fn new(list: GuardianList) -> Self {
        let (collected, ours) = (BTreeMap::new(), None);
        Self { list, collected, ours, is_told: false, again: None, is_agreed: false }
    }

    /// Takes a signature of `digest`, if it is of an account on the list. Returns whether it is.
    fn take(&mut self, digest: B256, signature: AccountSignature) -> bool {
        if self.collected.values().any(|known| *known == signature) {
            return true;
        }
        let Ok(account) = signature.account(&digest.0) else { return false };
        let is_listed = self.list.guardians.contains(&account);
        if is_listed {
            self.collected.entry(account).or_insert(signature);
        }
        is_listed
    }

    pub(super) fn signed(&self, duty: Duty, signatures: &[AccountSignature], setup: &Setup) -> Option<Signed> {
        Signed::by_accounts(duty, signatures, &self.list, setup).ok()
    }

    /// All of them, if they are enough.
    fn complete(&self) -> Option<Attestation> {
        let enough = u64::try_from(self.collected.len()).is_ok_and(|have| have >= self.list.threshold);
        enough.then(|| Attestation::Accounts(self.collected.values().copied().collect()))
    }
}

impl OpenDuty {
    /// The signatures that are here, for a peer; `None` if there are none, or it may not be told.
    pub(crate) fn attested(&self) -> Option<AttestedDuty> {
        let attesting = self.attesting.as_ref().filter(|_| self.held.is_none())?;
        // Ours is among them once it was told: the first time is after the guard has spoken.
        let signatures: Vec<AccountSignature> = attesting.collected.values().copied().collect();
        (!signatures.is_empty()).then(|| AttestedDuty { duty: self.duty.clone(), signatures })
    }

    /// Takes signatures that a member told. Returns how many are of no account on the list.
    pub(crate) fn collect(&mut self, signatures: &[AccountSignature]) -> usize {
        let digest = self.digest;
        let Some(attesting) = &mut self.attesting else { return signatures.len() };
        signatures.iter().filter(|signature| !attesting.take(digest, **signature)).count()
    }

    /// The signatures that are here, if they are enough, whoever made them.
    pub(crate) fn complete(&self) -> Option<Attestation> {
        self.attesting.as_ref()?.complete()
    }

    /// Our account has signed, or has not.
    pub(crate) fn signed_by_account(
        &mut self,
        now: Timestamp,
        outcome: Result<AccountSignature, String>,
        setup: &Setup,
        fx: &mut Effects,
    ) {
        let (id, digest) = (self.id(), self.digest);
        let Some(attesting) = &mut self.attesting else { return };
        attesting.again = Some(now.after(setup.timing.reannounce));
        let failed = match outcome {
            Err(reason) => Some(reason),
            Ok(signature) => match signature.account(&digest.0) {
                Ok(account) if attesting.list.guardians.contains(&account) => {
                    attesting.ours = Some(signature);
                    None
                }
                Ok(account) => {
                    attesting.ours = Some(signature);
                    attesting.is_told = true;
                    Some(format!("the account {account} is not on the module's list of guardians"))
                }
                Err(error) => Some(error.to_string()),
            },
        };
        if let Some(reason) = failed {
            fx.report(Event::NotAttested { id, reason });
        }
    }

    /// Has our account sign if the digest is agreed, tells the others, and says when there are enough.
    pub(super) fn attest(
        &mut self,
        now: Timestamp,
        tally: &Tally,
        context: &SigningContext<'_>,
        fx: &mut Effects,
    ) -> Option<Attestation> {
        let (id, digest, held) = (self.id(), self.digest, self.held.is_some());
        let votes = tally.votes(id, digest);
        let attesting = self.attesting.as_mut()?;
        if !attesting.is_agreed && votes >= context.setup.committee.threshold() {
            attesting.is_agreed = true;
            fx.report(Event::Agreed { id });
        }
        if !attesting.is_agreed || held || !context.may_sign() {
            return None;
        }
        match attesting.ours {
            None => {
                if let Some(again) = attesting.again.filter(|again| now < *again) {
                    fx.wake(again);
                } else if let Ok(permit) = context.guard.permit(id, digest)
                    && let Some(payload) = context.setup.domain().account_payload(&self.duty)
                    && let Some(order) = AccountOrder::new(&permit, payload)
                {
                    // Remote signers have time limits of their own; what comes back sets the next time.
                    attesting.again = Some(now.after(context.setup.timing.query_timeout));
                    fx.call(Call::Attest(order));
                }
            }
            Some(ours) if !attesting.is_told => {
                attesting.is_told = true;
                attesting.take(digest, ours);
                let attested = AttestedDuty { duty: self.duty.clone(), signatures: vec![ours] };
                fx.send(Recipient::All, context.seal(Message::Attested(attested)));
            }
            Some(_) => {}
        }
        attesting.complete()
    }
}
