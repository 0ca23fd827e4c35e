//! A ceremony's network: the participants, each where it is reached during ceremonies.

use crate::{
    committee::MemberEntry,
    config::Config,
    hint::{Hinted, WithHint},
    peers::{self, News, Peers},
    tasks::Tasks,
};
use guardian_crypto::identity::IdentityKey;
use guardian_p2p::{Limits, Network, Purpose};
use guardian_protocol::{MemberId, ceremony::Input};
use tokio::sync::mpsc;

/// Inputs that wait for the loop: what a hundred participants say at once. What is dropped beyond that is said again.
const INPUTS: usize = 1024;

/// The running network of a ceremony.
#[derive(Debug)]
pub(super) struct CeremonyNetwork {
    pub(super) network: Network,
    pub(super) peers: Peers,
    pub(super) inputs: mpsc::Receiver<Input>,
}

impl CeremonyNetwork {
    /// Connects `me` with `others`. The network's tasks belong to `tasks`.
    pub(super) async fn start(
        config: &Config,
        identity: &IdentityKey,
        others: &[&MemberEntry],
        tasks: &mut Tasks,
    ) -> Result<Self, Hinted> {
        let others_during = others.iter().map(|entry| (*entry, entry.during_ceremonies()));
        let settings =
            peers::network_config(&config.p2p, ("ceremony_listen", &config.p2p.ceremony_listen), others_during)?;
        let limits = Limits { pending_tcp: settings.limits.pending_tcp, ..Limits::for_ceremonies() };
        let settings = guardian_p2p::Config { purpose: Purpose::Ceremony, limits, ..settings };
        let (network, events, transport) = Network::start(settings, peers::network_identity(identity)?).await.hint(
            "can't start the ceremony's network",
            "check [p2p] ceremony_listen: is the running node, or another ceremony, using the port? A ceremony beside a running node needs \
             ports of its own",
        )?;
        let peers = Peers::new(others.iter().copied())?;
        let (sender, inputs) = mpsc::channel(INPUTS);
        let hear = {
            let peers = peers.clone();
            async move {
                peers.hear(events, sender, input, || ()).await;
            }
        };
        tasks.stoppable("network", async { Ok(transport.await?) });
        tasks.stoppable("peers", async {
            hear.await;
            Ok(())
        });
        Ok(Self { network, peers, inputs })
    }
}

fn input(member: MemberId, news: News) -> Option<Input> {
    match news {
        News::Up => Some(Input::PeerUp(member)),
        News::Down => Some(Input::PeerDown(member)),
        // The network has said so in the log. A ceremony need not know: its posts are derived, so both processes make the same.
        News::Doppelgangers => None,
        News::Heard(bytes) => Some(Input::Heard { from: member, bytes }),
    }
}
