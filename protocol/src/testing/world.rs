//! One chain with contracts for every kind of duty, and what is read on it. A new kind adds its rules here, and no test names kinds again.

use crate::{
    BlockRef, BlsPubkey, ChainSpec, ChainView, Checkpoint, Committee, Contracts, DutyKind, EjectionRules, Epoch,
    Evidence, Gwei, KeyEpoch, Level, MemberId, PerKind, Proof, ProviderQuorum, ReserveRules, Rules, Setup, Slot,
    Timing, ValidatorIndex, ValidatorRecord, types::Registry,
};
use guardian_crypto::schnorr::GroupKey;

/// A chain without forks. 8 slots are an epoch, as with the minimal preset.
#[must_use]
pub fn chain_spec() -> ChainSpec {
    ChainSpec {
        chain_id: 1,
        genesis_validators_root: [3; 32].into(),
        genesis_time: 0,
        seconds_per_slot: 12,
        slots_per_epoch: 8,
        forks: Vec::new(),
        capella_fork_version: None,
        deneb_fork_epoch: None,
    }
}

/// A contract for every kind, each at another address.
#[must_use]
pub fn contracts() -> Contracts {
    Contracts {
        guardian_keys: [1; 20].into(),
        protocol: [4; 20].into(),
        guardian_module: Some([5; 20].into()),
        duties: DutyKind::ALL.into_iter().map(|kind| (kind, [0x10 | kind.number(); 20].into())).collect(),
    }
}

/// Where `me` of `committee` stands, with one provider of each layer.
#[must_use]
pub fn setup(committee: Committee, me: MemberId) -> Setup {
    Setup {
        me,
        committee,
        network: chain_spec(),
        contracts: contracts(),
        quorum: ProviderQuorum { beacon: 1, execution: 1 },
        timing: Timing::default(),
        start_block: 0,
    }
}

/// What the contracts of all kinds say: validators below 31.75 ETH must leave, everything periodic is due every ten epochs.
#[must_use]
pub fn rules() -> Vec<Rules> {
    let of_kind = |kind| match kind {
        DutyKind::Ejection => Rules::Ejection(EjectionRules { threshold: Gwei(31_750_000_000).to_wei() }),
        DutyKind::Reserves => Rules::Reserves(ReserveRules {
            period: 10,
            vaults: vec![([8; 20].into(), 7_000_000_000), ([9; 20].into(), 5_999_999_999)],
            pods: vec![([7; 20].into(), 3_000_000_000)],
            liabilities: 4_000_000_001,
        }),
    };
    DutyKind::ALL.into_iter().map(of_kind).collect()
}

/// The contracts at block `epoch`, with nothing accepted yet.
#[must_use]
pub fn chain_view(group_key: GroupKey, epoch: u64) -> ChainView {
    ChainView {
        block: BlockRef { number: epoch, hash: [3; 32].into(), timestamp: epoch },
        key_epoch: KeyEpoch(1),
        group_key,
        rules: rules(),
        accepted: DutyKind::ALL.into_iter().map(|kind| (kind, Level(0))).collect::<PerKind<Level>>(),
    }
}

/// The finalized checkpoint of `epoch`.
#[must_use]
pub fn checkpoint(epoch: u64) -> Checkpoint {
    Checkpoint {
        epoch: Epoch(epoch),
        root: [1; 32].into(),
        block_slot: Slot(epoch.saturating_mul(8)),
        state_root: [2; 32].into(),
        execution: None,
    }
}

/// A validator that does its duty, with `balance` gwei. Its key is its index, byte for byte.
#[must_use]
pub fn validator(index: u64, balance: u64) -> ValidatorRecord {
    ValidatorRecord {
        index: ValidatorIndex(index),
        pubkey: BlsPubkey::repeat_byte(u8::try_from(index % 256).unwrap_or_default()),
        withdrawal_credentials: [0; 32].into(),
        balance: Gwei(balance),
        effective_balance: Gwei(32_000_000_000),
        slashed: false,
        activation_epoch: Epoch(0),
        exit_epoch: Epoch::FAR_FUTURE,
        withdrawable_epoch: Epoch::FAR_FUTURE,
        participation: None,
    }
}

/// What was read at `epoch`, by quorum.
#[must_use]
pub fn evidence(chain: ChainView, epoch: u64, validators: Vec<ValidatorRecord>) -> Evidence {
    evidence_with(chain, epoch, validators, &Registry::default())
}

/// The same; the protocol's validators are those of `registry` and `validators` alike.
#[must_use]
pub fn evidence_with(chain: ChainView, epoch: u64, validators: Vec<ValidatorRecord>, registry: &Registry) -> Evidence {
    let checkpoint = checkpoint(epoch);
    Evidence::new((checkpoint, Slot(epoch.saturating_mul(8)), chain), (validators, None, Proof::Quorum), registry)
}
