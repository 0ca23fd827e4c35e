//! The words and codes of other clients, and what they mean: the only place that knows them. No standard fixes how a client says
//! that it will not do something, so each kind of refusal has a table of client, version and words, and a meaning for each row.
//!
//! What no row fits is [not understood](crate::http::Http::not_understood): it is taken for the cautious case, counted, and told.

pub(crate) mod exits;
pub(crate) mod logs;
pub(crate) mod pool;
pub(crate) mod reverts;
pub(crate) mod routes;
pub(crate) mod syncing;

/// A row of a table: in whose words, since when as far as it was seen, and what they mean. In `words`, `*` stands for anything and a
/// leading `^` for the beginning of the text. Case, spaces and punctuation are not compared: some clients write `OldNonce`,
/// others `OLD_NONCE` or `old nonce`.
#[derive(Debug)]
pub(crate) struct Phrase<M: 'static> {
    pub(crate) client: &'static str,
    pub(crate) words: &'static str,
    pub(crate) means: M,
}

/// A row.
const fn phrase<M>(client: &'static str, words: &'static str, means: M) -> Phrase<M> {
    Phrase { client, words, means }
}

/// What the first row that fits `said` means.
pub(crate) fn meaning<M: Copy>(table: &[Phrase<M>], said: &str) -> Option<M> {
    let said = bare(said);
    let row = table.iter().find(|row| fits(row.words, &said))?;
    tracing::trace!(client = row.client, words = row.words, "a refusal is understood");
    Some(row.means)
}

/// Whether `words` occur in `said`, which is bare.
fn fits(words: &str, said: &str) -> bool {
    let (words, mut rest, mut anchored) = match words.strip_prefix('^') {
        Some(words) => (words, said, true),
        None => (words, said, false),
    };
    for part in words.split('*').map(bare) {
        let Some(at) = rest.find(&part).filter(|at| !anchored || *at == 0) else { return false };
        rest = rest.get(at.saturating_add(part.len())..).unwrap_or_default();
        anchored = false;
    }
    true
}

/// Letters and digits alone, in lower case.
fn bare(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_spaces_and_punctuation_are_not_compared() {
        let table = [phrase("any", "old nonce", 1), phrase("any", "^known", 2), phrase("any", "limited to*range", 3)];
        for said in ["OldNonce", "OLD_NONCE: 5", "tx refused (old nonce)"] {
            assert_eq!(meaning(&table, said), Some(1), "{said}");
        }
        assert_eq!(meaning(&table, "Known transaction"), Some(2));
        assert_eq!(meaning(&table, "unknown transaction"), None);
        assert_eq!(meaning(&table, "eth_getLogs is limited to a 10,000 range"), Some(3));
        assert_eq!(meaning(&table, "the range is limited to 10,000"), None);
    }
}
