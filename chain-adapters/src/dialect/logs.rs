//! How execution nodes refuse `eth_getLogs`. Two refusals must never be taken for each other: a question that is too large has to be
//! made smaller, one that comes too often has to be asked later and stay as it is.

use super::{Phrase, meaning, phrase};

/// What a refused question for logs has to become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogRefusal {
    /// Too many blocks or logs, or too long to find them: smaller, at once.
    TooMuch,
    /// Too many questions: the same one, later.
    TooOften,
    /// The node does not have these blocks' logs, or no longer: another node's business.
    Gone,
    /// The node or the subscription does not answer such questions at all.
    Unsupported,
    /// Nobody knows. Cautious: later first, and smaller if that does not help.
    NotUnderstood,
}

use LogRefusal::{Gone, TooMuch, TooOften, Unsupported};

/// Rates come first: some texts that name a rate also name a range, but none that is about a range names one of these.
const WORDS: &[Phrase<LogRefusal>] = &[
    phrase("Infura", "request rate", TooOften),
    phrase("Infura", "daily request count", TooOften),
    phrase("many", "rate limit", TooOften),
    phrase("many", "ratelimit", TooOften),
    phrase("many", "too many requests", TooOften),
    phrase("many", "too many connections", TooOften),
    phrase("many", "too many concurrent", TooOften),
    phrase("Alchemy", "compute units", TooOften),
    phrase("Alchemy, Infura", "capacity", TooOften),
    phrase("QuickNode", "request limit", TooOften),
    phrase("QuickNode, Chainstack", "per second", TooOften),
    phrase("many", "per minute", TooOften),
    phrase("many", "per day", TooOften),
    phrase("many", "quota", TooOften),
    phrase("many", "credits", TooOften),
    phrase("many", "daily limit", TooOften),
    phrase("many", "monthly", TooOften),
    phrase("BlockPI", "out of cu", TooOften),
    phrase("many", "throttl", TooOften),
    phrase("many", "throughput", TooOften),
    phrase("Cloudflare, PublicNode", "retry in", TooOften),
    phrase("many", "retry after", TooOften),
    phrase("many", "try again later", TooOften),
    phrase("many", "slow down", TooOften),
    phrase("Nethermind 1.2x", "too busy", TooOften),
    phrase("many", "overloaded", TooOften),
    // Pruned: of blocks that are gone, no range is small enough.
    phrase("geth 1.15 and later", "pruned history", Gone),
    phrase("many", "history*pruned", Gone),
    phrase("many", "pruned", Gone),
    phrase("Nethermind, Besu", "resource not found", Gone),
    phrase("many", "receipts*not available", Gone),
    phrase("many", "archive", Gone),
    phrase("geth", "header not found", Gone),
    phrase("reth", "block not found", Gone),
    phrase("many", "unknown block", Gone),
    phrase("reth", "beyond current head", Gone),
    phrase("geth", "beyond head", Gone),
    phrase("many", "historical*not available", Gone),
    phrase("geth", "history*unavailable", Gone),
    // Too large, in blocks, logs, bytes or time.
    phrase("Besu 23 and later", "requested range exceeds maximum", TooMuch),
    phrase("reth 1", "exceeds max block range", TooMuch),
    phrase("reth 1", "exceeds max results", TooMuch),
    phrase("geth 1.16 and later, PublicNode", "exceed maximum block range", TooMuch),
    phrase("Erigon, zkEVM", "block range", TooMuch),
    phrase("dRPC", "ranges over", TooMuch),
    phrase("QuickNode, 1RPC, BlockPI", "limited to*range", TooMuch),
    phrase("Infura 2026", "range*exceeds limit", TooMuch),
    phrase("Tenderly", "range limit", TooMuch),
    phrase("Cloudflare", "range too large", TooMuch),
    phrase("many", "range is too", TooMuch),
    phrase("many", "range too wide", TooMuch),
    phrase("many", "max range", TooMuch),
    phrase("many", "maximum range", TooMuch),
    phrase("many", "range exceed", TooMuch),
    phrase("many", "blocks range", TooMuch),
    phrase("many", "too many blocks", TooMuch),
    phrase("many", "maximum*blocks", TooMuch),
    phrase("many", "limited to*blocks", TooMuch),
    phrase("geth, Infura", "query returned more than", TooMuch),
    phrase("many", "more than*results", TooMuch),
    phrase("many", "more than*logs", TooMuch),
    phrase("Nethermind 1.3x", "too many logs", TooMuch),
    phrase("many", "too many results", TooMuch),
    phrase("Polygon", "logs matched by query exceeds limit", TooMuch),
    phrase("Alchemy", "response size", TooMuch),
    phrase("jsonrpsee (reth)", "response is too big", TooMuch),
    phrase("geth 1.13 and later", "response too large", TooMuch),
    phrase("many", "too large", TooMuch),
    phrase("many", "too big", TooMuch),
    phrase("zkSync", "length limit exceeded", TooMuch),
    phrase("many", "smaller range", TooMuch),
    phrase("many", "reduce*range", TooMuch),
    phrase("geth 1.13 and later, Infura", "timeout", TooMuch),
    phrase("Nethermind, geth", "timed out", TooMuch),
    phrase("Erigon, geth", "deadline exceeded", TooMuch),
    phrase("many", "took too long", TooMuch),
    phrase("many", "method not found", Unsupported),
    phrase("geth, Besu", "method*not available", Unsupported),
    phrase("many", "method*not supported", Unsupported),
    phrase("Besu", "method not enabled", Unsupported),
    phrase("many", "method*not allowed", Unsupported),
    phrase("many", "unauthorized", Unsupported),
];

/// Codes that mean one thing, for texts that say nothing. -32005 is not among them: the same provider uses it for both.
const CODES: &[(i64, LogRefusal)] = &[
    (429, TooOften),
    (-32_029, TooOften),
    (-32_007, TooOften),
    (-32_090, TooOften),
    (-32_016, TooOften),
    (-32_614, TooMuch),
    (-32_701, TooMuch),
    (-32_601, Unsupported),
    (-32_004, Unsupported),
    (4444, Gone),
];

/// What a JSON-RPC error with this code and text (message and data) means as an answer to `eth_getLogs`.
pub(crate) fn refusal(code: i64, said: &str) -> LogRefusal {
    let by_code = || CODES.iter().find(|(known, _)| *known == code).map(|(_, means)| *means);
    meaning(WORDS, said).or_else(by_code).unwrap_or(LogRefusal::NotUnderstood)
}

/// What an HTTP status without a JSON-RPC answer means there. `None`: the node is not reached.
pub(crate) fn refusal_by_status(status: u16) -> Option<LogRefusal> {
    match status {
        402 | 429 | 503 => Some(TooOften),
        // Of a proxy that did not wait until the node had found everything; 524 is Cloudflare's.
        408 | 413 | 504 | 524 => Some(TooMuch),
        401 | 403..=405 | 501 => Some(Unsupported),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_that_is_too_large_is_told_from_a_quota() {
        for (code, said, means) in [
            (-32_005, "query returned more than 10000 results. Try with this block range [0x1, 0x2].", TooMuch),
            (-32_005, "Requested range exceeds maximum RPC range limit", TooMuch),
            (-32_602, "range 1000000 exceeds limit of 10000", TooMuch),
            (-32_602, "query exceeds max block range 100000", TooMuch),
            (-32_602, "query exceeds max results 20000, retry with the range 25766988-25775072", TooMuch),
            (
                -32_602,
                "Log response size exceeded. You can make eth_getLogs requests with up to a 2K block range",
                TooMuch,
            ),
            (
                -32_600,
                "Under the Free tier plan, you can make eth_getLogs requests with up to a 10 block range.",
                TooMuch,
            ),
            (-32_614, "eth_getLogs is limited to a 10,000 range", TooMuch),
            (-32_602, "eth_getLogs is limited to 0 - 50 blocks range", TooMuch),
            (-32_701, "exceed maximum block range: 50000", TooMuch),
            (35, "ranges over 10000 blocks are not supported on freetier", TooMuch),
            (
                -32_000,
                "block range is larger than max block range, block range = 5120, max block range = 5000",
                TooMuch,
            ),
            (-32_602, "invalid params range 9009594 is bigger than range limit 2000", TooMuch),
            (-32_000, "Block range limit exceeded. See more details", TooMuch),
            (-32_005, "Too many logs requested. Max logs per response is 20000.", TooMuch),
            (-32_008, "Response is too big", TooMuch),
            (-32_002, "request timed out", TooMuch),
            (-32_000, "context deadline exceeded", TooMuch),
            (-32_005, "query timeout exceeded", TooMuch),
            (-32_005, "daily request count exceeded, request rate limited", TooOften),
            (-32_005, "project ID request rate exceeded", TooOften),
            (-32_005, "rate limit exceeded", TooOften),
            (-32_029, "call rate limit exhausted, retry in 10s", TooOften),
            (429, "Your app has exceeded its compute units per second capacity.", TooOften),
            (-32_007, "50/second request limit reached - reduce calls per second or upgrade your account", TooOften),
            (-32_016, "over rate limit", TooOften),
            (-32_000, "Monthly quota exceeded", TooOften),
            (-32_097, "Too Many Requests, reason: call rate limit exhausted, retry in 1m0s", TooOften),
            (429, "sorry", TooOften),
            (-32_614, "sorry", TooMuch),
            (4444, "pruned history unavailable", Gone),
            (-32_001, "block not found", Gone),
            (-32_602, "block range extends beyond current head block", Gone),
            (-32_601, "the method eth_getLogs does not exist/is not available", Unsupported),
            (-32_005, "limit exceeded", LogRefusal::NotUnderstood),
            (-32_000, "internal error", LogRefusal::NotUnderstood),
        ] {
            assert_eq!(refusal(code, said), means, "{code} {said}");
        }
    }

    #[test]
    fn a_status_alone_says_whether_to_ask_later_or_for_less() {
        assert_eq!(refusal_by_status(429), Some(TooOften));
        assert_eq!(refusal_by_status(413), Some(TooMuch));
        assert_eq!(refusal_by_status(500), None);
    }
}
