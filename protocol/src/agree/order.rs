//! Whose turn it is: an order of the members that everybody computes alike and nobody can choose.

use crate::{
    duty::DutyId,
    types::{Committee, MemberId, versioned},
};
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
    /// Paying for the request of an exit.
    RequestExit,
}

impl Turn {
    const fn tag(self) -> &'static [u8] {
        match self {
            Self::Coordinate => b"GUARDIAN/coordinate/v1",
            Self::Submit => b"GUARDIAN/submit/v1",
            Self::PublishExit => b"GUARDIAN/publish-exit/v1",
            Self::RequestExit => b"GUARDIAN/request-exit/v1",
        }
    }
}

/// All members, in the order of the hash of turn, duty, digest and member. One hash each: worth keeping for as long as a duty lasts.
#[must_use]
pub fn order(turn: Turn, id: DutyId, digest: B256, committee: &Committee) -> Vec<MemberId> {
    let score = |member: MemberId| {
        let mut bytes = turn.tag().to_vec();
        bytes.extend(versioned::encode(1, &(id, digest, member)));
        keccak256(bytes)
    };
    let mut members: Vec<MemberId> = committee.iter().map(|member| member.id).collect();
    members.sort_by_cached_key(|member| score(*member));
    members
}

/// The rank of `member` in the [`order`], from 0. `None` if it is not in the committee.
#[must_use]
pub fn rank(turn: Turn, id: DutyId, digest: B256, committee: &Committee, member: MemberId) -> Option<usize> {
    order(turn, id, digest, committee).iter().position(|other| *other == member)
}
