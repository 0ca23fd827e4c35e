//! Both chains of the simulation: a beacon chain with validators that lose balance, contracts that accept signed duties, and providers
//! that tell the truth or do not.

use super::requests::Requests;
use alloy::primitives::B256;
use guardian_crypto::{bls, schnorr::GroupKey};
use guardian_protocol::{
    AccountModule, At, Attestation, BlockHash, BlockRef, BlsPubkey, CallOutcome, Census, ChainSpec, ChainView,
    Checkpoint, Contracts, DigestDomain, Duty, DutyBody, DutyId, DutyKind, Epoch, EventPage, Fork, GuardianList, Gwei,
    KeyProposal, Level, OnChainProgress, PerKind, ProtocolEvent, Query, ReadFailure, Reading, ReserveRules, Rules,
    Signed, Slot, Standing, StateReading, Target, ValidatorIndex, ValidatorRecord, testing,
};
use std::collections::{BTreeMap, BTreeSet};

/// In this epoch validators that are offline have fallen below the threshold.
pub const LOW: u64 = 8;
/// Slots in an epoch of the simulation.
pub const SLOTS_PER_EPOCH: u64 = 8;
/// Epochs between a block and its finality.
const FINALITY: u64 = 2;
/// Of all validators: they name one account of the execution layer.
const CREDENTIALS: [u8; 32] = [1; 32];
pub(super) const FORK_VERSION: [u8; 4] = [1, 0, 0, 1];
/// What the vault holds, in wei.
const VAULT: u128 = 5_000_000_000_000_000_000;
const POD: u128 = 2_000_000_000;
/// What is owed, a whole number of gwei.
const SUPPLY: u128 = 77_000_000_000;
/// Active validators that are not the protocol's.
const OTHERS: u64 = 10_000;
/// The contract's threshold, in gwei.
const THRESHOLD: u64 = 31_990_000_000;

/// The world outside.
#[derive(Debug)]
pub struct Chain {
    group_key: GroupKey,
    /// The epoch of the head.
    pub(super) epoch: u64,
    pub(super) validators: Vec<(bls::PublicKey, u64)>,
    pub(super) exits: BTreeMap<u64, u64>,
    /// In which epochs the keys are paused.
    pub(super) paused: BTreeSet<u64>,
    /// In which epoch each proposal of a key came. One waits until it is vetoed.
    proposed: Vec<u64>,
    /// How far the contracts were at the start of each epoch, and all events with their epoch.
    accepted: Vec<PerKind<Level>>,
    pub(super) events: Vec<(u64, ProtocolEvent)>,
    /// The list of the module that checks counts, if guardians' own accounts sign them.
    accounts: Option<GuardianList>,
    /// Requests of exits.
    pub requests: Requests,
    /// Transactions that cost money, by duty.
    pub paid: BTreeMap<DutyId, usize>,
}

/// The simulation's network constants.
#[must_use]
pub fn network() -> ChainSpec {
    ChainSpec {
        seconds_per_slot: 1,
        slots_per_epoch: SLOTS_PER_EPOCH,
        forks: vec![Fork { epoch: Epoch(0), version: FORK_VERSION }],
        ..testing::chain_spec()
    }
}

/// What the simulation's contracts say: those of the fixture, where validators fall below the threshold sooner, and reports are due
/// more often.
fn rules() -> Vec<Rules> {
    let mut rules = testing::rules();
    for rules in &mut rules {
        if let Rules::Ejection(rules) = rules {
            rules.threshold = Gwei(THRESHOLD).to_wei();
            rules.requester = Some([7; 20].into());
        }
        if let Rules::Reserves(rules) = rules {
            let (vaults, pods) = (vec![([9; 20].into(), VAULT)], vec![([8; 20].into(), POD)]);
            *rules = ReserveRules {
                period: 2,
                vaults,
                pods,
                sources_version: 1,
                liabilities: SUPPLY * 2,
                supply: SUPPLY,
                deviation_bps: 0,
                last: None,
            };
        }
    }
    rules
}

impl Chain {
    /// A chain in `epoch` with these validators, of whom every third is offline.
    #[must_use]
    pub fn new(group_key: GroupKey, validators: Vec<bls::PublicKey>, epoch: u64) -> Self {
        let validators =
            (0u64..).zip(validators).map(|(i, key)| (key, if i % 3 == 2 { 4_000_000 } else { 0 })).collect();
        let mut chain = Self {
            group_key,
            epoch,
            validators,
            exits: BTreeMap::new(),
            paused: BTreeSet::new(),
            proposed: Vec::new(),
            accepted: vec![nothing_accepted(); index(epoch) + 1],
            events: Vec::new(),
            accounts: None,
            requests: Requests::default(),
            paid: BTreeMap::new(),
        };
        let provisioned: Vec<_> =
            chain.validators.iter().map(|(key, _)| (1, ProtocolEvent::Provisioned(pubkey(key)))).collect();
        chain.events.extend(provisioned);
        chain
    }

    /// The same where guardians' own accounts sign counts: `n` of them are on the list of the oracle's module, and `t` must.
    #[must_use]
    pub fn with_accounts(mut self, n: usize, t: usize) -> Self {
        let numbers = 1..=u16::try_from(n).unwrap_or(u16::MAX);
        let guardians = numbers.map(|number| testing::account(number).1).collect();
        self.accounts = Some(GuardianList { guardians, threshold: t as u64 });
        self
    }

    /// The contracts of this chain.
    #[must_use]
    pub fn contracts(&self) -> Contracts {
        let mut contracts = testing::contracts();
        if self.accounts.is_some() {
            let module = AccountModule { module: [6; 20].into(), bound: false };
            contracts.accounts.insert(DutyKind::ValidatorCount, module);
        }
        contracts
    }

    /// What is signed of `duty`; zero if no contract takes it.
    #[must_use]
    pub fn digest(&self, duty: &Duty) -> B256 {
        DigestDomain::new(network().chain_id, self.contracts()).digest(duty).unwrap_or_default()
    }

    /// The next epoch begins.
    pub fn next_epoch(&mut self) {
        self.accepted.push(self.head());
        self.epoch += 1;
        self.requests.begin(self.epoch);
    }

    /// The last finalized epoch.
    #[must_use]
    pub fn finalized(&self) -> u64 {
        self.epoch.saturating_sub(FINALITY)
    }

    /// Whether validators that are below the threshold are all leaving, the feed has a report of a period after `epoch`, the oracle a count,
    /// and no key waits.
    #[must_use]
    pub fn is_settled(&self, epoch: u64) -> bool {
        let mut low = self.validators_at(self.finalized()).into_iter().filter(is_low);
        let all_leave = low.all(|validator| self.exits.contains_key(&validator.index.0));
        let is_reported = self.head().get(DutyKind::Reserves).is_some_and(|level| level.0 / SLOTS_PER_EPOCH > epoch);
        let is_counted = self.head().get(DutyKind::ValidatorCount).is_some_and(|level| level.0 > 0);
        all_leave && is_reported && is_counted && self.waits(self.epoch).is_none()
    }

    /// What a provider answers. `lie` is added to every balance by one that lies.
    ///
    /// # Errors
    /// If the question can't be answered.
    pub fn answer(&self, query: &Query, lie: i64) -> Result<Reading, ReadFailure> {
        match query {
            Query::Finalized => {
                let epoch = self.finalized();
                Ok(Reading::Finalized((epoch > 0).then(|| checkpoint(epoch))))
            }
            Query::Chain(At::Time(_)) => Err(ReadFailure::NotAvailable("merged".into())),
            Query::Chain(At::Block(hash)) => {
                let epoch = u64::from(hash.0[31]) | u64::from(hash.0[30]) << 8;
                Ok(Reading::Chain(Box::new(self.view(epoch))))
            }
            Query::Events { from, upto, .. } => {
                let range = *from..=*upto;
                let events = self.events.iter().filter(|(at, _)| range.contains(at)).map(|(_, event)| event.clone());
                Ok(Reading::Events(EventPage { from: *from, upto: block(*upto), events: events.collect() }))
            }
            Query::State { slot, pubkeys, .. } => {
                let mut validators = self.validators_at(slot.0 / SLOTS_PER_EPOCH);
                validators.retain(|validator| pubkeys.contains(&validator.pubkey));
                for validator in &mut validators {
                    validator.balance.0 = validator.balance.0.saturating_add_signed(lie);
                }
                // Every third epoch has a state that proves itself, which nobody can lie about.
                let epoch = slot.0 / SLOTS_PER_EPOCH;
                if epoch.is_multiple_of(3) && lie == 0 {
                    return Ok(Reading::State(Box::new(self.state(epoch, validators))));
                }
                Ok(Reading::Validators(validators))
            }
            Query::Progress(targets) => {
                let progress = targets.iter().map(|target| Ok((*target, self.progress(*target)?)));
                progress.collect::<Result<_, _>>().map(Reading::Progress)
            }
        }
    }

    /// The keys are paused for this epoch and the next `more`.
    pub fn pause(&mut self, more: u64) {
        self.paused.extend(self.epoch..=self.epoch.saturating_add(more));
    }

    /// The governor proposes a key, unless one waits already.
    pub fn propose(&mut self) {
        if self.waits(self.epoch).is_none() {
            self.proposed.push(self.epoch);
        }
    }

    /// The number of the proposal that waits in `epoch`.
    fn waits(&self, epoch: u64) -> Option<u64> {
        let number = self.proposed.iter().filter(|at| **at <= epoch).count() as u64;
        let closed = if epoch == self.epoch { self.head() } else { self.accepted_at(epoch) };
        closed.get(DutyKind::KeyVeto).is_none_or(|closed| closed.0 < number).then_some(number).filter(|n| *n > 0)
    }

    /// The validators' public keys, by index.
    pub fn pubkeys(&self) -> impl Iterator<Item = BlsPubkey> {
        self.validators.iter().map(|(key, _)| pubkey(key))
    }

    /// Whether the chain, as it was final at `epoch`, lets guardians give their parts of this validator's exit. Found out in another way
    /// than guardians do.
    #[must_use]
    pub fn lets_go(&self, validator: ValidatorIndex, epoch: Epoch) -> bool {
        let Some(record) = self.validators_at(epoch.0).into_iter().find(|v| v.index == validator) else { return false };
        let is_ordered = self.events.iter().any(|(at, event)| {
            *at <= epoch.0 && matches!(event, ProtocolEvent::Ordered { pubkey, .. } if *pubkey == record.pubkey)
        });
        is_low(&record) && is_ordered && !self.paused.contains(&epoch.0)
    }

    /// Somebody pays to bring a signed duty to its contract.
    pub fn submit(&mut self, signed: &Signed) -> CallOutcome {
        let duty = signed.duty();
        let waits = self.waits(self.epoch);
        let is_taken = match (signed.attestation(), &self.accounts) {
            (Attestation::Accounts(signatures), Some(list)) => list.lay_out(signed.digest(), signatures).is_ok(),
            (Attestation::Accounts(_), None) => false,
            (Attestation::Group(_), accounts) => accounts.is_none() || duty.kind() != DutyKind::ValidatorCount,
        };
        if !is_taken {
            return CallOutcome::Refused("the module does not take these signatures".into());
        }
        let level = self.accepted.last_mut().and_then(|accepted| accepted.get_mut(duty.kind()));
        let Some(level) = level else { return CallOutcome::Failed("no contract".into()) };
        if duty.standing(*level) != Standing::Open {
            return CallOutcome::AlreadyAccepted;
        }
        // A real veto only delays during a pause; here it does what it does at other times.
        if self.paused.contains(&self.epoch) && duty.kind() != DutyKind::KeyVeto {
            return CallOutcome::Refused("paused".into());
        }
        if duty.kind() == DutyKind::KeyVeto && waits != Some(duty.level().0) {
            return CallOutcome::Refused("no such proposal".into());
        }
        // The anchor: the contract knows the roots of blocks that there are.
        if duty.period.0 > self.epoch || duty.reference_root != root_of(duty.period.0) {
            return CallOutcome::Refused("no such block".into());
        }
        *level = duty.level();
        if let DutyBody::Ejection(order) = &duty.body {
            for ejection in order.ejections() {
                let event = ProtocolEvent::Ordered { pubkey: ejection.pubkey, reference_slot: duty.reference_slot };
                // Visible from the next epoch's first block on.
                self.events.push((self.epoch + 1, event));
            }
        }
        *self.paid.entry(duty.id()).or_default() += 1;
        CallOutcome::Included { transaction: signed.digest(), gas: 44_000 }
    }

    /// Whether `duty` says the truth about its reference. Found out in another way than guardians do.
    #[must_use]
    pub fn is_true(&self, duty: &Duty) -> bool {
        let validators = self.validators_at(duty.period.0);
        if duty.reference_root != checkpoint(duty.period.0).root
            || duty.reference_slot.0 != duty.period.0 * SLOTS_PER_EPOCH
        {
            return false;
        }
        match &duty.body {
            DutyBody::Ejection(order) => order.ejections().iter().all(|ejection| {
                validators.get(index(ejection.index.0)).is_some_and(|v| v.pubkey == ejection.pubkey && is_low(v))
            }),
            DutyBody::Reserves(report) => {
                let sum: u128 = validators.iter().map(|v| u128::from(v.balance.0) * 1_000_000_000).sum();
                report.assets() == sum + VAULT + POD
                    && report.liabilities.to_wei() == SUPPLY * 2
                    && (report.supply.to_wei(), report.sources_version) == (SUPPLY, 1)
                    && report.validator_count == validators.len() as u64
            }
            DutyBody::ValidatorCount(count) => count.active == self.active(duty.period.0),
            DutyBody::KeyVeto(veto) => self.waits(duty.period.0) == Some(veto.proposal),
        }
    }

    fn rules(&self) -> Vec<Rules> {
        let mut rules = rules();
        for rules in &mut rules {
            if let Rules::ValidatorCount(rules) = rules {
                rules.accounts.clone_from(&self.accounts);
            }
        }
        rules
    }

    fn view(&self, epoch: u64) -> ChainView {
        ChainView {
            block: block(epoch),
            paused: self.paused.contains(&epoch),
            proposal: self.waits(epoch).map(|number| KeyProposal {
                number,
                ready_at: 0,
                key: [hash(number), hash(0)],
                slowed: false,
            }),
            active_validators: Some(self.provisioned_at(epoch)),
            rules: self.rules(),
            // What was accepted within an epoch is visible from the next one on.
            accepted: self.accepted_at(epoch),
            ..testing::chain_view(self.group_key, epoch)
        }
    }

    /// How many validators the protocol has by the contract's books at the block of `epoch`.
    #[must_use]
    pub fn provisioned_at(&self, epoch: u64) -> u64 {
        let provisioned =
            |(at, event): &&(u64, ProtocolEvent)| *at <= epoch && matches!(event, ProtocolEvent::Provisioned(_));
        self.events.iter().filter(provisioned).count() as u64
    }

    fn state(&self, epoch: u64, mut validators: Vec<ValidatorRecord>) -> StateReading {
        let pending =
            Gwei(if self.requests.are_pending(epoch) && !self.requests.hides_pending { 1_000_000_000 } else { 0 });
        validators.iter_mut().for_each(|validator| validator.pending_withdrawals = Some(pending));
        let Checkpoint { root: block_root, state_root: root, .. } = checkpoint(epoch);
        let census = Census { active: self.active(epoch), ..Census::default() };
        StateReading { slot: Slot(epoch * SLOTS_PER_EPOCH), root, block_root, own: true, validators, census }
    }

    /// Active validators of the network, of which the protocol has a few.
    fn active(&self, epoch: u64) -> u64 {
        let own = self.validators_at(epoch).into_iter().filter(|validator| validator.exit_epoch > Epoch(epoch));
        OTHERS + own.count() as u64
    }

    fn progress(&self, (kind, _): Target) -> Result<OnChainProgress, ReadFailure> {
        let of = |accepted: &PerKind<Level>| accepted.get(kind).copied();
        let none = || ReadFailure::NotAvailable(format!("no contract for {kind}"));
        let head = of(&self.head()).ok_or_else(none)?;
        Ok(OnChainProgress { head, finalized: of(&self.accepted_at(self.finalized())).ok_or_else(none)? })
    }

    fn head(&self) -> PerKind<Level> {
        self.accepted.last().copied().unwrap_or_else(nothing_accepted)
    }

    fn accepted_at(&self, epoch: u64) -> PerKind<Level> {
        self.accepted.get(index(epoch)).copied().unwrap_or_else(nothing_accepted)
    }

    fn validators_at(&self, epoch: u64) -> Vec<ValidatorRecord> {
        (0u64..)
            .zip(&self.validators)
            .map(|(i, (key, loss))| ValidatorRecord {
                pubkey: pubkey(key),
                withdrawal_credentials: CREDENTIALS.into(),
                exit_epoch: self.exits.get(&i).filter(|at| **at < epoch).map_or(Epoch::FAR_FUTURE, |at| Epoch(at + 2)),
                ..testing::validator(i, 32_000_000_000 - loss * epoch)
            })
            .collect()
    }
}

fn nothing_accepted() -> PerKind<Level> {
    DutyKind::ALL.into_iter().map(|kind| (kind, Level(0))).collect()
}

fn is_low(validator: &ValidatorRecord) -> bool {
    validator.balance < Gwei(THRESHOLD)
}

fn checkpoint(epoch: u64) -> Checkpoint {
    Checkpoint {
        epoch: Epoch(epoch),
        root: root_of(epoch),
        block_slot: Slot(epoch * SLOTS_PER_EPOCH),
        state_root: [7; 32].into(),
        execution: Some(BlockHash { number: epoch, hash: hash(epoch) }),
    }
}

pub(super) fn block(epoch: u64) -> BlockRef {
    BlockRef { number: epoch, hash: hash(epoch), timestamp: epoch * SLOTS_PER_EPOCH }
}

/// Root of the block that the checkpoint of `epoch` names.
#[must_use]
pub fn root_of(epoch: u64) -> B256 {
    [u8::try_from(epoch % 251).unwrap_or(0); 32].into()
}

fn hash(epoch: u64) -> B256 {
    B256::left_padding_from(&epoch.to_be_bytes())
}

fn pubkey(key: &bls::PublicKey) -> BlsPubkey {
    key.to_bytes().into()
}

pub(super) fn index(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
