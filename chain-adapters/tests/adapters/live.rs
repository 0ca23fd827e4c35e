//! A real beacon node, if `GUARDIAN_TEST_BEACON_URL` names one (`tests/real-beacon/start` starts one): some epochs of it, read
//! as a guardian reads them. Says that it skips where none is named.

use crate::support::{
    config,
    execution::{Chain, Node},
    readers::ask,
};
use futures::StreamExt;
use guardian_chain::Readers;
use guardian_protocol::{BlsPubkey, Query, ReadFailure, Reading};
use serde_json::Value;
use url::Url;

/// Enough that some epoch begins with a skipped slot where two of sixteen validators are offline.
const EPOCHS: usize = 8;

#[tokio::test]
async fn a_real_node_is_read_through_some_epochs() {
    let Ok(url) = std::env::var("GUARDIAN_TEST_BEACON_URL") else {
        println!("skipped: GUARDIAN_TEST_BEACON_URL names no beacon node");
        return;
    };
    let url = Url::parse(&url).unwrap();
    let genesis = url.join("/eth/v1/beacon/states/genesis/validators").unwrap();
    let genesis: Value = reqwest::get(genesis).await.unwrap().json().await.unwrap();
    let keys: Vec<BlsPubkey> = genesis["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["validator"]["pubkey"].as_str().unwrap().parse().unwrap())
        .collect();
    let node = Node::start(Chain::default()).await;
    let (readers, network) = Readers::connect(config(&[&url], &[&node.server.url])).await.unwrap();
    let mut nudges = std::pin::pin!(readers.finality_nudges());
    let mut epochs = Vec::new();
    while epochs.len() < EPOCHS {
        nudges.next().await.unwrap();
        let checkpoint = match ask(&readers, Query::Finalized).await {
            Ok(Reading::Finalized(Some(checkpoint))) => checkpoint,
            other => {
                println!("{other:?}");
                continue;
            }
        };
        if epochs.last() == Some(&checkpoint.epoch) {
            continue;
        }
        let slot = checkpoint.epoch.first_slot(network.slots_per_epoch).unwrap();
        let answer = ask(&readers, Query::State { checkpoint, slot, pubkeys: keys.clone() }).await;
        let skipped = checkpoint.block_slot < slot;
        match answer {
            Ok(Reading::Validators(validators)) => {
                println!("epoch {}: skipped {skipped}, {} validators", checkpoint.epoch, validators.len());
                assert!(validators.iter().map(|validator| validator.pubkey).eq(keys.iter().copied()));
                epochs.push(checkpoint.epoch);
            }
            Ok(Reading::State(state)) => {
                println!("epoch {}: skipped {skipped}, state {} proved", checkpoint.epoch, state.root);
                assert!(state.validators.iter().map(|validator| validator.pubkey).eq(keys.iter().copied()));
                assert_eq!((state.block_root, state.own), (checkpoint.root, !skipped));
                assert_eq!(state.root == checkpoint.state_root, !skipped);
                epochs.push(checkpoint.epoch);
            }
            // Finality may have moved on, and the state gone with it.
            Err(ReadFailure::NotAvailable(why)) => println!("epoch {}: skipped {skipped}, {why}", checkpoint.epoch),
            other => panic!("{other:?}"),
        }
    }
    println!("{:?}", readers.stats());
}
