//! What the account has, and whether its remote signer would sign, looked at now and then: both should be known before the first submission
//! fails. Nothing is decided from it.

use crate::metrics::Metrics;
use guardian_chain::Sender;
use std::{sync::Arc, time::Duration};
use tracing::{error, info};

/// Between two looks. Ether arrives and leaves slowly.
const PAUSE: Duration = Duration::from_secs(300);
const ETHER: f64 = 1e18;

/// Shows the balance of `sender`'s account and what its signer does, and tells when it can't pay. Never ends.
pub(crate) async fn watch(sender: Arc<Sender>, metrics: Arc<Metrics>) {
    let (mut was_empty, mut was_refused) = (false, false);
    loop {
        was_empty = look_at_balance(&sender, &metrics, was_empty).await;
        if sender.account().remote().is_some() {
            was_refused = try_signer(&sender, &metrics, was_refused).await;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Whether it is empty; as it `was` if nobody says.
async fn look_at_balance(sender: &Sender, metrics: &Metrics, was: bool) -> bool {
    let Some(balance) = sender.balance().await else { return was };
    let account = sender.address().to_string();
    metrics.account.show_balance(&account, balance);
    let is_empty = balance == 0;
    match (was, is_empty) {
        (false, true) => {
            let hint = "send it a little ether: it pays for transactions, and nothing else depends on it";
            error!(account, hint, "the account is empty: this guardian can bring nothing to the contracts");
        }
        (true, false) => info!(account, "the account can pay again"),
        (true, true) | (false, false) => {}
    }
    is_empty
}

/// Whether the signer does not sign.
async fn try_signer(sender: &Sender, metrics: &Metrics, was: bool) -> bool {
    let tried = sender.account().try_out().await;
    metrics.account.show_signer(sender.account().stats());
    let account = sender.address().to_string();
    match &tried {
        Err(why) if !was => {
            let hint = why.hint();
            error!(account, %why, hint, "the account's signer does not sign: this guardian can bring nothing to the contracts");
        }
        Ok(()) if was => info!(account, "the account's signer signs again"),
        Ok(()) | Err(_) => {}
    }
    tried.is_err()
}

/// Wei as ether, for people.
#[expect(clippy::cast_precision_loss, reason = "a picture of it is enough")]
pub(crate) fn ether(wei: u128) -> f64 {
    wei as f64 / ETHER
}
