//! Giving account: dossiers of what was decided, and asking members that decide otherwise what they have read.

use super::Guardian;
use crate::{
    audit::{Dossier, Found},
    decide::{self},
    duty::{Duty, DutyId},
    effects::{Effects, Recipient},
    event::Event,
    sign::{Attestation, Signed},
    types::{Epoch, MemberId},
    wire::{Finding, Inquiry, Message},
};
use alloy_primitives::B256;

impl Guardian {
    /// Files `duty` with what it was decided from.
    pub(super) fn account(&mut self, duty: &Duty, digest: B256, attestation: Option<&Attestation>, fx: &mut Effects) {
        if let Some(evidence) = self.comparisons.rooted(duty.period) {
            fx.file(Dossier::new(&self.setup, duty.clone(), digest, attestation, evidence));
        }
    }

    /// The committee signed what we may not have decided ourselves, be it that others were faster. We decide it after them, and tell
    /// if it comes out otherwise. Where something was not to be had, such as a proof that the kind needs, we have no opinion.
    pub(super) fn check_signed(&mut self, signed: &Signed, fx: &mut Effects) {
        let Some(evidence) = self.comparisons.evidence(signed.duty().period) else { return };
        let id = signed.id();
        let slots = self.setup.network.slots_per_epoch;
        let again = decide::of_kind(id.kind, evidence, slots);
        let duty = again.into_iter().find(|duty| duty.id().subject == id.subject);
        let ours = duty.and_then(|duty| self.setup.domain().digest(&duty));
        if ours.is_none() && !decide::is_complete(id.kind, evidence, slots) {
            return;
        }
        if ours == Some(signed.digest()) {
            self.account(signed.duty(), signed.digest(), Some(signed.attestation()), fx);
        } else {
            fx.report(Event::SignedOtherwise { id: signed.id(), signed: signed.digest(), ours });
            self.holds.signed_otherwise(id.kind, signed.digest(), fx);
        }
    }

    /// The same for what was signed before the evidence of `period` was complete here.
    pub(super) fn check_earlier(&mut self, period: Epoch, fx: &mut Effects) {
        let signed = self.submissions.iter().map(|submission| submission.signed());
        let of_period: Vec<Signed> = signed.filter(|signed| signed.duty().period == period).cloned().collect();
        for signed in of_period {
            self.check_signed(&signed, fx);
        }
    }

    /// A member announced another digest than ours for a duty of ours. Each is told and looked into once, and of one member only a few: it may
    /// announce as many as it likes.
    pub(super) fn differ(&mut self, id: DutyId, member: MemberId, theirs: B256, ours: B256, fx: &mut Effects) {
        const MOST: usize = 3;
        let told = self.told.entry((id, member)).or_default();
        if told.len() >= MOST || !told.insert(theirs) {
            return;
        }
        fx.report(Event::DigestsDiffer { id, member, theirs, ours });
        let inquiry = self.comparisons.begin(member, id.period);
        self.inquire(member, inquiry, fx);
    }

    /// A member told what it has read.
    pub(super) fn on_finding(&mut self, member: MemberId, finding: Finding, fx: &mut Effects) {
        let period = finding.period;
        let (found, further) = self.comparisons.take(member, finding);
        match found {
            Some(Found::Differences(differences)) => {
                for difference in differences {
                    fx.report(Event::EvidenceDiffers { period, member, difference });
                }
            }
            Some(Found::Nothing) => fx.report(Event::EvidenceAlike { period, member }),
            Some(Found::Nonsense) => {
                let reason = "evidence that is none, or that nobody asked for".to_owned();
                fx.report(Event::MessageRefused { member, reason });
            }
            None => {}
        }
        self.inquire(member, further, fx);
    }

    fn inquire(&self, member: MemberId, inquiries: impl IntoIterator<Item = Inquiry>, fx: &mut Effects) {
        for inquiry in inquiries {
            fx.send(Recipient::One(member), self.seal(Message::Inquiry(inquiry)));
        }
    }
}
