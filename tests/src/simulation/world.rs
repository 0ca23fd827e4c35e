//! The world: brains, chain, providers, and a bag of what is under way.

use super::{
    chain::{self, Chain},
    invariants::{Invariants, Violation, violation},
    keys::Keys,
    store::MemoryStore,
};
use guardian_crypto::bls::PartialSignature;
use guardian_protocol::{
    Guardian,
    effects::{Effects, Recipient},
    input::Input,
    ports::{Answers, Call, CallOutcome, Query, QueryId, SignedExit},
    record::Record,
    setup::{ProviderQuorum, Setup, Timing},
    sign::Signed,
    types::{DutyId, MemberId, ProviderId, Timestamp},
    wire::{Envelope, Message},
};
use rand_chacha::{
    ChaCha20Rng,
    rand_core::{RngCore, SeedableRng},
};
use std::{collections::BTreeMap, time::Duration};

/// Providers of each layer that a guardian asks.
const PROVIDERS: u8 = 3;
/// Length of an epoch of the simulation.
const EPOCH: Duration = Duration::from_secs(10);

/// What may go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Faults {
    /// Messages are dropped, doubled and reordered.
    pub network: bool,
    /// Guardians crash and come back, and are cut off.
    pub crashes: bool,
    /// One provider of each guardian lies now and then; two that lie alike, of one guardian only.
    pub lies: bool,
    /// One member gives wrong shares.
    pub liar: bool,
}

impl Faults {
    /// A quiet day.
    pub const NONE: Self = Self { network: false, crashes: false, lies: false, liar: false };
    /// Everything at once.
    pub const ALL: Self = Self { network: true, crashes: true, lies: true, liar: true };
}

/// A protection that is taken away on purpose, to see that an invariant notices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sabotage {
    /// Nothing.
    None,
    /// The store says "durable" without writing: effects leave before their records.
    SendBeforeCommit,
    /// The guard forgets what it let through whenever its guardian restarts.
    GuardForgets,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// One line for each event.
    pub log: Vec<String>,
    /// Transactions that were paid.
    pub paid: usize,
    /// Submissions by duty.
    pub submitted: BTreeMap<DutyId, usize>,
}

/// Something under way.
#[derive(Clone, Debug)]
enum Item {
    Message { from: MemberId, to: MemberId, bytes: Vec<u8> },
    Answers { to: MemberId, life: u32, id: QueryId, query: Query },
    Outcome { to: MemberId, life: u32, id: DutyId, outcome: CallOutcome },
    Submit { from: MemberId, life: u32, signed: Box<Signed> },
    Exit(SignedExit),
}

#[derive(Debug)]
struct Node {
    guardian: Option<Guardian>,
    store: MemoryStore,
    wake: Timestamp,
    /// Counts starts: what was asked in an earlier life is not answered in the next.
    life: u32,
    cut_off: bool,
    /// How many of its beacon providers lie, all alike.
    lying: u8,
}

/// One simulated committee. See the module.
#[derive(Debug)]
pub struct World<'a> {
    keys: &'a Keys,
    faults: Faults,
    sabotage: Sabotage,
    rng: ChaCha20Rng,
    now: Timestamp,
    next_epoch: Timestamp,
    chain: Chain,
    nodes: BTreeMap<MemberId, Node>,
    bag: Vec<Item>,
    invariants: Invariants,
    liar: Option<MemberId>,
    threshold: usize,
    log: Vec<String>,
}

impl<'a> World<'a> {
    /// A committee with `keys`, at the beginning of the run that `seed` names.
    #[must_use]
    pub fn new(seed: u64, keys: &'a Keys, faults: Faults, sabotage: Sabotage) -> Self {
        let committee = keys.committee();
        let mut world = Self {
            keys,
            faults,
            sabotage,
            rng: ChaCha20Rng::seed_from_u64(seed),
            now: Timestamp(1_000_000),
            next_epoch: Timestamp(1_000_000).after(EPOCH),
            chain: Chain::new(committee.group_key(), keys.validators()),
            nodes: BTreeMap::new(),
            bag: Vec::new(),
            invariants: Invariants::default(),
            liar: None,
            threshold: committee.threshold(),
            log: Vec::new(),
        };
        let members: Vec<MemberId> = keys.members().collect();
        if faults.liar {
            world.liar = members.get(world.below(members.len())).copied();
        }
        for member in members {
            let store = MemoryStore::new(sabotage == Sabotage::SendBeforeCommit);
            let node = Node { guardian: None, store, wake: world.now, life: 0, cut_off: false, lying: 0 };
            world.nodes.insert(member, node);
        }
        world
    }

    /// Lets `steps` events happen with faults, then ends the faults and waits until every duty is done.
    ///
    /// # Errors
    /// The first invariant that breaks.
    pub fn run(mut self, steps: usize) -> Result<Outcome, Violation> {
        self.revive()?;
        for _ in 0..steps {
            self.mishap()?;
            self.event()?;
        }
        self.faults = Faults { liar: self.faults.liar, ..Faults::NONE };
        self.sabotage = if self.sabotage == Sabotage::GuardForgets { Sabotage::None } else { self.sabotage };
        for node in self.nodes.values_mut() {
            node.lying = 0;
        }
        self.revive()?;
        let members: Vec<MemberId> = self.nodes.keys().copied().collect();
        for member in members {
            self.reconnect(member)?;
        }
        for _ in 0..30_000 {
            if self.chain.is_settled() {
                let paid = self.chain.paid.values().sum();
                return Ok(Outcome { log: self.log, paid, submitted: self.invariants.submitted });
            }
            self.event()?;
        }
        violation("every_duty_is_confirmed", format!("not settled at finalized epoch {}", self.chain.finalized()))
    }

    /// Time passes, or something that is under way arrives.
    fn event(&mut self) -> Result<(), Violation> {
        if self.now >= self.next_epoch {
            self.chain.next_epoch();
            self.next_epoch = self.next_epoch.after(EPOCH);
            self.note(format!("epoch: finalized {}", self.chain.finalized()));
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
                    self.note("dropped".into());
                    return Ok(());
                }
                1 => self.bag.push(item.clone()),
                _ => {}
            }
        }
        self.arrive(item)
    }

    fn pass_time(&mut self) -> Result<(), Violation> {
        let next = self.nodes.values().filter(|node| node.guardian.is_some()).map(|node| node.wake).min();
        let soon = self.now.after(Duration::from_millis(1 + self.below(400) as u64));
        // With nothing under way, jump to what happens next.
        let to = if self.bag.is_empty() { next.map_or(soon, |next| next.min(self.next_epoch).max(soon)) } else { soon };
        self.now = to;
        let due: Vec<MemberId> =
            self.nodes.iter().filter(|(_, n)| n.guardian.is_some() && n.wake <= to).map(|(m, _)| *m).collect();
        for member in due {
            self.step(member, Input::Woke)?;
        }
        Ok(())
    }

    /// Perhaps something goes wrong.
    fn mishap(&mut self) -> Result<(), Violation> {
        let members: Vec<MemberId> = self.nodes.keys().copied().collect();
        let Some(member) = members.get(self.below(members.len())).copied() else { return Ok(()) };
        if self.faults.crashes {
            match self.below(400) {
                0 => self.crash(member),
                1 | 2 => self.revive()?,
                3 => self.cut_off(member)?,
                4 | 5 => self.reconnect(member)?,
                _ => {}
            }
        }
        if self.faults.lies && self.below(100) == 0 {
            // A majority that lies alike can't be noticed by its guardian: then only the others save the day, so there is one such.
            let worst = u8::from(members.first() == Some(&member)) + 1;
            let lying = u8::try_from(self.below(usize::from(worst) + 1)).unwrap_or(0);
            if let Some(node) = self.nodes.get_mut(&member) {
                node.lying = lying;
            }
            self.note(format!("{lying} providers of {member} lie"));
        }
        Ok(())
    }

    fn crash(&mut self, member: MemberId) {
        let Some(node) = self.nodes.get_mut(&member) else { return };
        if node.guardian.take().is_some() {
            if self.sabotage == Sabotage::GuardForgets {
                node.store.lose(|record| matches!(record, Record::Decided { .. }));
            }
            self.note(format!("{member} crashes"));
        }
    }

    /// Starts every guardian that does not run, from its records.
    fn revive(&mut self) -> Result<(), Violation> {
        let down: Vec<MemberId> =
            self.nodes.iter().filter(|(_, node)| node.guardian.is_none()).map(|(member, _)| *member).collect();
        for member in down {
            let (now, setup, secrets) = (self.now, self.setup(member), self.keys.secrets(member));
            let Some(node) = self.nodes.get_mut(&member) else { continue };
            node.life += 1;
            node.wake = now;
            match Guardian::restore(now, setup, secrets, node.store.records().to_vec(), &mut self.rng) {
                Ok(guardian) => node.guardian = Some(guardian),
                Err(error) => return violation("records_can_always_be_restored", error.to_string()),
            }
            self.note(format!("{member} starts"));
            self.reconnect(member)?;
        }
        Ok(())
    }

    fn cut_off(&mut self, member: MemberId) -> Result<(), Violation> {
        if let Some(node) = self.nodes.get_mut(&member) {
            node.cut_off = true;
        }
        self.note(format!("{member} is cut off"));
        self.connections(member, Input::PeerDown)
    }

    fn reconnect(&mut self, member: MemberId) -> Result<(), Violation> {
        if let Some(node) = self.nodes.get_mut(&member) {
            node.cut_off = false;
        }
        self.connections(member, Input::PeerUp)
    }

    fn connections(&mut self, member: MemberId, input: fn(MemberId) -> Input) -> Result<(), Violation> {
        let others: Vec<MemberId> = self
            .nodes
            .iter()
            .filter(|(other, node)| **other != member && node.guardian.is_some() && !node.cut_off)
            .map(|(other, _)| *other)
            .collect();
        for other in others {
            self.step(other, input(member))?;
            self.step(member, input(other))?;
        }
        Ok(())
    }

    fn arrive(&mut self, item: Item) -> Result<(), Violation> {
        match item {
            Item::Message { from, to, bytes } => {
                let cut = |member| self.nodes.get(&member).is_none_or(|node| node.cut_off);
                if cut(from) || cut(to) { Ok(()) } else { self.step(to, Input::Heard { from, bytes }) }
            }
            Item::Answers { to, life, id, query } => {
                if self.life(to) != life {
                    return Ok(());
                }
                let lying = self.nodes.get(&to).map_or(0, |node| node.lying);
                let answers = (0..PROVIDERS)
                    .map(|provider| {
                        let lie = if provider < lying { 1_000 } else { 0 };
                        (ProviderId(provider), self.chain.answer(&query, lie))
                    })
                    .collect();
                self.step(to, Input::Read(Answers { id, answers }))
            }
            Item::Submit { from, life, signed } => {
                let outcome = self.chain.submit(&signed);
                self.note(format!("{} submitted by {from}: {outcome:?}", signed.id()));
                self.bag.push(Item::Outcome { to: from, life, id: signed.id(), outcome });
                Ok(())
            }
            Item::Outcome { to, life, id, outcome } => {
                if self.life(to) == life {
                    self.step(to, Input::Called { id, outcome })
                } else {
                    Ok(())
                }
            }
            Item::Exit(exit) => {
                self.chain.publish(&exit);
                self.note(format!("exit of {} published", exit.index));
                Ok(())
            }
        }
    }

    /// One step of one brain, one commit, and into the bag with what comes out.
    fn step(&mut self, member: MemberId, input: Input) -> Result<(), Violation> {
        let now = self.now;
        let Some(node) = self.nodes.get_mut(&member) else { return Ok(()) };
        let Some(guardian) = node.guardian.as_mut() else { return Ok(()) };
        let mut fx = Effects::default();
        guardian.step(now, input, &mut self.rng, &mut fx);
        let Ok(released) = fx.commit(&mut node.store) else {
            return violation("no_two_digests_for_one_duty", format!("the store of {member} refused a second digest"));
        };
        node.wake = released.wake.unwrap_or(now).max(now.after(Duration::from_millis(1)));
        let life = node.life;
        self.invariants.check(member, &released, &node.store, &self.chain, (self.threshold, self.liar))?;
        for event in &released.events {
            self.log.push(format!("{} {member}: {event:?}", now.0));
        }
        for (id, query) in released.queries {
            self.bag.push(Item::Answers { to: member, life, id, query });
        }
        for call in released.calls {
            self.bag.push(match call {
                Call::Submit(signed) => Item::Submit { from: member, life, signed: Box::new(signed) },
                Call::PublishExit(exit) => Item::Exit(exit),
            });
        }
        for outgoing in released.messages {
            let bytes = self.tamper(member, outgoing.envelope).encode();
            let everybody: Vec<MemberId> = self.nodes.keys().copied().filter(|other| *other != member).collect();
            for to in everybody.into_iter().filter(|to| match outgoing.to {
                Recipient::All => true,
                Recipient::One(one) => one == *to,
            }) {
                self.bag.push(Item::Message { from: member, to, bytes: bytes.clone() });
            }
        }
        Ok(())
    }

    /// The member that lies gives wrong shares and wrong parts of exits now and then, properly signed.
    fn tamper(&mut self, member: MemberId, envelope: Envelope) -> Envelope {
        let wrong = self.liar == Some(member) && self.below(2) == 0;
        match envelope.message() {
            Message::Share(share) if wrong => {
                let mut forged = *share;
                // Somebody's nonces, nobody's share: a valid scalar that is wrong.
                let mut bytes = [0; 32];
                self.rng.fill_bytes(bytes.get_mut(16..).unwrap_or_default());
                if let Ok(share) = guardian_crypto::frost::signing::SignatureShare::from_bytes(&bytes) {
                    forged.share = share;
                }
                let (committee, key) = (self.keys.committee(), self.keys.identity(member));
                Envelope::seal(member, Message::Share(forged), &committee, &key)
            }
            Message::PartialExits(parts) if wrong => {
                let mut forged = parts.clone();
                if let Ok(garbage) = PartialSignature::from_bytes(&[1; 96]) {
                    forged.exits.iter_mut().for_each(|(_, partial)| *partial = garbage);
                }
                let (committee, key) = (self.keys.committee(), self.keys.identity(member));
                Envelope::seal(member, Message::PartialExits(forged), &committee, &key)
            }
            _ => envelope,
        }
    }

    fn setup(&self, me: MemberId) -> Setup {
        let quorum = ProviderQuorum::majority(usize::from(PROVIDERS));
        Setup {
            me,
            committee: self.keys.committee(),
            network: chain::network(),
            contracts: chain::contracts(),
            quorum: ProviderQuorum { beacon: quorum, execution: quorum },
            timing: Timing {
                poll: Duration::from_secs(1),
                coordinator_stagger: Duration::from_millis(400),
                share_timeout: Duration::from_millis(800),
                reannounce: Duration::from_secs(3),
                submit_stagger: Duration::from_secs(3),
                query_timeout: Duration::from_secs(5),
            },
            start_block: 0,
        }
    }

    fn life(&self, member: MemberId) -> u32 {
        self.nodes.get(&member).map_or(0, |node| node.life)
    }

    fn note(&mut self, line: String) {
        self.log.push(format!("{} {line}", self.now.0));
    }

    /// A number below `n`, or 0.
    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.rng.next_u64()).unwrap_or(0).checked_rem(n).unwrap_or(0)
    }
}
