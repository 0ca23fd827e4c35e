//! The coordinator's side: collect shares until t of them make a signature, whoever is slow or lies.
//!
//! ROAST's rule (Ruffing et al., CCS 2022, section 4): a session is opened with t members that are responsive; a member is
//! pending in at most one session; who answers is responsive again, with the fresh commitment that its share carries. A member
//! whose share is wrong is excluded. So n - t + 1 sessions suffice if t members are honest, however the others behave.
//!
//! Aggregation is optimistic: shares are checked one by one only if the sum fails.

use crate::{
    setup::Setup,
    sign::signer::signing_package,
    types::{DutyId, MemberId, Timestamp},
    wire::{Commitment, Package, Share},
};
use alloy_primitives::B256;
use guardian_crypto::{
    frost::signing::{self, SignatureShare, SigningPackage},
    schnorr::Signature,
};
use std::collections::{BTreeMap, BTreeSet};

/// One duty's coordination by this guardian.
#[derive(Debug)]
pub struct Coordinator {
    id: DutyId,
    digest: B256,
    /// Responsive members and the commitment to use next, in the order in which they became responsive.
    responsive: Vec<Commitment>,
    excluded: BTreeSet<MemberId>,
    sessions: Vec<Session>,
    attempts: u32,
}

#[derive(Debug)]
struct Session {
    hash: B256,
    package: SigningPackage,
    signers: BTreeSet<MemberId>,
    shares: BTreeMap<MemberId, SignatureShare>,
    deadline: Timestamp,
}

/// What a share led to.
#[derive(Debug)]
pub enum Progress {
    /// More shares are needed.
    Waiting,
    /// The shares make the committee's signature.
    Complete(Signature),
    /// These members' shares are wrong; they are excluded from now on.
    Culprits(Vec<MemberId>),
}

impl Coordinator {
    /// Nobody is responsive yet.
    #[must_use]
    pub fn new(id: DutyId, digest: B256) -> Self {
        Self { id, digest, responsive: Vec::new(), excluded: BTreeSet::new(), sessions: Vec::new(), attempts: 0 }
    }

    /// A member offers a commitment for us: it is responsive, and no longer pending anywhere.
    /// Replaces what it offered before; ignored if it is excluded.
    pub fn offer(&mut self, commitment: Commitment) {
        if self.excluded.contains(&commitment.owner) {
            return;
        }
        self.responsive.retain(|known| known.owner != commitment.owner);
        self.responsive.push(commitment);
    }

    /// Whether a session should be opened now: enough members are responsive and none is running that may still succeed.
    #[must_use]
    pub fn should_open(&self, now: Timestamp, setup: &Setup) -> bool {
        self.responsive.len() >= setup.committee.threshold()
            && self.responsive.iter().any(|c| c.owner == setup.me)
            && self.sessions.iter().all(|session| session.deadline <= now)
    }

    /// When [`Coordinator::should_open`] may change by itself.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        self.sessions.iter().map(|session| session.deadline).max()
    }

    /// Opens a session with ourselves and the first t - 1 responsive members for which `connected` holds (the others follow if
    /// those don't suffice). Returns the package for them.
    pub fn open(
        &mut self,
        now: Timestamp,
        setup: &Setup,
        connected: impl Fn(MemberId) -> bool,
    ) -> Option<(Package, u32)> {
        let threshold = setup.committee.threshold();
        let mut candidates = self.responsive.clone();
        candidates.sort_by_key(|c| (c.owner != setup.me, !connected(c.owner)));
        candidates.truncate(threshold);
        if candidates.len() < threshold {
            return None;
        }
        candidates.sort_by_key(|c| c.owner);
        let package = Package { duty: self.id, digest: self.digest, commitments: candidates };
        let signers: BTreeSet<MemberId> = package.commitments.iter().map(|c| c.owner).collect();
        self.responsive.retain(|c| !signers.contains(&c.owner));
        let prepared = signing_package(&package)?;
        // A member is pending in one session at most, so this many can run before everybody is pending or excluded.
        let most = setup.committee.size().saturating_sub(threshold).saturating_add(1);
        if self.sessions.len() >= most {
            self.sessions.remove(0);
        }
        self.sessions.push(Session {
            hash: package.hash(),
            package: prepared,
            signers,
            shares: BTreeMap::new(),
            deadline: now.after(setup.timing.share_timeout),
        });
        self.attempts = self.attempts.saturating_add(1);
        Some((package, self.attempts))
    }

    /// Takes `share` of `from`. Shares for unknown sessions, of strangers to the session, and repeated ones change nothing.
    pub fn take(&mut self, from: MemberId, share: &Share, setup: &Setup) -> Progress {
        let Some(at) = self.sessions.iter().position(|s| s.hash == share.package && s.signers.contains(&from)) else {
            return Progress::Waiting;
        };
        let Some(session) = self.sessions.get_mut(at) else { return Progress::Waiting };
        if session.shares.contains_key(&from) {
            return Progress::Waiting;
        }
        session.shares.insert(from, share.share);
        let complete = session.shares.len() == session.signers.len();
        if share.next.owner == from && share.next.is_genuine(self.id, self.digest, &setup.committee) {
            self.offer(share.next);
        }
        if !complete {
            return Progress::Waiting;
        }
        let session = self.sessions.remove(at);
        match signing::aggregate(&session.package, &session.shares, setup.committee.public_shares()) {
            Ok(signature) => Progress::Complete(signature),
            Err(error) => {
                let culprits = error.culprits().to_vec();
                for culprit in &culprits {
                    self.excluded.insert(*culprit);
                    self.responsive.retain(|c| c.owner != *culprit);
                }
                Progress::Culprits(culprits)
            }
        }
    }
}
