//! How broadcasts travel: gossipsub with signed messages, tuned for a small committee in which everybody dials everybody.
//!
//! A broadcast is *flooded*: sent at once to every connected member that has subscribed, so it takes one hop. It names the
//! members that its author does not reach (see `broadcast`); who has one of them in its mesh passes it on. The lazy repair of
//! gossipsub (IHAVE, IWANT) is off: with flooding it repairs next to nothing, and libp2p-gossipsub 0.50 keeps the identifiers
//! that a peer announced but never delivered for ever unless peer scoring is on, which would let a member grow our memory.

use std::{collections::BTreeSet, io, sync::Arc, time::Duration};

use libp2p::{
    PeerId,
    gossipsub::{
        Behaviour, ConfigBuilder, DataTransform, IdentTopic, Message, MessageAuthenticity, MessageId, RawMessage,
        TopicHash, ValidationMode, WhitelistSubscriptionFilter,
    },
    identity::Keypair,
};
use prometheus::IntCounter;

use crate::{
    Error, Limits,
    broadcast::{Broadcast, MOST_ADDED},
};

/// Name and version of the only topic.
const TOPIC: &str = "/guardian/broadcast/2";

/// Source, sequence number, topic, signature and their field tags take about 180 bytes, and the decoder of gossipsub counts up
/// to 8 KiB of the next frame, which it has read ahead, as part of this one. The exact limit is checked on the message itself.
/// A frame beyond the margin costs its sender the stream: we hear no more broadcasts from it until it connects anew.
const FRAME_MARGIN: usize = 16 * 1024;

/// Control messages and subscriptions in one frame. With one topic and no IHAVE, ours stay below 200 bytes.
const CONTROL_BYTES: usize = 1024;

/// Short, since it is how long a member that was just connected may wait for its place in the mesh.
const HEARTBEAT: Duration = Duration::from_millis(500);

/// How long an identifier is remembered, so that a message that comes by several ways is delivered once. Copies arrive within
/// seconds; each remembered identifier costs about 200 bytes.
const REMEMBERED: Duration = Duration::from_secs(30);

/// Frames that may wait for one slow peer, whatever their size; a frame of a gone connection must not be kept.
const MOST_FRAMES: usize = 256;

/// Frames that wait for one slow peer, so that of the largest broadcasts no more wait than so many bytes: what each peer that stalls costs,
/// for as long as its pings go unanswered.
fn frames_per_peer(limits: &Limits) -> usize {
    limits.peer_queue_bytes.checked_div(limits.broadcast_bytes).unwrap_or_default().clamp(1, MOST_FRAMES)
}

/// Above it, peers tell each other that they already have a message; below, telling costs more than the little that is passed
/// on. An announcement in a committee of 100 is a few kilobytes.
const WORTH_TELLING: usize = 32 * 1024;

pub(crate) type Gossip = Behaviour<MembersOnly, WhitelistSubscriptionFilter>;

/// The topic of all broadcasts.
pub(crate) fn topic() -> IdentTopic {
    IdentTopic::new(TOPIC)
}

/// Drops what no honest member sends before gossipsub remembers anything of it: other topics, authors that are no members,
/// messages above the limit.
#[derive(Clone, Debug)]
pub(crate) struct MembersOnly {
    topic: TopicHash,
    authors: Arc<BTreeSet<PeerId>>,
    max_bytes: usize,
    /// Counts everything that passes, every copy: gossipsub drops copies only after this.
    copies: IntCounter,
}

impl DataTransform for MembersOnly {
    fn inbound_transform(&self, raw: RawMessage) -> io::Result<Message> {
        let refuse = |why| Err(io::Error::new(io::ErrorKind::InvalidData, why));
        if raw.topic != self.topic {
            return refuse("unknown topic");
        }
        if !raw.source.is_some_and(|author| self.authors.contains(&author)) {
            return refuse("the author is not a member");
        }
        let Some(broadcast) = Broadcast::decode(&raw.data) else {
            return refuse("not the bytes of a broadcast");
        };
        if broadcast.message.len() > self.max_bytes {
            return refuse("the message is longer than allowed");
        }
        self.copies.inc();
        Ok(Message { source: raw.source, data: raw.data, sequence_number: raw.sequence_number, topic: raw.topic })
    }

    fn outbound_transform(&self, _: &TopicHash, data: Vec<u8>) -> io::Result<Vec<u8>> {
        Ok(data)
    }
}

/// Author and sequence number: 46 bytes for an ed25519 author. The default is the same in base58 and decimal.
fn message_id(message: &Message) -> MessageId {
    let mut id = message.source.map(PeerId::to_bytes).unwrap_or_default();
    id.extend_from_slice(&message.sequence_number.unwrap_or_default().to_be_bytes());
    MessageId::new(&id)
}

/// Sets gossipsub up and subscribes.
pub(crate) fn build(
    keypair: Keypair,
    authors: Arc<BTreeSet<PeerId>>,
    limits: &Limits,
    copies: IntCounter,
) -> Result<Gossip, Error> {
    let max_bytes = limits.broadcast_bytes;
    let failed = |why: String| Error::Protocol { protocol: "gossipsub", why };
    let config = ConfigBuilder::default()
        .validation_mode(ValidationMode::Strict)
        // We judge each message (rates, and whether it is of use to anybody) before it is passed on.
        .validate_messages()
        .message_id_fn(message_id)
        .max_transmit_size(max_bytes.saturating_add(MOST_ADDED).saturating_add(FRAME_MARGIN))
        .max_control_message_size(CONTROL_BYTES)
        // One broadcast a frame is what this implementation sends.
        .max_publish_messages(16)
        .flood_publish(true)
        .heartbeat_initial_delay(Duration::ZERO)
        .heartbeat_interval(HEARTBEAT)
        // Up to nine members: everybody passes on to everybody. Beyond: eight ways are plenty, being only the detour.
        .mesh_n_low(6)
        .mesh_n(8)
        .mesh_n_high(12)
        // All members are known and authenticated: it does not matter who dialled whom.
        .mesh_outbound_min(0)
        .history_length(2)
        .history_gossip(1)
        .gossip_lazy(0)
        .gossip_factor(0.0)
        .max_ihave_messages_heartbeat(0)
        .duplicate_cache_time(REMEMBERED)
        .connection_handler_queue_len(frames_per_peer(limits))
        .idontwant_message_size_threshold(WORTH_TELLING)
        .build()
        .map_err(|error| failed(error.to_string()))?;
    let topic = topic();
    let filter = WhitelistSubscriptionFilter([topic.hash()].into());
    let only = MembersOnly { topic: topic.hash(), authors, max_bytes, copies };
    let signed = MessageAuthenticity::Signed(keypair);
    let mut gossip = Behaviour::new_with_subscription_filter_and_transform(signed, config, filter, only)
        .map_err(|why| failed(why.to_owned()))?;
    gossip.subscribe(&topic).map_err(|error| failed(error.to_string()))?;
    Ok(gossip)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(source: Option<PeerId>, topic: &str, data: &[u8]) -> RawMessage {
        RawMessage {
            source,
            data: data.to_vec(),
            sequence_number: Some(1),
            topic: TopicHash::from_raw(topic),
            signature: None,
            key: None,
            validated: false,
        }
    }

    #[test]
    fn only_members_messages_on_our_topic_within_limits_are_read() {
        let member = PeerId::random();
        let copies = IntCounter::new("copies", "every copy").unwrap();
        let only = MembersOnly { topic: topic().hash(), authors: Arc::new([member].into()), max_bytes: 3, copies };
        let passes = |source, topic, data| only.inbound_transform(raw(source, topic, data)).is_ok();
        assert!(passes(Some(member), TOPIC, b"\0abc"));
        assert!(!passes(Some(member), TOPIC, b"\0abcd"));
        assert!(!passes(Some(member), TOPIC, b"\x01abc"), "a list that is cut short");
        assert!(!passes(Some(member), "/guardian/broadcast/1", b"\0abc"));
        assert!(!passes(Some(PeerId::random()), TOPIC, b"\0abc"));
        assert!(!passes(None, TOPIC, b"\0abc"));
    }

    #[test]
    fn what_waits_for_a_peer_that_stalls_is_bounded_in_bytes() {
        for limits in [Limits::default(), Limits::for_ceremonies()] {
            let frames = frames_per_peer(&limits);
            assert!(frames >= 128 && frames * limits.broadcast_bytes <= limits.peer_queue_bytes, "{frames}");
        }
        let tiny = Limits { broadcast_bytes: 1, ..Limits::default() };
        assert_eq!(frames_per_peer(&tiny), MOST_FRAMES);
    }

    #[test]
    fn identifiers_differ_by_author_and_by_sequence_number() {
        let id = |source, sequence_number| {
            message_id(&Message { source: Some(source), data: vec![], sequence_number, topic: topic().hash() })
        };
        let (one, other) = (PeerId::random(), PeerId::random());
        assert_eq!(id(one, Some(1)), id(one, Some(1)));
        assert_ne!(id(one, Some(1)), id(one, Some(2)));
        assert_ne!(id(one, Some(1)), id(other, Some(1)));
    }
}
