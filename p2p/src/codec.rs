//! The bytes of a direct message on its stream: `length: u32, big-endian`, the message; back comes one byte.
//!
//! The length is compared with the limit before any memory is taken, and memory is then taken as the bytes arrive, so that a
//! peer cannot make us reserve what it never sends.

use std::io;

use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use libp2p::{StreamProtocol, request_response};

/// Name and version of the protocol.
pub(crate) const PROTOCOL: StreamProtocol = StreamProtocol::new("/guardian/direct/1");

/// Taken at once for a message that claims to be longer; above the size of nearly every message.
const FIRST_ALLOCATION: usize = 16 * 1024;

/// What became of a direct message at its receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ack {
    /// It waits for the application.
    Accepted,
    /// It was dropped: the receiver's queue is full or the sender exceeds its allowance.
    Busy,
}

impl Ack {
    fn to_byte(self) -> u8 {
        match self {
            Self::Accepted => 0,
            Self::Busy => 1,
        }
    }

    fn from_byte(byte: u8) -> io::Result<Self> {
        match byte {
            0 => Ok(Self::Accepted),
            1 => Ok(Self::Busy),
            _ => Err(invalid("the acknowledgement is neither 0 nor 1")),
        }
    }
}

/// Reads and writes direct messages of at most so many bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DirectCodec {
    max_bytes: usize,
}

impl DirectCodec {
    pub(crate) fn new(max_bytes: usize) -> Self {
        Self { max_bytes }
    }
}

fn invalid(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

impl request_response::Codec for DirectCodec {
    type Protocol = StreamProtocol;
    type Request = Vec<u8>;
    type Response = Ack;

    async fn read_request<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Vec<u8>>
    where
        T: AsyncRead + Unpin + Send,
    {
        let mut length = [0; 4];
        io.read_exact(&mut length).await?;
        let length = u32::from_be_bytes(length);
        let expected = usize::try_from(length).ok().filter(|expected| *expected <= self.max_bytes);
        let expected = expected.ok_or_else(|| invalid("the message is longer than allowed"))?;
        let mut message = Vec::with_capacity(expected.min(FIRST_ALLOCATION));
        io.take(u64::from(length)).read_to_end(&mut message).await?;
        if message.len() == expected { Ok(message) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }

    async fn read_response<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Ack>
    where
        T: AsyncRead + Unpin + Send,
    {
        let mut byte = [0; 1];
        io.read_exact(&mut byte).await?;
        Ack::from_byte(u8::from_be_bytes(byte))
    }

    async fn write_request<T>(&mut self, _: &StreamProtocol, io: &mut T, message: Vec<u8>) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        let length = u32::try_from(message.len()).map_err(|_| invalid("the message is longer than 4 GiB"))?;
        // One write, so that length and message leave in one packet.
        let mut frame = Vec::with_capacity(message.len().saturating_add(4));
        frame.extend_from_slice(&length.to_be_bytes());
        frame.extend_from_slice(&message);
        io.write_all(&frame).await
    }

    async fn write_response<T>(&mut self, _: &StreamProtocol, io: &mut T, ack: Ack) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        io.write_all(&[ack.to_byte()]).await
    }
}

#[cfg(test)]
mod tests {
    use futures::{executor::block_on, io::Cursor};
    use proptest::{collection::vec, prelude::*};
    use request_response::Codec;

    use super::*;

    fn read(max_bytes: usize, bytes: &[u8]) -> io::Result<Vec<u8>> {
        block_on(DirectCodec::new(max_bytes).read_request(&PROTOCOL, &mut Cursor::new(bytes)))
    }

    fn written(message: &[u8]) -> Vec<u8> {
        let mut io = Cursor::new(Vec::new());
        block_on(DirectCodec::new(0).write_request(&PROTOCOL, &mut io, message.to_vec())).unwrap();
        io.into_inner()
    }

    #[test]
    fn the_frame_is_the_length_and_then_the_message() {
        assert_eq!(written(b"abc"), [0, 0, 0, 3, b'a', b'b', b'c']);
        assert_eq!(read(3, &written(b"abc")).unwrap(), b"abc");
        assert_eq!(read(3, &written(b"")).unwrap(), b"");
    }

    #[test]
    fn a_message_longer_than_the_first_allocation_arrives_whole() {
        let message = vec![7; FIRST_ALLOCATION * 5 + 1];
        assert_eq!(read(message.len(), &written(&message)).unwrap(), message);
    }

    #[test]
    fn a_length_above_the_limit_is_refused_before_the_message_is_read() {
        let error = read(2, &[0, 0, 0, 3]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        assert_eq!(read(1024, &[0xff; 4]).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn a_message_that_ends_early_is_refused() {
        assert_eq!(read(9, &[0, 0, 0, 3, 1, 2]).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        assert_eq!(read(9, &[0, 0]).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }

    proptest! {
        #[test]
        fn any_bytes_are_one_message_within_the_limit_or_an_error(bytes in vec(any::<u8>(), 0..64), max in 0_usize..64) {
            match read(max, &bytes) {
                Ok(message) => {
                    prop_assert!(message.len() <= max);
                    prop_assert!(bytes.starts_with(&written(&message)), "one message, one encoding");
                }
                Err(error) => prop_assert!(
                    matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof), "{error}"
                ),
            }
        }

        #[test]
        fn a_message_of_any_length_survives_and_its_beginning_does_not(message in vec(any::<u8>(), 0..200), cut in 0_usize..200) {
            // Small lengths are rare among arbitrary bytes: here they are right.
            let bytes = written(&message);
            prop_assert_eq!(read(200, &bytes).unwrap(), message.clone());
            prop_assert!(read(200, &bytes[..cut.min(bytes.len() - 1)]).is_err());
            prop_assert_eq!(read(message.len().saturating_sub(1), &bytes).is_ok(), message.is_empty());
        }
    }

    #[test]
    fn acknowledgements_survive_the_wire_and_others_are_refused() {
        for ack in [Ack::Accepted, Ack::Busy] {
            let mut io = Cursor::new(Vec::new());
            block_on(DirectCodec::new(0).write_response(&PROTOCOL, &mut io, ack)).unwrap();
            let bytes = io.into_inner();
            let back = block_on(DirectCodec::new(0).read_response(&PROTOCOL, &mut Cursor::new(bytes)));
            assert_eq!(back.unwrap(), ack);
        }
        assert!(block_on(DirectCodec::new(0).read_response(&PROTOCOL, &mut Cursor::new([2]))).is_err());
    }
}
