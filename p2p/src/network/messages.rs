//! What the protocols report: messages of members, acknowledgements, signs of life. Judged by allowance, never by content.

use std::time::Instant;

use libp2p::{
    PeerId,
    gossipsub::{self, MessageAcceptance, MessageId},
    identify, ping,
    request_response::{self, OutboundFailure, OutboundRequestId},
};
use tracing::{debug, warn};

use super::{
    Channel, Event,
    actor::Actor,
    delivery::Refused,
    metrics::{DropReason, FailReason},
    state::{Excess, admit_broadcast},
};
use crate::{behaviour::BehaviourEvent, broadcast::Broadcast, codec::Ack};

impl Actor {
    pub(super) fn on_behaviour_event(&mut self, event: BehaviourEvent) {
        match event {
            BehaviourEvent::Gossip(event) => self.on_gossip(event),
            BehaviourEvent::Direct(event) => self.on_direct(event),
            BehaviourEvent::Ping(event) => self.on_ping(&event),
            BehaviourEvent::Identify(event) => {
                if let identify::Event::Received { connection_id, peer_id, info } = event {
                    self.on_identified(peer_id, connection_id, &info.agent_version);
                }
            }
            BehaviourEvent::Members(never) | BehaviourEvent::Bounds(never) => match never {},
        }
    }

    fn on_gossip(&mut self, event: gossipsub::Event) {
        match event {
            gossipsub::Event::Message { propagation_source, message_id, message } => {
                // Strict validation: there is an author, and it has signed.
                if let Some(author) = message.source {
                    self.on_broadcast(propagation_source, author, &message_id, &message.data);
                }
            }
            gossipsub::Event::Subscribed { peer_id, .. } => {
                if let Some(peer) = self.peers.get_mut(&peer_id) {
                    peer.subscribed();
                }
                self.report();
            }
            // No honest member does it while it runs; who does gets no broadcasts.
            gossipsub::Event::Unsubscribed { peer_id, .. } => debug!(peer = %peer_id, "a member unsubscribed"),
            gossipsub::Event::GossipsubNotSupported { peer_id } => {
                warn!(peer = %peer_id, "a member does not speak gossipsub: does it run another program?");
            }
            gossipsub::Event::SlowPeer { peer_id, failed_messages } => {
                self.metrics.slow(&peer_id, failed_messages.non_priority.saturating_add(failed_messages.priority));
            }
        }
    }

    fn on_broadcast(&mut self, deliverer: PeerId, author: PeerId, id: &MessageId, bytes: &[u8]) {
        let now = Instant::now();
        // Refused on arrival if these are not the bytes of a broadcast.
        let Some(broadcast) = Broadcast::decode(bytes) else { return };
        let acceptance = match admit_broadcast(&mut self.peers, deliverer, author, bytes.len(), now) {
            Ok(()) => {
                self.deliver(author, Channel::Broadcast, broadcast.message.to_vec());
                // Passed on even when our own application has no room: that is not the others' fault.
                let mut neighbours = self.swarm.behaviour().gossip.mesh_peers(&self.topic);
                let useful = neighbours.any(|neighbour| broadcast.misses(neighbour));
                let author = self.peers.get_mut(&author);
                if useful && author.is_some_and(|author| author.admit_forwarded(bytes.len(), now)) {
                    MessageAcceptance::Accept
                } else {
                    MessageAcceptance::Ignore
                }
            }
            Err(excess) => {
                self.on_excess(excess, now);
                MessageAcceptance::Ignore
            }
        };
        let gossip = &mut self.swarm.behaviour_mut().gossip;
        if !gossip.report_message_validation_result(id, &deliverer, acceptance) {
            debug!(%author, "a broadcast was forgotten before it was judged, and is not passed on");
        }
    }

    fn on_excess(&mut self, excess: Excess, now: Instant) {
        self.metrics.limited(&excess.of);
        let Some(peer) = self.peers.get_mut(&excess.of).filter(|_| excess.mute) else { return };
        if peer.mute(now) {
            debug!(peer = %excess.of, "a member exceeds its allowance; its broadcasts are ignored for a second");
            self.swarm.behaviour_mut().gossip.blacklist_peer(&excess.of);
        }
    }

    fn on_direct(&mut self, event: request_response::Event<Vec<u8>, Ack>) {
        match event {
            request_response::Event::Message { peer, message, .. } => match message {
                request_response::Message::Request { request, channel, .. } => {
                    let ack = self.on_direct_message(peer, request);
                    if self.swarm.behaviour_mut().direct.send_response(channel, ack).is_err() {
                        debug!(%peer, "the sender did not wait for the acknowledgement");
                    }
                }
                request_response::Message::Response { request_id, response } => {
                    let failed = (response == Ack::Busy).then_some(FailReason::Busy);
                    self.on_sent(peer, request_id, failed);
                }
            },
            request_response::Event::OutboundFailure { peer, request_id, error, .. } => {
                debug!(%peer, %error, "a direct message failed");
                self.on_sent(peer, request_id, Some(fail_reason(&error)));
            }
            request_response::Event::InboundFailure { peer, error, .. } => {
                debug!(%peer, %error, "a direct message of a member failed");
            }
            request_response::Event::ResponseSent { .. } => {}
        }
    }

    fn on_direct_message(&mut self, from: PeerId, message: Vec<u8>) -> Ack {
        let now = Instant::now();
        let admitted = self.peers.get_mut(&from).is_some_and(|peer| peer.admit_own(message.len(), now));
        if !admitted {
            self.metrics.limited(&from);
            return Ack::Busy;
        }
        if self.deliver(from, Channel::Direct, message) { Ack::Accepted } else { Ack::Busy }
    }

    fn on_sent(&mut self, to: PeerId, id: OutboundRequestId, failed: Option<FailReason>) {
        if let Some(reason) = failed {
            self.metrics.direct_failed(&to, reason);
        }
        if let Some(peer) = self.peers.get_mut(&to) {
            peer.outbound.finished(&id);
        }
        self.send_waiting(to);
    }

    /// Hands a message to the application; false when it has no room.
    fn deliver(&mut self, from: PeerId, channel: Channel, bytes: Vec<u8>) -> bool {
        let length = bytes.len();
        self.links.heard(from, Instant::now());
        match self.delivery.offer(Event::Received { from, channel, bytes }) {
            Ok(()) => {
                self.metrics.received(channel, length);
                true
            }
            Err(Refused::Full) => {
                self.metrics.dropped(DropReason::EventQueueFull);
                false
            }
            // The loop is about to end.
            Err(Refused::Closed) => false,
        }
    }

    /// Two pings without an answer: the link is dead, whatever the socket says.
    fn on_ping(&mut self, event: &ping::Event) {
        match &event.result {
            Ok(round_trip) => {
                self.metrics.round_trip(&event.peer, *round_trip);
                self.links.round_trip(event.peer, *round_trip);
            }
            Err(failure @ (ping::Failure::Timeout | ping::Failure::Other { .. })) => {
                debug!(peer = %event.peer, %failure, "a member does not answer; closing the connection");
                self.swarm.close_connection(event.connection);
            }
            Err(ping::Failure::Unsupported) => {}
        }
    }
}

fn fail_reason(error: &OutboundFailure) -> FailReason {
    match error {
        OutboundFailure::Timeout => FailReason::Timeout,
        OutboundFailure::DialFailure | OutboundFailure::ConnectionClosed => FailReason::ConnectionClosed,
        OutboundFailure::UnsupportedProtocols => FailReason::Unsupported,
        OutboundFailure::Io(_) => FailReason::Stream,
    }
}
