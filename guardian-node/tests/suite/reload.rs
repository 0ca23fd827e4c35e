//! A running node reads its configuration again: at SIGHUP, and when its operator asks.

use crate::{
    stand_ins::{Chain, Nodes},
    support::{Place, Running, assert_done, assert_refused, eventually, free, template, text},
};
use serde_json::Value;
use std::fs;

/// One member of three, which runs.
struct Node {
    place: Place,
    _nodes: Nodes,
    running: Running,
    config: String,
    pages: u16,
}

impl Node {
    fn start() -> Self {
        let (place, nodes) = (Place::with_key(3), Nodes::new());
        let chain = Chain::healthy(place.committee(1).committee().unwrap().group_key());
        let (beacon, execution) = (nodes.beacon(chain.clone()), nodes.execution(chain));
        let [pages, peers] = free();
        let own = "{ name = \"own\", url = \"http://127.0.0.1:1\" },";
        let config = template()
            .replacen(own, &format!("{{ name = \"own\", url = \"{beacon}\" }},"), 1)
            .replacen(own, &format!("{{ name = \"own\", url = \"{execution}\" }},"), 1)
            .replace("# listen = \"127.0.0.1:23702\"", &format!("listen = \"127.0.0.1:{pages}\""))
            .replace("# listen = [", &format!("listen = [\"/ip4/127.0.0.1/tcp/{peers}\"] # ["))
            .replace("ejection = \"", "# ejection = \"")
            .replace("# start_block = 0", "start_block = 10");
        place.write_config(1, &config);
        let mut running = place.run_node(1);
        running.says("running");
        Self { place, _nodes: nodes, running, config, pages }
    }

    /// The running node's value of a setting.
    fn setting(&self, name: &str) -> String {
        let output = self.place.run(1, &["config", "show", "--running", "--json"]);
        assert_done(&output);
        let settings: Value = serde_json::from_slice(&output.stdout).unwrap();
        let of = settings.as_array().unwrap().iter().find(|setting| setting["setting"] == name);
        of.unwrap_or_else(|| panic!("{name}: {settings}"))["value"].to_string()
    }

    /// Whether the node's metrics have this line.
    fn measures(&self, line: &str) -> bool {
        let page = std::net::TcpStream::connect(("127.0.0.1", self.pages)).and_then(|mut stream| {
            use std::io::{Read, Write};
            stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: node\r\nconnection: close\r\n\r\n")?;
            let mut page = String::new();
            stream.read_to_string(&mut page).map(|_| page)
        });
        page.unwrap().lines().any(|found| found == line)
    }

    fn write(&self, change: impl Fn(&str) -> String) {
        let changed = change(&self.config);
        assert_ne!(changed, self.config);
        self.place.write_config(1, &changed);
    }
}

const PER_DAY: &str = "limits.soft.ejection.per_day";

#[test]
fn a_hangup_takes_over_what_can_change_or_refuses_the_whole_file() {
    let mut node = Node::start();
    assert_eq!((node.setting(PER_DAY), node.setting("timing.poll")), ("64".into(), "\"12s\"".into()));
    node.write(|config| config.replace("per_day = 64", "per_day = 65").replace("# poll = \"12s\"", "poll = \"3s\""));
    node.running.hang_up();
    node.running.says("changed, and in force now: limits.soft");
    node.running.says("changed, and in force after a restart: timing.poll");
    eventually("the limit is in force", || node.setting(PER_DAY) == "65");
    assert_eq!(node.setting("timing.poll"), "\"12s\"", "a restart was not asked for");
    eventually("it is counted", || node.measures("guardian_config_settings_waiting 1"));
    assert!(node.measures("guardian_config_last_reload_successful 1"));

    // One good change and one mistake: neither is taken over.
    node.write(|config| {
        let config =
            config.replace("per_day = 64", "per_day = 66").replace("# fee_ceiling_gwei = 200", "fee_ceiling_gwei = 7");
        config.replace("# filter = \"info\"", "filter = \"nonsense=nonsense\"")
    });
    node.running.hang_up();
    node.running.says("SIGHUP: the configuration is not taken over");
    node.running.says("[log] filter is not a log filter");
    eventually("it is told", || node.measures("guardian_config_last_reload_successful 0"));
    assert_eq!((node.setting(PER_DAY), node.setting("execution.fee_ceiling_gwei")), ("65".into(), "200".into()));
    assert_refused(&node.place.run(1, &["reload"]), "[log] filter is not a log filter", "write it like `info`");
    fs::write(node.place.config_path(1), "nonsense").unwrap();
    node.running.hang_up();
    node.running.says("the configuration");
    node.running.says("is not valid");

    // The operator's command does the same, and ends the alarm.
    node.write(|config| {
        config.replace("per_day = 64", "per_day = 67").replace("# fee_ceiling_gwei = 200", "fee_ceiling_gwei = 300")
    });
    let output = node.place.run(1, &["reload"]);
    assert_done(&output);
    assert!(text(&output).contains("in force now: execution.fee_ceiling_gwei, limits.soft\n"), "{}", text(&output));
    assert!(node.measures("guardian_config_last_reload_successful 1"));
    assert_eq!((node.setting(PER_DAY), node.setting("execution.fee_ceiling_gwei")), ("67".into(), "300".into()));
}
