//! The account that pays, and its remote signer.

use super::{Maker, raise};
use crate::account::ether;
use guardian_chain::{SignFault, SignerStats};
use prometheus::{GaugeVec, IntCounterVec};
use std::time::Duration;

#[derive(Clone, Debug)]
pub(crate) struct AccountMetrics {
    balance: GaugeVec,
    seconds_left: GaugeVec,
    signatures: IntCounterVec,
}

impl AccountMetrics {
    pub(super) fn new(make: &Maker) -> Result<Self, prometheus::Error> {
        let metrics = Self {
            balance: make.float_gauges(
                "guardian_account_balance_eth",
                "what the account has that pays for transactions, in ether",
                &["account"],
            )?,
            seconds_left: make.float_gauges(
                "guardian_account_seconds_left",
                "how long the account lasts at the rate at which it was spent in the last day or week",
                &["account"],
            )?,
            signatures: make.counters(
                "guardian_account_signatures_total",
                "signatures with the account's key that were asked for, and what became of it",
                &["outcome"],
            )?,
        };
        // A rate over a counter that appears with its first event misses that event.
        metrics.show_signer(SignerStats::default());
        Ok(metrics)
    }

    /// Shows that `account` has so many wei, and how long they last, if that is known.
    pub(crate) fn show_balance(&self, account: &str, wei: u128, left: Option<Duration>) {
        self.balance.with_label_values(&[account]).set(ether(wei));
        match left {
            Some(left) => self.seconds_left.with_label_values(&[account]).set(left.as_secs_f64()),
            // Unknown is not empty. That there was none to remove is no fault.
            None => self.seconds_left.reset(),
        }
    }

    /// Takes over what became of requests to a remote signer so far.
    pub(crate) fn show_signer(&self, stats: SignerStats) {
        raise(&self.signatures, &["signed"], stats.signed);
        for (fault, times) in SignFault::ALL.into_iter().zip(stats.failed) {
            raise(&self.signatures, &[fault.as_str()], times);
        }
    }
}
