//! A committee of guardians, one queue of messages between them, and one honest provider.

mod provider;

pub(crate) use provider::CENSUS;

use alloy_primitives::Address;
use guardian_crypto::{
    account::AccountSignature,
    bls::{self, ExitShare, ShareCommitments},
    member::default_threshold,
};
use guardian_protocol::{
    AccountModule, Answers, BlsPubkey, BootId, Call, Dossier, DutyId, DutyKind, Effects, Envelope, Epoch, Event,
    Guardian, GuardianList, Gwei, Input, Job, KeyProposal, MemberId, Mode, OperatorCommand, OperatorReply, Outgoing,
    ProviderId, Reading, Recipient, Record, Secrets, Setup, Timestamp, ValidatorKey, ValidatorRecord,
    testing::{Dealt, Log, Message, SignedBoot, account, member, setup, validator},
};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    num::NonZeroUsize,
    time::Duration,
};

/// The oracle's own module, where accounts sign.
pub(crate) const MODULE: AccountModule = AccountModule { module: Address::repeat_byte(0x66), bound: false };

/// What is final at the beginning.
const FIRST: u64 = 8;

/// One process of one guardian.
pub(crate) struct Process {
    pub(crate) member: MemberId,
    pub(crate) guardian: Guardian,
    pub(crate) log: Log,
    pub(crate) events: Vec<Event>,
    pub(crate) dossiers: Vec<Dossier>,
    /// What it wanted done on the chains. Nothing of it is.
    pub(crate) calls: Vec<Call>,
    pub(crate) replies: Vec<OperatorReply>,
    /// Questions to providers so far.
    pub(crate) asked: usize,
    blind: bool,
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
    validators: Vec<Validator>,
    /// Orders that the registry has accepted: for which validator, of which period, and the block that shows it first.
    accepted: Vec<(usize, Epoch, u64)>,
    /// The period of an order that the registry has accepted and that no event shows.
    unseen: Option<Epoch>,
    /// The key that waits, and the number of the last proposal that does no more.
    pub(crate) proposal: Option<KeyProposal>,
    pub(crate) closed: u64,
    /// Whose provider lies, and how.
    deceived: (MemberId, fn(&mut Reading)),
    /// The accounts that sign counts, if they do; then a count is due, and a state tells it.
    pub(crate) accounts: Option<GuardianList>,
    /// Whose signer is down.
    pub(crate) unsigned: BTreeSet<MemberId>,
}

/// A validator of the protocol, provisioned in the first block after the beginning.
struct Validator {
    record: ValidatorRecord,
    shares: Vec<ExitShare>,
    commitments: ShareCommitments,
}

impl Validator {
    fn new(index: u64, balance: u64, dealt: &Dealt, rng: &mut ChaCha20Rng) -> Self {
        let (size, threshold) = (dealt.committee.size(), dealt.committee.threshold());
        let key = bls::SecretKey::interop(index).unwrap();
        let (size, threshold) = (u16::try_from(size).unwrap(), u16::try_from(threshold).unwrap());
        let (shares, commitments) = bls::dealer::split(&key, size, threshold, rng).unwrap();
        let pubkey = commitments.public_key().to_bytes().into();
        Self { record: ValidatorRecord { pubkey, ..validator(index, balance) }, shares, commitments }
    }

    fn key_of(&self, member: MemberId) -> (BlsPubkey, ValidatorKey) {
        let share = self.shares[usize::from(member.get()) - 1].to_secret_bytes();
        let share = ExitShare::import(member, share.expose(), &self.commitments).unwrap();
        (self.record.pubkey, ValidatorKey { share, commitments: self.commitments.clone() })
    }
}

impl Cluster {
    /// `size` guardians with the default threshold, connected, with stores that are not new.
    pub(crate) fn new(size: u16, seed: u64) -> Self {
        Self::with_validators(size, seed, &[])
    }

    /// The same; the protocol has validators with these balances.
    pub(crate) fn with_validators(size: u16, seed: u64, balances: &[u64]) -> Self {
        let mut cluster = Self::unconnected(size, seed, balances);
        for index in cluster.all() {
            cluster.connect(index);
        }
        cluster.deliver();
        cluster
    }

    /// The same, not connected.
    pub(crate) fn unconnected(size: u16, seed: u64, balances: &[u64]) -> Self {
        Self::build(size, seed, balances, None)
    }

    /// `size` guardians, connected, of whom the accounts with these numbers are on the list of the oracle's module, and `threshold` must sign.
    pub(crate) fn with_accounts(size: u16, seed: u64, numbers: &[u16], threshold: u64) -> Self {
        let guardians = numbers.iter().map(|number| account(*number).1).collect();
        let mut cluster = Self::build(size, seed, &[], Some(GuardianList { guardians, threshold }));
        for index in cluster.all() {
            cluster.connect(index);
        }
        cluster.deliver();
        cluster
    }

    fn build(size: u16, seed: u64, balances: &[u64], accounts: Option<GuardianList>) -> Self {
        let dealt = Dealt::new(size, default_threshold(size), seed);
        let mut rng = ChaCha20Rng::seed_from_u64(seed + 2);
        let validator = |(index, balance): (u64, &u64)| Validator::new(index, *balance, &dealt, &mut rng);
        let validators = (1..).zip(balances).map(validator).collect();
        let mut cluster = Self {
            dealt,
            processes: BTreeMap::new(),
            now: Timestamp(1_000_000),
            rng: ChaCha20Rng::seed_from_u64(seed + 1),
            queue: VecDeque::new(),
            tamper: Box::new(|_, _, bytes| Some(bytes)),
            started: 0,
            finalized: FIRST,
            validators,
            accepted: Vec::new(),
            unseen: None,
            proposal: None,
            closed: 0,
            deceived: (member(1), |_| ()),
            accounts,
            unsigned: BTreeSet::new(),
        };
        for member in MemberId::first(size) {
            cluster.start(member, vec![Record::Floor { epoch: Epoch(0), is_settled: true }]);
        }
        cluster
    }

    /// Starts a process of `member`; returns which. It is not connected yet.
    pub(crate) fn start(&mut self, member: MemberId, records: Vec<Record>) -> usize {
        self.start_as(member, records, |_| ())
    }

    /// The same, with other settings; whoever observes has no share.
    pub(crate) fn start_as(
        &mut self,
        member: MemberId,
        records: Vec<Record>,
        change: impl FnOnce(&mut Setup),
    ) -> usize {
        let mut setup = setup(self.dealt.committee.clone(), member);
        if self.accounts.is_some() {
            setup.contracts.accounts.insert(DutyKind::ValidatorCount, MODULE);
        }
        change(&mut setup);
        let validators = self.validators.iter().map(|validator| validator.key_of(member)).collect();
        let mut secrets = Secrets { validators, ..self.dealt.secrets(member) };
        if setup.mode == Mode::Observe {
            secrets.share = None;
        }
        let guardian = Guardian::restore(self.now, setup, secrets, records.clone(), &mut self.rng).unwrap();
        self.take(member, guardian, records)
    }

    /// The same with its last start known from outside of the store.
    pub(crate) fn start_after(&mut self, member: MemberId, last: u64, records: Vec<Record>) -> usize {
        let setup = setup(self.dealt.committee.clone(), member);
        let secrets = self.dealt.secrets(member);
        let guardian = Guardian::restore(self.now, setup, secrets, records.clone(), &mut self.rng).unwrap();
        self.take(member, guardian.after_start(last), records)
    }

    fn take(&mut self, member: MemberId, guardian: Guardian, records: Vec<Record>) -> usize {
        let index = self.started;
        self.started += 1;
        let process = Process {
            member,
            guardian,
            log: Log(records),
            events: Vec::new(),
            dossiers: Vec::new(),
            calls: Vec::new(),
            replies: Vec::new(),
            asked: 0,
            blind: false,
        };
        self.processes.insert(index, process);
        index
    }

    /// Ends a process and starts it again from its records, connected; returns its new place.
    pub(crate) fn restart(&mut self, index: usize) -> usize {
        self.restart_as(index, |_| ())
    }

    /// The same with another setup.
    pub(crate) fn restart_as(&mut self, index: usize, change: impl FnOnce(&mut Setup)) -> usize {
        let who = self.processes[&index].member;
        let records = self.stop(index);
        let again = self.start_as(who, records, change);
        self.connect(again);
        self.deliver();
        again
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

    /// What the operator of one process wants; what it is told.
    pub(crate) fn order(&mut self, index: usize, command: OperatorCommand) -> OperatorReply {
        let before = self.processes[&index].replies.len();
        self.step(index, Input::Operator(command));
        let replies = &self.processes[&index].replies;
        assert_eq!(replies.len(), before + 1, "one reply to one command");
        replies[before]
    }

    /// Something new is final; everybody looks, and everything that follows at once happens.
    pub(crate) fn finalize(&mut self) -> Epoch {
        self.finalize_at(self.finalized + 1)
    }

    /// The same, of this epoch.
    pub(crate) fn finalize_at(&mut self, epoch: u64) -> Epoch {
        self.finalized = epoch;
        for index in self.all() {
            self.step(index, Input::Nudged);
        }
        self.deliver();
        Epoch(self.finalized)
    }

    /// The registry accepts the order of `period`, which names all validators. It is seen when something new is final.
    pub(crate) fn accept(&mut self, period: Epoch) {
        let all: Vec<usize> = (0..self.validators.len()).collect();
        self.accept_of(period, &all);
    }

    /// The same of an order that names only these.
    pub(crate) fn accept_of(&mut self, period: Epoch, places: &[usize]) {
        let block = self.finalized + 1;
        self.accepted.extend(places.iter().map(|place| (*place, period, block)));
    }

    /// The registry has the order of `period` before anybody sees whom it names.
    pub(crate) fn accept_unseen(&mut self, period: Epoch) {
        self.unseen = Some(period);
    }

    /// The validators' public keys, in the order of their indices, which begin with 1.
    pub(crate) fn pubkey(&self, place: usize) -> BlsPubkey {
        self.validators[place].record.pubkey
    }

    /// It has this balance, gwei, from now on.
    pub(crate) fn set_balance(&mut self, place: usize, balance: u64) {
        self.validators[place].record.balance = Gwei(balance);
    }

    /// No provider answers this process, or all do again.
    pub(crate) fn blindfold(&mut self, index: usize, blind: bool) {
        self.processes.get_mut(&index).unwrap().blind = blind;
    }

    /// This process hears something.
    pub(crate) fn hear(&mut self, index: usize, from: MemberId, bytes: Vec<u8>) {
        self.step(index, Input::Heard { from, bytes });
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

    /// One step of one process; questions are answered and jobs done at once.
    pub(crate) fn step(&mut self, index: usize, input: Input) {
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            let mut fx = Effects::default();
            let Some(process) = self.processes.get_mut(&index) else { return };
            process.guardian.step(self.now, input, &mut self.rng, &mut fx);
            let released = fx.commit(&mut process.log).unwrap();
            process.events.extend(released.events);
            process.dossiers.extend(released.dossiers);
            let member = process.member;
            let orders = released.calls.iter().filter_map(|call| match call {
                Call::Attest(order) => Some(order.clone()),
                Call::Submit(_) | Call::PublishExit(_) | Call::RequestExit(_) => None,
            });
            let unsigned = &self.unsigned;
            inputs.extend(orders.map(|order| {
                let outcome = match unsigned.contains(&member) {
                    true => Err("the signer does not answer".to_owned()),
                    false => Ok(AccountSignature::sign(&account(member.get()).0, &order.digest().0).unwrap().0),
                };
                Input::Attested { id: order.id(), outcome }
            }));
            process.calls.extend(released.calls);
            process.replies.extend(released.replies);
            let sender = process.member;
            process.asked += released.queries.len();
            let blind = process.blind;
            for (id, query) in released.queries.into_iter().filter(|_| !blind) {
                let mut reading = self.answer(&query);
                if sender == self.deceived.0 {
                    (self.deceived.1)(&mut reading);
                }
                inputs.push(Input::Read(Answers { id, answers: vec![(ProviderId(0), Ok(reading))] }));
            }
            let run = |job: Job| Input::Computed(job.run(NonZeroUsize::MIN, &mut self.rng));
            inputs.extend(released.jobs.into_iter().map(run));
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

    /// A start that `owner` signs although its guardian has none such.
    pub(crate) fn start_of(&self, owner: MemberId, boot: BootId) -> SignedBoot {
        SignedBoot::seal(boot, &self.dealt.committee, &self.dealt.identity(owner))
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
