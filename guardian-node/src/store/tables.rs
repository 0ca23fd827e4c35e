//! Which record lives in which table, under which key. Keys and values are lasting formats.

use alloy_primitives::{B256, keccak256};
use guardian_protocol::{
    record::Record,
    types::{DutyId, DutyKind, MemberId},
};

/// A column family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Table {
    /// Schema version, and the floor of a new store.
    Meta,
    /// The guard: one digest for a duty.
    Guard,
    /// Signed duties.
    Signed,
    /// Confirmed duties.
    Confirmed,
    /// The contracts' events, by last block.
    Events,
    /// Proofs that members cheated, by committee.
    Faults,
    /// What operators forgave, by committee.
    Pardons,
}

impl Table {
    /// Every table, in the order in which records are restored.
    pub(super) const ALL: [Self; 7] =
        [Self::Meta, Self::Guard, Self::Events, Self::Signed, Self::Confirmed, Self::Faults, Self::Pardons];

    /// The column family's name.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Meta => "meta",
            Self::Guard => "guard",
            Self::Signed => "signed",
            Self::Confirmed => "confirmed",
            Self::Events => "events",
            Self::Faults => "faults",
            Self::Pardons => "pardons",
        }
    }
}

/// The key of the floor in [`Table::Meta`].
pub(super) const FLOOR: &[u8] = b"floor";
/// The key of the schema version in [`Table::Meta`].
pub(super) const SCHEMA: &[u8] = b"schema";

/// Where `record` is kept.
pub(super) fn place(record: &Record) -> (Table, Vec<u8>) {
    match record {
        Record::Decided { id, .. } => (Table::Guard, duty_key(*id)),
        Record::Floor { .. } => (Table::Meta, FLOOR.to_vec()),
        Record::Signed { duty, .. } => (Table::Signed, duty_key(duty.id())),
        Record::Confirmed { id } => (Table::Confirmed, duty_key(*id)),
        Record::Events { upto, .. } => (Table::Events, upto.number.to_be_bytes().to_vec()),
        Record::Fault { committee, culprit, fault } => {
            let hash = keccak256(fault.encode());
            (Table::Faults, [member_key(*committee, *culprit).as_slice(), hash.as_slice()].concat())
        }
        Record::Pardon { committee, member, .. } => (Table::Pardons, member_key(*committee, *member)),
    }
}

/// Committee (32 bytes), number (2, big-endian).
fn member_key(committee: B256, member: MemberId) -> Vec<u8> {
    [committee.as_slice(), &member.get().to_be_bytes()].concat()
}

/// Big-endian, so that the order of keys is the order of periods: kind (1 byte), key epoch (8), period (8).
fn duty_key(id: DutyId) -> Vec<u8> {
    let kind = match id.kind {
        DutyKind::Ejection => 0u8,
        DutyKind::Reserves => 1,
    };
    let mut key = vec![kind];
    key.extend_from_slice(&id.key_epoch.0.to_be_bytes());
    key.extend_from_slice(&id.period.0.to_be_bytes());
    key
}
