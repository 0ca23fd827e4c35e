//! The contracts' past, page by page: which blocks' events are known, which are asked for next, and the registry that follows from all of
//! them. Which answers are believed is not decided here, nor whether all of it together is complete.

use crate::{
    record::Record,
    setup::Contracts,
    status::HistoryStatus,
    types::{BlockRef, EventPage, ProtocolEvent, Registry},
};
use std::{collections::BTreeMap, time::Duration};

/// Blocks of the first page after a start.
const FIRST_WIDTH: u64 = 2_000;
/// Blocks of a page at most. Pages of a day's blocks grow until they have so many, so that there are few of them.
const WIDEST: u64 = 50_000;
/// Blocks of a page that is asked for at least, unless fewer are left.
const NARROWEST: u64 = 32;
/// A page that takes less is followed by a wider one.
const QUICK: Duration = Duration::from_secs(4);
/// A page that takes more is followed by a narrower one.
const SLOW: Duration = Duration::from_secs(15);

/// See the module.
#[derive(Debug)]
pub(crate) struct History {
    /// The first block that can hold events.
    start: u64,
    /// In chain order, without a gap.
    pages: Vec<EventPage>,
    registry: Registry,
    /// Blocks to be asked for at once.
    width: u64,
    /// The block up to which an observation last wanted to know everything.
    wanted: Option<u64>,
}

impl History {
    /// Starts with what is `recorded`, by first block, as far as it leads on from block `start`.
    pub(crate) fn restore(start: u64, recorded: BTreeMap<u64, EventPage>) -> Self {
        let mut pages: Vec<EventPage> = Vec::new();
        for page in recorded.into_values() {
            let leads_on = match pages.last() {
                None => page.from <= start,
                Some(last) => Some(page.from) == last.upto.number.checked_add(1),
            };
            if leads_on && page.from <= page.upto.number {
                pages.push(page);
            }
        }
        Self { start, registry: Registry::of(&pages), pages, width: FIRST_WIDTH, wanted: None }
    }

    /// What follows from all pages.
    pub(crate) fn registry(&self) -> &Registry {
        &self.registry
    }

    /// In chain order.
    pub(crate) fn pages(&self) -> &[EventPage] {
        &self.pages
    }

    /// The first and the last block of the next page on the way to `to`; `None`: everything up to there is known.
    pub(crate) fn next(&self, to: BlockRef) -> Option<(u64, u64)> {
        let from = self.registry.upto().map_or(self.start, |block| block.number.saturating_add(1));
        let last = from.saturating_add(self.width.saturating_sub(1)).min(to.number);
        (from <= to.number).then_some((from, last))
    }

    /// Notes how far an observation wants to go.
    pub(crate) fn want(&mut self, to: BlockRef) {
        self.wanted = Some(to.number);
    }

    /// Takes the next page, which took `took` to come. Returns what is to be recorded.
    pub(crate) fn add(&mut self, page: EventPage, took: Duration, contracts: &Contracts) -> Record {
        if took < QUICK {
            self.width = self.width.saturating_mul(2).min(WIDEST);
        } else if took > SLOW {
            self.narrow();
        }
        self.registry.advance(page.upto, &page.events);
        let whole = match self.pages.last_mut() {
            Some(last) if page.upto.number.saturating_sub(last.from) < WIDEST => {
                last.upto = page.upto;
                last.events.extend(page.events);
                last.clone()
            }
            Some(_) | None => {
                self.pages.push(page.clone());
                page
            }
        };
        Record::Events { contracts: contracts.event_sources(), page: whole }
    }

    /// The next page is to be a smaller one: this one was too much for the providers.
    pub(crate) fn narrow(&mut self) {
        self.width = (self.width / 2).max(NARROWEST);
    }

    /// Takes `page` in the place of the one with the same first block. Returns what is to be recorded.
    pub(crate) fn correct(&mut self, page: EventPage, contracts: &Contracts) -> Option<Record> {
        let known = self.pages.iter_mut().find(|known| (known.from, known.upto) == (page.from, page.upto))?;
        known.clone_from(&page);
        self.registry = Registry::of(&self.pages);
        Some(Record::Events { contracts: contracts.event_sources(), page })
    }

    /// How many validators there would be with `page` in its place.
    pub(crate) fn validators_with(&self, page: &EventPage) -> usize {
        let mut pages = self.pages.clone();
        for known in pages.iter_mut().filter(|known| known.from == page.from) {
            known.clone_from(page);
        }
        Registry::of(&pages).validators().len()
    }

    /// For people.
    pub(crate) fn status(&self) -> HistoryStatus {
        let read = self.registry.upto().map(|block| block.number);
        HistoryStatus { from: self.start, read, wanted: self.wanted, pages: self.pages.len() }
    }
}

/// How many events `more` has that `fewer` lacks, if `fewer` has nothing else: nodes whose logs are pruned, or whose index is broken, leave
/// events out; they invent none.
pub(crate) fn lacks(fewer: &[ProtocolEvent], more: &[ProtocolEvent]) -> Option<usize> {
    let mut rest = more.iter();
    fewer.iter().all(|event| rest.any(|other| other == event)).then(|| more.len().saturating_sub(fewer.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{testing::contracts, types::BlsPubkey};
    use proptest::prelude::*;

    fn block(number: u64) -> BlockRef {
        BlockRef { number, hash: [7; 32].into(), timestamp: number }
    }

    fn provisioned(key: u8) -> ProtocolEvent {
        ProtocolEvent::Provisioned(BlsPubkey::repeat_byte(key))
    }

    fn page((from, upto): (u64, u64), keys: &[u8]) -> EventPage {
        EventPage { from, upto: block(upto), events: keys.iter().copied().map(provisioned).collect() }
    }

    fn recorded(pages: impl IntoIterator<Item = EventPage>) -> BTreeMap<u64, EventPage> {
        pages.into_iter().map(|page| (page.from, page)).collect()
    }

    #[test]
    fn pages_grow_while_they_come_quickly_and_shrink_when_they_do_not() {
        let mut history = History::restore(0, BTreeMap::new());
        let widest = |history: &mut History, took: Duration| {
            let (from, upto) = history.next(block(u64::MAX)).unwrap();
            history.add(page((from, upto), &[]), took, &contracts());
            upto - from + 1
        };
        let widths: Vec<u64> = (0..8).map(|_| widest(&mut history, Duration::from_secs(1))).collect();
        assert_eq!(widths, [2_000, 4_000, 8_000, 16_000, 32_000, 50_000, 50_000, 50_000]);
        let widths: Vec<u64> = (0..3).map(|_| widest(&mut history, Duration::from_secs(60))).collect();
        assert_eq!(widths, [50_000, 25_000, 12_500]);
        (0..40).for_each(|_| history.narrow());
        assert_eq!(history.next(block(u64::MAX)).map(|(from, upto)| upto - from + 1), Some(NARROWEST));
    }

    #[test]
    fn small_pages_become_one_so_that_their_number_does_not_grow_with_time() {
        let mut history = History::restore(0, BTreeMap::new());
        for epoch in 0..10_000_u64 {
            history.add(page((epoch * 32, epoch * 32 + 31), &[]), Duration::ZERO, &contracts());
        }
        assert_eq!(history.pages().len(), 7);
        assert_eq!(history.registry().upto(), Some(block(10_000 * 32 - 1)));
    }

    #[test]
    fn only_pages_that_leave_no_block_out_count_after_a_start() {
        let three = || [page((10, 19), &[1]), page((20, 29), &[2]), page((30, 39), &[3])];
        let all = History::restore(10, recorded(three()));
        assert_eq!((all.registry().validators().len(), all.next(block(50))), (3, Some((40, 50))));
        let [first, _, third] = three();
        let gap = History::restore(10, recorded([first, third]));
        assert_eq!((gap.registry().validators().len(), gap.next(block(50))), (1, Some((20, 50))));
        // The contracts are older than was thought.
        let earlier = History::restore(5, recorded(three()));
        assert_eq!((earlier.registry().validators().len(), earlier.next(block(50))), (0, Some((5, 50))));
    }

    proptest! {
        #[test]
        fn what_was_read_is_the_same_after_a_restart(widths in proptest::collection::vec((1_u64..40_000, any::<u8>()), 1..40)) {
            let mut history = History::restore(0, BTreeMap::new());
            let mut records = BTreeMap::new();
            let mut from = 0;
            for (width, key) in widths {
                let record = history.add(page((from, from + width - 1), &[key]), Duration::ZERO, &contracts());
                if let Record::Events { page, .. } = record {
                    records.insert(page.from, page);
                }
                from += width;
            }
            let restored = History::restore(0, records);
            prop_assert_eq!(restored.registry(), history.registry());
            prop_assert_eq!(restored.pages(), history.pages());
        }

        #[test]
        fn an_answer_with_holes_lacks_what_was_left_out(keys in proptest::collection::vec((any::<u8>(), any::<bool>()), 0..30)) {
            let all: Vec<ProtocolEvent> = keys.iter().map(|(key, _)| provisioned(*key)).collect();
            let some: Vec<ProtocolEvent> = keys.iter().filter(|(_, keep)| *keep).map(|(key, _)| provisioned(*key)).collect();
            prop_assert_eq!(lacks(&some, &all), Some(all.len() - some.len()));
            if some.len() < all.len() {
                prop_assert_eq!(lacks(&all, &some), None);
            }
        }
    }

    #[test]
    fn another_event_is_no_hole() {
        assert_eq!(lacks(&[provisioned(1)], &[provisioned(2), provisioned(3)]), None);
        assert_eq!(lacks(&[provisioned(2), provisioned(1)], &[provisioned(1), provisioned(2)]), None);
    }
}
