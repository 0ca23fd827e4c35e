//! Tells the program from which commit it is built: `GUARDIAN_COMMIT` if the builder says so, as for an image, whose build sees no history;
//! else what git says. A debug build names none: it would have to be built again after each commit.

use std::{
    env,
    io::{self, Write},
    process::Command,
};

fn main() -> io::Result<()> {
    let mut out = io::stdout();
    writeln!(out, "cargo:rerun-if-env-changed=GUARDIAN_COMMIT")?;
    writeln!(out, "cargo:rerun-if-changed=build.rs")?;
    let said = env::var("GUARDIAN_COMMIT").ok().filter(|commit| !commit.is_empty());
    let is_release = env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let commit = match said {
        Some(commit) => Some(commit),
        None if is_release => {
            // Written at each commit and checkout.
            if let Some(log) = git(&["rev-parse", "--git-path", "logs/HEAD"]) {
                writeln!(out, "cargo:rerun-if-changed={log}")?;
            }
            git(&["describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"])
        }
        None => None,
    };
    let from = match &commit {
        Some(commit) => format!("commit {commit}"),
        None if is_release => "commit not known".to_owned(),
        None => "debug build".to_owned(),
    };
    let version = env::var("CARGO_PKG_VERSION").unwrap_or_default();
    writeln!(out, "cargo:rustc-env=PROGRAM_COMMIT={}", commit.unwrap_or_default())?;
    writeln!(out, "cargo:rustc-env=PROGRAM_VERSION={version} ({from})")
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !text.is_empty()).then_some(text)
}
