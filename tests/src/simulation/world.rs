//! The world: brains, chain, providers, and a bag of what is under way.

use super::{
    chain::{self, Chain},
    invariants::{Invariants, Violation, violation},
    keys::Keys,
    liar::Liar,
    lives::Lives,
    memories::Memories,
    operators::Restraints,
    oracle::Oracle,
    process::{Process, ProcessId},
    requests::ExitTroubles,
    scenario::{Faults, Outcome, Profile, Sabotage, Tally},
    store::MemoryStore,
    thief::Stolen,
};
use alloy::primitives::B256;
use guardian_protocol::{
    AccountOrder, Answers, CallOutcome, DutyId, ExitRequest, ExitRequestPolicy, Input, Job, MemberId, ProviderQuorum,
    Query, QueryId, RequestOutcome, Setup, Signed, SignedExit, Timestamp, Timing, ValidatorIndex, Wei, testing,
};
use rand_chacha::{
    ChaCha20Rng,
    rand_core::{RngCore, SeedableRng},
};
use std::{collections::BTreeMap, rc::Rc, time::Duration};

/// Providers of each layer that a guardian asks.
pub(super) const PROVIDERS: u8 = 3;

/// Something under way.
#[derive(Clone, Debug)]
pub(super) enum Item {
    Message {
        from: MemberId,
        by: Option<ProcessId>,
        to: MemberId,
        bytes: Rc<[u8]>,
    },
    Answers {
        to: ProcessId,
        id: QueryId,
        query: Query,
    },
    /// What a slow provider says to a question that was settled without it.
    LateAnswers {
        to: ProcessId,
        answers: Answers,
    },
    Outcome {
        to: ProcessId,
        id: DutyId,
        outcome: CallOutcome,
    },
    Submit {
        from: ProcessId,
        signed: Box<Signed>,
    },
    RequestExit {
        from: ProcessId,
        request: Box<ExitRequest>,
    },
    RequestOutcome {
        to: ProcessId,
        order: B256,
        index: ValidatorIndex,
        outcome: RequestOutcome,
    },
    Exit {
        from: ProcessId,
        exit: SignedExit,
    },
    Job {
        to: ProcessId,
        job: Job,
    },
    /// A guardian's own account is asked to sign.
    Attest {
        to: ProcessId,
        order: AccountOrder,
    },
}

/// How two processes of one member are reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// A message reaches either or both, and what one says to all reaches the other.
    Scattered,
    /// Everybody is connected to one of them, as a transport does that allows one connection for each identity. Connections move
    /// from one to the other.
    Linked,
}

/// What the operator of one member has.
#[derive(Debug, Default)]
pub(super) struct Node {
    /// What runs; more than one is the operator's mistake.
    pub(super) processes: Vec<ProcessId>,
    /// The disk, while nothing runs, and what was told to whoever ran from it.
    pub(super) disk: MemoryStore,
    pub(super) restraints: Restraints,
    /// Copies of the disk that were kept.
    pub(super) copies: Vec<MemoryStore>,
    pub(super) cut_off: bool,
    /// How many of its beacon providers lie, all alike.
    pub(super) lying: u8,
    /// How many of its execution providers leave events out, all alike.
    pub(super) lacking: u8,
    /// Whether most of its providers ever lied alike.
    pub(super) deceived: bool,
    /// Whether it ever ran from another disk than the last one.
    pub(super) set_back: bool,
    /// Whether it ever ran twice.
    pub(super) twinned: bool,
    /// How many milliseconds its clock is ahead; it counts from the next start on.
    pub(super) clock: i64,
    /// Its last start that said something, and that one's number.
    pub(super) spoke: Option<(ProcessId, u64)>,
}

/// One simulated committee. See the module.
#[derive(Debug)]
pub struct World<'a> {
    pub(super) keys: &'a Keys,
    pub(super) profile: Profile,
    pub(super) faults: Faults,
    pub(super) sabotage: Sabotage,
    pub(super) rng: ChaCha20Rng,
    pub(super) now: Timestamp,
    next_epoch: Timestamp,
    pub(super) chain: Chain,
    pub(super) nodes: BTreeMap<MemberId, Node>,
    pub(super) processes: BTreeMap<ProcessId, Process>,
    pub(super) bag: Vec<Item>,
    pub(super) invariants: Invariants,
    pub(super) oracle: Oracle,
    pub(super) liar: Option<Liar>,
    pub(super) stolen: Stolen,
    pub(super) lives: Lives,
    pub(super) memories: Memories,
    /// What was told to everybody, by whom.
    pub(super) archive: Vec<(MemberId, Rc<[u8]>)>,
    pub(super) tally: Tally,
    /// How two processes of one member are reached.
    pub(super) reach: Reach,
    /// With [`Reach::Linked`]: which process of a member a process talks to.
    pub(super) links: BTreeMap<(ProcessId, MemberId), ProcessId>,
    /// Whose operator lets no validator go without its word, and whose wants time for each.
    pub(super) strict: Option<MemberId>,
    pub(super) patient: Option<MemberId>,
    pub(super) log: Option<Vec<String>>,
    /// What was told of validators' ways out, and which requests were made at what cost, until nothing went wrong any more.
    pub(super) told: Vec<String>,
    pub(super) requested: Option<(BTreeMap<ValidatorIndex, usize>, Wei)>,
}

impl<'a> World<'a> {
    /// A committee with one of `keys`, at the beginning of the run that `seed` names.
    ///
    /// # Panics
    /// If there are no keys.
    #[must_use]
    pub fn new(seed: u64, profile: Profile, keys: &'a [Keys], faults: Faults, sabotage: Sabotage) -> Self {
        let keys = keys.iter().cycle().nth(usize::try_from(seed).unwrap() % keys.len()).unwrap();
        let mut world = Self {
            keys,
            profile,
            faults,
            sabotage,
            rng: ChaCha20Rng::seed_from_u64(seed),
            now: Timestamp(1_000_000),
            next_epoch: Timestamp(1_000_000).after(profile.epoch),
            chain: chain_of(seed, keys, profile),
            nodes: BTreeMap::new(),
            processes: BTreeMap::new(),
            bag: Vec::new(),
            invariants: Invariants::default(),
            oracle: Oracle::default(),
            liar: None,
            stolen: Stolen::default(),
            lives: Lives::default(),
            memories: Memories::default(),
            archive: Vec::new(),
            tally: Tally::default(),
            reach: Reach::Linked,
            links: BTreeMap::new(),
            strict: None,
            patient: None,
            log: None,
            told: Vec::new(),
            requested: None,
        };
        world.chain.requests.forgets = sabotage == Sabotage::RequestsAreForgotten;
        world.chain.requests.hides_pending = sabotage == Sabotage::PendingWithdrawalsAreHidden;
        world.reach = if world.below(2) == 0 { Reach::Linked } else { Reach::Scattered };
        if faults.liar {
            let forges = world.below(2) == 0;
            world.liar = world.anybody().map(|member| Liar::new(member, forges));
        }
        if faults.operators {
            (world.strict, world.patient) = (world.anybody(), world.anybody());
        }
        for member in keys.members() {
            let mut disk = MemoryStore::new(sabotage == Sabotage::SendBeforeCommit);
            if !profile.new_stores {
                disk.used_before();
            }
            world.nodes.insert(member, Node { disk, ..Node::default() });
        }
        world
    }

    /// Lets events happen with faults, then ends the faults and waits until every duty is done.
    ///
    /// # Errors
    /// The first invariant that breaks.
    pub fn run(mut self) -> Result<Outcome, Violation> {
        self.live()?;
        self.outcome()
    }

    /// The same, with something in the way of exits until a run without other faults has had its steps.
    ///
    /// # Errors
    /// The first invariant that breaks.
    pub fn run_with_exits_troubled(mut self, troubles: ExitTroubles) -> Result<Outcome, Violation> {
        self.chain.trouble_exits(troubles);
        self.run()
    }

    /// The same, with a line for each event.
    pub fn run_with_log(mut self) -> (Vec<String>, Result<Outcome, Violation>) {
        self.log = Some(Vec::new());
        let lived = self.live();
        let log = self.log.take().unwrap_or_default();
        (log, lived.and_then(|()| self.outcome()))
    }

    fn live(&mut self) -> Result<(), Violation> {
        self.revive()?;
        for _ in 0..self.profile.steps {
            if self.below(self.profile.mishap) == 0 {
                self.mishap()?;
            }
            if self.liar.as_ref().is_some_and(Liar::schemes) && self.below(10) == 0 {
                self.scheme();
            }
            self.event()?;
        }
        if !self.profile.settles {
            return Ok(());
        }
        self.calm()?;
        let faultless = self.chain.finalized().max(chain::LOW);
        // Long enough for an order that everybody lost: it is made again when it is too old for its contract, after 256 epochs.
        for event in 0..60_000u32 {
            // Whoever was deceived before may only now find that the others signed otherwise: its operator looks into it.
            if event.is_multiple_of(500) {
                self.release_all()?;
            }
            if self.chain.is_settled(faultless) {
                return Ok(());
            }
            self.event()?;
        }
        violation("every_duty_is_confirmed", format!("not settled at finalized epoch {}", self.chain.finalized()))
    }

    pub(super) fn outcome(mut self) -> Result<Outcome, Violation> {
        self.oracle.close()?;
        self.tally.double_votes = self.invariants.double_votes.len() as u64;
        let paid = self.chain.paid.values().sum();
        Ok(Outcome {
            paid,
            submitted: self.invariants.submitted,
            tally: self.tally,
            requests: self.requested.unwrap_or_default(),
            told: self.told,
        })
    }

    /// Time passes, or something that is under way arrives.
    pub(super) fn event(&mut self) -> Result<(), Violation> {
        if self.now >= self.next_epoch {
            self.chain.next_epoch();
            self.next_epoch = self.next_epoch.after(self.profile.epoch);
            let finalized = self.chain.finalized();
            self.note(|| format!("epoch: finalized {finalized}"));
        }
        if self.faults.replays && self.below(20) == 0 {
            self.replay();
        }
        // On a quiet day things arrive in order, and before any time has passed.
        if self.bag.is_empty() || (self.faults.network && self.below(4) == 0) {
            return self.pass_time();
        }
        let at = if self.faults.network { self.below(self.bag.len()) } else { 0 };
        let item = self.bag.remove(at);
        if self.faults.network && matches!(item, Item::Message { .. }) {
            match self.below(20) {
                0 => {
                    self.note(|| "dropped".into());
                    return Ok(());
                }
                1 => self.bag.push(item.clone()),
                _ => {}
            }
        }
        self.arrive(item)
    }

    fn pass_time(&mut self) -> Result<(), Violation> {
        let next = self.processes.values().map(Process::wake).min();
        let soon = self.now.after(Duration::from_millis(1 + self.below(400) as u64));
        // With nothing under way, jump to what happens next.
        let to = if self.bag.is_empty() { next.map_or(soon, |next| next.min(self.next_epoch).max(soon)) } else { soon };
        self.now = to;
        let due: Vec<ProcessId> = self.processes.iter().filter(|(_, p)| p.wake() <= to).map(|(id, _)| *id).collect();
        due.into_iter().try_for_each(|id| self.step(id, Input::Woke))
    }

    pub(super) fn setup(&self, me: MemberId) -> Setup {
        let quorum = ProviderQuorum::majority(usize::from(PROVIDERS));
        Setup {
            network: chain::network(),
            contracts: self.chain.contracts(),
            limits: self.limits(me),
            exit_requests: ExitRequestPolicy { after: Some(1), ..ExitRequestPolicy::default() },
            quorum: ProviderQuorum { beacon: quorum, execution: quorum },
            timing: Timing {
                poll: Duration::from_secs(1),
                coordinator_stagger: Duration::from_millis(400),
                share_timeout: Duration::from_millis(800),
                reannounce: Duration::from_secs(3),
                submit_stagger: Duration::from_secs(3),
                query_timeout: Duration::from_secs(5),
            },
            ..testing::setup(self.keys.committee().clone(), me)
        }
    }

    pub(super) fn note(&mut self, line: impl FnOnce() -> String) {
        let now = self.now;
        if let Some(log) = &mut self.log {
            log.push(format!("{} {}", now.0, line()));
        }
    }

    /// One of the members.
    pub(super) fn anybody(&mut self) -> Option<MemberId> {
        let at = self.below(self.keys.members().count());
        self.keys.members().nth(at)
    }

    /// A number below `n`, or 0.
    pub(super) fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.rng.next_u64()).unwrap_or(0).checked_rem(n).unwrap_or(0)
    }
}

/// The chain of the run that `seed` names. In every third one, guardians' own accounts sign the counts.
fn chain_of(seed: u64, keys: &Keys, profile: Profile) -> Chain {
    let chain = Chain::new(keys.committee().group_key(), keys.validators(), profile.first_epoch);
    if seed % 3 == 2 { chain.with_accounts(keys.committee().size(), keys.committee().threshold()) } else { chain }
}
