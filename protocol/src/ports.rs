//! What the brain needs from the world, said in its own words. `chain-adapters` and the store obey; the simulation does too.

use crate::{
    duty::{ChainView, DutyKind, Subject},
    event::Layer,
    record::Record,
    sign::{AccountOrder, Signed},
    types::{
        BlockRef, BlsPubkey, Census, Checkpoint, Epoch, EventPage, Level, ProviderId, Slot, ValidatorIndex,
        ValidatorRecord, Wei,
    },
};
use alloy_primitives::{Address, B256};
use std::collections::{BTreeMap, BTreeSet};

/// A question to *every* provider. Which of the [`Answers`] to believe is decided here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Query {
    /// The finalized checkpoint, of the beacon providers.
    Finalized,
    /// The contracts' rules and progress at one block, of the execution providers.
    Chain(At),
    /// The contracts' events of the blocks `from..=upto`, of the execution providers.
    Events {
        /// First block.
        from: u64,
        /// Last block.
        upto: u64,
        /// A block that is not before the last one: it fixes the branch.
        at: BlockRef,
    },
    /// These validators in the state at `slot`, the first of the finalized epoch, and what else a state tells, of the beacon providers.
    /// One answer that proves itself is enough: then not all providers need to be asked.
    State {
        /// The finalized checkpoint that enough providers agree on.
        checkpoint: Checkpoint,
        /// State to read.
        slot: Slot,
        /// Which validators. Empty if only the network as a whole is asked for.
        pubkeys: Vec<BlsPubkey>,
    },
    /// How far the contracts are with these, at the head and at the finalized block, of the execution providers.
    Progress(BTreeSet<Target>),
}

impl Query {
    /// Whose question it is.
    pub(crate) const fn layer(&self) -> Layer {
        match self {
            Self::Finalized | Self::State { .. } => Layer::Beacon,
            Self::Chain(_) | Self::Events { .. } | Self::Progress(_) => Layer::Execution,
        }
    }
}

/// What a contract shows its [`Level`] of.
pub type Target = (DutyKind, Subject);

/// Which execution block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// The block with this hash.
    Block(B256),
    /// The last block whose timestamp is not after this Unix time in seconds: how a reference is placed on a chain that has
    /// not merged.
    Time(u64),
}

/// One provider's answer to a [`Query`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    /// To [`Query::Finalized`]. `None`: nothing is finalized yet.
    Finalized(Option<Checkpoint>),
    /// To [`Query::Chain`].
    Chain(Box<ChainView>),
    /// To [`Query::Events`].
    Events(EventPage),
    /// To [`Query::State`], by index; unknown validators are left out.
    Validators(Vec<ValidatorRecord>),
    /// To [`Query::State`]: the same from a whole state that was hashed.
    State(Box<StateReading>),
    /// To [`Query::State`], where the slot was skipped: the root that the state at the slot has, as this provider says.
    StateRoot(B256),
    /// To [`Query::Progress`].
    Progress(BTreeMap<Target, OnChainProgress>),
}

/// Validators in a state of which every byte was hashed. What it says of itself is computed, not taken from the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateReading {
    /// The state's slot.
    pub slot: Slot,
    /// `hash_tree_root(state)`.
    pub root: B256,
    /// Root of the last block at or before the slot, as the state names it.
    pub block_root: B256,
    /// The state is that block's own: then `block_root` contains `root`, and proves it. Otherwise it was advanced over skipped slots.
    pub own: bool,
    /// The validators asked for that it knows, by index.
    pub validators: Vec<ValidatorRecord>,
    /// The whole network.
    pub census: Census,
}

/// How far a contract is with one subject.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OnChainProgress {
    /// At the head: may still be reorganised away.
    pub head: Level,
    /// At the finalized block.
    pub finalized: Level,
}

/// Why a provider gave no answer. None of these is a statement about the chain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadFailure {
    /// No connection, or no answer in time.
    #[error("unreachable: {0}")]
    Unreachable(String),
    /// It does not have this state or block, yet or any more.
    #[error("not available: {0}")]
    NotAvailable(String),
    /// It is syncing, optimistic, or has lost its execution client.
    #[error("not in sync: {0}")]
    NotInSync(String),
    /// It answered something that can't be right: wrong shape, too large, an empty list.
    #[error("malformed answer: {0}")]
    Malformed(String),
    /// It refuses our credentials, or wants some.
    #[error("unauthorized: {0}")]
    Unauthorized(String),
    /// It was asked too often: the same question may be put again, later.
    #[error("rate limited: {0}")]
    RateLimited(String),
    /// Its answer is larger than answers may be.
    #[error("too large: {0}")]
    TooLarge(String),
    /// It serves another chain.
    #[error("serves another chain: {0}")]
    WrongChain(String),
}

/// Correlates [`Answers`] with their [`Query`]. Those to the last questions that are no longer open are compared with what was
/// believed; others are dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QueryId(pub u64);

/// What providers said to one question: first so many that there can be a quorum, then, as further answers, the others.
#[derive(Clone, Debug)]
pub struct Answers {
    /// Which question.
    pub id: QueryId,
    /// One entry for each provider asked.
    pub answers: Vec<(ProviderId, Result<Reading, ReadFailure>)>,
}

/// Something to be done to the outside world. All are idempotent: doing one again does no harm.
#[derive(Clone, Debug)]
pub enum Call {
    /// Bring a signed duty to its contract, unless the contract has it already.
    Submit(Signed),
    /// Have this guardian's own account sign.
    Attest(AccountOrder),
    /// Put a validator's exit into the beacon nodes' pools.
    PublishExit(SignedExit),
    /// Have the registry request a validator's exit (EIP-7002), and pay for it, unless that was done under this order.
    RequestExit(Box<ExitRequest>),
}

/// The request of one validator's exit.
#[derive(Clone, Debug)]
pub struct ExitRequest {
    /// The order.
    pub order: Signed,
    /// The validator's place in it, from 0.
    pub position: usize,
    /// Its places in all orders for it that are known, this one among them, with their digests: under none of them was it requested.
    pub orders: Vec<(B256, usize)>,
    /// The validator.
    pub index: ValidatorIndex,
    /// The account that its withdrawal credentials name.
    pub account: Address,
    /// The protocol's contract that makes requests, as the registry had it at a finalized block.
    pub requester: Address,
    /// The most wei that EIP-7002's fee may be.
    pub max_fee: Wei,
}

/// What became of a [`Call::RequestExit`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestOutcome {
    /// The transaction was included, and the request made.
    Included {
        /// Its hash.
        transaction: B256,
        /// Gas used.
        gas: u64,
        /// EIP-7002's fee, in wei. What was sent above it came back.
        fee: Wei,
    },
    /// The registry has requested it before, for whomever: nothing was paid.
    AlreadyMade,
    /// It can't succeed as things stand: a contract says no. Nothing was paid but, perhaps, gas.
    Refused(String),
    /// EIP-7002's fee is above the limit: nothing was sent.
    TooDear {
        /// What it is, in wei.
        fee: Wei,
    },
    /// It was not included, for now: no funds, no connection, gas above its ceiling.
    Failed(String),
}

/// A complete voluntary exit: the irrevocable result of t guardians' partial signatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedExit {
    /// The epoch from which it is valid.
    pub epoch: Epoch,
    /// The validator.
    pub index: ValidatorIndex,
    /// The validator's own BLS signature.
    pub signature: [u8; 96],
}

/// What became of a [`Call::Submit`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallOutcome {
    /// The transaction was included, successfully.
    Included {
        /// Its hash.
        transaction: B256,
        /// Gas used.
        gas: u64,
    },
    /// The contract had it already; nothing was sent.
    AlreadyAccepted,
    /// It can't succeed as things stand: the contract says no.
    Refused(String),
    /// It was not included, for now: no funds, no connection, fee ceiling.
    Failed(String),
}

/// Durable storage of records: a guardian's [`Record`]s, or those of a key ceremony.
pub trait AppendRecords<R = Record> {
    /// Why it failed. The node stops on any error: what is not durable must not be spoken of.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Appends all or none of `records` and returns once they would survive a power cut.
    ///
    /// # Errors
    /// If they are not durable. A [`Record::Decided`] for a duty that already has another digest must be refused: this is the
    /// last line of defence behind the guard.
    fn append(&mut self, records: &[R]) -> Result<(), Self::Error>;
}
