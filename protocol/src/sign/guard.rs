//! The last word before the key moves: one digest per duty, ever.
//!
//! The guard is a table beside the key. It does not know how a digest came about; it only knows which it has let through. Its
//! entries are records: [`Guard::check_and_insert`] writes them to the effects itself, and effects reach nobody before the
//! records are on disk, so no announcement or share can leave for a digest that a restart would forget.
//!
//! A guardian that lost its store, or whose store was set back ([`Guard::distrust`]), may have signed what it no longer knows. It waits
//! ([`Guard::wait_below`]) until the period is past everything it could have signed.

use crate::{
    duty::{Duty, DutyId},
    effects::Effects,
    record::Record,
    sign::NotSafe,
    types::Epoch,
};
use alloy_primitives::B256;
use std::collections::BTreeMap;

/// The table. See the module.
#[derive(Debug, Default)]
pub(crate) struct Guard {
    decided: BTreeMap<DutyId, B256>,
    floor: Floor,
}

/// From which period on this guardian may sign.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Floor {
    /// The store is new, and it is not known yet what an older store may have signed.
    #[default]
    Unknown,
    /// The store was set back: besides these, it may have forgotten others.
    SetBack(Epoch),
    /// Only periods after this one.
    After(Epoch),
}

/// The guard let a duty through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Safe {
    /// It is the first digest for this duty.
    Fresh,
    /// This digest was let through before; signing it again says nothing new.
    Same,
}

/// Leave to use the key share once, for one digest. Not `Clone`; only [`Guard::permit`] makes one and signing consumes it.
#[derive(Debug)]
pub(crate) struct Permit {
    id: DutyId,
    digest: B256,
}

impl Permit {
    /// The duty it is for.
    #[must_use]
    pub(crate) fn id(&self) -> DutyId {
        self.id
    }

    /// The only digest it is good for.
    #[must_use]
    pub(crate) fn digest(&self) -> B256 {
        self.digest
    }
}

impl Guard {
    /// The table as the store has it. `floor` is `None` if this store has never passed [`Guard::wait_below`]; else the floor, and
    /// whether it is settled.
    #[must_use]
    pub(crate) fn restore(decided: BTreeMap<DutyId, B256>, floor: Option<(Epoch, bool)>) -> Self {
        let floor = match floor {
            None => Floor::Unknown,
            Some((epoch, false)) => Floor::SetBack(epoch),
            Some((epoch, true)) => Floor::After(epoch),
        };
        Self { decided, floor }
    }

    /// Whether the store is new, and the floor not settled yet.
    #[must_use]
    pub(crate) fn is_new(&self) -> bool {
        self.floor == Floor::Unknown
    }

    /// Whether the store was set back, and the floor is not settled yet.
    #[must_use]
    pub(crate) fn is_set_back(&self) -> bool {
        matches!(self.floor, Floor::SetBack(_))
    }

    /// Whether the floor still has to be settled.
    #[must_use]
    pub(crate) fn waits(&self) -> bool {
        self.is_new() || self.is_set_back()
    }

    /// The store has forgotten something: nothing is let through before the floor is settled anew. Returns whether it was settled.
    pub(crate) fn distrust(&mut self, fx: &mut Effects) -> bool {
        let Floor::After(epoch) = self.floor else { return false };
        self.floor = Floor::SetBack(epoch);
        fx.record(Record::Floor { epoch, is_settled: false });
        true
    }

    /// Whether a vote of ours for this digest is nothing that the store has forgotten: it was let through, or is below the floor.
    #[must_use]
    pub(crate) fn accounts_for(&self, id: DutyId, digest: B256) -> bool {
        self.decided.get(&id) == Some(&digest) || matches!(self.check_floor(id.period), Err(NotSafe::BelowFloor { .. }))
    }

    /// Settles it: nothing up to and including `epoch` will be signed from this store. Only ever raises the floor.
    pub(crate) fn wait_below(&mut self, epoch: Epoch, fx: &mut Effects) {
        let epoch = match self.floor {
            Floor::Unknown => epoch,
            Floor::SetBack(floor) => epoch.max(floor),
            Floor::After(floor) if epoch <= floor => return,
            Floor::After(_) => epoch,
        };
        self.floor = Floor::After(epoch);
        fx.record(Record::Floor { epoch, is_settled: true });
    }

    /// Lets `digest` through for `duty`, unless another was. The entry is recorded in the same breath.
    ///
    /// # Errors
    /// [`NotSafe`] with the reason; nothing changed.
    #[expect(clippy::result_large_err, reason = "a refusal names both digests, and is rare")]
    pub(crate) fn check_and_insert(&mut self, duty: &Duty, digest: B256, fx: &mut Effects) -> Result<Safe, NotSafe> {
        let id = duty.id();
        let known = self.decided.get(&id);
        if let Some(decided) = known.filter(|decided| **decided != digest) {
            return Err(NotSafe::OtherDigest { id, decided: *decided, refused: digest });
        }
        self.check_floor(id.period)?;
        if known.is_some() {
            return Ok(Safe::Same);
        }
        self.decided.insert(id, digest);
        fx.record(Record::Decided { id, digest });
        Ok(Safe::Fresh)
    }

    /// Leave to sign `digest` for `id`.
    ///
    /// # Errors
    /// If another digest, or none, was let through.
    #[expect(clippy::result_large_err, reason = "a refusal names both digests, and is rare")]
    pub(crate) fn permit(&self, id: DutyId, digest: B256) -> Result<Permit, NotSafe> {
        self.check_floor(id.period)?;
        match self.decided.get(&id) {
            Some(decided) if *decided == digest => Ok(Permit { id, digest }),
            Some(decided) => Err(NotSafe::OtherDigest { id, decided: *decided, refused: digest }),
            None => Err(NotSafe::NotDecided(id)),
        }
    }

    /// Whether `period` may be signed from this store. What a store that was set back let through before that was noticed may not.
    #[expect(clippy::result_large_err, reason = "a refusal names both digests, and is rare")]
    fn check_floor(&self, period: Epoch) -> Result<(), NotSafe> {
        match self.floor {
            Floor::Unknown => Err(NotSafe::StoreIsNew),
            Floor::After(floor) | Floor::SetBack(floor) if period <= floor => {
                Err(NotSafe::BelowFloor { period, floor })
            }
            Floor::SetBack(_) => Err(NotSafe::StoreWasSetBack),
            Floor::After(_) => Ok(()),
        }
    }

    /// The highest period let through, of any kind.
    #[must_use]
    pub(crate) fn highest(&self) -> Option<Epoch> {
        self.decided.keys().map(|id| id.period).max()
    }
}
