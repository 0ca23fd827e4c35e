//! Who announced what. Bounded: of each member, the newest few periods of each kind are kept.

use crate::{
    types::{BootId, DutyId, DutyKind, Epoch, MemberId},
    wire::{Announcement, Commitment},
};
use alloy_primitives::B256;
use std::collections::BTreeMap;

/// Announcements, one for each member, kind and period.
#[derive(Debug, Default)]
pub struct Tally {
    heard: BTreeMap<(MemberId, DutyKind), BTreeMap<Epoch, Announcement>>,
}

impl Tally {
    /// A member can be ahead of us by a period or two, never by more in practice; old ones only show a disagreement.
    const PERIODS: usize = 4;

    /// Files `announcement` of `member`. Of the same duty and start, only a higher round replaces an earlier one; of another start, only
    /// the one that lives (`current`), so that nobody can bring back what a dead process said. A second digest for the same duty
    /// from a member that announced another before is filed too (the disagreement is then visible); it is one vote still.
    /// Returns whether anything changed.
    pub fn file(&mut self, member: MemberId, announcement: Announcement, current: Option<BootId>) -> bool {
        let periods = self.heard.entry((member, announcement.duty.kind)).or_default();
        if let Some(known) = periods.get(&announcement.duty.period) {
            let newer = if known.boot == announcement.boot {
                announcement.round > known.round
            } else {
                Some(announcement.boot) == current
            };
            if !newer {
                return false;
            }
        }
        periods.insert(announcement.duty.period, announcement);
        if periods.len() > Self::PERIODS {
            periods.pop_first();
        }
        true
    }

    /// Whether the owner of `commitment` announced this very commitment, for `digest` of `id`.
    #[must_use]
    pub fn holds(&self, id: DutyId, digest: B256, commitment: &Commitment) -> bool {
        let periods = self.heard.get(&(commitment.owner, id.kind));
        periods.and_then(|periods| periods.get(&id.period)).is_some_and(|announcement| {
            announcement.duty == id && announcement.digest == digest && announcement.commitments.contains(commitment)
        })
    }

    /// The announcements of `id`, by member.
    pub fn of(&self, id: DutyId) -> impl Iterator<Item = (MemberId, &Announcement)> {
        self.heard.iter().filter_map(move |((member, kind), periods)| {
            let announcement = (*kind == id.kind).then(|| periods.get(&id.period)).flatten()?;
            (announcement.duty == id).then_some((*member, announcement))
        })
    }

    /// How many members announced `digest` for `id`.
    #[must_use]
    pub fn votes(&self, id: DutyId, digest: B256) -> usize {
        self.of(id).filter(|(_, announcement)| announcement.digest == digest).count()
    }

    /// The highest period that `member` announced, of any kind.
    #[must_use]
    pub fn highest_of(&self, member: MemberId) -> Option<Epoch> {
        DutyKind::ALL
            .iter()
            .filter_map(|kind| self.heard.get(&(member, *kind))?.last_key_value())
            .map(|(e, _)| *e)
            .max()
    }
}
