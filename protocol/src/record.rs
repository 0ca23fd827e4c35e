//! What must survive a crash. A guardian is restored by folding its records; everything else it can find out again.
//!
//! The encoding is a lasting format: one version byte, then borsh. `tests/formats/` pins it.

use crate::{
    duty::{Duty, DutyId, DutyKind},
    hold::Cause,
    setup::Contracts,
    sign::{Attestation, Fault, Signed},
    types::{BlsPubkey, ChainIdentity, DecodeError, Epoch, EventPage, MemberId, Timestamp, Wei, versioned},
};
use alloy_primitives::{Address, B256};
use borsh::{BorshDeserialize, BorshSerialize};
use guardian_crypto::{account::AccountSignature, schnorr::Signature};

/// One durable fact.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Record {
    /// The guard let this digest through. There is at most one for a duty.
    Decided {
        /// The duty.
        id: DutyId,
        /// The only digest that this guardian will ever sign for it.
        digest: B256,
    },
    /// Nothing up to this period will be signed from this store; the newest counts.
    Floor {
        /// The period.
        epoch: Epoch,
        /// Whether later ones may be. If not, the store was set back, and it is not known yet what it has forgotten.
        is_settled: bool,
    },
    /// A start, of this process or of one that the store has forgotten; the highest counts.
    Boot {
        /// Its number.
        number: u64,
    },
    /// The committee signed this duty.
    Signed {
        /// What was signed.
        duty: Duty,
        /// The signature.
        signature: Signature,
        /// The contract that verifies it, which is part of the digest.
        contract: Address,
    },
    /// The contract has the duty, finally.
    Confirmed {
        /// The duty.
        id: DutyId,
    },
    /// The chain that everything else here is about.
    Chain {
        /// Which.
        identity: ChainIdentity,
    },
    /// What contracts logged in a range of blocks. A later record with the same first block takes the place of an earlier one.
    Events {
        /// Whose events were asked for: [`Contracts::event_sources`](crate::Contracts::event_sources).
        contracts: Vec<Address>,
        /// The events.
        page: EventPage,
    },
    /// A member cheated: it takes no part in signing any more, as long as the committee is this one.
    Fault {
        /// [`Committee::id`](crate::types::Committee::id).
        committee: B256,
        /// Who.
        culprit: MemberId,
        /// The proof.
        fault: Fault,
    },
    /// The operator forgives a member what it did in periods up to this one.
    Pardon {
        /// [`Committee::id`](crate::types::Committee::id).
        committee: B256,
        /// Whom.
        member: MemberId,
        /// The last period that is forgiven.
        upto: Epoch,
    },
    /// The operator's word about a kind of duty; the newest counts.
    Hold {
        /// Which kind.
        kind: DutyKind,
        /// Wait, until when and why; `None`: go on.
        hold: Option<(Option<Timestamp>, String)>,
    },
    /// The operator wants this digest never to be signed here.
    Forbidden {
        /// The digest.
        digest: B256,
    },
    /// A provider served a whole state of this finalized epoch; the newest counts.
    StatesServed {
        /// The epoch.
        epoch: Epoch,
    },
    /// A hold that this guardian placed by itself; the newest of a kind and cause counts.
    AutomaticHold {
        /// Which kind.
        kind: DutyKind,
        /// What happened.
        cause: Cause,
        /// Which occasion it was; zero: none that is remembered.
        about: B256,
        /// Wait, and why; `None`: it was released, or is over.
        reason: Option<String>,
    },
    /// The operator lets a duty pass the limits, and for a day whatever moves no more than it.
    Released {
        /// The duty.
        duty: Duty,
    },
    /// The operator asks for a duty that needs its word.
    AskedFor {
        /// The digest.
        digest: B256,
    },
    /// Enough accounts signed this duty.
    Attested {
        /// What was signed.
        duty: Duty,
        /// By accounts that were on the module's list.
        signatures: Vec<AccountSignature>,
        /// The module.
        contract: Address,
    },
    /// This guardian is about to pay for the request of an exit (EIP-7002), or knows what became of it; the newest of an order and validator
    /// counts.
    ExitRequest {
        /// Digest of the order under which the exit is requested.
        order: B256,
        /// The validator.
        pubkey: BlsPubkey,
        /// When it was about to.
        time: Timestamp,
        /// The most wei that it may cost.
        max_fee: Wei,
        /// The wei that were paid; `None`: that is not known.
        paid: Option<Wei>,
    },
}

impl Record {
    /// The format's version.
    pub const VERSION: u8 = 3;

    /// A signed duty as a record.
    #[must_use]
    pub fn signed(signed: &Signed) -> Self {
        let (duty, contract) = (signed.duty().clone(), signed.contract());
        match signed.attestation() {
            Attestation::Group(signature) => Self::Signed { duty, signature: *signature, contract },
            Attestation::Accounts(signatures) => Self::Attested { duty, signatures: signatures.clone(), contract },
        }
    }

    /// Whether it counts with these contracts; what others signed for, or logged, is history.
    #[must_use]
    pub fn counts_with(&self, contracts: &Contracts) -> bool {
        match self {
            Self::Signed { duty, contract, .. } | Self::Attested { duty, contract, .. } => {
                duty.kind().verifier(contracts) == Some(*contract)
            }
            Self::Events { contracts: of, .. } => *of == contracts.event_sources(),
            Self::Chain { .. }
            | Self::Decided { .. }
            | Self::Floor { .. }
            | Self::Boot { .. }
            | Self::Confirmed { .. }
            | Self::Fault { .. }
            | Self::Pardon { .. }
            | Self::Hold { .. }
            | Self::Forbidden { .. }
            | Self::AutomaticHold { .. }
            | Self::AskedFor { .. }
            | Self::ExitRequest { .. }
            | Self::Released { .. }
            | Self::StatesServed { .. } => true,
        }
    }

    /// The lasting encoding.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        versioned::encode(Self::VERSION, self)
    }

    /// The strict inverse of [`Record::encode`].
    ///
    /// # Errors
    /// On any byte sequence that [`Record::encode`] does not produce.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        versioned::decode(Self::VERSION, bytes)
    }
}
