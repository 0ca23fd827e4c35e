//! Whole beacon states at the size of mainnet and beyond: downloaded over loopback HTTP, parsed, proved and evaluated, from cold and
//! after the state of the epoch before; each size in a process of its own, so that its peak of memory is its own. Beside it, in the
//! same process and on the same cores: the bare SHA-256 of as many blocks as the tree has, and the plain way, JSON into objects.

pub mod case;
pub mod soak;

use super::Figure;
use crate::synthetic::{BeaconServer, Manner, Synthetic, validator::Registry};
use case::{Measured, Way};
use eyre::{Result, WrapErr, ensure};
use guardian_chain::state::MAINNET;
use tokio::process::Command;

/// Registry sizes: a small network, active mainnet, mainnet's registry, and twice that.
pub const SIZES: [u64; 4] = [100_000, 1_000_000, 2_200_000, 4_000_000];
/// Beyond this, objects from JSON need more memory than machines for tests have.
const MOST_JSON: u64 = 2_200_000;

/// The first state's epoch: about mainnet's today, and long after a leak of the synthetic chain.
const BEFORE: u64 = 400_045;

/// The state that the sizes are measured with.
#[must_use]
pub const fn state(validators: u64, epoch: u64) -> Synthetic {
    let registry = Registry { seed: 11, epoch };
    Synthetic { fork: "fulu", preset: MAINNET, validators, registry, skipped: false, lie: 0 }
}

/// Measures all sizes; `say` gets a line for each.
///
/// # Errors
/// If a process fails, or a state is not proved.
pub async fn measure(sizes: &[u64], say: impl Fn(&str)) -> Result<Vec<Figure>> {
    say(&Measured::head());
    let mut figures = Vec::new();
    for size in sizes {
        let streamed = run(*size, Way::Streamed).await?;
        say(&streamed.to_string());
        let memory = run(*size, Way::Memory).await?;
        say(&memory.to_string());
        let json = if *size <= MOST_JSON { Some(run(*size, Way::Json).await?) } else { None };
        if let Some(json) = &json {
            say(&json.to_string());
        }
        if *size == 2_200_000 {
            figures.extend(figures_of(&streamed, &memory, json.as_ref()));
        }
    }
    Ok(figures)
}

fn figures_of(streamed: &Measured, memory: &Measured, json: Option<&Measured>) -> [Figure; 4] {
    let (json_s, json_mib) = json.map_or((0.0, 0.0), |json| (json.cold_s, json.peak_mib));
    let bare = "bare SHA-256 of as many blocks as the tree has, on the same cores, same run";
    [
        Figure {
            name: "evaluate_2200k_s",
            value: memory.cold_s,
            unit: "s",
            reference: "serde JSON into objects over loopback, nothing proved, same run",
            reference_value: json_s,
        },
        Figure {
            name: "prove_2200k_over_bare_hash",
            value: memory.cold_s / memory.bare_s,
            unit: "x",
            reference: bare,
            reference_value: 1.0,
        },
        Figure {
            name: "prove_warm_2200k_ms",
            value: memory.warm_s * 1e3,
            unit: "ms",
            reference: bare,
            reference_value: memory.bare_s * 1e3,
        },
        Figure {
            name: "peak_2200k_mib",
            value: streamed.peak_mib,
            unit: "MiB",
            reference: "serde JSON into objects, same run",
            reference_value: json_mib,
        },
    ]
}

/// One size, one way, in a process of its own; the server is this process.
async fn run(validators: u64, way: Way) -> Result<Measured> {
    let servers = [
        BeaconServer::start(state(validators, BEFORE), Manner::Honest).await?,
        BeaconServer::start(state(validators, BEFORE + 1), Manner::Honest).await?,
    ];
    if way != Way::Json {
        servers.iter().for_each(BeaconServer::keep);
    }
    let urls: Vec<String> = servers.iter().map(|server| server.url.to_string()).collect();
    let child = Command::new(std::env::current_exe()?)
        .args(["--beacon-case", &format!("{validators},{way}"), "--beacon-url", &urls.join(",")])
        .kill_on_drop(true)
        .output()
        .await?;
    let said = String::from_utf8_lossy(&child.stderr);
    ensure!(child.status.success(), "measuring {validators} validators failed: {said}");
    let line = String::from_utf8(child.stdout)?;
    serde_json::from_str(line.trim()).wrap_err("the measuring process said something else")
}
