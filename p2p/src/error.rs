//! Why the network could not start, or had to stop. What a peer does wrong is never an error: it is counted.

use std::io;

use libp2p::{Multiaddr, PeerId};

/// Why the network could not start, or had to stop.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The seed of the identity is all zeroes: an empty or unread key file.
    #[error("the seed of the network identity is all zeroes")]
    ZeroSeed,
    /// Not a point of the curve, so not an ed25519 public key.
    #[error("these 32 bytes are not an ed25519 public key")]
    PublicKey,
    /// More members than the limits were reasoned for.
    #[error("{found} members are configured, but at most {limit} are supported")]
    TooManyMembers {
        /// Configured.
        found: usize,
        /// Supported.
        limit: usize,
    },
    /// The same peer id twice.
    #[error("member {0} is configured twice")]
    DuplicateMember(PeerId),
    /// Our own peer id among the members.
    #[error("{0} is our own identity, but the members are configured without ourselves")]
    OwnIdentity(PeerId),
    /// An address of a member that cannot be dialled, or too many of them.
    #[error("address {address} of member {peer} cannot be used: {why}")]
    MemberAddress {
        /// The member.
        peer: Box<PeerId>,
        /// Its address.
        address: Multiaddr,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A limit that would make the network useless.
    #[error("limit {name} cannot be used: {why}")]
    Limit {
        /// Name of the field.
        name: &'static str,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Somebody else listens there.
    #[error("{0} is already in use by another process")]
    AddressInUse(Multiaddr),
    /// Neither TCP nor QUIC.
    #[error("cannot listen on {0}: neither /ip4|ip6/…/tcp/… nor /ip4|ip6/…/udp/…/quic-v1")]
    ListenUnsupported(Multiaddr),
    /// The operating system refused.
    #[error("cannot listen on {address}")]
    Listen {
        /// Where.
        address: Multiaddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The listener was opened, but never reported an address.
    #[error("no listener became ready on {0} in time")]
    ListenTimeout(Multiaddr),
    /// A listener ended while the network was running.
    #[error("the listener on {address} stopped")]
    ListenerStopped {
        /// Where it listened.
        address: Multiaddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The resolver of host names could not be set up.
    #[error("cannot read the system's DNS configuration")]
    Dns(#[source] io::Error),
    /// Two metrics have the same name; a fault of this crate, found at the first start.
    #[error("cannot set up the metrics")]
    Metrics(#[from] prometheus::Error),
    /// A protocol could not be set up; a fault of this crate, not of the configuration.
    #[error("cannot set up {protocol}: {why}")]
    Protocol {
        /// Which one.
        protocol: &'static str,
        /// What it said.
        why: String,
    },
}
