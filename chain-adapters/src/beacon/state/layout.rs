//! What a `BeaconState` consists of, fork by fork (consensus-specs, `specs/<fork>/beacon-chain.md`). A table: a new fork is one
//! more entry. Which bytes of a state are which field follows from it, and so does how the field is hashed.

use super::preset::{Preset, REGISTRY_LIMIT};

/// An SSZ type.
#[derive(Clone, Copy, Debug)]
pub(super) enum Type {
    /// An unsigned integer, or a boolean, of so many bytes.
    Uint(usize),
    /// So many bits.
    Bits(usize),
    /// Bits, at most so many.
    BitList(u64),
    /// So many elements.
    Vector(&'static Self, Count),
    /// Elements, at most so many.
    List(&'static Self, Count),
    /// Fields.
    Container(&'static [Self]),
}

/// How many: by the type, or by the preset.
#[derive(Clone, Copy, Debug)]
pub(super) enum Count {
    Of(u64),
    By(fn(&Preset) -> u64),
}

/// A field of the state.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) ty: Type,
}

/// A fork's state.
#[derive(Debug)]
pub(super) struct Fork {
    /// As `Eth-Consensus-Version` writes it.
    pub(super) name: &'static str,
    /// The fields, in parts that forks have in common.
    parts: &'static [&'static [Field]],
}

/// Every fork whose states can be proved.
pub(super) const FORKS: [Fork; 7] = [
    Fork { name: "phase0", parts: &[HEAD, ATTESTATIONS, FINALITY] },
    Fork { name: "altair", parts: &[HEAD, PARTICIPATION, FINALITY, ALTAIR] },
    Fork { name: "bellatrix", parts: &[HEAD, PARTICIPATION, FINALITY, ALTAIR, &[payload(PAYLOAD_BELLATRIX)]] },
    Fork { name: "capella", parts: &[HEAD, PARTICIPATION, FINALITY, ALTAIR, &[payload(PAYLOAD_CAPELLA)], CAPELLA] },
    Fork { name: "deneb", parts: &[HEAD, PARTICIPATION, FINALITY, ALTAIR, &[payload(PAYLOAD_DENEB)], CAPELLA] },
    Fork {
        name: "electra",
        parts: &[HEAD, PARTICIPATION, FINALITY, ALTAIR, &[payload(PAYLOAD_DENEB)], CAPELLA, ELECTRA],
    },
    Fork {
        name: "fulu",
        parts: &[HEAD, PARTICIPATION, FINALITY, ALTAIR, &[payload(PAYLOAD_DENEB)], CAPELLA, ELECTRA, FULU],
    },
];

/// The entry of the fork with this name, in any case of letters.
pub(super) fn fork(name: &str) -> Option<&'static Fork> {
    // A promoted constant: the table has no interior mutability.
    const TABLE: &[Fork] = &FORKS;
    TABLE.iter().find(|fork| fork.name.eq_ignore_ascii_case(name))
}

impl Fork {
    pub(super) fn fields(&self) -> impl Iterator<Item = Field> + '_ {
        self.parts.iter().flat_map(|part| part.iter().copied())
    }
}

impl Count {
    pub(super) fn get(self, preset: &Preset) -> u64 {
        match self {
            Self::Of(count) => count,
            Self::By(of) => of(preset),
        }
    }
}

impl Type {
    /// Bytes that a value takes, if all take the same.
    pub(super) fn size(&self, preset: &Preset) -> Option<usize> {
        match self {
            Self::Uint(bytes) => Some(*bytes),
            Self::Bits(bits) => Some(bits.div_ceil(8)),
            Self::BitList(_) | Self::List(..) => None,
            Self::Vector(element, count) => element.size(preset)?.checked_mul(usize::try_from(count.get(preset)).ok()?),
            Self::Container(fields) => fields.iter().map(|field| field.size(preset)).sum(),
        }
    }
}

const BYTE: Type = Type::Uint(1);
const U64: Type = Type::Uint(8);
const U256: Type = Type::Uint(32);
const BYTES4: Type = bytes(4);
const BYTES20: Type = bytes(20);
const ROOT: Type = bytes(32);
const PUBKEY: Type = bytes(48);
const SIGNATURE: Type = bytes(96);
const BLOOM: Type = bytes(256);

const CHECKPOINT: Type = Type::Container(&[U64, ROOT]);
const FORK: Type = Type::Container(&[BYTES4, BYTES4, U64]);
pub(super) const HEADER: Type = Type::Container(&[U64, U64, ROOT, ROOT, ROOT]);
const ETH1_DATA: Type = Type::Container(&[ROOT, U64, ROOT]);
pub(super) const VALIDATOR: Type = Type::Container(&[PUBKEY, ROOT, U64, BYTE, U64, U64, U64, U64]);
const ATTESTATION_DATA: Type = Type::Container(&[U64, U64, ROOT, CHECKPOINT, CHECKPOINT]);
/// `MAX_VALIDATORS_PER_COMMITTEE` bits.
const PENDING_ATTESTATION: Type = Type::Container(&[Type::BitList(2048), ATTESTATION_DATA, U64, U64]);
const SYNC_COMMITTEE: Type = Type::Container(&[Type::Vector(&PUBKEY, Count::By(|p| p.sync_committee)), PUBKEY]);
const HISTORICAL_SUMMARY: Type = Type::Container(&[ROOT, ROOT]);
const PENDING_DEPOSIT: Type = Type::Container(&[PUBKEY, ROOT, U64, SIGNATURE, U64]);
const PENDING_WITHDRAWAL: Type = Type::Container(&[U64, U64, U64]);
const PENDING_CONSOLIDATION: Type = Type::Container(&[U64, U64]);
/// `MAX_EXTRA_DATA_BYTES`.
const EXTRA_DATA: Type = Type::List(&BYTE, Count::Of(32));

const PAYLOAD_BELLATRIX: Type =
    Type::Container(&[ROOT, BYTES20, ROOT, ROOT, BLOOM, ROOT, U64, U64, U64, U64, EXTRA_DATA, U256, ROOT, ROOT]);
const PAYLOAD_CAPELLA: Type =
    Type::Container(&[ROOT, BYTES20, ROOT, ROOT, BLOOM, ROOT, U64, U64, U64, U64, EXTRA_DATA, U256, ROOT, ROOT, ROOT]);
const PAYLOAD_DENEB: Type = Type::Container(&[
    ROOT, BYTES20, ROOT, ROOT, BLOOM, ROOT, U64, U64, U64, U64, EXTRA_DATA, U256, ROOT, ROOT, ROOT, U64, U64,
]);

const HEAD: &[Field] = &[
    field("genesis_time", U64),
    field("genesis_validators_root", ROOT),
    field("slot", U64),
    field("fork", FORK),
    field("latest_block_header", HEADER),
    field("block_roots", Type::Vector(&ROOT, Count::By(|p| p.historical_root_slots))),
    field("state_roots", Type::Vector(&ROOT, Count::By(|p| p.historical_root_slots))),
    // `HISTORICAL_ROOTS_LIMIT`.
    field("historical_roots", Type::List(&ROOT, Count::Of(1 << 24))),
    field("eth1_data", ETH1_DATA),
    field("eth1_data_votes", Type::List(&ETH1_DATA, Count::By(|p| p.eth1_voting_epochs * p.slots_per_epoch))),
    field("eth1_deposit_index", U64),
    field("validators", Type::List(&VALIDATOR, Count::Of(REGISTRY_LIMIT))),
    field("balances", Type::List(&U64, Count::Of(REGISTRY_LIMIT))),
    field("randao_mixes", Type::Vector(&ROOT, Count::By(|p| p.historical_vector))),
    field("slashings", Type::Vector(&U64, Count::By(|p| p.slashings_vector))),
];

const ATTESTATIONS: &[Field] = &[
    // `MAX_ATTESTATIONS` in each slot.
    field("previous_epoch_attestations", Type::List(&PENDING_ATTESTATION, Count::By(|p| 128 * p.slots_per_epoch))),
    field("current_epoch_attestations", Type::List(&PENDING_ATTESTATION, Count::By(|p| 128 * p.slots_per_epoch))),
];

const PARTICIPATION: &[Field] = &[
    field("previous_epoch_participation", Type::List(&BYTE, Count::Of(REGISTRY_LIMIT))),
    field("current_epoch_participation", Type::List(&BYTE, Count::Of(REGISTRY_LIMIT))),
];

const FINALITY: &[Field] = &[
    field("justification_bits", Type::Bits(4)),
    field("previous_justified_checkpoint", CHECKPOINT),
    field("current_justified_checkpoint", CHECKPOINT),
    field("finalized_checkpoint", CHECKPOINT),
];

const ALTAIR: &[Field] = &[
    field("inactivity_scores", Type::List(&U64, Count::Of(REGISTRY_LIMIT))),
    field("current_sync_committee", SYNC_COMMITTEE),
    field("next_sync_committee", SYNC_COMMITTEE),
];

const CAPELLA: &[Field] = &[
    field("next_withdrawal_index", U64),
    field("next_withdrawal_validator_index", U64),
    // `HISTORICAL_ROOTS_LIMIT`.
    field("historical_summaries", Type::List(&HISTORICAL_SUMMARY, Count::Of(1 << 24))),
];

const ELECTRA: &[Field] = &[
    field("deposit_requests_start_index", U64),
    field("deposit_balance_to_consume", U64),
    field("exit_balance_to_consume", U64),
    field("earliest_exit_epoch", U64),
    field("consolidation_balance_to_consume", U64),
    field("earliest_consolidation_epoch", U64),
    // `PENDING_DEPOSITS_LIMIT`.
    field("pending_deposits", Type::List(&PENDING_DEPOSIT, Count::Of(1 << 27))),
    field("pending_partial_withdrawals", Type::List(&PENDING_WITHDRAWAL, Count::By(|p| p.partial_withdrawals))),
    field("pending_consolidations", Type::List(&PENDING_CONSOLIDATION, Count::By(|p| p.consolidations))),
];

const FULU: &[Field] = &[
    // `MIN_SEED_LOOKAHEAD` is 1 in every preset.
    field("proposer_lookahead", Type::Vector(&U64, Count::By(|p| 2 * p.slots_per_epoch))),
];

const fn field(name: &'static str, ty: Type) -> Field {
    Field { name, ty }
}

const fn payload(ty: Type) -> Field {
    field("latest_execution_payload_header", ty)
}

const fn bytes(count: u64) -> Type {
    Type::Vector(&Type::Uint(1), Count::Of(count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fork_has_as_many_fields_as_the_specification_says() {
        let counts: Vec<usize> = FORKS.iter().map(|fork| fork.fields().count()).collect();
        assert_eq!(counts, [21, 24, 25, 28, 28, 37, 38]);
    }

    #[test]
    fn forks_are_found_by_name_only() {
        assert_eq!(fork("Deneb").map(|fork| fork.name), Some("deneb"));
        assert!(fork("gloas").is_none());
        assert!(fork("").is_none());
    }
}
