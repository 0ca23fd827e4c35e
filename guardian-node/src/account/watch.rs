//! What the account has, and whether its remote signer would sign, looked at now and then: both should be known before the first submission
//! fails. Nothing is decided from it.

use super::spending::{Spending, SpendingFile};
use crate::{driver, metrics::Metrics};
use guardian_chain::Sender;
use serde::Serialize;
use std::{path::Path, sync::Arc, time::Duration};
use tokio::sync::watch::Sender as Shown;
use tracing::{error, info};

/// Between two looks. Ether arrives and leaves slowly.
const PAUSE: Duration = Duration::from_secs(300);
const ETHER: f64 = 1e18;

/// The account, as pages show it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct AccountStatus {
    /// Its address.
    address: String,
    /// In ether.
    balance: f64,
    /// How long it lasts, in seconds, at the rate at which it is spent; `None`: too little was spent to tell.
    seconds_left: Option<u64>,
}

/// What was seen of the account, and where that goes.
#[derive(Debug)]
pub(crate) struct Looks {
    spending: Spending,
    file: SpendingFile,
    shown: Shown<Option<AccountStatus>>,
}

impl Looks {
    /// Those of before at `sender`'s account, which are kept in `data_dir`.
    pub(crate) fn resume(data_dir: &Path, sender: &Sender, shown: Shown<Option<AccountStatus>>) -> Self {
        let file = SpendingFile::in_folder(data_dir);
        Self { spending: file.load().of(&sender.address().to_string()), file, shown }
    }

    fn take(&mut self, account: &str, balance: u128, metrics: &Metrics) {
        let now = driver::now().0 / 1_000;
        if self.spending.look(now, balance) {
            self.file.keep(&self.spending);
        }
        let left = self.spending.left(now);
        metrics.account.show_balance(account, balance, left);
        let seconds_left = left.map(|left| left.as_secs());
        self.shown.send_replace(Some(AccountStatus {
            address: account.to_owned(),
            balance: ether(balance),
            seconds_left,
        }));
    }
}

/// Shows the balance of `sender`'s account and what its signer does, and tells when it can't pay. Never ends.
pub(crate) async fn watch(sender: Arc<Sender>, metrics: Arc<Metrics>, mut looks: Looks) {
    let (mut was_empty, mut was_refused) = (false, false);
    loop {
        was_empty = look_at_balance(&sender, &metrics, &mut looks, was_empty).await;
        if sender.account().remote().is_some() {
            was_refused = try_signer(&sender, &metrics, was_refused).await;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Whether it is empty; as it `was` if nobody says.
async fn look_at_balance(sender: &Sender, metrics: &Metrics, looks: &mut Looks, was: bool) -> bool {
    let Some(balance) = sender.balance().await else { return was };
    let account = sender.address().to_string();
    looks.take(&account, balance, metrics);
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
