//! What commands print: a reader that goes away is no fault, a full disk is one, and neither is a panic.

use crate::support::{Place, guardian, text};
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
    let member = ["key", "member", "--config", &config, "--address", "/dns4/host.example/udp/23700/quic-v1"];
    for succeeds in [
        &["--help"][..],
        &["key", "--help"],
        &["--version"],
        &["key", "plan", "--example"],
        &member,
        &[
            &["init", "--name", "alice", "--dir", missing.to_str().unwrap(), "--network", "hoodi", "--no-probe"][..],
            &["--beacon", "http://127.0.0.1:1", "--execution", "http://127.0.0.1:1"],
        ]
        .concat(),
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

/// Clears the screen, sets the title, turns letters around; then a line that looks like one of ours.
const HOSTILE: &str = "\u{1b}[2J\u{1b}]0;owned\u{7}\u{9b}31m\u{202e}\npass  everything is well";

#[test]
fn no_file_of_somebody_else_speaks_to_the_terminal() {
    let place = Place::with_key(4);
    let file = |name: &str, bytes: &[u8]| {
        let path = place.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let hostile = HOSTILE.replace('\n', "");
    let sealed =
        file("sealed", format!("guardian-sealed/1{hostile} backup owner=alice key-epoch=0 size=1\nx").as_bytes());
    let key = serde_json::to_string(HOSTILE).unwrap();
    let json = file(
        "hostile.json",
        format!("{{{key}: 1, \"message\": {{\"epoch\": {key}, \"validator_index\": \"1\"}}}}").as_bytes(),
    );
    let toml = file("hostile.toml", format!("[guardian]\n{key} = 1\n").as_bytes());
    let passphrase = file("passphrase", b"secret");
    let restored = place.path().join("restored");
    let config = place.config_path(1);
    let committee = std::path::Path::new(&config).with_file_name("committee.toml");
    let members = std::fs::read_to_string(&committee).unwrap();
    assert!(members.contains("\"guardian-2\""), "{members}");
    std::fs::write(&committee, members.replace("\"guardian-2\"", &key)).unwrap();
    let (restored, committee) = (restored.to_str().unwrap(), committee.to_str().unwrap());
    for arguments in [
        &["backup", "restore", "--from", &sealed, "--dir", restored, "--passphrase-file", &passphrase][..],
        &["report", "explain", &json],
        &["report", "replay", &json],
        &["verify", "exit", &json, "--network", "mainnet"],
        &["verify", "proof", &json, "--block-root", &"00".repeat(32)],
        &["check", "--config", &toml],
        &["check", "--config", &config],
        &["fault", "verify", &json, "--plan", &toml],
        &["fault", "verify", &json, "--committee", committee],
        &["pardon", "nobody", "--config", &config],
        &["contracts", "addresses", "--plan", &json],
    ] {
        let output = guardian(arguments);
        let said = text(&output);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
        let letters = |c: char| c == '\n' || !(c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c));
        assert!(said.chars().all(letters), "{arguments:?}: {said:?}");
        let looks_like_ours = said.lines().any(|line| line.starts_with("pass  everything"));
        assert!(!looks_like_ours, "{arguments:?}: {said}");
    }
}
