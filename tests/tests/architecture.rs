//! The rules of `docs/architecture.md` that a compiler does not check: who may use whom, and how files look.

use guardian_tests::devnet::root;
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Of ours, who may use whom.
const MAY_USE: [(&str, &[&str]); 6] = [
    ("guardian-crypto", &[]),
    ("guardian-protocol", &["guardian-crypto"]),
    ("guardian-p2p", &[]),
    ("guardian-chain", &["guardian-protocol", "guardian-crypto"]),
    ("guardian-node", &["guardian-chain", "guardian-protocol", "guardian-crypto", "guardian-p2p"]),
    ("guardian-tests", &["guardian-chain", "guardian-protocol", "guardian-crypto", "guardian-p2p", "guardian-node"]),
];

/// What must not be reachable from crates that have no runtime, clock, disk or network.
const IMPURE: [&str; 10] =
    ["tokio", "libp2p", "reqwest", "rocksdb", "hyper", "prometheus", "tracing", "axum", "alloy-provider", "clap"];

/// The one home of each package that reaches outside.
const HOMES: [(&str, &[&str]); 3] =
    [("libp2p", &["guardian-p2p"]), ("rocksdb", &["guardian-node"]), ("frost-secp256k1", &["guardian-crypto"])];

fn metadata() -> Value {
    // This platform's packages only: the others are not downloaded.
    let platform = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--offline", "--filter-platform", &platform])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Normal dependencies of every package, by name.
fn dependencies(metadata: &Value) -> BTreeMap<String, BTreeSet<String>> {
    let name_of: BTreeMap<&str, &str> = metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|package| (package["id"].as_str().unwrap(), package["name"].as_str().unwrap()))
        .collect();
    let nodes = metadata["resolve"]["nodes"].as_array().unwrap();
    let mut graph: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for node in nodes {
        let normal = |dep: &&Value| dep["dep_kinds"].as_array().unwrap().iter().any(|kind| kind["kind"].is_null());
        let deps = node["deps"].as_array().unwrap().iter().filter(normal);
        let names = deps.map(|dep| name_of[dep["pkg"].as_str().unwrap()].to_owned());
        graph.entry(name_of[node["id"].as_str().unwrap()].to_owned()).or_default().extend(names);
    }
    graph
}

fn reachable(graph: &BTreeMap<String, BTreeSet<String>>, from: &str) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    let mut open = vec![from.to_owned()];
    while let Some(name) = open.pop() {
        for next in graph.get(&name).into_iter().flatten() {
            if seen.insert(next.clone()) {
                open.push(next.clone());
            }
        }
    }
    seen
}

#[test]
fn crates_use_only_whom_they_may() {
    let graph = dependencies(&metadata());
    for (package, may_use) in MAY_USE {
        let ours = graph[package].iter().filter(|name| name.starts_with("guardian-"));
        for used in ours {
            assert!(may_use.contains(&used.as_str()), "{package} must not use {used}");
        }
    }
}

#[test]
fn the_brain_and_the_mathematics_can_do_no_io() {
    let graph = dependencies(&metadata());
    for package in ["guardian-protocol", "guardian-crypto"] {
        let reached = reachable(&graph, package);
        for impure in IMPURE {
            assert!(!reached.contains(impure), "{package} reaches {impure}");
        }
    }
}

#[test]
fn packages_that_reach_outside_have_one_home() {
    let graph = dependencies(&metadata());
    for (package, homes) in HOMES {
        for (user, uses) in graph.iter().filter(|(user, _)| user.starts_with("guardian-")) {
            let at_home = homes.contains(&user.as_str());
            assert!(at_home || !uses.contains(package), "only {homes:?} may use {package}, not {user}");
        }
    }
}

#[test]
fn the_network_does_not_know_what_a_duty_is() {
    for path in sources().into_iter().filter(|path| path.starts_with(root().join("p2p/src"))) {
        let text = fs::read_to_string(&path).unwrap();
        for word in ["Duty", "Ejection", "Reserves", "Digest", "Commitment", "Signed<"] {
            assert!(!text.contains(word), "{} speaks of {word}", path.display());
        }
    }
}

#[test]
fn every_file_says_what_it_is_and_is_small() {
    for path in sources() {
        let text = fs::read_to_string(&path).unwrap();
        let head: Vec<&str> = text.lines().take(3).collect();
        assert!(head.iter().any(|line| line.starts_with("//!")), "{} does not say what it is", path.display());
        let lines = text.lines().count();
        assert!(lines <= 450, "{} has {lines} lines: is there a natural seam?", path.display());
        let name = path.file_stem().unwrap().to_str().unwrap();
        let vague = ["util", "utils", "common", "helper", "helpers", "misc", "manager", "handler", "service"];
        assert!(!vague.contains(&name), "{} says nothing", path.display());
    }
}

/// A document that answers an attack with a test must not outlive the test's name.
#[test]
fn tests_that_documents_name_exist() {
    let mut code = String::new();
    for path in sources().into_iter().chain(files(&root().join("contracts/test"), "sol")) {
        code.push_str(&fs::read_to_string(&path).unwrap());
    }
    let mut named = 0;
    for document in files(&root().join("docs"), "md") {
        let text = fs::read_to_string(&document).unwrap();
        // Between backticks, in words of at least four parts: shorter names are those of metrics and fields.
        let is_name = |word: &&str| {
            word.matches('_').count() >= 3
                && word.chars().all(|c| c == '_' || c.is_ascii_alphanumeric())
                && *word != word.to_uppercase()
        };
        for name in text.split('`').skip(1).step_by(2).filter(is_name).filter(|name| !name.starts_with("guardian_")) {
            let ways = [format!("fn {name}("), format!("function {name}("), format!("\"{name}\"")];
            assert!(ways.iter().any(|way| code.contains(way)), "{} names {name}", document.display());
            named += 1;
        }
    }
    assert!(named > 50, "too few names found: {named}");
}

fn sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in ["crypto", "protocol", "p2p", "chain-adapters", "guardian-node", "tests"] {
        found.extend(files(&root().join(folder), "rs"));
    }
    assert!(found.len() > 60, "too few sources found: {}", found.len());
    found
}

/// All files below `folder` with this extension.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if path.file_name().is_none_or(|name| name != "node_modules" && name != "target") {
                found.extend(files(&path, extension));
            }
        } else if path.extension().is_some_and(|found| found == extension) {
            found.push(path);
        }
    }
    found
}
