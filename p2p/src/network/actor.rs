//! The one task that owns the swarm: a loop over stop, commands, the swarm's events and a clock. Decisions are in `state`.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use futures::StreamExt;
use libp2p::{
    Multiaddr, PeerId, Swarm,
    core::transport::ListenerId,
    gossipsub::{PublishError, TopicHash},
    swarm::dial_opts::{DialOpts, PeerCondition},
};
use rand_core::{OsRng, RngCore};
use tokio::{
    sync::{mpsc, watch},
    time::{MissedTickBehavior, interval, timeout},
};
use tracing::{debug, info};

use super::{
    Channel, Event,
    delivery::Delivery,
    links::Links,
    mailbox::Command,
    metrics::{DropReason, Metrics},
    state::{Peers, Report},
};
use crate::{Error, Purpose, behaviour::Behaviour, broadcast, gossip, transport};

/// Resolution of redials and of ignoring. A look at all members takes microseconds.
const TICK: Duration = Duration::from_millis(50);

/// A socket that was opened reports its address at once.
const LISTENS_WITHIN: Duration = Duration::from_secs(5);

/// For the farewells to leave; a member that does not get one notices by itself.
const CLOSING: Duration = Duration::from_millis(500);

/// What the handles can see without asking the task.
#[derive(Clone, Debug, Default)]
pub(crate) struct View {
    pub(crate) connected: Vec<PeerId>,
    pub(crate) listening: Vec<Multiaddr>,
}

/// The state of the task.
pub(crate) struct Actor {
    pub(super) swarm: Swarm<Behaviour>,
    pub(super) peers: Peers,
    commands: mpsc::Receiver<Command>,
    stop: watch::Receiver<bool>,
    pub(super) delivery: Delivery,
    pub(super) view: watch::Sender<View>,
    pub(super) metrics: Metrics,
    pub(super) links: Links,
    /// What was asked for, and whether an address was reported.
    pub(super) listeners: HashMap<ListenerId, (Multiaddr, bool)>,
    pub(super) topic: TopicHash,
    pub(super) purpose: Purpose,
}

impl Actor {
    #[expect(clippy::too_many_arguments, reason = "called once; a struct of the same fields would say nothing more")]
    pub(crate) fn new(
        swarm: Swarm<Behaviour>,
        peers: Peers,
        commands: mpsc::Receiver<Command>,
        stop: watch::Receiver<bool>,
        delivery: Delivery,
        view: watch::Sender<View>,
        metrics: Metrics,
        purpose: Purpose,
    ) -> Self {
        let topic = gossip::topic().hash();
        let (listeners, links) = (HashMap::new(), Links::default());
        Self { swarm, peers, commands, stop, delivery, view, metrics, links, listeners, topic, purpose }
    }

    /// Opens the sockets and waits until each has an address.
    pub(crate) async fn listen(&mut self, addresses: &[Multiaddr]) -> Result<(), Error> {
        for address in addresses {
            let id = transport::listen(&mut self.swarm, address)?;
            self.listeners.insert(id, (address.clone(), false));
        }
        let ready = async {
            while self.listeners.values().any(|(_, ready)| !ready) {
                let event = self.swarm.select_next_some().await;
                self.on_swarm_event(event)?;
            }
            Ok(())
        };
        match timeout(LISTENS_WITHIN, ready).await {
            Ok(result) => result,
            Err(_) => {
                let late = self.listeners.values().find(|(_, ready)| !ready);
                Err(Error::ListenTimeout(late.map_or_else(Multiaddr::empty, |(address, _)| address.clone())))
            }
        }
    }

    /// Until it is told to stop or nobody is left to work for.
    pub(crate) async fn run(mut self) -> Result<(), Error> {
        let result = self.serve().await;
        self.close().await;
        result
    }

    async fn serve(&mut self) -> Result<(), Error> {
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let now = Instant::now();
        self.peers.values_mut().for_each(|peer| peer.redial.begin(now));
        loop {
            tokio::select! {
                _ = self.stop.changed() => return Ok(()),
                () = self.delivery.closed() => return Ok(()),
                command = self.commands.recv() => match command {
                    Some(command) => self.on_command(command),
                    None => return Ok(()),
                },
                event = self.swarm.select_next_some() => self.on_swarm_event(event)?,
                _ = tick.tick() => self.on_tick(Instant::now()),
            }
        }
    }

    fn on_command(&mut self, command: Command) {
        match command {
            Command::Broadcast(message) => self.publish(&message),
            Command::Send { to, message } => {
                let Some(peer) = self.peers.get_mut(&to).filter(|peer| peer.is_connected()) else {
                    return self.metrics.dropped(DropReason::NotConnected);
                };
                if !peer.outbound.offer(message) {
                    return self.metrics.dropped(DropReason::PeerQueueFull);
                }
                self.send_waiting(to);
            }
        }
    }

    fn publish(&mut self, message: &[u8]) {
        let unreached = self.peers.iter().filter(|(_, peer)| !peer.is_reachable()).map(|(id, _)| id);
        let bytes = broadcast::encode(unreached, message);
        let length = bytes.len();
        let reason = match self.swarm.behaviour_mut().gossip.publish(self.topic.clone(), bytes) {
            Ok(_) => return self.metrics.sent(Channel::Broadcast, length),
            Err(PublishError::NoPeersSubscribedToTopic) => DropReason::NoSubscribers,
            Err(PublishError::AllQueuesFull(_)) => DropReason::GossipQueuesFull,
            Err(PublishError::MessageTooLarge) => DropReason::TooLarge,
            Err(
                error @ (PublishError::Duplicate | PublishError::SigningError(_) | PublishError::TransformFailed(_)),
            ) => {
                debug!(%error, "a broadcast was refused");
                DropReason::PublishFailed
            }
        };
        self.metrics.dropped(reason);
    }

    /// Sends what waits for this member, as far as the number in flight allows.
    pub(super) fn send_waiting(&mut self, to: PeerId) {
        let Some(peer) = self.peers.get_mut(&to) else { return };
        while let Some(message) = peer.outbound.next() {
            let length = message.len();
            let id = self.swarm.behaviour_mut().direct.send_request(&to, message);
            peer.outbound.sent(id);
            self.metrics.sent(Channel::Direct, length);
        }
    }

    fn on_tick(&mut self, now: Instant) {
        let members: Vec<PeerId> = self.peers.keys().copied().collect();
        members.into_iter().for_each(|id| self.start_afresh(id, None));
        for (id, peer) in &mut self.peers {
            if peer.unmute(now) {
                self.swarm.behaviour_mut().gossip.remove_blacklisted_peer(id);
            }
            if peer.give_up(now) {
                debug!(peer = %id, "a member did not subscribe to the broadcasts; connecting anew");
                self.metrics.replaced();
                disconnect(&mut self.swarm, *id);
            }
            if !peer.is_connected() && peer.redial.is_forgotten() {
                peer.redial.lost(now, chance());
            }
            if let Some(address) = peer.redial.due(now) {
                self.metrics.dialled();
                // One address at a time. Two at once can both succeed, and the one that is given up takes with it the first
                // subscription of gossipsub, which is sent only once; and libp2p's timeouts for a list of addresses all
                // start together, so that one silent address uses up the time of those behind it.
                // A port of its own: from the listening port, two members that dial each other at the same moment would
                // open one TCP connection with two dialling ends.
                let options = DialOpts::peer_id(*id)
                    .condition(PeerCondition::DisconnectedAndNotDialing)
                    .addresses(vec![address])
                    .allocate_new_port()
                    .build();
                if let Err(error) = self.swarm.dial(options) {
                    debug!(peer = %id, %error, "cannot dial");
                    self.metrics.dial_failed();
                    peer.redial.failed(now, chance());
                }
            }
        }
        self.report();
    }

    /// Brings handles, metrics and the application up to date about who can be reached. What finds no room in the queue is
    /// told later: such news is never lost.
    pub(super) fn report(&mut self) {
        let reachable: Vec<PeerId> =
            self.peers.iter().filter(|(_, peer)| peer.is_reachable()).map(|(id, _)| *id).collect();
        self.view.send_if_modified(|view| {
            let changed = view.connected != reachable;
            view.connected = reachable;
            changed
        });
        for (id, peer) in &mut self.peers {
            while let Some(report) = peer.news() {
                let event = match report {
                    Report::Connected => Event::Connected(*id),
                    Report::Disconnected => Event::Disconnected(*id),
                };
                if self.delivery.offer(event).is_err() {
                    return;
                }
                match report {
                    Report::Connected => info!(peer = %id, "member connected"),
                    Report::Disconnected => info!(peer = %id, "member disconnected"),
                }
                self.metrics.connected(id, report == Report::Connected);
                peer.reported(report);
            }
        }
    }

    /// Says goodbye, so that the others need not wait for a silence.
    async fn close(mut self) {
        self.commands.close();
        let connected: Vec<PeerId> = self.swarm.connected_peers().copied().collect();
        for peer in connected {
            disconnect(&mut self.swarm, peer);
        }
        let closed = async {
            while self.swarm.connected_peers().next().is_some() {
                self.swarm.select_next_some().await;
            }
        };
        if timeout(CLOSING, closed).await.is_err() {
            debug!("not every connection was closed in time");
        }
        self.peers.keys().for_each(|id| self.metrics.connected(id, false));
        self.view.send_replace(View::default());
    }
}

/// Closes every connection to this peer; none is no error.
pub(super) fn disconnect(swarm: &mut Swarm<Behaviour>, peer: PeerId) {
    if swarm.disconnect_peer_id(peer).is_err() {
        debug!(%peer, "nothing to disconnect");
    }
}

/// Any number. Without one from the operating system the pauses are merely not spread.
pub(super) fn chance() -> u64 {
    let mut bytes = [0; 8];
    match OsRng.try_fill_bytes(&mut bytes) {
        Ok(()) => u64::from_le_bytes(bytes),
        Err(_) => 0,
    }
}
