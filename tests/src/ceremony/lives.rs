//! What happens to processes: they crash, lose their records, run twice, are cut off from each other, and come back.

use super::{
    cast::{self, below, identity},
    invariants::{Violation, violation},
    network::ProcessId,
    world::{Sabotage, World},
};
use guardian_crypto::member::MemberId;
use guardian_protocol::ceremony::{Ceremony, Input};
use rand_chacha::{
    ChaCha20Rng,
    rand_core::{RngCore, SeedableRng},
};
use std::collections::BTreeSet;

impl World {
    /// Perhaps something goes wrong.
    pub(super) fn mishap(&mut self) -> Result<(), Violation> {
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
                    let doppelganger = self.installed(member);
                    self.processes.entry((member, 1)).or_insert(doppelganger);
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

    pub(super) fn is_liar(&self, member: MemberId) -> bool {
        self.liar.as_ref().is_some_and(|liar| liar.member == member)
    }

    pub(super) fn down(&self) -> Vec<ProcessId> {
        self.processes.iter().filter(|(_, process)| process.ceremony.is_none()).map(|(id, _)| *id).collect()
    }

    pub(super) fn crash(&mut self, id: ProcessId) {
        let Some(process) = self.processes.get_mut(&id) else { return };
        if process.ceremony.take().is_some() {
            self.note(format!("{id:?} crashes"));
        }
    }

    /// Starts a process from its records.
    pub(super) fn start(&mut self, id: ProcessId) -> Result<(), Violation> {
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
    pub(super) fn reconnect(&mut self, member: MemberId) -> Result<(), Violation> {
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
}
