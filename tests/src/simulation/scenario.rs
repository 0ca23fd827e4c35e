//! What a run is like: how large its committee is, how its days go, what goes wrong, and which protection is missing.

use super::keys::Keys;
use guardian_protocol::{DutyId, ValidatorIndex, Wei};
use std::{collections::BTreeMap, time::Duration};

/// The committee and its days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Size and threshold of the committees; the seed picks one.
    pub committees: &'static [(u16, u16)],
    /// Validators that are watched.
    pub validators: u64,
    /// Whether guardians hold shares of the validators' keys.
    pub exits: bool,
    /// Length of an epoch.
    pub epoch: Duration,
    /// The epoch in which a run begins.
    pub first_epoch: u64,
    /// Events with faults in each run.
    pub steps: usize,
    /// Of so many events, one is preceded by a mishap.
    pub mishap: usize,
    /// Whether the run begins with empty stores, which sign nothing before they have waited.
    pub new_stores: bool,
    /// Whether the run goes on without faults until every duty is done.
    pub settles: bool,
}

impl Profile {
    /// All duties, from the first epoch on, until every validator that must leave is leaving.
    pub const DUTIES: Self = Self {
        committees: &[(4, 3)],
        validators: 3,
        exits: true,
        epoch: Duration::from_secs(10),
        first_epoch: 1,
        steps: 1_200,
        mishap: 40,
        new_stores: true,
        settles: true,
    };

    /// Signing only: one or two reports, no exits, as many mishaps as possible. Cheap, so that very many seeds can be run.
    pub const NONCES: Self = Self {
        committees: &[
            (3, 2),
            (4, 3),
            (3, 2),
            (4, 3),
            (3, 2),
            (3, 2),
            (4, 3),
            (3, 2),
            (7, 5),
            (3, 2),
            (4, 3),
            (3, 2),
            (3, 2),
            (4, 3),
            (3, 2),
            (4, 3),
        ],
        validators: 1,
        exits: false,
        epoch: Duration::from_secs(4),
        first_epoch: 4,
        steps: 150,
        mishap: 7,
        new_stores: false,
        settles: false,
    };

    /// Deals keys for every committee.
    #[must_use]
    pub fn keys(&self) -> Vec<Keys> {
        self.committees.iter().map(|(n, t)| Keys::deal(*n, *t, self.validators, self.exits)).collect()
    }
}

/// What may go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Faults {
    /// Messages are dropped, doubled and reordered.
    pub network: bool,
    /// Guardians crash and come back, and are cut off.
    pub crashes: bool,
    /// One provider of each guardian lies now and then; two that lie alike, of one guardian only.
    pub lies: bool,
    /// Execution providers of a guardian lose logs, now and then all of them alike.
    pub holes: bool,
    /// One member gives wrong shares, or asks for the same nonces twice; and accuses others.
    pub liar: bool,
    /// Disks are lost or set back to an earlier state, and guardians run twice from copies of one disk.
    pub copies: bool,
    /// Operators hold kinds of duty for a while, refuse digests, and have different limits; keys are proposed, and most operators veto them.
    pub operators: bool,
    /// Somebody holds the group key, and the governor pauses the keys now and then.
    pub thief: bool,
    /// What anybody told everybody, at any time, reaches somebody again: also when all else has ended.
    pub replays: bool,
    /// Clocks are set back and forward.
    pub clocks: bool,
    /// Exits that guardians sign are not taken or not included, and requests are dear, denied or would be ignored.
    pub exits: bool,
}

impl Faults {
    /// A quiet day.
    pub const NONE: Self = Self {
        network: false,
        crashes: false,
        lies: false,
        holes: false,
        liar: false,
        copies: false,
        operators: false,
        thief: false,
        replays: false,
        clocks: false,
        exits: false,
    };
    /// Everything at once.
    pub const ALL: Self = Self {
        network: true,
        crashes: true,
        lies: true,
        holes: true,
        liar: true,
        copies: true,
        operators: true,
        thief: true,
        replays: true,
        clocks: true,
        exits: true,
    };
}

/// A protection that is taken away on purpose, to see that an invariant notices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Sabotage {
    /// Nothing.
    None,
    /// The store says "durable" without writing: effects leave before their records.
    SendBeforeCommit,
    /// The guard forgets what it let through whenever its guardian restarts.
    GuardForgets,
    /// What the operator said is forgotten whenever its guardian restarts.
    HoldsAreForgotten,
    /// What needs its operator's word is on a guardian's disk as asked for whenever it restarts.
    WordsAreForged,
    /// No guardian has the limits that its operator has set.
    LimitsAreLost,
    /// Chance follows from what is on the disk, so that it repeats itself when the disk is set back: nonces that are derived, or
    /// a generator whose seed is part of the snapshot.
    ChanceRepeats,
    /// A guardian's memory is copied while it runs, nonces included, and the copy runs as well: two signers that each spend
    /// the same nonces.
    MemoryIsCopied,
    /// Nobody asks which of a member's processes lives.
    ProbesAreLost,
    /// All beacon providers of one guardian say that every validator is low: what giving parts without grounds would amount to.
    EverybodyLooksLow,
    /// The protocol's own books are not read: providers that all leave the same events out are believed.
    BooksAreNotRead,
    /// Nobody gives members back what it heard of them.
    NothingIsGivenBack,
    /// Whoever starts is greeted by everybody at once, but not by them.
    GreetingsAreForged,
    /// How often a guardian was started is forgotten whenever it restarts.
    StartsAreForgotten,
    /// The registry neither refuses a second request of an exit nor tells that there was one.
    RequestsAreForgotten,
    /// States say that no withdrawal is pending, whatever is.
    PendingWithdrawalsAreHidden,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Transactions that were paid.
    pub paid: usize,
    /// Submissions by duty.
    pub submitted: BTreeMap<DutyId, usize>,
    /// What happened how often.
    pub tally: Tally,
    /// Requests of exits, by validator, and what was paid for them in wei, until nothing went wrong any more.
    pub requests: (BTreeMap<ValidatorIndex, usize>, Wei),
    /// What was told of validators' ways out, each word once, in order.
    pub told: Vec<String>,
}

/// What happened how often in a run, or in many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Nonce commitments made.
    pub commitments: u64,
    /// Nonces used in a signature.
    pub shares: u64,
    /// Starts after a crash from the same disk.
    pub restarts: u64,
    /// Starts from an earlier state of the disk, or from an empty one.
    pub set_back: u64,
    /// Second processes of a member that runs already.
    pub doppelgangers: u64,
    /// Orders that were signed with a stolen key.
    pub stolen: u64,
    /// What operators told their guardians.
    pub commands: u64,
    /// Messages that were repeated long after they were sent.
    pub replays: u64,
    /// Clocks that were set anew.
    pub clocks: u64,
    /// Signatures of guardians' own accounts.
    pub attested: u64,
    /// Requests of exits that somebody was about to pay.
    pub requests: u64,
    /// Processes that were shown a vote that their disks did not account for.
    pub reminded: u64,
    /// Members that announced a second digest for a duty: only ever one whose disk was set back or that ran twice, while most of
    /// its providers lied alike and nobody reminded it.
    pub double_votes: u64,
}

impl Tally {
    /// Processes that were started, of all members.
    #[must_use]
    pub fn starts(&self) -> u64 {
        self.restarts.saturating_add(self.set_back).saturating_add(self.doppelgangers)
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            commitments: self.commitments.saturating_add(other.commitments),
            attested: self.attested.saturating_add(other.attested),
            shares: self.shares.saturating_add(other.shares),
            restarts: self.restarts.saturating_add(other.restarts),
            set_back: self.set_back.saturating_add(other.set_back),
            doppelgangers: self.doppelgangers.saturating_add(other.doppelgangers),
            stolen: self.stolen.saturating_add(other.stolen),
            commands: self.commands.saturating_add(other.commands),
            replays: self.replays.saturating_add(other.replays),
            clocks: self.clocks.saturating_add(other.clocks),
            requests: self.requests.saturating_add(other.requests),
            reminded: self.reminded.saturating_add(other.reminded),
            double_votes: self.double_votes.saturating_add(other.double_votes),
        }
    }
}
