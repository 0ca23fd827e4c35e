//! What may be shown of an address or of a stranger's words. Addresses of hosted providers carry passwords and API keys;
//! error bodies are written by whoever answers. This is not an escaper for any output format.

use std::fmt;
use url::Url;

/// How much of a stranger's text is kept: enough for any client's message, too little to flood a log.
const SHOWN: usize = 200;

/// Path segments and query values of this length or more are taken for API keys when they come back in an error text.
const KEY_LENGTH: usize = 8;

/// Shows scheme, host and port of an address, and stars for everything that may be secret.
pub(crate) struct Redacted<'a>(pub(crate) &'a Url);

impl fmt::Display for Redacted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = self.0;
        write!(f, "{}://", url.scheme())?;
        if !url.username().is_empty() || url.password().is_some() {
            f.write_str("***@")?;
        }
        f.write_str(url.host_str().unwrap_or("?"))?;
        if let Some(port) = url.port() {
            write!(f, ":{port}")?;
        }
        if url.path().len() > 1 || url.query().is_some() {
            f.write_str("/***")?;
        }
        Ok(())
    }
}

/// `url` without anything that may be secret: scheme, host and port, and stars for the rest.
#[must_use]
pub fn redacted(url: &Url) -> String {
    Redacted(url).to_string()
}

/// At most [`SHOWN`] characters of `text`, with everything that could move a cursor or fake a line replaced by spaces.
pub(crate) fn printable(text: &str) -> String {
    let mut shown: String = text.chars().take(SHOWN).map(sanitise).collect();
    if text.chars().nth(SHOWN).is_some() {
        shown.push_str("...");
    }
    shown
}

/// `text` without the secrets of `url`, for clients that repeat a refused key in their answer.
pub(crate) fn scrub(mut text: String, url: &Url) -> String {
    let path = url.path_segments().into_iter().flatten().map(str::to_owned);
    let query = url.query_pairs().map(|(_, value)| value.into_owned());
    let long = path.chain(query).filter(|secret| secret.len() >= KEY_LENGTH);
    let password = url.password().map(str::to_owned).filter(|secret| !secret.is_empty());
    for secret in long.chain(password) {
        text = text.replace(&secret, "***");
    }
    text
}

fn sanitise(c: char) -> char {
    // Letters of any language may stay; control and direction characters may not.
    if c.is_ascii_graphic() || c.is_alphanumeric() || c == '\u{fffd}' { c } else { ' ' }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_shows_where_but_not_with_which_credentials() {
        let url = Url::parse("https://alice:hunter2@rpc.example:8545/v3/0123456789abcdef?key=topsecret").unwrap();
        assert_eq!(Redacted(&url).to_string(), "https://***@rpc.example:8545/***");
        let url = Url::parse("http://127.0.0.1:9596").unwrap();
        assert_eq!(Redacted(&url).to_string(), "http://127.0.0.1:9596");
    }

    #[test]
    fn a_secret_that_a_provider_repeats_is_removed() {
        let url = Url::parse("https://alice:hunter2@rpc.example/v3/0123456789abcdef?key=topsecret").unwrap();
        let said = "key 0123456789abcdef of alice (hunter2) with topsecret is not valid".to_owned();
        assert_eq!(scrub(said, &url), "key *** of alice (***) with *** is not valid");
    }

    #[test]
    fn hostile_text_is_short_and_stays_on_its_line() {
        let shown = printable(&format!("a\nb\u{1b}[31m\u{202e}{}", "x".repeat(10_000)));
        assert!(shown.chars().count() <= SHOWN + 3);
        assert!(shown.starts_with("a b [31m x"));
    }
}
