//! The `guardian` command. Everything it can do is in the library's [`guardian_node::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    guardian_node::cli::main()
}
