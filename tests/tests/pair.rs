//! A real execution client and a real consensus client that follow one chain, from Electra to Fulu, with empty slots where epochs begin.

use eyre::Result;
use guardian_tests::devnet::{
    chains::{ChainKind, Chains},
    options::Options,
    process::tool,
    roots,
};
use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

/// Until everything must have happened.
const PATIENCE: Duration = Duration::from_secs(300);

#[tokio::test(flavor = "current_thread")]
async fn states_of_both_forks_have_the_roots_that_the_client_says() {
    if let Err(missing) = tool("tests/real-chain/node_modules") {
        panic!("{missing}; `make test` installs everything first");
    }
    let dir = tempfile::tempdir().unwrap();
    let options = Options {
        chain: ChainKind::Pair,
        fulu_epoch: 3,
        // The first slot of Fulu is empty, and three in a row where the next epoch begins.
        skip_slots: vec![24, 32, 33, 34],
        ..Options::for_tests(dir.path().join("chain"))
    };
    std::fs::create_dir_all(&options.dir).unwrap();
    let chains = Chains::start(&options).await.unwrap();
    let outcome = both_forks_are_hashed(chains).await;
    if outcome.is_err() {
        println!("{}", std::fs::read_to_string(options.dir.join("pair.log")).unwrap_or_default());
    }
    outcome.unwrap();
}

async fn both_forks_are_hashed(mut chains: Chains) -> Result<()> {
    let started = Instant::now();
    let (mut blocks, mut advanced) = (BTreeSet::new(), BTreeSet::new());
    let mut finalized = 0;
    let wanted = BTreeSet::from(["electra".to_owned(), "fulu".to_owned()]);
    while finalized < 4 || blocks != wanted || !advanced.contains("fulu") {
        eyre::ensure!(
            started.elapsed() < PATIENCE,
            "finalized epoch {finalized}; forks of blocks' states {blocks:?}, of advanced ones {advanced:?}"
        );
        chains.check()?;
        for id in ["finalized", "justified", "head"] {
            let Some(state) = roots::hash(&chains.beacon, id).await? else { continue };
            let expected = if state.slot < 24 { "electra" } else { "fulu" };
            eyre::ensure!(state.fork == expected, "the state of slot {} is of {}", state.slot, state.fork);
            if state.is_of_block {
                blocks.insert(state.fork)
            } else {
                advanced.insert(state.fork)
            };
        }
        finalized = chains.beacon.finalized_epoch().await.unwrap_or(finalized);
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    Ok(())
}
