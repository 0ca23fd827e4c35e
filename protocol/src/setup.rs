//! What a guardian is told once, at its start: who it is, with whom, on which chain, and how patient to be.

use crate::{
    duty::{DigestDomain, DutyKind, PerKind},
    hold::Limits,
    types::{ChainSpec, Committee, KeyEpoch, MemberId, Program, Wei},
};
use alloy_primitives::Address;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The fixed surroundings of every step.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Which member this guardian is.
    pub me: MemberId,
    /// All members and their threshold.
    pub committee: Committee,
    /// The chain.
    pub network: ChainSpec,
    /// The contracts.
    pub contracts: Contracts,
    /// How many providers must give the same answer.
    pub quorum: ProviderQuorum,
    /// Intervals and patience.
    pub timing: Timing,
    /// First block that can hold events of the contracts.
    pub start_block: u64,
    /// What may be set in motion before people have looked.
    pub limits: Limits,
    /// Whether this guardian takes part.
    pub mode: Mode,
    /// What this program is, and by which rules it decides.
    pub program: Program,
    /// Whether, and for how much, this guardian requests exits by EIP-7002.
    pub exit_requests: ExitRequestPolicy,
}

/// When this guardian pays for a request that a validator leaves (EIP-7002), and how much. It changes nothing of what is decided, so it may
/// differ between operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExitRequestPolicy {
    /// How many epochs nothing has been in the way of the exit that guardians sign, and no block has had it; 0: that is not waited for.
    /// `None`: it requests none.
    pub after: Option<u64>,
    /// The most wei for one request.
    pub fee_ceiling: Wei,
    /// The most wei for the requests of 24 hours.
    pub fees_per_day: Wei,
}

impl Default for ExitRequestPolicy {
    /// The way that costs nothing comes first. The fee is 1 wei while fewer than two requests come in a block, and rises by 6 % with each
    /// one more: a thousandth of an ether is what it costs with some 590 requests waiting.
    fn default() -> Self {
        const MILLIETHER: Wei = 1_000_000_000_000_000;
        Self { after: Some(4), fee_ceiling: MILLIETHER, fees_per_day: MILLIETHER * 10 }
    }
}

/// Whether a guardian takes part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// It announces, signs and submits.
    #[default]
    Act,
    /// It reads, decides, verifies and raises alarms. It announces, signs and submits nothing, and needs no share.
    Observe,
}

impl Setup {
    /// How many epochs a day has, at least one.
    pub(crate) fn epochs_of_a_day(&self) -> u64 {
        const DAY: u64 = 24 * 60 * 60;
        let epoch = self.network.seconds_per_slot.saturating_mul(self.network.slots_per_epoch);
        DAY.checked_div(epoch).unwrap_or_default().max(1)
    }

    /// The key epoch in the name of a duty of `kind`: 0 where accounts sign, whose digests outlive every key of the group, so that nobody
    /// signs two of them for one period, whatever becomes of that key.
    #[must_use]
    pub fn key_epoch_of(&self, kind: DutyKind) -> KeyEpoch {
        match self.contracts.accounts.get(kind) {
            Some(_) => KeyEpoch(0),
            None => self.committee.key_epoch(),
        }
    }

    /// Where signatures count.
    #[must_use]
    pub fn domain(&self) -> DigestDomain {
        DigestDomain::new(self.network.chain_id, self.contracts)
    }
}

/// The protocol's contracts on this network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contracts {
    /// Holds the group key.
    pub guardian_keys: Address,
    /// Emits the validators' life cycle (PufferProtocol, or its stand-in on a development chain).
    pub protocol: Address,
    /// Checks signatures for Puffer's own contracts, if they have the group's module.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guardian_module: Option<Address>,
    /// Where the duties of each kind go. Without a contract, no duty of the kind is decided.
    pub duties: PerKind<Address>,
    /// Kinds whose contract takes signatures of guardians' own accounts, and which module checks them; the others take the group's.
    #[serde(default, skip_serializing_if = "PerKind::is_empty")]
    pub accounts: PerKind<AccountModule>,
}

/// A module like Puffer's own, which checks signatures of the accounts on its list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountModule {
    /// Its address.
    pub module: Address,
    /// Whether what is signed begins with module and chain: not at the module that is deployed on mainnet, where a signature counts for every
    /// module on every chain that lists the account.
    #[serde(default)]
    pub bound: bool,
}

impl Contracts {
    /// The contracts whose events make up what is known of the protocol's validators: Puffer's own, and those of kinds that log.
    #[must_use]
    pub fn event_sources(&self) -> Vec<Address> {
        let of_kinds = self.duties.iter().filter(|(kind, _)| kind.logs_events()).map(|(_, address)| *address);
        std::iter::once(self.protocol).chain(of_kinds).collect()
    }
}

/// How many equal answers are believed. Must be a majority of the configured providers, or two truths could both find a quorum;
/// [`ProviderQuorum::majority`] is the default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProviderQuorum {
    /// Of the beacon providers.
    pub beacon: usize,
    /// Of the execution providers.
    pub execution: usize,
}

impl ProviderQuorum {
    /// The smallest safe quorum of `providers`.
    #[must_use]
    pub fn majority(providers: usize) -> usize {
        providers.checked_div(2).map_or(1, |half| half.saturating_add(1))
    }
}

/// How often to look and how long to wait. None of these changes *what* is decided, so they may differ between guardians.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Between two looks at finality and at the contracts. A nudge (SSE) makes it sooner.
    pub poll: Duration,
    /// The coordinator of rank i starts after i times this.
    pub coordinator_stagger: Duration,
    /// How long a coordinator waits for shares before it tries with others.
    pub share_timeout: Duration,
    /// A duty that is not signed is announced again, with fresh nonces, after this.
    pub reannounce: Duration,
    /// The submitter of rank i steps in after i times this, if the contract has not moved.
    pub submit_stagger: Duration,
    /// A query without answers is given up after this.
    pub query_timeout: Duration,
}

impl Default for Timing {
    /// For mainnet: a slot is 12 s, and a transaction needs a few of them.
    fn default() -> Self {
        Self {
            poll: Duration::from_secs(12),
            coordinator_stagger: Duration::from_secs(1),
            share_timeout: Duration::from_secs(2),
            reannounce: Duration::from_secs(10),
            submit_stagger: Duration::from_secs(48),
            // Three states, each asked for ten seconds after the one before it, then the validators alone.
            query_timeout: Duration::from_secs(180),
        }
    }
}
