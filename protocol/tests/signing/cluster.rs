//! A committee of guardians, one queue of messages between them, and one honest provider.

use guardian_crypto::{
    frost::{KeyShare, dealer, reshare::Resharing},
    identity::IdentityKey,
    member::default_threshold,
    secret::Secret,
};
use guardian_protocol::{
    Answers, AppendRecords, BlockRef, ChainSpec, ChainView, Checkpoint, Committee, Contracts, Dossier, DutyId, Effects,
    Envelope, Epoch, Event, Guardian, Input, KeyEpoch, Member, MemberId, OnChainProgress, Outgoing, ProviderId,
    ProviderQuorum, Query, Reading, Recipient, Record, RestoreError, Secrets, Setup, Slot, Timestamp, Timing,
    testing::Message,
};
use rand_chacha::{
    ChaCha20Rng,
    rand_core::{RngCore, SeedableRng},
};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

/// What is final at the beginning.
const FIRST: u64 = 8;

/// What every guardian shares or keeps secret.
pub(crate) struct Dealt {
    pub(crate) committee: Committee,
    seeds: Vec<[u8; 32]>,
    shares: Vec<Vec<u8>>,
}

/// One process of one guardian.
pub(crate) struct Process {
    pub(crate) member: MemberId,
    pub(crate) guardian: Guardian,
    pub(crate) log: Log,
    pub(crate) events: Vec<Event>,
    pub(crate) dossiers: Vec<Dossier>,
    /// Questions to providers so far.
    pub(crate) asked: usize,
}

/// Everything that was made durable.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log(pub(crate) Vec<Record>);

impl AppendRecords for Log {
    type Error = std::convert::Infallible;

    fn append(&mut self, records: &[Record]) -> Result<(), Self::Error> {
        self.0.extend(records.iter().map(|record| Record::decode(&record.encode()).unwrap()));
        Ok(())
    }
}

/// What happens to a message on its way: `None` loses it.
pub(crate) type Tamper = Box<dyn FnMut(MemberId, MemberId, Vec<u8>) -> Option<Vec<u8>>>;

/// See the module. Processes are counted from 0, in the order in which they were started.
pub(crate) struct Cluster {
    pub(crate) dealt: Dealt,
    pub(crate) processes: BTreeMap<usize, Process>,
    pub(crate) now: Timestamp,
    pub(crate) rng: ChaCha20Rng,
    queue: VecDeque<(usize, usize, Vec<u8>)>,
    tamper: Tamper,
    started: usize,
    finalized: u64,
    /// Whose provider lies, and how.
    deceived: (MemberId, fn(&mut Reading)),
}

pub(crate) fn member(number: u16) -> MemberId {
    MemberId::new(number).unwrap()
}

impl Dealt {
    pub(crate) fn new(size: u16, threshold: u16, seed: u64) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let (shares, public) = dealer::deal(size, threshold, &mut rng).unwrap();
        let mut seeds = vec![[0; 32]; usize::from(size)];
        seeds.iter_mut().for_each(|seed| rng.fill_bytes(seed));
        let members = MemberId::first(size).zip(&seeds).map(|(id, seed)| Member {
            id,
            name: format!("guardian-{id}"),
            identity: IdentityKey::from_seed(Secret::new(*seed)).public(),
        });
        let committee = Committee::new(members, public, KeyEpoch(1)).unwrap();
        let shares = shares.iter().map(|share| share.to_secret_bytes().expose().to_vec()).collect();
        Self { committee, seeds, shares }
    }

    pub(crate) fn identity(&self, member: MemberId) -> IdentityKey {
        IdentityKey::from_seed(Secret::new(self.seeds[usize::from(member.get()) - 1]))
    }

    fn share(&self, member: MemberId) -> KeyShare {
        KeyShare::from_secret_bytes(&self.shares[usize::from(member.get()) - 1]).unwrap()
    }

    /// The committee after all members dealt the key again among themselves: the same people, the same group key, other shares.
    pub(crate) fn refreshed(&self, rng: &mut ChaCha20Rng) -> Committee {
        let public = self.committee.public_shares();
        let members: BTreeSet<MemberId> = public.members().collect();
        let resharing = Resharing::new(public.clone(), members.clone(), members.clone(), public.threshold()).unwrap();
        let dealings = members.iter().map(|member| (*member, resharing.deal(&self.share(*member), rng).unwrap().0));
        let public = resharing.public_shares(&dealings.collect()).unwrap();
        assert_eq!(public.group_key(), self.committee.group_key());
        Committee::new(self.committee.iter().cloned(), public, KeyEpoch(1)).unwrap()
    }

    fn setup(&self, me: MemberId) -> Setup {
        Setup {
            me,
            committee: self.committee.clone(),
            network: ChainSpec {
                chain_id: 1,
                genesis_validators_root: [0; 32].into(),
                genesis_time: 0,
                seconds_per_slot: 12,
                slots_per_epoch: 8,
                forks: Vec::new(),
                capella_fork_version: None,
                deneb_fork_epoch: None,
            },
            contracts: Contracts {
                guardian_keys: [1; 20].into(),
                ejection_registry: [2; 20].into(),
                reserve_feed: [3; 20].into(),
                protocol: [4; 20].into(),
            },
            quorum: ProviderQuorum { beacon: 1, execution: 1 },
            timing: Timing::default(),
            start_block: 0,
        }
    }

    /// Restores `member` from `records`.
    pub(crate) fn restore(
        &self,
        now: Timestamp,
        member: MemberId,
        records: Vec<Record>,
        rng: &mut ChaCha20Rng,
    ) -> Result<Guardian, RestoreError> {
        let secrets =
            Secrets { identity: self.identity(member), share: self.share(member), validators: BTreeMap::new() };
        Guardian::restore(now, self.setup(member), secrets, records, rng)
    }
}

impl Cluster {
    /// `size` guardians with the default threshold, connected, with stores that are not new.
    pub(crate) fn new(size: u16, seed: u64) -> Self {
        let mut cluster = Self::unconnected(size, seed);
        let all: Vec<usize> = cluster.processes.keys().copied().collect();
        for index in all {
            cluster.connect(index);
        }
        cluster.deliver();
        cluster
    }

    /// The same, not connected.
    pub(crate) fn unconnected(size: u16, seed: u64) -> Self {
        let mut cluster = Self {
            dealt: Dealt::new(size, default_threshold(size), seed),
            processes: BTreeMap::new(),
            now: Timestamp(1_000_000),
            rng: ChaCha20Rng::seed_from_u64(seed + 1),
            queue: VecDeque::new(),
            tamper: Box::new(|_, _, bytes| Some(bytes)),
            started: 0,
            finalized: FIRST,
            deceived: (member(1), |_| ()),
        };
        for member in MemberId::first(size) {
            cluster.start(member, vec![Record::Floor { epoch: Epoch(0) }]);
        }
        cluster
    }

    /// Starts a process of `member`; returns which. It is not connected yet.
    pub(crate) fn start(&mut self, member: MemberId, records: Vec<Record>) -> usize {
        let guardian = self.dealt.restore(self.now, member, records.clone(), &mut self.rng).unwrap();
        let index = self.started;
        self.started += 1;
        self.processes.insert(
            index,
            Process { member, guardian, log: Log(records), events: Vec::new(), dossiers: Vec::new(), asked: 0 },
        );
        index
    }

    /// Ends a process; returns its records.
    pub(crate) fn stop(&mut self, index: usize) -> Vec<Record> {
        self.processes.remove(&index).unwrap().log.0
    }

    /// Everybody sees `index` connect, and it everybody else.
    pub(crate) fn connect(&mut self, index: usize) {
        let me = self.processes[&index].member;
        let others: Vec<(usize, MemberId)> = self.processes.iter().map(|(i, p)| (*i, p.member)).collect();
        for (other, member) in others.into_iter().filter(|(_, member)| *member != me) {
            self.step(other, Input::PeerUp(me));
            self.step(index, Input::PeerUp(member));
        }
    }

    /// What happens to messages from now on.
    pub(crate) fn tamper(&mut self, tamper: impl FnMut(MemberId, MemberId, Vec<u8>) -> Option<Vec<u8>> + 'static) {
        self.tamper = Box::new(tamper);
    }

    /// From now on, what `member` reads is changed so.
    pub(crate) fn deceive(&mut self, member: MemberId, how: fn(&mut Reading)) {
        self.deceived = (member, how);
    }

    /// Something new is final; everybody looks, and everything that follows at once happens.
    pub(crate) fn finalize(&mut self) -> Epoch {
        self.finalized += 1;
        for index in self.all() {
            self.step(index, Input::Nudged);
        }
        self.deliver();
        Epoch(self.finalized)
    }

    /// Time passes in one leap, and everything that follows happens.
    pub(crate) fn pass(&mut self, time: Duration) {
        self.now = self.now.after(time);
        for index in self.all() {
            self.step(index, Input::Woke);
        }
        self.deliver();
    }

    /// Delivers messages until there are none.
    pub(crate) fn deliver(&mut self) {
        while let Some((from, to, bytes)) = self.queue.pop_front() {
            let Some(receiver) = self.processes.get(&to).map(|process| process.member) else { continue };
            let sender = member(u16::try_from(from).unwrap());
            if let Some(bytes) = (self.tamper)(sender, receiver, bytes) {
                self.step(to, Input::Heard { from: sender, bytes });
            }
        }
    }

    pub(crate) fn all(&self) -> Vec<usize> {
        self.processes.keys().copied().collect()
    }

    /// One step of one process; questions are answered at once.
    pub(crate) fn step(&mut self, index: usize, input: Input) {
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            let Some(process) = self.processes.get_mut(&index) else { return };
            let mut fx = Effects::default();
            process.guardian.step(self.now, input, &mut self.rng, &mut fx);
            let released = fx.commit(&mut process.log).unwrap();
            process.events.extend(released.events);
            process.dossiers.extend(released.dossiers);
            let sender = process.member;
            process.asked += released.queries.len();
            for (id, query) in released.queries {
                let mut reading = answer(&query, self.finalized, &self.dealt.committee);
                if sender == self.deceived.0 {
                    (self.deceived.1)(&mut reading);
                }
                inputs.push(Input::Read(Answers { id, answers: vec![(ProviderId(0), Ok(reading))] }));
            }
            for outgoing in released.messages {
                self.send(index, sender, &outgoing);
            }
        }
    }

    /// To all processes that the message is for; also to both of a member that runs two.
    fn send(&mut self, from: usize, sender: MemberId, outgoing: &Outgoing) {
        let bytes = outgoing.envelope.encode();
        for (to, process) in self.processes.iter().filter(|(to, _)| **to != from) {
            let meant = match outgoing.to {
                Recipient::All => true,
                Recipient::One(one) => one == process.member,
            };
            if meant && process.member != sender {
                self.queue.push_back((usize::from(sender.get()), *to, bytes.clone()));
            }
        }
    }

    /// A message that `author` signs although its guardian did not say it.
    pub(crate) fn forge(&self, author: MemberId, message: Message) -> Vec<u8> {
        Envelope::seal(author, message, &self.dealt.committee, &self.dealt.identity(author)).encode()
    }

    /// How many processes know the committee's signature for the duty of `period`.
    pub(crate) fn signed(&self, period: Epoch) -> usize {
        let is_signed = |id: &DutyId| id.period == period;
        self.count(|event| matches!(event, Event::Signed { id, .. } if is_signed(id)))
    }

    /// How many processes told of such an event.
    pub(crate) fn count(&self, matches: impl Fn(&Event) -> bool) -> usize {
        self.processes.values().filter(|process| process.events.iter().any(&matches)).count()
    }

    /// All events of all processes.
    pub(crate) fn events(&self) -> impl Iterator<Item = &Event> {
        self.processes.values().flat_map(|process| &process.events)
    }
}

/// An honest provider of a chain on which a report is due in every epoch, and nothing else ever.
fn answer(query: &Query, finalized: u64, committee: &Committee) -> Reading {
    let block = BlockRef { number: finalized, hash: [7; 32].into(), timestamp: finalized };
    match query {
        Query::Finalized => Reading::Finalized(Some(Checkpoint {
            epoch: Epoch(finalized),
            root: [u8::try_from(finalized % 256).unwrap(); 32].into(),
            block_slot: Slot(finalized * 8),
            state_root: [0; 32].into(),
            execution: None,
        })),
        Query::Chain(_) => Reading::Chain(Box::new(ChainView {
            block,
            policy: Policy {
                ejection_threshold: 0,
                report_period: 1,
                vaults: vec![([9; 20].into(), 1_000_000_000_000)],
                pods: Vec::new(),
                liabilities: 0,
            },
            accepted: accepted(finalized),
            key_epoch: KeyEpoch(1),
            group_key: committee.group_key(),
        })),
        Query::Events { .. } => Reading::Events(Vec::new()),
        Query::Validators { .. } => Reading::Validators(Vec::new()),
        Query::Landed => {
            let reached = accepted(finalized);
            Reading::Landed(Landed { head: reached, finalized: reached })
        }
    }
}

/// The contract has the report of the epoch before; at the beginning, nothing is due.
fn accepted(finalized: u64) -> Accepted {
    Accepted { reserves: Slot((finalized - 1).max(FIRST) * 8), ..Accepted::default() }
}
