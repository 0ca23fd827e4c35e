//! A member that takes part in key generation and deals one thing to some and another to the others. Everything else about it is in
//! order: its identity, its address, its plan, and both deals by themselves.

use super::keys::GuardianFiles;
use eyre::{Result, WrapErr, eyre};
use guardian_crypto::{disclosable::EphemeralKey, frost::dkg::Round1, identity::IdentityKey};
use guardian_node::{ceremony::plan_file::PlanFile, keys::KeyFiles};
use guardian_p2p::{Config, Event, Identity, Member, Network, PeerId};
use guardian_protocol::{
    MemberId,
    ceremony::{
        Body, CeremonyId, Plan, Post,
        wire::{self, Message},
    },
};
use rand_core::OsRng;
use std::{collections::BTreeMap, path::Path};
use tokio::task::JoinHandle;

/// The running liar. Dropping it ends it.
#[derive(Debug)]
pub struct Equivocator {
    tasks: [JoinHandle<()>; 2],
}

impl Drop for Equivocator {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Equivocator {
    /// Takes part as the guardian at `home`, by the plan in `path`.
    ///
    /// # Errors
    /// If its files can't be read, or its network does not start.
    pub async fn start(home: &GuardianFiles, path: &Path) -> Result<Self> {
        let file = PlanFile::load(path)?;
        let plan = file.plan(false)?;
        let me = plan.members.iter().find(|member| member.name == home.name).ok_or_else(|| eyre!("no member"))?.id;
        let keys = KeyFiles::new(&home.name, &home.dir.join("keys/passphrase"))?;
        let identity = keys.identity(&home.dir.join("keys/identity.sealed"))?;
        let posts = [deal(&plan, me, &identity)?, deal(&plan, me, &identity)?];

        let mut peers = BTreeMap::new();
        let (mut members, mut listen) = (Vec::new(), Vec::new());
        for (id, entry) in file.participants(&plan) {
            let addresses = entry.during_ceremonies().to_vec();
            if id == me {
                listen = addresses;
                continue;
            }
            let peer_id = entry.peer_id()?;
            peers.insert(peer_id, id);
            members.push(Member { peer_id, addresses });
        }
        let config = Config { listen, members, ..Config::default() };
        let transport = Identity::from_seed(*identity.expose_seed())?;
        let (network, mut events, actor) =
            Network::start(config, transport).await.wrap_err("the equivocator has no network")?;
        let ceremony = plan.id();
        let talking = tokio::spawn(async move {
            while let Some(event) = events.recv().await {
                if let Event::Connected(peer) = event {
                    tell(&network, ceremony, &peers, peer, &posts);
                }
            }
        });
        let running = tokio::spawn(async move { drop(actor.await) });
        Ok(Self { tasks: [talking, running] })
    }
}

/// Even members hear one thing, odd ones another.
fn tell(
    network: &Network,
    ceremony: CeremonyId,
    peers: &BTreeMap<PeerId, MemberId>,
    peer: PeerId,
    [even, odd]: &[Post; 2],
) {
    let Some(member) = peers.get(&peer) else { return };
    let post = if member.get() % 2 == 0 { even } else { odd };
    let _feedback = network.send(peer, wire::encode(ceremony, &Message::Post(post.clone())));
}

/// A deal that is right by itself, and another one each time.
fn deal(plan: &Plan, me: MemberId, identity: &IdentityKey) -> Result<Post> {
    let members = plan.members.iter().map(|member| member.id).collect();
    let (_, package) = Round1::begin(me, &members, plan.threshold, &mut OsRng)?;
    let ceremony = plan.id();
    let ephemeral = EphemeralKey::generate(&identity.public(), ceremony.0.as_slice(), &mut OsRng);
    let body = Body::Deal { ephemeral: ephemeral.public().to_bytes(), commitments: package.to_bytes() };
    Ok(Post::seal(ceremony, me, body, identity))
}
