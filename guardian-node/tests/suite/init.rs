//! `guardian init` before nodes that are there, that are not, and that are of another network.

use crate::{
    stand_ins::{Chain, Nodes},
    support::{assert_done, assert_refused, guardian, text},
};
use guardian_crypto::frost::dealer::deal;
use guardian_node::config::Config;
use rand_core::OsRng;
use std::{fs, process::Output};
use tempfile::TempDir;

struct Place {
    dir: TempDir,
    nodes: Nodes,
}

impl Place {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), nodes: Nodes::new() }
    }

    fn init(&self, network: &str, nodes: &[&str]) -> Output {
        let home = self.dir.path().join("home");
        let who = ["init", "--dir", home.to_str().unwrap(), "--name", "alice", "--network", network];
        guardian(&[&who[..], nodes].concat())
    }

    /// The urls of a beacon and an execution node of mainnet.
    fn mainnet(&self) -> [String; 2] {
        let (_, public) = deal(3, 2, &mut OsRng).unwrap();
        let chain = Chain { deposits: 1, ..Chain::healthy(public.group_key()) };
        [self.nodes.beacon(chain.clone()), self.nodes.execution(chain)]
    }

    fn nothing_was_written(&self) -> bool {
        fs::read_dir(self.dir.path()).unwrap().next().is_none()
    }
}

#[test]
fn nodes_are_looked_at_and_the_configuration_needs_no_editing() {
    let place = Place::new();
    let [beacon, execution] = place.mainnet();
    let named = format!("mine={execution}");
    let made = place.init("mainnet", &["--beacon", &beacon, "--execution", &named, "--start-block", "7"]);
    assert_done(&made);
    let said = text(&made);
    assert!(said.contains("ok  beacon node 127.0.0.1: StandIn/1, in sync"), "{said}");
    assert!(said.contains("ok  execution node mine: StandIn/2, in sync"), "{said}");
    assert!(!said.contains("Still to be set"), "{said}");
    let path = place.dir.path().join("home/guardian.toml");
    let config = Config::load(&path).unwrap();
    assert_eq!(
        (config.guardian.name.as_str(), config.contracts.chain_id, config.contracts.start_block),
        ("alice", 1, 7)
    );
    assert_eq!(config.execution.providers[0].address().unwrap().as_str(), format!("{execution}/"));
    let member = ["key", "member", "--address", "/dns4/host.example/udp/23700/quic-v1", "--config"];
    assert_done(&guardian(&[&member[..], &[path.to_str().unwrap()]].concat()));
}

#[test]
fn a_node_that_is_not_there_or_of_another_network_is_named_and_nothing_is_written() {
    let place = Place::new();
    let [beacon, execution] = place.mainnet();
    let dead = "http://127.0.0.1:1";
    let refused = place.init("mainnet", &["--beacon", dead, "--execution", &execution]);
    assert_refused(&refused, "1 of 2 nodes can't be used, and nothing was written", "");
    assert!(text(&refused).contains("--no-probe"), "{}", text(&refused));
    // The two are mixed up.
    let refused = place.init("mainnet", &["--beacon", &execution, "--execution", &beacon]);
    assert_refused(&refused, "2 of 2 nodes can't be used", "");
    let refused = place.init("hoodi", &["--beacon", &beacon, "--execution", &execution]);
    assert_refused(&refused, "beacon node 127.0.0.1 (StandIn/1) serves chain 1, and hoodi is chain 560048", "network");
    assert!(place.nothing_was_written());
    assert_done(&place.init("hoodi", &["--beacon", dead, "--execution", dead, "--no-probe"]));
}

#[test]
fn what_is_missing_is_named_where_nobody_can_be_asked() {
    let place = Place::new();
    assert_refused(&place.init("mainnet", &[]), "--beacon, --execution not said", "--beacon http://127.0.0.1:5052");
    let unknown = place.init("ropsten", &[]);
    assert!(text(&unknown).contains("those are mainnet, hoodi, devnet"), "{}", text(&unknown));
    let odd = place.init("mainnet", &["--beacon", "nonsense"]);
    assert!(text(&odd).contains("a node is written as http://HOST:PORT"), "{}", text(&odd));
    assert!(place.nothing_was_written());
}

#[test]
fn what_is_not_published_of_a_network_is_said_to_be_missing() {
    let place = Place::new();
    let dead = "http://127.0.0.1:1";
    let made = place.init("hoodi", &["--beacon", dead, "--execution", dead, "--no-probe"]);
    assert_done(&made);
    let said = text(&made);
    assert!(
        said.contains("[contracts] protocol, because no address") && said.contains("[contracts] start_block"),
        "{said}"
    );
}

#[test]
fn an_account_whose_key_is_elsewhere_has_none_here() {
    let place = Place::new();
    let account = "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf";
    let nodes = ["--beacon", "http://127.0.0.1:1", "--execution", "http://127.0.0.1:2", "--no-probe"];
    let init = |more: &[&str]| place.init("mainnet", &[&nodes[..], more].concat());
    for wrong in [
        &["--account", account][..],
        &["--web3signer", "http://127.0.0.1:3"],
        &["--account", account, "--web3signer", "http://127.0.0.1:3", "--google-kms", "projects/p"],
        &["--account", account, "--aws-kms", "payer"],
        &["--account", account, "--web3signer", "ftp://127.0.0.1"],
    ] {
        assert!(!init(wrong).status.success(), "{wrong:?}");
        assert!(place.nothing_was_written(), "{wrong:?}");
    }
    let made = init(&["--account", account, "--web3signer", "http://127.0.0.1:3"]);
    assert_done(&made);
    assert!(text(&made).contains(&format!("account = \"{account}\"")), "{}", text(&made));
    let home = place.dir.path().join("home");
    assert!(home.join("keys/identity.sealed").exists() && !home.join("keys/account.sealed").exists());
    let config = Config::load(&home.join("guardian.toml")).unwrap();
    assert_eq!(config.account.address.unwrap().to_string(), account);
    assert_eq!(config.account.web3signer.unwrap().as_str(), "http://127.0.0.1:3/");
}
