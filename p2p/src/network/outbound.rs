//! Direct messages to one member: a few in flight, a bounded number waiting behind them.

use std::{
    collections::{HashSet, VecDeque},
    hash::Hash,
};

/// `Id` names a message in flight.
#[derive(Debug)]
pub(crate) struct Outbound<Id> {
    waiting: VecDeque<Vec<u8>>,
    in_flight: HashSet<Id>,
    waiting_bytes: usize,
    max_waiting: usize,
    max_waiting_bytes: usize,
    max_in_flight: usize,
}

impl<Id: Eq + Hash> Outbound<Id> {
    pub(crate) fn new(max_waiting: usize, max_waiting_bytes: usize, max_in_flight: usize) -> Self {
        let (waiting, in_flight) = (VecDeque::new(), HashSet::new());
        Self { waiting, in_flight, waiting_bytes: 0, max_waiting, max_waiting_bytes, max_in_flight }
    }

    /// Appends a message; false when too many, or too many bytes, wait already.
    pub(crate) fn offer(&mut self, message: Vec<u8>) -> bool {
        let bytes = self.waiting_bytes.saturating_add(message.len());
        let room = self.waiting.is_empty() || bytes <= self.max_waiting_bytes;
        let room = room && self.waiting.len() < self.max_waiting;
        if room {
            self.waiting_bytes = bytes;
            self.waiting.push_back(message);
        }
        room
    }

    /// The next message to send now, if one waits and few enough are in flight.
    pub(crate) fn next(&mut self) -> Option<Vec<u8>> {
        if self.in_flight.len() >= self.max_in_flight {
            return None;
        }
        let message = self.waiting.pop_front()?;
        self.waiting_bytes = self.waiting_bytes.saturating_sub(message.len());
        Some(message)
    }

    /// The message that [`Self::next`] gave is on its way.
    pub(crate) fn sent(&mut self, id: Id) {
        self.in_flight.insert(id);
    }

    /// It was acknowledged or has failed.
    pub(crate) fn finished(&mut self, id: &Id) {
        self.in_flight.remove(id);
    }

    /// The connection is gone: forgets everything and says how many were waiting.
    pub(crate) fn clear(&mut self) -> usize {
        self.in_flight.clear();
        self.waiting_bytes = 0;
        std::mem::take(&mut self.waiting).len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_leave_in_order_and_only_so_many_at_once() {
        let mut outbound = Outbound::new(3, 100, 2);
        for byte in 1..=3 {
            assert!(outbound.offer(vec![byte]));
        }
        assert!(!outbound.offer(vec![4]));
        for id in 1..=2_u64 {
            assert_eq!(outbound.next(), Some(vec![u8::try_from(id).unwrap()]));
            outbound.sent(id);
        }
        assert_eq!(outbound.next(), None);
        outbound.finished(&1);
        assert_eq!(outbound.next(), Some(vec![3]));
        assert_eq!(outbound.next(), None);
    }

    #[test]
    fn what_waits_is_bounded_in_bytes_and_an_empty_queue_takes_anything() {
        let mut outbound = Outbound::<u64>::new(100, 10, 1);
        assert!(outbound.offer(vec![0; 50]), "it could never be sent otherwise");
        assert!(!outbound.offer(vec![0; 1]));
        assert_eq!(outbound.next().map(|message| message.len()), Some(50));
        assert!((0..10).all(|_| outbound.offer(vec![0; 1])) && !outbound.offer(vec![0; 1]));
        assert_eq!(outbound.clear(), 10);
        assert!(outbound.offer(vec![0; 10]) && !outbound.offer(vec![0; 1]));
    }

    #[test]
    fn an_answer_for_a_former_connection_frees_nothing() {
        let mut outbound = Outbound::new(3, 100, 1);
        outbound.sent(1_u64);
        outbound.offer(vec![1]);
        assert_eq!(outbound.clear(), 1);
        outbound.sent(2);
        outbound.offer(vec![2]);
        outbound.finished(&1);
        assert_eq!(outbound.next(), None);
    }
}
