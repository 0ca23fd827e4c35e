//! The only place that prints: data to stdout, talk to stderr. Neither stops a command half way: a reader that goes away, such as `head`,
//! changes nothing of what the command does, and a full disk is told at its end.

use crate::hint::Hinted;
use std::{
    io::{self, ErrorKind, Write},
    sync::OnceLock,
};

/// Why stdout can't be written any more.
static LOST: OnceLock<io::Error> = OnceLock::new();

/// For pipes.
pub(super) fn data(text: &str) {
    if LOST.get().is_none()
        && let Err(error) = line(io::stdout().lock(), text)
    {
        LOST.get_or_init(|| error);
    }
}

/// For people. Where it can't be written, nobody can be told.
pub(super) fn talk(text: &str) {
    line(io::stderr().lock(), text).ok();
}

/// Whether all data was written, or is not wanted any more.
///
/// # Errors
/// If it was wanted and some is missing.
pub(super) fn finish() -> Result<(), Hinted> {
    match LOST.get() {
        Some(error) if error.kind() != ErrorKind::BrokenPipe => Err(Hinted::new(
            format!("can't write to standard output: {error}"),
            "what was written is not complete: make room there, or write it elsewhere, and run the command again",
        )),
        Some(_) | None => Ok(()),
    }
}

fn line(mut out: impl Write, text: &str) -> io::Result<()> {
    writeln!(out, "{text}")?;
    out.flush()
}
