//! The world: processes, their disks, and a network between them.

use super::{
    cast::{self, Cast, below, identity},
    invariants::{Invariants, Speaker, Violation, violation},
    liar::Liar,
    network::{Letter, Network, ProcessId},
};
use guardian_crypto::{
    Error,
    frost::{
        KeyShare, PublicShares,
        signing::{SigningPackage, aggregate, commit, sign},
    },
    member::MemberId,
};
use guardian_protocol::{
    ceremony::{Ceremony, Effects, Event, Input, Outgoing, Purpose, Record, Released, Step, Transcript, recover, wire},
    effects::Recipient,
    ports::AppendRecords,
    types::Timestamp,
};
use rand_chacha::{
    ChaCha20Rng,
    rand_core::{RngCore, SeedableRng},
};
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
struct Disk {
    records: Vec<Record>,
    forgets: bool,
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
struct Process {
    ceremony: Option<Ceremony>,
    disk: Disk,
    keys: Keys,
    /// Its chance, since its start.
    rng: Option<ChaCha20Rng>,
    wake: Timestamp,
}

/// What lies beside the records.
#[derive(Debug, Default)]
struct Keys {
    old: Option<KeyShare>,
    new: Option<KeyShare>,
    activated: bool,
}

/// One ceremony. See the module.
#[derive(Debug)]
pub struct World {
    cast: Cast,
    faults: Faults,
    sabotage: Sabotage,
    rng: ChaCha20Rng,
    now: Timestamp,
    processes: BTreeMap<ProcessId, Process>,
    network: Network,
    invariants: Invariants,
    liar: Option<Liar>,
    /// Who has lost records, or run twice.
    confused: BTreeSet<MemberId>,
    culprit: Option<MemberId>,
    log: Vec<String>,
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
    fn installed(&self, member: MemberId) -> Process {
        let disk = Disk { records: Vec::new(), forgets: self.sabotage == Sabotage::SendBeforeCommit };
        let old = self.cast.held.get(&member).and_then(cast::copy);
        Process { disk, keys: Keys { old, ..Keys::default() }, ..Process::default() }
    }

    fn members(&self) -> Vec<MemberId> {
        self.processes.keys().filter(|(_, which)| *which == 0).map(|(member, _)| *member).collect()
    }

    fn honest(&self) -> impl Iterator<Item = MemberId> + '_ {
        let liar = self.liar.as_ref().map(|liar| liar.member);
        self.members().into_iter().filter(move |member| Some(*member) != liar)
    }

    fn ceremony(&self, member: MemberId) -> Option<&Ceremony> {
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

    /// Perhaps something goes wrong.
    fn mishap(&mut self) -> Result<(), Violation> {
        let members = self.members();
        let Some(member) = members.get(self.below(members.len())).copied() else { return Ok(()) };
        if self.faults.network && self.below(150) == 0 {
            let mut apart: BTreeSet<MemberId> = members.iter().copied().collect();
            apart.retain(|_| below(&mut self.rng, 2) == 0);
            self.note(format!("apart: {apart:?}"));
            self.network.part(apart);
            members.iter().try_for_each(|member| self.reconnect(*member))?;
        }
        if self.faults.crashes && self.below(60) == 0 {
            self.crash((member, 0));
        }
        if self.faults.lives && !self.is_liar(member) {
            let activated = self.processes.get(&(member, 0)).is_some_and(|process| process.keys.activated);
            match self.below(400) {
                // Without its records, a member that has deleted its old share can't start: it has its new one.
                0 if !activated => {
                    self.crash((member, 0));
                    self.note(format!("{member} loses its records"));
                    self.confused.insert(member);
                    if let Some(process) = self.processes.get_mut(&(member, 0)) {
                        process.disk.records.clear();
                    }
                }
                1 if !activated => {
                    self.note(format!("{member} runs twice"));
                    self.confused.insert(member);
                    let twin = self.installed(member);
                    self.processes.entry((member, 1)).or_insert(twin);
                }
                2 => self.crash((member, 1)),
                _ => {}
            }
        }
        for process in self.down() {
            if self.below(40) == 0 {
                self.start(process)?;
            }
        }
        Ok(())
    }

    fn is_liar(&self, member: MemberId) -> bool {
        self.liar.as_ref().is_some_and(|liar| liar.member == member)
    }

    fn down(&self) -> Vec<ProcessId> {
        self.processes.iter().filter(|(_, process)| process.ceremony.is_none()).map(|(id, _)| *id).collect()
    }

    fn crash(&mut self, id: ProcessId) {
        let Some(process) = self.processes.get_mut(&id) else { return };
        if process.ceremony.take().is_some() {
            self.note(format!("{id:?} crashes"));
        }
    }

    /// Starts a process from its records.
    fn start(&mut self, id: ProcessId) -> Result<(), Violation> {
        let (member, _) = id;
        let fresh = self.rng.next_u64();
        let repeated = self.sabotage == Sabotage::RepeatedChance;
        let mut rng = ChaCha20Rng::seed_from_u64(if repeated { u64::from(member.get()) } else { fresh });
        let Some(process) = self.processes.get_mut(&id) else { return Ok(()) };
        let share = process.keys.old.as_ref().and_then(cast::copy);
        let (records, activated) = (process.disk.records.clone(), process.keys.activated);
        let (now, plan) = (self.now, self.cast.plan.clone());
        match Ceremony::restore(now, plan, member, identity(member), share, records, &mut rng) {
            Ok(ceremony) => (process.ceremony, process.rng) = (Some(ceremony), Some(rng)),
            Err(error) => return violation("records_can_always_be_restored", format!("{member}: {error}")),
        }
        process.wake = now;
        self.note(format!("{id:?} starts"));
        if activated {
            self.step(id, Input::Activated)?;
        }
        self.reconnect(member)
    }

    /// Tells a member's processes, and those of others, who is connected.
    fn reconnect(&mut self, member: MemberId) -> Result<(), Violation> {
        let running: Vec<ProcessId> =
            self.processes.iter().filter(|(_, p)| p.ceremony.is_some()).map(|(id, _)| *id).collect();
        for other in running.iter().filter(|(other, _)| *other != member) {
            let up = self.network.hear_each_other(member, other.0);
            let input = |of| if up { Input::PeerUp(of) } else { Input::PeerDown(of) };
            self.step(*other, input(member))?;
            for own in running.iter().filter(|(own, _)| *own == member) {
                self.step(*own, input(other.0))?;
            }
        }
        Ok(())
    }

    /// One step of one process, one commit, and on its way with what it says; or it crashes in between.
    fn step(&mut self, id: ProcessId, input: Input) -> Result<(), Violation> {
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

    /// The shell: puts an outcome to use as soon as there is one.
    fn activate(&mut self, id: ProcessId) -> Result<(), Violation> {
        let (member, _) = id;
        if self.sabotage == Sabotage::EarlyActivation {
            self.delete_early(id)?;
        }
        let Some(process) = self.processes.get(&id).filter(|process| !process.keys.activated) else { return Ok(()) };
        let Some(outcome) = process.ceremony.as_ref().and_then(Ceremony::outcome) else { return Ok(()) };
        let mut said = outcome.transcript.encode();
        // The test signature may differ: its last 96 bytes.
        said.truncate(said.len().saturating_sub(96));
        self.invariants.outcome(member, &outcome.public, said)?;
        self.recoverable(&outcome.transcript)?;
        let repairs = matches!(self.cast.plan.purpose, Purpose::Repair { .. });
        if let Some(process) = self.processes.get_mut(&id) {
            // Who helps in a repair keeps its share.
            let old = process.keys.old.take().filter(|_| repairs);
            process.keys = Keys { old, new: outcome.share, activated: true };
        }
        self.step(id, Input::Activated)
    }

    /// Before the first old share is deleted, every receiver can get its new one from its identity alone.
    fn recoverable(&self, transcript: &Transcript) -> Result<(), Violation> {
        if self.processes.values().any(|process| process.keys.activated) {
            return Ok(());
        }
        for member in self.cast.plan.receivers() {
            if let Err(error) = recover(&self.cast.plan, &identity(member), transcript) {
                return violation("old_shares_last_until_new_ones_work", format!("{member}: {error}"));
            }
        }
        Ok(())
    }

    /// Takes away a protection: the shell does not wait for the proof.
    fn delete_early(&mut self, id: ProcessId) -> Result<(), Violation> {
        let process = self.processes.get(&id);
        let certified = |record: &Record| matches!(record, Record::Post(post) if post.step() == Step::Confirm);
        let confirmed = process.map_or(0, |process| process.disk.records.iter().filter(|r| certified(r)).count());
        if confirmed < self.members().len()
            || process.is_none_or(|p| p.ceremony.as_ref().is_none_or(|c| c.outcome().is_some()))
        {
            return Ok(());
        }
        violation("old_shares_last_until_new_ones_work", format!("{} has no proof yet", id.0))
    }

    /// A quorum of the shares that were put to use signs under the key that was agreed on.
    fn shares_sign(&self) -> Result<(), Violation> {
        let keys = self.processes.values().map(|process| &process.keys);
        let shares: Vec<&KeyShare> = keys.filter_map(|keys| keys.new.as_ref().or(keys.old.as_ref())).collect();
        let public = self.honest().find_map(|member| self.ceremony(member)?.outcome()).map(|outcome| outcome.public);
        let Some(public) = public else { return Ok(()) };
        let t = usize::from(public.threshold());
        // A liar among the holders may leave too few.
        let Some(quorum) = shares.get(..t) else { return Ok(()) };
        match sign_together(quorum, &public) {
            Ok(()) => Ok(()),
            Err(error) => violation("shares_sign", error.to_string()),
        }
    }

    fn note(&mut self, line: String) {
        self.log.push(format!("{} {line}", self.now.0));
    }

    /// A number below `n`, or 0.
    fn below(&mut self, n: usize) -> usize {
        below(&mut self.rng, n)
    }
}

/// Signs something with exactly these shares.
fn sign_together(shares: &[&KeyShare], public: &PublicShares) -> Result<(), Error> {
    let mut rng = ChaCha20Rng::seed_from_u64(5);
    let (mut nonces, mut commitments) = (BTreeMap::new(), BTreeMap::new());
    for share in shares {
        let (nonce, commitment) = commit(share, &mut rng)?;
        nonces.insert(share.member(), nonce);
        commitments.insert(share.member(), commitment);
    }
    let package = SigningPackage::new([8; 32], &commitments)?;
    let mut parts = BTreeMap::new();
    for share in shares {
        let nonce = nonces.remove(&share.member()).ok_or(Error::MissingFrom(share.member()))?;
        parts.insert(share.member(), sign(nonce, &package, share)?);
    }
    aggregate(&package, &parts, public).map(drop)
}
