//! The time before there is a brain: which chain this is, a majority of the providers must say. After a power cut the guardian may be up before
//! they are: it then shows that it is not ready, and why, and keeps asking.

use crate::{
    committee::CommitteeFile,
    config::Config,
    hint::{Hinted, WithHint},
    metrics::Metrics,
    program,
};
use guardian_chain::{ChainConfig, Error, Readers};
use guardian_protocol::{ChainSpec, Layer, Reason, Status};
use std::{sync::Arc, time::Duration};
use tokio::sync::watch;

const ADVICE: &str =
    "check the urls under [beacon] and [execution]; enough providers must be up, on the same network as chain_id";

/// What is shown until then.
#[derive(Debug)]
pub(crate) struct Waiting {
    status: Status,
    shown: watch::Sender<Status>,
    metrics: Arc<Metrics>,
}

impl Waiting {
    /// Nothing is known yet. Who shows the status takes the other end; the brain takes this one over.
    pub(crate) fn new(
        config: &Config,
        committee: &CommitteeFile,
        metrics: Arc<Metrics>,
    ) -> Result<(Self, watch::Receiver<Status>), Hinted> {
        let who =
            (committee.named(&config.guardian.name)?.id, committee.committee()?.threshold(), config.guardian.mode);
        let program = program::program(config.contracts.chain_id);
        let status = Status::before_start(who, program, config.contracts.start_block, vec![Reason::NothingObserved]);
        let (shown, watcher) = watch::channel(status.clone());
        metrics.show(&status);
        Ok((Self { status, shown, metrics }, watcher))
    }

    /// The providers, as soon as enough of them say which chain they serve. Asks again after each `pause`.
    ///
    /// # Errors
    /// If waiting is of no use: they say, and it is not the configured chain, or not one.
    pub(crate) async fn connect(&self, config: ChainConfig, pause: Duration) -> Result<(Readers, ChainSpec), Hinted> {
        let mut told = String::new();
        loop {
            let error = match Readers::connect(config.clone()).await {
                Err(error) if error.may_pass() => error,
                outcome => return outcome.hint("can't connect to the chains", ADVICE),
            };
            let why = error.to_string();
            if why != told {
                tracing::error!(
                    why,
                    hint = ADVICE,
                    "can't connect to the chains yet: asking again until enough answer"
                );
                told = why;
            }
            self.show(reasons(&error));
            tokio::time::sleep(pause).await;
        }
    }

    fn show(&self, not_ready: Vec<Reason>) {
        let status = Status { not_ready, ..self.status.clone() };
        self.metrics.show(&status);
        self.shown.send_replace(status);
    }

    /// Where the brain's status goes from now on.
    pub(crate) fn over(self) -> watch::Sender<Status> {
        self.shown
    }
}

/// What the page of readiness says.
fn reasons(error: &Error) -> Vec<Reason> {
    match error {
        Error::TooFewReachable { layer: Layer::Beacon, .. } => vec![Reason::BeaconQuorum],
        Error::TooFewReachable { layer: Layer::Execution, .. } => vec![Reason::ExecutionQuorum],
        Error::NoMajority { layer: Layer::Beacon, .. } => vec![Reason::BeaconContradiction],
        Error::NoMajority { layer: Layer::Execution, .. } => vec![Reason::ExecutionContradiction],
        Error::Both(first, second) => [reasons(first), reasons(second)].concat(),
        Error::ProviderCount { .. }
        | Error::DuplicateName { .. }
        | Error::Contradiction(_)
        | Error::Http(_)
        | Error::AccountKey
        | Error::SignerAccess(_) => Vec::new(),
    }
}
