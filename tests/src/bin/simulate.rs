//! `make simulate`: many seeds of the simulated cluster, on all cores. The first broken invariant ends it, with its seed.

use clap::Parser;
use guardian_tests::simulation::{Faults, Sabotage, World, keys::Keys};
use std::{
    process::ExitCode,
    sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    time::Instant,
};

/// Runs seeds of the simulated cluster with all faults.
#[derive(Debug, Parser)]
#[command(name = "simulate")]
struct Arguments {
    /// How many seeds
    #[arg(long, default_value_t = 10_000)]
    seeds: u64,
    /// The first seed
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Events with faults in each run
    #[arg(long, default_value_t = 1_200)]
    steps: usize,
    /// Print the log of the first seed only
    #[arg(long)]
    log: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let keys = Keys::deal(4, 3, 3);
    if arguments.log {
        return match World::new(arguments.from, &keys, Faults::ALL, Sabotage::None).run(arguments.steps) {
            Ok(outcome) => {
                outcome.log.iter().for_each(|line| say(line));
                ExitCode::SUCCESS
            }
            Err(violation) => {
                say(&violation.to_string());
                ExitCode::FAILURE
            }
        };
    }
    let started = Instant::now();
    let (next, broken) = (AtomicU64::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| work(&arguments, &keys, &next, &broken));
        }
    });
    if broken.load(Relaxed) {
        return ExitCode::FAILURE;
    }
    say(&format!("{} seeds passed in {} s", arguments.seeds, started.elapsed().as_secs()));
    ExitCode::SUCCESS
}

fn work(arguments: &Arguments, keys: &Keys, next: &AtomicU64, broken: &AtomicBool) {
    while !broken.load(Relaxed) {
        let turn = next.fetch_add(1, Relaxed);
        if turn >= arguments.seeds {
            return;
        }
        let seed = arguments.from.saturating_add(turn);
        if let Err(violation) = World::new(seed, keys, Faults::ALL, Sabotage::None).run(arguments.steps) {
            broken.store(true, Relaxed);
            say(&format!("seed {seed}: {violation}"));
        } else if turn > 0 && turn.is_multiple_of(1_000) {
            say(&format!("{turn} seeds"));
        }
    }
}

#[expect(clippy::print_stdout, reason = "the result is the product")]
fn say(text: &str) {
    println!("{text}");
}
