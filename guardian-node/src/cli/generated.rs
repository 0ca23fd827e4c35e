//! `guardian completions` and `guardian man`: what a package installs beside the program, generated from the command line itself, so that the
//! two can't differ.

use super::{Cli, output};
use crate::hint::WithHint;
use clap::{Args, CommandFactory};
use clap_complete::Shell;
use eyre::Result;
use std::{fs, path::PathBuf};

/// Arguments of `guardian completions`.
#[derive(Debug, Args)]
pub(super) struct Completions {
    /// bash, zsh, fish, elvish or powershell
    shell: Shell,
}

/// Arguments of `guardian man`.
#[derive(Debug, Args)]
pub(super) struct Man {
    /// Where to write them, such as /usr/local/share/man/man1
    dir: PathBuf,
}

impl Completions {
    pub(super) fn run(self) -> Result<()> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "guardian", &mut script);
        output::data(String::from_utf8(script)?.trim_end());
        Ok(())
    }
}

impl Man {
    pub(super) fn run(self) -> Result<()> {
        let what = || format!("can't write manual pages to {}", self.dir.display());
        let advice = "check the folder and its permissions";
        fs::create_dir_all(&self.dir).hint(what(), advice)?;
        clap_mangen::generate_to(Cli::command(), &self.dir).hint(what(), advice)?;
        output::talk(&format!("Wrote a page for each command to {}", self.dir.display()));
        Ok(())
    }
}
