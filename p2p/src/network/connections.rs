//! What the swarm reports about connections and listeners. Messages go on to `messages`.

use std::time::Instant;

use libp2p::{
    Multiaddr, PeerId,
    allow_block_list::NotAllowed,
    core::ConnectedPoint,
    multiaddr::Protocol,
    swarm::{ConnectionId, DialError, ListenError, SwarmEvent},
};
use tracing::{debug, warn};

use super::{
    Event,
    actor::{Actor, chance, disconnect},
    metrics::DropReason,
};
use crate::{
    Error,
    behaviour::{BehaviourEvent, process_in},
};

impl Actor {
    /// Acts on one event. An error ends the task.
    pub(super) fn on_swarm_event(&mut self, event: SwarmEvent<BehaviourEvent>) -> Result<(), Error> {
        match event {
            SwarmEvent::Behaviour(event) => self.on_behaviour_event(event),
            SwarmEvent::ConnectionEstablished { peer_id, connection_id, endpoint, .. } => {
                self.on_connected(peer_id, connection_id, &endpoint);
            }
            SwarmEvent::ConnectionClosed { peer_id, connection_id, .. } => self.on_closed(peer_id, connection_id),
            SwarmEvent::IncomingConnectionError { error, peer_id, send_back_addr, .. } => {
                self.on_refused(&error, peer_id, &send_back_addr);
            }
            SwarmEvent::OutgoingConnectionError { peer_id, error, .. } => self.on_dial_failed(peer_id, &error),
            SwarmEvent::NewListenAddr { listener_id, .. } => {
                if let Some((_, ready)) = self.listeners.get_mut(&listener_id) {
                    *ready = true;
                }
                self.show_listeners();
            }
            SwarmEvent::ExpiredListenAddr { .. } => self.show_listeners(),
            SwarmEvent::ListenerClosed { listener_id, reason, .. } => {
                let address = self.listeners.remove(&listener_id).map_or_else(Multiaddr::empty, |(address, _)| address);
                if let Err(source) = reason {
                    return Err(Error::ListenerStopped { address, source });
                }
            }
            SwarmEvent::ListenerError { error, .. } => warn!(%error, "a listener reported an error and goes on"),
            // Beginnings, and addresses, which are configured: nothing to decide. The enum is open, hence the last arm.
            SwarmEvent::IncomingConnection { .. }
            | SwarmEvent::Dialing { .. }
            | SwarmEvent::NewExternalAddrCandidate { .. }
            | SwarmEvent::ExternalAddrConfirmed { .. }
            | SwarmEvent::ExternalAddrExpired { .. }
            | SwarmEvent::NewExternalAddrOfPeer { .. }
            | _ => {}
        }
        Ok(())
    }

    fn on_connected(&mut self, id: PeerId, connection: ConnectionId, endpoint: &ConnectedPoint) {
        let Some(peer) = self.peers.get_mut(&id) else {
            // Not reached: the allow list refused it before.
            return disconnect(&mut self.swarm, id);
        };
        self.metrics.connection();
        let address = without_identity(endpoint.get_remote_address());
        self.links.connected(id, connection, address, endpoint.is_listener(), Instant::now());
        if let ConnectedPoint::Dialer { address, .. } = endpoint {
            peer.redial.prefer(&without_identity(address));
        }
        if !peer.connected(connection, endpoint.is_listener(), Instant::now()) {
            debug!(peer = %id, "a member connects again: it has lost its connection before we noticed, or runs twice");
        }
    }

    /// The other end of a connection says which process it is.
    pub(super) fn on_identified(&mut self, id: PeerId, connection: ConnectionId, agent: &str) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        let process = process_in(agent, self.purpose);
        if process.is_some_and(|process| peer.identified(connection, process)) {
            warn!(peer = %id, "two processes of this member are running");
            // What finds no room is told when they next push each other out.
            if self.delivery.offer(Event::Doppelgangers(id)).is_err() {
                self.metrics.dropped(DropReason::EventQueueFull);
            }
        }
        self.start_afresh(id, Some(connection));
    }

    /// Closes a member's connections if it has connected anew; see [`Peer::starts_afresh`](super::state::Peer::starts_afresh).
    pub(super) fn start_afresh(&mut self, id: PeerId, newest: Option<ConnectionId>) {
        let due = self.peers.get_mut(&id).is_some_and(|peer| peer.starts_afresh(newest, Instant::now()));
        if due {
            self.metrics.replaced();
            disconnect(&mut self.swarm, id);
        }
    }

    fn on_closed(&mut self, id: PeerId, connection: ConnectionId) {
        let now = Instant::now();
        self.links.closed(id, connection);
        let Some(peer) = self.peers.get_mut(&id) else { return };
        if peer.disconnected(connection) {
            let lost = peer.outbound.clear();
            self.metrics.dropped_many(DropReason::ConnectionLost, lost);
            peer.redial.lost(now, chance());
            // Before the next connection: gossipsub does not announce subscriptions to a peer that it ignores.
            if peer.unmute(now) {
                self.swarm.behaviour_mut().gossip.remove_blacklisted_peer(&id);
            }
        }
        self.report();
    }

    fn on_refused(&mut self, error: &ListenError, peer: Option<PeerId>, from: &Multiaddr) {
        let is_stranger =
            matches!(error, ListenError::Denied { cause } if cause.downcast_ref::<NotAllowed>().is_some());
        if is_stranger {
            self.metrics.stranger();
        }
        debug!(?peer, %from, %error, is_stranger, "an incoming connection was not accepted");
    }

    fn on_dial_failed(&mut self, peer: Option<PeerId>, error: &DialError) {
        self.metrics.dial_failed();
        let Some((id, peer)) = peer.and_then(|id| Some((id, self.peers.get_mut(&id)?))) else { return };
        debug!(peer = %id, %error, "a member could not be dialled");
        if !peer.is_connected() {
            peer.redial.failed(Instant::now(), chance());
        }
    }

    fn show_listeners(&mut self) {
        let listening: Vec<Multiaddr> = self.swarm.listeners().cloned().collect();
        self.view.send_modify(|view| view.listening = listening);
    }
}

/// As configured: the swarm appends whom it dials.
fn without_identity(address: &Multiaddr) -> Multiaddr {
    address.iter().filter(|part| !matches!(part, Protocol::P2p(_))).collect()
}
