//! `guardian run --dry-run` before nodes that are well: it says what a start would do, and leaves no trace.

use crate::{
    stand_ins::{Chain, Nodes},
    support::{Place, assert_done, assert_refused, eventually, free, template, text},
};
use guardian_node::store::Store;
use guardian_protocol::{AppendRecords, Epoch, Record};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

/// A guardian of four whose providers are well, and a report of which is due at epoch 10.
struct Rehearsed {
    place: Place,
    _nodes: Nodes,
    pages: u16,
}

impl Rehearsed {
    fn new(change: impl FnOnce(&mut Chain)) -> Self {
        let (place, nodes) = (Place::with_key(4), Nodes::new());
        let mut chain = Chain::healthy(place.committee(1).committee().unwrap().group_key());
        change(&mut chain);
        let own = "{ name = \"own\", url = \"http://127.0.0.1:1\" },";
        // One alone could leave events out.
        let providers = |urls: [String; 2]| {
            let [one, other] = urls;
            format!("{{ name = \"one\", url = \"{one}\" }}, {{ name = \"other\", url = \"{other}\" }},")
        };
        let beacons = [(); 2].map(|()| nodes.beacon(chain.clone()));
        let executions = [(); 2].map(|()| nodes.execution(chain.clone()));
        let [pages, peers] = free();
        let config = template()
            .replacen(own, &providers(beacons), 1)
            .replacen(own, &providers(executions), 1)
            .replace("# listen = \"127.0.0.1:23702\"", &format!("listen = \"127.0.0.1:{pages}\""))
            .replace("# listen = [", &format!("listen = [\"/ip4/127.0.0.1/tcp/{peers}\"] # ["))
            .replace("# poll = \"12s\"", "poll = \"100ms\"")
            .replace("ejection = \"", "# ejection = \"")
            .replace("# reserves = ", "reserves = \"0x00000000000000000000000000000000000000fe\" # ")
            .replace("# start_block = 0", "start_block = 10");
        place.write_config(1, &config);
        Self { place, _nodes: nodes, pages }
    }

    fn data(&self) -> PathBuf {
        self.place.home(1).join("data")
    }

    /// A store that may sign what comes after epoch 0.
    fn with_store(self) -> Self {
        let mut store = Store::open(&self.data()).unwrap();
        store.append(&[Record::Floor { epoch: Epoch(0), is_settled: true }]).unwrap();
        self
    }
}

/// Every file below `folder`, with its size and when it was written last.
fn trace(folder: &Path) -> BTreeMap<PathBuf, (u64, SystemTime)> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let metadata = entry.metadata().unwrap();
        if metadata.is_dir() {
            found.extend(trace(&entry.path()));
        }
        found.insert(entry.path(), (metadata.len(), metadata.modified().unwrap()));
    }
    found
}

const DRY: [&str; 2] = ["run", "--dry-run"];

#[test]
fn a_dry_run_says_what_it_would_vote_for_and_writes_nothing() {
    let rehearsed = Rehearsed::new(|_| ()).with_store();
    let before = trace(&rehearsed.place.home(1));
    let output = rehearsed.place.run(1, &DRY);
    assert_done(&output);
    let said = text(&output);
    for part in [
        "guardian-1, member 1 of 4; 3 act together; key epoch 1",
        "share of the group's key",
        "1 records",
        "epoch 10: 0 validators (by quorum); rules 1 decide it",
        "would vote  reserves-10  0x",
        "reserves from epoch 11 on",
        "none: nothing was announced, signed, paid or written",
        "would start, and contribute as soon as enough members are connected",
    ] {
        assert!(said.contains(part), "does not say `{part}`:\n{said}");
    }
    assert_eq!(trace(&rehearsed.place.home(1)), before);
}

#[test]
fn a_dry_run_without_a_store_makes_none_and_would_wait() {
    let rehearsed = Rehearsed::new(|_| ());
    let before = trace(&rehearsed.place.home(1));
    let output = rehearsed.place.run(1, &DRY);
    assert_done(&output);
    let said = text(&output);
    assert!(said.contains("no vote     reserves-10: ") && said.contains("there is none yet"), "{said}");
    assert!(!said.contains("would vote"), "{said}");
    assert_eq!(trace(&rehearsed.place.home(1)), before);
}

#[test]
fn a_dry_run_beside_the_running_node_leaves_it_alone() {
    let rehearsed = Rehearsed::new(|_| ()).with_store();
    let mut node = rehearsed.place.run_node(1);
    node.says("finalized epoch observed");
    let output = rehearsed.place.run(1, &DRY);
    assert_done(&output);
    let said = text(&output);
    assert!(said.contains("a node runs on it, and was left alone"), "{said}");
    assert!(said.contains("would vote  reserves-10  0x"), "{said}");
    let url = format!("http://127.0.0.1:{}", rehearsed.pages);
    eventually("the node goes on", || {
        text(&rehearsed.place.run(1, &["status", "--url", &url])).contains("observed    epoch 10")
    });
}

#[test]
fn a_dry_run_fails_with_the_reason_for_which_the_node_would_not_be_ready() {
    let other = Place::with_key(4).committee(1).committee().unwrap().group_key();
    let rehearsed = Rehearsed::new(|chain| chain.key = other).with_store();
    let output = rehearsed.place.run(1, &DRY);
    assert_refused(&output, "key_mismatch", "docs/operating.md");
    assert!(text(&output).contains("no finalized epoch"), "{}", text(&output));
    let missing = rehearsed.place.home(1).join("keys/identity.sealed");
    fs::remove_file(missing).unwrap();
    assert_refused(&rehearsed.place.run(1, &DRY), "identity.sealed", "");
}
