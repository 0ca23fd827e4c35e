//! Proof that a member cheated, which anyone can check who knows the committee: it consists of what the culprit itself signed.
//!
//! An honest guardian can't be convicted, whatever others send it or replay of it:
//!
//! - it signs no commitment that is not two points;
//! - it signs no package that is unsound, since it checks every commitment before it uses it;
//! - it answers a package with a share only after it found its own unspent commitment in it, and what it answers is the share of exactly
//!   that package: its signature covers the package's hash, and the hash every byte of the package. A share given for one package can't be
//!   held against another, and one that is repeated is the same share.
//! - its key share is the one that the committee lists: [`Guardian::restore`](crate::Guardian::restore) refuses any other.
//!
//! All of it is bound to [`Committee::id`], so nothing from before a resharing counts after it.

use super::package::{self, PackageError};
use crate::{
    duty::DutyId,
    types::{Committee, MemberId, versioned},
    wire::{Commitment, Envelope, EnvelopeError, Message, Package, Share},
};
use alloy_primitives::B256;
use borsh::{BorshDeserialize, BorshSerialize};
use guardian_crypto::{
    error::Error as CryptoError,
    frost::signing::{self, SigningPackage},
};
use std::collections::VecDeque;

/// A proof. Layout: version (1 byte), then borsh. Envelopes inside are as they came from the network.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[expect(clippy::large_enum_variant, reason = "faults are few, and boxes would be in every match")]
pub enum Fault {
    /// The owner signed a commitment that is not two points of the curve.
    Commitment {
        /// The duty that it was made for.
        duty: DutyId,
        /// The digest that it was made for.
        digest: B256,
        /// The commitment.
        commitment: Commitment,
    },
    /// The coordinator signed a package that no honest one makes.
    Package {
        /// Its envelope.
        package: Vec<u8>,
    },
    /// The signer signed a share that is wrong.
    Share {
        /// The coordinator's envelope with the package.
        package: Vec<u8>,
        /// The signer's envelope with the share.
        share: Vec<u8>,
    },
}

/// Why something is no proof.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    /// Written by another version of the node.
    #[error("fault version {0} is not known to this version of the node")]
    UnknownVersion(u8),
    /// No bytes at all, or more than [`Fault::MAX_BYTES`].
    #[error("a fault of {0} bytes")]
    Length(usize),
    /// Not this version's encoding.
    #[error("corrupt fault: {0}")]
    Corrupt(String),
    /// An envelope in it does not hold in this committee.
    #[error("an envelope in it does not hold: {0}")]
    Envelope(#[from] EnvelopeError),
    /// An envelope in it holds something else than it should.
    #[error("an envelope in it holds a {0}")]
    WrongMessage(&'static str),
    /// The commitment was not made by the one it names.
    #[error("the commitment is not genuine")]
    NotGenuine,
    /// The share answers another package, or its author was not asked.
    #[error("the share does not belong to the package")]
    Unrelated,
    /// The package is itself unsound, so the share under it proves nothing about its author.
    #[error("the package is unsound: {0}")]
    UnsoundPackage(#[from] PackageError),
    /// What it shows is as it should be.
    #[error("there is nothing wrong with it")]
    NothingWrong,
}

impl Fault {
    /// The format's version.
    pub const VERSION: u8 = 2;
    /// The largest proof: a package and a share of the largest committee stay far below.
    pub const MAX_BYTES: usize = 128 * 1024;

    /// The lasting encoding.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        versioned::encode(Self::VERSION, self)
    }

    /// The strict inverse of [`Fault::encode`]. Proves nothing yet: see [`Fault::verify`].
    ///
    /// # Errors
    /// On any byte sequence that [`Fault::encode`] does not produce.
    pub fn decode(bytes: &[u8]) -> Result<Self, FaultError> {
        if bytes.len() > Self::MAX_BYTES {
            return Err(FaultError::Length(bytes.len()));
        }
        let (version, body) = bytes.split_first().ok_or(FaultError::Length(0))?;
        if *version != Self::VERSION {
            return Err(FaultError::UnknownVersion(*version));
        }
        borsh::from_slice(body).map_err(|error| FaultError::Corrupt(error.to_string()))
    }

    /// Whom it seems to accuse: read off, not checked.
    #[must_use]
    pub fn accused(&self) -> Option<MemberId> {
        match self {
            Self::Commitment { commitment, .. } => Some(commitment.owner),
            Self::Package { package } => Envelope::sender_of(package),
            Self::Share { share, .. } => Envelope::sender_of(share),
        }
    }

    /// Which duty it seems to be about: read off, not checked.
    #[must_use]
    pub(crate) fn about(&self) -> Option<DutyId> {
        match self {
            Self::Commitment { duty, .. } => Some(*duty),
            Self::Package { package } => {
                let Message::Package(package) = Envelope::peek(package)? else { return None };
                Some(package.duty)
            }
            Self::Share { share, .. } => {
                let Message::Share(share) = Envelope::peek(share)? else { return None };
                Some(share.duty)
            }
        }
    }

    /// Who is convicted by this, and for which duty. Needs nothing but public things; costs `t` signature checks and one of a share.
    ///
    /// # Errors
    /// [`FaultError`] if it proves nothing against a member of `committee`.
    pub fn verify(&self, committee: &Committee) -> Result<(MemberId, DutyId), FaultError> {
        self.verify_with(committee, &mut Sound::default())
    }

    /// The same; what was found out about the package is remembered in `sound`. It must always be given the same committee.
    pub(crate) fn verify_with(
        &self,
        committee: &Committee,
        sound: &mut Sound,
    ) -> Result<(MemberId, DutyId), FaultError> {
        match self {
            Self::Commitment { duty, digest, commitment } => {
                if commitment.points.is_well_formed() {
                    return Err(FaultError::NothingWrong);
                }
                if !commitment.is_genuine(*duty, *digest, committee) {
                    return Err(FaultError::NotGenuine);
                }
                Ok((commitment.owner, *duty))
            }
            Self::Package { package } => {
                let (coordinator, package) = package_in(package, committee)?;
                match package::check(&package, coordinator, committee, |_| false) {
                    Err(error) if error.is_fault() => Ok((coordinator, package.duty)),
                    Err(_) | Ok(_) => Err(FaultError::NothingWrong),
                }
            }
            Self::Share { package, share } => {
                let (signer, share) = share_in(share, committee)?;
                let package = sound.get(package, committee)?;
                let related = share.duty == package.duty && share.package == package.hash;
                if !related || !package.prepared.signers().any(|owner| owner == signer) {
                    return Err(FaultError::Unrelated);
                }
                match signing::verify_share(&package.prepared, signer, &share.share, committee.public_shares()) {
                    Err(CryptoError::InvalidShares { .. }) => Ok((signer, package.duty)),
                    Err(_) | Ok(()) => Err(FaultError::NothingWrong),
                }
            }
        }
    }
}

/// The last packages that were found to be sound: wrong shares come in dozens under one, and checking it costs `t` signature checks.
#[derive(Debug, Default)]
pub(crate) struct Sound(VecDeque<(Vec<u8>, SoundPackage)>);

#[derive(Debug)]
struct SoundPackage {
    duty: DutyId,
    hash: B256,
    prepared: SigningPackage,
}

impl Sound {
    /// In a large committee some coordinators may be at work at once.
    const MOST: usize = 8;

    /// The package in this envelope, if it is sound.
    fn get(&mut self, envelope: &[u8], committee: &Committee) -> Result<&SoundPackage, FaultError> {
        let at = match self.0.iter().position(|(known, _)| known == envelope) {
            Some(at) => at,
            None => {
                let (coordinator, package) = package_in(envelope, committee)?;
                let prepared = package::check(&package, coordinator, committee, |_| false)?;
                let sound = SoundPackage { duty: package.duty, hash: package.hash(), prepared };
                self.0.push_front((envelope.to_vec(), sound));
                self.0.truncate(Self::MOST);
                0
            }
        };
        self.0.get(at).map(|(_, sound)| sound).ok_or(FaultError::Unrelated)
    }
}

fn package_in(bytes: &[u8], committee: &Committee) -> Result<(MemberId, Package), FaultError> {
    let envelope = Envelope::read(bytes, committee)?;
    let sender = envelope.sender();
    let message = envelope.into_message();
    let name = message.as_str();
    let Message::Package(package) = message else { return Err(FaultError::WrongMessage(name)) };
    Ok((sender, package))
}

fn share_in(bytes: &[u8], committee: &Committee) -> Result<(MemberId, Share), FaultError> {
    let envelope = Envelope::read(bytes, committee)?;
    let sender = envelope.sender();
    let message = envelope.into_message();
    let name = message.as_str();
    let Message::Share(share) = message else { return Err(FaultError::WrongMessage(name)) };
    Ok((sender, share))
}
