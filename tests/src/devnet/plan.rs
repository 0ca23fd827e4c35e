//! The guardians' contracts as governance would plan them for the devnet, and `guardian contracts deploy` creates them.

use super::{beacon::Genesis, options::Options, root, signers::CHAIN_ID};
use alloy::{
    primitives::{Address, B256, U256, address, keccak256},
    providers::{DynProvider, Provider},
};
use eyre::{Result, ensure, eyre};
use guardian_chain::{
    AccountKey, Endpoint, Limits, Sender, SenderConfig,
    deploy::{Deployment as Planned, Found, GroupKeyWords, Plan},
};
use guardian_protocol::CallOutcome;
use std::time::Duration;

/// Anvil's second account, which pays for the plan: whoever deploys has no rights.
const PLAN_PAYER: [u8; 32] =
    alloy::primitives::hex!("59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d");
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
    Ok(AccountKey::from_bytes(&PLAN_PAYER)?)
}

/// Its key, as a file holds it.
pub(super) fn payer_file() -> String {
    hex::encode(PLAN_PAYER)
}

/// As patient as a chain of one block a second allows.
pub(super) fn quick() -> SenderConfig {
    SenderConfig { poll_interval: Duration::from_millis(50), ..SenderConfig::default() }
}

/// The contract of withdrawal requests with its real code: this EVM has none of its own.
pub(super) async fn set_withdrawal_requests(provider: &DynProvider) -> Result<Address> {
    let predeploys = std::fs::read(root().join("contracts/test/vectors/predeploys.json"))?;
    let predeploys: serde_json::Value = serde_json::from_slice(&predeploys)?;
    let field = |name: &str| predeploys.pointer(name).and_then(|value| value.as_str());
    let address = field("/eip7002/address").ok_or_else(|| eyre!("no address of EIP-7002's contract"))?.parse()?;
    let code = field("/eip7002/code").ok_or_else(|| eyre!("no code of EIP-7002's contract"))?.to_owned();
    let _: serde_json::Value = provider.raw_request("anvil_setCode".into(), (address, code)).await?;
    Ok(address)
}

/// As governance would plan it, with a development chain's clock. There are no beacon roots: the two chains know nothing of
/// each other.
pub(super) fn plan(
    (px, py): (U256, U256),
    governor: Address,
    vault: Address,
    withdrawal_requests: Address,
    genesis: &Genesis,
    options: &Options,
) -> Plan {
    let slots_per_epoch = 8;
    let ejection_threshold = U256::from(options.ejection_threshold) * U256::from(1_000_000_000);
    Plan {
        version: Plan::VERSION,
        chain_id: CHAIN_ID,
        salt: B256::ZERO,
        governor,
        vetoer: vetoer(),
        group_key: GroupKeyWords { px: px.into(), py: py.into() },
        key_delay: 86_400,
        genesis_time: genesis.time,
        seconds_per_slot: options.seconds_per_slot,
        slots_per_epoch,
        beacon_roots: Address::ZERO,
        withdrawal_requests,
        ejection_threshold,
        max_ejection_threshold: ejection_threshold,
        report_period: options.report_period,
        heartbeat: options.heartbeat().as_secs(),
        // Each report of its own is kept, and compared with the one before.
        history_epochs: options.report_period,
        max_change_bps: 500,
        proxy_delay: 86_400,
        vaults: vec![vault, VAULT],
        pods: Vec::new(),
        liability_token: vault,
        ticket_pricer: Address::ZERO,
        ticket_rules: B256::ZERO,
        ticket_max_daily: U256::ZERO,
    }
}

/// What `guardian contracts deploy` does.
pub(super) async fn create(planned: &Planned, url: &str) -> Result<()> {
    let endpoint = || -> Result<Endpoint> { Ok(Endpoint::new("anvil", url.parse()?)) };
    let sender = Sender::for_deployment(quick(), Limits::default(), endpoint()?, planned, payer()?)?;
    for creation in planned.plan.creations()? {
        let outcome = sender.create(&creation).await;
        ensure!(matches!(outcome, CallOutcome::Included { .. }), "{}: {outcome:?}", creation.name);
    }
    let findings = planned.verify(endpoint()?, Limits::default()).await?;
    ensure!(findings.iter().all(|finding| finding.found == Found::Right), "{findings:?}");
    Ok(())
}
