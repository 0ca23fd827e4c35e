//! How beacon nodes say that they do not have something: no such route, no such state, no such block.

use super::{Phrase, meaning, phrase};

/// In answers whose status says that something else is wrong.
const WORDS: &[Phrase<()>] = &[
    phrase("Lodestar 1", "serve historical state", ()),
    phrase("Lodestar 1", "state not in cache", ()),
    phrase("Lighthouse, Nimbus, Teku", "state not found", ()),
    phrase("Prysm", "could not find requested state", ()),
    phrase("Prysm", "state not found", ()),
    phrase("Nimbus", "state pruned", ()),
    phrase("Grandine", "state*pre finalized", ()),
    phrase("many", "no state found", ()),
    phrase("many", "historical state*not", ()),
    phrase("many", "block not found", ()),
    phrase("many", "route not found", ()),
    phrase("many", "endpoint not found", ()),
    phrase("many", "not implemented", ()),
    phrase("many", "not supported", ()),
    phrase("many", "unsupported", ()),
    phrase("many", "endpoint*disabled", ()),
];

/// Whether an answer with this status and text says that the node has no such thing, or no such route. Texts differ from client to
/// client, and so do statuses: Lodestar says 500 where others say 404.
pub(crate) fn is_absent(status: u16, said: &str) -> bool {
    match status {
        404 | 405 | 410 | 501 => true,
        // 401 and 403 are a proxy that lets only some routes through.
        400 | 401 | 403 | 406 | 415 | 500 => meaning(WORDS, said).is_some(),
        _ => false,
    }
}

/// Whether this status is of a proxy, or of a node that can do nothing at the moment: nothing is said of the request itself.
pub(crate) fn is_unavailable(status: u16) -> bool {
    matches!(status, 408 | 429 | 502..=504 | 524)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_is_told_from_trouble() {
        assert!(is_absent(404, ""));
        assert!(is_absent(500, "No state found for id 5, set --serveHistoricalState"));
        assert!(is_absent(400, "Could not find requested state"));
        assert!(!is_absent(500, "internal error"));
        assert!(!is_absent(503, "beacon node is currently syncing"));
        assert!(!is_absent(200, "state not found"));
    }
}
