//! The numbers that bound everything a peer or the application can make this crate hold. Not policy about duties.

pub(crate) mod rate;

use std::time::Duration;

use crate::Error;

/// Bounds of sizes, rates, queues and times. The defaults fit committees of 3 to 100 members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Largest broadcast, in bytes. An announcement is a kilobyte; the largest broadcasts of duties, parts of a full order's exits, some tens;
    /// those of a key ceremony of 100, transcripts, stay well below 256 KiB.
    pub broadcast_bytes: usize,
    /// Largest direct message, in bytes. 1 MiB leaves room for a batch of a hundred missed signed duties.
    pub direct_bytes: usize,
    /// Messages per second that one member may send us in the long run. A duty takes a handful of messages of each member, so
    /// 500 is about a hundred duties each second: above what honest members do, and a load that a node hardly notices.
    pub messages_per_second: u32,
    /// Messages that one member may send us at once, after a pause.
    pub message_burst: u32,
    /// Bytes per second that one member may send us in the long run. Honest ones send some kilobytes an epoch.
    pub bytes_per_second: u32,
    /// Bytes that one member may send us at once; at least one message of the largest size.
    pub byte_burst: u32,
    /// Bytes per second of one member's broadcasts that others may bring us, and that we pass on to each of those that it does not
    /// reach: far fewer, since one who names everybody as such makes all others work for it.
    pub forwarded_bytes_per_second: u32,
    /// The same at once; at least one message of the largest size.
    pub forwarded_byte_burst: u32,
    /// Messages that the application may have handed over and that the task has not yet looked at.
    pub command_queue: usize,
    /// Events that wait for the application. More than one member's [`Self::message_burst`], so that a single member cannot
    /// fill it while the application is briefly busy.
    pub event_queue: usize,
    /// Bytes of the messages in the event queue: what a stalled application costs in memory.
    pub event_queue_bytes: usize,
    /// Direct messages that wait for one member, beyond those in flight.
    pub peer_queue: usize,
    /// Bytes of messages that wait for one member, of each channel: what one that has stalled costs in memory. A queue that is empty takes
    /// one message of any size.
    pub peer_queue_bytes: usize,
    /// Direct messages to one member that wait for its acknowledgement. 16 at 100 ms round trip are 160 messages a second;
    /// the other side allows twice as many streams, so an honest member is never refused one.
    pub peer_in_flight: usize,
    /// How long a direct message may take until its acknowledgement.
    pub direct_timeout: Duration,
    /// Handshakes over TCP that others may have in progress with us, each of which holds a socket for two seconds at most. A quarter of them
    /// for strangers, half of them for one member's address.
    pub pending_tcp: u32,
    /// The same over QUIC, where each holds some kilobytes.
    pub pending_quic: u32,
}

impl Limits {
    /// For key ceremonies, in which everybody sends everybody what all have said: hundreds of kilobytes at once.
    #[must_use]
    pub fn for_ceremonies() -> Self {
        const MIB: u32 = 1024 * 1024;
        Self {
            broadcast_bytes: 256 * 1024,
            bytes_per_second: 4 * MIB,
            byte_burst: 16 * MIB,
            forwarded_bytes_per_second: 4 * MIB,
            forwarded_byte_burst: 16 * MIB,
            peer_queue_bytes: 64 * 1024 * 1024,
            ..Self::default()
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            broadcast_bytes: 128 * 1024,
            direct_bytes: 1024 * 1024,
            messages_per_second: 500,
            message_burst: 1_000,
            bytes_per_second: 512 * 1024,
            byte_burst: 4 * 1024 * 1024,
            forwarded_bytes_per_second: 64 * 1024,
            forwarded_byte_burst: 1024 * 1024,
            command_queue: 1_024,
            event_queue: 4_096,
            event_queue_bytes: 32 * 1024 * 1024,
            peer_queue: 256,
            peer_queue_bytes: 16 * 1024 * 1024,
            peer_in_flight: 16,
            direct_timeout: Duration::from_secs(5),
            pending_tcp: 8_192,
            pending_quic: 8_192,
        }
    }
}

/// Frames carry their length in 32 bits and gossipsub's arithmetic wants room; nothing near it is ever sent.
const LARGEST_MESSAGE: usize = 64 * 1024 * 1024;

/// A queue of a million messages is a leak with a limit; the channels themselves panic only far beyond.
const LONGEST_QUEUE: usize = 1_000_000;

/// Each message in flight is a stream, and Yamux has to grant each stream a window of 256 KiB.
const MOST_IN_FLIGHT: usize = 256;

/// Each handshake over QUIC holds some kilobytes.
const MOST_PENDING: usize = 65_536;

impl Limits {
    /// Refuses limits under which nothing, or not even one largest message, could ever pass.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let largest = self.broadcast_bytes.max(self.direct_bytes);
        let positive = [
            ("broadcast_bytes", self.broadcast_bytes),
            ("direct_bytes", self.direct_bytes),
            ("messages_per_second", self.messages_per_second as usize),
            ("message_burst", self.message_burst as usize),
            ("bytes_per_second", self.bytes_per_second as usize),
            ("command_queue", self.command_queue),
            ("event_queue", self.event_queue),
            ("peer_queue", self.peer_queue),
            ("peer_queue_bytes", self.peer_queue_bytes),
            ("forwarded_bytes_per_second", self.forwarded_bytes_per_second as usize),
            ("pending_tcp", self.pending_tcp as usize),
            ("pending_quic", self.pending_quic as usize),
            ("peer_in_flight", self.peer_in_flight),
            ("direct_timeout", usize::from(!self.direct_timeout.is_zero())),
        ];
        if let Some((name, _)) = positive.into_iter().find(|(_, value)| *value == 0) {
            return Err(Error::Limit { name, why: "it is zero" });
        }
        let holds_one = [("byte_burst", self.byte_burst as usize), ("event_queue_bytes", self.event_queue_bytes)];
        if (self.forwarded_byte_burst as usize) < self.broadcast_bytes {
            let why = "not even one broadcast of the largest size would pass";
            return Err(Error::Limit { name: "forwarded_byte_burst", why });
        }
        if let Some((name, _)) = holds_one.into_iter().find(|(_, value)| *value < largest) {
            return Err(Error::Limit { name, why: "not even one message of the largest size would pass" });
        }
        let bounded = [
            ("broadcast_bytes", self.broadcast_bytes, LARGEST_MESSAGE, "above 64 MiB"),
            ("direct_bytes", self.direct_bytes, LARGEST_MESSAGE, "above 64 MiB"),
            ("command_queue", self.command_queue, LONGEST_QUEUE, "above a million"),
            ("event_queue", self.event_queue, LONGEST_QUEUE, "above a million"),
            ("peer_queue", self.peer_queue, LONGEST_QUEUE, "above a million"),
            ("peer_in_flight", self.peer_in_flight, MOST_IN_FLIGHT, "above 256"),
            ("pending_tcp", self.pending_tcp as usize, MOST_PENDING, "above 65,536"),
            ("pending_quic", self.pending_quic as usize, MOST_PENDING, "above 65,536"),
        ];
        if let Some((name, _, _, why)) = bounded.into_iter().find(|(_, value, most, _)| value > most) {
            return Err(Error::Limit { name, why });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_usable() {
        Limits::default().check().unwrap();
    }

    #[test]
    fn one_member_cannot_fill_the_event_queue_at_once() {
        let limits = Limits::default();
        assert!(limits.event_queue > limits.message_burst as usize);
        assert!(limits.event_queue_bytes > limits.byte_burst as usize);
    }

    #[test]
    fn a_limit_of_zero_is_refused_by_name() {
        let limits = Limits { peer_in_flight: 0, ..Limits::default() };
        assert!(matches!(limits.check(), Err(Error::Limit { name: "peer_in_flight", .. })));
    }

    #[test]
    fn a_limit_that_limits_nothing_is_refused_by_name() {
        let limits = Limits { event_queue: usize::MAX, ..Limits::default() };
        assert!(matches!(limits.check(), Err(Error::Limit { name: "event_queue", .. })));
        let limits = Limits { peer_in_flight: 257, ..Limits::default() };
        assert!(matches!(limits.check(), Err(Error::Limit { name: "peer_in_flight", .. })));
    }

    #[test]
    fn a_burst_below_the_largest_message_is_refused() {
        let limits = Limits { byte_burst: 1024 * 1024 - 1, ..Limits::default() };
        assert!(matches!(limits.check(), Err(Error::Limit { name: "byte_burst", .. })));
    }
}
