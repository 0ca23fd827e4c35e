//! One signature, from the moment when its coordinator knew that t digests are equal: by the clock on the wall, and along the critical
//! path.
//!
//! The nodes of a large committee share the few cores of one machine, while in the field each has its own. So the wall clock measures
//! mostly how they wait for each other's work. The **critical path** is what would remain: all CPU time of the coordinator's thread
//! from the beginning of the step in which the digest was agreed to the end of the step that made the signature, and the CPU
//! time of the slowest signer from the moment when it woke for the package until it rested after its answer. Both are of whole
//! nodes: encryption, sockets and connections included, late announcements of others as well. What the coordinator does while it waits
//! for the slowest signer is counted as if it came after: so it is an upper bound of the work. Distance is not in it.

use super::{
    cluster::Cluster,
    meter::Moment,
    node::{Report, What},
};
use eyre::{Result, bail};
use guardian_protocol::{DutyId, Event, MemberId};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

/// Longer than every coordinator's turn and every timeout that a signature with faults can meet, one after the other.
const PATIENCE: Duration = Duration::from_secs(120);

/// One signature.
#[derive(Clone, Copy, Debug)]
pub(super) struct Round {
    /// By the clock on the wall.
    pub(super) took: Duration,
    /// The coordinator's work; see the module. With more than one session, all that it did meanwhile.
    pub(super) coordinator: Duration,
    /// The work of the slowest signer.
    pub(super) signer: Duration,
    /// Sessions that were opened for it, by all coordinators, until it was there.
    pub(super) sessions: usize,
    /// Members that were found to cheat.
    pub(super) culprits: usize,
}

/// What was heard of the duties that are under way.
#[derive(Debug, Default)]
struct Account {
    agreed: BTreeMap<(MemberId, DutyId), Moment>,
    opened: BTreeMap<DutyId, Vec<(MemberId, Vec<MemberId>)>>,
    answered: BTreeMap<(DutyId, MemberId), Duration>,
    culprits: BTreeSet<MemberId>,
    signed: Option<(DutyId, MemberId, Moment)>,
    /// Sessions by then.
    sessions: usize,
    submitted: bool,
}

impl Round {
    /// Waits for the next signature, until it is brought to its contract and everybody is `quiet`. `None` if there is none within
    /// `patience`.
    pub(super) fn next(cluster: &Cluster, patience: Duration, quiet: Duration) -> Result<Option<Self>> {
        let (started, mut account) = (Instant::now(), Account::default());
        while !account.submitted {
            let left = patience.saturating_sub(started.elapsed());
            match cluster.next(left)? {
                Some(report) => account.enter(report),
                None => return Ok(None),
            }
        }
        while let Some(report) = cluster.next(quiet)? {
            account.enter(report);
            if started.elapsed() > PATIENCE {
                bail!("the nodes do not come to rest");
            }
        }
        Ok(account.close())
    }
}

impl Account {
    fn enter(&mut self, report: Report) {
        let member = report.member;
        match report.what {
            What::Event { event, begun, ended } => self.enter_event(member, *event, begun, ended),
            What::Answered { duty, cpu } => {
                self.answered.insert((duty, member), cpu);
            }
            What::Echo(_) => {}
        }
    }

    fn enter_event(&mut self, member: MemberId, event: Event, begun: Moment, ended: Moment) {
        match event {
            Event::Agreed { id } => {
                self.agreed.entry((member, id)).or_insert(begun);
            }
            Event::SessionOpened { id, signers, .. } => self.opened.entry(id).or_default().push((member, signers)),
            Event::Culprit { member, .. } => {
                self.culprits.insert(member);
            }
            Event::Signed { id, coordinated: true, .. } if self.signed.is_none() => {
                self.signed = Some((id, member, ended));
                self.sessions = self.opened.get(&id).map_or(0, Vec::len);
            }
            Event::Submitted { .. } => self.submitted = self.signed.is_some(),
            _ => {}
        }
    }

    fn close(self) -> Option<Round> {
        let (id, coordinator, signed) = self.signed?;
        let agreed = self.agreed.get(&(coordinator, id))?;
        let mut sessions = self.opened.get(&id)?.iter().filter(|(member, _)| *member == coordinator);
        let signers = sessions.next_back().map(|(_, signers)| signers.as_slice()).unwrap_or_default();
        let slowest = signers.iter().filter_map(|signer| self.answered.get(&(id, *signer))).max().copied();
        Some(Round {
            took: signed.at.duration_since(agreed.at),
            coordinator: signed.cpu.saturating_sub(agreed.cpu),
            signer: slowest.unwrap_or_default(),
            sessions: self.sessions,
            culprits: self.culprits.len(),
        })
    }
}
