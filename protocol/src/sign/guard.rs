//! The last word before the key moves: one digest per duty, ever.
//!
//! The guard is a table beside the key. It does not know how a digest came about; it only knows which it has let through. Its
//! entries are records: [`Guard::check_and_insert`] writes them to the effects itself, and effects reach nobody before the
//! records are on disk, so no announcement or share can leave for a digest that a restart would forget.
//!
//! A guardian that lost its store may have signed what it no longer knows. It waits ([`Guard::wait_below`]) until the period is
//! past everything it could have signed.

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
    /// The table as the store has it. `floor` is `None` if this store has never passed [`Guard::wait_below`].
    #[must_use]
    pub(crate) fn restore(decided: BTreeMap<DutyId, B256>, floor: Option<Epoch>) -> Self {
        Self { decided, floor: floor.map_or(Floor::Unknown, Floor::After) }
    }

    /// Whether the rule about new stores still has to be settled.
    #[must_use]
    pub(crate) fn is_new(&self) -> bool {
        self.floor == Floor::Unknown
    }

    /// Settles it: nothing up to and including `epoch` will be signed from this store. Only ever raises the floor.
    pub(crate) fn wait_below(&mut self, epoch: Epoch, fx: &mut Effects) {
        let raised = match self.floor {
            Floor::Unknown => true,
            Floor::After(floor) => epoch > floor,
        };
        if raised {
            self.floor = Floor::After(epoch);
            fx.record(Record::Floor { epoch });
        }
    }

    /// Lets `digest` through for `duty`, unless another was. The entry is recorded in the same breath.
    ///
    /// # Errors
    /// [`NotSafe`] with the reason; nothing changed.
    #[expect(clippy::result_large_err, reason = "a refusal names both digests, and is rare")]
    pub(crate) fn check_and_insert(&mut self, duty: &Duty, digest: B256, fx: &mut Effects) -> Result<Safe, NotSafe> {
        let id = duty.id();
        match self.decided.get(&id) {
            Some(decided) if *decided == digest => return Ok(Safe::Same),
            Some(decided) => return Err(NotSafe::OtherDigest { id, decided: *decided, refused: digest }),
            None => {}
        }
        match self.floor {
            Floor::Unknown => return Err(NotSafe::StoreIsNew),
            Floor::After(floor) if id.period <= floor => {
                return Err(NotSafe::BelowFloor { period: id.period, floor });
            }
            Floor::After(_) => {}
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
        match self.decided.get(&id) {
            Some(decided) if *decided == digest => Ok(Permit { id, digest }),
            Some(decided) => Err(NotSafe::OtherDigest { id, decided: *decided, refused: digest }),
            None => Err(NotSafe::NotDecided(id)),
        }
    }

    /// The highest period let through, of any kind.
    #[must_use]
    pub(crate) fn highest(&self) -> Option<Epoch> {
        self.decided.keys().map(|id| id.period).max()
    }
}
