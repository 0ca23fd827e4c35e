//! Why a transaction pool does not take a transaction.

use super::{Phrase, meaning, phrase};

/// Why a node did not take a transaction. Clients agree on no codes, only roughly on words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rejection {
    /// It has this very transaction: as good as taken.
    Known,
    /// The nonce was used: something of this account was included in the meantime.
    NonceTooLow,
    /// Another transaction with this nonce waits, or the pool is full, and this one does not bid enough more.
    Underpriced,
    /// The account can't pay.
    NoFunds,
    /// The node's own trouble or rule, which no other bid changes: it syncs, limits, or caps fees.
    Node,
    /// Words that no row fits.
    NotUnderstood,
}

use Rejection::{Known, NoFunds, Node, NonceTooLow, Underpriced};

const WORDS: &[Phrase<Rejection>] = &[
    phrase("geth, reth, Erigon 2, Nethermind", "already known", Known),
    // Not anywhere in the text: "unknown transaction type" is another matter.
    phrase("Besu", "^known transaction", Known),
    phrase("OpenEthereum, anvil", "already imported", Known),
    phrase("Erigon 2 and 3", "existing tx with same hash", Known),
    phrase("many", "already in mempool", Known),
    phrase("many", "already in the pool", Known),
    phrase("many", "already exists", Known),
    phrase("geth, reth, Erigon, Besu, anvil", "nonce too low", NonceTooLow),
    phrase("OpenEthereum", "nonce is too low", NonceTooLow),
    phrase("Nethermind before 2026", "old nonce", NonceTooLow),
    phrase("Erigon", "already mined", NonceTooLow),
    phrase("many", "nonce*already used", NonceTooLow),
    phrase("many", "lower than the current nonce", NonceTooLow),
    phrase("geth, reth, Besu, Erigon, Nethermind 2026", "underpriced", Underpriced),
    phrase("Nethermind before 2026", "replacement not allowed", Underpriced),
    phrase("Nethermind before 2026", "fee too low", Underpriced),
    phrase("Erigon", "could not replace", Underpriced),
    phrase("many", "fee too low to replace", Underpriced),
    phrase("many", "replacement*too low", Underpriced),
    phrase("many", "replacement*rejected", Underpriced),
    phrase("geth", "gas price below minimum", Underpriced),
    phrase("Besu", "gas price below", Underpriced),
    phrase("OpenEthereum", "gas price*too low", Underpriced),
    phrase("many", "transaction with same nonce", Underpriced),
    phrase("many", "transaction with the same nonce", Underpriced),
    phrase("geth, reth, Erigon, anvil", "max fee per gas less than block base fee", Underpriced),
    phrase("many", "less than*base fee", Underpriced),
    phrase("geth, reth", "txpool is full", Underpriced),
    phrase("Erigon", "sub pool is full", Underpriced),
    phrase("many", "pool is full", Underpriced),
    phrase("geth, reth, Erigon, anvil, Nethermind", "insufficient funds", NoFunds),
    phrase("many", "insufficient balance", NoFunds),
    phrase("Besu", "upfront cost exceeds account balance", NoFunds),
    phrase("many", "exceeds*balance", NoFunds),
    phrase("geth, Besu", "fee*exceeds the configured cap", Node),
    phrase("Besu", "fee cap exceeded", Node),
    phrase("many", "rate limit", Node),
    phrase("many", "too many requests", Node),
    phrase("many", "syncing", Node),
    phrase("many", "not synced", Node),
    phrase("many", "method not found", Node),
    phrase("geth", "method*not available", Node),
    phrase("Besu", "pool not enabled", Node),
    phrase("many", "timeout", Node),
    phrase("many", "timed out", Node),
    phrase("many", "nonce too high", Node),
    phrase("Nethermind before 2026", "nonce gap", Node),
    phrase("many", "gas limit", Node),
    phrase("many", "intrinsic gas", Node),
    phrase("many", "transaction type", Node),
];

impl Rejection {
    /// What the message of a JSON-RPC error means.
    pub(crate) fn of(message: &str) -> Self {
        meaning(WORDS, message).unwrap_or(Self::NotUnderstood)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_the_clients_are_understood() {
        for (said, meant) in [
            ("already known", Known),
            ("AlreadyKnown", Known),
            ("ALREADY_EXISTS: already known", Known),
            ("Known transaction", Known),
            ("transaction already imported", Known),
            ("existing tx with same hash", Known),
            ("nonce too low: next nonce 5, tx nonce 4", NonceTooLow),
            ("OldNonce, Current nonce: 5, nonce of rejected tx: 3", NonceTooLow),
            ("Transaction nonce is too low. Try incrementing the nonce.", NonceTooLow),
            ("replacement transaction underpriced", Underpriced),
            ("transaction underpriced: gas tip cap 1, minimum needed 2", Underpriced),
            ("ReplacementNotAllowed", Underpriced),
            ("Replacement transaction underpriced", Underpriced),
            ("FeeTooLow, FeePerGas needs to be higher than 1 to be added to the TxPool.", Underpriced),
            ("FeeTooLowToCompete", Underpriced),
            ("INTERNAL_ERROR: could not replace existing tx", Underpriced),
            ("Gas price below configured minimum gas price", Underpriced),
            (
                "Transaction gas price is too low. There is another transaction with same nonce in the queue.",
                Underpriced,
            ),
            ("max fee per gas less than block base fee", Underpriced),
            ("txpool is full", Underpriced),
            ("baseFee sub-pool is full", Underpriced),
            ("insufficient funds for gas * price + value", NoFunds),
            ("Insufficient funds for gas", NoFunds),
            ("InsufficientFunds, Account balance: 0, cumulative cost: 1", NoFunds),
            ("Upfront cost exceeds account balance", NoFunds),
            ("tx fee (1.20 ether) exceeds the configured cap (1.00 ether)", Node),
            ("unknown transaction type", Node),
            ("Syncing", Node),
            ("call rate limit exhausted", Node),
            ("computer says no", Rejection::NotUnderstood),
        ] {
            assert_eq!(Rejection::of(said), meant, "{said}");
        }
    }
}
