//! How many handshakes may be in progress at once, of whom: strangers can't keep members out.
//!
//! Before its handshake nobody knows who dials, only from where. So there are thousands of places, which are cheap; one address that is not
//! a member's gets few of them, all such addresses together a quarter, and the rest is kept for addresses of members: those that were
//! configured, and those from which or at which a member was met since the start. A place is free again after the handshake, which has to be
//! short (see `transport`).
//!
//! What is left to a stranger: libp2p accepts a QUIC connection at its first packet, without the round trip that would show that its
//! address is true (RFC 9000, 8.1.2). Who can send thousands of packets a second under the members' addresses still fills their places.
//! Only a firewall helps against that.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    convert::Infallible,
    fmt,
    hash::Hash,
    net::{IpAddr, Ipv6Addr},
    task::{Context, Poll},
};

use libp2p::{
    Multiaddr, PeerId,
    core::{Endpoint, transport::PortUse},
    multiaddr::Protocol,
    swarm::{
        ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, THandler, THandlerInEvent, THandlerOutEvent,
        ToSwarm, dummy,
    },
};
use prometheus::IntCounter;

use crate::Limits;

/// Handshakes at once from one address that is no member's.
const PER_STRANGER: u32 = 32;

/// Addresses that are remembered of one member besides those configured.
const MET_PER_MEMBER: usize = 4;

/// What a handshake costs us: a socket, or only memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Kind {
    Tcp,
    Quic,
}

/// Somebody gets no place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Crowded;

impl fmt::Display for Crowded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("too many handshakes are in progress")
    }
}

impl std::error::Error for Crowded {}

/// A handshake in progress.
#[derive(Clone, Copy, Debug)]
struct Place {
    kind: Kind,
    source: IpAddr,
    /// Whether it is one of those that strangers share.
    stranger: bool,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Admission {
    places: BTreeMap<Kind, u32>,
    configured: BTreeSet<IpAddr>,
    /// Where members were met, newest last.
    met: BTreeMap<PeerId, VecDeque<IpAddr>>,
    pending: HashMap<ConnectionId, Place>,
    /// How many of them there are, are from one source, and are of strangers.
    taken: HashMap<Kind, u32>,
    by_source: HashMap<(Kind, IpAddr), u32>,
    strangers: HashMap<Kind, u32>,
    refused: IntCounter,
}

impl Admission {
    /// Members are dialled at `addresses`. Everybody who is refused is counted.
    pub(crate) fn new<'a>(
        limits: &Limits,
        addresses: impl IntoIterator<Item = &'a Multiaddr>,
        refused: IntCounter,
    ) -> Self {
        Self {
            places: [(Kind::Tcp, limits.pending_tcp), (Kind::Quic, limits.pending_quic)].into(),
            configured: addresses.into_iter().filter_map(source_of).map(|(source, _)| source).collect(),
            met: BTreeMap::new(),
            pending: HashMap::new(),
            by_source: HashMap::new(),
            taken: HashMap::new(),
            strangers: HashMap::new(),
            refused,
        }
    }

    /// Gives somebody at `remote` a place, if there is one for it.
    fn admit(&mut self, id: ConnectionId, remote: &Multiaddr) -> Result<(), Crowded> {
        let (source, kind) = source_of(remote).unwrap_or((IpAddr::V6(Ipv6Addr::UNSPECIFIED), Kind::Tcp));
        let stranger = !self.configured.contains(&source) && !self.met.values().flatten().any(|met| *met == source);
        let places = self.places.get(&kind).copied().unwrap_or_default();
        let of_source = self.by_source.get(&(kind, source)).copied().unwrap_or_default();
        let of_strangers = self.strangers.get(&kind).copied().unwrap_or_default();
        let taken = self.taken.get(&kind).copied().unwrap_or_default();
        let room = if stranger {
            of_source < PER_STRANGER && of_strangers < places.div_ceil(4)
        } else {
            // One member, or somebody in its name, does not take the places of all.
            of_source < places.div_ceil(2)
        };
        if taken >= places || !room {
            self.refused.inc();
            return Err(Crowded);
        }
        self.pending.insert(id, Place { kind, source, stranger });
        count(&mut self.by_source, (kind, source), 1);
        count(&mut self.taken, kind, 1);
        count(&mut self.strangers, kind, i64::from(stranger));
        Ok(())
    }

    /// A handshake has ended, one way or the other.
    fn release(&mut self, id: ConnectionId) {
        let Some(Place { kind, source, stranger }) = self.pending.remove(&id) else { return };
        count(&mut self.by_source, (kind, source), -1);
        count(&mut self.taken, kind, -1);
        count(&mut self.strangers, kind, -i64::from(stranger));
    }

    /// A member is at this address.
    fn meet(&mut self, member: PeerId, address: &Multiaddr) {
        let Some((source, _)) = source_of(address) else { return };
        let met = self.met.entry(member).or_default();
        met.retain(|known| *known != source);
        met.push_back(source);
        if met.len() > MET_PER_MEMBER {
            met.pop_front();
        }
    }
}

/// Changes a count; what is at zero is not kept.
fn count<K: Eq + Hash>(counts: &mut HashMap<K, u32>, of: K, change: i64) {
    let known = counts.remove(&of).unwrap_or_default();
    let now = u32::try_from(i64::from(known).saturating_add(change)).unwrap_or_default();
    if now > 0 {
        counts.insert(of, now);
    }
}

/// Whose places somebody at `address` takes: of IPv6 a whole network, since whoever has one address there has all.
fn source_of(address: &Multiaddr) -> Option<(IpAddr, Kind)> {
    let mut parts = address.iter();
    let first = parts.next()?;
    let ip = if let Protocol::Ip4(ip) = first {
        IpAddr::V4(ip)
    } else if let Protocol::Ip6(ip) = first {
        IpAddr::V6(ip)
    } else {
        return None;
    };
    let source = match ip.to_canonical() {
        IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() >> 64 << 64)),
        IpAddr::V4(ip) => IpAddr::V4(ip),
    };
    let kind = if let Some(Protocol::Udp(_)) = parts.next() { Kind::Quic } else { Kind::Tcp };
    Some((source, kind))
}

impl NetworkBehaviour for Admission {
    type ConnectionHandler = dummy::ConnectionHandler;
    type ToSwarm = Infallible;

    fn handle_pending_inbound_connection(
        &mut self,
        id: ConnectionId,
        _: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<(), ConnectionDenied> {
        self.admit(id, remote).map_err(ConnectionDenied::new)
    }

    fn handle_established_inbound_connection(
        &mut self,
        id: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.release(id);
        Ok(dummy::ConnectionHandler)
    }

    fn handle_established_outbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(dummy::ConnectionHandler)
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        if let FromSwarm::ListenFailure(failure) = event {
            self.release(failure.connection_id);
        } else if let FromSwarm::ConnectionEstablished(connection) = event {
            // Only members get so far.
            self.meet(connection.peer_id, connection.endpoint.get_remote_address());
        }
    }

    fn on_connection_handler_event(&mut self, _: PeerId, _: ConnectionId, event: THandlerOutEvent<Self>) {
        match event {}
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admission(members: &[&str]) -> Admission {
        let limits = Limits { pending_tcp: 400, pending_quic: 800, ..Limits::default() };
        let members: Vec<Multiaddr> = members.iter().map(|address| address.parse().unwrap()).collect();
        Admission::new(&limits, &members, IntCounter::new("refused", "who got no place").unwrap())
    }

    /// How many of `count` handshakes from `address` get a place, numbered from `first`.
    fn taken(admission: &mut Admission, address: &str, first: usize, count: usize) -> usize {
        let address: Multiaddr = address.parse().unwrap();
        let ids = (first..first + count).map(ConnectionId::new_unchecked);
        ids.filter(|id| admission.admit(*id, &address).is_ok()).count()
    }

    #[test]
    fn one_address_gets_few_places_and_gets_them_again_when_its_handshakes_end() {
        let mut admission = admission(&[]);
        assert_eq!(taken(&mut admission, "/ip4/198.51.100.7/tcp/1", 0, 100), 32);
        assert_eq!(taken(&mut admission, "/ip4/198.51.100.7/tcp/2", 100, 1), 0, "another port is the same address");
        assert_eq!(taken(&mut admission, "/ip4/198.51.100.8/tcp/1", 200, 1), 1, "another address is not");
        assert_eq!(taken(&mut admission, "/ip4/198.51.100.7/udp/1/quic-v1", 300, 100), 32, "QUIC is counted apart");
        assert_eq!(admission.refused.get(), 68 + 1 + 68);
        for id in 0..400 {
            admission.release(ConnectionId::new_unchecked(id));
        }
        assert!(admission.pending.is_empty() && admission.by_source.is_empty());
        assert_eq!(taken(&mut admission, "/ip4/198.51.100.7/tcp/1", 400, 100), 32);
    }

    #[test]
    fn a_network_of_version_6_is_one_address_and_a_mapped_one_is_its_own() {
        let mut admission = admission(&[]);
        let in_network: usize =
            (0..100).map(|n| taken(&mut admission, &format!("/ip6/2001:db8::{n:x}/tcp/1"), n, 1)).sum();
        assert_eq!(in_network, 32);
        assert_eq!(taken(&mut admission, "/ip6/::ffff:198.51.100.7/tcp/1", 100, 40), 32);
        assert_eq!(taken(&mut admission, "/ip4/198.51.100.7/tcp/1", 200, 1), 0);
    }

    #[test]
    fn strangers_of_any_number_leave_the_places_of_members() {
        let mut admission = admission(&["/ip4/192.0.2.1/tcp/23700", "/dns4/two.example/tcp/23700"]);
        let strangers: usize =
            (0..250).map(|n| taken(&mut admission, &format!("/ip4/198.51.100.{n}/tcp/1"), n * 10, 10)).sum();
        assert_eq!(strangers, 100, "a quarter");
        assert_eq!(taken(&mut admission, "/ip4/192.0.2.1/tcp/55555", 5_000, 300), 200, "one member's get half");
        // A member whose host name is configured is known by where it was met, over whatever.
        assert_eq!(taken(&mut admission, "/ip4/192.0.2.2/tcp/1", 6_000, 1), 0);
        admission.meet(PeerId::random(), &"/ip4/192.0.2.2/udp/23700/quic-v1".parse().unwrap());
        assert_eq!(taken(&mut admission, "/ip4/192.0.2.2/tcp/1", 6_001, 300), 100, "and the rest are its own");
        assert_eq!(taken(&mut admission, "/ip4/192.0.2.1/tcp/1", 7_000, 1), 0, "all places are taken");
    }

    #[test]
    fn only_the_last_places_where_a_member_was_met_are_kept() {
        let mut admission = admission(&[]);
        let member = PeerId::random();
        for n in 0..50 {
            admission.meet(member, &format!("/ip4/192.0.2.{n}/tcp/1").parse().unwrap());
            admission.meet(member, &format!("/ip4/192.0.2.{n}/tcp/2").parse().unwrap());
        }
        assert_eq!(admission.met.values().map(VecDeque::len).sum::<usize>(), MET_PER_MEMBER);
        assert_eq!(taken(&mut admission, "/ip4/192.0.2.49/tcp/1", 0, 100), 100);
        assert_eq!(taken(&mut admission, "/ip4/192.0.2.1/tcp/1", 100, 100), 32);
    }
}
