//! One chain with contracts for every kind of duty, and what is read on it. A new kind adds its rules here, and no test names kinds again.

use super::Dealt;
use crate::{
    BlockRef, BlsPubkey, ChainSpec, ChainView, Checkpoint, Committee, Contracts, DutyKind, Epoch, Evidence,
    ExitRequestPolicy, Fork, Gwei, KeyEpoch, Level, Limits, MemberId, Mode, PerKind, Program, ProgramVersion, Proof,
    ProviderQuorum, RuleSchedule, Rules, Setup, Slot, Timing, ValidatorIndex, ValidatorRecord, types::Registry,
};
use guardian_crypto::schnorr::GroupKey;

/// A chain that has had one fork, at its first epoch. 8 slots are an epoch, as with the minimal preset.
#[must_use]
pub fn chain_spec() -> ChainSpec {
    ChainSpec {
        chain_id: 1,
        genesis_validators_root: [3; 32].into(),
        genesis_time: 0,
        seconds_per_slot: 12,
        slots_per_epoch: 8,
        forks: vec![Fork { epoch: Epoch(0), version: [1, 0, 0, 1] }],
        capella_fork_version: None,
        deneb_fork_epoch: None,
        shard_committee_period: 0,
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
        accounts: PerKind::default(),
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
        limits: Limits::default(),
        mode: Mode::Act,
        program: program(),
        exit_requests: ExitRequestPolicy::default(),
    }
}

/// A release without a commit, which decides by the first rules for good.
#[must_use]
pub fn program() -> Program {
    Program { version: ProgramVersion { numbers: [0, 1, 0], commit: None }, rules: RuleSchedule::default() }
}

/// What the contracts of all kinds say: validators below 31.75 ETH must leave, a report is due every ten epochs.
#[must_use]
pub fn rules() -> Vec<Rules> {
    DutyKind::ALL.into_iter().map(Rules::example).collect()
}

/// The contracts at block `epoch`, with nothing accepted yet.
#[must_use]
pub fn chain_view(group_key: GroupKey, epoch: u64) -> ChainView {
    ChainView {
        block: BlockRef { number: epoch, hash: [3; 32].into(), timestamp: epoch },
        key_epoch: KeyEpoch(1),
        group_key,
        paused: false,
        proposal: None,
        rules: rules(),
        accepted: DutyKind::ALL.into_iter().map(|kind| (kind, Level(0))).collect::<PerKind<Level>>(),
        active_validators: None,
    }
}

/// The same, with the key of some committee.
#[must_use]
pub fn any_chain_view(epoch: u64) -> ChainView {
    chain_view(Dealt::new(3, 2, 3).committee.group_key(), epoch)
}

/// The rules of reserves in `chain`, to be changed.
///
/// # Panics
/// If there are none.
#[must_use]
pub fn reserve_rules(chain: &mut ChainView) -> &mut crate::ReserveRules {
    let found = chain.rules.iter_mut().find_map(|rules| if let Rules::Reserves(of) = rules { Some(of) } else { None });
    found.unwrap()
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
        pending_withdrawals: None,
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
