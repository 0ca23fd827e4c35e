//! What can go wrong, and whose fault it is. Sealed files have their own list: [`SealError`].

pub use crate::seal::SealError;
use crate::{
    frost,
    member::{MAX_MEMBERS, MemberId},
};

/// Why an operation was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Bytes or values that are not what they should be.
    #[error("{what} is malformed: {why}")]
    Malformed {
        /// What was being read.
        what: &'static str,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A stored value of another version.
    #[error("{what} has version {found}, but only version {supported} is known")]
    UnsupportedVersion {
        /// What was being read.
        what: &'static str,
        /// Its version.
        found: u8,
        /// Ours.
        supported: u8,
    },
    /// Sizes outside of what [`crate::member::check_majority`] allows.
    #[error(
        "threshold {threshold} of {members} members is not allowed: a committee has 2 to {MAX_MEMBERS} members, and more than half must act"
    )]
    Threshold {
        /// Required signers.
        threshold: u16,
        /// Size of the committee.
        members: usize,
    },
    /// Somebody who holds no share of this key.
    #[error("member {0} holds no share of this key")]
    UnknownMember(MemberId),
    /// Fewer than the threshold.
    #[error("{have} signers, but {need} are needed")]
    TooFewSigners {
        /// Present.
        have: usize,
        /// The threshold.
        need: u16,
    },
    /// Somebody whose commitments are not in the signing package.
    #[error("member {0} is not a signer of this package")]
    NotASigner(MemberId),
    /// Something that every listed member has to send is not there.
    #[error("nothing was received from member {0}")]
    MissingFrom(MemberId),
    /// The package names other commitments than those of these nonces.
    #[error("the package does not contain the commitments of these nonces")]
    ForeignNonces,
    /// A signature that does not verify.
    #[error("the signature is not valid")]
    InvalidSignature,
    /// Commitments that are no pair of curve points.
    #[error("commitments of {} are not curve points", listed(culprits))]
    MalformedCommitments {
        /// Their owners.
        culprits: Vec<MemberId>,
    },
    /// Signature shares that do not verify.
    #[error("signature shares of {} are not valid", listed(culprits))]
    InvalidShares {
        /// Their owners.
        culprits: Vec<MemberId>,
    },
    /// Partial BLS signatures that do not verify.
    #[error("partial signatures of {} are not valid", listed(culprits))]
    InvalidPartials {
        /// Their owners.
        culprits: Vec<MemberId>,
    },
    /// A proof that does not verify.
    #[error("the {what} is not proven")]
    InvalidProof {
        /// What it was to prove.
        what: &'static str,
    },
    /// A wrong message in key generation, resharing or repair.
    #[error("member {culprit} dealt wrongly: {why}")]
    InvalidDealing {
        /// Its sender.
        culprit: MemberId,
        /// What was wrong with it.
        why: &'static str,
    },
    /// A ciphertext that does not open.
    #[error("it was encrypted to another key, or was changed")]
    NotDecrypted,
    /// A secret share that does not belong to the public commitments it is said to belong to.
    #[error("the share does not match the public commitments")]
    ShareMismatch,
    /// A group key whose x-coordinate is not below the group's order: the contract could not verify with it. Happens once in
    /// 2^128 generations; generate again.
    #[error("this group key cannot be verified on chain; generate another")]
    UnusableGroupKey,
    /// The FROST library refused for a reason that is nobody's fault and that none of the above describes.
    #[error("refused by the FROST library: {0}")]
    Frost(frost_secp256k1::Error),
    /// A sealed file.
    #[error(transparent)]
    Seal(#[from] SealError),
}

impl Error {
    /// Who caused this. Blame them only together with evidence that they sent what was judged.
    #[must_use]
    pub fn culprits(&self) -> &[MemberId] {
        match self {
            Self::MalformedCommitments { culprits }
            | Self::InvalidShares { culprits }
            | Self::InvalidPartials { culprits } => culprits,
            Self::InvalidDealing { culprit, .. } => std::slice::from_ref(culprit),
            Self::Malformed { .. }
            | Self::UnsupportedVersion { .. }
            | Self::Threshold { .. }
            | Self::UnknownMember(_)
            | Self::TooFewSigners { .. }
            | Self::NotASigner(_)
            | Self::MissingFrom(_)
            | Self::ForeignNonces
            | Self::InvalidSignature
            | Self::InvalidProof { .. }
            | Self::NotDecrypted
            | Self::ShareMismatch
            | Self::UnusableGroupKey
            | Self::Frost(_)
            | Self::Seal(_) => &[],
        }
    }
}

/// Members for people: `member 2`, `members 2, 3 and 5`.
fn listed(members: &[MemberId]) -> String {
    let names: Vec<String> = members.iter().map(ToString::to_string).collect();
    match names.as_slice() {
        [] => "nobody".to_owned(),
        [one] => format!("member {one}"),
        [before @ .., last] => format!("members {} and {last}", before.join(", ")),
    }
}

impl From<frost_secp256k1::Error> for Error {
    fn from(error: frost_secp256k1::Error) -> Self {
        type Source = frost_secp256k1::Error;
        let culprits: Vec<MemberId> = error.culprits().into_iter().filter_map(frost::member_of).collect();
        match (&error, culprits.as_slice()) {
            (Source::InvalidSignatureShare { .. }, [_, ..]) => Self::InvalidShares { culprits },
            (Source::InvalidProofOfKnowledge { .. }, [culprit]) => {
                Self::InvalidDealing { culprit: *culprit, why: "the proof of knowledge is not valid" }
            }
            (Source::InvalidSecretShare { .. }, [culprit]) => {
                Self::InvalidDealing { culprit: *culprit, why: "the secret share does not match the commitments" }
            }
            (Source::InvalidSignature, _) => Self::InvalidSignature,
            _ => Self::Frost(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn culprits_are_shown_to_people_as_numbers() {
        let said = |numbers: &[u16]| {
            let culprits: Vec<MemberId> = numbers.iter().filter_map(|number| MemberId::new(*number)).collect();
            [
                Error::MalformedCommitments { culprits: culprits.clone() }.to_string(),
                Error::InvalidShares { culprits: culprits.clone() }.to_string(),
                Error::InvalidPartials { culprits }.to_string(),
            ]
        };
        assert_eq!(said(&[2])[1], "signature shares of member 2 are not valid");
        assert_eq!(said(&[2, 5])[0], "commitments of members 2 and 5 are not curve points");
        assert_eq!(said(&[2, 3, 5])[2], "partial signatures of members 2, 3 and 5 are not valid");
    }
}
