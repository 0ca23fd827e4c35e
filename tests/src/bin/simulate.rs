//! `make simulate`: many seeds of the simulated cluster, on all cores. The first broken invariant ends it, with its seed.

use clap::{Parser, ValueEnum};
use guardian_tests::simulation::{Faults, Profile, Sabotage, Tally, World, keys::Keys};
use std::{
    process::ExitCode,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
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
    /// What is simulated
    #[arg(long, value_enum, default_value_t = Which::Duties)]
    profile: Which,
    /// Events with faults in each run, if not the profile's own number
    #[arg(long)]
    steps: Option<usize>,
    /// Print the log of the first seed only
    #[arg(long)]
    log: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Which {
    /// All duties and exits, until everything is done
    Duties,
    /// Signing only, with as many mishaps as possible: no nonce may be used twice
    Nonces,
}

/// What all workers share.
struct Work {
    arguments: Arguments,
    profile: Profile,
    keys: Vec<Keys>,
    next: AtomicU64,
    broken: AtomicBool,
    tally: Mutex<Tally>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let profile = match arguments.profile {
        Which::Duties => Profile::DUTIES,
        Which::Nonces => Profile::NONCES,
    };
    let profile = Profile { steps: arguments.steps.unwrap_or(profile.steps), ..profile };
    let keys = profile.keys();
    let (next, broken, tally) = (AtomicU64::new(0), AtomicBool::new(false), Mutex::default());
    let work = Work { arguments, profile, keys, next, broken, tally };
    if work.arguments.log {
        return work.log();
    }
    let started = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| work.run());
        }
    });
    if work.broken.load(Relaxed) {
        return ExitCode::FAILURE;
    }
    let tally = *work.tally.lock().unwrap_or_else(PoisonError::into_inner);
    say(&format!("{} seeds passed in {} s: {tally:?}", work.arguments.seeds, started.elapsed().as_secs()));
    ExitCode::SUCCESS
}

impl Work {
    fn world(&self, seed: u64) -> World<'_> {
        World::new(seed, self.profile, &self.keys, Faults::ALL, Sabotage::None)
    }

    fn log(&self) -> ExitCode {
        match self.world(self.arguments.from).with_log().run() {
            Ok(outcome) => {
                outcome.log.iter().for_each(|line| say(line));
                ExitCode::SUCCESS
            }
            Err(violation) => {
                say(&violation.to_string());
                ExitCode::FAILURE
            }
        }
    }

    fn run(&self) {
        while !self.broken.load(Relaxed) {
            let turn = self.next.fetch_add(1, Relaxed);
            if turn >= self.arguments.seeds {
                return;
            }
            let seed = self.arguments.from.saturating_add(turn);
            match self.world(seed).run() {
                Ok(outcome) => {
                    let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
                    *tally = tally.plus(outcome.tally);
                }
                Err(violation) => {
                    self.broken.store(true, Relaxed);
                    say(&format!("seed {seed}: {violation}"));
                }
            }
            if turn > 0 && turn.is_multiple_of(1_000) {
                say(&format!("{turn} seeds"));
            }
        }
    }
}

#[expect(clippy::print_stdout, reason = "the result is the product")]
fn say(text: &str) {
    println!("{text}");
}
