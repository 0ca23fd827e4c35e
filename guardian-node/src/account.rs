//! What the account has that pays for transactions, looked at now and then: an empty one should be known before the first submission
//! fails. Nothing is decided from it.

use crate::metrics::Metrics;
use guardian_chain::Sender;
use std::{sync::Arc, time::Duration};
use tracing::{error, info};

/// Between two looks. Ether arrives and leaves slowly.
const PAUSE: Duration = Duration::from_secs(300);
const ETHER: f64 = 1e18;

/// Shows the balance of `sender`'s account, and tells when there is none.
pub(crate) async fn watch(sender: Arc<Sender>, metrics: Arc<Metrics>) {
    let account = sender.address().to_string();
    let mut was_empty = false;
    loop {
        if let Some(balance) = sender.balance().await {
            metrics.show_balance(&account, balance);
            let is_empty = balance == 0;
            match (was_empty, is_empty) {
                (false, true) => {
                    let hint = "send it a little ether: it pays for transactions, and nothing else depends on it";
                    error!(account, hint, "the account is empty: this guardian can bring nothing to the contracts");
                }
                (true, false) => info!(account, "the account can pay again"),
                (true, true) | (false, false) => {}
            }
            was_empty = is_empty;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Wei as ether, for people.
#[expect(clippy::cast_precision_loss, reason = "a picture of it is enough")]
pub(crate) fn ether(wei: u128) -> f64 {
    wei as f64 / ETHER
}
