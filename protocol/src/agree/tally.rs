//! Which member announced what. Bounded: of each member, the newest few duties of each kind are kept.

use crate::{
    duty::{DutyId, DutyKind},
    types::{BootId, Epoch, MemberId},
    wire::{Announcement, Commitment},
};
use alloy_primitives::B256;
use std::collections::BTreeMap;

/// Announcements, one for each member and duty.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    heard: BTreeMap<(MemberId, DutyKind), BTreeMap<DutyId, Announcement>>,
}

impl Tally {
    /// A member can be ahead of us by a period or two, never by more in practice; old ones only show a disagreement.
    const PERIODS: usize = 4;

    /// Files `announcement` of `member`. Of the same duty and start, only a higher round replaces an earlier one; of another start, only
    /// the one that lives (`current`), so that nobody can bring back what a dead process said. A second digest for the same duty
    /// from a member that announced another before is filed too (the disagreement is then visible); it is one vote still.
    /// Returns whether anything changed.
    pub(crate) fn file(&mut self, member: MemberId, announcement: Announcement, current: Option<BootId>) -> bool {
        let (id, kind) = (announcement.duty, announcement.duty.kind);
        let duties = self.heard.entry((member, kind)).or_default();
        if let Some(known) = duties.get(&id) {
            let newer = if known.boot == announcement.boot {
                announcement.round > known.round
            } else {
                Some(announcement.boot) == current
            };
            if !newer {
                return false;
            }
        }
        duties.insert(id, announcement);
        // Duties are in the order of their periods.
        if duties.len() > Self::PERIODS.saturating_mul(kind.most_open()) {
            duties.pop_first();
        }
        true
    }

    /// Forgets what `member` announced for the periods that match.
    pub(crate) fn forget(&mut self, member: MemberId, matches: impl Fn(Epoch) -> bool) {
        for ((of, _), duties) in &mut self.heard {
            duties.retain(|id, _| *of != member || !matches(id.period));
        }
    }

    /// Whether the owner of `commitment` announced this very commitment, for `digest` of `id`.
    #[must_use]
    pub(crate) fn holds(&self, id: DutyId, digest: B256, commitment: &Commitment) -> bool {
        let duties = self.heard.get(&(commitment.owner, id.kind));
        duties
            .and_then(|duties| duties.get(&id))
            .is_some_and(|announcement| announcement.digest == digest && announcement.commitments.contains(commitment))
    }

    /// The announcements of `id`, by member.
    pub(crate) fn of(&self, id: DutyId) -> impl Iterator<Item = (MemberId, &Announcement)> {
        self.heard.iter().filter_map(move |((member, kind), duties)| {
            let announcement = (*kind == id.kind).then(|| duties.get(&id)).flatten()?;
            Some((*member, announcement))
        })
    }

    /// How many members announced `digest` for `id`.
    #[must_use]
    pub(crate) fn votes(&self, id: DutyId, digest: B256) -> usize {
        self.of(id).filter(|(_, announcement)| announcement.digest == digest).count()
    }

    /// The highest period that `member` announced, of any kind.
    #[must_use]
    pub(crate) fn highest_of(&self, member: MemberId) -> Option<Epoch> {
        DutyKind::ALL
            .iter()
            .filter_map(|kind| self.heard.get(&(member, *kind))?.last_key_value())
            .map(|(id, _)| id.period)
            .max()
    }
}
