//! Who announced what. Bounded: of each member, the newest few periods of each kind are kept.

use crate::{
    types::{DutyId, DutyKind, Epoch, MemberId},
    wire::Announcement,
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

    /// Files `announcement` of `member`. Of the same duty and start, only a higher round replaces an earlier one; a second digest
    /// for the same duty from a member that announced another before is filed too (the disagreement is then visible).
    /// Returns whether anything changed.
    pub fn file(&mut self, member: MemberId, announcement: Announcement) -> bool {
        let periods = self.heard.entry((member, announcement.duty.kind)).or_default();
        if let Some(known) = periods.get(&announcement.duty.period)
            && known.boot == announcement.boot
            && known.round >= announcement.round
        {
            return false;
        }
        periods.insert(announcement.duty.period, announcement);
        if periods.len() > Self::PERIODS {
            periods.pop_first();
        }
        true
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
