//! The only place that prints: data to stdout, talk to stderr.

/// For pipes.
#[expect(clippy::print_stdout, reason = "this is the one place for it")]
pub(super) fn data(text: &str) {
    println!("{text}");
}

/// For people.
#[expect(clippy::print_stderr, reason = "this is the one place for it")]
pub(super) fn talk(text: &str) {
    eprintln!("{text}");
}
