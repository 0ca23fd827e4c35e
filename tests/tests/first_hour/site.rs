//! Where operators do what the README says: on this machine, or each in containers of its own.

use eyre::Result;
use std::{
    fmt::Debug,
    path::{Path, PathBuf},
};

/// As the README calls them.
pub(crate) const NAMES: [&str; 4] = ["alice", "bob", "carol", "dave"];

/// A way of running the README's commands. Operators are told by their place in [`NAMES`].
pub(crate) trait Site: Debug {
    /// What the README leaves to the operator to say, and what its machine is like. Everything else has the README's own value.
    fn environment(&self, place: usize) -> Vec<(String, String)>;

    /// Where the operator's commands are typed.
    fn folder(&self, place: usize) -> PathBuf;

    /// Where its configuration and keys are.
    fn files(&self, place: usize) -> PathBuf;

    /// The shell's text for a line of the README.
    fn typed(&self, line: &str) -> String;

    /// What the README has here alone, before all that is everybody's.
    fn is_with_docker(&self) -> bool;

    /// Makes `file` one that the operator's program may read.
    fn own(&self, file: &Path) -> Result<()>;

    /// Whether a node goes on once its command has ended.
    fn is_in_background(&self) -> bool {
        self.is_with_docker()
    }

    /// Fails if a node that was started in the background does not run.
    fn nodes_are_up(&self) -> Result<()>;

    /// After all nodes were started: what the machine hears of them.
    fn hears_of_nodes(&self) -> Result<()>;

    /// What nodes in the background said.
    fn log(&self, place: usize) -> String;
}
