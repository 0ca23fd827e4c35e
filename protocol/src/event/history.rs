//! What happens while the contracts' past is read, and read again.

use crate::types::ProviderId;

/// How the reading of the contracts' past goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HistoryEvent {
    /// A page of the contracts' past was read, and it is not the last.
    Advanced {
        /// Its last block.
        upto: u64,
        /// The block up to which everything is needed.
        wanted: u64,
        /// How many events it holds.
        events: usize,
    },
    /// Some execution providers know events of these blocks that others do not: those have pruned their logs, or an index is broken.
    Contested {
        /// First and last block.
        range: (u64, u64),
        /// Providers that lack some.
        fewer: Vec<ProviderId>,
        /// Providers that have most.
        more: Vec<ProviderId>,
        /// How many events those with the fewest lack.
        missing: usize,
    },
    /// The contracts' events do not lead to the number of validators in the protocol's own books: an alarm. Nothing is observed until they
    /// do. Told once, until the numbers change.
    Incomplete {
        /// Validators by the books.
        counted: u64,
        /// Validators by the events.
        known: u64,
    },
    /// One execution provider and no books: nothing shows that the events are all. Nothing is observed.
    Unproven,
    /// Events of the past were read again, and there are others than were recorded: they took their place. An alarm.
    Corrected {
        /// First and last block.
        range: (u64, u64),
        /// How many events were recorded.
        recorded: usize,
        /// How many there are now.
        read: usize,
    },
    /// Events of the past were read again, and there are others than were recorded, which are kept: an alarm.
    Differs {
        /// First and last block.
        range: (u64, u64),
        /// How many events are recorded.
        recorded: usize,
        /// How many were read.
        read: usize,
    },
    /// The whole past was read again.
    Rescanned {
        /// In how many pages.
        pages: usize,
        /// How many of them were not as recorded, and were corrected.
        corrected: usize,
    },
}
