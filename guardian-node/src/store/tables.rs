//! Which record lives in which table, under which key. Keys and values are lasting formats.

use alloy_primitives::{B256, keccak256};
use guardian_protocol::{DutyId, MemberId, Record, Subject};

/// A column family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Table {
    /// Schema version, the chain, the floor, and the number of the last start.
    Meta,
    /// The guard: one digest for a duty.
    Guard,
    /// Signed duties.
    Signed,
    /// Confirmed duties.
    Confirmed,
    /// The contracts' events, by the hash of the contracts' addresses (32 bytes) and the first block (8, big-endian).
    Events,
    /// Proofs that members cheated, by committee.
    Faults,
    /// What operators forgave, by committee.
    Pardons,
    /// What the operator holds, by kind; and what is held by itself, by kind and cause.
    Holds,
    /// Digests that the operator forbids.
    Forbidden,
    /// Duties that the operator lets pass the limits, by period.
    Released,
    /// Digests that the operator asks for.
    AskedFor,
    /// Requests of exits that this guardian pays for, by order (32 bytes) and public key (48).
    ExitRequests,
}

impl Table {
    /// Every table, in the order in which records are restored.
    pub(super) const ALL: [Self; 12] = [
        Self::Meta,
        Self::Guard,
        Self::Events,
        Self::Signed,
        Self::Confirmed,
        Self::Faults,
        Self::Pardons,
        Self::Holds,
        Self::Forbidden,
        Self::Released,
        Self::AskedFor,
        Self::ExitRequests,
    ];

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
            Self::Holds => "holds",
            Self::Forbidden => "forbidden",
            Self::Released => "released",
            Self::AskedFor => "asked_for",
            Self::ExitRequests => "exit_requests",
        }
    }
}

/// The key of the floor in [`Table::Meta`].
pub(super) const FLOOR: &[u8] = b"floor";
/// The key of the last epoch of which a whole state was served, in [`Table::Meta`].
pub(super) const STATES_SERVED: &[u8] = b"states served";
/// The key of the chain in [`Table::Meta`].
pub(super) const CHAIN: &[u8] = b"chain";
/// The key of the last start's number in [`Table::Meta`].
pub(super) const BOOT: &[u8] = b"boot";
/// The key of the schema version in [`Table::Meta`].
pub(super) const SCHEMA: &[u8] = b"schema";

/// Where `record` is kept.
pub(super) fn place(record: &Record) -> (Table, Vec<u8>) {
    match record {
        Record::Decided { id, .. } => (Table::Guard, duty_key(*id)),
        Record::Floor { .. } => (Table::Meta, FLOOR.to_vec()),
        Record::Boot { .. } => (Table::Meta, BOOT.to_vec()),
        Record::Signed { duty, .. } | Record::Attested { duty, .. } => (Table::Signed, duty_key(duty.id())),
        Record::Confirmed { id } => (Table::Confirmed, duty_key(*id)),
        Record::Chain { .. } => (Table::Meta, CHAIN.to_vec()),
        Record::Events { contracts, page } => {
            let contracts: Vec<u8> = contracts.iter().flat_map(|address| address.as_slice()).copied().collect();
            (Table::Events, [keccak256(contracts).as_slice(), &page.from.to_be_bytes()].concat())
        }
        Record::Fault { committee, culprit, fault } => {
            let hash = keccak256(fault.encode());
            (Table::Faults, [member_key(*committee, *culprit).as_slice(), hash.as_slice()].concat())
        }
        Record::Pardon { committee, member, .. } => (Table::Pardons, member_key(*committee, *member)),
        Record::Hold { kind, .. } => (Table::Holds, vec![kind.number()]),
        Record::Forbidden { digest } => (Table::Forbidden, digest.to_vec()),
        Record::AskedFor { digest } => (Table::AskedFor, digest.to_vec()),
        Record::ExitRequest { order, pubkey, .. } => {
            (Table::ExitRequests, [order.as_slice(), pubkey.as_slice()].concat())
        }
        Record::StatesServed { .. } => (Table::Meta, STATES_SERVED.to_vec()),
        Record::AutomaticHold { kind, cause, .. } => (Table::Holds, vec![kind.number(), cause.number()]),
        Record::Released { duty } => {
            let hash = keccak256(record.encode());
            (Table::Released, [duty_key(duty.id()).as_slice(), hash.as_slice()].concat())
        }
    }
}

/// Committee (32 bytes), number (2, big-endian).
fn member_key(committee: B256, member: MemberId) -> Vec<u8> {
    [committee.as_slice(), &member.get().to_be_bytes()].concat()
}

/// Big-endian, so that the order of keys is the order of periods: kind (1 byte), key epoch (8), period (8), and what the subject is
/// (1 byte) and says: nothing of the whole, module (32) and index (8) of a registration, the hash (32) of a batch.
fn duty_key(id: DutyId) -> Vec<u8> {
    let mut key = vec![id.kind.number()];
    key.extend_from_slice(&id.key_epoch.0.to_be_bytes());
    key.extend_from_slice(&id.period.0.to_be_bytes());
    match id.subject {
        Subject::Whole => key.push(0),
        Subject::Registration { module, index } => {
            key.push(1);
            key.extend_from_slice(module.as_slice());
            key.extend_from_slice(&index.to_be_bytes());
        }
        Subject::Batch(hash) => {
            key.push(2);
            key.extend_from_slice(hash.as_slice());
        }
    }
    key
}
