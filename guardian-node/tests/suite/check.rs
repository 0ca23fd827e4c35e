//! `guardian check` before nodes with trouble: everything is told by its name, and a majority that is well is enough.

use crate::{
    stand_ins::{Chain, Nodes, POD},
    support::{Place, assert_done, assert_refused, guardian, template, text},
};
use guardian_crypto::schnorr::GroupKey;
use guardian_node::{committee::CommitteeFile, store::Store};
use guardian_protocol::{AppendRecords, BlockRef, ChainIdentity, EventPage, ProtocolEvent, Record};
use std::{fs, net::TcpListener, os::unix::net::UnixListener, process::Output};

/// Refuses connections.
const DEAD: &str = "http://127.0.0.1:1";

/// A guardian with three nodes of each layer.
struct Checked {
    place: Place,
    nodes: Nodes,
    beacons: Vec<String>,
    executions: Vec<String>,
    start_block: u64,
    /// Where reports go, if anywhere.
    feed: Option<&'static str>,
}

impl Checked {
    fn new() -> Self {
        let (place, nodes) = (Place::with_key(4), Nodes::new());
        let chain = Chain::healthy(key(&place));
        let beacons = (0..3).map(|_| nodes.beacon(chain.clone())).collect();
        let executions = (0..3).map(|_| nodes.execution(chain.clone())).collect();
        Self { place, nodes, beacons, executions, start_block: 10, feed: None }
    }

    /// All execution nodes are of this chain.
    fn with_executions(change: impl FnOnce(&mut Chain)) -> Self {
        let mut checked = Self::new();
        let mut chain = Chain::healthy(key(&checked.place));
        change(&mut chain);
        checked.executions = (0..3).map(|_| checked.nodes.execution(chain.clone())).collect();
        checked
    }

    fn run(&self) -> Output {
        self.run_with(&[])
    }

    fn run_with(&self, options: &[&str]) -> Output {
        let list = |layer: &str, urls: &[String]| -> String {
            let entry = |(i, url): (usize, &String)| format!("{{ name = \"{layer}-{}\", url = \"{url}\" }}, ", i + 1);
            urls.iter().enumerate().map(entry).collect()
        };
        let own = "{ name = \"own\", url = \"http://127.0.0.1:1\" },";
        let config = template()
            .replacen(own, &list("beacon", &self.beacons), 1)
            .replacen(own, &list("exec", &self.executions), 1)
            .replace("ejection = \"", "# ejection = \"")
            .replace("# reserves = ", &self.feed.map_or("# ".to_owned(), |feed| format!("reserves = \"{feed}\" # ")))
            .replace("# start_block = 0", &format!("start_block = {}", self.start_block));
        self.place.write_config(1, &config);
        self.place.run(1, &[&["check"], options].concat())
    }
}

fn key(place: &Place) -> GroupKey {
    place.committee(1).committee().unwrap().group_key()
}

#[track_caller]
fn assert_told(output: &Output, code: i32, lines: &[&str]) {
    let said = text(output);
    assert_eq!(output.status.code(), Some(code), "{said}");
    for line in lines {
        assert!(said.contains(line), "does not say `{line}`:\n{said}");
    }
}

#[test]
fn a_healthy_guardian_has_nothing_to_mend() {
    let output = Checked::new().run();
    assert_done(&output);
    let lines = text(&output);
    // The stand-ins offer nothing beyond the necessary, and this machine's disk is what it is.
    let poor: Vec<&str> = lines.lines().filter(|line| line.starts_with("poor") || line.starts_with("fail")).collect();
    let known = |line: &&str| line.contains("[provider_offers]") || line.contains("[disk_");
    assert!(poor.iter().all(known), "{lines}");
    assert_told(&output, 0, &["pass  contracts: the group key is ours", "has 1.000000 ether", "from block 10 on\n"]);
    assert_told(&output, 0, &[" 0 fail, 3 unknown", "has no TCP address, and QUIC is not tried from here [member]"]);
}

#[test]
fn one_dead_node_of_each_layer_is_named_and_the_rest_checked() {
    let mut checked = Checked::new();
    checked.executions[1] = DEAD.to_owned();
    checked.beacons[0] = "http://127.0.0.1:2".to_owned();
    assert_told(
        &checked.run(),
        0,
        &[
            "poor  execution provider exec-2 does not answer: unreachable",
            "hint: check its url under [execution]",
            "pass  execution provider exec-3: block 99",
            "poor  beacon provider beacon-1 does not answer: unreachable",
            "pass  beacon provider beacon-3, StandIn/1",
            "pass  contracts: the group key is ours",
        ],
    );
}

#[test]
fn a_fork_to_come_that_this_version_does_not_know_is_told() {
    let mut checked = Checked::new();
    let chain = Chain { heze: u64::MAX - 1, ..Chain::healthy(key(&checked.place)) };
    checked.beacons = (0..3).map(|_| checked.nodes.beacon(chain.clone())).collect();
    let line = format!("poor  this version does not know the fork 'heze', which begins at epoch {}", u64::MAX - 1);
    assert_told(&checked.run(), 0, &[&line, "hint: update the guardian before it begins"]);
}

#[test]
fn two_dead_nodes_of_each_layer_are_all_named() {
    let mut checked = Checked::new();
    checked.executions[1] = DEAD.to_owned();
    checked.executions[2] = "http://127.0.0.1:2".to_owned();
    checked.beacons[0] = DEAD.to_owned();
    checked.beacons[2] = "http://127.0.0.1:2".to_owned();
    assert_told(
        &checked.run(),
        1,
        &["1 of 3 beacon providers answered", "beacon-3: ", "1 of 3 execution providers answered", "exec-3: "],
    );
}

#[test]
fn a_provider_that_does_not_count_says_so_and_why() {
    let mut checked = Checked::new();
    let other = Chain { fork: "0x02000001", ..Chain::healthy(key(&checked.place)) };
    checked.beacons[1] = checked.nodes.beacon(other);
    let output = checked.run();
    assert_told(
        &output,
        0,
        &["poor  beacon provider beacon-2 does not count: serves another chain", "hint: it serves another"],
    );
    assert!(!text(&output).contains("pass  beacon provider beacon-2"), "{}", text(&output));
}

#[test]
fn another_key_in_the_contracts_is_told_with_its_epoch() {
    let other = key(&Place::with_key(4));
    let checked = Checked::with_executions(|chain| chain.key = other);
    assert_told(
        &checked.run(),
        1,
        &["verify against another key (key epoch 1)", "fail  contracts: the group key is another one"],
    );
    // One node alone has it otherwise.
    let mut checked = Checked::new();
    checked.executions[2] = checked.nodes.execution(Chain::healthy(other));
    assert_told(&checked.run(), 0, &["poor  execution provider exec-3", "pass  contracts: the group key is ours"]);
}

#[test]
fn an_empty_account_is_told_before_it_has_to_pay() {
    let output = Checked::with_executions(|chain| chain.balance = 0).run();
    assert_told(&output, 1, &["is empty: it can pay for no transaction", "hint: send it a little ether"]);
    assert_told(&output, 1, &["pass  beacon provider beacon-1"]);
    let output = Checked::with_executions(|chain| chain.balance = 10_u128.pow(17)).run();
    assert_told(&output, 0, &["poor  account", "has 0.100000 ether: not enough for a full order"]);
}

#[test]
fn a_start_block_after_the_contracts_creation_is_refused() {
    let mut checked = Checked::new();
    checked.start_block = 11;
    assert_told(
        &checked.run(),
        1,
        &["[contracts] start_block = 11: the contract 0xf7b6B3", "hint: set it to the block"],
    );
}

#[test]
fn contracts_that_were_just_deployed_are_there() {
    let mut checked = Checked::with_executions(|chain| chain.created = 99);
    checked.start_block = 99;
    assert_told(&checked.run(), 0, &["pass  contracts: the group key is ours"]);
}

#[test]
fn a_node_without_eip_1898_is_told_as_that() {
    let checked = Checked::with_executions(|chain| chain.takes_hashes = false);
    assert_told(
        &checked.run(),
        1,
        &["it does not take block hashes (EIP-1898)", "take one whose client understands EIP-1898"],
    );
}

#[test]
fn a_damaged_key_does_not_hide_what_else_is_wrong() {
    let mut checked = Checked::new();
    checked.executions[1] = DEAD.to_owned();
    fs::write(checked.place.home(1).join("keys/account.sealed"), "garbage").unwrap();
    let lines = [
        "fail  can't open the sealed file",
        "pass  store: 0 records",
        "poor  execution provider exec-2",
        "1 of these would keep the guardian from its work",
    ];
    assert_told(&checked.run(), 1, &lines);
}

#[test]
fn a_check_beside_the_running_node_goes_on() {
    let checked = Checked::new();
    let data = checked.place.home(1).join("data");
    let _store = Store::open(&data).unwrap();
    let _socket = UnixListener::bind(data.join("guardian.sock")).unwrap();
    assert_told(
        &checked.run(),
        0,
        &["pass  store: 0 records, in use by the running node", "pass  contracts: the group key is ours"],
    );
}

#[test]
fn without_the_factory_a_deployment_says_how_to_get_it_and_pays_nothing() {
    let checked = Checked::with_executions(|chain| chain.created = u64::MAX);
    let vector = include_str!("../../../contracts/test/vectors/deployment.json");
    let mut plan = serde_json::from_str::<serde_json::Value>(vector).unwrap()["plan"].take();
    plan["chain_id"] = 1.into();
    let (px, py) = checked.place.committee(1).committee().unwrap().group_key().coordinates();
    plan["group_key"] =
        serde_json::json!({ "px": format!("0x{}", hex::encode(px)), "py": format!("0x{}", hex::encode(py)) });
    let committee = checked.place.home(1).join("committee.toml").to_str().unwrap().to_owned();
    let folder = checked.place.path();
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    fs::write(path("plan.json"), plan.to_string()).unwrap();
    fs::write(path("key"), "11".repeat(32)).unwrap();
    let (plan, key, out) = (path("plan.json"), path("key"), path("out.json"));
    let deploy = |url: &str| {
        let files = ["--plan", &plan, "--committee", &committee, "--key-file", &key, "--out", &out];
        guardian(&[&["contracts", "deploy", "--rpc-url", url][..], &files].concat())
    };
    let refused = deploy(&checked.executions[0]);
    assert_refused(
        &refused,
        "the chain has no CREATE2 factory at 0x4e59",
        "0x3fAB184622Dc19b6109349B94811493BF2a45362",
    );
    assert_refused(&refused, "CREATE2 factory", "\n    0xf8a58085174876e8");
    let checked = Checked::with_executions(|chain| chain.takes_hashes = false);
    assert_refused(&deploy(&checked.executions[0]), "can't be checked", "EIP-1898");
}

#[test]
fn a_node_that_lags_and_a_chain_that_stands_still_are_told() {
    let mut checked = Checked::new();
    let chain = Chain { head: 93, ..Chain::healthy(key(&checked.place)) };
    checked.executions[1] = checked.nodes.execution(chain);
    let lags = "poor  execution provider exec-2: block 93, 6 behind the others, at most 5 are good [provider_lags]";
    assert_told(&checked.run(), 0, &[lags, "pass  clock: ", "pass  finality: epoch 3, 2 behind the clock"]);
    let old = Chain { age: 1_000, ..Chain::healthy(key(&checked.place)) };
    checked.executions = (0..3).map(|_| checked.nodes.execution(old.clone())).collect();
    checked.beacons = (0..3).map(|_| checked.nodes.beacon(old.clone())).collect();
    assert_told(
        &checked.run(),
        0,
        &["poor  clock: the newest block is 1", "s old, at most 90", "poor  finality: epoch 3, 12 "],
    );
}

#[test]
fn members_that_can_t_be_reached_are_named() {
    let checked = Checked::new();
    let open = TcpListener::bind("127.0.0.1:0").unwrap();
    let file = checked.place.home(1).join("committee.toml");
    let mut committee = CommitteeFile::load(&file).unwrap();
    let (there, dead) = (open.local_addr().unwrap().port(), "/ip4/127.0.0.1/tcp/1");
    committee.members[1].addresses = vec![format!("/ip4/127.0.0.1/tcp/{there}").parse().unwrap()];
    committee.members[2].addresses = vec![dead.parse().unwrap()];
    committee.replace(&file).unwrap();
    assert_told(
        &checked.run(),
        0,
        &[
            &format!("pass  member guardian-2 takes connections at 127.0.0.1:{there}"),
            "poor  member guardian-3 can't be reached over TCP: 127.0.0.1:1: ",
            "?     member guardian-4 has no TCP address",
        ],
    );
}

#[test]
fn machines_read_one_document_and_strict_ones_accept_nothing_but_passes() {
    let mut checked = Checked::new();
    checked.executions[1] = DEAD.to_owned();
    let output = checked.run_with(&["--json"]);
    assert_eq!(output.status.code(), Some(0));
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["worst"], "poor");
    let poor: Vec<&serde_json::Value> = document["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|finding| finding["code"] == "provider_silent")
        .collect();
    assert_eq!(poor.len(), 1);
    assert_eq!(poor[0]["grade"], "poor");
    assert!(poor[0]["text"].as_str().unwrap().contains("exec-2") && poor[0]["hint"].is_string());
    assert_told(&checked.run_with(&["--strict"]), 1, &["not everything is as it should be"]);
}

#[test]
fn a_store_of_another_chain_is_told() {
    let checked = Checked::new();
    let identity = ChainIdentity { chain_id: 5, genesis_validators_root: [9; 32].into(), genesis_time: 1 };
    let mut store = Store::open(&checked.place.home(1).join("data")).unwrap();
    store.append(&[Record::Chain { identity }]).unwrap();
    drop(store);
    assert_told(
        &checked.run(),
        1,
        &["the store is of another chain: chain 5, genesis 0x0909", "hint: name providers of"],
    );
}

#[test]
fn stake_that_returns_to_strangers_is_told_with_their_credentials() {
    let mut checked = Checked::new();
    checked.feed = Some("0x3333333333333333333333333333333333333333");
    let to = |kind: u8, account: u64| {
        let mut credentials = [0; 32];
        credentials[0] = kind;
        credentials[24..].copy_from_slice(&account.to_be_bytes());
        credentials
    };
    let upto = BlockRef { number: 20, hash: [1; 32].into(), timestamp: 1_040 };
    let events = (0..4).map(|index| ProtocolEvent::Provisioned([index; 48].into())).collect();
    let mut store = Store::open(&checked.place.home(1).join("data")).unwrap();
    let contracts = vec!["0xf7b6B32492c2e13799D921E84202450131bd238B".parse().unwrap()];
    store.append(&[Record::Events { contracts, page: EventPage { from: 1, upto, events } }]).unwrap();
    drop(store);
    let with = |checked: &mut Checked, validators: &[[u8; 32]]| {
        let chain = Chain { validators: validators.to_vec(), ..Chain::healthy(key(&checked.place)) };
        checked.beacons = (0..3).map(|_| checked.nodes.beacon(chain.clone())).collect();
        checked.run()
    };
    let ours = [to(1, POD), to(2, POD), to(1, POD), to(2, POD)];
    assert_told(&with(&mut checked, &ours), 0, &["pass  validators: 4, of which the stake returns to the protocol"]);
    let two = [to(1, POD), to(1, 0xeeee), to(0, POD), to(2, POD)];
    assert_told(
        &with(&mut checked, &two),
        0,
        &[
            "poor  the stake of 2 validators returns to none",
            "1 to 0x0100000000000000",
            "eeee, 2 to 0x00",
            "hint: it is counted",
        ],
    );
}
