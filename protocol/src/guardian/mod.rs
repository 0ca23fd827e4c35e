//! The guardian: all steps in one machine with one transition function.
//!
//! [`Guardian::step`] takes an input and writes effects; after each input everything that is due is done ([`Guardian::advance`]), from
//! levels and not from edges, so that waking too often does no harm and a missed wake is made up by the next.

mod audit;
mod commands;
mod exits;
mod floor;
mod learn;
mod misconduct;
mod on_message;
mod past;
mod programs;
mod start;
mod view;

use self::{learn::Waiting, past::Past, start::Start};
use crate::{
    agree::Tally,
    audit::Comparisons,
    decide::{self, decide},
    duty::{Duty, DutyId, DutyKind, Evidence, PerKind, Rules},
    effects::{Effects, Recipient},
    event::{Event, VersionEvent},
    exits::{Coverage, Exits},
    hold::{self, Holds},
    input::Input,
    observe::{History, Observer, QueryIds, needs_of_exits},
    open::{OpenDuty, SigningContext},
    peers::{Doppelgangers, Memory, Peers, Programs},
    record::Record,
    setup::{Mode, Setup},
    sign::{Culprits, Fault, Roster, Signed, SignedError, guard::Guard, signer::Keys},
    submit::Submissions,
    types::{BlsPubkey, ChainIdentity, Committee, Epoch, GuardianList, MemberId, Timestamp},
    wire::{Envelope, Message},
    work::ValidatorKey,
};
use alloy_primitives::B256;
use guardian_crypto::{frost::KeyShare, identity::IdentityKey};
use rand_core::{CryptoRng, RngCore};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// What a guardian must never show.
#[derive(Debug)]
pub struct Secrets {
    /// Signs its messages.
    pub identity: IdentityKey,
    /// Its share of the group key; whoever observes needs none.
    pub share: Option<KeyShare>,
    /// Its shares of the validators' keys.
    pub validators: BTreeMap<BlsPubkey, ValidatorKey>,
}

/// Why a guardian can't be restored.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The key share is another member's, or of another key.
    #[error("the key share is of member {found} of another key or place than this guardian's ({expected})")]
    ForeignShare {
        /// Who this guardian is.
        expected: MemberId,
        /// Whose share it is.
        found: MemberId,
    },
    /// A share of a validator's key is another member's.
    #[error("a share of a validator's key is of member {found}, not of this guardian ({expected})")]
    ForeignExitShare {
        /// Who this guardian is.
        expected: MemberId,
        /// Whose share it is.
        found: MemberId,
    },
    /// Whoever takes part needs a share of the key.
    #[error("member {0} has no share of the group key, and only a guardian that observes needs none")]
    NoShare(MemberId),
    /// The identity key is not the one that the committee knows.
    #[error("the identity key is not the one that the committee lists for member {0}")]
    ForeignIdentity(MemberId),
    /// The store is of another chain.
    #[error("the store is of another chain: {stored}; the providers serve {ours}")]
    OtherChain {
        /// The store's.
        stored: ChainIdentity,
        /// The providers'.
        ours: ChainIdentity,
    },
    /// The store holds two digests for one duty, or a signature that does not hold.
    #[error("the store contradicts itself: {0}")]
    Corrupt(String),
}

impl Secrets {
    /// What this guardian may use of them.
    fn of(mut self, setup: &Setup) -> Result<Self, RestoreError> {
        let me = setup.me;
        // A share from before a resharing is of the same key and member, and would get this guardian convicted.
        let is_ours =
            |share: &KeyShare| share.member() == me && share.belongs_to(setup.committee.public_shares()).is_ok();
        if let Some(found) = self.share.as_ref().filter(|share| !is_ours(share)) {
            return Err(RestoreError::ForeignShare { expected: me, found: found.member() });
        }
        // Whoever observes does not even hold what it must not use.
        self.share = self.share.filter(|_| setup.mode == Mode::Act);
        if self.share.is_none() && setup.mode == Mode::Act {
            return Err(RestoreError::NoShare(me));
        }
        if setup.committee.get(me).is_none_or(|member| member.identity != self.identity.public()) {
            return Err(RestoreError::ForeignIdentity(me));
        }
        if let Some(found) = self.validators.values().map(|key| key.share.member()).find(|member| *member != me) {
            return Err(RestoreError::ForeignExitShare { expected: me, found });
        }
        Ok(self)
    }
}

/// One guardian. See the module.
#[derive(Debug)]
pub struct Guardian {
    setup: Setup,
    identity: IdentityKey,
    /// `None`: it observes.
    share: Option<KeyShare>,
    start: Start,
    guard: Guard,
    observer: Observer,
    tally: Tally,
    holds: Holds,
    open: BTreeMap<DutyId, OpenDuty>,
    /// Duties of the last reference that need the operator's word and have not got it, by digest.
    offered: BTreeMap<B256, Duty>,
    submissions: Submissions,
    /// Signed duties of periods that are not known here yet.
    waiting: Waiting,
    exits: Exits,
    /// Which shares of validators' keys the others hold.
    coverage: Coverage,
    peers: Peers,
    doppelgangers: Doppelgangers,
    memory: Memory,
    programs: Programs,
    culprits: Culprits,
    comparisons: Comparisons,
    /// Other digests of open duties that were told of.
    told: BTreeMap<(DutyId, MemberId), BTreeSet<B256>>,
    /// The accounts that sign, of each kind that accounts sign, at the last reference.
    lists: PerKind<GuardianList>,
    /// When something of each kind may be due next.
    next: Vec<(DutyKind, Epoch)>,
    ids: QueryIds,
    /// The store knows its chain.
    knows_chain: bool,
    /// The finalized epoch at which a store that is new, or was set back, looked around first.
    woke_at: Option<Epoch>,
}

impl Guardian {
    /// Restores a guardian from its records, in the order in which they were appended.
    ///
    /// # Errors
    /// If secrets and committee do not belong together, or the records contradict each other.
    pub fn restore(
        now: Timestamp,
        setup: Setup,
        secrets: Secrets,
        records: impl IntoIterator<Item = Record>,
        rng: &mut (impl CryptoRng + RngCore),
    ) -> Result<Self, RestoreError> {
        let Secrets { identity, share, validators } = secrets.of(&setup)?;
        let past = Past::fold(records, &setup)?;
        let culprits = culprits(past.pardons, past.faults, &setup.committee)?;
        let start = Start::after(past.boot, past.floor.is_none(), (now, &setup, &identity), rng);
        let mut holds = Holds::restore(past.words, &setup);
        let (mut submissions, mut exits) = (Submissions::default(), Exits::new(validators, past.requests));
        for (duty, attestation) in past.signed {
            let confirmed = past.confirmed.contains(&duty.id());
            match Signed::of_record(duty, attestation, &setup) {
                Ok(signed) => {
                    exits.remember(&signed);
                    // What was told when it happened is not told again.
                    holds.file(now, signed.duty(), signed.digest(), true, &mut Effects::default());
                    if confirmed {
                        holds.confirm(signed.digest());
                    }
                    submissions.add(now, signed, confirmed, &setup);
                }
                // A duty of a key that was rotated away, or of a kind that is off or signed otherwise now, is history, not corruption.
                Err(SignedError::WrongKeyEpoch(_) | SignedError::NoContract(_) | SignedError::OtherWay(_)) => {}
                Err(error) => return Err(RestoreError::Corrupt(error.to_string())),
            }
        }
        Ok(Self {
            guard: Guard::restore(past.decided, past.floor),
            observer: Observer::restore(History::restore(setup.start_block, past.pages), past.states_served),
            tally: Tally::default(),
            holds,
            open: BTreeMap::new(),
            offered: BTreeMap::new(),
            submissions,
            waiting: Waiting::default(),
            exits,
            coverage: Coverage::default(),
            peers: Peers::default(),
            doppelgangers: Doppelgangers::new(start.signed.boot, setup.committee.tolerated().saturating_add(1)),
            memory: Memory::default(),
            programs: Programs::default(),
            culprits,
            comparisons: Comparisons::default(),
            told: BTreeMap::new(),
            lists: PerKind::default(),
            next: Vec::new(),
            ids: QueryIds::default(),
            knows_chain: past.knows_chain,
            start,
            woke_at: None,
            setup,
            identity,
            share,
        })
    }

    /// The only way in. Time and chance are arguments; everything that shall happen is written to `fx`.
    pub fn step(&mut self, now: Timestamp, input: Input, rng: &mut (impl CryptoRng + RngCore), fx: &mut Effects) {
        self.begin(fx);
        match input {
            Input::Woke => {}
            Input::Nudged => self.observer.nudge(),
            Input::PeerUp(member) => {
                self.peers.up(member);
                self.greet(member, fx);
                if let Some(probe) = self.doppelgangers.repeat(member) {
                    fx.send(Recipient::One(member), self.seal(Message::Probe(probe)));
                }
            }
            Input::PeerDown(member) => self.peers.down(member),
            Input::Doppelgangers(member) => self.met_doppelgangers(member, fx),
            Input::Heard { from, bytes } => match Envelope::open(&bytes, from, &self.setup.committee) {
                Ok(envelope) => self.on_message(now, envelope, rng, fx),
                Err(error) if error.is_of_another_version() => {
                    fx.report(Event::Version(VersionEvent::MessageUnknown { member: from, reason: error.to_string() }));
                }
                Err(error) => fx.report(Event::MessageRefused { member: from, reason: error.to_string() }),
            },
            Input::Read(answers) => {
                self.submissions.answered(now, &answers, &self.setup, fx);
                let besides = needs_of_exits(self.exits.open().next().is_some());
                let observed = self.observer.answered(now, answers, besides, &mut self.ids, &self.setup, fx);
                if let Some(epoch) = self.observer.finality_returned_after() {
                    self.holds.finality_returned(epoch, &self.setup, fx);
                }
                if let Some(evidence) = observed {
                    self.decide(now, evidence, fx);
                }
            }
            Input::Called { id, outcome } => self.submissions.called(now, id, outcome, &self.setup, fx),
            Input::Requested { order, index, outcome } => {
                self.exits.requested(now, (order, index), outcome, &self.setup, fx);
            }
            Input::Published { index, said } => self.exits.published(index, &said),
            Input::Attested { id, outcome } => {
                if let Some(open) = self.open.get_mut(&id) {
                    open.signed_by_account(now, outcome, &self.setup, fx);
                }
            }
            Input::Computed(computed) => self.on_computed(now, computed, fx),
            Input::Operator(command) => self.obey(now, command, fx),
        }
        self.advance(now, rng, fx);
    }

    /// Does everything that is due.
    fn advance(&mut self, now: Timestamp, rng: &mut (impl CryptoRng + RngCore), fx: &mut Effects) {
        if !self.knows_chain {
            fx.record(Record::Chain { identity: self.setup.network.identity() });
            self.knows_chain = true;
        }
        self.observer.poll(now, &mut self.ids, &self.setup, fx);
        self.ask_for_greetings(now, fx);
        self.raise_floor(fx);
        self.challenge_doppelgangers(now, rng, fx);
        // Who was just caught must not be asked again.
        self.publish_faults(fx);
        self.apply_holds(now, fx);
        let mut complete = Vec::new();
        let (open, tally, context) = self.context();
        for (id, duty) in open {
            duty.announce(now, tally, &context, rng, fx);
            if let Some(attestation) = duty.coordinate(now, tally, &context, rng, fx) {
                complete.push((*id, attestation));
            }
        }
        // Before a duty goes, with the proofs that it holds.
        self.publish_faults(fx);
        for (id, attestation) in complete {
            self.complete(now, id, &attestation, fx);
        }
        let holds = &self.holds;
        let is_kept_back = |signed: &Signed| holds.keeps_from(now, signed.id().kind, signed.digest());
        self.submissions.poll(now, is_kept_back, &mut self.ids, &self.setup, fx);
        self.exits.poll(now, |order| holds.keeps_from(now, Exits::KIND, order), &self.setup, fx);
    }

    fn decide(&mut self, now: Timestamp, evidence: Evidence, fx: &mut Effects) {
        let evidence = Arc::new(evidence);
        let epoch = evidence.checkpoint.epoch;
        self.comparisons.keep(Arc::clone(&evidence));
        self.holds.see(&evidence, self.setup.network.slots_per_epoch, fx);
        self.woke_at.get_or_insert(epoch);
        self.take_waiting(now, fx);
        self.follow_exits(now, &evidence, fx);
        self.check_earlier(epoch, fx);
        self.told.clear();
        for (_, duty) in std::mem::take(&mut self.open) {
            fx.report(Event::Expired { id: duty.id() });
        }
        self.holds.abandon();
        let slots_per_epoch = self.setup.network.slots_per_epoch;
        let year = self.setup.epochs_of_a_day().saturating_mul(365);
        let listed = |rules: &Rules| Some((rules.kind(), rules.guardian_list()?.clone()));
        self.lists = evidence.chain.rules.iter().filter_map(listed).collect();
        self.next = decide::next(&evidence.chain, epoch, slots_per_epoch, year);
        let is_out = |duty: &Duty| self.submissions.is_out(duty, epoch, &evidence.chain, slots_per_epoch);
        for duty in decide(&evidence, is_out, slots_per_epoch) {
            self.take_up(now, duty, fx);
        }
        self.offered.retain(|_, duty| duty.reference_slot == evidence.slot);
        self.holds.decided();
    }

    /// Brings a decided duty past the guard and opens it.
    fn take_up(&mut self, now: Timestamp, duty: Duty, fx: &mut Effects) {
        let id = duty.id();
        let Some(digest) = self.setup.domain().digest(&duty) else { return };
        match self.holds.judge(now, id.kind, digest) {
            hold::Verdict::Refuse => return fx.report(Event::ForbiddenDuty { id, digest }),
            hold::Verdict::Unasked => {
                if self.offered.insert(digest, duty).is_none() {
                    fx.report(Event::Offered { id, digest });
                }
                return;
            }
            hold::Verdict::Pass | hold::Verdict::Hold(_) => {}
        }
        if let Err(reason) = self.guard.check_and_insert(&duty, digest, fx) {
            fx.report(Event::Refused { id, reason });
            return;
        }
        fx.report(Event::Decided { id, digest, rules: self.setup.program.rules.at(id.period) });
        self.holds.file(now, &duty, digest, false, fx);
        self.account(&duty, digest, None, fx);
        let list = self.lists.get(id.kind).cloned();
        let mut open = OpenDuty::new(now, (duty, digest), list, self.boot(), &self.setup.committee);
        let mut otherwise = Vec::new();
        for (member, announcement) in self.tally.of(id) {
            open.consider(member, announcement, &self.setup);
            if announcement.digest != digest {
                otherwise.push((member, announcement.digest));
            }
        }
        self.open.insert(id, open);
        for (member, theirs) in otherwise {
            self.differ(id, member, theirs, digest, fx);
        }
    }

    /// What is open, what was announced, and what signing needs besides.
    fn context(&mut self) -> (&mut BTreeMap<DutyId, OpenDuty>, &mut Tally, SigningContext<'_>) {
        let keys = Keys { identity: &self.identity, share: self.share.as_ref() };
        let roster = Roster { culprits: &self.culprits, doppelgangers: &self.doppelgangers, peers: &self.peers };
        let context = SigningContext { setup: &self.setup, keys, guard: &self.guard, roster };
        (&mut self.open, &mut self.tally, context)
    }

    fn seal(&self, message: Message) -> Envelope {
        Envelope::seal(self.setup.me, message, &self.setup.committee, &self.identity)
    }
}

/// Proofs in the store have been checked before: one that does not hold any more is a damaged store.
fn culprits(
    pardons: BTreeMap<MemberId, Epoch>,
    faults: Vec<Fault>,
    committee: &Committee,
) -> Result<Culprits, RestoreError> {
    Culprits::restore(pardons, faults, committee).map_err(|error| RestoreError::Corrupt(error.to_string()))
}
