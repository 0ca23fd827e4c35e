//! `/peers`: every other member by name, its connection, and what this guardian has against it.

use super::Pages;
use crate::{committee::CommitteeFile, hint::Hinted, observers::metrics::Grievances};
use axum::{Json, extract::State};
use guardian_p2p::{Link, Multiaddr, PeerId};
use guardian_protocol::{MemberId, Program};
use serde::Serialize;

/// Another member, as this guardian's network knows it.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    id: MemberId,
    name: String,
    peer: PeerId,
}

impl Member {
    /// Everybody in `committee` but `own`.
    ///
    /// # Errors
    /// If an identity is not a valid key.
    pub(crate) fn others(committee: &CommitteeFile, own: &str) -> Result<Vec<Self>, Hinted> {
        let members = committee.others(own);
        members.map(|entry| Ok(Self { id: entry.id, name: entry.name.clone(), peer: entry.peer_id()? })).collect()
    }
}

/// One line of the page. Times are in seconds.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    member: MemberId,
    name: String,
    peer_id: String,
    /// Both channels work.
    connected: bool,
    /// The member's end of the newest connection.
    address: Option<String>,
    /// `quic` or `tcp`.
    transport: Option<&'static str>,
    /// The member has dialled us.
    is_inbound: bool,
    age: Option<f64>,
    /// Since a message of it arrived.
    heard: Option<f64>,
    round_trip: Option<f64>,
    /// Proven to cheat.
    excluded: bool,
    /// Two processes run with its identity.
    quarantined: bool,
    /// What it runs, as it said last.
    program: Option<Program>,
    /// Since the start.
    #[serde(flatten)]
    grievances: Grievances,
}

/// The page.
pub(super) async fn page(State(pages): State<Pages>) -> Json<Vec<Row>> {
    let (status, mut links) = (pages.status.borrow().clone(), pages.network.links());
    let connected = pages.network.connected_members();
    let row = |member: &Member| {
        let link = links.remove(&member.peer);
        let link = link.unwrap_or(Link { address: None, is_inbound: false, age: None, heard: None, round_trip: None });
        Row {
            member: member.id,
            name: member.name.clone(),
            peer_id: member.peer.to_string(),
            connected: connected.contains(&member.peer),
            transport: link.address.as_ref().map(transport),
            address: link.address.map(|address| address.to_string()),
            is_inbound: link.is_inbound,
            age: link.age.map(|age| age.as_secs_f64()),
            heard: link.heard.map(|heard| heard.as_secs_f64()),
            round_trip: link.round_trip.map(|round_trip| round_trip.as_secs_f64()),
            excluded: status.excluded.contains(&member.id),
            quarantined: status.quarantined.contains(&member.id),
            program: status.programs.iter().find(|of| of.member == member.id).map(|of| of.program.clone()),
            grievances: pages.metrics.events.grievances(&member.name),
        }
    };
    Json(pages.members.iter().map(row).collect())
}

fn transport(address: &Multiaddr) -> &'static str {
    let text = address.to_string();
    if text.contains("/quic-v1") { "quic" } else { "tcp" }
}
