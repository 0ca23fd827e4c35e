//! The queue of events to the application, bounded in events and in bytes. What does not fit is given back, never waited for.

use std::collections::VecDeque;

use tokio::sync::mpsc::{self, error::TrySendError};

use super::Event;
use crate::Limits;

/// Why an event was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// No room now.
    Full,
    /// The application is gone.
    Closed,
}

/// The sending end. Knows the sizes of what is still queued: the channel is first in, first out, so the sizes of what was
/// taken out are at the front.
#[derive(Debug)]
pub(crate) struct Delivery {
    sender: mpsc::Sender<Event>,
    sizes: VecDeque<usize>,
    bytes: usize,
    max_bytes: usize,
}

impl Delivery {
    /// Both ends.
    pub(crate) fn new(limits: &Limits) -> (Self, mpsc::Receiver<Event>) {
        let (sender, receiver) = mpsc::channel(limits.event_queue);
        let delivery = Self { sender, sizes: VecDeque::new(), bytes: 0, max_bytes: limits.event_queue_bytes };
        (delivery, receiver)
    }

    /// Queues the event, or says why not.
    pub(crate) fn offer(&mut self, event: Event) -> Result<(), Refused> {
        self.forget_taken();
        let size = match &event {
            Event::Received { bytes, .. } => bytes.len(),
            Event::Connected(_) | Event::Disconnected(_) | Event::Doppelgangers(_) => 0,
        };
        let total = self.bytes.saturating_add(size);
        if total > self.max_bytes {
            return Err(if self.sender.is_closed() { Refused::Closed } else { Refused::Full });
        }
        self.sender.try_send(event).map_err(|error| match error {
            TrySendError::Full(_) => Refused::Full,
            TrySendError::Closed(_) => Refused::Closed,
        })?;
        self.sizes.push_back(size);
        self.bytes = total;
        Ok(())
    }

    /// Completes when the application has dropped its end.
    pub(crate) async fn closed(&self) {
        self.sender.closed().await;
    }

    fn forget_taken(&mut self) {
        let queued = self.sender.max_capacity().saturating_sub(self.sender.capacity());
        while self.sizes.len() > queued {
            let Some(size) = self.sizes.pop_front() else { break };
            self.bytes = self.bytes.saturating_sub(size);
        }
    }
}

#[cfg(test)]
mod tests {
    use libp2p::PeerId;

    use super::*;
    use crate::Channel;

    fn message(size: usize) -> Event {
        Event::Received { from: PeerId::random(), channel: Channel::Direct, bytes: vec![0; size] }
    }

    fn queue(event_queue: usize, event_queue_bytes: usize) -> (Delivery, mpsc::Receiver<Event>) {
        Delivery::new(&Limits { event_queue, event_queue_bytes, ..Limits::default() })
    }

    #[test]
    fn it_is_full_by_the_number_of_events() {
        let (mut delivery, mut events) = queue(2, 100);
        assert_eq!(delivery.offer(message(0)), Ok(()));
        assert_eq!(delivery.offer(message(0)), Ok(()));
        assert_eq!(delivery.offer(message(0)), Err(Refused::Full));
        events.try_recv().unwrap();
        assert_eq!(delivery.offer(message(0)), Ok(()));
    }

    #[test]
    fn it_is_full_by_bytes_until_the_application_takes_them_out() {
        let (mut delivery, mut events) = queue(10, 100);
        assert_eq!(delivery.offer(message(60)), Ok(()));
        assert_eq!(delivery.offer(message(41)), Err(Refused::Full));
        assert_eq!(delivery.offer(message(40)), Ok(()));
        assert_eq!(delivery.offer(Event::Connected(PeerId::random())), Ok(()));
        assert_eq!(delivery.offer(message(1)), Err(Refused::Full));
        events.try_recv().unwrap();
        assert_eq!(delivery.offer(message(60)), Ok(()));
        assert_eq!(delivery.offer(message(1)), Err(Refused::Full));
    }

    #[test]
    fn a_gone_application_is_told_apart_from_a_busy_one() {
        let (mut delivery, events) = queue(10, 100);
        drop(events);
        assert_eq!(delivery.offer(message(1)), Err(Refused::Closed));
        assert_eq!(delivery.offer(message(101)), Err(Refused::Closed));
    }
}
