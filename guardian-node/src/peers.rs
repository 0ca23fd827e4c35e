//! Members as the network knows them: peer ids for numbers, addresses to dial, and the network's events with numbers in them. Used by
//! the running node and by key ceremonies, which have networks of their own.

use crate::{
    committee::MemberEntry,
    config::P2pConfig,
    hint::{Hinted, WithHint},
};
use guardian_crypto::identity::IdentityKey;
use guardian_p2p::{Channel, Event, Feedback, Identity, Multiaddr, Network, PeerId};
use guardian_protocol::{Input, MemberId, Recipient};
use std::collections::BTreeMap;
use tokio::sync::mpsc;

/// Everybody else: who is who.
#[derive(Clone, Debug, Default)]
pub(crate) struct Peers(BTreeMap<PeerId, MemberId>);

/// News from the network of one member. A ceremony makes less of it than the node.
#[derive(Debug)]
pub(crate) enum News {
    Up,
    Down,
    /// Two processes with its identity connect by turns.
    Doppelgangers,
    Heard(Vec<u8>),
}

impl News {
    /// The same for the brain.
    pub(crate) fn input(self, member: MemberId) -> Input {
        match self {
            Self::Up => Input::PeerUp(member),
            Self::Down => Input::PeerDown(member),
            Self::Doppelgangers => Input::Doppelgangers(member),
            Self::Heard(bytes) => Input::Heard { from: member, bytes },
        }
    }
}

impl Peers {
    pub(crate) fn new<'a>(others: impl IntoIterator<Item = &'a MemberEntry>) -> Result<Self, Hinted> {
        others.into_iter().map(|entry| Ok((entry.peer_id()?, entry.id))).collect::<Result<_, _>>().map(Self)
    }

    /// Hands `bytes` to the network, for one or for all.
    pub(crate) fn send(&self, network: &Network, to: Recipient, bytes: Vec<u8>) -> Feedback {
        match to {
            Recipient::All => network.broadcast(bytes),
            // A member that left has no peer; there is nobody to tell.
            Recipient::One(member) => {
                let peer = self.0.iter().find(|(_, number)| **number == member).map(|(peer, _)| *peer);
                peer.map_or(Feedback::Dropped, |peer| network.send(peer, bytes))
            }
        }
    }

    /// Passes the network's events on, as what `input` makes of them, until it ends. News of a connection waits for its place, since nobody
    /// repeats it; what a member says is dropped when it finds none, and the member says it again.
    pub(crate) async fn hear<T>(
        &self,
        mut events: mpsc::Receiver<Event>,
        inputs: mpsc::Sender<T>,
        input: impl Fn(MemberId, News) -> Option<T>,
        dropped: impl Fn(),
    ) {
        while let Some(event) = events.recv().await {
            let (peer, news) = match event {
                Event::Connected(peer) => (peer, News::Up),
                Event::Disconnected(peer) => (peer, News::Down),
                Event::Doppelgangers(peer) => (peer, News::Doppelgangers),
                Event::Received { from, channel: Channel::Broadcast | Channel::Direct, bytes } => {
                    (from, News::Heard(bytes))
                }
            };
            let Some(member) = self.0.get(&peer) else { continue };
            let can_be_lost = matches!(news, News::Heard(_));
            let Some(input) = input(*member, news) else { continue };
            if can_be_lost {
                if inputs.try_send(input).is_err() {
                    dropped();
                }
            } else if inputs.send(input).await.is_err() {
                return;
            }
        }
    }
}

/// The network's configuration, with `listen` of the addresses under `key`.
pub(crate) fn network_config<'a>(
    config: &P2pConfig,
    (key, listen): (&str, &[String]),
    others: impl IntoIterator<Item = (&'a MemberEntry, &'a [Multiaddr])>,
) -> Result<guardian_p2p::Config, Hinted> {
    let advice = "write multiaddresses like /ip4/0.0.0.0/udp/23700/quic-v1 or /dns4/host/tcp/23700";
    let listen = listen
        .iter()
        .map(|text| text.parse().hint(format!("[p2p] {key}: `{text}` is not a multiaddress"), advice))
        .collect::<Result<_, _>>()?;
    let members = others
        .into_iter()
        .map(|(entry, addresses)| Ok(guardian_p2p::Member { peer_id: entry.peer_id()?, addresses: addresses.to_vec() }))
        .collect::<Result<_, Hinted>>()?;
    let simulated_round_trip = config.simulated_round_trip;
    let limits = guardian_p2p::Limits::default();
    let limits = guardian_p2p::Limits { pending_tcp: sockets().min(limits.pending_tcp), ..limits };
    Ok(guardian_p2p::Config { listen, members, simulated_round_trip, limits, ..guardian_p2p::Config::default() })
}

/// How many sockets strangers may hold: half of what this process may open, so that store and providers keep theirs. `/proc` says how many
/// those are; where it does not, as many as every system allows.
fn sockets() -> u32 {
    const USUAL: u32 = 1_024;
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    open_files(&limits).unwrap_or(USUAL).div_ceil(2)
}

/// The soft limit of open files, of the text in `/proc/self/limits`.
fn open_files(limits: &str) -> Option<u32> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    let soft = line.split_whitespace().next()?;
    if soft == "unlimited" { Some(u32::MAX) } else { soft.parse().ok() }
}

/// The network's identity, of the same seed as the guardian's.
pub(crate) fn network_identity(identity: &IdentityKey) -> Result<Identity, Hinted> {
    Identity::from_seed(*identity.expose_seed())
        .hint("the identity key is not valid", "restore keys/identity.sealed from your backup")
}

#[cfg(test)]
#[path = "peers_tests.rs"]
mod tests;
