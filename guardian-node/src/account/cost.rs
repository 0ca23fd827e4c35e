//! What transactions cost, as far as it can be said before they are sent.

/// Gas of the dearest usual submission: an order for a full batch of validators.
const DEAR: u128 = 1_000_000;
/// Gas of the usual submission: a report.
const USUAL: u128 = 60_000;
const GWEI: u128 = 1_000_000_000;

/// How many reports `balance` (wei) pays for at a price of `gwei` for a unit of gas.
pub(crate) fn reports(balance: u128, gwei: u64) -> u128 {
    balance.checked_div(price(gwei).saturating_mul(USUAL)).unwrap_or_default()
}

/// Whether it pays for the dearest usual submission.
pub(crate) fn pays_for_an_order(balance: u128, gwei: u64) -> bool {
    balance >= price(gwei).saturating_mul(DEAR)
}

fn price(gwei: u64) -> u128 {
    u128::from(gwei).saturating_mul(GWEI)
}
