//! The world: processes, their disks, and a network between them.

use super::{
    cast::{self, Cast, below},
    invariants::{Invariants, Speaker, Violation, violation},
    liar::Liar,
    network::{Letter, Network, ProcessId},
};
use guardian_crypto::{frost::KeyShare, member::MemberId};
use guardian_protocol::{
    AppendRecords, Recipient, Timestamp,
    ceremony::{Ceremony, Effects, Event, Input, Outgoing, Record, Released, wire},
};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use std::{
    collections::{BTreeMap, BTreeSet},
    convert::Infallible,
    time::Duration,
};

/// What may go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Faults {
    /// Messages are dropped, doubled, delayed and reordered; the network falls apart.
    pub network: bool,
    /// Participants crash and come back from their records.
    pub crashes: bool,
    /// Some come back without records, and some run twice.
    pub lives: bool,
    /// One participant lies.
    pub liar: bool,
}

impl Faults {
    /// A quiet day.
    pub const NONE: Self = Self { network: false, crashes: false, lives: false, liar: false };
    /// Everything at once, among honest participants.
    pub const HONEST: Self = Self { network: true, crashes: true, lives: true, liar: false };
    /// Everything at once.
    pub const ALL: Self = Self { liar: true, ..Self::HONEST };
}

/// A protection that is taken away on purpose, to see that an invariant notices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sabotage {
    /// Nothing.
    None,
    /// The disk says "durable" without writing.
    SendBeforeCommit,
    /// Chance repeats itself at every start: the nonces of the test signature come back.
    RepeatedChance,
    /// The old share is deleted as soon as everybody has confirmed, before all have signed.
    EarlyActivation,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// One line for each event.
    pub log: Vec<String>,
    /// How many have an outcome.
    pub succeeded: usize,
    /// Who was blamed.
    pub culprit: Option<MemberId>,
    /// How many participants there are.
    pub participants: usize,
}

#[derive(Debug, Default)]
pub(super) struct Disk {
    pub(super) records: Vec<Record>,
    pub(super) forgets: bool,
}

impl AppendRecords<Record> for Disk {
    type Error = Infallible;

    fn append(&mut self, records: &[Record]) -> Result<(), Infallible> {
        if !self.forgets {
            // Through the lasting encoding, as on a disk.
            self.records.extend(records.iter().filter_map(|record| Record::decode(&record.encode()).ok()));
        }
        Ok(())
    }
}

#[derive(Debug, Default)]
pub(super) struct Process {
    pub(super) ceremony: Option<Ceremony>,
    pub(super) disk: Disk,
    pub(super) keys: Keys,
    /// Its chance, since its start.
    pub(super) rng: Option<ChaCha20Rng>,
    pub(super) wake: Timestamp,
}

/// What lies beside the records.
#[derive(Debug, Default)]
pub(super) struct Keys {
    pub(super) old: Option<KeyShare>,
    pub(super) new: Option<KeyShare>,
    pub(super) activated: bool,
}

/// One ceremony. See the module.
#[derive(Debug)]
pub struct World {
    pub(super) cast: Cast,
    pub(super) faults: Faults,
    pub(super) sabotage: Sabotage,
    pub(super) rng: ChaCha20Rng,
    pub(super) now: Timestamp,
    pub(super) processes: BTreeMap<ProcessId, Process>,
    pub(super) network: Network,
    pub(super) invariants: Invariants,
    pub(super) liar: Option<Liar>,
    /// Who has lost records, or run twice.
    pub(super) confused: BTreeSet<MemberId>,
    pub(super) culprit: Option<MemberId>,
    pub(super) log: Vec<String>,
}

impl World {
    /// The ceremony that `seed` names.
    #[must_use]
    pub fn new(seed: u64, faults: Faults, sabotage: Sabotage) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let cast = Cast::pick(&mut rng);
        let liar = if faults.liar { Liar::pick(&cast.plan, &mut rng) } else { None };
        let mut world = Self {
            faults,
            sabotage,
            rng,
            now: Timestamp(1_000_000),
            processes: BTreeMap::new(),
            network: Network::default(),
            invariants: Invariants::default(),
            liar,
            confused: BTreeSet::new(),
            culprit: None,
            log: Vec::new(),
            cast,
        };
        for member in world.cast.plan.participants().into_keys() {
            let process = world.installed(member);
            world.processes.insert((member, 0), process);
        }
        world.note(format!("{} by {:?}, liar {:?}", world.cast.plan.purpose.as_str(), world.members(), world.liar));
        world
    }

    /// Lets `steps` events happen with faults, then ends the faults and waits until everything is over.
    ///
    /// # Errors
    /// The first invariant that breaks.
    pub fn run(mut self, steps: usize) -> Result<Outcome, Violation> {
        for process in self.down() {
            self.start(process)?;
        }
        for _ in 0..steps {
            self.mishap()?;
            self.event()?;
        }
        self.faults = Faults { liar: self.faults.liar, ..Faults::NONE };
        self.network.part(BTreeSet::new());
        self.processes.retain(|(_, which), _| *which == 0);
        for process in self.down() {
            self.start(process)?;
        }
        for member in self.members() {
            self.reconnect(member)?;
        }
        for _ in 0..20_000 {
            if self.is_over() {
                return self.finish();
            }
            self.event()?;
        }
        self.finish()
    }

    /// A machine with the member's keys and nothing else.
    pub(super) fn installed(&self, member: MemberId) -> Process {
        let disk = Disk { records: Vec::new(), forgets: self.sabotage == Sabotage::SendBeforeCommit };
        let old = self.cast.held.get(&member).and_then(cast::copy);
        Process { disk, keys: Keys { old, ..Keys::default() }, ..Process::default() }
    }

    pub(super) fn members(&self) -> Vec<MemberId> {
        self.processes.keys().filter(|(_, which)| *which == 0).map(|(member, _)| *member).collect()
    }

    pub(super) fn honest(&self) -> impl Iterator<Item = MemberId> + '_ {
        let liar = self.liar.as_ref().map(|liar| liar.member);
        self.members().into_iter().filter(move |member| Some(*member) != liar)
    }

    pub(super) fn ceremony(&self, member: MemberId) -> Option<&Ceremony> {
        self.processes.get(&(member, 0)).and_then(|process| process.ceremony.as_ref())
    }

    /// Everybody honest is done, or knows who broke the rules; and nothing is under way.
    fn is_over(&self) -> bool {
        let settled = |ceremony: &Ceremony| ceremony.status(self.now).done || ceremony.fault().is_some();
        self.network.next().is_none() && self.honest().all(|m| self.ceremony(m).is_some_and(settled))
    }

    /// What must hold at the end.
    fn finish(self) -> Result<Outcome, Violation> {
        let liar = self.liar.as_ref().map(|liar| liar.member);
        let honest: Vec<&Ceremony> = self.honest().filter_map(|member| self.ceremony(member)).collect();
        let statuses: Vec<_> = honest.iter().map(|ceremony| ceremony.status(self.now)).collect();
        let failed = honest.iter().filter(|ceremony| ceremony.fault().is_some()).count();
        let succeeded = honest.iter().filter(|ceremony| ceremony.outcome().is_some()).count();
        if failed > 0 && failed < honest.len() {
            return violation("all_know_the_culprit", format!("{failed} of {}: {statuses:?}", honest.len()));
        }
        if failed == 0 && statuses.iter().any(|status| !status.done) {
            let named = |member: MemberId| statuses.iter().any(|s| s.waiting_for.iter().any(|w| w.member == member));
            match liar {
                None => return violation("everybody_is_done", format!("{statuses:?}")),
                Some(liar) if !named(liar) => return violation("who_blocks_is_named", format!("{statuses:?}")),
                Some(_) => {}
            }
        }
        if succeeded > 0 && succeeded < honest.len() {
            return violation("all_succeed_together", format!("{succeeded} of {}", honest.len()));
        }
        let participants = self.members().len();
        if succeeded > 0 {
            self.shares_sign()?;
        }
        Ok(Outcome { log: self.log, succeeded, culprit: self.culprit, participants })
    }

    /// Time passes, or something arrives.
    fn event(&mut self) -> Result<(), Violation> {
        if let Some(letter) = self.network.arrived(self.now) {
            let Letter { from, to, bytes } = letter;
            return self.step(to, Input::Heard { from, bytes });
        }
        let wakes = self.processes.values().filter(|p| p.ceremony.is_some()).map(|p| p.wake);
        let next = wakes.chain(self.network.next()).min();
        self.now = next.unwrap_or(self.now).max(self.now.after(Duration::from_millis(1)));
        let due: Vec<ProcessId> = self
            .processes
            .iter()
            .filter(|(_, p)| p.ceremony.is_some() && p.wake <= self.now)
            .map(|(id, _)| *id)
            .collect();
        due.into_iter().try_for_each(|process| self.step(process, Input::Woke))
    }

    /// One step of one process, one commit, and on its way with what it says; or it crashes in between.
    pub(super) fn step(&mut self, id: ProcessId, input: Input) -> Result<(), Violation> {
        let (now, (member, _)) = (self.now, id);
        let Some(process) = self.processes.get_mut(&id) else { return Ok(()) };
        let (Some(ceremony), Some(rng)) = (process.ceremony.as_mut(), process.rng.as_mut()) else { return Ok(()) };
        let mut fx = Effects::default();
        ceremony.step(now, input, rng, &mut fx);
        let Ok(released) = fx.commit(&mut process.disk);
        process.wake =
            released.wake.unwrap_or(now.after(Duration::from_secs(60))).max(now.after(Duration::from_millis(1)));
        if self.is_liar(member) {
            let terms = self.processes.get(&id).and_then(|process| process.ceremony.as_ref()?.session());
            self.invariants.asked(&self.cast.plan, terms, &released);
        } else {
            self.check(id, &released)?;
        }
        for event in &released.events {
            self.note(format!("{id:?}: {event:?}"));
        }
        if self.faults.crashes && !released.messages.is_empty() && self.below(200) == 0 {
            self.crash(id);
            return Ok(());
        }
        self.send(id, released.messages);
        self.activate(id)
    }

    fn check(&mut self, id: ProcessId, released: &Released) -> Result<(), Violation> {
        let Some(process) = self.processes.get(&id) else { return Ok(()) };
        let speaker = Speaker {
            member: id.0,
            misled: self.liar.is_some() && self.confused.contains(&id.0),
            records: &process.disk.records,
            terms: process.ceremony.as_ref().and_then(Ceremony::session),
        };
        let liar = self.liar.as_ref().map(|liar| liar.member);
        self.invariants.check(&self.cast.plan, speaker, released, liar)?;
        for event in &released.events {
            if let Event::Failed { fault } = event {
                self.culprit = Some(fault.culprit());
            }
        }
        Ok(())
    }

    fn send(&mut self, (from, _): ProcessId, messages: Vec<Outgoing>) {
        let everybody: Vec<ProcessId> = self.processes.keys().copied().filter(|(to, _)| *to != from).collect();
        for outgoing in messages {
            for to in everybody.iter().copied() {
                if outgoing.to != Recipient::All && outgoing.to != Recipient::One(to.0) {
                    continue;
                }
                let Some(bytes) = self.said(from, to.0, &outgoing.bytes) else { continue };
                let letter = Letter { from, to, bytes };
                self.network.send(self.now, letter, self.faults.network, &mut self.rng);
            }
        }
    }

    /// What `from` really says to `to`.
    fn said(&self, from: MemberId, to: MemberId, bytes: &[u8]) -> Option<Vec<u8>> {
        let Some(liar) = self.liar.as_ref().filter(|liar| liar.member == from) else { return Some(bytes.to_vec()) };
        let plan = &self.cast.plan;
        let records = &self.processes.get(&(from, 0))?.disk.records;
        let message = wire::decode(plan.id(), bytes).ok()?;
        liar.say(to, message, plan, records, self.cast.held.get(&from)).map(|said| wire::encode(plan.id(), &said))
    }

    pub(super) fn note(&mut self, line: String) {
        self.log.push(format!("{} {line}", self.now.0));
    }

    /// A number below `n`, or 0.
    pub(super) fn below(&mut self, n: usize) -> usize {
        below(&mut self.rng, n)
    }
}
