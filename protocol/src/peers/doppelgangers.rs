//! Two processes with one identity: found by asking, and kept from signing until only one is left.
//!
//! A second process can sign what the first refused, so a member that runs two is quarantined: nobody uses its commitments, and everybody
//! raises an alarm. Each guardian finds out for itself, by its own challenges; a proof would not convince a third (who drew the challenge, and
//! when, is only known to who drew it). A guardian can't see its own doppelganger, since nobody passes its own words on to it; the others tell it, and
//! when more of them do than can be faulty, it signs nothing. Both processes then stand still until the operator stops one, and
//! until the others have heard only one for [`Boots::QUARANTINE`].

use super::boots::{Boots, Finding};
use crate::{
    effects::{Effects, Recipient},
    event::Event,
    types::{BootId, Challenge, MemberId, Timestamp},
    wire::{Alive, Envelope, Message, Probe},
};
use rand_core::{CryptoRng, RngCore};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// Every member's starts. See the module.
#[derive(Debug)]
pub(crate) struct Doppelgangers {
    boot: BootId,
    boots: BTreeMap<MemberId, Boots>,
    /// When each member was last answered.
    answered: BTreeMap<MemberId, Timestamp>,
    /// Who says that we run twice, and whether we believe it.
    accusers: BTreeSet<MemberId>,
    believed: bool,
    /// More members than can be faulty.
    enough: usize,
}

impl Doppelgangers {
    /// A member that asks more often than this is not answered every time.
    const PAUSE: Duration = Duration::from_secs(1);

    /// Ours is `boot`, nobody else is known, and `enough` members can't all be faulty.
    #[must_use]
    pub(crate) fn new(boot: BootId, enough: usize) -> Self {
        Self {
            boot,
            boots: BTreeMap::new(),
            answered: BTreeMap::new(),
            accusers: BTreeSet::new(),
            believed: false,
            enough,
        }
    }

    /// Ours is another, before anything was said.
    pub(crate) fn rename(&mut self, boot: BootId) {
        self.boot = boot;
    }

    /// A member's message names this start.
    pub(crate) fn hear(&mut self, member: MemberId, boot: BootId) {
        self.boots.entry(member).or_default().hear(boot);
    }

    /// The transport has met two processes of `member`, neither of which may ever get so far as to be asked. Returns whether it is to be told.
    pub(crate) fn met(&mut self, member: MemberId, fx: &mut Effects) -> bool {
        let finding = self.boots.entry(member).or_default().met_doppelgangers();
        finding.is_some_and(|finding| report(member, finding, fx))
    }

    /// A member says whether it quarantines us.
    pub(crate) fn told(&mut self, by: MemberId, doppelganger: bool, fx: &mut Effects) {
        let changed = if doppelganger { self.accusers.insert(by) } else { self.accusers.remove(&by) };
        let believed = self.accusers.len() >= self.enough;
        if changed && believed != self.believed {
            self.believed = believed;
            let by = self.accusers.iter().copied().collect();
            fx.report(if believed { Event::OwnDoppelgangerFound { by } } else { Event::OwnDoppelgangerGone });
        }
    }

    /// Our answer to a member that asks which process of ours lives.
    pub(crate) fn answer(&mut self, now: Timestamp, asker: MemberId, probe: &Probe) -> Option<Alive> {
        let paused = self.answered.get(&asker).is_some_and(|last| now.since(*last) < Self::PAUSE);
        (!paused).then(|| {
            self.answered.insert(asker, now);
            Alive { boot: self.boot, challenge: probe.challenge }
        })
    }

    /// A start of `member` has signed a challenge. Returns whether it is to be told that we see it differently now.
    pub(crate) fn answered(&mut self, member: MemberId, alive: &Alive, fx: &mut Effects) -> bool {
        let finding = self.boots.get_mut(&member).and_then(|boots| boots.answered(alive.boot, alive.challenge));
        finding.is_some_and(|finding| report(member, finding, fx))
    }

    /// Asks what is due to be asked. Returns the members that are to be told how we see them: news, and as long as they are quarantined
    /// a reminder with every question.
    pub(crate) fn poll(
        &mut self,
        now: Timestamp,
        connected: impl Fn(MemberId) -> bool,
        seal: impl Fn(Message) -> Envelope,
        rng: &mut (impl CryptoRng + RngCore),
        fx: &mut Effects,
    ) -> Vec<MemberId> {
        let mut told = Vec::new();
        for (member, boots) in &mut self.boots {
            if boots.due().is_some_and(|due| now >= due) {
                let challenge = Challenge::random(rng);
                let news = boots.probe(now, challenge).is_some_and(|finding| report(*member, finding, fx));
                if news || boots.is_quarantined() {
                    told.push(*member);
                }
                let to = if connected(*member) { Recipient::One(*member) } else { Recipient::All };
                fx.send(to, seal(Message::Probe(Probe { boot: self.boot, member: *member, challenge })));
            }
            if let Some(due) = boots.due() {
                fx.wake(due);
            }
        }
        told
    }

    /// What a member that has just connected is asked once more: two processes with one identity push each other out of their
    /// connections, so the last question may have reached the other one only.
    #[must_use]
    pub(crate) fn repeat(&self, member: MemberId) -> Option<Probe> {
        let challenge = self.boots.get(&member)?.open_challenge()?;
        Some(Probe { boot: self.boot, member, challenge })
    }

    /// The start of `member` whose commitments may be used.
    #[must_use]
    pub(crate) fn current(&self, member: MemberId) -> Option<BootId> {
        self.boots.get(&member).and_then(Boots::current)
    }

    /// Whether two processes of `member` were found to live.
    #[must_use]
    pub(crate) fn is_quarantined(&self, member: MemberId) -> bool {
        self.boots.get(&member).is_some_and(Boots::is_quarantined)
    }

    /// Who is quarantined.
    pub(crate) fn quarantined(&self) -> impl Iterator<Item = MemberId> + '_ {
        self.boots.iter().filter(|(_, boots)| boots.is_quarantined()).map(|(member, _)| *member)
    }

    /// Whether more members than can be faulty say that we run twice.
    #[must_use]
    pub(crate) fn has_own(&self) -> bool {
        self.believed
    }
}

/// Always true: there is something to tell the member.
fn report(member: MemberId, finding: Finding, fx: &mut Effects) -> bool {
    fx.report(match finding {
        Finding::Doppelgangers(first, second) => Event::Quarantined { member, boots: Some([first, second]) },
        Finding::Met => Event::Quarantined { member, boots: None },
        Finding::Lifted => Event::QuarantineLifted { member },
    });
    true
}
