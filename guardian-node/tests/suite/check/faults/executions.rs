//! What is wrong with execution nodes.

use super::{
    super::{DEAD, DEAD_TOO},
    Fault, each_is_told_and_nothing_else,
};
use crate::stand_ins::Chain;

const FAULTS: &[Fault] = &[
    Fault::new("a dead node", |it| it.executions[1] = DEAD.to_owned(), &[("poor", "provider_silent")]),
    Fault::new(
        "two dead nodes of three",
        |it| (it.executions[0], it.executions[1]) = (DEAD.to_owned(), DEAD_TOO.to_owned()),
        &[("fail", "chain")],
    ),
    Fault::new("another chain", |it| it.one_execution(|chain| chain.chain_id = 5), &[("poor", "provider_foreign")]),
    Fault::new(
        "all of another chain than the configuration's",
        |it| it.all_executions(|chain| chain.chain_id = 5),
        &[("fail", "chain")],
    ),
    Fault::new(
        "https:// and a port that speaks http",
        |it| it.executions[1] = it.executions[1].replace("http:", "https:"),
        &[("poor", "provider_tls")],
    ),
    Fault::new(
        "credentials that are refused",
        |it| it.one_execution(|chain| chain.refuses = Some(401)),
        &[("poor", "provider_credentials")],
    ),
    Fault::new(
        "a quota that is used up",
        |it| it.one_execution(|chain| chain.refuses = Some(429)),
        &[("poor", "provider_limited")],
    ),
    Fault::new("a node that syncs", |it| it.one_execution(|chain| chain.behind = 70), &[("poor", "provider_syncing")]),
    Fault::new("a node that lags", |it| it.one_execution(|chain| chain.head = 93), &[("poor", "provider_lags")]),
    Fault::new("two providers", |it| it.executions.truncate(2), &[("poor", "providers_few")]),
    Fault::new(
        "two names of one node",
        |it| {
            for place in 0..2 {
                let chain = it.healthy();
                it.executions[place] = it.nodes.execution(Chain { node: 99, ..chain });
            }
        },
        &[("poor", "provider_twin")],
    ),
    Fault::new(
        "no block hashes (EIP-1898)",
        |it| it.all_executions(|chain| chain.takes_hashes = false),
        &[("poor", "provider_refuses"), ("fail", "providers_too_few"), ("unknown", "start_block")],
    ),
    Fault::new(
        "no block `finalized`",
        |it| it.one_execution(|chain| chain.knows_finality = false),
        &[("poor", "provider_finality")],
    ),
    Fault::new(
        "no block `finalized` at any node",
        |it| it.all_executions(|chain| chain.knows_finality = false),
        &[("poor", "provider_finality"), ("fail", "providers_too_few")],
    ),
    Fault::new(
        "states of a few blocks alone",
        |it| it.one_execution(|chain| chain.states = 5),
        &[("poor", "provider_finality")],
    ),
    Fault::new(
        "states of 64 blocks, and none of the start block",
        |it| it.all_executions(|chain| chain.states = 64),
        &[("unknown", "start_block")],
    ),
    Fault::new("no eth_getLogs", |it| it.one_execution(|chain| chain.log_range = 0), &[("poor", "provider_logs")]),
    Fault::new(
        "a log range of 10 blocks",
        |it| it.one_execution(|chain| chain.log_range = 10),
        &[("poor", "provider_logs")],
    ),
    Fault::new(
        "a history that is pruned",
        |it| it.one_execution(|chain| chain.logs_from = 50),
        &[("poor", "provider_logs")],
    ),
    Fault::new(
        "a history that is pruned at all nodes",
        |it| it.all_executions(|chain| chain.logs_from = 50),
        &[("poor", "provider_logs"), ("fail", "history")],
    ),
];

#[test]
fn faults_of_execution_nodes_are_told() {
    each_is_told_and_nothing_else("Execution nodes", FAULTS);
}
