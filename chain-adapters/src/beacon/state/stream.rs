//! A state hashed while it arrives: feed it the bytes in pieces of any size, in order; after the last one its root is known, and
//! what was wanted of it has been picked out. Bytes are forgotten as soon as they are hashed, two megabytes at a time, with all
//! cores. Runs on a thread that may block.

use super::{
    error::StateError,
    extract::Wanted,
    gather::{Gather, Role, View},
    hash::Node,
    layout,
    list::Grouped,
    merkle::{Scratch, Work, depth_for},
    plan::{MOST_WHOLE, Part, Plan},
    preset::Preset,
    proved::{Outline, ProvedState},
    value,
    warm::{Mark, WarmCache, mark},
};
use rayon::{iter::IndexedParallelIterator, iter::ParallelIterator, slice::ParallelSlice};
use std::cell::RefCell;

/// Bytes of groups that are hashed at once, by all cores.
const BLOCK: usize = 1 << 21;

/// Which state it must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected {
    /// Unix time in seconds.
    pub genesis_time: u64,
    /// The chain's genesis.
    pub genesis_validators_root: [u8; 32],
    /// The state's slot.
    pub slot: u64,
}

/// The work on one state.
#[derive(Debug)]
pub struct StateProver {
    preset: Preset,
    plan: Plan,
    expected: Option<Expected>,
    outline: Outline,
    gather: Gather,
    warm: WarmCache,
    /// Number of the part that the next byte belongs to.
    part: usize,
    /// Bytes left of it; `None`: to the end.
    left: Option<u64>,
    /// Bytes of it that were taken.
    taken: u64,
    offsets: Vec<u64>,
    sizes: std::vec::IntoIter<Option<u64>>,
    roots: Vec<Option<Node>>,
    pending: Vec<u8>,
    position: u64,
    scratch: Scratch,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

impl StateProver {
    /// For a state of the fork with this name. `warm` is what the last state left.
    ///
    /// # Errors
    /// [`StateError::UnknownFork`].
    pub fn new(
        fork: &str,
        preset: Preset,
        expected: Option<Expected>,
        wanted: Wanted,
        warm: WarmCache,
    ) -> Result<Self, StateError> {
        let fork = layout::fork(fork).ok_or_else(|| StateError::UnknownFork(fork.chars().take(32).collect()))?;
        let plan = Plan::new(fork, &preset);
        let roots = vec![None; plan.fields.len()];
        let mut prover = Self {
            preset,
            plan,
            expected,
            outline: Outline::default(),
            gather: Gather::new(wanted),
            warm,
            part: 0,
            left: None,
            taken: 0,
            offsets: Vec::new(),
            sizes: Vec::new().into_iter(),
            roots,
            pending: Vec::new(),
            position: 0,
            scratch: Scratch::default(),
        };
        prover.left = prover.size_of_part()?;
        Ok(prover)
    }

    /// The forks whose states can be proved, the newest first.
    pub fn forks() -> impl Iterator<Item = &'static str> {
        layout::FORKS.iter().rev().map(|fork| fork.name)
    }

    /// Whether states of the fork with this name can be proved.
    #[must_use]
    pub fn knows(fork: &str) -> bool {
        layout::fork(fork).is_some()
    }

    /// The place of the fork with this name among the known ones; one that is not known comes after them.
    pub(crate) fn order(fork: &str) -> usize {
        layout::FORKS.iter().position(|known| known.name == fork).unwrap_or(layout::FORKS.len())
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// [`StateError`] if this can't become the state; the prover is of no use any more, but its [`Self::into_warm`] is.
    pub fn feed(&mut self, mut bytes: &[u8]) -> Result<(), StateError> {
        while !bytes.is_empty() {
            let need = self.need()?;
            if self.pending.is_empty()
                && let Some((now, rest)) = bytes.split_at_checked(need)
            {
                self.take(now)?;
                bytes = rest;
                continue;
            }
            let (now, rest) = bytes.split_at((need - self.pending.len()).min(bytes.len()));
            self.pending.extend_from_slice(now);
            bytes = rest;
            if self.pending.len() == need {
                self.take_pending()?;
            }
        }
        Ok(())
    }

    /// The state was complete: its root, and what was picked out.
    ///
    /// # Errors
    /// [`StateError`] if it was not, and what the next state can use.
    pub fn finish(mut self) -> (Result<ProvedState, StateError>, WarmCache) {
        match self.complete() {
            Ok(()) => {}
            Err(error) => return (Err(error), self.warm),
        }
        let roots: Vec<Node> = self.roots.iter().map(|root| root.unwrap_or_default()).collect();
        let root = value::over(&roots, depth_for(roots.len() as u64), &mut self.scratch);
        self.outline.work += self.scratch.take_work();
        let names = self.plan.fields.iter().map(|field| field.name).collect();
        let state = ProvedState::new(root, self.position, roots, names, self.outline, self.gather, &self.warm);
        (Ok(state), self.warm)
    }

    /// What the next state can use, if this one is given up.
    #[must_use]
    pub fn into_warm(self) -> WarmCache {
        self.warm
    }

    fn complete(&mut self) -> Result<(), StateError> {
        if self.part < self.plan.parts.len() && self.left.is_none() {
            self.take_pending()?;
            self.end_part()?;
        }
        if self.part < self.plan.parts.len() {
            return Err(StateError::BrokenOff(self.position));
        }
        Ok(())
    }

    /// How many bytes of the current part are taken at once.
    fn need(&self) -> Result<usize, StateError> {
        let Some(number) = self.field() else {
            let offset = matches!(self.plan.parts.get(self.part), Some(Part::Offset(_)));
            return if offset { Ok(4) } else { Err(StateError::Encoding("bytes behind its end")) };
        };
        let planned = self.plan.fields.get(number);
        let most = planned
            .and_then(|field| field.grouped)
            .map_or(MOST_WHOLE + 1, |list| list.group * (BLOCK / list.group).max(1));
        Ok(self.left.and_then(|left| usize::try_from(left).ok()).map_or(most, |left| left.min(most)))
    }

    /// The field that the next byte belongs to.
    fn field(&self) -> Option<usize> {
        match self.plan.parts.get(self.part) {
            Some(Part::Field(number)) => Some(*number),
            _ => None,
        }
    }

    fn take_pending(&mut self) -> Result<(), StateError> {
        let mut pending = std::mem::take(&mut self.pending);
        if !pending.is_empty() {
            self.take(&pending)?;
        }
        pending.clear();
        self.pending = pending;
        Ok(())
    }

    /// Takes bytes of the current part: all of it, or whole blocks.
    fn take(&mut self, bytes: &[u8]) -> Result<(), StateError> {
        self.position += bytes.len() as u64;
        if let Some(number) = self.field() {
            let planned = *self.plan.fields.get(number).ok_or(StateError::GivenUp)?;
            if self.left.is_none() {
                planned.check_size(self.taken + bytes.len() as u64, false)?;
            }
            match planned.grouped {
                Some(grouped) => self.groups(planned.name, &grouped, bytes)?,
                None => {
                    let root = value::root(&planned.ty, bytes, &self.preset, &mut self.scratch).map_err(|error| {
                        let StateError::Encoding(what) = error else { return error };
                        StateError::Field { field: planned.name, what }
                    })?;
                    self.set_root(number, root);
                    self.read_whole(planned.name, bytes)?;
                }
            }
        } else {
            let offset = bytes.first_chunk().copied().map(u32::from_le_bytes).unwrap_or_default();
            self.offsets.push(offset.into());
        }
        self.taken += bytes.len() as u64;
        self.left = self.left.map(|left| left.saturating_sub(bytes.len() as u64));
        while self.left == Some(0) && self.part < self.plan.parts.len() {
            self.end_part()?;
        }
        Ok(())
    }

    /// The current part is complete; the next begins.
    fn end_part(&mut self) -> Result<(), StateError> {
        if let Some(planned) = self.field().and_then(|number| self.plan.fields.get(number).copied()) {
            planned.check_size(self.taken, planned.fixed.is_none())?;
            let number = self.field().unwrap_or_default();
            if let Some(grouped) = planned.grouped {
                let elements = self.taken / grouped.element as u64;
                let groups = usize::try_from(self.taken.div_ceil(grouped.group as u64)).unwrap_or(usize::MAX);
                self.warm.cut(planned.name, groups);
                let roots = self.warm.marks(planned.name).iter().map(|mark| mark.root);
                let root = grouped.root(roots, elements, &mut self.scratch);
                self.set_root(number, root);
                self.gather.complete(Role::of(planned.name), elements);
            } else if self.taken == 0 {
                // No bytes came, so nothing was taken: an empty list of elements of variable size.
                let root = value::root(&planned.ty, &[], &self.preset, &mut self.scratch)?;
                self.set_root(number, root);
            }
        }
        self.part += 1;
        self.taken = 0;
        self.left = self.size_of_part()?;
        Ok(())
    }

    fn size_of_part(&mut self) -> Result<Option<u64>, StateError> {
        let Some(part) = self.plan.parts.get(self.part) else { return Ok(Some(0)) };
        let number = match part {
            Part::Offset(_) => return Ok(Some(4)),
            Part::Field(number) => *number,
        };
        if let Some(fixed) = self.plan.fields.get(number).and_then(|field| field.fixed) {
            return Ok(Some(fixed as u64));
        }
        if !self.offsets.is_empty() {
            self.sizes = self.plan.sizes(&std::mem::take(&mut self.offsets))?.into_iter();
        }
        Ok(self.sizes.next().flatten())
    }

    fn set_root(&mut self, field: usize, root: Node) {
        if let Some(place) = self.roots.get_mut(field) {
            *place = Some(root);
        }
    }

    /// Notes what is needed of the small fields, and checks at once whether it is the right state.
    fn read_whole(&mut self, field: &str, bytes: &[u8]) -> Result<(), StateError> {
        self.outline.note(field, bytes);
        if field == "slot" {
            self.gather.epoch = self.outline.slot / self.preset.slots_per_epoch.max(1);
            if let Some(expected) = self.expected {
                let outline = &self.outline;
                let genesis = (outline.genesis_time, outline.genesis_validators_root);
                if genesis != (expected.genesis_time, expected.genesis_validators_root) {
                    return Err(StateError::WrongChain);
                }
                if outline.slot != expected.slot {
                    return Err(StateError::WrongSlot { asked: expected.slot, found: outline.slot });
                }
            }
        }
        Ok(())
    }

    /// Hashes groups, all cores at once.
    fn groups(&mut self, field: &'static str, grouped: &Grouped, bytes: &[u8]) -> Result<(), StateError> {
        let first = usize::try_from(self.taken / grouped.group as u64).unwrap_or(usize::MAX);
        let per_group = (grouped.group / grouped.element) as u64;
        let role = Role::of(field);
        let known = self.warm.marks(field);
        let (preset, gather) = (&self.preset, &self.gather);
        let one = |(number, bytes): (usize, &[u8])| {
            SCRATCH.with_borrow_mut(|scratch| -> Result<(Mark, View, Work), StateError> {
                let group = first + number;
                let root = || grouped.group_root(bytes, preset, scratch);
                let mark = mark(known.get(group), bytes, root)?;
                let view = gather.view(role, group as u64 * per_group, bytes);
                Ok((mark, view, scratch.take_work()))
            })
        };
        let done: Result<Vec<_>, StateError> = bytes.par_chunks(grouped.group).enumerate().map(one).collect();
        let mut marks = Vec::new();
        let mut views = Vec::new();
        for (mark, view, work) in done? {
            marks.push(mark);
            views.push(view);
            self.outline.work += work;
        }
        self.warm.put(field, first, marks);
        self.gather.fold(role, first, per_group, views, bytes)
    }
}
