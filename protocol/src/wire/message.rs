//! The messages; each kind says in one sentence what it is for.
//!
//! Members of different versions talk to each other. So a kind that has been released never changes, and is never removed: what is to be
//! said otherwise is a new kind, at the end, said beside the old one until every member can read it. A kind that a member does not know
//! is ignored and counted, and no duty may depend on it before.

use super::{Announcement, Package, Share, SignedBoot};
use crate::{
    audit::{Node, Place},
    duty::{Duty, DutyId},
    sign::Fault,
    types::{BootId, Challenge, Epoch, MemberId, Program, ValidatorIndex},
};
use alloy_primitives::B256;
use borsh::{BorshDeserialize, BorshSerialize};
use guardian_crypto::{account::AccountSignature, bls::PartialSignature, schnorr::Signature};

/// Anything that a guardian says to another.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Message {
    /// To a peer that has just connected: where I stand.
    Greeting(Greeting),
    /// To all: I computed this digest, and here are nonce commitments to sign it with. Vote and round one in one message.
    Announcement(Announcement),
    /// Of a coordinator to its chosen signers: sign with these commitments. Round two's question.
    Package(Package),
    /// To that coordinator: my share. Round two's answer.
    Share(Share),
    /// To all, or to one that missed it: the committee signed this.
    Signed(SignedDuty),
    /// To all: my part of the exits that a signed order demands.
    PartialExits(PartialExits),
    /// To all, or to one that does not know it: this member cheated, here is the proof.
    Fault(Fault),
    /// To a member that spoke with two boot ids: which of your processes lives?
    Probe(Probe),
    /// To who asked: this one does.
    Alive(Alive),
    /// To a member that computed another digest: what did you read? Below this place of the tree of evidence.
    Inquiry(Inquiry),
    /// To who asked: this.
    Finding(Finding),
    /// To a peer that has just connected: which validators' keys I hold shares of.
    Holdings(Holdings),
    /// To a peer that has just connected, before the greeting: which program I run.
    Introduction(Introduction),
    /// To all, or to one that missed it: accounts signed this, mine or others'.
    Attested(AttestedDuty),
}

impl Message {
    /// How many kinds there are. The first byte of an encoded message is its kind, and below this.
    pub(crate) const KINDS: u8 = 14;

    /// The word used in logs and metrics.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Greeting(_) => "greeting",
            Self::Announcement(_) => "announcement",
            Self::Package(_) => "package",
            Self::Share(_) => "share",
            Self::Signed(_) => "signed",
            Self::PartialExits(_) => "partial_exits",
            Self::Fault(_) => "fault",
            Self::Probe(_) => "probe",
            Self::Alive(_) => "alive",
            Self::Inquiry(_) => "inquiry",
            Self::Finding(_) => "finding",
            Self::Holdings(_) => "holdings",
            Self::Introduction(_) => "introduction",
            Self::Attested(_) => "attested",
        }
    }

    /// The start of its author that it names, if it names one.
    #[must_use]
    pub const fn boot(&self) -> Option<BootId> {
        match self {
            Self::Greeting(greeting) => Some(greeting.start.boot),
            Self::Announcement(announcement) => Some(announcement.boot),
            Self::Share(share) => Some(share.next.boot),
            Self::Probe(probe) => Some(probe.boot),
            Self::Alive(alive) => Some(alive.boot),
            Self::Introduction(introduction) => Some(introduction.boot),
            Self::Package(_)
            | Self::Signed(_)
            | Self::PartialExits(_)
            | Self::Fault(_)
            | Self::Inquiry(_)
            | Self::Finding(_)
            | Self::Holdings(_)
            | Self::Attested(_) => None,
        }
    }
}

/// Where a guardian stands.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Greeting {
    /// Its start. The receiver keeps it, and gives it back when it is to be reminded.
    pub start: SignedBoot,
    /// The highest period that it decided or heard the receiver announce: what a receiver with a new store must wait past.
    pub highest: Option<Epoch>,
    /// The newest signed duty that it knows, of each subject of each kind. The receiver answers with those that it lacks.
    pub signed: Vec<DutyId>,
    /// Members that it excludes. The receiver answers with proof against others.
    pub excluded: Vec<MemberId>,
    /// Whether it quarantines the receiver, because it found two processes of it alive.
    pub doppelganger: bool,
    /// What it has heard of the receiver: what a receiver whose store was set back has forgotten.
    pub yours: Reminder,
    /// Whether it asks for a greeting in return: too few members have greeted it since its start.
    pub asks: bool,
}

/// What a member once said, given back to it. It knows its own signatures, so that nobody can make it believe what it never said.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Reminder {
    /// Its last start.
    pub start: Option<SignedBoot>,
    /// Its announcement of the highest period: an envelope.
    pub announcement: Option<Vec<u8>>,
}

impl Greeting {
    /// More than these can't be: a guardian remembers fewer.
    pub(crate) const MAX_SIGNED: usize = 1024;
}

/// A duty and the committee's signature.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SignedDuty {
    /// What was signed.
    pub duty: Duty,
    /// By the group key.
    pub signature: Signature,
}

/// A duty and signatures of guardians' own accounts, any number of them. They count by themselves, whoever tells them.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct AttestedDuty {
    /// What was signed.
    pub duty: Duty,
    /// Signatures of its digest.
    pub signatures: Vec<AccountSignature>,
}

/// Partial BLS signatures of the exits that one signed order demands.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct PartialExits {
    /// The order.
    pub duty: DutyId,
    /// Its digest.
    pub digest: B256,
    /// At most as many as an order holds.
    pub exits: Vec<(ValidatorIndex, PartialSignature)>,
}

/// Asks a member to show itself. Said to all if the member is not connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Probe {
    /// The asker's start.
    pub boot: BootId,
    /// Who is asked.
    pub member: MemberId,
    /// Drawn for this question.
    pub challenge: Challenge,
}

/// Shows that this start lived after the challenge was drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Alive {
    /// The start that answers.
    pub boot: BootId,
    /// The asker's challenge.
    pub challenge: Challenge,
}

/// Asks for a part of what was read in a period. See `crate::audit`.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Inquiry {
    /// The period.
    pub period: Epoch,
    /// Where in the tree.
    pub place: Place,
}

/// A part of what its sender read in a period.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Finding {
    /// The period.
    pub period: Epoch,
    /// Where in the tree.
    pub place: Place,
    /// What is there.
    pub node: Node,
}

/// Which validators' keys a member holds shares of.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Holdings {
    /// The first eight bytes of each public key, as a big-endian number.
    pub validators: Vec<u64>,
}

impl Holdings {
    /// More are not told: that many fill half of the largest message.
    pub(crate) const MAX: usize = 16 * 1024;
}

/// The program that a member runs.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Introduction {
    /// Its start.
    pub boot: BootId,
    /// What has been started.
    pub program: Program,
}
