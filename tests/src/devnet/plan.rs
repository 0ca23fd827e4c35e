//! The guardians' contracts as governance would plan them for the devnet, and `guardian contracts deploy` creates them.

use super::{
    chains::{CHAIN_ID, Chains},
    evm::{Account, Evm},
    options::Options,
};
use alloy::primitives::{Address, B256, U256, address, keccak256};
use eyre::{Result, ensure};
use guardian_chain::{
    AccountKey, Endpoint, Limits, Sender, SenderConfig,
    deploy::{Deployment as Planned, Found, GroupKeyWords, Plan},
};
use guardian_protocol::CallOutcome;
use std::time::Duration;

/// Ether that is counted besides Puffer's vault, and that no share is of.
pub(super) const VAULT: Address = address!("00000000000000000000000000000000000ba017");
/// How much, in ether.
pub(super) const VAULT_ETHER: u64 = 10;

/// Who can pause at once. Nobody needs its key here.
pub(super) fn vetoer() -> Address {
    Address::from_word(keccak256("vetoer"))
}

/// The account that pays, and may do nothing else.
///
/// # Errors
/// Never: the key is a good one.
pub(super) fn payer() -> Result<AccountKey> {
    Ok(AccountKey::from_bytes(&Account::PlanPayer.key())?)
}

/// Its key, as a file holds it.
pub(super) fn payer_file() -> String {
    hex::encode(Account::PlanPayer.key())
}

/// As patient as a chain of one block a second allows.
pub(super) fn quick() -> SenderConfig {
    SenderConfig { poll_interval: Duration::from_millis(50), ..SenderConfig::default() }
}

/// As governance would plan it, with a development chain's clock. `governor` is who governs, and `vault` the protocol's.
pub(super) async fn plan(
    (px, py): (U256, U256),
    governor: &Evm,
    vault: Address,
    chains: &Chains,
    options: &Options,
) -> Result<Plan> {
    let slots_per_epoch = 8;
    let ejection_threshold = U256::from(options.ejection_threshold) * U256::from(1_000_000_000);
    Ok(Plan {
        version: Plan::VERSION,
        chain_id: CHAIN_ID,
        salt: B256::ZERO,
        governor: governor.account,
        vetoer: vetoer(),
        group_key: GroupKeyWords { px: px.into(), py: py.into() },
        key_delay: 86_400,
        genesis_time: chains.genesis.time,
        seconds_per_slot: options.seconds_per_slot,
        slots_per_epoch,
        beacon_roots: chains.beacon_roots()?,
        withdrawal_requests: chains.withdrawal_requests(governor).await?,
        ejection_threshold,
        max_ejection_threshold: ejection_threshold,
        report_period: options.report_period,
        heartbeat: options.heartbeat().as_secs(),
        // Each report of its own is kept, and compared with the one before.
        history_epochs: options.report_period,
        max_change_bps: 500,
        proxy_delay: 86_400,
        vaults: vec![vault, VAULT],
        pods: chains.pods()?,
        liability_token: vault,
        ticket_pricer: Address::ZERO,
        ticket_rules: B256::ZERO,
        ticket_max_daily: U256::ZERO,
    })
}

/// What `guardian contracts deploy` does.
pub(super) async fn create(planned: &Planned, url: &str) -> Result<()> {
    let endpoint = || -> Result<Endpoint> { Ok(Endpoint::new("execution-1", url.parse()?)) };
    let sender = Sender::for_deployment(quick(), Limits::default(), endpoint()?, planned, payer()?)?;
    for creation in planned.plan.creations()? {
        let outcome = sender.create(&creation).await;
        ensure!(matches!(outcome, CallOutcome::Included { .. }), "{}: {outcome:?}", creation.name);
    }
    let findings = planned.verify(endpoint()?, Limits::default()).await?;
    ensure!(findings.iter().all(|finding| finding.found == Found::Right), "{findings:?}");
    Ok(())
}
