//! What the command line says of itself: help, completions, manual pages, version.

use crate::support::{assert_done, assert_refused, guardian, text};
use std::fs;

#[test]
fn help_explains_every_command() {
    let groups: [(&[&str], &[&str]); 8] = [
        (
            &[],
            &[
                "init",
                "config",
                "check",
                "run",
                "status",
                "validators",
                "duties",
                "exits",
                "peers",
                "key",
                "report",
                "fault",
                "verify",
                "hold",
                "release",
                "veto",
                "forbid",
                "rescan",
                "reload",
                "pardon",
                "price",
                "backup",
                "support-bundle",
                "contracts",
                "completions",
                "man",
            ],
        ),
        (
            &["key"],
            &[
                "member", "plan", "generate", "reshare", "refresh", "repair", "status", "recover", "rotate", "adopt",
                "enclave", "exits",
            ],
        ),
        (&["key", "enclave"], &["make", "show", "rotate"]),
        (&["key", "exits"], &["list", "verify", "import"]),
        (&["report"], &["explain", "replay"]),
        (&["verify"], &["signature", "exit", "registration", "state", "proof"]),
        (&["price"], &["quote", "backtest", "simulate", "plot", "commitments"]),
        (&["backup"], &["create", "restore"]),
    ];
    for (group, commands) in groups {
        let help = text(&guardian(&[group, &["--help"]].concat()));
        for command in commands {
            assert!(help.contains(command), "{command} is missing:\n{help}");
            assert_done(&guardian(&[group, &[*command, "--help"]].concat()));
        }
    }
    assert!(!text(&guardian(&["--help"])).contains("devnet"), "no command of an operator's makes keys for others");
}

#[test]
fn completions_and_manual_pages_know_every_command() {
    let dir = tempfile::tempdir().unwrap();
    let pages = dir.path().join("man1");
    assert_done(&guardian(&["man", pages.to_str().unwrap()]));
    for (page, what) in [
        ("guardian.1", "Watches Puffer"),
        ("guardian-init.1", "NAME=URL"),
        ("guardian-key-generate.1", "rehearse"),
        ("guardian-config-show.1", "json"),
    ] {
        let text = fs::read_to_string(pages.join(page)).unwrap_or_else(|error| panic!("{page}: {error}"));
        assert!(text.contains(what), "{page} does not speak of {what}:\n{text}");
    }
    assert_refused(&guardian(&["man", "/dev/null/man1"]), "can't write manual pages", "permissions");
    for shell in ["bash", "zsh", "fish"] {
        let script = guardian(&["completions", shell]);
        assert_done(&script);
        let script = text(&script);
        assert!(["init", "rehearse", "contracts"].iter().all(|word| script.contains(word)), "{shell}");
    }
}

#[test]
fn the_version_says_from_what_it_was_built() {
    let version = text(&guardian(&["--version"]));
    let from = version
        .strip_prefix(concat!("guardian ", env!("CARGO_PKG_VERSION"), " ("))
        .unwrap_or_else(|| panic!("{version}"));
    assert!(from.starts_with("debug build)") || from.starts_with("commit "), "{version}");
}
