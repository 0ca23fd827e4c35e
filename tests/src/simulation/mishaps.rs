//! What goes wrong around guardians: they crash, are cut off, are lied to; and their operators start them from old disks, from empty
//! ones, or twice, and let them wait.

use super::{
    invariants::{Violation, violation},
    operators::Restraints,
    process::{Machine, Process, ProcessId},
    requests::ExitTroubles,
    scenario::{Faults, Sabotage},
    store::MemoryStore,
    world::{Item, PROVIDERS, World},
};
use alloy::primitives::keccak256;
use guardian_protocol::{
    BootId, Envelope, Input, MemberId, Recipient, Record,
    testing::{Message, first_greeting},
};
use rand_chacha::rand_core::RngCore;

/// Copies of a disk that an operator keeps.
const COPIES: usize = 3;

impl World<'_> {
    /// Something goes wrong, of what may.
    pub(super) fn mishap(&mut self) -> Result<(), Violation> {
        let Some(member) = self.anybody() else { return Ok(()) };
        match self.below(26) {
            0 if self.faults.crashes => self.crash(member)?,
            1 | 2 if self.faults.crashes => self.revive()?,
            3 if self.faults.crashes => self.cut_off(member)?,
            4 | 5 if self.faults.crashes => self.reconnect_if_cut_off(member)?,
            6 | 7 if self.faults.copies => self.keep_copy(member),
            8 | 9 if self.faults.copies => self.set_back(member)?,
            10 | 11 if self.faults.copies => self.start_doppelganger(member)?,
            12 if self.faults.copies => self.end_doppelganger(member)?,
            13 | 14 if self.faults.copies => self.relink(member)?,
            15 if self.faults.lies => self.deceive(member),
            16 if self.faults.liar => self.accuse(member)?,
            17 if self.faults.operators => self.command(member)?,
            18 if self.faults.thief => self.steal(),
            19 if self.faults.thief && self.below(4) == 0 => self.pause(),
            20 | 21 if self.faults.holes => self.lose_logs(member),
            22 if self.faults.clocks => self.set_clock(member),
            23 if self.faults.operators => self.look_at_keys()?,
            24 | 25 if self.faults.exits => self.trouble_exits(),
            _ => {}
        }
        Ok(())
    }

    /// From here on nothing goes wrong but what the liar does, and that old messages are repeated: everybody runs once, with providers that
    /// tell the truth and an operator that holds nothing back, and all connections are made anew.
    pub(super) fn calm(&mut self) -> Result<(), Violation> {
        self.faults = Faults { liar: self.faults.liar, replays: self.faults.replays, ..Faults::NONE };
        self.nodes.values_mut().for_each(|node| (node.lying, node.lacking) = (0, 0));
        let members: Vec<MemberId> = self.keys.members().collect();
        members.iter().try_for_each(|member| self.end_doppelganger(*member))?;
        let ends =
            [Sabotage::GuardForgets, Sabotage::HoldsAreForgotten, Sabotage::LimitsAreLost, Sabotage::EverybodyLooksLow];
        self.sabotage = if ends.contains(&self.sabotage) { Sabotage::None } else { self.sabotage };
        self.requested = Some((self.chain.requests.by_validator.clone(), self.chain.requests.fees));
        self.chain.trouble_exits(ExitTroubles::default());
        self.revive()?;
        self.release_all()?;
        members.into_iter().try_for_each(|member| self.reconnect(member))
    }

    /// Ends everything that runs of `member`.
    pub(super) fn crash(&mut self, member: MemberId) -> Result<(), Violation> {
        while let Some(one) = self.nodes.get(&member).and_then(|node| node.processes.first().copied()) {
            self.kill(one)?;
        }
        Ok(())
    }

    /// Ends one process. Its disk is the member's if it was the last one, and a copy that was kept if it was not.
    fn kill(&mut self, id: ProcessId) -> Result<(), Violation> {
        let Some(process) = self.processes.remove(&id) else { return Ok(()) };
        self.lives.death(id);
        let member = process.member();
        let offered = process.guardian().status().offered.into_iter().map(|duty| duty.digest);
        let (mut disk, restraints) = process.into_disk();
        match self.sabotage {
            Sabotage::GuardForgets => disk.lose(|record| matches!(record, Record::Decided { .. })),
            Sabotage::StartsAreForgotten => disk.lose(|record| matches!(record, Record::Boot { .. })),
            Sabotage::WordsAreForged => offered.for_each(|digest| disk.forge(Record::AskedFor { digest })),
            Sabotage::HoldsAreForgotten => disk.lose(|r| matches!(r, Record::Hold { .. } | Record::Forbidden { .. })),
            _ => {}
        }
        self.note(|| format!("{member}{id} crashes"));
        let Some(node) = self.nodes.get_mut(&member) else { return Ok(()) };
        node.processes.retain(|other| *other != id);
        if !node.processes.is_empty() {
            keep(&mut node.copies, disk);
            return Ok(());
        }
        (node.disk, node.restraints) = (disk, restraints);
        // Peers see the connection close, or they don't.
        if self.below(2) == 0 { self.connections(member, Input::PeerDown) } else { Ok(()) }
    }

    /// Starts every guardian that does not run, from its disk.
    pub(super) fn revive(&mut self) -> Result<(), Violation> {
        let down = self.nodes.iter().filter(|(_, node)| node.processes.is_empty());
        let down: Vec<MemberId> = down.map(|(member, _)| *member).collect();
        for member in down {
            let Some(node) = self.nodes.get_mut(&member) else { continue };
            let (disk, restraints) = (std::mem::take(&mut node.disk), std::mem::take(&mut node.restraints));
            self.tally.restarts += 1;
            self.start(member, disk, restraints)?;
        }
        Ok(())
    }

    /// Starts a process of `member` from `disk`, and connects it. Its operator believes that it keeps to `restraints`.
    fn start(&mut self, member: MemberId, disk: MemoryStore, restraints: Restraints) -> Result<(), Violation> {
        let id = ProcessId(u32::try_from(self.tally.starts()).unwrap_or(u32::MAX));
        let mut chance = [0; 32];
        self.rng.fill_bytes(&mut chance);
        if self.sabotage == Sabotage::ChanceRepeats {
            chance = keccak256([disk.digest().as_slice(), &member.get().to_be_bytes()].concat()).0;
        }
        let to_be_copied = self.sabotage == Sabotage::MemoryIsCopied;
        let clock = self.nodes.get(&member).map_or(0, |node| node.clock);
        let machine = Machine { disk, restraints, clock };
        match Process::start(self.now, self.setup(member), self.keys, machine, chance, to_be_copied) {
            Ok(process) => self.install(id, process),
            Err(error) => violation("records_can_always_be_restored", error.to_string()),
        }
    }

    fn install(&mut self, id: ProcessId, process: Process) -> Result<(), Violation> {
        let member = process.member();
        self.processes.insert(id, process);
        self.lives.birth(id, member);
        if let Some(node) = self.nodes.get_mut(&member) {
            node.processes.push(id);
        }
        self.note(|| format!("{member}{id} starts"));
        if self.sabotage == Sabotage::GreetingsAreForged {
            self.greet_in_others_names(id, member)?;
        }
        self.reconnect(member)
    }

    /// Everybody greets a process, reminding it of nothing; but it is not they who do.
    fn greet_in_others_names(&mut self, id: ProcessId, member: MemberId) -> Result<(), Violation> {
        let others: Vec<MemberId> = self.keys.members().filter(|other| *other != member).collect();
        for other in others {
            let (committee, key) = (self.keys.committee(), self.keys.identity(other));
            let boot = BootId { number: 0, name: [0; 16] };
            let greeting = first_greeting(boot, committee, &key);
            let bytes = Envelope::seal(other, greeting, committee, &key).encode();
            self.step(id, Input::Heard { from: other, bytes })?;
        }
        Ok(())
    }

    /// Something is in the way of exits from now on, or nothing any more.
    fn trouble_exits(&mut self) {
        // A request that a withdrawal overtakes is ignored: without shares nothing is left to be done then.
        let has_shares = self.profile.exits;
        let mut may = || self.below(3) == 0;
        let troubles = ExitTroubles {
            refused: may(),
            never_included: may(),
            dear: may(),
            pod_denies: may(),
            pending: may() && has_shares,
            payer_dies: false,
        };
        self.chain.trouble_exits(troubles);
        self.note(|| format!("{troubles:?}"));
    }

    /// The wall clock of a machine is set back or forward, by a quarter of an hour at most.
    fn set_clock(&mut self, member: MemberId) {
        const MOST: i64 = 900_000;
        let by = i64::try_from(self.below(2 * 900_000)).unwrap_or(0).saturating_sub(MOST);
        if let Some(node) = self.nodes.get_mut(&member) {
            node.clock = by;
        }
        self.tally.clocks += 1;
        self.note(|| format!("the clock of {member} is set to {by} ms"));
    }

    /// Somebody repeats what was once told to everybody.
    pub(super) fn replay(&mut self) {
        let at = self.below(self.archive.len());
        let (Some((from, bytes)), Some(to)) = (self.archive.get(at).cloned(), self.anybody()) else { return };
        if to != from {
            self.tally.replays += 1;
            self.bag.push(Item::Message { from, by: None, to, bytes });
        }
    }

    /// The operator makes a copy of a disk.
    fn keep_copy(&mut self, member: MemberId) {
        let disk = self.some_process(member).map(|process| process.disk().clone());
        if let (Some(node), Some(disk)) = (self.nodes.get_mut(&member), disk) {
            keep(&mut node.copies, disk);
        }
    }

    /// The operator ends what runs and starts it again from something older.
    fn set_back(&mut self, member: MemberId) -> Result<(), Violation> {
        let disk = self.older_disk(member);
        self.crash(member)?;
        let Some(node) = self.nodes.get_mut(&member) else { return Ok(()) };
        node.disk = MemoryStore::default();
        node.set_back = true;
        self.tally.set_back += 1;
        self.note(|| format!("the disk of {member} is set back to {} records", disk.records().len()));
        let restraints = Restraints::on(&disk);
        self.start(member, disk, restraints)
    }

    /// The operator starts a guardian that runs already.
    pub(super) fn start_doppelganger(&mut self, member: MemberId) -> Result<(), Violation> {
        let Some(node) = self.nodes.get_mut(&member) else { return Ok(()) };
        let [original] = *node.processes.as_slice() else { return Ok(()) };
        node.twinned = true;
        self.tally.doppelgangers += 1;
        self.note(|| format!("{member} is started twice"));
        if self.sabotage == Sabotage::MemoryIsCopied {
            let setup = self.setup(member);
            let copy = self.some_process(member).and_then(|process| process.copy(setup, self.keys));
            let id = ProcessId(u32::try_from(self.tally.starts()).unwrap_or(u32::MAX));
            self.memories.copied(original, id);
            return copy.map_or(Ok(()), |copy| self.install(id, copy));
        }
        let same = self.some_process(member).map(|process| process.disk().clone()).unwrap_or_default();
        let disk = if self.below(2) == 0 { same } else { self.older_disk(member) };
        let restraints = Restraints::on(&disk);
        self.start(member, disk, restraints)
    }

    /// One of two ends.
    fn end_doppelganger(&mut self, member: MemberId) -> Result<(), Violation> {
        let node = self.nodes.get(&member).filter(|node| node.processes.len() > 1);
        let Some([first, second]) = node.map(|node| node.processes.as_slice()) else { return Ok(()) };
        let (first, second) = (*first, *second);
        let one = if self.below(2) == 0 { first } else { second };
        self.kill(one)
    }

    /// Somebody's connection to a member that runs twice moves to the other process, or stays where it is.
    pub(super) fn relink(&mut self, member: MemberId) -> Result<(), Violation> {
        let Some(node) = self.nodes.get(&member).filter(|node| node.processes.len() > 1) else { return Ok(()) };
        let theirs = node.processes.clone();
        let others = self.processes.iter().filter(|(_, process)| process.member() != member);
        let others: Vec<(ProcessId, MemberId)> = others.map(|(id, process)| (*id, process.member())).collect();
        let (at, to) = (self.below(others.len()), self.below(theirs.len()));
        let (Some((id, other)), Some(to)) = (others.get(at).copied(), theirs.get(to).copied()) else { return Ok(()) };
        self.links.insert((id, member), to);
        self.step(id, Input::PeerDown(member))?;
        self.step(id, Input::PeerUp(member))?;
        self.step(to, Input::PeerUp(other))
    }

    /// A copy that was kept, the disk that it was last started from, an earlier state, or an empty disk.
    fn older_disk(&mut self, member: MemberId) -> MemoryStore {
        let (pick, at) = (self.below(8), self.below(COPIES));
        let Some(node) = self.nodes.get(&member) else { return MemoryStore::default() };
        let process = node.processes.first().and_then(|id| self.processes.get(id));
        let present = process.map_or(&node.disk, Process::disk).clone();
        match (pick, node.copies.get(at), process) {
            (0, ..) => present.as_it_was(0),
            (1..4, Some(copy), _) => copy.clone(),
            (4..6, _, Some(process)) => process.disk_at_start(),
            _ => {
                let length = self.below(present.records().len() + 1);
                present.as_it_was(length)
            }
        }
    }

    /// A majority that lies alike can't be noticed by its guardian: then only the others save the day, so there is one such.
    fn deceive(&mut self, member: MemberId) {
        let worst = if self.keys.members().next() == Some(member) { 3 } else { 2 };
        let lying = u8::try_from(self.below(worst)).unwrap_or(0);
        if let Some(node) = self.nodes.get_mut(&member) {
            node.lying = lying;
            node.deceived |= lying > 1;
        }
        self.note(|| format!("{lying} providers of {member} lie"));
    }

    /// Some of a guardian's execution providers prune their logs, and answer as if nothing had been logged; or they have them again.
    fn lose_logs(&mut self, member: MemberId) {
        let lacking = u8::try_from(self.below(usize::from(PROVIDERS) + 1)).unwrap_or(0);
        if let Some(node) = self.nodes.get_mut(&member) {
            node.lacking = lacking;
        }
        self.note(|| format!("{lacking} providers of {member} have lost logs"));
    }

    /// The liar asks somebody to sign two packages with the same nonces, which may have been used before.
    pub(super) fn scheme(&mut self) {
        let Some(victim) = self.anybody() else { return };
        for _ in 0..2 {
            let Some(liar) = self.liar.as_ref().filter(|liar| liar.member() != victim) else { break };
            let Some((package, envelope)) = liar.scheme(victim, self.keys, &mut self.rng) else { break };
            let from = liar.member();
            self.oracle.ask(package);
            self.send(from, None, Recipient::One(victim), &envelope);
        }
    }

    /// The liar tells `member` that somebody cheated.
    fn accuse(&mut self, member: MemberId) -> Result<(), Violation> {
        let Some((liar, fault)) = self.liar.as_ref().and_then(|liar| Some((liar, liar.accuse(&mut self.rng)?))) else {
            return Ok(());
        };
        if let Ok((convicted, duty)) = fault.verify(self.keys.committee())
            && convicted != liar.member()
        {
            return violation("honest_guardians_are_never_blamed", format!("{convicted} is convicted of {duty}"));
        }
        let (from, envelope) = (liar.member(), liar.seal(Message::Fault(fault), self.keys));
        self.send(from, None, Recipient::One(member), &envelope);
        Ok(())
    }

    /// The governor pauses the keys for some epochs.
    fn pause(&mut self) {
        let epochs = 1 + self.below(3) as u64;
        self.chain.pause(epochs);
        self.note(|| format!("the keys are paused for {epochs} epochs and a part of one"));
    }

    fn cut_off(&mut self, member: MemberId) -> Result<(), Violation> {
        if let Some(node) = self.nodes.get_mut(&member) {
            node.cut_off = true;
        }
        self.note(|| format!("{member} is cut off"));
        self.connections(member, Input::PeerDown)
    }

    fn reconnect_if_cut_off(&mut self, member: MemberId) -> Result<(), Violation> {
        let cut_off = self.nodes.get(&member).is_some_and(|node| node.cut_off);
        if cut_off { self.reconnect(member) } else { Ok(()) }
    }

    fn reconnect(&mut self, member: MemberId) -> Result<(), Violation> {
        if let Some(node) = self.nodes.get_mut(&member) {
            node.cut_off = false;
        }
        self.connections(member, Input::PeerUp)
    }

    fn connections(&mut self, member: MemberId, input: fn(MemberId) -> Input) -> Result<(), Violation> {
        let ours = self.nodes.get(&member).map(|node| node.processes.clone()).unwrap_or_default();
        let others = self.nodes.iter().filter(|(other, node)| **other != member && !node.cut_off);
        let others: Vec<(MemberId, ProcessId)> =
            others.flat_map(|(other, node)| node.processes.iter().map(|id| (*other, *id))).collect();
        for (other, theirs) in others {
            self.step(theirs, input(member))?;
            ours.iter().try_for_each(|id| self.step(*id, input(other)))?;
        }
        Ok(())
    }

    fn some_process(&self, member: MemberId) -> Option<&Process> {
        let id = self.nodes.get(&member)?.processes.first()?;
        self.processes.get(id)
    }
}

fn keep(copies: &mut Vec<MemoryStore>, disk: MemoryStore) {
    if copies.len() >= COPIES {
        copies.remove(0);
    }
    copies.push(disk);
}
