//! Stand-ins for the world: HTTP servers that play beacon and execution nodes, and a committee that signs.

pub(crate) mod beacon;
pub(crate) mod called;
pub(crate) mod committee;
pub(crate) mod execution;
pub(crate) mod google;
pub(crate) mod kms;
pub(crate) mod readers;
pub(crate) mod server;
pub(crate) mod signer;
pub(crate) mod tls;
pub(crate) mod world;

use guardian_chain::{ChainConfig, Endpoint, Limits};
use guardian_protocol::{Contracts, DutyKind, ProviderQuorum, testing};
use std::time::Duration;
use url::Url;

pub(crate) fn endpoint(name: &str, url: &Url) -> Endpoint {
    Endpoint::new(name, url.clone())
}

/// The kinds whose contracts the stand-ins play.
pub(crate) const PLAYED: [DutyKind; 2] = [DutyKind::Ejection, DutyKind::Reserves];

/// The contracts of a deployment that has those kinds alone.
pub(crate) fn contracts() -> Contracts {
    let all = testing::contracts();
    Contracts { duties: PLAYED.into_iter().filter_map(|kind| Some((kind, *all.duties.get(kind)?))).collect(), ..all }
}

/// Short enough that a test of a timeout is quick, long enough that a busy machine meets it.
pub(crate) fn limits() -> Limits {
    Limits { request_timeout: Duration::from_secs(3), answer_timeout: Duration::from_secs(20), ..Limits::default() }
}

pub(crate) fn config(beacon: &[&Url], execution: &[&Url]) -> ChainConfig {
    let named = |prefix: &str, urls: &[&Url]| {
        urls.iter().enumerate().map(|(place, url)| endpoint(&format!("{prefix}-{place}"), url)).collect()
    };
    ChainConfig {
        beacon: named("beacon", beacon),
        execution: named("execution", execution),
        contracts: contracts(),
        start_block: 10,
        chain_id: None,
        quorum: ProviderQuorum {
            beacon: ProviderQuorum::majority(beacon.len()),
            execution: ProviderQuorum::majority(execution.len()),
        },
        limits: limits(),
    }
}
