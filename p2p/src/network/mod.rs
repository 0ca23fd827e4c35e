//! The handle of the running network, and how it is started. The work is done by one task, the `actor`.
//!
//! | file | what |
//! |---|---|
//! | `mailbox` | from the application to the task, bounded |
//! | `delivery` | from the task to the application, bounded |
//! | `actor` | the loop: stop, commands, the swarm, the clock |
//! | `connections`, `messages` | what the swarm reports, and what is done about it |
//! | `state`, `outbound`, `redial`, `processes` | what is known of each member; pure |
//! | `metrics` | counters, and their text |
//! | `links` | the connections, for people |

mod actor;
mod connections;
mod delivery;
mod links;
mod mailbox;
mod messages;
pub(crate) mod metrics;
mod outbound;
pub(crate) mod processes;
mod redial;
mod state;

use std::{collections::BTreeMap, fmt, future::Future, sync::Arc, time::Instant};

use libp2p::{Multiaddr, PeerId};
use tokio::sync::{mpsc, watch};

use self::{
    actor::{Actor, View},
    delivery::Delivery,
    links::Links,
    mailbox::Mailbox,
    metrics::Metrics,
    redial::Redial,
    state::{Peer, Peers},
};
pub use self::{links::Link, mailbox::Feedback};
use crate::{Config, Error, Identity, behaviour::Behaviour, transport};

/// How a message came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Channel {
    /// Its author sent it to everybody and signed it.
    Broadcast,
    /// Its author sent it to us alone.
    Direct,
}

/// What the network reports to the application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// This member can be reached on both channels: what is broadcast from now on reaches it.
    Connected(PeerId),
    /// This member cannot be reached any more. It is dialled again until it can.
    Disconnected(PeerId),
    /// Two processes with this member's identity live: both have connected, by turns. Told each time that it shows.
    Doppelgangers(PeerId),
    /// A message of a member arrived. It may have been sent before the connection was reported.
    Received {
        /// The member that wrote it, authenticated.
        from: PeerId,
        /// How it came.
        channel: Channel,
        /// As it was handed over there.
        bytes: Vec<u8>,
    },
}

/// The running network. Cloning gives another handle to the same one; when the last is dropped, the network stops.
#[derive(Clone)]
pub struct Network {
    peer_id: PeerId,
    mailbox: Mailbox,
    stop: Arc<watch::Sender<bool>>,
    view: watch::Receiver<View>,
    metrics: Metrics,
    links: Links,
}

impl Network {
    /// Opens the listening sockets and prepares everything. Nothing is dialled before the returned future runs: spawn it. It
    /// ends with `Ok` after [`Self::shutdown`] or when all handles, or the receiver, are dropped.
    ///
    /// # Errors
    /// A configuration that cannot be used, a listening address that cannot be opened (named), or no DNS configuration; from
    /// the future, a listener that died.
    pub async fn start(
        config: Config,
        identity: Identity,
    ) -> Result<(Self, mpsc::Receiver<Event>, impl Future<Output = Result<(), Error>> + Send), Error> {
        let peer_id = identity.peer_id();
        let dialable = config.checked_members(peer_id)?;
        let members = Arc::new(dialable.keys().copied().collect());
        let limits = &config.limits;

        let metrics = Metrics::new(dialable.keys())?;
        let keypair = identity.into_keypair();
        let behaviour = Behaviour::new(&keypair, &members, &config, actor::chance(), &metrics)?;
        let round_trip = config.simulated_round_trip;
        let swarm = transport::build(&keypair, behaviour, limits.peer_in_flight, round_trip)?;

        let now = Instant::now();
        let count = dialable.len();
        let peers: Peers = dialable
            .into_iter()
            .map(|(id, addresses)| (id, Peer::new(Redial::new(addresses, peer_id < id), limits, count, now)))
            .collect();
        let (mailbox, commands) = Mailbox::new(members, limits, metrics.clone());
        let (delivery, events) = Delivery::new(limits);
        let (stop, stopped) = watch::channel(false);
        let (view_sender, view) = watch::channel(View::default());
        let mut actor =
            Actor::new(swarm, peers, commands, stopped, delivery, view_sender, metrics.clone(), config.purpose);
        actor.listen(&config.listen).await?;

        let links = actor.links.clone();
        let network = Self { peer_id, mailbox, stop: Arc::new(stop), view, metrics, links };
        Ok((network, events, actor.run()))
    }

    /// Our own peer id.
    #[must_use]
    pub fn peer_id(&self) -> PeerId {
        self.peer_id
    }

    /// Sends to every member, not to ourselves. Never waits.
    pub fn broadcast(&self, message: Vec<u8>) -> Feedback {
        self.mailbox.broadcast(message)
    }

    /// Sends to one member, if it is connected when its turn comes. Never waits.
    pub fn send(&self, to: PeerId, message: Vec<u8>) -> Feedback {
        self.mailbox.send(to, message)
    }

    /// How many members can be reached on both channels now.
    #[must_use]
    pub fn connected(&self) -> usize {
        self.view.borrow().connected.len()
    }

    /// The members that can be reached on both channels now, in ascending order.
    #[must_use]
    pub fn connected_members(&self) -> Vec<PeerId> {
        self.view.borrow().connected.clone()
    }

    /// What is known of the connections to members, for people; members of whom nothing is known yet are missing.
    #[must_use]
    pub fn links(&self) -> BTreeMap<PeerId, Link> {
        self.links.at(Instant::now())
    }

    /// The addresses we listen on, with the ports that the system chose.
    #[must_use]
    pub fn listen_addresses(&self) -> Vec<Multiaddr> {
        self.view.borrow().listening.clone()
    }

    /// All metrics (`guardian_p2p_…`) in Prometheus' text format 0.0.4, to be appended to others.
    #[must_use]
    pub fn metrics_text(&self) -> String {
        self.metrics.text()
    }

    /// Closes all connections and ends the task soon; what is still queued is dropped. May be called more than once.
    pub fn shutdown(&self) {
        self.stop.send_replace(true);
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network").field("peer_id", &self.peer_id).field("connected", &self.connected()).finish()
    }
}
