//! A node that is up before its providers, or before its store is free.

use crate::{
    stand_ins::{Chain, Nodes},
    support::{Place, eventually, free, guardian, template, text},
};
use guardian_node::store::Store;
use std::fs;

#[test]
fn a_guardian_that_is_up_before_its_providers_waits_for_them_in_one_start() {
    let (place, nodes) = (Place::with_key(3), Nodes::new());
    let [beacon, execution, pages, peers] = free();
    let own = "{ name = \"own\", url = \"http://127.0.0.1:1\" },";
    let provider = |port| format!("{{ name = \"own\", url = \"http://127.0.0.1:{port}\" }},");
    let config = template()
        .replacen(own, &provider(beacon), 1)
        .replacen(own, &provider(execution), 1)
        .replace("# listen = \"127.0.0.1:23702\"", &format!("listen = \"127.0.0.1:{pages}\""))
        .replace("# listen = [", &format!("listen = [\"/ip4/127.0.0.1/tcp/{peers}\"] # ["))
        .replace("# poll = \"12s\"", "poll = \"100ms\"")
        .replace("ejection = \"", "# ejection = \"")
        .replace("# start_block = 0", "start_block = 10");
    place.write_config(1, &config);
    let mut node = place.run_node(1);
    let status = || text(&guardian(&["status", "--url", &format!("http://127.0.0.1:{pages}")]));
    node.says("can't connect to the chains yet");
    eventually("it says what it waits for", || {
        let said = status();
        said.contains("beacon_quorum") && said.contains("execution_quorum")
    });
    let mark = place.home(1).join("keys/last-start");
    assert!(!mark.exists(), "there is no brain yet, and no start");

    let chain = Chain::healthy(place.committee(1).committee().unwrap().group_key());
    nodes.beacon_at(beacon, chain.clone());
    nodes.execution_at(execution, chain);
    node.says("running");
    eventually("it has begun", || fs::read_to_string(&mark).is_ok_and(|number| number.trim() == "1"));
    eventually("it hears its providers", || {
        let said = status();
        said.contains("too_few_peers") && !said.contains("beacon_quorum")
    });
    assert_eq!(fs::read_to_string(&mark).unwrap().trim(), "1", "in the first start");
}

#[test]
fn a_node_waits_for_whoever_looks_at_its_store_and_not_for_ever() {
    let place = Place::with_key(4);
    let data = place.home(1).join("data");
    let config = template()
        .replace("# listen = \"127.0.0.1:23702\"", "listen = \"127.0.0.1:0\"")
        .replace("# listen = [", "listen = [\"/ip4/127.0.0.1/tcp/0\"] # [");
    place.write_config(1, &config);
    let looks = Store::open(&data).unwrap();
    let mut node = place.run_node(1);
    node.says("another process has the store open");
    drop(looks);
    node.says("local_peer_id");
    drop(node);

    let _stays = Store::open(&data).unwrap();
    let mut node = place.run_node(1);
    node.says("in use by another process");
}
