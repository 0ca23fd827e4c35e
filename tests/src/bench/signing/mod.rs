//! How long a committee needs from knowing that t digests are equal to its signature: n brains with n real libp2p networks, a simulated
//! distance apart, on chains that answer at once; with every fault that the committee is made to bear.
//!
//! | file | what |
//! |---|---|
//! | `cluster`, `node` | the committee: each guardian on a thread of its own |
//! | `fault` | what goes wrong on purpose |
//! | `round`, `meter` | one signature: by the wall clock, and the work along its critical path |
//! | `table` | cases, their results in words, and the figures |

mod cluster;
mod fault;
mod meter;
mod node;
mod round;
mod table;

pub use cluster::Transport;
pub use fault::Fault;
pub use table::{figures, table};

use self::{cluster::Cluster, round::Round};
use crate::simulation::keys::Keys;
use eyre::{Result, WrapErr, bail, eyre};
use hdrhistogram::Histogram;
use serde::Serialize;
use std::{sync::Arc, time::Duration};

/// For a signature that meets every timeout.
const PATIENCE: Duration = Duration::from_secs(60);

/// Echoes before the signatures.
const ECHOES: usize = 30;

/// One run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Case {
    /// n.
    pub members: u16,
    /// t.
    pub threshold: u16,
    /// What goes wrong.
    pub fault: Fault,
    /// The simulated distance; zero for one machine.
    #[serde(rename = "round_trip_ms", serialize_with = "milliseconds")]
    pub round_trip: Duration,
    /// What the connections run over.
    pub transport: Transport,
    /// How many signatures to measure.
    pub signatures: usize,
}

/// What came out, in milliseconds where nothing else is said.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Outcome {
    /// The run.
    pub case: Case,
    /// A question to another member and its answer over the same network, without any other work: the reference.
    pub echo_p50: f64,
    /// By the clock on the wall.
    pub p50: f64,
    /// By the clock on the wall.
    pub p99: f64,
    /// Work along the critical path, distance not included; see `round`.
    pub path_p50: f64,
    /// Work along the critical path.
    pub path_p99: f64,
    /// The coordinator's part of it.
    pub coordinator_p50: f64,
    /// The slowest signer's part of it.
    pub signer_p50: f64,
    /// Sessions, which are round trips, that a signature took.
    pub sessions_p50: u64,
    /// The most sessions that a signature took.
    pub sessions_max: u64,
    /// Members that were found to cheat, in all signatures together.
    pub culprits: usize,
}

impl Outcome {
    /// What the wall clock shows above the simulated round trip.
    #[must_use]
    pub fn over_round_trip(&self) -> f64 {
        self.p50 - self.case.round_trip.as_secs_f64() * 1000.0
    }
}

fn milliseconds<S: serde::Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_secs_f64() * 1000.0)
}

/// Signs as often as `case` says.
///
/// # Errors
/// If the committee can't be started, or a report is not signed.
pub fn measure(case: Case) -> Result<Outcome> {
    let keys = Arc::new(Keys::deal(case.members, case.threshold, 1, false));
    let cluster = Cluster::start(&keys, case.fault, case.round_trip, case.transport)?;
    let outcome = sign(&case, &cluster).wrap_err_with(|| format!("{case:?}"));
    cluster.stop();
    outcome
}

fn sign(case: &Case, cluster: &Cluster) -> Result<Outcome> {
    let micros = |duration: Duration| u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
    let histogram = || Histogram::<u64>::new(3).wrap_err("histogram");
    let (mut echoes, mut took, mut sessions) = (histogram()?, histogram()?, histogram()?);
    let (mut path, mut coordinator, mut signer) = (histogram()?, histogram()?, histogram()?);
    // Time for what is still under way: the rest of a round, mostly of those who are not needed.
    let quiet = case.round_trip.saturating_add(Duration::from_millis(20 + 5 * u64::from(case.members)));
    warm_up(cluster, quiet)?;
    for echo in cluster.echoes(ECHOES)? {
        echoes.record(micros(echo))?;
    }
    let mut culprits = 0;
    for number in 0..case.signatures {
        if case.fault == Fault::Culprits {
            // Who was caught once is not asked again; so everybody forgets.
            cluster.restart()?;
            while cluster.next(quiet)?.is_some() {}
        }
        cluster.next_period()?;
        let round = Round::next(cluster, PATIENCE, quiet)?.ok_or_else(|| eyre!("no signature in round {number}"))?;
        took.record(micros(round.took))?;
        path.record(micros(round.coordinator.saturating_add(round.signer)))?;
        coordinator.record(micros(round.coordinator))?;
        signer.record(micros(round.signer))?;
        sessions.record(u64::try_from(round.sessions)?)?;
        culprits += round.culprits;
    }
    let ms = |histogram: &Histogram<u64>, quantile| histogram.value_at_quantile(quantile) as f64 / 1000.0;
    Ok(Outcome {
        case: *case,
        echo_p50: ms(&echoes, 0.5),
        p50: ms(&took, 0.5),
        p99: ms(&took, 0.99),
        path_p50: ms(&path, 0.5),
        path_p99: ms(&path, 0.99),
        coordinator_p50: ms(&coordinator, 0.5),
        signer_p50: ms(&signer, 0.5),
        sessions_p50: sessions.value_at_quantile(0.5),
        sessions_max: sessions.max(),
        culprits,
    })
}

/// Guardians with new stores leave out the first period that they see; the first signature is then not counted either.
fn warm_up(cluster: &Cluster, quiet: Duration) -> Result<()> {
    for _ in 0..10 {
        cluster.next_period()?;
        if Round::next(cluster, Duration::from_secs(30), quiet)?.is_some() {
            return Ok(());
        }
    }
    bail!("the committee does not sign")
}
