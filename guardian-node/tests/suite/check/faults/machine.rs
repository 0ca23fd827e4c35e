//! What is wrong with the machine: disk, store, ports, clock, and the way to the other members.

use super::{Checked, Fault, each_is_told_and_nothing_else};
use crate::support::guardian;
use guardian_node::store::Store;
use guardian_protocol::{AppendRecords, ChainIdentity, Record};
use std::{
    fs,
    net::TcpListener,
    path::PathBuf,
    process::{Command, Stdio},
};

fn data(checked: &Checked) -> PathBuf {
    checked.place.home(1).join("data")
}

/// The store lies on a disk of its own of `size`, of which `command` makes what is wanted.
fn on_a_disk(checked: &mut Checked, size: &str, command: &str) {
    let data = data(checked);
    fs::create_dir_all(&data).unwrap();
    let mount =
        format!("mount -t tmpfs -o size={size},mode=700 none {0} && cd {0} && {command}; exec \"$@\"", data.display());
    let words = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", &mount, "sh"];
    checked.before = words.map(str::to_owned).to_vec();
}

/// Whether this user may have a disk of its own.
fn has_disks() -> bool {
    let mount = "mount -t tmpfs none /mnt";
    let tried = Command::new("unshare").args(["--user", "--map-root-user", "--mount", "sh", "-c", mount]).output();
    tried.is_ok_and(|output| output.status.success())
}

/// Syncs take this many microseconds: what the program calls of the C library is called here first.
const SLOW: &str = "#include <sys/syscall.h>\n#include <unistd.h>\nint fdatasync(int fd) { usleep(150000); return syscall(SYS_fdatasync, fd); }\n";

fn on_a_slow_disk(checked: &mut Checked) {
    let (source, library) = (checked.place.path().join("slow.c"), checked.place.path().join("slow.so"));
    fs::write(&source, SLOW).unwrap();
    let built = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source).status().unwrap();
    assert!(built.success());
    checked.environment.push(("LD_PRELOAD", library));
}

/// Whether there is a C compiler, as there is where this was built.
fn has_compiler() -> bool {
    Command::new("cc").arg("--version").stdout(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// Another program listens on a port, which `edit` puts into the configuration.
fn port_in_use(checked: &mut Checked, from: &str, to: &str) {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    checked.edit(from, &to.replace("PORT", &other.local_addr().unwrap().port().to_string()));
    checked.held.push(Box::new(other));
}

fn store_of_another_chain(checked: &mut Checked) {
    let identity = ChainIdentity { chain_id: 5, genesis_validators_root: [9; 32].into(), genesis_time: 1 };
    Store::open(&data(checked)).unwrap().append(&[Record::Chain { identity }]).unwrap();
}

fn damaged_store(checked: &mut Checked) {
    drop(Store::open(&data(checked)).unwrap());
    fs::write(data(checked).join("CURRENT"), "garbage").unwrap();
}

const FAULTS: &[Fault] = &[
    Fault::new("32 MiB of disk left", |it| on_a_disk(it, "32m", "true"), &[("fail", "disk_space")])
        .if_possible(has_disks),
    Fault::new("1 GiB of disk left", |it| on_a_disk(it, "1g", "true"), &[("poor", "disk_space")])
        .if_possible(has_disks),
    Fault::new(
        "a full disk",
        |it| on_a_disk(it, "1m", "cat /dev/zero > full 2>&-"),
        &[("fail", "store"), ("fail", "disk_space"), ("fail", "disk_sync")],
    )
    .if_possible(has_disks),
    Fault::new("a disk that syncs in 150 ms", on_a_slow_disk, &[("poor", "disk_sync")]).if_possible(has_compiler),
    Fault::new(
        "a file where the store's folder should be",
        |it| fs::write(data(it), "").unwrap(),
        &[("fail", "store"), ("fail", "disk_sync")],
    ),
    Fault::new("a damaged store", damaged_store, &[("fail", "store")]),
    Fault::new(
        "a store that another process has open",
        |it| it.held.push(Box::new(Store::open(&data(it)).unwrap())),
        &[("fail", "store")],
    ),
    Fault::new("a store of another chain", store_of_another_chain, &[("fail", "store_chain")]),
    Fault::new(
        "another program on the port for the members",
        |it| port_in_use(it, "/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/tcp/PORT"),
        &[("fail", "port")],
    ),
    Fault::new(
        "another program on the port of the pages",
        |it| port_in_use(it, "\"127.0.0.1:0\"", "\"127.0.0.1:PORT\""),
        &[("poor", "port")],
    ),
    Fault::new(
        "an address of another machine to listen on",
        |it| it.edit("/ip4/127.0.0.1/tcp/0", "/ip4/192.0.2.1/tcp/0"),
        &[("fail", "port")],
    ),
    Fault::new("a member that does not answer", |it| it.has_address(3, "/ip4/127.0.0.1/tcp/1"), &[("poor", "member")]),
    Fault::new(
        "a member with QUIC alone, and no running node",
        |it| it.has_address(4, "/ip4/127.0.0.1/udp/1/quic-v1"),
        &[("unknown", "member")],
    ),
    Fault::new("a clock that is 100 s behind", |it| it.all_nodes(|chain| chain.age = -100), &[("poor", "clock")]),
    Fault::new("a clock that is 200 s ahead", |it| it.all_nodes(|chain| chain.age = 200), &[("poor", "clock")]),
];

#[test]
fn faults_of_the_machine_are_told() {
    each_is_told_and_nothing_else("The machine", FAULTS);
}

#[test]
fn a_configuration_that_is_not_there_is_a_finding() {
    let output = guardian(&["check", "--json", "--config", "/nonexistent/guardian.toml"]);
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), &document["worst"]), (Some(1), &"fail".into()));
    assert_eq!(document["findings"][0]["code"], "configuration");
}
