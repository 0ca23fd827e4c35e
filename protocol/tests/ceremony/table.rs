//! Participants around one table: messages are delivered in whole trips, so that what takes how many can be counted.
//! Liars change or hold back what leaves them.

use super::cast::{Held, id, identity};
use guardian_crypto::frost::KeyShare;
use guardian_protocol::{
    AppendRecords, MemberId, Recipient, Timestamp,
    ceremony::{
        Body, Ceremony, Effects, Event, Fault, Input, Outcome, Plan, Post, Reason, Record, Released, RestoreError,
        wire::{self, Message},
    },
};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use std::{
    collections::{BTreeMap, BTreeSet},
    convert::Infallible,
};

/// What leaves a liar instead of a message to someone; `None` to say nothing.
pub(crate) type Lie = Box<dyn FnMut(MemberId, Message) -> Vec<Message>>;

/// Records that go through their lasting encoding, as on a disk.
#[derive(Default)]
pub(crate) struct Disk(Vec<Vec<u8>>);

impl AppendRecords<Record> for Disk {
    type Error = Infallible;

    fn append(&mut self, records: &[Record]) -> Result<(), Infallible> {
        self.0.extend(records.iter().map(Record::encode));
        Ok(())
    }
}

impl Disk {
    pub(crate) fn records(&self) -> Vec<Record> {
        self.0.iter().map(|bytes| Record::decode(bytes).unwrap()).collect()
    }
}

pub(crate) struct Seat {
    pub(crate) ceremony: Option<Ceremony>,
    pub(crate) disk: Disk,
    pub(crate) events: Vec<Event>,
    lie: Option<Lie>,
}

pub(crate) struct Table {
    pub(crate) plan: Plan,
    held: Option<Held>,
    pub(crate) seats: BTreeMap<MemberId, Seat>,
    bag: Vec<(MemberId, MemberId, Vec<u8>)>,
    pub(crate) now: Timestamp,
    rng: ChaCha20Rng,
    /// Messages delivered so far, and trips made.
    pub(crate) trips: usize,
    cut: BTreeSet<MemberId>,
}

impl Table {
    /// Everybody sits down, and knows everybody.
    pub(crate) fn new(plan: Plan, held: Option<Held>) -> Self {
        let members: Vec<MemberId> = plan.participants().into_keys().collect();
        let mut table = Self {
            plan,
            held,
            seats: BTreeMap::new(),
            bag: Vec::new(),
            now: Timestamp(1_000_000),
            rng: ChaCha20Rng::seed_from_u64(9),
            trips: 0,
            cut: BTreeSet::new(),
        };
        for member in members {
            let seat = Seat { ceremony: None, disk: Disk::default(), events: Vec::new(), lie: None };
            table.seats.insert(member, seat);
        }
        table
    }

    /// From now on, `member` sends what `lie` makes of its messages.
    pub(crate) fn lies(mut self, member: u16, lie: impl FnMut(MemberId, Message) -> Vec<Message> + 'static) -> Self {
        self.seats.get_mut(&id(member)).unwrap().lie = Some(Box::new(lie));
        self
    }

    /// `member` changes the bodies of its own posts; `None` leaves one as it is.
    pub(crate) fn lies_in_posts(
        self,
        member: u16,
        mut change: impl FnMut(MemberId, &Body) -> Option<Body> + 'static,
    ) -> Self {
        let ceremony = self.plan.id();
        self.lies(member, move |to, message| match message {
            Message::Post(post) if post.author() == id(member) => {
                let changed =
                    change(to, post.body()).map(|body| Post::seal(ceremony, id(member), body, &identity(member)));
                vec![Message::Post(changed.unwrap_or(post))]
            }
            // A liar doesn't give its own lie away by listing what it would have said.
            Message::Have(_) => Vec::new(),
            other => vec![other],
        })
    }

    pub(crate) fn try_start(&mut self, member: MemberId, share: Option<KeyShare>) -> Result<(), RestoreError> {
        let seat = self.seats.get_mut(&member).unwrap();
        let ceremony = Ceremony::restore(
            self.now,
            self.plan.clone(),
            member,
            identity(member.get()),
            share,
            seat.disk.records(),
            &mut self.rng,
        )?;
        seat.ceremony = Some(ceremony);
        Ok(())
    }

    /// Starts `member` from its records, and connects it with everybody who runs.
    pub(crate) fn start(&mut self, member: u16) {
        let share = self.held.as_ref().and_then(|held| held.share(id(member)));
        self.try_start(id(member), share).unwrap();
        self.connect(member);
    }

    pub(crate) fn connect(&mut self, member: u16) {
        self.cut.remove(&id(member));
        let others: Vec<MemberId> = self.running().filter(|other| *other != id(member)).collect();
        self.step(id(member), Input::Woke);
        for other in others {
            self.step(id(member), Input::PeerUp(other));
            self.step(other, Input::PeerUp(id(member)));
        }
    }

    pub(crate) fn start_all(&mut self) {
        let members: Vec<MemberId> = self.seats.keys().copied().collect();
        members.into_iter().for_each(|member| self.start(member.get()));
        // What was said while the others were still sitting down.
        self.trips = 0;
    }

    pub(crate) fn crash(&mut self, member: u16) {
        self.seats.get_mut(&id(member)).unwrap().ceremony = None;
        self.bag.retain(|(from, to, _)| *from != id(member) && *to != id(member));
        for other in self.running().collect::<Vec<_>>() {
            self.step(other, Input::PeerDown(id(member)));
        }
    }

    /// Nothing reaches `member` or leaves it.
    pub(crate) fn cut(&mut self, member: u16) {
        self.cut.insert(id(member));
    }

    pub(crate) fn running(&self) -> impl Iterator<Item = MemberId> + '_ {
        self.seats.iter().filter(|(_, seat)| seat.ceremony.is_some()).map(|(member, _)| *member)
    }

    pub(crate) fn step(&mut self, member: MemberId, input: Input) {
        let seat = self.seats.get_mut(&member).unwrap();
        let Some(ceremony) = seat.ceremony.as_mut() else { return };
        let mut fx = Effects::default();
        ceremony.step(self.now, input, &mut self.rng, &mut fx);
        let Released { messages, events, .. } = fx.commit(&mut seat.disk).unwrap();
        seat.events.extend(events);
        let everybody: Vec<MemberId> = self.seats.keys().copied().filter(|other| *other != member).collect();
        for outgoing in messages {
            assert!(outgoing.bytes.len() <= wire::MAX_BYTES);
            for to in everybody
                .iter()
                .copied()
                .filter(|to| outgoing.to == Recipient::All || outgoing.to == Recipient::One(*to))
            {
                self.send(member, to, &outgoing.bytes);
            }
        }
    }

    fn send(&mut self, from: MemberId, to: MemberId, bytes: &[u8]) {
        let id = self.plan.id();
        match self.seats.get_mut(&from).and_then(|seat| seat.lie.as_mut()) {
            None => self.bag.push((from, to, bytes.to_vec())),
            Some(lie) => {
                for said in lie(to, wire::decode(id, bytes).unwrap()) {
                    self.bag.push((from, to, wire::encode(id, &said)));
                }
            }
        }
    }

    /// Puts a message under way.
    pub(crate) fn inject(&mut self, from: u16, to: u16, message: &Message) {
        self.bag.push((id(from), id(to), wire::encode(self.plan.id(), message)));
    }

    /// Everything that is under way arrives. Whether anything was.
    pub(crate) fn trip(&mut self) -> bool {
        let bag = std::mem::take(&mut self.bag);
        if bag.is_empty() {
            return false;
        }
        self.trips += 1;
        for (from, to, bytes) in bag {
            if !self.cut.contains(&from) && !self.cut.contains(&to) {
                self.step(to, Input::Heard { from, bytes });
            }
        }
        true
    }

    /// Trips until nothing is under way and `rounds` repetitions brought nothing new.
    pub(crate) fn settle(&mut self, rounds: usize) {
        for _ in 0..rounds {
            for _ in 0..100 {
                if !self.trip() {
                    break;
                }
            }
            self.now = Timestamp(self.now.0 + 10_000);
            for member in self.running().collect::<Vec<_>>() {
                self.step(member, Input::Woke);
            }
        }
    }

    /// Runs to the end: everybody puts its outcome to use.
    pub(crate) fn finish(&mut self) {
        self.settle(6);
        for member in self.running().collect::<Vec<_>>() {
            assert!(self.outcome(member.get()).is_some(), "{member}: {:?}", self.status(member.get()));
            self.step(member, Input::Activated);
        }
        self.settle(6);
        for member in self.running().collect::<Vec<_>>() {
            assert!(self.status(member.get()).done, "{:?}", self.status(member.get()));
        }
    }

    pub(crate) fn ceremony(&self, member: u16) -> &Ceremony {
        self.seats[&id(member)].ceremony.as_ref().unwrap()
    }

    pub(crate) fn outcome(&self, member: u16) -> Option<Outcome> {
        self.ceremony(member).outcome()
    }

    pub(crate) fn status(&self, member: u16) -> guardian_protocol::ceremony::Status {
        self.ceremony(member).status(self.now)
    }

    /// Everybody but the culprit names it, with evidence that holds for a stranger.
    pub(crate) fn all_blame(&self, culprit: u16) -> Fault {
        let mut shown = None;
        for member in self.running().filter(|member| *member != id(culprit)) {
            let fault = self
                .ceremony(member.get())
                .fault()
                .unwrap_or_else(|| panic!("{member} blames nobody: {:?}", self.status(member.get())));
            assert_eq!(fault.culprit(), id(culprit), "{member} blames {}: {}", fault.culprit(), fault.reason());
            let read = Fault::decode(&fault.encode()).unwrap();
            read.verify(&self.plan).unwrap();
            assert!(self.outcome(member.get()).is_none());
            assert_eq!(self.status(member.get()).fault.unwrap().culprit, id(culprit));
            shown = Some(read);
        }
        shown.unwrap()
    }

    /// Whom `member` waits for, and why.
    pub(crate) fn waits(&self, member: u16) -> Vec<(u16, Reason)> {
        self.status(member).waiting_for.into_iter().map(|waiting| (waiting.member.get(), waiting.reason)).collect()
    }

    /// Nobody was blamed by anybody.
    pub(crate) fn nobody_is_blamed(&self) {
        for member in self.running() {
            assert_eq!(self.ceremony(member.get()).fault(), None);
        }
    }
}
