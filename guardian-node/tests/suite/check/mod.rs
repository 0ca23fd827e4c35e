//! `guardian check` before a guardian and nodes that are well, and with trouble: everything is told by its name, and a majority that is well
//! is enough. Each kind of trouble has a line in [`faults`].

mod faults;

use crate::{
    stand_ins::{Chain, Nodes, POD},
    support::{Place, Running, assert_refused, eventually, guardian, template, text},
};
use guardian_crypto::schnorr::GroupKey;
use guardian_node::{committee::CommitteeFile, store::Store};
use guardian_protocol::{AppendRecords, BlockRef, EventPage, ProtocolEvent, Record};
use std::{
    any::Any,
    fs,
    net::TcpListener,
    os::unix::{fs::PermissionsExt, net::UnixListener},
    path::PathBuf,
    process::{Command, Output},
};

/// Refuses connections.
const DEAD: &str = "http://127.0.0.1:1";
/// Another that does.
const DEAD_TOO: &str = "http://127.0.0.1:2";

/// A guardian with three nodes of each layer, and three other members that can be reached.
struct Checked {
    place: Place,
    nodes: Nodes,
    beacons: Vec<String>,
    executions: Vec<String>,
    start_block: u64,
    /// Where reports go, if anywhere.
    feed: Option<&'static str>,
    /// Changes of the configuration: what stands there, and what shall.
    edits: Vec<(String, String)>,
    /// The configuration's mode.
    mode: u32,
    /// What runs the program, if it does not run by itself.
    before: Vec<String>,
    environment: Vec<(&'static str, PathBuf)>,
    /// Things that last as long.
    held: Vec<Box<dyn Any>>,
}

impl Checked {
    fn new() -> Self {
        let (place, nodes) = (Place::with_key(4), Nodes::new());
        let chain = Chain::healthy(key(&place));
        let beacons = (0..3).map(|_| nodes.beacon(chain.clone())).collect();
        let executions = (0..3).map(|_| nodes.execution(chain.clone())).collect();
        let members = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("/ip4/127.0.0.1/tcp/{}", members.local_addr().unwrap().port());
        let checked = Self {
            place,
            nodes,
            beacons,
            executions,
            start_block: 10,
            feed: None,
            edits: Vec::new(),
            mode: 0o644,
            before: Vec::new(),
            environment: Vec::new(),
            held: vec![Box::new(members)],
        };
        for member in 1..=4 {
            checked.has_address(member, &address);
        }
        checked
    }

    fn healthy(&self) -> Chain {
        Chain::healthy(key(&self.place))
    }

    /// In the committee file, member `number` is at `address`.
    fn has_address(&self, number: usize, address: &str) {
        let file = self.place.home(1).join("committee.toml");
        let mut committee = CommitteeFile::load(&file).unwrap();
        committee.members[number - 1].addresses = vec![address.parse().unwrap()];
        committee.replace(&file).unwrap();
    }

    /// One beacon node is of this chain.
    fn one_beacon(&mut self, change: impl FnOnce(&mut Chain)) {
        let mut chain = self.healthy();
        change(&mut chain);
        self.beacons[1] = self.nodes.beacon(chain);
    }

    /// All beacon nodes are of this chain.
    fn all_beacons(&mut self, change: impl FnOnce(&mut Chain)) {
        let mut chain = self.healthy();
        change(&mut chain);
        self.beacons = (0..3).map(|_| self.nodes.beacon(chain.clone())).collect();
    }

    /// One execution node is of this chain.
    fn one_execution(&mut self, change: impl FnOnce(&mut Chain)) {
        let mut chain = self.healthy();
        change(&mut chain);
        self.executions[1] = self.nodes.execution(chain);
    }

    /// All execution nodes are of this chain.
    fn all_executions(&mut self, change: impl FnOnce(&mut Chain)) {
        let mut chain = self.healthy();
        change(&mut chain);
        self.executions = (0..3).map(|_| self.nodes.execution(chain.clone())).collect();
    }

    /// All nodes are of this chain.
    fn all_nodes(&mut self, change: impl Fn(&mut Chain)) {
        self.all_beacons(&change);
        self.all_executions(&change);
    }

    fn with_executions(change: impl FnOnce(&mut Chain)) -> Self {
        let mut checked = Self::new();
        checked.all_executions(change);
        checked
    }

    /// In the configuration, `to` stands for `from`.
    fn edit(&mut self, from: &str, to: &str) {
        self.edits.push((from.to_owned(), to.to_owned()));
    }

    fn configure(&self) {
        let list = |layer: &str, urls: &[String]| -> String {
            let entry = |(i, url): (usize, &String)| format!("{{ name = \"{layer}-{}\", url = \"{url}\" }}, ", i + 1);
            urls.iter().enumerate().map(entry).collect()
        };
        let own = "{ name = \"own\", url = \"http://127.0.0.1:1\" },";
        let anywhere = "listen = [\"/ip4/127.0.0.1/udp/0/quic-v1\", \"/ip4/127.0.0.1/tcp/0\"] # [";
        let mut config = template()
            .replacen(own, &list("beacon", &self.beacons), 1)
            .replacen(own, &list("exec", &self.executions), 1)
            .replacen("# listen = [", anywhere, 1)
            .replace("# listen = \"127.0.0.1:23702\"", "listen = \"127.0.0.1:0\"")
            .replace("ejection = \"", "# ejection = \"")
            .replace("# reserves = ", &self.feed.map_or("# ".to_owned(), |feed| format!("reserves = \"{feed}\" # ")))
            .replace("# start_block = 0", &format!("start_block = {}", self.start_block));
        for (from, to) in &self.edits {
            assert!(config.contains(from), "the configuration has no {from}");
            config = config.replace(from, to);
        }
        self.place.write_config(1, &config);
        fs::set_permissions(self.place.config_path(1), fs::Permissions::from_mode(self.mode)).unwrap();
    }

    fn run(&self) -> Output {
        self.run_with(&[])
    }

    fn run_with(&self, options: &[&str]) -> Output {
        self.configure();
        let program = [env!("CARGO_BIN_EXE_guardian").to_owned()];
        let words: Vec<&String> = self.before.iter().chain(&program).collect();
        Command::new(words[0])
            .args(&words[1..])
            .args(["check", "--config", &self.place.config_path(1)])
            .args(options)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .env_remove("RUST_LOG")
            .output()
            .unwrap()
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
fn one_dead_node_of_each_layer_is_named_and_the_rest_checked() {
    let mut checked = Checked::new();
    checked.executions[1] = DEAD.to_owned();
    checked.beacons[0] = DEAD_TOO.to_owned();
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
fn two_dead_nodes_of_each_layer_are_all_named() {
    let mut checked = Checked::new();
    checked.executions[1] = DEAD.to_owned();
    checked.executions[2] = DEAD_TOO.to_owned();
    checked.beacons[0] = DEAD.to_owned();
    checked.beacons[2] = DEAD_TOO.to_owned();
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
fn contracts_that_were_just_deployed_are_there() {
    let mut checked = Checked::with_executions(|chain| chain.created = 99);
    checked.start_block = 99;
    assert_told(&checked.run(), 0, &["pass  contracts: the group key is ours"]);
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
fn without_the_factory_a_deployment_says_how_to_get_it_and_pays_nothing() {
    let checked = Checked::with_executions(|chain| chain.created = u64::MAX);
    let vector = include_str!("../../../../contracts/test/vectors/deployment.json");
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
    assert_told(&checked.run(), 0, &[lags, "pass  clock: ", "pass  finality: epoch 10, 2 behind the clock"]);
    let old = Chain { age: 1_000, ..Chain::healthy(key(&checked.place)) };
    checked.executions = (0..3).map(|_| checked.nodes.execution(old.clone())).collect();
    checked.beacons = (0..3).map(|_| checked.nodes.beacon(old.clone())).collect();
    assert_told(
        &checked.run(),
        0,
        &["poor  clock: the newest block is 1", "s old, at most 90", "poor  finality: epoch 10, 12 "],
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

#[test]
fn a_check_beside_a_node_that_shows_nothing_goes_on() {
    let checked = Checked::new();
    let data = checked.place.home(1).join("data");
    let _store = Store::open(&data).unwrap();
    let _socket = UnixListener::bind(data.join("guardian.sock")).unwrap();
    assert_told(
        &checked.run(),
        0,
        &[
            "pass  store: 0 records, in use by the running node",
            "poor  ports: a node runs, and does not show itself at [http] listen = 127.0.0.1:0 [port]",
            "pass  contracts: the group key is ours",
        ],
    );
}

#[test]
fn the_running_node_tells_the_check_which_members_are_connected() {
    // By QUIC alone, which a check does not speak.
    let mut checked = Checked::new();
    let held = [(); 3].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    let [first, second, pages] = held.map(|listener| listener.local_addr().unwrap().port());
    for (member, port) in [(1, first), (2, second), (3, 1), (4, 2)] {
        checked.has_address(member, &format!("/ip4/127.0.0.1/udp/{port}/quic-v1"));
    }
    fs::copy(checked.place.home(1).join("committee.toml"), checked.place.home(2).join("committee.toml")).unwrap();
    checked.edit("listen = [\"/ip4/127.0.0.1/udp/0/quic-v1\", \"/ip4/127.0.0.1/tcp/0\"]", "listen = [\"QUIC\"]");
    checked.edit("listen = \"127.0.0.1:0\"", &format!("listen = \"127.0.0.1:{pages}\""));
    checked.configure();
    let config = fs::read_to_string(checked.place.config_path(1)).unwrap();
    let quic = |port: u16| format!("/ip4/127.0.0.1/udp/{port}/quic-v1");
    let of_second = config.replace("guardian-1", "guardian-2").replace(&format!("127.0.0.1:{pages}"), "127.0.0.1:0");
    checked.place.write_config(2, &of_second.replace("QUIC", &quic(second)));
    checked.edit("QUIC", &quic(first));
    checked.configure();
    let _nodes: [Running; 2] = [1, 2].map(|member| checked.place.run_node(member));
    eventually("the check hears of the connection", || {
        text(&checked.run()).contains("pass  member guardian-2 is connected to the running node")
    });
    assert_told(
        &checked.run(),
        0,
        &[
            &format!("pass  ports: in use by the running node, which shows itself at 127.0.0.1:{pages}"),
            "poor  member guardian-3 is not connected to the running node [member]",
            "poor  member guardian-4 is not connected to the running node [member]",
        ],
    );
}
