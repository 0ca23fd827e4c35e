//! A guardian whose account's key is behind a web3signer, which is no process of the guardian's.

use eyre::{Result, ensure, eyre};
use guardian_tests::devnet::{Devnet, waiting::wait};

/// The second guardian has no key of its account, and pays when it is its turn.
pub(super) async fn a_guardian_pays_for_a_report_with_a_key_that_it_does_not_have(devnet: &Devnet) -> Result<()> {
    let signer = devnet.signer.as_ref().ok_or_else(|| eyre!("there must be a signer"))?;
    let guardian = devnet.guardians.get(1).ok_or_else(|| eyre!("there must be a second guardian"))?;
    ensure!(!guardian.dir.join("keys/account.sealed").exists(), "the key is here");
    let contracts = &devnet.contracts;
    wait("a report that is paid for by a web3signer's account", async || {
        for report in contracts.reports().await? {
            if contracts.payer_of(report.transaction).await? == signer.address {
                return Ok(true);
            }
        }
        Ok(false)
    })
    .await?;
    let signed = guardian.metric("guardian_account_signatures_total{outcome=\"signed\"}").await?;
    ensure!(signed >= 1.0, "it shows {signed} signatures");
    Ok(())
}
