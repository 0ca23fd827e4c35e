//! The cases that are measured, a table of what came out, and the figures made of it.

use super::{Case, Fault, Outcome, Transport, measure};
use crate::bench::Figure;
use eyre::Result;
use std::time::Duration;

/// As in the bench that the others' figure is from.
const ROUND_TRIP: Duration = Duration::from_millis(100);

/// A committee, and the names of its figures.
struct Committee {
    members: u16,
    threshold: u16,
    over_round_trip: &'static str,
    path: &'static str,
    /// What shall be enough above one round trip, in milliseconds.
    aim: f64,
    /// A signature in a hundred is a figure of its own only if there are hundreds; large committees take seconds for each.
    share: usize,
}

const COMMITTEES: [Committee; 4] = [
    Committee {
        members: 4,
        threshold: 3,
        over_round_trip: "sign_4_over_rtt_ms",
        path: "sign_4_critical_path_ms",
        aim: 5.0,
        share: 1,
    },
    Committee {
        members: 7,
        threshold: 5,
        over_round_trip: "sign_7_over_rtt_ms",
        path: "sign_7_critical_path_ms",
        aim: 5.0,
        share: 1,
    },
    Committee {
        members: 31,
        threshold: 21,
        over_round_trip: "sign_31_over_rtt_ms",
        path: "sign_31_critical_path_ms",
        aim: 5.0,
        share: 2,
    },
    Committee {
        members: 100,
        threshold: 67,
        over_round_trip: "sign_67of100_over_rtt_ms",
        path: "sign_67of100_critical_path_ms",
        aim: 25.0,
        share: 10,
    },
];

/// Measures everything: `signatures` of the small committees, fewer of the large ones and of those with faults. `tell` hears of each
/// outcome when it is there.
///
/// # Errors
/// If a committee does not sign.
pub fn figures(signatures: usize, mut tell: impl FnMut(&Outcome)) -> Result<(Vec<Figure>, Vec<Outcome>)> {
    let mut outcomes = Vec::new();
    let mut run = |case: Case| -> Result<Outcome> {
        let outcome = measure(case)?;
        tell(&outcome);
        outcomes.push(outcome);
        Ok(outcome)
    };
    let transport = Transport::Quic;
    let near = Case { members: 7, threshold: 5, fault: Fault::None, round_trip: Duration::ZERO, transport, signatures };
    let near = run(near)?;
    let reference = "NEAR MPC with presignatures on a 100 ms network, quoted";
    let figure = |name, value| Figure { name, value, unit: "ms", reference, reference_value: 100.6 };
    let mut figures = vec![figure("sign_5of7_p50_ms", near.p50), figure("sign_5of7_p99_ms", near.p99)];
    for committee in COMMITTEES {
        for fault in Fault::ALL {
            let few = if fault == Fault::None { 1 } else { 5 };
            let signatures = signatures.div_ceil(committee.share * few).max(5);
            let Committee { members, threshold, .. } = committee;
            let outcome = run(Case { members, threshold, fault, round_trip: ROUND_TRIP, transport, signatures })?;
            if fault == Fault::None {
                let reference = "the aim, above one round trip of 100 ms";
                let figure =
                    |name, value| Figure { name, value, unit: "ms", reference, reference_value: committee.aim };
                figures.push(figure(committee.over_round_trip, outcome.over_round_trip()));
                figures.push(figure(committee.path, outcome.path_p50));
            }
        }
    }
    Ok((figures, outcomes))
}

/// The head of the table, and a line for each outcome.
#[must_use]
pub fn table(outcomes: &[Outcome]) -> String {
    let mut lines = vec![format!(
        "{:<10} {:<4} {:<18} {:>6} {:>8} {:>9} {:>9} {:>9} {:>8} {:>8}  {:<8} {}",
        "signing",
        "over",
        "fault",
        "rtt",
        "echo p50",
        "p50",
        "p99",
        "over rtt",
        "path p50",
        "path p99",
        "sessions",
        "times"
    )];
    lines.extend(outcomes.iter().map(Outcome::to_string));
    lines.join("\n")
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Case { members, threshold, fault, round_trip, transport, signatures } = self.case;
        let committee = format!("{threshold} of {members}");
        let sessions = format!("{}, {}", self.sessions_p50, self.sessions_max);
        write!(
            f,
            "{committee:<10} {transport:<4} {fault:<18} {:>6.0} {:>8.2} {:>9.2} {:>9.2} {:>9.2} {:>8.2} {:>8.2} {:>8.2} {:>8.2}  {sessions:<8} {signatures:>5} {:>8}",
            round_trip.as_secs_f64() * 1000.0,
            self.echo_p50,
            self.p50,
            self.p99,
            self.over_round_trip(),
            self.path_p50,
            self.path_p99,
            self.coordinator_p50,
            self.signer_p50,
            self.culprits,
        )
    }
}
