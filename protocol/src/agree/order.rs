//! Whose turn it is: an order of the members that everybody computes alike and nobody can choose.

use crate::types::{Committee, DutyId, MemberId};
use alloy_primitives::{B256, keccak256};

/// What the order is for; the orders are independent, so that one slow member is not first everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Putting shares together.
    Coordinate,
    /// Paying for the transaction.
    Submit,
    /// Publishing a combined exit.
    PublishExit,
}

impl Turn {
    const fn tag(self) -> &'static [u8] {
        match self {
            Self::Coordinate => b"GUARDIAN/coordinate/v1",
            Self::Submit => b"GUARDIAN/submit/v1",
            Self::PublishExit => b"GUARDIAN/publish-exit/v1",
        }
    }
}

/// The rank of `member`, from 0, by the hash of turn, duty, digest and member. `None` if it is not in the committee.
#[must_use]
pub fn rank(turn: Turn, id: DutyId, digest: B256, committee: &Committee, member: MemberId) -> Option<usize> {
    let score = |member: MemberId| {
        let mut bytes = turn.tag().to_vec();
        bytes.extend(crate::wire::encode_versioned(1, &(id, digest, member)));
        keccak256(bytes)
    };
    committee.get(member)?;
    let ours = score(member);
    Some(committee.iter().filter(|other| other.id != member && score(other.id) < ours).count())
}
