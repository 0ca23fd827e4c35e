//! The only place that prints: data to stdout, talk to stderr. Neither stops a command half way: a reader that goes away, such as `head`,
//! changes nothing of what the command does, and a full disk is told at its end.
//!
//! Texts hold words of others: names in files, what providers and peers say. None of them reaches a terminal as anything but letters.

use crate::hint::Hinted;
use std::{
    borrow::Cow,
    io::{self, ErrorKind, Write},
    sync::OnceLock,
};

/// Why stdout can't be written any more.
static LOST: OnceLock<io::Error> = OnceLock::new();

/// For pipes.
pub(super) fn data(text: &str) {
    own_data(&shown(text));
}

/// [`data`] without anybody else's words in it, which may have colours.
pub(super) fn own_data(text: &str) {
    if LOST.get().is_none()
        && let Err(error) = line(io::stdout().lock(), text)
    {
        LOST.get_or_init(|| error);
    }
}

/// Bytes that are no text, for a file or another program.
pub(super) fn bytes(bytes: &[u8]) {
    if LOST.get().is_none()
        && let Err(error) = whole(io::stdout().lock(), bytes)
    {
        LOST.get_or_init(|| error);
    }
}

/// For people. Where it can't be written, nobody can be told.
pub(super) fn talk(text: &str) {
    line(io::stderr().lock(), &shown(text)).ok();
}

/// `text` as what follows a word on a line: if it has several lines, the others are further in, so that none of them looks like one of
/// ours.
pub(super) fn indented(text: &str) -> String {
    text.replace('\n', "\n    ")
}

/// `text` with everything that could move a cursor, send a command to the terminal, or hide and reorder letters, as JSON writes its number;
/// JSON stays the same JSON.
pub(super) fn shown(text: &str) -> Cow<'_, str> {
    if !text.contains(is_hostile) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        if is_hostile(letter) {
            shown.push_str(&format!("\\u{:04x}", u32::from(letter)));
        } else {
            shown.push(letter);
        }
    }
    Cow::Owned(shown)
}

/// Control characters but for those that make lines and columns, and what Unicode has for directions and invisible joints.
fn is_hostile(letter: char) -> bool {
    let controls = letter.is_control() && !matches!(letter, '\n' | '\t');
    controls
        || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// A question, whose answer stands on the same line.
pub(super) fn prompt(text: &str) {
    let mut out = io::stderr().lock();
    write!(out, "{text}").and_then(|()| out.flush()).ok();
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

fn whole(mut out: impl Write, bytes: &[u8]) -> io::Result<()> {
    out.write_all(bytes)?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_is_nothing_but_letters_on_a_terminal() {
        assert_eq!(shown("alice\u{1b}[2J\u{7}\u{202e}b\u{9b}1m\r"), "alice\\u001b[2J\\u0007\\u202eb\\u009b1m\\u000d");
        assert!(matches!(shown("Ünïcode,\n\ttwo lines \u{1f6e1}"), Cow::Borrowed(_)));
        let json = serde_json::json!({ "name": "\u{1b}[2J\u{7f}\u{9b}\u{202e}", "said": "a\nb" });
        let text = serde_json::to_string_pretty(&json).unwrap();
        assert!(!shown(&text).contains(is_hostile));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown(&text)).unwrap(), json);
    }
}
