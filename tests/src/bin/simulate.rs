//! `make simulate`: many seeds of the simulated cluster, on all cores. The first broken invariant ends it, with its seed. With a
//! protection taken away, it goes on, and shows which invariants notice how often.

use clap::{Parser, ValueEnum};
use guardian_tests::simulation::{Faults, Profile, Sabotage, Tally, World, keys::Keys};
use std::{
    collections::BTreeMap,
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
    /// Of so many events one is preceded by a mishap, if not the profile's own number
    #[arg(long)]
    mishap: Option<usize>,
    /// A protection to be taken away
    #[arg(long, value_enum, default_value_t = Sabotage::None)]
    sabotage: Sabotage,
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
    ended: AtomicBool,
    found: Mutex<(Tally, BTreeMap<&'static str, u64>)>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let profile = match arguments.profile {
        Which::Duties => Profile::DUTIES,
        Which::Nonces => Profile::NONCES,
    };
    let steps = arguments.steps.unwrap_or(profile.steps);
    let profile = Profile { steps, mishap: arguments.mishap.unwrap_or(profile.mishap), ..profile };
    let keys = profile.keys();
    let (next, ended, found) = (AtomicU64::new(0), AtomicBool::new(false), Mutex::default());
    let work = Work { arguments, profile, keys, next, ended, found };
    if work.arguments.log {
        return work.log();
    }
    let started = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| work.run());
        }
    });
    let (tally, broken) = work.found.into_inner().unwrap_or_else(PoisonError::into_inner);
    let (seeds, seconds) = (work.arguments.seeds, started.elapsed().as_secs_f64());
    let expected = work.arguments.sabotage != Sabotage::None;
    if broken.is_empty() {
        say(&format!("{seeds} seeds passed in {seconds:.1} s: {tally:?}"));
    } else if expected {
        say(&format!("in {seeds} seeds, {seconds:.1} s, broke {broken:?}"));
    }
    if broken.is_empty() == expected { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

impl Work {
    fn world(&self, seed: u64) -> World<'_> {
        World::new(seed, self.profile, &self.keys, Faults::ALL, self.arguments.sabotage)
    }

    fn log(&self) -> ExitCode {
        let (log, result) = self.world(self.arguments.from).run_with_log();
        log.iter().for_each(|line| say(line));
        say(&format!("{result:?}"));
        if result.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    fn run(&self) {
        while !self.ended.load(Relaxed) {
            let turn = self.next.fetch_add(1, Relaxed);
            if turn >= self.arguments.seeds {
                return;
            }
            let seed = self.arguments.from.saturating_add(turn);
            let result = self.world(seed).run();
            let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
            match result {
                Ok(outcome) => found.0 = found.0.plus(outcome.tally),
                Err(violation) => {
                    *found.1.entry(violation.name).or_default() += 1;
                    if self.arguments.sabotage == Sabotage::None {
                        self.ended.store(true, Relaxed);
                        say(&format!("seed {seed}: {violation}"));
                    }
                }
            }
            if turn > 0 && turn.is_multiple_of(10_000) {
                say(&format!("{turn} seeds"));
            }
        }
    }
}

fn say(text: &str) {
    println!("{text}");
}
