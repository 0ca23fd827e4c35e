//! Ports and places stand in several files: image, compose file, Prometheus, README. They are those of the configuration's defaults.

use super::document::{Who, readme, steps, variables};
use guardian_node::config::{HttpConfig, Network, P2pConfig};
use std::{collections::BTreeSet, process::Command};

const COMPOSE: &str = include_str!("../../../docker-compose.yml");
const IMAGE: &str = include_str!("../../../Dockerfile");
const PROMETHEUS: &str = include_str!("../../../deploy/prometheus.yml");
const UNIT: &str = include_str!("../../../deploy/guardian.service");
const MANUAL: &str = include_str!("../../../docs/operating.md");

/// Ports of other programs that stand on the same machine: execution and consensus clients, their validators and metrics, MEV-boost,
/// charon, SSV, Prometheus, its exporters, Grafana.
const TAKEN: [u16; 34] = [
    3000, 3100, 3500, 3600, 3610, 3620, 4000, 5051, 5052, 5054, 5062, 5064, 6060, 8008, 8080, 8545, 8546, 8551, 9000,
    9001, 9090, 9100, 9104, 9190, 9596, 12000, 12001, 13000, 13001, 15000, 16000, 18550, 30303, 42069,
];

/// The numbers at the ends of multiaddresses.
fn ports(listen: &[String]) -> BTreeSet<u16> {
    listen.iter().map(|address| address.split('/').filter_map(|part| part.parse().ok()).next_back().unwrap()).collect()
}

/// The service's part of the compose file.
fn service(name: &str) -> &'static str {
    let (_, rest) = COMPOSE.split_once(&format!("\n  {name}:\n")).expect("the compose file has the service");
    rest.split("\n\n").next().unwrap()
}

#[test]
fn image_compose_file_and_prometheus_have_the_ports_of_the_configuration() {
    let p2p = P2pConfig::default();
    let (node, ceremony, http) = (ports(&p2p.listen), ports(&p2p.ceremony_listen), HttpConfig::default().listen);
    assert_eq!((node.len(), ceremony.len()), (1, 1), "one port each, for both transports");
    for (name, own) in [("guardian", &node), ("ceremony", &ceremony)] {
        for port in own {
            for transport in ["udp", "tcp"] {
                assert!(
                    service(name).contains(&format!("- \"${{PUBLISH:-}}{port}:{port}/{transport}\"")),
                    "{name}: {port}/{transport}"
                );
                assert!(IMAGE.contains(&format!(" {port}/{transport}")), "the image: {port}/{transport}");
            }
            assert!(readme().contains(&format!("{port}")) && MANUAL.contains(&format!("{port}")), "documents: {port}");
        }
    }
    let pages = http.port();
    assert!(
        service("guardian").contains(&format!("\"${{PAGES:-127.0.0.1}}:{pages}:{pages}/tcp\"")),
        "not on loopback alone"
    );
    assert!(IMAGE.contains(&format!("GUARDIAN_HTTP_LISTEN=0.0.0.0:{pages}")), "the image");
    assert!(PROMETHEUS.contains(&format!("targets: [\"127.0.0.1:{pages}\"]")), "Prometheus");
    let all: BTreeSet<u16> = node.iter().chain(&ceremony).copied().chain([pages]).collect();
    assert_eq!(all.len(), 3, "one port is not for two");
    // From 32768 on the system gives ports to outgoing connections.
    assert!(all.iter().all(|port| !TAKEN.contains(port) && (10_000..32_768).contains(port)), "{all:?}");
}

#[test]
fn in_the_image_the_store_is_where_a_volume_is() {
    assert!(IMAGE.contains("GUARDIAN_DATA_DIR=/var/lib/guardian") && IMAGE.contains("VOLUME /var/lib/guardian"));
    for name in ["guardian", "ceremony"] {
        assert!(service(name).contains("- guardian-data:/var/lib/guardian"), "{name}");
        assert!(service(name).contains("host.docker.internal:host-gateway"), "{name}: the host's nodes can be reached");
    }
    // The node can't write where keys are, ceremonies can.
    assert!(service("guardian").contains("./guardian:/etc/guardian:ro"));
    assert!(service("ceremony").contains("- ./guardian:/etc/guardian\n"));
}

/// What `systemd-analyze` says to the unit, if it is there.
fn systemd_analyze(arguments: &[&str]) -> Option<String> {
    let unit = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/guardian.service");
    let output = Command::new("systemd-analyze").args(arguments).arg(unit).output();
    let Ok(output) = output else {
        println!("skipped: systemd-analyze is not installed");
        return None;
    };
    Some([output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat())
}

#[test]
fn systemd_takes_the_unit_and_finds_little_that_it_could_do() {
    if let Some(said) = systemd_analyze(&["verify"]) {
        // The program is not installed where tests run.
        let faults: Vec<&str> = said.lines().filter(|line| !line.contains("guardian is not executable")).collect();
        assert!(faults.is_empty(), "{faults:?}");
    }
    if let Some(said) = systemd_analyze(&["security", "--offline=true", "--threshold=20", "--no-pager"]) {
        let exposure = said.split_once("Overall exposure level for guardian.service: ").expect("a verdict").1;
        let level: f64 = exposure.split_whitespace().next().unwrap().parse().unwrap();
        assert!(level < 2.0, "of 10: {level}");
    }
}

#[test]
fn the_unit_hands_over_what_the_program_takes() {
    let has = |line: &str| UNIT.lines().any(|own| own == line);
    for line in [
        "Type=notify",
        "ExecStart=guardian run",
        "WorkingDirectory=/etc/guardian",
        "LoadCredentialEncrypted=guardian",
        "Environment=GUARDIAN_KEYS_PASSPHRASE_CREDENTIAL=guardian",
        "StateDirectory=guardian",
        "LimitCORE=0",
    ] {
        assert!(has(line), "{line}");
    }
}

#[test]
fn what_the_readme_says_of_docker_is_in_the_compose_file() {
    let steps = steps(&readme());
    let docker: Vec<&str> =
        steps.iter().filter(|step| step.who == Who::WithDocker).map(|step| step.line.as_str()).collect();
    let function = "guardian() { docker compose run --rm --service-ports ceremony \"$@\"; }";
    assert!(docker.contains(&function), "{docker:?}");
    let user = IMAGE.split_once("--uid ").and_then(|(_, rest)| rest.split_whitespace().next()).unwrap();
    for line in ["-d -o USER -m 700 guardian", "-o USER -m 600 /dev/stdin guardian.passphrase"] {
        let line = line.replace("USER", user);
        assert!(docker.iter().any(|command| command.contains(&line)), "{line}: {docker:?}");
    }
    assert!(service("ceremony").contains("./guardian.passphrase:/etc/guardian.passphrase:ro"));
    let network: Network = variables(&steps)["NETWORK"].parse().unwrap();
    assert!(Network::ALL.contains(&network));
}
