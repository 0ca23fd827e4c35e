//! A store belongs to one chain, and what it holds of contracts counts with those contracts alone: an upgrade by configuration starts,
//! keeps its guard, and reads the new contracts' past from its beginning.

use super::cluster::Cluster;
use guardian_protocol::{
    Answers, Contracts, DutyKind, Effects, Event, Guardian, Input, NotSafe, ProviderId, Query, Reason, Record,
    RestoreError, Setup,
    testing::{Log, member, setup},
};

const ETHER: u64 = 1_000_000_000;

/// A committee of whom each has signed once, and the records of one of them.
fn signed_once() -> (Cluster, Vec<Record>) {
    let mut cluster = Cluster::with_validators(4, 5, &[32 * ETHER; 2]);
    let period = cluster.finalize();
    assert_eq!(cluster.signed(period), 4);
    let records = cluster.stop(0);
    (cluster, records)
}

fn ours(cluster: &Cluster) -> Setup {
    setup(cluster.dealt.committee.clone(), member(1))
}

fn restored(cluster: &mut Cluster, setup: Setup, records: &[Record]) -> Result<Guardian, RestoreError> {
    let secrets = cluster.dealt.secrets(member(1));
    Guardian::restore(cluster.now, setup, secrets, records.to_vec(), &mut cluster.rng)
}

/// What a guardian reports and asks when it looks at the chain, on which the protocol has two validators.
fn look(cluster: &mut Cluster, guardian: &mut Guardian, log: &mut Log) -> (Vec<Event>, Vec<Query>) {
    let (mut inputs, mut events, mut queries) = (vec![Input::Nudged], Vec::new(), Vec::new());
    while let Some(input) = inputs.pop() {
        let mut fx = Effects::default();
        guardian.step(cluster.now, input, &mut cluster.rng, &mut fx);
        let released = fx.commit(log).unwrap();
        events.extend(released.events);
        for (id, query) in released.queries {
            let answers = vec![(ProviderId(0), Ok(cluster.answer(&query)))];
            inputs.push(Input::Read(Answers { id, answers }));
            queries.push(query);
        }
    }
    (events, queries)
}

#[test]
fn a_store_of_another_chain_is_refused() {
    let (mut cluster, records) = signed_once();
    let same = ours(&cluster);
    assert!(restored(&mut cluster, same, &records).is_ok());
    let changes: [fn(&mut Setup); 3] = [
        |setup| setup.network.chain_id = 5,
        |setup| setup.network.genesis_validators_root = [8; 32].into(),
        |setup| setup.network.genesis_time = 77,
    ];
    for change in changes {
        let mut other = ours(&cluster);
        change(&mut other);
        let refused = restored(&mut cluster, other, &records);
        assert!(matches!(refused, Err(RestoreError::OtherChain { .. })), "{refused:?}");
    }
}

#[test]
fn a_contract_that_was_replaced_makes_what_was_signed_for_it_history() {
    let (mut cluster, records) = signed_once();
    for kind in DutyKind::ALL {
        let mut upgraded = ours(&cluster);
        upgraded.contracts.duties.insert(kind, [0x77; 20].into());
        let guardian = restored(&mut cluster, upgraded, &records).unwrap();
        let status = guardian.status();
        assert!(status.signed.iter().all(|duty| duty.id.kind != kind), "{:?}", status.signed);
        assert!(!status.not_ready.contains(&Reason::StoreIsNew));
    }
}

#[test]
fn the_guard_survives_an_upgrade_of_contracts() {
    let (mut cluster, records) = signed_once();
    let mut upgraded = ours(&cluster);
    upgraded.contracts.duties.insert(DutyKind::Reserves, [0x77; 20].into());
    let mut guardian = restored(&mut cluster, upgraded, &records).unwrap();
    let (events, _) = look(&mut cluster, &mut guardian, &mut Log(records));
    let refuses = |event: &Event| matches!(event, Event::Refused { id, reason: NotSafe::OtherDigest { .. } } if id.kind == DutyKind::Reserves);
    assert!(events.iter().any(refuses), "another digest for a period that was signed: {events:?}");
}

#[test]
fn events_of_another_protocol_are_read_from_their_own_start_block() {
    let (mut cluster, records) = signed_once();
    let kept = ours(&cluster);
    assert_eq!(restored(&mut cluster, kept, &records).unwrap().status().validators, 2);

    let mut upgraded = Setup { start_block: 3, ..ours(&cluster) };
    upgraded.contracts = Contracts { protocol: [0x77; 20].into(), ..upgraded.contracts };
    let mut guardian = restored(&mut cluster, upgraded.clone(), &records).unwrap();
    assert_eq!(guardian.status().validators, 0, "what the old contract logged");
    let mut log = Log(records);
    let (_, queries) = look(&mut cluster, &mut guardian, &mut log);
    let first =
        queries.iter().find_map(|query| if let Query::Events { from, .. } = query { Some(*from) } else { None });
    assert_eq!((first, guardian.status().validators), (Some(3), 2));

    // Both pasts are in the store, and each counts with its own contracts.
    assert_eq!(restored(&mut cluster, upgraded, &log.0).unwrap().status().validators, 2);
    let back = ours(&cluster);
    assert_eq!(restored(&mut cluster, back, &log.0).unwrap().status().validators, 2);
}
