//! The connection to each member as people look at it: where it leads, since when, and when the member was last heard. Nothing is decided
//! from it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use libp2p::{Multiaddr, PeerId, swarm::ConnectionId};

/// The newest connection to a member, and what is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The member's end; `None` while there is no connection.
    pub address: Option<Multiaddr>,
    /// The member has dialled us.
    pub is_inbound: bool,
    /// How long it has lasted.
    pub age: Option<Duration>,
    /// How long ago a message of the member arrived.
    pub heard: Option<Duration>,
    /// By the newest ping.
    pub round_trip: Option<Duration>,
}

/// Those of all members. Cloning shares them: the task writes, handles read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Links(Arc<Mutex<BTreeMap<PeerId, Known>>>);

#[derive(Debug, Default)]
struct Known {
    connections: Vec<(ConnectionId, Multiaddr, bool, Instant)>,
    heard: Option<Instant>,
    round_trip: Option<Duration>,
}

impl Links {
    pub(crate) fn connected(&self, peer: PeerId, id: ConnectionId, address: Multiaddr, is_inbound: bool, now: Instant) {
        self.all().entry(peer).or_default().connections.push((id, address, is_inbound, now));
    }

    pub(crate) fn closed(&self, peer: PeerId, id: ConnectionId) {
        if let Some(known) = self.all().get_mut(&peer) {
            known.connections.retain(|(other, ..)| *other != id);
            if known.connections.is_empty() {
                known.round_trip = None;
            }
        }
    }

    pub(crate) fn heard(&self, peer: PeerId, now: Instant) {
        self.all().entry(peer).or_default().heard = Some(now);
    }

    pub(crate) fn round_trip(&self, peer: PeerId, round_trip: Duration) {
        self.all().entry(peer).or_default().round_trip = Some(round_trip);
    }

    /// What is known at `now`; members of whom nothing is known are missing.
    pub(crate) fn at(&self, now: Instant) -> BTreeMap<PeerId, Link> {
        let ago = |then: Instant| now.saturating_duration_since(then);
        let link = |known: &Known| {
            let newest = known.connections.last();
            Link {
                address: newest.map(|(_, address, ..)| address.clone()),
                is_inbound: newest.is_some_and(|(_, _, is_inbound, _)| *is_inbound),
                age: newest.map(|(.., since)| ago(*since)),
                heard: known.heard.map(ago),
                round_trip: known.round_trip,
            }
        };
        self.all().iter().map(|(peer, known)| (*peer, link(known))).collect()
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<PeerId, Known>> {
        // Every change leaves a whole map behind.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_connection_is_shown_until_it_ends() {
        let (links, peer, start) = (Links::default(), PeerId::random(), Instant::now());
        let id = ConnectionId::new_unchecked;
        let address = |port| -> Multiaddr { format!("/ip4/192.0.2.1/tcp/{port}").parse().unwrap() };
        let at = |seconds| start + Duration::from_secs(seconds);
        links.connected(peer, id(1), address(1), true, start);
        links.connected(peer, id(2), address(2), false, at(1));
        links.heard(peer, at(3));
        links.round_trip(peer, Duration::from_millis(7));
        let link = links.at(at(5))[&peer].clone();
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        assert_eq!((link.address, link.is_inbound), (Some(address(2)), false));
        assert_eq!((link.age, link.heard, link.round_trip), (seconds(4), seconds(2), Some(Duration::from_millis(7))));
        links.closed(peer, id(2));
        assert_eq!(links.at(at(5))[&peer].address, Some(address(1)));
        links.closed(peer, id(1));
        let link = links.at(at(6))[&peer].clone();
        assert_eq!((link.address, link.age, link.heard, link.round_trip), (None, None, seconds(3), None));
    }
}
