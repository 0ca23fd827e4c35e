//! The bytes of a broadcast: whom its author cannot reach, then the message.
//!
//! `count: u8`, `count` tags of 8 bytes, the message. Gossipsub signs all of it. A broadcast is sent to everybody whom its
//! author reaches, so passing it on is of use only to the others; without this list every member would pass every broadcast
//! on to all its neighbours, and a message in a committee of 7 would be sent, received and verified 36 times instead of 6.
//! A tag is the end of a peer id: two members with the same one would only be passed on to needlessly.

use libp2p::PeerId;

use crate::config::MAX_MEMBERS;

/// The last bytes of an ed25519 public key.
type Tag = [u8; 8];

const TAG_BYTES: usize = size_of::<Tag>();

/// What this adds to a message at most.
pub(crate) const MOST_ADDED: usize = 1 + MAX_MEMBERS * TAG_BYTES;

/// A broadcast that was taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Broadcast<'a> {
    unreached: &'a [Tag],
    /// As the author's application handed it over.
    pub(crate) message: &'a [u8],
}

impl<'a> Broadcast<'a> {
    /// Takes `bytes` apart; `None` if no honest member made them.
    pub(crate) fn decode(bytes: &'a [u8]) -> Option<Self> {
        let (count, rest) = bytes.split_first()?;
        let count = usize::from(*count);
        if count > MAX_MEMBERS {
            return None;
        }
        let (tags, message) = rest.split_at_checked(count * TAG_BYTES)?;
        let (unreached, _) = tags.as_chunks();
        Some(Self { unreached, message })
    }

    /// Whether the author said that it does not reach `member`.
    pub(crate) fn misses(&self, member: &PeerId) -> bool {
        tag(member).is_some_and(|tag| self.unreached.contains(&tag))
    }
}

/// `message` as a broadcast of somebody who does not reach `unreached`.
pub(crate) fn encode<'a>(unreached: impl Iterator<Item = &'a PeerId>, message: &[u8]) -> Vec<u8> {
    let tags: Vec<Tag> = unreached.filter_map(tag).take(MAX_MEMBERS).collect();
    let mut bytes = Vec::with_capacity(1 + tags.len() * TAG_BYTES + message.len());
    // At most MAX_MEMBERS, which is 128.
    bytes.push(u8::try_from(tags.len()).unwrap_or(0));
    bytes.extend(tags.into_iter().flatten());
    bytes.extend_from_slice(message);
    bytes
}

fn tag(member: &PeerId) -> Option<Tag> {
    member.to_bytes().last_chunk().copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{collection::vec, prelude::*};

    #[test]
    fn the_tags_come_first_and_then_the_message() {
        let peer = PeerId::random();
        let bytes = encode([&peer].into_iter(), b"abc");
        assert_eq!(bytes.len(), 1 + 8 + 3);
        assert_eq!(bytes[0], 1);
        assert_eq!(bytes[1..9], peer.to_bytes()[peer.to_bytes().len() - 8..]);
        assert_eq!(&bytes[9..], b"abc");
        assert_eq!(encode([].into_iter(), b"abc"), b"\0abc");
    }

    #[test]
    fn who_is_not_reached_is_told_and_the_message_comes_back() {
        let (missed, reached) = ([PeerId::random(), PeerId::random()], PeerId::random());
        let bytes = encode(missed.iter(), b"abc");
        let broadcast = Broadcast::decode(&bytes).unwrap();
        assert_eq!(broadcast.message, b"abc");
        assert!(missed.iter().all(|member| broadcast.misses(member)));
        assert!(!broadcast.misses(&reached));
        assert_eq!(Broadcast::decode(&encode([].into_iter(), b"")).unwrap().message, b"");
    }

    #[test]
    fn what_is_too_short_or_claims_too_many_is_refused() {
        assert_eq!(Broadcast::decode(&[]), None);
        assert_eq!(Broadcast::decode(&[1, 2, 3]), None);
        let mut many = vec![0; 1 + 255 * 8];
        many[0] = 128;
        assert!(Broadcast::decode(&many).is_some());
        many[0] = 129;
        assert_eq!(Broadcast::decode(&many), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_bounded_broadcast_or_nothing(bytes in vec(any::<u8>(), 0..1500)) {
            if let Some(broadcast) = Broadcast::decode(&bytes) {
                prop_assert!(bytes.ends_with(broadcast.message));
                prop_assert!(bytes.len() - broadcast.message.len() <= MOST_ADDED);
                prop_assert!(!broadcast.misses(&PeerId::random()));
            }
        }
    }

    #[test]
    fn a_whole_committee_that_is_not_reached_adds_no_more_than_reckoned() {
        let crowd: Vec<PeerId> = (0..=MAX_MEMBERS).map(|_| PeerId::random()).collect();
        let bytes = encode(crowd.iter(), b"abc");
        assert_eq!(bytes.len(), MOST_ADDED + 3);
        assert_eq!(Broadcast::decode(&bytes).unwrap().message, b"abc");
    }
}
