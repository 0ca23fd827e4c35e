//! Our own counters, registered next to those of libp2p. Names and labels are a promise to dashboards and alerts.
//!
//! Labels are either enums of ours or peer ids of configured members, never text of a peer.

use std::fmt;

use libp2p::{PeerId, metrics::Registry};
use prometheus_client::{
    encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder},
    metrics::{counter::Counter, family::Family, gauge::Gauge},
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

/// A label value that is one of a few words.
macro_rules! label_by_name {
    ($($name:ty),*) => {$(
        impl EncodeLabelValue for $name {
            fn encode(&self, encoder: &mut LabelValueEncoder) -> fmt::Result {
                self.as_str().encode(encoder)
            }
        }
    )*};
}
label_by_name!(DropReason, FailReason, Channel);

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DropLabels {
    reason: DropReason,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ChannelLabels {
    channel: Channel,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PeerLabels {
    peer: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FailLabels {
    peer: String,
    reason: FailReason,
}

/// All of ours. Cloning shares them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Metrics {
    connected: Family<PeerLabels, Gauge>,
    sent: Family<ChannelLabels, Counter>,
    received: Family<ChannelLabels, Counter>,
    dropped: Family<DropLabels, Counter>,
    limited: Family<PeerLabels, Counter>,
    direct_failed: Family<FailLabels, Counter>,
    slow: Family<PeerLabels, Counter>,
    strangers: Counter,
    dials: Counter,
    dial_failures: Counter,
    replaced: Counter,
}

impl Metrics {
    /// Registers everything under `guardian_p2p_`.
    pub(crate) fn register<'a>(registry: &mut Registry, members: impl Iterator<Item = &'a PeerId>) -> Self {
        let metrics = Self::default();
        let ours = registry.sub_registry_with_prefix("guardian_p2p");
        ours.register(
            "connected",
            "Whether the member can be reached on both channels (1) or not (0)",
            metrics.connected.clone(),
        );
        ours.register("sent", "Messages handed to libp2p; a broadcast counts once", metrics.sent.clone());
        ours.register("received", "Messages delivered to the application", metrics.received.clone());
        ours.register("dropped", "Messages that went no further, by reason", metrics.dropped.clone());
        ours.register("limited", "Messages of a member beyond its allowance, dropped; without the broadcasts ignored unseen for a second after", metrics.limited.clone());
        ours.register(
            "direct_failed",
            "Direct messages not known to have arrived, by member and reason",
            metrics.direct_failed.clone(),
        );
        ours.register("slow", "Broadcast frames that a member did not take in time", metrics.slow.clone());
        ours.register("strangers", "Connections of identities that are no members, refused", metrics.strangers.clone());
        ours.register("dials", "Attempts to dial a member", metrics.dials.clone());
        ours.register("dial_failures", "Attempts to dial a member that failed", metrics.dial_failures.clone());
        ours.register(
            "replaced",
            "Connections given up because the member had lost them or was silent",
            metrics.replaced.clone(),
        );
        metrics.show_zeroes(members);
        metrics
    }

    /// A rate over a counter that appears with its first event misses that event.
    fn show_zeroes<'a>(&self, members: impl Iterator<Item = &'a PeerId>) {
        for reason in DropReason::ALL {
            self.dropped.get_or_create(&DropLabels { reason }).inc_by(0);
        }
        for channel in [Channel::Broadcast, Channel::Direct] {
            self.sent.get_or_create(&ChannelLabels { channel }).inc_by(0);
            self.received.get_or_create(&ChannelLabels { channel }).inc_by(0);
        }
        for member in members {
            self.connected(member, false);
            self.limited.get_or_create(&peer_labels(member)).inc_by(0);
        }
    }

    pub(crate) fn connected(&self, peer: &PeerId, connected: bool) {
        self.connected.get_or_create(&peer_labels(peer)).set(i64::from(connected));
    }

    pub(crate) fn sent(&self, channel: Channel) {
        self.sent.get_or_create(&ChannelLabels { channel }).inc();
    }

    pub(crate) fn received(&self, channel: Channel) {
        self.received.get_or_create(&ChannelLabels { channel }).inc();
    }

    pub(crate) fn dropped(&self, reason: DropReason) {
        self.dropped_many(reason, 1);
    }

    pub(crate) fn dropped_many(&self, reason: DropReason, count: usize) {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        if count > 0 {
            self.dropped.get_or_create(&DropLabels { reason }).inc_by(count);
        }
    }

    pub(crate) fn limited(&self, peer: &PeerId) {
        self.limited.get_or_create(&peer_labels(peer)).inc();
    }

    pub(crate) fn direct_failed(&self, peer: &PeerId, reason: FailReason) {
        self.direct_failed.get_or_create(&FailLabels { peer: peer.to_string(), reason }).inc();
    }

    pub(crate) fn slow(&self, peer: &PeerId, frames: usize) {
        self.slow.get_or_create(&peer_labels(peer)).inc_by(u64::try_from(frames).unwrap_or(u64::MAX));
    }

    pub(crate) fn stranger(&self) {
        self.strangers.inc();
    }

    pub(crate) fn dialled(&self) {
        self.dials.inc();
    }

    pub(crate) fn dial_failed(&self) {
        self.dial_failures.inc();
    }

    pub(crate) fn replaced(&self) {
        self.replaced.inc();
    }
}

fn peer_labels(peer: &PeerId) -> PeerLabels {
    PeerLabels { peer: peer.to_string() }
}
