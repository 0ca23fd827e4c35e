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
pub(crate) fn scrub(text: String, url: &Url) -> String {
    secrets(url).iter().fold(text, |text, secret| text.replace(secret, "***"))
}

/// What may be secret in `url`, as it stands there and as it was meant: the password, and everything else that is as long as a key. The
/// longest come first: one may be a part of another.
#[must_use]
pub fn secrets(url: &Url) -> Vec<String> {
    let path = url.path_segments().into_iter().flatten();
    let query = url.query().into_iter().flat_map(|query| query.split('&'));
    let values = query.map(|pair| pair.split_once('=').map_or(pair, |(_, value)| value));
    let long = path.chain(values).chain([url.username()]).filter(|secret| secret.len() >= KEY_LENGTH);
    let password = url.password().filter(|secret| !secret.is_empty());
    let raw = long.chain(password);
    let mut secrets: Vec<String> = raw.flat_map(|secret| [secret.to_owned(), decoded(secret)]).collect();
    secrets.sort_unstable_by_key(|secret| std::cmp::Reverse(secret.len()));
    secrets.dedup();
    secrets
}

/// A part of an address without its percent signs.
fn decoded(part: &str) -> String {
    // A query's parser would make a space of a plus, and end at what separates values.
    let escaped = part.replace('+', "%2B").replace('&', "%26").replace('=', "%3D");
    url::form_urlencoded::parse(escaped.as_bytes()).next().map_or_else(String::new, |(name, _)| name.into_owned())
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
        let url = Url::parse("https://0123456789abcdef:p%40ss%2Bword@rpc.example/?token=a%20secret").unwrap();
        let said = "0123456789abcdef, p@ss+word, p%40ss%2Bword, a secret, a%20secret".to_owned();
        assert_eq!(scrub(said, &url), "***, ***, ***, ***, ***");
    }

    #[test]
    fn hostile_text_is_short_and_stays_on_its_line() {
        let shown = printable(&format!("a\nb\u{1b}[31m\u{202e}{}", "x".repeat(10_000)));
        assert!(shown.chars().count() <= SHOWN + 3);
        assert!(shown.starts_with("a b [31m x"));
    }
}
