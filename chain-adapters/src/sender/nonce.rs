//! Which nonce, and what a node means when it will not take a transaction. The account is this guardian's alone, so whatever
//! of it waits in a pool was left behind by an earlier attempt, and is replaced instead of queued behind.

/// Why a node did not take a transaction. Clients agree on no codes, only roughly on words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rejection {
    /// It has this very transaction: as good as taken.
    Known,
    /// The nonce was used: something of this account was included in the meantime.
    NonceTooLow,
    /// Another transaction with this nonce waits, and this one does not bid enough more.
    Underpriced,
    /// The account can't pay.
    NoFunds,
    /// Anything else.
    Other,
}

impl Rejection {
    /// What the message of a JSON-RPC error means.
    pub(crate) fn of(message: &str) -> Self {
        let message = message.to_ascii_lowercase();
        let says = |words: &[&str]| words.iter().any(|words| message.contains(words));
        // Not anywhere in the text: "unknown transaction type" is another matter.
        let known = message.starts_with("known transaction");
        if known || says(&["already known", "already imported", "alreadyknown"]) {
            Self::Known
        } else if says(&["nonce too low", "nonce is too low", "oldnonce", "nonce_too_low"]) {
            Self::NonceTooLow
        } else if says(&["underpriced", "fee too low", "feetoolow", "gas price too low", "could not replace"]) {
            Self::Underpriced
        } else if says(&["insufficient funds", "insufficientfunds", "insufficient balance"]) {
            Self::NoFunds
        } else {
            Self::Other
        }
    }
}

/// What to believe of what several nodes say: the upper median, so that one node of three that lags or lies does not matter.
pub(crate) fn median<T: Ord + Copy>(mut said: Vec<T>) -> Option<T> {
    said.sort_unstable();
    said.get(said.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_lagging_or_lying_node_of_three_does_not_move_the_nonce() {
        assert_eq!(median(vec![7, 0, 7]), Some(7));
        assert_eq!(median(vec![7, 900, 7]), Some(7));
        assert_eq!(median(vec![6, 7]), Some(7));
        assert_eq!(median::<u64>(vec![]), None);
    }

    #[test]
    fn the_words_of_the_clients_are_understood() {
        for (said, meant) in [
            ("already known", Rejection::Known),
            ("AlreadyKnown", Rejection::Known),
            ("Known transaction", Rejection::Known),
            ("transaction already imported", Rejection::Known),
            ("nonce too low: next nonce 5, tx nonce 4", Rejection::NonceTooLow),
            ("OldNonce", Rejection::NonceTooLow),
            ("replacement transaction underpriced", Rejection::Underpriced),
            ("could not replace existing tx", Rejection::Underpriced),
            ("insufficient funds for gas * price + value", Rejection::NoFunds),
            ("Insufficient funds for gas", Rejection::NoFunds),
            ("unknown transaction type", Rejection::Other),
        ] {
            assert_eq!(Rejection::of(said), meant, "{said}");
        }
    }
}
