//! What each member has said of itself and by vote, kept to be given back to it: how it learns that its store was set back.
//!
//! Its last start shows that its store has forgotten starts; its announcement of the highest period, that it has forgotten a vote.
//! Both carry its own signature, so that it need not trust who gives them back.

use crate::{
    types::{BootId, Epoch, MemberId},
    wire::{Envelope, Message, Reminder, SignedBoot},
};
use std::collections::BTreeMap;

/// At most one start and one announcement of each member.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    starts: BTreeMap<MemberId, SignedBoot>,
    votes: BTreeMap<MemberId, (Epoch, Envelope)>,
}

impl Memory {
    /// `member` has greeted under this start, which is genuinely its own.
    pub(crate) fn started(&mut self, member: MemberId, start: SignedBoot) {
        let known = self.starts.entry(member).or_insert(start);
        if start.boot.number > known.boot.number {
            *known = start;
        }
    }

    /// Takes a member's announcement. One that is repeated later, by whomever, replaces none of a higher period.
    pub(crate) fn voted(&mut self, envelope: &Envelope) {
        let Message::Announcement(announcement) = envelope.message() else { return };
        let (member, period) = (envelope.sender(), announcement.duty.period);
        if self.votes.get(&member).is_none_or(|(known, _)| period >= *known) {
            self.votes.insert(member, (period, envelope.clone()));
        }
    }

    /// What to remind `member` of.
    #[must_use]
    pub(crate) fn of(&self, member: MemberId) -> Reminder {
        let announcement = self.votes.get(&member).map(|(_, envelope)| envelope.encode());
        Reminder { start: self.starts.get(&member).copied(), announcement }
    }

    /// Whether a start of `member` is known that can't have come before `boot`, unless the member's store was set back.
    #[must_use]
    pub(crate) fn contradicts(&self, member: MemberId, boot: BootId) -> bool {
        self.starts.get(&member).is_some_and(|known| known.boot != boot && known.boot.number >= boot.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        duty::{DutyId, DutyKind, Subject},
        types::KeyEpoch,
    };
    use crate::{
        testing::{Dealt, member},
        types::{Challenge, Epoch},
        wire::{Alive, Announcement},
    };

    fn boot(number: u64, name: u8) -> BootId {
        BootId { number, name: [name; 16] }
    }

    #[test]
    fn the_last_start_and_the_vote_of_the_highest_period_are_kept_whatever_is_repeated() {
        let dealt = Dealt::new(3, 2, 71);
        let (key, committee) = (dealt.identity(member(2)), &dealt.committee);
        let start = |number, name| SignedBoot::seal(boot(number, name), committee, &key);
        let vote = |period| {
            let duty = DutyId {
                kind: DutyKind::Reserves,
                period: Epoch(period),
                subject: Subject::Whole,
                key_epoch: KeyEpoch(1),
            };
            let (digest, commitments) = ([1; 32].into(), Vec::new());
            let announcement = Announcement { duty, digest, boot: boot(3, 1), round: 1, commitments };
            Envelope::seal(member(2), Message::Announcement(announcement), committee, &key)
        };
        let mut memory = Memory::default();
        assert_eq!(memory.of(member(2)), Reminder::default());
        for number in [3, 5, 4, 1] {
            memory.started(member(2), start(number, 1));
        }
        for period in [9, 12, 10] {
            memory.voted(&vote(period));
        }
        let alive = Message::Alive(Alive { boot: boot(9, 1), challenge: Challenge([1; 16]) });
        memory.voted(&Envelope::seal(member(2), alive, committee, &key));
        let expected = Reminder { start: Some(start(5, 1)), announcement: Some(vote(12).encode()) };
        assert_eq!(memory.of(member(2)), expected);
        assert_eq!(memory.of(member(1)), Reminder::default());
        // What can't be after it: an earlier number, or its own under another name.
        assert!(memory.contradicts(member(2), boot(4, 2)) && memory.contradicts(member(2), boot(5, 2)));
        assert!(!memory.contradicts(member(2), boot(5, 1)) && !memory.contradicts(member(2), boot(6, 2)));
        assert!(!memory.contradicts(member(1), boot(0, 0)));
    }
}
