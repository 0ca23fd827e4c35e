//! Authenticated bytes between known peers, over libp2p: what this crate promises, and what it does not.
//!
//! Every member has an ed25519 identity, and its public key is its [`PeerId`]. A connection is accepted only from, and opened
//! only to, a member; a stranger is disconnected as soon as it has proved who it is. Two channels:
//!
//! | channel | protocol | `from` of [`Event::Received`] is | reaches |
//! |---|---|---|---|
//! | [`Channel::Broadcast`] | gossipsub, signed, topic `/guardian/broadcast/2` | the author who signed it, even when another member passed it on | every member; those to whom its author has no link, through others |
//! | [`Channel::Direct`] | request-response `/guardian/direct/1` | the other end of the connection | one member that is connected |
//!
//! What it is not: it does not know what a duty, a guardian number or a threshold signature is, and nothing of it is stored.
//! It carries a message at most once while its identifier is remembered (half a minute), perhaps twice after that, and
//! perhaps never: a full queue, a limit or a dead link drops it, and the drop is counted. Who needs more repeats its message;
//! [`Event::Connected`] says when a member can be reached on both channels.
//!
//! Nothing that a peer sends can grow memory without bound or end the task: sizes are checked before memory is taken,
//! every queue is bounded, each member has its own allowance of messages and bytes ([`Limits`]), and one who exceeds it
//! is ignored while the others are served.
//!
//! | module | what |
//! |---|---|
//! | `config`, `limits` | addresses of the members; the numbers that bound everything |
//! | `identity` | our key; peer ids of others |
//! | `admission` | whose handshakes may be in progress |
//! | `behaviour`, `gossip`, `broadcast`, `codec`, `transport` | the libp2p protocols and how they are set up |
//! | `distance` | members far apart, for tests and benchmarks |
//! | `network` | the handle ([`Network`]) and the one task that owns the swarm |

#![deny(clippy::wildcard_enum_match_arm)]

mod admission;
mod behaviour;
mod broadcast;
mod codec;
mod config;
mod distance;
mod error;
mod gossip;
mod identity;
mod limits;
mod network;
mod transport;

pub use config::{Config, Member, Purpose};
pub use error::Error;
pub use identity::{Identity, peer_id_of};
pub use libp2p::{Multiaddr, PeerId};
pub use limits::Limits;
pub use network::{Channel, Event, Feedback, Link, Network};
