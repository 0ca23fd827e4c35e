//! The envelope: every message is signed by its author's identity key, for one committee. That makes it evidence that can be
//! shown to others; the transport's own authentication can't be passed on.

use super::Message;
use crate::types::{Committee, MemberId, versioned};
use borsh::{BorshDeserialize, BorshSerialize};
use guardian_crypto::identity::{IdentityKey, IdentitySignature};

/// A message with its author's signature. Layout: version (1 byte), author (2), message, signature (64).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    sender: MemberId,
    message: Message,
    signature: IdentitySignature,
}

/// Why bytes were not taken for a member's message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// More than [`Envelope::MAX_BYTES`].
    #[error("message of {0} bytes is too large")]
    TooLarge(usize),
    /// Too short to be anything.
    #[error("message of {0} bytes is too short")]
    TooShort(usize),
    /// From another version of the node.
    #[error("message version {0} is not known to this version of the node")]
    UnknownVersion(u8),
    /// Of a kind that a newer version of the node has.
    #[error("messages of kind {0} are not known to this version of the node")]
    UnknownKind(u8),
    /// Not this version's encoding.
    #[error("corrupt message: {0}")]
    Corrupt(String),
    /// The author is not a member.
    #[error("author {0} is not a member")]
    UnknownSender(MemberId),
    /// The transport says that somebody else wrote it.
    #[error("message of {claimed} came from {actual}")]
    WrongSender {
        /// Who the message says wrote it.
        claimed: MemberId,
        /// Who did, by the transport.
        actual: MemberId,
    },
    /// The author's signature does not hold for this committee.
    #[error("the author's signature does not hold")]
    BadSignature,
}

#[derive(BorshSerialize, BorshDeserialize)]
struct Body {
    sender: MemberId,
    message: Message,
}

impl EnvelopeError {
    /// Whether another version of the node may well have meant something by it.
    #[must_use]
    pub const fn is_of_another_version(&self) -> bool {
        matches!(self, Self::UnknownVersion(_) | Self::UnknownKind(_))
    }
}

impl Envelope {
    /// The format's version. Raised only if even the envelope changes, or what all kinds are made of: members of two versions understand
    /// nothing of each other, so that all have to be updated at once. Anything else is a new kind of message.
    pub const VERSION: u8 = 3;
    /// The largest message: an announcement or package of 100 guardians stays far below.
    pub const MAX_BYTES: usize = 256 * 1024;

    const DOMAIN: &'static str = "GUARDIAN/envelope/v1";
    const SIGNATURE_BYTES: usize = 64;

    /// Signs `message` as `sender`.
    #[must_use]
    pub fn seal(sender: MemberId, message: Message, committee: &Committee, key: &IdentityKey) -> Self {
        let body = Body { sender, message };
        let signature = key.sign(Self::DOMAIN, &signed_bytes(committee, &versioned::encode(Self::VERSION, &body)));
        Self { sender, message: body.message, signature }
    }

    /// The bytes for the network.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = versioned::encode(Self::VERSION, &Body { sender: self.sender, message: self.message.clone() });
        bytes.extend_from_slice(&self.signature.to_bytes());
        bytes
    }

    /// Takes `bytes`, which the transport says `from` wrote, for what they are.
    ///
    /// # Errors
    /// [`EnvelopeError`] if they are anything else than what [`Envelope::encode`] made of a message by `from` for `committee`.
    pub fn open(bytes: &[u8], from: MemberId, committee: &Committee) -> Result<Self, EnvelopeError> {
        let (envelope, unsigned) = Self::parse(bytes)?;
        if envelope.sender != from {
            return Err(EnvelopeError::WrongSender { claimed: envelope.sender, actual: from });
        }
        envelope.verified(unsigned, committee)
    }

    /// Takes `bytes` of unknown origin for what their author's signature says: how evidence is read.
    ///
    /// # Errors
    /// [`EnvelopeError`] if they are anything else than what [`Envelope::encode`] made of a member's message for `committee`.
    pub fn read(bytes: &[u8], committee: &Committee) -> Result<Self, EnvelopeError> {
        let (envelope, unsigned) = Self::parse(bytes)?;
        envelope.verified(unsigned, committee)
    }

    /// Who wrote `bytes`, if they are an envelope: read off, not checked.
    #[must_use]
    pub fn sender_of(bytes: &[u8]) -> Option<MemberId> {
        bytes.get(1..3).and_then(|sender| borsh::from_slice(sender).ok())
    }

    /// What `bytes` hold, if they are an envelope: read off, not checked.
    #[must_use]
    pub(crate) fn peek(bytes: &[u8]) -> Option<Message> {
        Self::parse(bytes).ok().map(|(envelope, _)| envelope.message)
    }

    /// The envelope, and the bytes under its signature. Nothing is verified yet.
    fn parse(bytes: &[u8]) -> Result<(Self, &[u8]), EnvelopeError> {
        if bytes.len() > Self::MAX_BYTES {
            return Err(EnvelopeError::TooLarge(bytes.len()));
        }
        let (unsigned, signature) = bytes
            .len()
            .checked_sub(Self::SIGNATURE_BYTES)
            .and_then(|at| bytes.split_at_checked(at))
            .ok_or(EnvelopeError::TooShort(bytes.len()))?;
        let (version, body) = unsigned.split_first().ok_or(EnvelopeError::TooShort(bytes.len()))?;
        if *version != Self::VERSION {
            return Err(EnvelopeError::UnknownVersion(*version));
        }
        // The author's number comes first.
        if let Some(kind) = body.get(2).filter(|kind| **kind >= Message::KINDS) {
            return Err(EnvelopeError::UnknownKind(*kind));
        }
        let body: Body = borsh::from_slice(body).map_err(|error| EnvelopeError::Corrupt(error.to_string()))?;
        let signature = IdentitySignature::from_bytes(signature).map_err(|_| EnvelopeError::BadSignature)?;
        Ok((Self { sender: body.sender, message: body.message, signature }, unsigned))
    }

    fn verified(self, unsigned: &[u8], committee: &Committee) -> Result<Self, EnvelopeError> {
        let member = committee.get(self.sender).ok_or(EnvelopeError::UnknownSender(self.sender))?;
        member
            .identity
            .verify(Self::DOMAIN, &signed_bytes(committee, unsigned), &self.signature)
            .map_err(|_| EnvelopeError::BadSignature)?;
        Ok(self)
    }

    /// Who wrote it.
    #[must_use]
    pub fn sender(&self) -> MemberId {
        self.sender
    }

    /// What is inside.
    #[must_use]
    pub fn message(&self) -> &Message {
        &self.message
    }

    /// Takes out what is inside.
    #[must_use]
    pub fn into_message(self) -> Message {
        self.message
    }
}

/// Binds a message to one committee, so that it can't be replayed in another, be it one with the same key.
fn signed_bytes(committee: &Committee, encoded: &[u8]) -> Vec<u8> {
    [committee.id().as_slice(), encoded].concat()
}
