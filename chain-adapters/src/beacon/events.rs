//! The finality event of one beacon node, for ever: opened anew with back-off whenever it ends, breaks or falls silent.
//! An event is a nudge to look, and carries nothing that is believed; polling is the protocol's safety net.

use super::client::BeaconClient;
use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use bytes::Bytes;
use eventsource_stream::{Event, EventStream};
use futures::{Stream, StreamExt, stream};
use guardian_protocol::ReadFailure;
use std::{pin::Pin, sync::Arc, time::Duration};

/// Largest event, in bytes; a finality event has about 300. The parser starts over with each piece that comes, so this bounds
/// its work as well.
const EVENT_BYTES: usize = 8 << 10;

type Events = Pin<Box<dyn Stream<Item = Result<Event, ReadFailure>> + Send>>;

/// The events' state between two nudges.
struct Listener {
    client: Arc<BeaconClient>,
    open: Option<Events>,
    delays: ExponentialBackoff,
}

/// Yields once for every finality event of `client`, and once after each reconnection, since events may have been missed.
pub(crate) fn finality_nudges(client: Arc<BeaconClient>) -> impl Stream<Item = ()> + Send + 'static {
    stream::unfold(Listener { client, open: None, delays: delays() }, |mut listener| async move {
        listener.next().await;
        Some(((), listener))
    })
}

/// The events in a body, of bounded size each.
pub(crate) fn events(
    body: impl Stream<Item = Result<Bytes, ReadFailure>> + Send + 'static,
) -> impl Stream<Item = Result<Event, ReadFailure>> + Send {
    EventStream::new(bounded(body)).map(|event| event.map_err(|error| ReadFailure::Malformed(error.to_string())))
}

impl Listener {
    async fn next(&mut self) {
        loop {
            if let Some(open) = &mut self.open {
                match open.next().await {
                    Some(Ok(event)) if event.event == "finalized_checkpoint" => {
                        self.delays = delays();
                        return;
                    }
                    Some(Ok(_)) => continue,
                    Some(Err(error)) => self.closed(&error.to_string()),
                    None => self.closed("it ended"),
                }
                tokio::time::sleep(self.delays.next().unwrap_or(LONGEST_DELAY)).await;
            }
            match self.client.finality_events().await {
                Ok(response) => {
                    self.open = Some(Box::pin(events(body(Arc::clone(&self.client), response))));
                    return;
                }
                Err(error) => {
                    self.closed(&error.to_string());
                    tokio::time::sleep(self.delays.next().unwrap_or(LONGEST_DELAY)).await;
                }
            }
        }
    }

    fn closed(&mut self, why: &str) {
        self.open = None;
        let provider = self.client.http.name();
        tracing::debug!(provider, why, "finality events are interrupted");
    }
}

const LONGEST_DELAY: Duration = Duration::from_secs(60);

fn delays() -> ExponentialBackoff {
    ExponentialBuilder::new()
        .with_min_delay(Duration::from_secs(1))
        .with_max_delay(LONGEST_DELAY)
        .with_jitter()
        .without_max_times()
        .build()
}

/// The body's pieces; an error if none comes for as long as the limits allow.
fn body(
    client: Arc<BeaconClient>,
    response: reqwest::Response,
) -> impl Stream<Item = Result<Bytes, ReadFailure>> + Send {
    stream::unfold(Some((client, response)), |open| async move {
        let (client, mut response) = open?;
        match client.http.next_chunk(&mut response, client.http.limits.silence).await {
            Ok(Some(piece)) => Some((Ok(piece), Some((client, response)))),
            Ok(None) => None,
            Err(failure) => Some((Err(failure), None)),
        }
    })
}

/// Ends the stream with an error once an event is larger than [`EVENT_BYTES`]: the parser buffers until an event is whole.
fn bounded(
    body: impl Stream<Item = Result<Bytes, ReadFailure>> + Send + 'static,
) -> impl Stream<Item = Result<Bytes, ReadFailure>> + Send {
    let mut size = EventSize::default();
    let mut broken = false;
    body.take_while(move |piece| {
        // The error itself still goes through.
        let proceed = !broken;
        broken = piece.is_err();
        std::future::ready(proceed)
    })
    .map(move |piece| {
        let piece = piece?;
        if size.grow(&piece) > EVENT_BYTES {
            return Err(ReadFailure::Malformed(format!("an event of more than {EVENT_BYTES} bytes")));
        }
        Ok(piece)
    })
}

/// Counts the bytes of the event under way; an empty line ends one.
#[derive(Debug, Default)]
struct EventSize {
    event: usize,
    line: usize,
}

impl EventSize {
    /// The largest size reached within `piece`.
    fn grow(&mut self, piece: &[u8]) -> usize {
        let mut largest = 0;
        for byte in piece {
            self.event = self.event.saturating_add(1);
            match byte {
                b'\n' if self.line == 0 => self.event = 0,
                b'\n' => self.line = 0,
                b'\r' => {}
                _ => self.line = self.line.saturating_add(1),
            }
            largest = largest.max(self.event);
        }
        largest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn names(pieces: Vec<&'static str>) -> Vec<Result<String, ()>> {
        let pieces = stream::iter(pieces).map(|piece| Ok(Bytes::from_static(piece.as_bytes())));
        events(pieces).map(|event| event.map(|event| event.event).map_err(|_| ())).collect().await
    }

    #[tokio::test]
    async fn events_come_through_without_spaces_across_pieces_and_between_keep_alives() {
        let pieces = vec![":\n\n:\n\neve", "nt:head\nda", "ta:{}\n\n", "event: finalized_checkpoint\ndata: {}\n\n:\n"];
        assert_eq!(names(pieces).await, [Ok("head".to_owned()), Ok("finalized_checkpoint".to_owned())]);
    }

    #[tokio::test]
    async fn a_line_without_end_is_cut_off() {
        let endless = vec!["data:xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"; 5_000];
        let names = names(endless).await;
        assert_eq!(names.first(), Some(&Err(())));
    }

    #[test]
    fn an_empty_line_ends_an_event_with_either_line_end() {
        let mut size = EventSize::default();
        size.grow(b"data:1234\n\n");
        assert_eq!(size.event, 0);
        size.grow(b"data:1234\r\n\r\n");
        assert_eq!(size.event, 0);
        size.grow(b"data:1");
        size.grow(b"2\n");
        assert_eq!(size.event, 8);
    }
}
