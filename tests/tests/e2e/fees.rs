//! The guardians' part of what node operators paid for tickets: every validator of the devnet is registered, paid for and provisioned with
//! the guardians' module as the payee.

use eyre::{Result, ensure};
use guardian_tests::devnet::Devnet;

/// The last guardian's account is a contract that takes no ether. All registrations went through all the same, and the others are paid.
pub(super) async fn each_guardian_collects_its_part_whoever_takes_no_ether(devnet: &Devnet) -> Result<()> {
    let puffer = &devnet.contracts.puffer;
    let sold = puffer.ticket_fees(devnet.validators.len());
    let fees = puffer.collect_fees().await?;
    ensure!(
        fees.owed == vec![sold / alloy::primitives::U256::from(4); 4],
        "{sold} wei of fees were divided so: {fees:?}"
    );
    ensure!(fees.collected == [0, 1, 2], "all but the last can collect: {fees:?}");
    // What was divided is not divided again, and what was collected is gone; the last one's part waits for it.
    let again = puffer.collect_fees().await?;
    ensure!(again.collected.len() == 3 && again.owed[..3].iter().all(|wei| wei.is_zero()), "paid twice: {again:?}");
    ensure!(again.owed[3] == fees.owed[3], "the last one's part has gone: {again:?}");
    Ok(())
}
