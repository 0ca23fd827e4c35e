//! Whether the contract said no, as against the node.

use super::{Phrase, meaning, phrase};

/// The codes of a revert: 3 in the execution API's specification, -32015 in OpenEthereum and older Nethermind.
const CODES: [i64; 2] = [3, -32_015];

const WORDS: &[Phrase<()>] = &[
    phrase("geth, reth, Erigon, Besu, Nethermind", "revert", ()),
    phrase("OpenEthereum, Nethermind before 1.2", "vm execution error", ()),
    phrase("Ganache, Hardhat", "vm exception while processing", ()),
];

/// Whether a JSON-RPC error with this code and message is a revert.
pub(crate) fn is_revert(code: i64, message: &str) -> bool {
    CODES.contains(&code) || meaning(WORDS, message).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revert_is_told_from_a_nodes_trouble() {
        for (code, message) in [
            (3, "execution reverted: x"),
            (-32_000, "Execution reverted"),
            (-32_015, "VM execution error."),
            (-32_000, "VM Exception while processing transaction: revert"),
        ] {
            assert!(is_revert(code, message), "{message}");
        }
        assert!(!is_revert(-32_000, "header not found"));
        assert!(!is_revert(-32_005, "rate limit exceeded"));
    }
}
