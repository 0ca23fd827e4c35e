//! The libp2p protocols that run on every connection, in the order in which they may refuse it. Not the decisions on what they
//! report: see `network`.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use libp2p::{
    PeerId,
    allow_block_list::{self, AllowedPeers},
    connection_limits::{self, ConnectionLimits},
    identify,
    identity::Keypair,
    ping,
    request_response::{self, ProtocolSupport},
    swarm::NetworkBehaviour,
};

use crate::{
    Config, Error, Limits, Purpose,
    admission::Admission,
    codec::{self, DirectCodec},
    gossip::{self, Gossip},
    network::{metrics::Metrics, processes::Process},
};

/// Two when both sides dial at the same moment, and one more that replaces them when a member was restarted before we noticed.
const CONNECTIONS_PER_MEMBER: u32 = 3;

/// A dead link without a reset is noticed after two pings: at most twice interval and timeout. Other traffic does not tell,
/// since broadcasts are not acknowledged.
const PING_INTERVAL: Duration = Duration::from_secs(3);
const PING_TIMEOUT: Duration = Duration::from_secs(3);

/// Begins what is told in identify: which build a member runs.
const AGENT: &str = concat!("guardian-p2p/", env!("CARGO_PKG_VERSION"));

/// `members`, `bounds` and `admission` stand first: what they refuse must not have left a trace in the others.
#[derive(NetworkBehaviour)]
pub(crate) struct Behaviour {
    members: allow_block_list::Behaviour<AllowedPeers>,
    bounds: connection_limits::Behaviour,
    admission: Admission,
    pub(crate) gossip: Gossip,
    pub(crate) direct: request_response::Behaviour<DirectCodec>,
    identify: identify::Behaviour,
    ping: ping::Behaviour,
}

impl Behaviour {
    pub(crate) fn new(
        keypair: &Keypair,
        members: &Arc<BTreeSet<PeerId>>,
        Config { limits, purpose, members: configured, .. }: &Config,
        process: Process,
        metrics: &Metrics,
    ) -> Result<Self, Error> {
        let mut allowed = allow_block_list::Behaviour::<AllowedPeers>::default();
        for member in members.iter() {
            allowed.allow_peer(*member);
        }
        // Neither the addresses we listen on nor those we see are anybody's business: members are configured.
        let identify = identify::Config::new("/guardian/1".to_owned(), keypair.public())
            .with_agent_version(agent(*purpose, process))
            .with_hide_listen_addrs(true)
            .with_cache_size(0);
        let ping = ping::Config::new().with_interval(PING_INTERVAL).with_timeout(PING_TIMEOUT);
        Ok(Self {
            members: allowed,
            bounds: connection_limits::Behaviour::new(connection_limits(members.len())),
            admission: Admission::new(limits, configured.iter().flat_map(|m| &m.addresses), metrics.crowded()),
            gossip: gossip::build(keypair.clone(), Arc::clone(members), limits, metrics.copies())?,
            direct: direct(limits),
            identify: identify::Behaviour::new(identify),
            ping: ping::Behaviour::new(ping),
        })
    }
}

/// What we tell of ourselves on each connection: build, purpose, and the number of this process.
fn agent(purpose: Purpose, process: Process) -> String {
    format!("{AGENT} {} {process:016x}", label(purpose))
}

/// Reads off `agent` which process it is, if it is for the same `purpose` as ours.
pub(crate) fn process_in(agent: &str, purpose: Purpose) -> Option<Process> {
    let mut words = agent.split(' ').skip(1);
    let process = words.next().filter(|word| *word == label(purpose)).and(words.next())?;
    Process::from_str_radix(process, 16).ok()
}

const fn label(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Duties => "duties",
        Purpose::Ceremony => "ceremony",
    }
}

fn connection_limits(members: usize) -> ConnectionLimits {
    let members = u32::try_from(members).unwrap_or(u32::MAX);
    ConnectionLimits::default()
        .with_max_pending_outgoing(Some(members))
        .with_max_established_per_peer(Some(CONNECTIONS_PER_MEMBER))
        .with_max_established(Some(members.saturating_mul(CONNECTIONS_PER_MEMBER)))
}

/// Ours and theirs share the streams of a connection, so both sides get `peer_in_flight` of them. This is also what bounds
/// the memory of half-received messages: connections x streams x the largest direct message, for each member that attacks.
fn direct(limits: &Limits) -> request_response::Behaviour<DirectCodec> {
    let config = request_response::Config::default()
        .with_request_timeout(limits.direct_timeout)
        .with_max_concurrent_streams(limits.peer_in_flight.saturating_mul(2));
    let protocols = [(codec::PROTOCOL, ProtocolSupport::Full)];
    request_response::Behaviour::with_codec(DirectCodec::new(limits.direct_bytes), protocols, config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_read_off_an_agent_of_the_same_purpose() {
        for purpose in [Purpose::Duties, Purpose::Ceremony] {
            assert_eq!(process_in(&agent(purpose, 7), purpose), Some(7));
        }
        assert_eq!(process_in(&agent(Purpose::Ceremony, 7), Purpose::Duties), None);
        for other in ["", " ", "rust-libp2p/0.57", "a duties", "a duties +7g", "a duties 11111111111111111"] {
            assert_eq!(process_in(other, Purpose::Duties), None, "{other}");
        }
    }
}
