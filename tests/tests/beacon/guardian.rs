//! A guardian's observation of three beacon nodes, and an execution node that knows next to nothing.

use guardian_chain::{Limits, state::MINIMAL};
use guardian_protocol::{DutyBody, Event, Evidence, Layer, Query, Timestamp, testing::decide};
use guardian_tests::synthetic::{BeaconServer, Manner, Synthetic, Watch, validator::Registry as Validators};
use std::{
    ops::{Deref, DerefMut},
    time::Duration,
};

pub(crate) const TRACKED: [u64; 5] = [0, 1, 7, 300, 599];

pub(crate) fn synthetic(fork: &'static str, skipped: bool) -> Synthetic {
    let registry = Validators { seed: 5, epoch: 40 };
    Synthetic { fork, preset: MINIMAL, validators: 600, registry, skipped, lie: 0 }
}

/// A guardian's observation of some beacon nodes.
pub(crate) struct Guardian {
    pub(crate) servers: Vec<BeaconServer>,
    watch: Watch,
    now: u64,
}

impl Deref for Guardian {
    type Target = Watch;

    fn deref(&self) -> &Watch {
        &self.watch
    }
}

impl DerefMut for Guardian {
    fn deref_mut(&mut self) -> &mut Watch {
        &mut self.watch
    }
}

impl Guardian {
    pub(crate) async fn new(state: Synthetic, manners: [Manner; 3], limits: Limits) -> Self {
        let mut servers = Vec::new();
        for manner in manners {
            servers.push(BeaconServer::start(state, manner).await.unwrap());
        }
        let urls: Vec<_> = servers.iter().map(|server| server.url.clone()).collect();
        let tracked = TRACKED.map(|index| state.registry.pubkey(index).into());
        let watch = Watch::open(urls, tracked, limits).await.unwrap();
        Self { servers, watch, now: 1 }
    }

    /// Observes once: asks and answers until there is evidence or trouble.
    pub(crate) async fn observe(&mut self) -> Option<Evidence> {
        self.observe_while(|_, _| {}).await
    }

    /// The same; before each question is put to the nodes, `happens` to them.
    pub(crate) async fn observe_while(&mut self, mut happens: impl FnMut(&Query, &[BeaconServer])) -> Option<Evidence> {
        self.now += 1_000_000;
        self.watch.look(Timestamp(self.now), |query| happens(query, &self.servers)).await.unwrap()
    }

    /// The sum of validators' balances in the report, in gwei.
    pub(crate) fn reported(&self, evidence: &Evidence) -> u128 {
        let duties = decide(evidence, self.network().slots_per_epoch);
        let sum = duties.iter().find_map(|duty| match &duty.body {
            DutyBody::Reserves(report) => Some(u128::from(report.validators.0)),
            _ => None,
        });
        sum.unwrap()
    }

    pub(crate) fn named(&self) -> Vec<u8> {
        let mut named: Vec<u8> = self
            .events
            .iter()
            .filter_map(|event| match event {
                Event::ProviderDisagrees { provider, layer: Layer::Beacon, .. } => Some(provider.0),
                _ => None,
            })
            .collect();
        named.sort_unstable();
        named.dedup();
        named
    }
}

pub(crate) fn truth(state: Synthetic) -> u128 {
    TRACKED.iter().map(|index| u128::from(state.registry.validator(*index).balance)).sum()
}

pub(crate) fn quick() -> Limits {
    Limits {
        request_timeout: Duration::from_secs(5),
        state_timeout: Duration::from_secs(20),
        answer_timeout: Duration::from_secs(20),
        ..Limits::default()
    }
}
