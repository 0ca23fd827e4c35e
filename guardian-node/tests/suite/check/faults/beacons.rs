//! What is wrong with beacon nodes.

use super::{
    super::{DEAD, DEAD_TOO},
    Fault, each_is_told_and_nothing_else,
};

const FAULTS: &[Fault] = &[
    Fault::new("a dead node", |it| it.beacons[1] = DEAD.to_owned(), &[("poor", "provider_silent")]),
    Fault::new(
        "two dead nodes of three",
        |it| (it.beacons[0], it.beacons[1]) = (DEAD.to_owned(), DEAD_TOO.to_owned()),
        &[("fail", "chain")],
    ),
    Fault::new(
        "an execution node listed as a beacon node",
        |it| it.beacons[1] = it.executions[0].clone(),
        &[("poor", "provider_refuses")],
    ),
    Fault::new(
        "https:// and a port that speaks http",
        |it| it.beacons[1] = it.beacons[1].replace("http:", "https:"),
        &[("poor", "provider_tls")],
    ),
    Fault::new(
        "credentials that are refused",
        |it| it.one_beacon(|chain| chain.refuses = Some(401)),
        &[("poor", "provider_credentials")],
    ),
    Fault::new(
        "a quota that is used up",
        |it| it.one_beacon(|chain| chain.refuses = Some(429)),
        &[("poor", "provider_limited")],
    ),
    Fault::new("a node that syncs", |it| it.one_beacon(|chain| chain.behind = 70), &[("poor", "provider_syncing")]),
    Fault::new(
        "a head that is optimistic",
        |it| it.one_beacon(|chain| chain.optimistic = true),
        &[("poor", "provider_syncing")],
    ),
    Fault::new("another genesis", |it| it.one_beacon(|chain| chain.age = 12), &[("poor", "provider_foreign")]),
    Fault::new(
        "another fork in force",
        |it| it.one_beacon(|chain| chain.fork = "0x02000001"),
        &[("poor", "provider_foreign")],
    ),
    Fault::new(
        "a fork to come that this version does not know",
        |it| it.all_beacons(|chain| chain.heze = 1_000),
        &[("poor", "fork_unknown")],
    ),
    Fault::new("one provider alone", |it| it.beacons.truncate(1), &[("poor", "providers_few")]),
    Fault::new("two providers", |it| it.beacons.truncate(2), &[("poor", "providers_few")]),
    Fault::new(
        "two names of one node",
        |it| {
            for place in 0..2 {
                let chain = it.healthy();
                it.beacons[place] = it.nodes.beacon(crate::stand_ins::Chain { node: 99, ..chain });
            }
        },
        &[("poor", "provider_twin")],
    ),
    Fault::new("no whole states", |it| it.all_beacons(|chain| chain.lacks = "states"), &[("poor", "provider_offers")]),
    Fault::new("no POST", |it| it.all_beacons(|chain| chain.lacks = "post"), &[("poor", "provider_offers")]),
    Fault::new("no events", |it| it.all_beacons(|chain| chain.lacks = "events"), &[("poor", "provider_offers")]),
    Fault::new(
        "no states of the past",
        |it| it.all_beacons(|chain| chain.lacks = "past"),
        &[("poor", "provider_offers")],
    ),
    Fault::new("a chain without finality", |it| it.all_beacons(|chain| chain.finalized = 4), &[("poor", "finality")]),
];

#[test]
fn faults_of_beacon_nodes_are_told() {
    each_is_told_and_nothing_else("Beacon nodes", FAULTS);
}
