//! What every step of signing needs besides the duty itself.

use crate::{
    setup::Setup,
    sign::{Roster, guard::Guard, signer::Keys},
    wire::{Envelope, Message},
};

/// Borrowed for one step.
#[derive(Debug)]
pub(crate) struct SigningContext<'a> {
    /// Fixed surroundings.
    pub setup: &'a Setup,
    /// The secrets.
    pub keys: Keys<'a>,
    /// The guard.
    pub guard: &'a Guard,
    /// Who takes part.
    pub roster: Roster<'a>,
}

impl SigningContext<'_> {
    /// Whether we take part in signing at all: nothing is known against it, and enough members have had occasion to say so.
    #[must_use]
    pub(crate) fn may_sign(&self) -> bool {
        self.keys.share.is_some()
            && self.roster.are_we_in(self.setup.me)
            && self.roster.peers.heard_of().0.saturating_add(1) >= self.setup.committee.threshold()
    }

    /// Signs a message as ourselves.
    #[must_use]
    pub(crate) fn seal(&self, message: Message) -> Envelope {
        Envelope::seal(self.setup.me, message, &self.setup.committee, self.keys.identity)
    }
}
