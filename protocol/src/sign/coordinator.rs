//! The coordinator's side: collect shares until t of them make a signature, whoever is slow or lies.
//!
//! ROAST's rule (Ruffing et al., CCS 2022, section 4): a session is opened with t members that are responsive; a member is
//! pending in at most one session; who answers is responsive again, with the fresh commitment that its share carries. A member
//! whose share is wrong is excluded. So n - t + 1 sessions suffice if t members are honest, however the others behave.
//!
//! Two things differ from the paper, which assumes that no message is ever lost. A new session waits until the last one is overdue,
//! because the shares that are missing are mostly just under way; what is overdue, those who have answered tell: who takes three times as
//! long as half of the others is more likely silent than slow. And a member that is pending becomes responsive again when it announces
//! anew, because its share may have been lost; who let a session wait comes last in the next, so that members that are silent on purpose
//! spoil one session each and no more.
//!
//! Aggregation is optimistic: shares are checked one by one only if the sum fails.

use super::{Fault, package};
use crate::{
    duty::DutyId,
    setup::Setup,
    types::{BootId, MemberId, Timestamp},
    wire::{Commitment, Envelope, Package, Share},
};
use alloy_primitives::B256;
use guardian_crypto::{
    frost::signing::{self, SignatureShare, SigningPackage},
    schnorr::Signature,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// One duty's coordination by this guardian.
#[derive(Debug)]
pub(crate) struct Coordinator {
    id: DutyId,
    digest: B256,
    /// Responsive members and the commitment to use next, in the order in which they became responsive.
    responsive: Vec<Commitment>,
    /// The last commitment of each member that is in a package; no earlier one is ever used again.
    used: BTreeMap<MemberId, (BootId, u32)>,
    /// How many sessions each member has let wait.
    late: BTreeMap<MemberId, u32>,
    sessions: Vec<Session>,
    attempts: u32,
}

#[derive(Debug)]
struct Session {
    hash: B256,
    package: SigningPackage,
    envelope: Envelope,
    waiting: BTreeSet<MemberId>,
    shares: BTreeMap<MemberId, SignatureShare>,
    /// The envelopes that the shares came in, for evidence. Ours has none.
    envelopes: BTreeMap<MemberId, Envelope>,
    opened: Timestamp,
    deadline: Timestamp,
    overdue: bool,
}

/// What a share led to.
#[derive(Debug)]
pub(crate) enum Progress {
    /// More shares are needed.
    Waiting,
    /// The shares make the committee's signature.
    Complete(Signature),
    /// They do not, and this is against those who gave wrong ones.
    Faults(Vec<Fault>),
}

impl Coordinator {
    /// Nobody is responsive yet.
    #[must_use]
    pub(crate) fn new(id: DutyId, digest: B256) -> Self {
        Self {
            id,
            digest,
            responsive: Vec::new(),
            used: BTreeMap::new(),
            late: BTreeMap::new(),
            sessions: Vec::new(),
            attempts: 0,
        }
    }

    /// A member offers a commitment for us, which was found genuine and well formed: it is responsive, and no longer pending anywhere.
    /// Replaces what it offered before. Ignored if this one, or one made after it, was offered or in a package already.
    pub(crate) fn offer(&mut self, commitment: Commitment) {
        let later = |boot: BootId, index: u32| boot == commitment.boot && index >= commitment.index;
        let spent = self.used.get(&commitment.owner).is_some_and(|(boot, index)| later(*boot, *index));
        let held = self.responsive.iter().any(|c| c.owner == commitment.owner && later(c.boot, c.index));
        if !spent && !held {
            self.responsive.retain(|known| known.owner != commitment.owner);
            self.responsive.push(commitment);
        }
    }

    /// Whether this very commitment was offered and waits to be used.
    #[must_use]
    pub(crate) fn holds(&self, commitment: &Commitment) -> bool {
        self.responsive.contains(commitment)
    }

    /// Whether a session should be opened now: we and enough others are responsive and usable, and no session is running that may still
    /// succeed in time.
    #[must_use]
    pub(crate) fn should_open(&self, now: Timestamp, setup: &Setup, is_usable: impl Fn(&Commitment) -> bool) -> bool {
        self.sessions.iter().all(|session| session.deadline <= now)
            && self.responsive.iter().any(|c| c.owner == setup.me)
            && self.responsive.iter().filter(|c| is_usable(c)).count() >= setup.committee.threshold()
    }

    /// When [`Coordinator::should_open`] may change by itself.
    #[must_use]
    pub(crate) fn deadline(&self) -> Option<Timestamp> {
        self.sessions.iter().map(|session| session.deadline).max()
    }

    /// Packages of sessions that became overdue, with those who have not answered: to be sent once more, in case they were lost.
    pub(crate) fn overdue(&mut self, now: Timestamp) -> Vec<(Envelope, Vec<MemberId>)> {
        let mut again = Vec::new();
        for session in self.sessions.iter_mut().filter(|s| s.deadline <= now && !s.overdue) {
            session.overdue = true;
            for member in &session.waiting {
                let times = self.late.entry(*member).or_default();
                *times = times.saturating_add(1);
            }
            again.push((session.envelope.clone(), session.waiting.iter().copied().collect()));
        }
        again
    }

    /// Opens a session with ourselves and the first t - 1 other usable members, those that let none wait and are `connected` first.
    /// `seal` signs the package as ours. Returns it, and how many sessions there were.
    pub(crate) fn open(
        &mut self,
        now: Timestamp,
        setup: &Setup,
        is_usable: impl Fn(&Commitment) -> bool,
        connected: impl Fn(MemberId) -> bool,
        seal: impl FnOnce(Package) -> Envelope,
    ) -> Option<(Package, Envelope, u32)> {
        let threshold = setup.committee.threshold();
        let mut candidates: Vec<Commitment> = self.responsive.iter().filter(|c| is_usable(c)).copied().collect();
        let late = |member: MemberId| self.late.get(&member).copied().unwrap_or(0);
        candidates.sort_by_key(|c| (c.owner != setup.me, late(c.owner), !connected(c.owner)));
        candidates.truncate(threshold);
        if candidates.len() < threshold {
            return None;
        }
        candidates.sort_by_key(|c| c.owner);
        let package = Package { duty: self.id, digest: self.digest, commitments: candidates };
        let prepared = package::prepare(&package)?;
        let waiting: BTreeSet<MemberId> = package.owners().collect();
        self.responsive.retain(|c| !waiting.contains(&c.owner));
        self.used.extend(package.commitments.iter().map(|c| (c.owner, (c.boot, c.index))));
        // A member is pending in one session at most, so this many can run before everybody is pending or excluded.
        let most = setup.committee.tolerated().saturating_add(1);
        if self.sessions.len() >= most {
            self.sessions.remove(0);
        }
        let envelope = seal(package.clone());
        self.sessions.push(Session {
            hash: package.hash(),
            package: prepared,
            envelope: envelope.clone(),
            waiting,
            shares: BTreeMap::new(),
            envelopes: BTreeMap::new(),
            opened: now,
            deadline: now.after(setup.timing.share_timeout),
            overdue: false,
        });
        self.attempts = self.attempts.saturating_add(1);
        Some((package, envelope, self.attempts))
    }

    /// Takes `share` of `from`, which came in `envelope` (`None`: it is ours). Shares for unknown sessions, of strangers to the
    /// session, and repeated ones change nothing. The commitment that it carries has to be offered separately.
    pub(crate) fn take(
        &mut self,
        now: Timestamp,
        from: MemberId,
        share: &Share,
        envelope: Option<Envelope>,
        setup: &Setup,
    ) -> Progress {
        let Some(at) = self.sessions.iter().position(|s| s.hash == share.package && s.waiting.contains(&from)) else {
            return Progress::Waiting;
        };
        let Some(session) = self.sessions.get_mut(at) else { return Progress::Waiting };
        session.waiting.remove(&from);
        session.shares.insert(from, share.share);
        session.envelopes.extend(envelope.map(|envelope| (from, envelope)));
        if !session.waiting.is_empty() {
            session.hurry(now, setup.timing.share_timeout);
            return Progress::Waiting;
        }
        let session = self.sessions.remove(at);
        match signing::aggregate(&session.package, &session.shares, setup.committee.public_shares()) {
            Ok(signature) => Progress::Complete(signature),
            Err(error) => {
                let culprits = error.culprits();
                // Without a culprit but ourselves, the next attempt would end as this one did: it waits for our next announcement.
                if culprits.iter().all(|culprit| *culprit == setup.me) {
                    self.responsive.retain(|c| c.owner != setup.me);
                }
                Progress::Faults(session.faults(culprits))
            }
        }
    }

    /// Whether `from` owes us this share.
    #[must_use]
    pub(crate) fn awaits(&self, from: MemberId, share: &Share) -> bool {
        self.sessions.iter().any(|s| s.hash == share.package && s.waiting.contains(&from))
    }
}

impl Session {
    /// Once half have answered, the others get three times as long as they took, but an eighth of `patience` at least.
    fn hurry(&mut self, now: Timestamp, patience: Duration) {
        if self.shares.len() >= self.waiting.len() {
            let usual = now.since(self.opened).saturating_mul(3);
            let least = patience.checked_div(8).unwrap_or_default();
            self.deadline = self.deadline.min(self.opened.after(usual.max(least)));
        }
    }

    /// What proves to anyone that these members gave wrong shares.
    fn faults(&self, culprits: &[MemberId]) -> Vec<Fault> {
        let package = self.envelope.encode();
        let share_of = |member: &MemberId| self.envelopes.get(member).map(Envelope::encode);
        culprits.iter().filter_map(share_of).map(|share| Fault::Share { package: package.clone(), share }).collect()
    }
}
