//! What a guardian with a new store, or with one that was set back, must not sign: everything that it may have signed and forgotten.

use super::Guardian;
use crate::{effects::Effects, event::Event, types::Epoch};

impl Guardian {
    /// A new store may follow one that signed things, and one that was set back has forgotten some: past everything that can have been
    /// signed, signing is safe again. What was not final yet can't have been, so what is final now is the limit; threshold members
    /// (ourselves counted) are asked as well, in case our providers lag. No member can push the limit far ahead and so keep us from
    /// signing; but a vote of our own that a member has shown is waited past wherever it is.
    pub(super) fn raise_floor(&mut self, fx: &mut Effects) {
        let (Some(seen), true) = (self.woke_at, self.guard.waits()) else { return };
        if !self.is_acquainted() {
            return;
        }
        let (_, highest) = self.peers.heard_of();
        let after = floor(seen, highest).max(self.start.voted.unwrap_or(seen));
        self.guard.wait_below(after, fx);
        fx.report(Event::FloorRaised { after });
    }
}

/// What a new store must wait past: what is final as `seen` here, or the `highest` period that members know of. A claim that is far
/// ahead counts as a few epochs ahead, no more (it must not silence us) and no less (it must not hide an honest one behind it).
fn floor(seen: Epoch, highest: Option<Epoch>) -> Epoch {
    const LAG: u64 = 4;
    let limit = Epoch(seen.0.saturating_add(LAG));
    highest.map_or(seen, |highest| highest.clamp(seen, limit))
}

#[cfg(test)]
mod tests {
    use super::{Epoch, floor};

    #[test]
    fn a_new_store_waits_past_what_is_final_and_what_members_know() {
        assert_eq!(floor(Epoch(10), None), Epoch(10));
        assert_eq!(floor(Epoch(10), Some(Epoch(7))), Epoch(10));
        assert_eq!(floor(Epoch(10), Some(Epoch(12))), Epoch(12));
    }

    #[test]
    fn a_liar_can_neither_silence_a_new_store_nor_hide_others_words() {
        assert_eq!(floor(Epoch(10), Some(Epoch(u64::MAX))), Epoch(14));
    }
}
