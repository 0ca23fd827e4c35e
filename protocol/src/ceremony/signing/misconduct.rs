//! Evidence against a signer or a coordinator: bytes that it signed and that no honest one signs.

use super::{Commitment, Package, Share, Terms};
use crate::types::MemberId;
use borsh::{BorshDeserialize, BorshSerialize};
use guardian_crypto::frost::signing::verify_share;

/// Something that only a liar signs.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Misconduct {
    /// A commitment that is no pair of points.
    MalformedCommitment(Commitment),
    /// A package of the wrong signers, or with a commitment that its owner did not make.
    BadPackage(Package),
    /// A share that is wrong under commitments that all signers made.
    WrongShare {
        /// What was to be signed.
        package: Package,
        /// What its signer gave.
        share: Box<Share>,
    },
}

impl Misconduct {
    /// Whom this convicts under `terms`; `None` if it does not.
    #[must_use]
    pub fn culprit(&self, terms: &Terms) -> Option<MemberId> {
        match self {
            Self::MalformedCommitment(commitment) => {
                let guilty = commitment.is_genuine(terms) && !commitment.points.is_well_formed();
                guilty.then_some(commitment.owner)
            }
            Self::BadPackage(package) => {
                let guilty = package.is_genuine(terms) && !package.is_well_made(terms);
                guilty.then_some(package.coordinator)
            }
            Self::WrongShare { package, share } => {
                let asked = package.is_genuine(terms) && package.is_well_made(terms);
                let answered = share.is_genuine(terms) && share.package == package.hash(terms);
                let prepared = (asked && answered).then(|| package.prepare(terms)).flatten()?;
                let verdict = verify_share(&prepared, share.signer, &share.share, terms.public());
                matches!(verdict, Err(guardian_crypto::Error::InvalidShares { .. })).then_some(share.signer)
            }
        }
    }

    /// What it is, for people.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::MalformedCommitment(_) => "its nonce commitments are not points of the curve",
            Self::BadPackage(_) => {
                "as coordinator it asked the wrong signers, or used a commitment that is not its owner's"
            }
            Self::WrongShare { .. } => "its part of the test signature is wrong",
        }
    }
}
