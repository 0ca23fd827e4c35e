//! What an operator looks at every day, of two nodes that run: the other members, validators, duties, exits.

use crate::{
    stand_ins::{Chain, Nodes},
    support::{Place, Running, assert_done, assert_refused, eventually, free, guardian, template, text},
};
use serde_json::Value;
use std::{
    io::pipe,
    process::{Command, Output, Stdio},
};

/// Two of three members, which run with the same nodes.
struct Pair {
    _place: Place,
    _nodes: Nodes,
    _running: [Running; 2],
    pages: String,
}

impl Pair {
    fn start() -> Self {
        let (place, nodes) = (Place::with_key(3), Nodes::new());
        let chain = Chain::healthy(place.committee(1).committee().unwrap().group_key());
        let (beacon, execution) = (nodes.beacon(chain.clone()), nodes.execution(chain));
        let pages: [u16; 2] = free();
        let running = [1, 2].map(|i| {
            let address = place.committee(i).members[usize::from(i) - 1].addresses[0].to_string();
            let own = "{ name = \"own\", url = \"http://127.0.0.1:1\" },";
            let config = template()
                .replace("guardian-1", &format!("guardian-{i}"))
                .replacen(own, &format!("{{ name = \"own\", url = \"{beacon}\" }},"), 1)
                .replacen(own, &format!("{{ name = \"own\", url = \"{execution}\" }},"), 1)
                .replace(
                    "# listen = \"127.0.0.1:23702\"",
                    &format!("listen = \"127.0.0.1:{}\"", pages[usize::from(i) - 1]),
                )
                .replace("# listen = [", &format!("listen = [\"{address}\"] # ["))
                .replace("# poll = \"12s\"", "poll = \"100ms\"")
                .replace("ejection = \"", "# ejection = \"")
                .replace("# start_block = 0", "start_block = 10");
            place.write_config(i, &config);
            place.run_node(i)
        });
        Self { _place: place, _nodes: nodes, _running: running, pages: format!("http://127.0.0.1:{}", pages[0]) }
    }

    fn look(&self, command: &[&str]) -> Output {
        guardian(&[command, &["--url", &self.pages]].concat())
    }

    fn json(&self, command: &str) -> Value {
        let output = self.look(&[command, "--json"]);
        assert_done(&output);
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

#[test]
fn the_running_node_shows_members_validators_duties_and_exits() {
    let pair = Pair::start();
    eventually("the two are connected", || text(&pair.look(&["peers"])).contains("yes, "));
    let said = text(&pair.look(&["peers"]));
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines[0].starts_with("MEMBER  NAME") && lines.len() == 3, "{said}");
    assert!(lines[1].contains("guardian-2") && lines[1].contains("  quic  "), "{said}");
    assert!(lines[2].contains("guardian-3") && lines[2].contains("  no  ") && lines[2].contains("never"), "{said}");
    let peers = pair.json("peers");
    assert!(peers[0]["address"].as_str().unwrap().contains("/quic-v1"), "{peers}");
    assert!(peers[0]["heard"].is_number() && peers[1]["heard"].is_null(), "{peers}");
    assert_eq!((&peers[0]["member"], &peers[0]["digest_disagreements"]), (&2.into(), &0.into()));

    eventually("they observe", || pair.look(&["validators"]).status.success());
    let validators = pair.json("validators");
    assert!(validators["epoch"].is_u64(), "{validators}");
    assert_eq!(validators["validators"], Value::Array(Vec::new()));
    assert!(text(&pair.look(&["validators", "--at-risk"])).contains("No validator is at risk."));
    assert!(text(&pair.look(&["duties"])).contains("No duty was decided yet."));
    assert!(text(&pair.look(&["exits"])).contains("No exit is under way"));
    for command in ["duties", "exits"] {
        assert_eq!(pair.json(command), Value::Array(Vec::new()), "{command}");
    }

    eventually("the account is shown", || {
        text(&pair.look(&["status"])).contains(" has 1 ether: too little was spent to say for how long")
            || text(&pair.look(&["status"])).contains(" has 1.0 ether: too little was spent to say for how long")
    });

    // A reader that goes away is no fault.
    let (reader, writer) = pipe().unwrap();
    drop(reader);
    let mut command = Command::new(env!("CARGO_BIN_EXE_guardian"));
    let ended = command.args(["peers", "--url", &pair.pages]).stdout(writer).stderr(Stdio::piped()).output().unwrap();
    assert_eq!((ended.status.code(), text(&ended)), (Some(0), String::new()));
}

#[test]
fn where_no_node_runs_the_hint_says_what_to_look_for() {
    for command in ["validators", "duties", "exits", "peers"] {
        let output = guardian(&[command, "--url", "http://127.0.0.1:1"]);
        assert_refused(&output, "no guardian answers at http://127.0.0.1:1", "is it running");
    }
}
