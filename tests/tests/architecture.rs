//! The rules of `docs/architecture.md` that a compiler does not check: who may use whom, and how files and documents
//! look.

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

/// The machinery of the line. It knows a kind of duty only as a label.
const STEPS: [&str; 12] = [
    "observe",
    "decide.rs",
    "hold",
    "agree",
    "open",
    "sign",
    "submit.rs",
    "guardian",
    "wire",
    "peers",
    "effects.rs",
    "record.rs",
];

#[test]
fn steps_do_not_name_kinds() {
    let kinds = kinds();
    for path in sources().into_iter().filter(|path| is_of(path, "protocol/src", &STEPS) && !is_test_file(path)) {
        let text = production(&path);
        for kind in &kinds {
            let variant: String = kind.split('_').map(capitalised).collect();
            let names = [format!("::{variant}"), format!("{kind}::"), format!("\"{kind}\"")];
            let named = names.iter().find(|name| text.contains(*name));
            assert!(named.is_none(), "{} names {}", path.display(), named.unwrap());
        }
    }
}

/// What a kind is stands in one folder of the brain and one file of the adapters; everybody else asks the tables.
#[test]
fn kinds_are_reached_through_their_tables() {
    for path in sources().into_iter().filter(|path| !is_test_file(path)) {
        let text = production(&path);
        for (home, module) in [("protocol/src/duty/", "duty"), ("chain-adapters/src/contracts/", "contracts")] {
            for kind in kinds().iter().filter(|_| !path.starts_with(root().join(home))) {
                let name = format!("{module}::{kind}");
                assert!(!text.contains(&name), "{} reaches {name} past the table", path.display());
            }
        }
    }
}

#[test]
fn a_kind_has_one_home_on_each_side() {
    let named = |folder: &str| -> BTreeSet<String> {
        let stem = |entry: fs::DirEntry| entry.path().file_stem().unwrap().to_str().unwrap().to_owned();
        fs::read_dir(root().join(folder)).unwrap().map(|entry| stem(entry.unwrap())).collect()
    };
    for kind in kinds() {
        for folder in ["protocol/src/duty", "chain-adapters/src/contracts"] {
            assert!(named(folder).contains(&kind), "{kind} has no home in {folder}");
        }
    }
}

/// Other crates use the brain's names from one list, besides the ceremonies' own; see the compile-fail examples in `protocol/src/lib.rs` too.
#[test]
fn the_brain_s_door_is_a_list() {
    let text = fs::read_to_string(root().join("protocol/src/lib.rs")).unwrap();
    let open: Vec<&str> = text.lines().filter(|line| line.starts_with("pub mod ")).collect();
    assert_eq!(open, ["pub mod ceremony;", "pub mod testing;"], "modules are private");
    let names = text.split("pub use ").skip(1).flat_map(|list| list.split(';').next().unwrap().split(','));
    let names = names.filter(|name| !name.trim().is_empty()).count();
    assert!((60..140).contains(&names), "{names} names: is each of them needed outside?");
    let testing = fs::read_to_string(root().join("protocol/src/testing/mod.rs")).unwrap();
    for secret in ["Permit", "Guard,", "Guard}", "Nonces"] {
        assert!(
            !text.contains(&format!("pub use sign::guard::{secret}")) && !testing.contains(secret),
            "{secret} is let out"
        );
    }
}

/// The kinds of duty, by their words.
fn kinds() -> Vec<String> {
    guardian_protocol::DutyKind::ALL.iter().map(|kind| kind.as_str().to_owned()).collect()
}

fn capitalised(word: &str) -> String {
    word[..1].to_uppercase() + &word[1..]
}

fn is_of(path: &Path, folder: &str, parts: &[&str]) -> bool {
    parts.iter().any(|part| path.starts_with(root().join(folder).join(part)))
}

fn is_test_file(path: &Path) -> bool {
    path.components().any(|part| {
        part.as_os_str()
            .to_str()
            .is_some_and(|part| part == "tests" || part == "tests.rs" || part.ends_with("_tests.rs"))
    })
}

/// A file without its tests and comments.
fn production(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let text = text.split("#[cfg(test)]").next().unwrap();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// A document that answers an attack with a test must not outlive the test's name, nor a file that it points to.
#[test]
fn tests_that_documents_name_exist() {
    let mut code = String::new();
    for path in sources().into_iter().chain(files(&root().join("contracts/test"), "sol")) {
        code.push_str(&fs::read_to_string(&path).unwrap());
    }
    let (there, mut tests, mut paths) = (paths(), 0, 0);
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        for name in quoted(&text).into_iter().filter(|word| is_test(word)) {
            let ways = [format!("fn {name}("), format!("function {name}("), format!("\"{name}\"")];
            assert!(ways.iter().any(|way| code.contains(way)), "{} names {name}", document.display());
            tests += 1;
        }
        for name in quoted(&text).into_iter().filter(|word| is_path(word)) {
            // The beginning may be left out where it is clear.
            let shortened = format!("/{name}");
            let exists = there.iter().any(|path| path == name || path.ends_with(&shortened));
            assert!(exists, "{} names {name}", document.display());
            paths += 1;
        }
    }
    assert!(tests > 50 && paths > 30, "too few names found: {tests} tests, {paths} paths");
}

#[test]
fn documents_are_wrapped() {
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        let mut fenced = false;
        for (number, line) in text.lines().enumerate() {
            fenced ^= line.trim_start().starts_with("```");
            let is_prose = !fenced && !line.trim_start().starts_with('|');
            let most = if is_prose { 120 } else { 150 };
            let length = line.chars().count();
            assert!(length <= most, "{}:{} has {length} characters", document.display(), number + 1);
        }
    }
}

/// What stands between backticks, outside of fences, in order.
fn quoted(text: &str) -> Vec<&str> {
    text.split("```").step_by(2).flat_map(|prose| prose.split('`').skip(1).step_by(2)).collect()
}

/// Words of at least four parts: shorter names are those of metrics and fields.
fn is_test(word: &str) -> bool {
    word.matches('_').count() >= 3
        && word.chars().all(|c| c == '_' || c.is_ascii_alphanumeric())
        && word != word.to_uppercase()
        && !word.starts_with("guardian_")
}

/// Sources, and whatever has a slash and ends in one or in an extension; not the files that a guardian writes.
fn is_path(word: &str) -> bool {
    let last = word.rsplit('/').next().unwrap_or_default();
    let is_source = [".rs", ".sol", ".mjs"].iter().any(|extension| last.ends_with(extension));
    (is_source || word.contains('/'))
        && word.chars().all(|c| "_-./".contains(c) || c.is_ascii_alphanumeric())
        && !["/", ".", "data_dir/"].iter().any(|start| word.starts_with(start))
        && (last.is_empty() || last.contains('.'))
}

/// All files and folders of the repository, from its root on; folders end in a slash.
fn paths() -> Vec<String> {
    let (mut found, mut open) = (Vec::new(), vec![root()]);
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap_or_default();
            // What is not ours, or was built.
            if ["node_modules", "target", "out", "cache"].contains(&name) || name.starts_with('.') {
                continue;
            }
            let mut relative = path.strip_prefix(root()).unwrap().to_str().unwrap_or_default().to_owned();
            if path.is_dir() {
                relative.push('/');
                open.push(path);
            }
            found.push(relative);
        }
    }
    found
}

/// Everything that people read.
fn documents() -> Vec<PathBuf> {
    let mut found = files(&root().join("docs"), "md");
    found.extend(["contracts/README.md", "tests/real-beacon/README.md"].map(|path| root().join(path)));
    let top = fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().path());
    found.extend(top.filter(|path| path.extension().is_some_and(|extension| extension == "md")));
    assert!(found.len() > 20, "too few documents found: {}", found.len());
    found
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
