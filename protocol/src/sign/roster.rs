//! Who may take part in signing right now, put together from what is known of everybody.

use super::Culprits;
use crate::{
    peers::{Doppelgangers, Peers},
    types::MemberId,
    wire::Commitment,
};

/// Borrowed for one step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Roster<'a> {
    /// Who cheated.
    pub culprits: &'a Culprits,
    /// Who runs two processes, and which process of each member lives.
    pub doppelgangers: &'a Doppelgangers,
    /// Who is connected.
    pub peers: &'a Peers,
}

impl Roster<'_> {
    /// Whether another member is neither excluded nor quarantined.
    #[must_use]
    pub(crate) fn is_in(&self, member: MemberId) -> bool {
        !self.culprits.is_excluded(member) && !self.doppelgangers.is_quarantined(member)
    }

    /// Whether a package may hold this commitment of another member: its owner takes part, and the process that made it lives, as
    /// far as we know.
    #[must_use]
    pub(crate) fn is_usable(&self, commitment: &Commitment) -> bool {
        self.is_in(commitment.owner) && self.doppelgangers.current(commitment.owner) == Some(commitment.boot)
    }

    /// Whether we take part: we were not convicted, and no other process runs with our identity.
    #[must_use]
    pub(crate) fn are_we_in(&self, me: MemberId) -> bool {
        !self.culprits.is_excluded(me) && !self.doppelgangers.has_own()
    }

    /// Whether `member` is connected.
    #[must_use]
    pub(crate) fn is_connected(&self, member: MemberId) -> bool {
        self.peers.is_connected(member)
    }
}
