//! A committee whose members hold shares of validators' keys, and one guardian's exits with somebody who runs its jobs.

pub(super) use crate::testing::member;

use crate::{
    agree::order::{Turn, rank},
    duty::{
        Duty, DutyBody, Evidence,
        kinds::{Ejection, EjectionOrder, EjectionReason},
    },
    effects::{Effects, Released},
    event::{Event, ExitEvent},
    exits::{Exits, Ledger},
    ports::{Call, SignedExit},
    record::Record,
    setup::Setup,
    sign::Signed,
    testing::{Dealt, Log, any_chain_view, evidence_with, released, setup, validator},
    types::{
        BlockRef, BlsPubkey, Epoch, KeyEpoch, MemberId, ProtocolEvent, Registry, Slot, Timestamp, ValidatorIndex,
        ValidatorRecord,
    },
    wire::PartialExits,
    work::{Computed, Job, Outcome, ValidatorKey},
};
use guardian_crypto::bls::{self, ExitShare, PartialSignature, ShareCommitments};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroUsize,
    time::Duration,
};

pub(super) const NOW: Timestamp = Timestamp(1_000_000);
pub(super) const GUARDIANS: u16 = 4;
pub(super) const THRESHOLD: u16 = 3;

/// A committee, three of four, and validators' keys shared among it.
pub(super) struct Table {
    pub(super) dealt: Dealt,
    pub(super) keys: Vec<bls::SecretKey>,
    pub(super) splits: Vec<(Vec<ExitShare>, ShareCommitments)>,
    pub(super) rng: ChaCha20Rng,
}

impl Table {
    pub(super) fn new(validators: u64) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(6);
        let dealt = Dealt::new(GUARDIANS, THRESHOLD, 5);
        let keys: Vec<_> = (0..validators).map(|index| bls::SecretKey::interop(index).unwrap()).collect();
        let split = |key| bls::dealer::split(key, GUARDIANS, THRESHOLD, &mut rng).unwrap();
        let splits = keys.iter().map(split).collect();
        Self { dealt, keys, splits, rng }
    }

    pub(super) fn setup(&self, me: u16) -> Setup {
        setup(self.dealt.committee.clone(), member(me))
    }

    /// What the committee signs if these validators must leave.
    pub(super) fn order(&mut self, period: u64, validators: &[u64]) -> Signed {
        let ejection = |index: &u64| Ejection {
            index: ValidatorIndex(*index),
            pubkey: self.pubkey(*index),
            reason: EjectionReason::LowBalance,
        };
        let order = EjectionOrder::new(validators.iter().map(ejection).collect()).unwrap();
        self.signed(period, order)
    }

    pub(super) fn signed(&mut self, period: u64, order: EjectionOrder) -> Signed {
        let duty = Duty {
            key_epoch: KeyEpoch(1),
            period: Epoch(period),
            reference_slot: Slot(period * 8),
            reference_root: [5; 32].into(),
            body: DutyBody::Ejection(order),
        };
        let setup = self.setup(1);
        let digest = setup.domain().digest(&duty).unwrap();
        let signature = self.dealt.sign(digest, &mut self.rng);
        Signed::verify(duty, signature, &setup).unwrap()
    }

    pub(super) fn pubkey(&self, index: u64) -> BlsPubkey {
        self.splits[index as usize].1.public_key().to_bytes().into()
    }

    pub(super) fn context(&self, me: u16) -> SigningContext {
        self.context_with(me, Ledger::default())
    }

    /// One that holds no shares.
    pub(super) fn context_without_shares(&self, me: u16) -> SigningContext {
        SigningContext { exits: Exits::new(BTreeMap::new(), Ledger::default()), ..self.context(me) }
    }

    /// One that has requested exits before.
    pub(super) fn context_with(&self, me: u16, ledger: Ledger) -> SigningContext {
        let keys = self.splits.iter().map(|(shares, commitments)| {
            let share = &shares[usize::from(me) - 1];
            let share = ExitShare::import(member(me), share.to_secret_bytes().expose(), commitments).unwrap();
            (commitments.public_key().to_bytes().into(), ValidatorKey { share, commitments: commitments.clone() })
        });
        let exits = Exits::new(keys.collect(), ledger);
        SigningContext {
            exits,
            setup: self.setup(me),
            now: NOW,
            held: false,
            chance: self.rng.clone(),
            running: None,
            seen: Seen::default(),
        }
    }

    /// What the honest member `who` says when it knows of `order`.
    pub(super) fn parts(&self, who: u16, order: &Signed) -> PartialExits {
        let mut context = self.context(who);
        context.start(order);
        context.compute().told.pop().unwrap()
    }

    /// The same, all wrong.
    pub(super) fn lies(&self, who: u16, order: &Signed) -> PartialExits {
        let mut parts = self.parts(who, order);
        let own: Vec<PartialSignature> =
            self.parts(who % GUARDIANS + 1, order).exits.into_iter().map(|it| it.1).collect();
        parts.exits.iter_mut().zip(own).for_each(|((_, part), other)| *part = other);
        parts
    }

    /// The members in the order in which they publish the exits of `order`.
    pub(super) fn turns(&self, order: &Signed) -> [u16; GUARDIANS as usize] {
        let place =
            |who: &u16| rank(Turn::PublishExit, order.id(), order.digest(), &self.dealt.committee, member(*who));
        let mut all: Vec<u16> = (1..=GUARDIANS).collect();
        all.sort_by_key(place);
        all.try_into().unwrap()
    }

    pub(super) fn is_genuine(&self, exit: &SignedExit) -> bool {
        let root = crate::exits::root::exit_root(exit.epoch, exit.index, &self.setup(1).network).unwrap();
        self.keys[exit.index.0 as usize].sign(root.as_bytes()).to_bytes() == exit.signature
    }
}

/// What came out of some steps.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) events: Vec<Event>,
    pub(super) calls: Vec<SignedExit>,
    pub(super) told: Vec<PartialExits>,
    pub(super) jobs: usize,
}

impl Seen {
    pub(super) fn combined(&self) -> BTreeSet<u64> {
        let index =
            |event: &Event| if let Event::Exit(ExitEvent::Combined { index }) = event { Some(index.0) } else { None };
        self.events.iter().filter_map(index).collect()
    }

    pub(super) fn refused(&self) -> Vec<MemberId> {
        let member =
            |event: &Event| if let Event::MessageRefused { member, .. } = event { Some(*member) } else { None };
        self.events.iter().filter_map(member).collect()
    }
}

/// One guardian's exits, and whoever runs its jobs.
pub(super) struct SigningContext {
    pub(super) exits: Exits,
    pub(super) setup: Setup,
    pub(super) now: Timestamp,
    /// Whether the operator holds ejections.
    pub(super) held: bool,
    pub(super) chance: ChaCha20Rng,
    pub(super) running: Option<Job>,
    pub(super) seen: Seen,
}

impl SigningContext {
    pub(super) fn step(&mut self, act: impl FnOnce(&mut Exits, Timestamp, &Setup, &mut Effects)) -> Released {
        let mut fx = Effects::default();
        act(&mut self.exits, self.now, &self.setup, &mut fx);
        let held = self.held;
        self.exits.poll(self.now, |_| held, &self.setup, &mut fx);
        let released = released(fx);
        assert!(released.jobs.len() <= 1);
        released
    }

    /// A step, and what it records. Its job is not run, and its events are kept.
    pub(super) fn recorded(
        &mut self,
        act: impl FnOnce(&mut Exits, Timestamp, &Setup, &mut Effects),
    ) -> (Released, Vec<Record>) {
        let mut fx = Effects::default();
        act(&mut self.exits, self.now, &self.setup, &mut fx);
        let held = self.held;
        self.exits.poll(self.now, |_| held, &self.setup, &mut fx);
        let mut log = Log::default();
        let mut released = fx.commit(&mut log).unwrap();
        self.seen.events.append(&mut released.events);
        (released, log.0)
    }

    /// A step whose job is not run before [`SigningContext::compute`].
    pub(super) fn act(&mut self, act: impl FnOnce(&mut Exits, Timestamp, &Setup, &mut Effects)) {
        let mut released = self.step(act);
        self.seen.events.append(&mut released.events);
        self.seen.calls.extend(released.calls.drain(..).filter_map(published));
        if let Some(job) = released.jobs.pop() {
            assert!(self.running.replace(job).is_none(), "one job at a time");
        }
    }

    /// The order is signed, and then final in the registry, and everything speaks for it.
    pub(super) fn start(&mut self, order: &Signed) {
        self.open(order);
        self.see(&accepted(&[order]));
    }

    /// The same in one step; the job is not run.
    pub(super) fn started(&mut self, order: &Signed) -> Released {
        let evidence = accepted(&[order]);
        self.step(|exits, now, setup, fx| {
            exits.start(now, order, setup, fx);
            exits.see(now, &evidence, setup, fx);
        })
    }

    /// The order is signed.
    pub(super) fn open(&mut self, order: &Signed) {
        self.act(|exits, now, setup, fx| exits.start(now, order, setup, fx));
    }

    /// This is read.
    pub(super) fn see(&mut self, evidence: &Evidence) {
        self.act(|exits, now, setup, fx| exits.see(now, evidence, setup, fx));
    }

    pub(super) fn hear(&mut self, from: u16, parts: &PartialExits) {
        self.act(|exits, _, _, fx| exits.take(member(from), parts.clone(), fx));
    }

    /// Runs jobs until there are none. What was seen since the last time.
    pub(super) fn compute(&mut self) -> Seen {
        while let Some(job) = self.running.take() {
            self.seen.jobs += 1;
            let computed = job.run(NonZeroUsize::MIN, &mut self.chance);
            let mut told = None;
            self.act(|exits, now, _, fx| told = bring(exits, now, computed, fx));
            self.seen.told.extend(told);
        }
        std::mem::take(&mut self.seen)
    }

    /// What is published from now on, for `time`.
    pub(super) fn publish_for(&mut self, time: Duration) -> Vec<(Timestamp, SignedExit)> {
        let (end, mut all) = (self.now.after(time), Vec::new());
        while self.now < end {
            let released = self.step(|_, _, _, _| {});
            all.extend(released.calls.into_iter().filter_map(published).map(|exit| (self.now, exit)));
            self.now = released.wake.unwrap_or(end).max(self.now.after(Duration::from_millis(1)));
        }
        all
    }
}

/// What is read of the validators of `orders` after the registry has accepted these, in the epoch after the last one: they are low.
pub(super) fn accepted(orders: &[&Signed]) -> Evidence {
    let (mut registry, mut validators) = (Registry::default(), BTreeMap::new());
    let last = orders.iter().map(|order| order.duty().period.0).max().unwrap_or_default();
    for order in orders {
        let DutyBody::Ejection(body) = &order.duty().body else { continue };
        for Ejection { index, pubkey, .. } in body.ejections() {
            let low = ValidatorRecord { pubkey: *pubkey, ..validator(index.0, 31_000_000_000) };
            validators.insert(*index, low);
            let ordered = ProtocolEvent::Ordered { pubkey: *pubkey, reference_slot: order.duty().reference_slot };
            let block = BlockRef { number: 1, hash: [3; 32].into(), timestamp: 1 };
            registry.advance(block, &[ProtocolEvent::Provisioned(*pubkey), ordered]);
        }
    }
    let chain = any_chain_view(last + 1);
    evidence_with(chain, last + 1, validators.into_values().collect(), &registry)
}

fn published(call: Call) -> Option<SignedExit> {
    if let Call::PublishExit(exit) = call { Some(exit) } else { None }
}

/// What `computed` brings: our parts, if it is those.
pub(super) fn bring(exits: &mut Exits, now: Timestamp, computed: Computed, fx: &mut Effects) -> Option<PartialExits> {
    let Outcome::Exits(outcome) = computed.outcome;
    exits.computed(now, computed.id, outcome, fx)
}

pub(super) fn run(job: Job, table: &Table) -> Computed {
    job.run(NonZeroUsize::MIN, &mut table.rng.clone())
}
