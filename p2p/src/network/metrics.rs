//! The network's counters. Names and labels are a promise to dashboards and alerts; `docs/metrics.md` says how to read each.
//!
//! Labels are either words of ours or peer ids of configured members, never text of a peer.

use std::time::Duration;

use libp2p::PeerId;
use prometheus::{
    Encoder, GaugeVec, IntCounter, IntCounterVec, IntGaugeVec, Opts, Registry, TextEncoder, core::Collector,
};

use super::Channel;

/// Why a message, ours or another's, went no further.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum DropReason {
    /// Ours: the task has not kept up with the application.
    CommandQueueFull,
    /// Ours: above the limit.
    TooLarge,
    /// Ours: for somebody who is not a member.
    NotAMember,
    /// Ours, direct: the member is not connected.
    NotConnected,
    /// Ours, direct: too many wait for this member.
    PeerQueueFull,
    /// Ours, direct: the connection went away while it waited.
    ConnectionLost,
    /// Ours, broadcast: no member is connected.
    NoSubscribers,
    /// Ours, broadcast: the queues of all connected members are full.
    GossipQueuesFull,
    /// Ours, broadcast: gossipsub refused it for another reason.
    PublishFailed,
    /// Theirs: the application has not kept up.
    EventQueueFull,
}

impl DropReason {
    const ALL: [Self; 10] = [
        Self::CommandQueueFull,
        Self::TooLarge,
        Self::NotAMember,
        Self::NotConnected,
        Self::PeerQueueFull,
        Self::ConnectionLost,
        Self::NoSubscribers,
        Self::GossipQueuesFull,
        Self::PublishFailed,
        Self::EventQueueFull,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::CommandQueueFull => "command_queue_full",
            Self::TooLarge => "too_large",
            Self::NotAMember => "not_a_member",
            Self::NotConnected => "not_connected",
            Self::PeerQueueFull => "peer_queue_full",
            Self::ConnectionLost => "connection_lost",
            Self::NoSubscribers => "no_subscribers",
            Self::GossipQueuesFull => "gossip_queues_full",
            Self::PublishFailed => "publish_failed",
            Self::EventQueueFull => "event_queue_full",
        }
    }
}

/// Why a direct message that was sent is not known to have arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum FailReason {
    /// The receiver said that it has no room, or that we exceed our allowance.
    Busy,
    /// No acknowledgement in time.
    Timeout,
    /// The connection ended first.
    ConnectionClosed,
    /// The member does not speak the protocol.
    Unsupported,
    /// The stream broke, as when the receiver finds the message too long.
    Stream,
}

impl FailReason {
    fn as_str(self) -> &'static str {
        match self {
            Self::Busy => "busy",
            Self::Timeout => "timeout",
            Self::ConnectionClosed => "connection_closed",
            Self::Unsupported => "unsupported",
            Self::Stream => "stream",
        }
    }
}

impl Channel {
    fn as_str(self) -> &'static str {
        match self {
            Self::Broadcast => "broadcast",
            Self::Direct => "direct",
        }
    }
}

/// All of it. Cloning shares it.
#[derive(Clone, Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    members: MemberMetrics,
    messages: MessageMetrics,
    links: LinkMetrics,
}

/// Of each member.
#[derive(Clone, Debug)]
struct MemberMetrics {
    connected: IntGaugeVec,
    round_trip: GaugeVec,
    limited: IntCounterVec,
    direct_failed: IntCounterVec,
    slow: IntCounterVec,
}

/// Of messages, by channel or reason.
#[derive(Clone, Debug)]
struct MessageMetrics {
    sent: IntCounterVec,
    sent_bytes: IntCounterVec,
    received: IntCounterVec,
    received_bytes: IntCounterVec,
    copies: IntCounter,
    dropped: IntCounterVec,
}

/// Of connections.
#[derive(Clone, Debug)]
struct LinkMetrics {
    connections: IntCounter,
    strangers: IntCounter,
    crowded: IntCounter,
    dials: IntCounter,
    dial_failures: IntCounter,
    replaced: IntCounter,
}

impl Metrics {
    /// A fresh set, with the members at zero: a rate over a counter that appears with its first event misses that event.
    pub(crate) fn new<'a>(members: impl Iterator<Item = &'a PeerId>) -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let metrics = Self {
            members: MemberMetrics::new(&registry)?,
            messages: MessageMetrics::new(&registry)?,
            links: LinkMetrics::new(&registry)?,
            registry,
        };
        for member in members {
            metrics.connected(member, false);
            metrics.members.limited.with_label_values(&[member.to_string()]).reset();
        }
        Ok(metrics)
    }

    /// The exposition text. Writing into memory fails only for a metric without a name, which the first test would show.
    pub(crate) fn text(&self) -> String {
        let mut text = Vec::new();
        let written = TextEncoder::new().encode(&self.registry.gather(), &mut text);
        written.map(|()| String::from_utf8(text).unwrap_or_default()).unwrap_or_default()
    }
}

impl MemberMetrics {
    fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let peer = ["peer"];
        Ok(Self {
            connected: registered(
                registry,
                IntGaugeVec::new(
                    Opts::new("guardian_p2p_connected", "1 if the member can be reached on both channels, 0 if not"),
                    &peer,
                ),
            )?,
            round_trip: registered(
                registry,
                GaugeVec::new(
                    Opts::new("guardian_p2p_round_trip_seconds", "round trip to the member, by the newest ping"),
                    &peer,
                ),
            )?,
            limited: counters(
                registry,
                "guardian_p2p_limited_total",
                "messages of a member beyond its allowance, dropped; without the broadcasts ignored unseen for a second after",
                &peer,
            )?,
            direct_failed: counters(
                registry,
                "guardian_p2p_direct_failed_total",
                "direct messages not known to have arrived, by member and reason",
                &["peer", "reason"],
            )?,
            slow: counters(
                registry,
                "guardian_p2p_slow_total",
                "broadcast frames that a member did not take in time",
                &peer,
            )?,
        })
    }
}

impl MessageMetrics {
    fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let channel = ["channel"];
        let metrics = Self {
            sent: counters(
                registry,
                "guardian_p2p_sent_total",
                "messages handed to libp2p; a broadcast counts once",
                &channel,
            )?,
            sent_bytes: counters(registry, "guardian_p2p_sent_bytes_total", "their bytes", &channel)?,
            received: counters(
                registry,
                "guardian_p2p_received_total",
                "messages delivered to the application",
                &channel,
            )?,
            received_bytes: counters(registry, "guardian_p2p_received_bytes_total", "their bytes", &channel)?,
            copies: counter(
                registry,
                "guardian_p2p_broadcast_copies_total",
                "broadcasts of members that arrived, every copy counted",
            )?,
            dropped: counters(
                registry,
                "guardian_p2p_dropped_total",
                "messages that went no further, by reason",
                &["reason"],
            )?,
        };
        for reason in DropReason::ALL {
            metrics.dropped.with_label_values(&[reason.as_str()]).reset();
        }
        for channel in [Channel::Broadcast.as_str(), Channel::Direct.as_str()] {
            for counters in [&metrics.sent, &metrics.sent_bytes, &metrics.received, &metrics.received_bytes] {
                counters.with_label_values(&[channel]).reset();
            }
        }
        Ok(metrics)
    }
}

impl LinkMetrics {
    fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        Ok(Self {
            connections: counter(
                registry,
                "guardian_p2p_connections_total",
                "connections made with members, whoever dialled",
            )?,
            strangers: counter(
                registry,
                "guardian_p2p_strangers_total",
                "connections of identities that are no members, refused",
            )?,
            crowded: counter(
                registry,
                "guardian_p2p_crowded_total",
                "connections refused before their handshake, because too many were in progress",
            )?,
            dials: counter(registry, "guardian_p2p_dials_total", "attempts to dial a member")?,
            dial_failures: counter(
                registry,
                "guardian_p2p_dial_failures_total",
                "attempts to dial a member that failed",
            )?,
            replaced: counter(
                registry,
                "guardian_p2p_replaced_total",
                "connections given up because the member had lost them or was silent",
            )?,
        })
    }
}

impl Metrics {
    pub(crate) fn connected(&self, peer: &PeerId, connected: bool) {
        self.members.connected.with_label_values(&[peer.to_string()]).set(i64::from(connected));
    }

    pub(crate) fn round_trip(&self, peer: &PeerId, took: Duration) {
        self.members.round_trip.with_label_values(&[peer.to_string()]).set(took.as_secs_f64());
    }

    pub(crate) fn limited(&self, peer: &PeerId) {
        self.members.limited.with_label_values(&[peer.to_string()]).inc();
    }

    pub(crate) fn direct_failed(&self, peer: &PeerId, reason: FailReason) {
        self.members.direct_failed.with_label_values(&[peer.to_string().as_str(), reason.as_str()]).inc();
    }

    pub(crate) fn slow(&self, peer: &PeerId, frames: usize) {
        self.members.slow.with_label_values(&[peer.to_string()]).inc_by(number(frames));
    }

    pub(crate) fn sent(&self, channel: Channel, bytes: usize) {
        self.messages.sent.with_label_values(&[channel.as_str()]).inc();
        self.messages.sent_bytes.with_label_values(&[channel.as_str()]).inc_by(number(bytes));
    }

    pub(crate) fn received(&self, channel: Channel, bytes: usize) {
        self.messages.received.with_label_values(&[channel.as_str()]).inc();
        self.messages.received_bytes.with_label_values(&[channel.as_str()]).inc_by(number(bytes));
    }

    /// Counts who found no place for its handshake.
    pub(crate) fn crowded(&self) -> IntCounter {
        self.links.crowded.clone()
    }

    /// Counts every copy of a broadcast that arrives, for whoever sees them before copies are dropped.
    pub(crate) fn copies(&self) -> IntCounter {
        self.messages.copies.clone()
    }

    pub(crate) fn dropped(&self, reason: DropReason) {
        self.dropped_many(reason, 1);
    }

    pub(crate) fn dropped_many(&self, reason: DropReason, count: usize) {
        self.messages.dropped.with_label_values(&[reason.as_str()]).inc_by(number(count));
    }

    pub(crate) fn connection(&self) {
        self.links.connections.inc();
    }

    pub(crate) fn stranger(&self) {
        self.links.strangers.inc();
    }

    pub(crate) fn dialled(&self) {
        self.links.dials.inc();
    }

    pub(crate) fn dial_failed(&self) {
        self.links.dial_failures.inc();
    }

    pub(crate) fn replaced(&self) {
        self.links.replaced.inc();
    }
}

fn counter(registry: &Registry, name: &str, help: &str) -> Result<IntCounter, prometheus::Error> {
    registered(registry, IntCounter::new(name, help))
}

fn counters(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> Result<IntCounterVec, prometheus::Error> {
    registered(registry, IntCounterVec::new(Opts::new(name, help), labels))
}

fn registered<M: Collector + Clone + 'static>(
    registry: &Registry,
    metric: Result<M, prometheus::Error>,
) -> Result<M, prometheus::Error> {
    let metric = metric?;
    registry.register(Box::new(metric.clone()))?;
    Ok(metric)
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
