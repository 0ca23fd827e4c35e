//! Distance, for tests and benchmarks: what arrives from a member is held back for half of a simulated round trip.
//!
//! It lies between the authenticated connection and the protocols on it, over TCP and QUIC alike. Each end holds back what it
//! receives, so that a question and its answer take the whole round trip when both ends simulate the same. Bytes keep their
//! order, and as many as the connection carries may be under way at the same time: the bandwidth is not limited. A new
//! connection can be used one round trip after it was made, as one of QUIC's. Not simulated: loss, congestion, and the end of
//! a connection, which is noticed at once.
//!
//! Timers of libp2p's other parts and of the runtime have a resolution of a millisecond and round up; `futures_timer` waits as
//! exactly as the system can, so that what is measured above a round trip is not the timer.

use std::{
    collections::VecDeque,
    future::Future,
    io::{self, Cursor, Read},
    pin::Pin,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use futures::{AsyncRead, AsyncWrite};
use futures_timer::Delay;
use libp2p::{
    PeerId, Transport,
    core::{
        muxing::{StreamMuxer, StreamMuxerBox, StreamMuxerEvent, SubstreamBox},
        transport::Boxed,
    },
};

/// Bytes of one stream that may be held back; what is beyond waits in the connection's own windows. 16 MiB in 50 ms are above
/// 300 MB/s.
const MOST_HELD: usize = 16 * 1024 * 1024;

/// Bytes taken from the connection at once.
const CHUNK: usize = 8 * 1024;

/// A connection to a member.
pub(crate) type Connections = Boxed<(PeerId, StreamMuxerBox)>;

/// The same transport with its members `round_trip` away; zero changes nothing.
pub(crate) fn apart(transport: Connections, round_trip: Duration) -> Connections {
    if round_trip.is_zero() {
        return transport;
    }
    let one_way = round_trip / 2;
    transport
        .and_then(move |(peer, connection), _| async move {
            Delay::new(round_trip).await;
            Ok::<_, io::Error>((peer, StreamMuxerBox::new(Apart { connection, one_way })))
        })
        .boxed()
}

/// A connection whose streams hold back what they receive.
struct Apart {
    connection: StreamMuxerBox,
    one_way: Duration,
}

impl StreamMuxer for Apart {
    type Substream = Held<SubstreamBox>;
    type Error = io::Error;

    fn poll_inbound(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<Self::Substream>> {
        let stream = ready!(Pin::new(&mut self.connection).poll_inbound(cx))?;
        Poll::Ready(Ok(Held::new(stream, self.one_way)))
    }

    fn poll_outbound(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<Self::Substream>> {
        let stream = ready!(Pin::new(&mut self.connection).poll_outbound(cx))?;
        Poll::Ready(Ok(Held::new(stream, self.one_way)))
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.connection).poll_close(cx)
    }

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<StreamMuxerEvent>> {
        Pin::new(&mut self.connection).poll(cx)
    }
}

/// A stream that holds back what it receives. What it sends leaves at once: the other end holds it back.
struct Held<S> {
    stream: S,
    one_way: Duration,
    /// What has arrived, and when it may be seen: bytes, an end (no bytes), or an error.
    arrived: VecDeque<(Instant, io::Result<Cursor<Vec<u8>>>)>,
    held: usize,
    /// Nothing more arrives.
    ended: bool,
    timer: Option<(Instant, Delay)>,
}

impl<S: AsyncRead + Unpin> Held<S> {
    fn new(stream: S, one_way: Duration) -> Self {
        Self { stream, one_way, arrived: VecDeque::new(), held: 0, ended: false, timer: None }
    }

    /// Takes in whatever has arrived, so that it is dated when it came and not when its reader has time.
    fn take_in(&mut self, cx: &mut Context<'_>) {
        let mut chunk = [0; CHUNK];
        while !self.ended && self.held < MOST_HELD {
            let Poll::Ready(read) = Pin::new(&mut self.stream).poll_read(cx, &mut chunk) else { return };
            let bytes = read.map(|count| Cursor::new(chunk.get(..count).unwrap_or_default().to_vec()));
            let count = bytes.as_ref().map_or(0, |bytes| bytes.get_ref().len());
            self.ended = count == 0;
            self.held = self.held.saturating_add(count);
            self.arrived.push_back((Instant::now() + self.one_way, bytes));
        }
    }

    /// Ready when the first of what has arrived may be seen.
    fn poll_due(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some((due, _)) = self.arrived.front() else {
            return if self.ended { Poll::Ready(()) } else { Poll::Pending };
        };
        let left = due.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Poll::Ready(());
        }
        let (set_for, timer) = self.timer.get_or_insert_with(|| (*due, Delay::new(left)));
        if set_for != due {
            timer.reset(left);
            *set_for = *due;
        }
        Pin::new(timer).poll(cx)
    }

    fn hand_out(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some((due, arrived)) = self.arrived.pop_front() else { return Ok(0) };
        let mut bytes = arrived?;
        let count = bytes.read(buffer)?;
        self.held = self.held.saturating_sub(count);
        if bytes.position() < bytes.get_ref().len() as u64 {
            self.arrived.push_front((due, Ok(bytes)));
        }
        Ok(count)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Held<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        if buffer.is_empty() {
            return Poll::Ready(Ok(0));
        }
        self.take_in(cx);
        ready!(self.poll_due(cx));
        Poll::Ready(self.hand_out(buffer))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Held<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_close(cx)
    }
}

#[cfg(test)]
mod tests {
    use futures::{AsyncReadExt, executor::block_on, io::repeat, task::noop_waker};

    use super::*;

    const FOR_EVER: Duration = Duration::from_secs(24 * 3600);

    fn poll<S: AsyncRead + Unpin>(held: &mut Held<S>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        Pin::new(held).poll_read(&mut Context::from_waker(&noop_waker()), buffer)
    }

    /// Gives `error` once its bytes are read.
    struct Breaks(futures::io::Cursor<Vec<u8>>);

    impl AsyncRead for Breaks {
        fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
            let read = ready!(Pin::new(&mut self.0).poll_read(cx, buffer))?;
            let ended = || io::Error::from(io::ErrorKind::ConnectionReset);
            Poll::Ready(Some(read).filter(|read| *read > 0).ok_or_else(ended))
        }
    }

    #[test]
    fn what_has_arrived_is_not_seen_before_its_time() {
        let mut held = Held::new(futures::io::Cursor::new(b"abc"), FOR_EVER);
        assert!(poll(&mut held, &mut [0; 8]).is_pending());
        assert_eq!(held.held, 3, "it has arrived");
        assert!(poll(&mut held, &mut [0; 8]).is_pending());
    }

    #[test]
    fn neither_is_the_end() {
        let mut held = Held::new(futures::io::Cursor::new(b""), FOR_EVER);
        assert!(poll(&mut held, &mut [0; 8]).is_pending());
    }

    #[test]
    fn everything_comes_in_order_and_then_the_end() {
        let bytes: Vec<u8> = (0..100_000_u32).flat_map(u32::to_be_bytes).collect();
        let mut held = Held::new(futures::io::Cursor::new(bytes.clone()), Duration::from_millis(20));
        let mut read = Vec::new();
        block_on(held.read_to_end(&mut read)).unwrap();
        assert_eq!(read, bytes);
        assert_eq!(held.held, 0);
        assert_eq!(block_on(held.read(&mut [0; 8])).unwrap(), 0, "and stays the end");
    }

    #[test]
    fn an_error_comes_after_what_arrived_before_it() {
        let mut held = Held::new(Breaks(futures::io::Cursor::new(b"abc".to_vec())), Duration::from_millis(1));
        let mut read = [0; 3];
        block_on(held.read_exact(&mut read)).unwrap();
        assert_eq!(&read, b"abc");
        assert_eq!(block_on(held.read(&mut [0; 8])).unwrap_err().kind(), io::ErrorKind::ConnectionReset);
    }

    #[test]
    fn much_is_under_way_at_the_same_time_but_not_without_bound() {
        let mut held = Held::new(repeat(7), FOR_EVER);
        assert!(poll(&mut held, &mut [0; 8]).is_pending());
        assert!(held.held >= MOST_HELD);
        assert!(held.held < MOST_HELD + CHUNK);
    }
}
