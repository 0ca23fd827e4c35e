//! The account that pays: it must have enough for the dearest transaction, and for a while.

use super::{code::Code, findings::Findings};
use crate::{
    account::{self, READABLE_HINT},
    config::Config,
    node,
};
use guardian_chain::{Account, SignFault};
use guardian_protocol::ChainSpec;

const GWEI: u128 = 1_000_000_000;

/// Tells what `account` has.
pub(super) async fn tell_account(config: &Config, network: &ChainSpec, account: Account, findings: &mut Findings) {
    let Some(sender) = findings.take(Code::AccountKey, node::sender(config, network, account)) else { return };
    let address = sender.address();
    let ceiling = config.execution.fee_ceiling_gwei;
    let advice = "send it a little ether: it pays for transactions, and nothing else depends on it";
    match sender.balance().await {
        None => findings.unknown(
            Code::Account,
            &format!("account {address}: no execution provider says what it has"),
            "see the lines about execution providers",
        ),
        Some(0) => findings.fail(
            Code::AccountEmpty,
            &format!("account {address} is empty: it can pay for no transaction"),
            advice,
        ),
        Some(balance) if !account::pays_for_an_order(balance, ceiling) => findings.poor(
            Code::AccountLow,
            &format!("account {address} has {} ether: not enough for a full order at the fee ceiling", ether(balance)),
            advice,
        ),
        Some(balance) => {
            let reports = account::reports(balance, ceiling);
            let text = format!(
                "account {address} has {} ether: {reports} reports at the fee ceiling, more when gas is cheaper",
                ether(balance)
            );
            findings.pass(Code::Account, &text);
        }
    }
}

/// Tells whether the remote signer of `account` would sign, if it has one.
pub(super) async fn tell_signer(config: &Config, account: &Account, findings: &mut Findings) {
    let Some(signer) = account.remote() else { return };
    if config.account.is_readable_on_the_way() {
        findings.poor(
            Code::SignerReadable,
            &format!("the account's signer ({signer}) is spoken to over http:// and not on this machine"),
            READABLE_HINT,
        );
    }
    match account.try_out().await {
        Ok(()) => findings.pass(Code::Signer, &format!("{signer} signs for account {}", account.address())),
        Err(error) => {
            let code = match error.fault() {
                SignFault::Unreachable => Code::SignerUnreachable,
                SignFault::Denied => Code::SignerDenied,
                SignFault::NoKey => Code::SignerNoKey,
                SignFault::Failed => Code::SignerFailed,
                SignFault::Malformed => Code::SignerMalformed,
                SignFault::Mismatch => Code::SignerMismatch,
            };
            findings.fail(code, &format!("the account's signer ({signer}): {error}"), error.hint());
        }
    }
}

/// To a millionth, rounded down.
fn ether(wei: u128) -> String {
    const ETHER: u128 = GWEI * GWEI;
    format!("{}.{:06}", wei / ETHER, wei % ETHER / (ETHER / 1_000_000))
}
