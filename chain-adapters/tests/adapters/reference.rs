//! The payload of a beacon block after the reference slot was withheld, on a real EVM with the real contract of beacon roots: the sender
//! proves the signed root with the headers of a real chain of blocks, and only then brings what was signed.

use crate::{
    anvil::{GENESIS, PAYER_KEY, quick},
    support::{
        beacon, committee, endpoint, limits,
        server::{Asked, Reply, Server},
        world::{ROOTS, World},
    },
};
use alloy::primitives::{Address, B256};
use guardian_chain::{AccountKey, Endpoint, Sender};
use guardian_protocol::{CallOutcome, Contracts, Duty, DutyBody, DutyKind, Epoch, KeyEpoch, PerKind, Signed, Slot};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// The reference slot. It has no block of its own: the last one up to it is that of slot 103.
const SLOT: u64 = 104;

#[derive(Clone, Copy)]
struct Header {
    slot: u64,
    parent: B256,
}

impl Header {
    fn words(self) -> [B256; 5] {
        let number = |value: u64| {
            let mut word = B256::ZERO;
            word[..8].copy_from_slice(&value.to_le_bytes());
            word
        };
        [number(self.slot), number(self.slot + 1_000), self.parent, B256::repeat_byte(0x57), B256::repeat_byte(0xb0)]
    }

    /// hash_tree_root, written apart from the code under test.
    fn root(self) -> B256 {
        let hash = |left: B256, right: B256| B256::from_slice(&Sha256::digest([left, right].concat()));
        let [slot, proposer, parent, state, body] = self.words();
        let rest = hash(hash(body, B256::ZERO), hash(B256::ZERO, B256::ZERO));
        hash(hash(hash(slot, proposer), hash(parent, state)), rest)
    }

    fn json(self) -> serde_json::Value {
        let [_, _, parent, state, body] = self.words();
        let message = json!({
            "slot": self.slot.to_string(), "proposer_index": (self.slot + 1_000).to_string(),
            "parent_root": parent, "state_root": state, "body_root": body,
        });
        json!({ "root": self.root(), "canonical": true, "header": { "message": message, "signature": "0x" } })
    }
}

/// Blocks at 103, 105 and 106; the payloads of the last two were withheld.
fn chain() -> [Header; 3] {
    let at = |slot: u64, parent: B256| Header { slot, parent };
    let last = at(SLOT - 1, B256::repeat_byte(0x99));
    let first = at(SLOT + 1, last.root());
    [last, first, at(SLOT + 2, first.root())]
}

/// Serves these headers by their roots.
async fn serving(headers: Vec<(B256, Header)>) -> Server {
    let by_path: BTreeMap<String, Header> =
        headers.into_iter().map(|(root, header)| (format!("/eth/v1/beacon/headers/{root}"), header)).collect();
    Server::start(move |asked: &Asked| -> Reply {
        by_path.get(asked.path()).map_or_else(|| beacon::error(404, "NOT_FOUND"), |header| beacon::data(header.json()))
    })
    .await
}

/// The chain of [`chain`], as its contracts know it: the payload of slot 107 tells the root of the block of 106.
async fn world() -> Option<World> {
    let world = World::start().await?;
    let [_, _, told] = chain();
    world.anvil.call("evm_setNextBlockTimestamp", json!([GENESIS + 2 * (SLOT + 3)])).await;
    world.by_system(ROOTS, told.root().to_vec()).await;
    world.anvil.mine_at(GENESIS + 2 * (SLOT + 20)).await;
    Some(world)
}

fn contracts(world: &World) -> Contracts {
    Contracts {
        guardian_keys: world.keys,
        protocol: Address::ZERO,
        guardian_module: None,
        duties: [(DutyKind::Ejection, world.registry), (DutyKind::Reserves, world.feed)].into_iter().collect(),
        accounts: PerKind::default(),
    }
}

fn signed(world: &World, root: B256, body: DutyBody) -> Signed {
    let mut setup = world.signers.setup.clone();
    setup.contracts = contracts(world);
    let epoch = SLOT / committee::SLOTS_PER_EPOCH;
    let reference_slot = Slot(SLOT);
    let duty = Duty { key_epoch: KeyEpoch(1), period: Epoch(epoch), reference_slot, reference_root: root, body };
    let digest = setup.domain().digest(&duty).unwrap();
    Signed::verify(duty, world.signers.signature(u64::from(digest[0]), digest), &setup).unwrap()
}

fn sender(world: &World, beacons: &[&Server]) -> Sender {
    let execution = [endpoint("anvil", &world.anvil.url)];
    let key = AccountKey::from_bytes(&PAYER_KEY).unwrap();
    let network = &world.signers.setup.network;
    let sender = Sender::new(quick(), limits(), &execution, network, contracts(world), key).unwrap();
    let numbered = beacons.iter().enumerate();
    let beacons: Vec<Endpoint> = numbered.map(|(at, server)| endpoint(&format!("beacon-{at}"), &server.url)).collect();
    if beacons.is_empty() { sender } else { sender.with_beacons(limits(), &beacons).unwrap() }
}

async fn paid(world: &World, sender: &Sender) -> u64 {
    let count = world.anvil.call("eth_getTransactionCount", json!([sender.address(), "latest"])).await;
    u64::from_str_radix(&count.as_str().unwrap()[2..], 16).unwrap()
}

#[tokio::test]
async fn a_root_that_a_withheld_payload_hides_is_proved_before_the_duty_is_brought() {
    let Some(world) = world().await else { return };
    let [last, first, told] = chain();
    let honest = serving([last, first, told].map(|header| (header.root(), header)).to_vec()).await;
    // It has another block in the place of the first: its hash is another one too.
    let liar = serving(vec![(told.root(), told), (first.root(), Header { slot: SLOT, ..first })]).await;
    let sender = sender(&world, &[&liar, &honest]);
    for (transactions, body) in [(2, committee::order(&[3, 5])), (4, committee::report())] {
        let signed = signed(&world, last.root(), body);
        let outcome = sender.submit(&signed).await;
        assert!(matches!(outcome, CallOutcome::Included { .. }), "{outcome:?}");
        assert_eq!(paid(&world, &sender).await, transactions, "a proof, and the duty");
        assert_eq!(sender.submit(&signed).await, CallOutcome::AlreadyAccepted);
    }
}

#[tokio::test]
async fn a_root_that_no_headers_prove_is_refused_and_costs_nothing() {
    let Some(world) = world().await else { return };
    let [last, first, told] = chain();
    let honest = serving([last, first, told].map(|header| (header.root(), header)).to_vec()).await;
    let incomplete = serving(vec![(told.root(), told), (last.root(), last)]).await;
    let parent = signed(&world, last.parent, committee::order(&[3]));
    let right = signed(&world, last.root(), committee::order(&[3]));
    for (beacons, signed) in [(vec![&honest], &parent), (vec![&incomplete], &right), (vec![], &right)] {
        let sender = sender(&world, &beacons);
        let outcome = sender.submit(signed).await;
        assert!(matches!(&outcome, CallOutcome::Refused(why) if why.starts_with("WrongReferenceRoot")), "{outcome:?}");
        assert_eq!(paid(&world, &sender).await, 0);
    }
}
