//! The honest provider of a cluster: what it answers, and the chain behind it.

use super::{Cluster, FIRST};
use guardian_protocol::{
    BlockRef, Census, ChainView, Checkpoint, DutyKind, EventPage, Level, OnChainProgress, ProtocolEvent, Query,
    Reading, ReserveRules, Rules, Slot, StateReading,
    testing::{chain_view, checkpoint, reserve_rules},
};

/// How many validators the network has.
pub(crate) const CENSUS: u64 = 1_012_345;

impl Cluster {
    /// An honest provider of a chain on which a report is due in every epoch.
    pub(crate) fn answer(&self, query: &Query) -> Reading {
        let validators = self.validators.iter().map(|validator| validator.record);
        match query {
            Query::Finalized => {
                let root = [u8::try_from(self.finalized % 256).unwrap(); 32].into();
                Reading::Finalized(Some(Checkpoint { root, ..checkpoint(self.finalized) }))
            }
            Query::Chain(_) => Reading::Chain(Box::new(self.chain())),
            Query::Events { from, upto, .. } => {
                let range = *from..=*upto;
                let provisioned =
                    validators.clone().map(|record| (FIRST + 1, ProtocolEvent::Provisioned(record.pubkey)));
                let ordered = self.accepted.iter().map(|(place, period, block)| {
                    let (pubkey, reference_slot) = (self.pubkey(*place), Slot(period.0 * 8));
                    (*block, ProtocolEvent::Ordered { pubkey, reference_slot })
                });
                let events = provisioned.chain(ordered).filter(|(block, _)| range.contains(block));
                let upto = BlockRef { number: *upto, hash: [3; 32].into(), timestamp: *upto };
                let events = events.map(|(_, event)| event).collect();
                Reading::Events(EventPage { from: *from, upto, events })
            }
            Query::State { slot, .. } if self.accounts.is_some() => {
                let root = [u8::try_from(self.finalized % 256).unwrap(); 32].into();
                Reading::State(Box::new(StateReading {
                    slot: *slot,
                    root: checkpoint(self.finalized).state_root,
                    block_root: root,
                    own: true,
                    validators: Vec::new(),
                    census: Census { active: CENSUS, ..Census::default() },
                }))
            }
            Query::State { pubkeys, .. } => {
                Reading::Validators(validators.filter(|record| pubkeys.contains(&record.pubkey)).collect())
            }
            Query::Progress(targets) => {
                let chain = self.chain();
                let reached = |kind| OnChainProgress { head: chain.accepted(kind), finalized: chain.accepted(kind) };
                Reading::Progress(targets.iter().map(|target| (*target, reached(target.0))).collect())
            }
        }
    }

    /// The contracts have everything periodic of the epoch before; at the beginning, nothing is due.
    fn chain(&self) -> ChainView {
        let mut chain = chain_view(self.dealt.committee.group_key(), self.finalized);
        let vaults = vec![([9; 20].into(), 1_000_000_000_000)];
        *reserve_rules(&mut chain) = ReserveRules {
            period: 1,
            vaults,
            pods: Vec::new(),
            sources_version: 1,
            liabilities: 0,
            supply: 0,
            deviation_bps: 0,
            last: None,
        };
        let level = Level((self.finalized - 1).max(FIRST) * 8);
        chain.accepted.insert(DutyKind::Reserves, level);
        let visible = self.accepted.iter().filter(|(.., block)| *block <= self.finalized);
        if let Some(period) = visible.map(|(_, period, _)| *period).chain(self.unseen).max() {
            chain.accepted.insert(DutyKind::Ejection, Level(period.0 * 8));
        }
        if self.accounts.is_some() {
            // Of today: the next one is due at the next day's first epoch.
            chain.accepted.insert(DutyKind::ValidatorCount, Level(FIRST));
        }
        for rules in &mut chain.rules {
            if let Rules::ValidatorCount(rules) = rules {
                rules.accounts.clone_from(&self.accounts);
            }
        }
        chain.proposal = self.proposal;
        chain.accepted.insert(DutyKind::KeyVeto, Level(self.closed));
        let validators = if self.finalized > FIRST { self.validators.len() } else { 0 };
        chain.active_validators = u64::try_from(validators).ok();
        chain
    }
}
