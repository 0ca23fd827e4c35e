//! What commands print: a reader that goes away is no fault, a full disk is one, and neither is a panic.

use crate::support::{Place, text};
use std::{
    fs::File,
    io::pipe,
    process::{Command, Output, Stdio},
};

/// Runs a command that prints to `stdout`.
fn printing_to(arguments: &[&str], stdout: impl Into<Stdio>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_guardian"));
    let output = command.args(arguments).env_remove("RUST_LOG").stdout(stdout).stderr(Stdio::piped()).output().unwrap();
    assert!(!text(&output).contains("panicked"), "{arguments:?}: {}", text(&output));
    output
}

/// Commands that print data, and end well or with this configuration's fault.
fn each_command(mut run: impl FnMut(&[&str], bool)) {
    let place = Place::with_key(4);
    let (config, missing) = (place.config_path(1), place.path().join("made"));
    let member = ["key", "member", "--config", &config, "--address", "/dns4/host.example/udp/9000/quic-v1"];
    for succeeds in [
        &["--help"][..],
        &["key", "--help"],
        &["--version"],
        &["key", "plan", "--example"],
        &member,
        &["init", "--name", "alice", "--dir", missing.to_str().unwrap()],
    ] {
        std::fs::remove_dir_all(&missing).ok();
        run(succeeds, true);
    }
    // Its providers are not there.
    run(&["check", "--config", &config], false);
}

#[test]
fn a_reader_that_goes_away_changes_nothing_of_what_a_command_does() {
    each_command(|arguments, succeeds| {
        let (reader, writer) = pipe().unwrap();
        drop(reader);
        let output = printing_to(arguments, writer);
        assert_eq!(output.status.code(), Some(if succeeds { 0 } else { 1 }), "{arguments:?}: {}", text(&output));
        assert!(!text(&output).contains("standard output"), "{arguments:?}: {}", text(&output));
    });
}

#[test]
fn a_full_disk_is_an_error_with_advice() {
    each_command(|arguments, succeeds| {
        let output = printing_to(arguments, File::options().write(true).open("/dev/full").unwrap());
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {}", text(&output));
        let told = text(&output).contains("can't write to standard output") && text(&output).contains("hint: ");
        assert!(told || !succeeds, "{arguments:?}: {}", text(&output));
    });
}

#[test]
fn a_log_that_can_not_be_written_does_not_matter() {
    let place = Place::with_key(4);
    let full = || File::options().write(true).open("/dev/full").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_guardian"));
    let ended = command.args(["check", "--config", &place.config_path(1)]).stdout(full()).stderr(full()).status();
    assert_eq!(ended.unwrap().code(), Some(1));
}
