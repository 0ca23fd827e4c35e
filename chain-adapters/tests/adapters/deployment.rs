//! A plan on a real EVM: deployed by paid transactions, found by `verify`, and passed over the second time.

use crate::{
    anvil::{Anvil, CHAIN_ID, GENESIS, PAYER_KEY, quick},
    support::{committee::Signers, endpoint, limits},
};
use alloy::primitives::{Address, B256, U256};
use guardian_chain::{
    AccountKey, Sender,
    deploy::{Deployment, FACTORY, Found, GroupKeyWords, Plan, VerifyError},
};
use guardian_protocol::CallOutcome;

fn plan() -> Plan {
    let (px, py) = Signers::new(CHAIN_ID).group_key().coordinates();
    Plan {
        version: Plan::VERSION,
        chain_id: CHAIN_ID,
        salt: B256::repeat_byte(1),
        governor: Address::repeat_byte(2),
        vetoer: Address::ZERO,
        group_key: GroupKeyWords { px: px.into(), py: py.into() },
        key_delay: 86_400,
        genesis_time: GENESIS,
        seconds_per_slot: 2,
        slots_per_epoch: 8,
        beacon_roots: Address::ZERO,
        withdrawal_requests: Address::ZERO,
        ejection_threshold: U256::from(31_750_000_000_000_000_000_u128),
        max_ejection_threshold: U256::from(31_900_000_000_000_000_000_u128),
        report_period: 2,
        heartbeat: 3_600,
        history_epochs: 8,
        max_change_bps: 500,
        proxy_delay: 86_400,
        vaults: vec![Address::repeat_byte(3)],
        pods: Vec::new(),
        liability_token: Address::ZERO,
        // Code is all that the gate's constructor asks for.
        ticket_pricer: FACTORY,
        ticket_rules: B256::repeat_byte(4),
        ticket_max_daily: U256::from(20_000_000_000_000_000_u64),
    }
}

#[tokio::test]
async fn a_plan_is_deployed_once_and_verified() {
    let Some(anvil) = Anvil::start().await else { return };
    let deployment = Deployment::of(plan()).unwrap();
    let node = || endpoint("anvil", &anvil.url);
    let before = deployment.verify(node(), limits()).await.unwrap();
    assert_eq!(before[0].found, Found::Right, "anvil has the factory");
    assert!(before[1..].iter().all(|finding| finding.found == Found::Nothing), "{before:?}");

    let key = AccountKey::from_bytes(&PAYER_KEY).unwrap();
    let sender = Sender::for_deployment(quick(), limits(), node(), &deployment, key).unwrap();
    for creation in deployment.plan.creations().unwrap() {
        let outcome = sender.create(&creation).await;
        let CallOutcome::Included { gas, .. } = outcome else { panic!("{}: {outcome:?}", creation.name) };
        println!("{}: {gas} gas", creation.name);
        assert_eq!(sender.create(&creation).await, CallOutcome::AlreadyAccepted);
    }
    let after = deployment.verify(node(), limits()).await.unwrap();
    assert_eq!(after.len(), 9, "the factory, six contracts, the key, the proxy's feed");
    assert!(after.iter().all(|finding| finding.found == Found::Right), "{after:?}");

    // The same addresses with another key in the plan cannot be: so the file would be refused before.
    let elsewhere = Deployment::of(Plan { chain_id: 1, ..plan() }).unwrap();
    let wrong = elsewhere.verify(node(), limits()).await.unwrap_err();
    assert!(matches!(wrong, VerifyError::Chain { node: CHAIN_ID, plan: 1 }), "{wrong}");
}

#[tokio::test]
async fn a_constructors_refusal_stops_the_deployment() {
    let Some(anvil) = Anvil::start().await else { return };
    // A report is due less often than it goes stale.
    let deployment = Deployment::of(Plan { heartbeat: 1, ..plan() }).unwrap();
    let node = endpoint("anvil", &anvil.url);
    let key = AccountKey::from_bytes(&PAYER_KEY).unwrap();
    let sender = Sender::for_deployment(quick(), limits(), node, &deployment, key).unwrap();
    let creations = deployment.plan.creations().unwrap();
    let [keys, registry, feed, ..] = &creations[..] else { panic!("{creations:?}") };
    assert!(matches!(sender.create(keys).await, CallOutcome::Included { .. }));
    assert!(matches!(sender.create(registry).await, CallOutcome::Included { .. }));
    let refused = sender.create(feed).await;
    assert!(matches!(refused, CallOutcome::Refused(_)), "{refused:?}");
}
