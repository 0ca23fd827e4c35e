//! One member's starts: which of its processes lives, and whether two of them do.
//!
//! A member that restarts speaks with a new boot id, of a higher number; two processes with one identity speak with two. Messages can be
//! late, doubled and out of order, and anybody can repeat old ones. Of what is merely heard, only a higher number than any before is taken for
//! the member's present: lower ones are history, whoever repeats them, until an answer shows that they live (a store was set back).
//!
//! Having *heard* two boot ids does not prove that two processes live. What proves it is this: a challenge is
//! drawn after both were heard, and both sign it. Whoever was heard before the challenge was drawn had started by then, and whoever signs it
//! had not ended; a process lives without a break from its start to its end; so both lived at the moment when the challenge was
//! drawn. A member that runs one process at a time can't do that, under any delay, duplication or reordering.
//!
//! What it can't tell: a copy of a running process, memory and all (a machine that is forked), speaks with the same boot id.

use crate::types::{BootId, Challenge, Timestamp};
use std::{collections::VecDeque, time::Duration};

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Boots {
    /// Whose commitments are used: the last start that was proven to live, or one with a higher number than any before that was heard since.
    current: Option<BootId>,
    /// The highest number heard.
    highest: u64,
    /// Every start heard of, oldest first; bounded.
    heard: Vec<BootId>,
    probe: Option<OpenProbe>,
    /// Probes before it that could still prove something: processes that push each other out of their connections answer late, when the
    /// asker has had reason to ask anew.
    earlier: VecDeque<OpenProbe>,
    /// Another start than the current one was heard, and no answer has settled yet who lives.
    doubt: bool,
    /// Probes without a long pause between them.
    streak: u32,
    next: Timestamp,
    quarantine: Option<Quarantine>,
}

#[derive(Debug)]
struct OpenProbe {
    challenge: Challenge,
    made: Timestamp,
    /// Who was heard before the challenge was drawn: only their answers count.
    candidates: Vec<BootId>,
    answered: Vec<BootId>,
}

#[derive(Debug)]
struct Quarantine {
    /// Since when every probe was answered by exactly one start.
    single: Option<Timestamp>,
}

/// What answers have shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Finding {
    /// Two processes live. Told when it is found, and not again before it is lifted.
    Doppelgangers(BootId, BootId),
    /// The same, by the transport's word: which starts they are is not known.
    Met,
    /// Only one has answered for long enough.
    Lifted,
}

impl Boots {
    /// How many starts are remembered. Somebody who repeats a member's old messages can make us forget others, but living processes
    /// speak again, and are then the newest.
    const REMEMBERED: usize = 8;
    /// How many earlier probes are kept.
    const KEPT: usize = 4;
    /// The first pause between two probes of one member; it doubles while more are wanted.
    const SHORTEST: Duration = Duration::from_secs(2);
    /// The longest pause, and the pause in quarantine.
    pub(super) const LONGEST: Duration = Duration::from_secs(60);
    /// After so many probes in a row, a member that does not answer is left alone until it speaks again.
    const TRIES: u32 = 5;
    /// How long only one process must have answered before a quarantine ends. Longer than the time between two duties, so that
    /// a second process that lives has spoken.
    pub(super) const QUARANTINE: Duration = Duration::from_secs(600);

    /// The member has said something with this boot id. A later start than all before is taken for the living one until an answer
    /// says otherwise: restarts are common. Any other has to answer first.
    pub(super) fn hear(&mut self, boot: BootId) {
        self.doubt |= self.current.is_some_and(|current| current != boot);
        if self.heard.contains(&boot) {
            return;
        }
        if self.heard.len() >= Self::REMEMBERED {
            let oldest = self.heard.iter().position(|known| Some(*known) != self.current);
            oldest.map(|at| self.heard.remove(at));
        }
        self.heard.push(boot);
        if self.current.is_none() || boot.number > self.highest {
            self.current = Some(boot);
            self.highest = boot.number;
        }
    }

    pub(super) fn current(&self) -> Option<BootId> {
        self.current
    }

    pub(super) fn is_quarantined(&self) -> bool {
        self.quarantine.is_some()
    }

    /// When a probe will be wanted, if one will be.
    pub(super) fn due(&self) -> Option<Timestamp> {
        (self.doubt || self.quarantine.is_some()).then_some(self.next)
    }

    /// The challenge that more than one start could answer and that fewer than two have: worth repeating to whoever connects.
    pub(super) fn open_challenge(&self) -> Option<Challenge> {
        self.probe.as_ref().filter(|probe| probe.is_open()).map(|probe| probe.challenge)
    }

    /// Ends the last probe and begins the next, with a challenge that was drawn just now.
    pub(super) fn probe(&mut self, now: Timestamp, challenge: Challenge) -> Option<Finding> {
        let finding = self.close();
        let last = self.probe.take();
        let calm = last.as_ref().is_none_or(|last| now.since(last.made) > Self::LONGEST.saturating_mul(2));
        self.streak = if calm { 1 } else { self.streak.saturating_add(1) };
        let doublings = self.streak.saturating_sub(1).min(5);
        let pause = Self::SHORTEST.saturating_mul(1 << doublings).min(Self::LONGEST);
        self.next = now.after(if self.quarantine.is_some() { Self::LONGEST } else { pause });
        if self.streak >= Self::TRIES && last.as_ref().is_some_and(|last| last.answered.is_empty()) {
            self.doubt = false;
        }
        self.earlier.extend(last.filter(OpenProbe::is_open));
        if self.earlier.len() > Self::KEPT {
            self.earlier.pop_front();
        }
        let (candidates, answered) = (self.heard.clone(), Vec::new());
        self.probe = Some(OpenProbe { challenge, made: now, candidates, answered });
        finding
    }

    /// Somebody has signed this challenge with this boot id.
    pub(super) fn answered(&mut self, boot: BootId, challenge: Challenge) -> Option<Finding> {
        let is_last = self.probe.as_ref().is_some_and(|probe| probe.challenge == challenge);
        let probe = self.probe.iter_mut().chain(&mut self.earlier).find(|probe| probe.challenge == challenge)?;
        if !probe.candidates.contains(&boot) || probe.answered.contains(&boot) || probe.answered.len() >= 2 {
            return None;
        }
        probe.answered.push(boot);
        if let [first, second] = *probe.answered.as_slice() {
            let news = self.quarantine.is_none();
            self.quarantine = Some(Quarantine { single: None });
            return news.then_some(Finding::Doppelgangers(first, second));
        }
        if is_last {
            self.current = Some(boot);
            self.doubt = false;
        }
        None
    }

    /// The transport has seen two processes.
    pub(super) fn met_doppelgangers(&mut self) -> Option<Finding> {
        let news = self.quarantine.is_none();
        self.quarantine = Some(Quarantine { single: None });
        news.then_some(Finding::Met)
    }

    /// What the probe that ends has shown about a quarantine.
    fn close(&mut self) -> Option<Finding> {
        let (quarantine, probe) = (self.quarantine.as_mut()?, self.probe.as_ref()?);
        quarantine.single = (probe.answered.len() == 1).then(|| quarantine.single.unwrap_or(probe.made));
        let long_enough = quarantine.single.is_some_and(|since| probe.made.since(since) >= Self::QUARANTINE);
        long_enough.then(|| {
            self.quarantine = None;
            Finding::Lifted
        })
    }
}

impl OpenProbe {
    /// Whether more than one start could answer and fewer than two have.
    fn is_open(&self) -> bool {
        self.candidates.len() > 1 && self.answered.len() < 2
    }
}
