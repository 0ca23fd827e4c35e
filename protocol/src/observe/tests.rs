//! The contracts' past as execution providers tell it: with holes, late, in other words than before. What is believed, and what is not.

use super::*;
use crate::{
    event::HistoryEvent,
    ports::{QueryId, ReadFailure, Reading},
    record::Record,
    setup::{ProviderQuorum, Timing},
    testing::{Dealt, Log, chain_view, checkpoint, contracts, member, setup, validator},
    types::{BlockRef, BlsPubkey, EventPage, ProtocolEvent, ProviderId},
};
use std::{collections::BTreeMap, time::Duration};

/// Validators that were provisioned, one in every hundredth block.
const VALIDATORS: u64 = 16;

/// A guardian's eyes, what they have written, and three execution providers.
struct Scene {
    setup: Setup,
    observer: Observer,
    ids: QueryIds,
    now: Timestamp,
    epoch: u64,
    /// The protocol counts its validators.
    has_books: bool,
    /// How many of the validators each provider knows; `Err`: why it does not answer about them.
    providers: Vec<Result<u64, ReadFailure>>,
    log: Log,
    events: Vec<Event>,
    pages: Vec<(u64, u64)>,
    observed: Vec<usize>,
    /// How long a page takes to come.
    delay: Duration,
}

fn block(number: u64) -> BlockRef {
    BlockRef { number, hash: [3; 32].into(), timestamp: number }
}

fn key(index: u64) -> BlsPubkey {
    validator(index, 0).pubkey
}

impl Scene {
    fn new(knowing: &[u64], has_books: bool) -> Self {
        let timing = Timing { poll: Duration::from_secs(12), ..Timing::default() };
        let quorum = ProviderQuorum { beacon: 1, execution: ProviderQuorum::majority(knowing.len()) };
        let setup = Setup { quorum, timing, ..setup(Dealt::new(3, 2, 3).committee, member(1)) };
        Self {
            observer: Observer::restore(History::restore(0, BTreeMap::new()), None),
            setup,
            ids: QueryIds::default(),
            now: Timestamp(1_000),
            epoch: 2_000,
            has_books,
            providers: knowing.iter().copied().map(Ok).collect(),
            log: Log::default(),
            events: Vec::new(),
            pages: Vec::new(),
            observed: Vec::new(),
            delay: Duration::ZERO,
        }
    }

    /// Its process ends, and starts again from what was recorded.
    fn restart(&mut self) {
        let pages = self.log.0.iter().filter_map(|record| match record {
            Record::Events { page, .. } => Some((page.from, page.clone())),
            _ => None,
        });
        self.observer = Observer::restore(History::restore(self.setup.start_block, pages.collect()), None);
        self.ids = QueryIds(self.ids.0 + 1_000);
    }

    /// Time passes until the next look, and everything that it asks for is answered.
    fn look(&mut self) {
        self.now = self.now.after(Duration::from_secs(13));
        let mut open: Vec<(QueryId, Query)> = self.step(None);
        let mut steps = 0;
        while let Some((id, query)) = (!open.is_empty()).then(|| open.remove(0)) {
            steps += 1;
            assert!(steps < 300, "it never ends");
            if let Query::Events { from, upto, .. } = &query {
                self.pages.push((*from, *upto));
                self.now = self.now.after(self.delay);
            }
            let answers = self.answers(&query);
            open.extend(self.step(Some(Answers { id, answers })));
        }
    }

    fn step(&mut self, answers: Option<Answers>) -> Vec<(QueryId, Query)> {
        let mut fx = Effects::default();
        if let Some(answers) = answers {
            let evidence =
                self.observer.answered(self.now, answers, Needs::default(), &mut self.ids, &self.setup, &mut fx);
            self.observed.extend(evidence.map(|evidence| evidence.validators.len() + evidence.unknown.len()));
        }
        self.observer.poll(self.now, &mut self.ids, &self.setup, &mut fx);
        let released = fx.commit(&mut self.log).unwrap();
        self.events.extend(released.events);
        released.queries
    }

    fn answers(&self, query: &Query) -> Vec<(ProviderId, Result<Reading, ReadFailure>)> {
        let one = |reading| vec![(ProviderId(0), Ok(reading))];
        match query {
            Query::Finalized => one(Reading::Finalized(Some(checkpoint(self.epoch)))),
            Query::State { pubkeys, .. } => {
                let known = (0..VALIDATORS).map(|index| validator(index, 32_000_000_000));
                one(Reading::Validators(known.filter(|record| pubkeys.contains(&record.pubkey)).collect()))
            }
            Query::Chain(_) => self.all(|_| {
                let mut view = chain_view(self.setup.committee.group_key(), self.epoch);
                view.active_validators = self.has_books.then_some(VALIDATORS);
                Ok(Reading::Chain(Box::new(view)))
            }),
            Query::Events { from, upto, .. } => self.all(|known| {
                let indices = (0..known?).filter(|index| (*from..=*upto).contains(&(index * 100)));
                let events = indices.map(|index| ProtocolEvent::Provisioned(key(index))).collect();
                Ok(Reading::Events(EventPage { from: *from, upto: block(*upto), events }))
            }),
            Query::Progress(_) => Vec::new(),
        }
    }

    fn all(
        &self,
        answer: impl Fn(Result<u64, ReadFailure>) -> Result<Reading, ReadFailure>,
    ) -> Vec<(ProviderId, Result<Reading, ReadFailure>)> {
        (0..).map(ProviderId).zip(self.providers.iter().cloned().map(answer)).collect()
    }

    fn accused(&self) -> usize {
        let accuses = |event: &&Event| matches!(event, Event::ProviderDisagrees { .. } | Event::NoQuorum { .. });
        self.events.iter().filter(accuses).count()
    }

    fn told(&self, of: impl Fn(&HistoryEvent) -> bool) -> usize {
        self.events.iter().filter(|event| matches!(event, Event::History(event) if of(event))).count()
    }
}

#[test]
fn finality_that_returns_after_a_gap_of_more_than_a_day_is_noticed() {
    let mut scene = Scene::new(&[VALIDATORS], true);
    let day = scene.setup.epochs_of_a_day();
    let mut look = |epoch: u64, clock: u64| {
        let slot = Epoch(clock).first_slot(scene.setup.network.slots_per_epoch).unwrap();
        (scene.epoch, scene.now) = (epoch, Timestamp(scene.setup.network.time_of(slot) * 1_000));
        scene.look();
        scene.observer.finality_returned_after()
    };
    assert_eq!(look(2_000, 2_002), None);
    assert_eq!(look(2_000, 2_000 + day + 1), None, "there is nothing to decide on meanwhile");
    assert_eq!(look(2_000 + day + 1, 2_000 + day + 3), Some(Epoch(2_000)));
    assert_eq!(look(2_000 + day + 2, 2_000 + day + 4), None, "it was told");
}

#[test]
fn a_chain_that_is_old_and_goes_on_epoch_by_epoch_has_no_gap() {
    let mut scene = Scene::new(&[VALIDATORS], true);
    scene.now = Timestamp(u64::MAX / 2);
    for epoch in 2_000..2_010 {
        scene.epoch = epoch;
        scene.look();
        assert_eq!(scene.observer.finality_returned_after(), None);
        assert!(scene.observer.finality_is_old());
    }
}

#[test]
fn two_of_three_that_lost_their_logs_are_not_believed_and_nobody_is_accused() {
    for (has_books, reason) in
        [(false, Trouble::HistoryContested), (true, Trouble::HistoryIncomplete { counted: VALIDATORS, known: 0 })]
    {
        let mut scene = Scene::new(&[VALIDATORS, 0, 0], has_books);
        scene.look();
        scene.look();
        assert_eq!((scene.observed.len(), scene.observer.trouble()), (0, Some(reason)));
        assert_eq!(scene.accused(), 0, "{:?}", scene.events);
        let named = |event: &HistoryEvent| {
            matches!(event, HistoryEvent::Contested { fewer, more, missing: 16, .. }
                if *fewer == [ProviderId(1), ProviderId(2)] && *more == [ProviderId(0)])
        };
        assert!(scene.told(named) > 0, "{:?}", scene.events);
    }
}

#[test]
fn a_history_with_holes_heals_when_nodes_recover_also_after_a_restart() {
    for has_books in [false, true] {
        for restarts in [false, true] {
            let mut scene = Scene::new(&[VALIDATORS, 0, 0], has_books);
            scene.look();
            scene.look();
            if restarts {
                scene.restart();
            }
            scene.look();
            assert_eq!(scene.observed, Vec::<usize>::new());
            scene.providers = vec![Ok(VALIDATORS); 3];
            (0..8).for_each(|_| scene.look());
            assert_eq!(scene.observed.first(), Some(&16), "books {has_books}, restart {restarts}: {:?}", scene.events);
            assert_eq!(scene.observer.trouble(), None);
            scene.restart();
            scene.epoch += 1;
            scene.look();
            assert_eq!(scene.observed.last(), Some(&16));
        }
    }
}

#[test]
fn all_nodes_with_the_same_hole_are_not_believed_where_the_protocol_keeps_books() {
    for known in [0, 1, 15] {
        let mut scene = Scene::new(&[known; 3], true);
        (0..4).for_each(|_| scene.look());
        assert_eq!((scene.observed.len(), scene.accused()), (0, 0));
        let rings = |event: &HistoryEvent| matches!(event, HistoryEvent::Incomplete { counted: VALIDATORS, .. });
        assert_eq!(scene.told(rings), 1, "told once, not at every poll");
    }
}

#[test]
fn one_provider_alone_is_believed_only_beside_books() {
    let mut alone = Scene::new(&[VALIDATORS], false);
    alone.look();
    assert_eq!((alone.observed.len(), alone.observer.trouble()), (0, Some(Trouble::HistoryUnproven)));
    let mut empty = Scene::new(&[0], true);
    empty.look();
    assert_eq!(empty.observed.len(), 0);
    let mut beside_books = Scene::new(&[VALIDATORS], true);
    beside_books.look();
    assert_eq!(beside_books.observed, [16]);
}

#[test]
fn a_node_that_lost_its_logs_does_not_stop_the_others() {
    let mut scene = Scene::new(&[VALIDATORS, VALIDATORS, 0], false);
    scene.look();
    assert_eq!((scene.observed.as_slice(), scene.accused()), ([16].as_slice(), 0));
}

#[test]
fn a_long_past_is_read_in_pages_and_goes_on_after_a_restart() {
    let mut scene = Scene::new(&[VALIDATORS; 3], true);
    scene.epoch = 400_000;
    scene.delay = Duration::from_secs(5);
    scene.look();
    assert_eq!(scene.pages.first(), Some(&(0, 1_999)));
    let before = scene.pages.len();
    assert!((10..=250).contains(&before), "{before} pages");
    assert!(scene.pages.windows(2).all(|pair| pair[1].0 == pair[0].1 + 1 || pair[1].1 == 400_000), "{:?}", scene.pages);

    let mut again = Scene::new(&[VALIDATORS; 3], true);
    again.epoch = 400_000;
    again.providers = vec![Err(ReadFailure::RateLimited("slow down".into())); 3];
    // As far as another process got before it ended.
    let half =
        scene.log.0.iter().filter(|record| matches!(record, Record::Events { page, .. } if page.upto.number < 200_000));
    again.log = Log(half.cloned().collect());
    again.restart();
    let read = again.observer.history().status().read.unwrap();
    again.look();
    let first = again.pages[0];
    assert_eq!(first.0, read + 1);
    assert!(again.observer.history().status().is_being_read());
    // They were asked too often, so the same is asked later.
    again.look();
    assert_eq!(again.pages.last(), Some(&first));
    // What was too much is asked for in smaller pages.
    again.providers = vec![Err(ReadFailure::TooLarge("more than it bears".into())); 3];
    again.look();
    again.look();
    assert_eq!(again.pages.last().map(|(from, upto)| upto - from), Some((first.1 - first.0) / 2));
    again.providers = vec![Ok(VALIDATORS); 3];
    (0..3).for_each(|_| again.look());
    assert_eq!(again.observed.last(), Some(&16));
    assert!(!again.observer.history().status().is_being_read());
}

#[test]
fn older_pages_are_read_again_and_events_that_were_left_out_are_added() {
    // Two that lie alike about the same validators: without books, nothing tells.
    let mut scene = Scene::new(&[3; 3], false);
    scene.look();
    assert_eq!(scene.observed, [3]);
    scene.providers = vec![Ok(VALIDATORS); 3];
    for _ in 0..3 {
        scene.epoch += 1;
        scene.look();
    }
    let corrected = |event: &HistoryEvent| matches!(event, HistoryEvent::Corrected { recorded: 3, read: 16, .. });
    assert_eq!((scene.observed.last(), scene.told(corrected)), (Some(&16), 1));
    scene.restart();
    scene.epoch += 1;
    scene.look();
    assert_eq!(scene.observed.last(), Some(&16));
}

#[test]
fn events_that_nodes_lost_since_are_kept_and_told() {
    for has_books in [false, true] {
        let mut scene = Scene::new(&[VALIDATORS; 3], has_books);
        scene.look();
        scene.providers = vec![Ok(3); 3];
        for _ in 0..3 {
            scene.epoch += 1;
            scene.look();
        }
        let differs = |event: &HistoryEvent| matches!(event, HistoryEvent::Differs { recorded: 16, read: 3, .. });
        assert!(scene.told(differs) > 0, "{:?}", scene.events);
        assert!(scene.observed.iter().all(|validators| *validators == 16));
    }
}

#[test]
fn the_operator_can_have_everything_read_again() {
    let mut scene = Scene::new(&[VALIDATORS; 3], true);
    assert!(!scene.observer.rescan());
    scene.epoch = 200_000;
    scene.look();
    let pages = scene.observer.history().pages().len();
    assert!(pages > 1);
    let before = scene.pages.len();
    assert!(scene.observer.rescan());
    scene.look();
    assert_eq!(scene.pages.len() - before, pages);
    let done = |event: &HistoryEvent| *event == HistoryEvent::Rescanned { pages, corrected: 0 };
    assert_eq!(scene.told(done), 1);
}

#[test]
fn events_of_other_contracts_are_not_the_ones_that_are_recorded() {
    let mut scene = Scene::new(&[VALIDATORS; 3], true);
    scene.look();
    let all_ours = |record: &Record| record.counts_with(&contracts());
    assert!(
        scene.log.0.iter().any(|record| matches!(record, Record::Events { .. })) && scene.log.0.iter().all(all_ours)
    );
    let upgraded = crate::Contracts { protocol: [9; 20].into(), ..contracts() };
    let events = scene.log.0.iter().filter(|record| matches!(record, Record::Events { .. }));
    assert!(events.clone().all(|record| !record.counts_with(&upgraded)));
}
