//! What goes wrong on purpose. Faulty members are as many as a committee of 3f + 1 bears: f.

use guardian_crypto::frost::signing::SignatureShare;
use guardian_protocol::{
    Envelope, MemberId,
    testing::{Message, Turn, rank},
};
use serde::Serialize;
use std::fmt;

use crate::simulation::keys::Keys;

/// One thing that goes wrong in every signature of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// Nothing.
    None,
    /// The coordinator whose turn is first takes part in everything, but never coordinates.
    SilentCoordinator,
    /// f members give wrong shares.
    Culprits,
    /// f members are down all the time.
    Crashed,
    /// f members announce, and are not heard of again.
    Vanishing,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::None, Self::SilentCoordinator, Self::Culprits, Self::Crashed, Self::Vanishing];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::SilentCoordinator => "silent-coordinator",
            Self::Culprits => "culprits",
            Self::Crashed => "crashed",
            Self::Vanishing => "vanishing",
        }
    }

    /// Whether `member` is one of the f faulty ones of `keys`' committee: the last ones, for the order of turns is by hash.
    #[must_use]
    pub fn befalls(self, member: MemberId, keys: &Keys) -> bool {
        let honest = keys.committee().threshold();
        matches!(self, Self::Culprits | Self::Crashed | Self::Vanishing) && usize::from(member.get()) > honest
    }

    /// What `member` sends instead of `envelope`, if anything.
    #[must_use]
    pub fn distort(self, member: MemberId, envelope: Envelope, keys: &Keys) -> Option<Envelope> {
        let befallen = self.befalls(member, keys);
        match (self, envelope.message()) {
            (Self::SilentCoordinator, Message::Package(package)) => {
                let rank = rank(Turn::Coordinate, package.duty, package.digest, keys.committee(), member);
                (rank != Some(0)).then_some(envelope)
            }
            (Self::Vanishing, Message::Package(_) | Message::Share(_)) if befallen => None,
            (Self::Culprits, Message::Share(share)) if befallen => {
                let mut forged = *share;
                // A valid scalar that is nobody's share.
                if let Ok(wrong) = SignatureShare::from_bytes(&[1; 32]) {
                    forged.share = wrong;
                }
                Some(Envelope::seal(member, Message::Share(forged), keys.committee(), &keys.identity(member)))
            }
            _ => Some(envelope),
        }
    }
}
