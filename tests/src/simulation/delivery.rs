//! How things under way reach whom they are meant for, and what a step leads to.

use super::{
    chain::network,
    invariants::{Scene, Violation, violation},
    keys::Keys,
    liar::Liar,
    memories,
    process::{Process, ProcessId},
    scenario::Sabotage,
    world::{Item, Node, PROVIDERS, Reach, World},
};
use futures::executor::block_on;
use guardian_chain::{AccountKey, Endpoint, Limits, Sender, SenderConfig};
use guardian_protocol::{
    AccountOrder, Answers, Call, Contracts, Envelope, Event, ExitEvent, ExitRequest, Input, MemberId, Outgoing,
    ProviderId, ProviderQuorum, ReadFailure, Reading, Recipient, Released, RequestOutcome, SignedExit,
    testing::{self, Message, Reminder},
};
use std::{num::NonZeroUsize, rc::Rc};

/// Messages to everybody that somebody keeps, the first of a run.
const ARCHIVE: usize = 400;

/// What one provider says.
type Answer = (ProviderId, Result<Reading, ReadFailure>);

/// The place of an answer without which enough of the others are the same.
fn dispensable(answers: &[Answer]) -> Option<usize> {
    let k = ProviderQuorum::majority(answers.len());
    let said = |without: usize| {
        let others = answers.iter().enumerate().filter(move |(place, _)| *place != without);
        others.filter_map(|(_, (_, answer))| answer.as_ref().ok())
    };
    let settled = |without: &usize| said(*without).any(|one| said(*without).filter(|other| *other == one).count() >= k);
    (0..answers.len()).find(settled)
}

/// What really asks a guardian's account; it is connected to nothing.
fn account_of(member: MemberId, contracts: Contracts) -> Result<Sender, String> {
    let (key, _) = testing::account(member.get());
    let key = AccountKey::from_bytes(key.expose()).map_err(|error| error.to_string())?;
    let url = "http://127.0.0.1:1".parse().map_err(|_| "no address".to_owned())?;
    let nowhere = [Endpoint::new("nowhere", url)];
    Sender::new(SenderConfig::default(), Limits::default(), &nowhere, &network(), contracts, key)
        .map_err(|error| error.to_string())
}

impl World<'_> {
    pub(super) fn arrive(&mut self, item: Item) -> Result<(), Violation> {
        match item {
            Item::Message { from, by, to, bytes } => {
                let cut = |member| self.nodes.get(&member).is_none_or(|node: &Node| node.cut_off);
                if cut(from) || cut(to) {
                    return Ok(());
                }
                self.ears(to, by).into_iter().try_for_each(|id| self.hear(id, from, &bytes))
            }
            Item::Answers { to, id, query } => {
                let Some(member) = self.processes.get(&to).map(Process::member) else { return Ok(()) };
                let Some(node) = self.nodes.get(&member) else { return Ok(()) };
                let blind = self.sabotage == Sabotage::EverybodyLooksLow && self.keys.members().next() == Some(member);
                let (lying, lacking) = (node.lying, node.lacking);
                let reads_books = self.sabotage != Sabotage::BooksAreNotRead;
                let mut answers: Vec<Answer> = (0..PROVIDERS)
                    .map(|provider| {
                        let lie = if blind { -1_000_000_000 } else { i64::from(provider < lying) * 1_000 };
                        let mut answer = self.chain.answer(&query, lie);
                        match &mut answer {
                            Ok(Reading::Events(page)) if provider < lacking => page.events.clear(),
                            Ok(Reading::Chain(view)) if !reads_books => view.active_validators = None,
                            _ => {}
                        }
                        (ProviderId(provider), answer)
                    })
                    .collect();
                if self.below(4) == 0
                    && let Some(late) = dispensable(&answers)
                {
                    // The readers wait for nobody when enough say the same.
                    let late = Answers { id, answers: vec![answers.remove(late)] };
                    self.bag.push(Item::LateAnswers { to, answers: late });
                }
                self.step(to, Input::Read(Answers { id, answers }))
            }
            Item::LateAnswers { to, answers } if self.processes.contains_key(&to) => {
                self.step(to, Input::Read(answers))
            }
            Item::LateAnswers { .. } => Ok(()),
            Item::Submit { from, signed } => {
                let outcome = self.chain.submit(&signed);
                let id = signed.id();
                self.note(|| format!("{id} submitted by {from}: {outcome:?}"));
                self.bag.push(Item::Outcome { to: from, id, outcome });
                Ok(())
            }
            Item::Outcome { to, id, outcome } => self.step(to, Input::Called { id, outcome }),
            Item::RequestExit { from, request } => self.request_exit(from, &request),
            Item::RequestOutcome { to, order, index, outcome } => {
                self.step(to, Input::Requested { order, index, outcome })
            }
            Item::Attest { to, order } => self.ask_account(to, &order),
            Item::Exit { from, exit } => self.publish_exit(from, exit),
            Item::Job { to, job } => {
                let computed = job.run(NonZeroUsize::MIN, &mut self.rng);
                self.step(to, Input::Computed(computed))
            }
        }
    }

    /// The account of a guardian signs, unless its remote signer is down, as it is now and then.
    fn ask_account(&mut self, to: ProcessId, order: &AccountOrder) -> Result<(), Violation> {
        let Some(member) = self.processes.get(&to).map(Process::member) else { return Ok(()) };
        let outcome = if self.faults.crashes && self.now.0.is_multiple_of(5) {
            Err("no answer".to_owned())
        } else {
            account_of(member, self.chain.contracts())
                .and_then(|account| block_on(account.attest(order)).map_err(|error| error.to_string()))
        };
        self.tally.attested += u64::from(outcome.is_ok());
        self.step(to, Input::Attested { id: order.id(), outcome })
    }

    /// An exit reaches the beacon nodes.
    fn publish_exit(&mut self, from: ProcessId, exit: SignedExit) -> Result<(), Violation> {
        let refusal = self.chain.publish(&exit);
        self.note(|| format!("exit of {} published: {refusal:?}", exit.index));
        self.step(from, Input::Published { index: exit.index, said: vec![(ProviderId(0), refusal)] })
    }

    /// Somebody pays for the request of an exit, and hears of it unless it dies before.
    fn request_exit(&mut self, from: ProcessId, request: &ExitRequest) -> Result<(), Violation> {
        let outcome = self.chain.request(request);
        let (order, index) = (request.order.digest(), request.index);
        self.note(|| format!("exit of {index} requested by {from}: {outcome:?}"));
        self.chain.one_request_each()?;
        let payer = self.processes.get(&from).map(Process::member);
        if let Some(payer) = payer.filter(|_| self.chain.requests.troubles.payer_dies) {
            self.crash(payer)?;
            return self.revive();
        }
        self.bag.push(Item::RequestOutcome { to: from, order, index, outcome });
        Ok(())
    }

    /// A message reaches a process. One that is shown a vote of its own that it does not account for waits from there on.
    fn hear(&mut self, id: ProcessId, from: MemberId, bytes: &Rc<[u8]>) -> Result<(), Violation> {
        let Some(process) = self.processes.get(&id) else { return Ok(()) };
        let reminded = self.memories.hears(id, process, from, bytes);
        self.step(id, Input::Heard { from, bytes: bytes.to_vec() })?;
        let Some(process) = self.processes.get(&id).filter(|_| reminded) else { return Ok(()) };
        self.tally.reminded += 1;
        if memories::waits(process) || !self.memories.is_reminded(id, process) {
            return Ok(());
        }
        violation("a_store_that_was_set_back_is_noticed", format!("{}{id} goes on", process.member()))
    }

    /// Which processes of `member` something reaches that `by` sends to it. Nobody hears itself.
    fn ears(&mut self, member: MemberId, by: Option<ProcessId>) -> Vec<ProcessId> {
        let mut running = self.nodes.get(&member).map(|node| node.processes.clone()).unwrap_or_default();
        running.retain(|id| Some(*id) != by);
        if running.len() < 2 {
            return running;
        }
        let one = match (self.reach, by) {
            (Reach::Linked, Some(by)) => {
                let linked = self.links.get(&(by, member)).filter(|id| running.contains(id));
                linked.or(running.first()).copied()
            }
            _ => running.get(self.below(running.len() + 1)).copied(),
        };
        one.map_or(running, |one| vec![one])
    }

    /// One step of one brain, if it still runs; what comes out goes into the bag.
    pub(super) fn step(&mut self, id: ProcessId, input: Input) -> Result<(), Violation> {
        let Some(process) = self.processes.get_mut(&id) else { return Ok(()) };
        let member = process.member();
        let commands = usize::from(matches!(input, Input::Operator(_)));
        match process.step(self.now, input) {
            Ok(released) if released.replies.len() != commands => {
                let detail = format!("{member} says {:?} to {commands} commands", released.replies);
                violation("every_command_has_one_answer", detail)
            }
            Ok(released) => self.release(id, member, released),
            Err(_) => {
                violation("no_two_digests_for_one_duty", format!("the store of {member} refused a second digest"))
            }
        }
    }

    /// Checks what a brain wants done, and does it.
    pub(super) fn release(&mut self, id: ProcessId, member: MemberId, released: Released) -> Result<(), Violation> {
        for outgoing in &released.messages {
            let message = outgoing.envelope.message();
            if let Some(boot) = message.boot() {
                self.lives.speaks(id, boot);
                self.count_start(member, id, boot.number)?;
            }
            self.oracle.see((member, id), message, &mut self.tally)?;
        }
        self.judge(id, member, &released)?;
        for event in &released.events {
            match event {
                Event::Quarantined { member, .. } => self.lives.notices(id, *member, true),
                Event::QuarantineLifted { member } => self.lives.notices(id, *member, false),
                _ => {}
            }
        }
        let now = self.now;
        if let Some(log) = &mut self.log {
            log.extend(released.replies.iter().map(|reply| format!("{} {member}{id}: {reply:?}", now.0)));
            log.extend(released.events.iter().map(|event| format!("{} {member}{id}: {event:?}", now.0)));
        }
        self.hear_of_exits(&released.events);
        self.bag.extend(released.queries.into_iter().map(|(query_id, query)| Item::Answers {
            to: id,
            id: query_id,
            query,
        }));
        self.bag.extend(released.calls.into_iter().map(|call| match call {
            Call::Submit(signed) => Item::Submit { from: id, signed: Box::new(signed) },
            Call::Attest(order) => Item::Attest { to: id, order },
            Call::PublishExit(exit) => Item::Exit { from: id, exit },
            Call::RequestExit(request) => Item::RequestExit { from: id, request },
        }));
        self.bag.extend(released.jobs.into_iter().map(|job| Item::Job { to: id, job }));
        for Outgoing { to, envelope } in released.messages {
            self.say(id, member, to, envelope);
        }
        Ok(())
    }

    /// Keeps what is told of validators' ways out.
    fn hear_of_exits(&mut self, events: &[Event]) {
        for event in events {
            let told = match event {
                Event::Exit(ExitEvent::Stuck { tried, .. }) => format!("stuck: {tried}"),
                Event::Exit(ExitEvent::Requested { outcome, .. }) => match outcome {
                    RequestOutcome::Included { fee, .. } => format!("requested for {fee} wei"),
                    RequestOutcome::AlreadyMade => "requested already".to_owned(),
                    RequestOutcome::Refused(why) => format!("refused: {why}"),
                    RequestOutcome::TooDear { .. } => "too dear".to_owned(),
                    RequestOutcome::Failed(why) => why.clone(),
                },
                Event::Exit(ExitEvent::Requesting { .. }) => {
                    self.tally.requests += 1;
                    continue;
                }
                _ => continue,
            };
            if self.requested.is_none() && !self.told.contains(&told) {
                self.told.push(told);
            }
        }
    }

    /// What a process is about to do, judged by all that is known of it.
    fn judge(&mut self, id: ProcessId, member: MemberId, released: &Released) -> Result<(), Violation> {
        if let (Some(process), Some(node)) = (self.processes.get(&id), self.nodes.get(&member)) {
            let unaware = if node.twinned {
                !self.memories.is_reminded(id, process)
            } else {
                node.set_back && !self.memories.was_reminded(id)
            };
            let (now, excused) = (process.time(self.now), node.deceived && unaware);
            let greeters = self.memories.greeters(id);
            let (liar, committee) = (self.liar.as_ref().map(Liar::member), self.keys.committee());
            let limit = self.hard_limit(member);
            let (chain, lives, stolen) = (&self.chain, &self.lives, &self.stolen);
            let policy = self.setup(member).exit_requests;
            let scene = Scene {
                policy,
                now,
                speaker: process,
                chain,
                committee,
                lives,
                liar,
                stolen,
                limit,
                excused,
                greeters,
            };
            self.invariants.check(member, released, &scene)?;
        }
        Ok(())
    }

    /// Sends what a process says, or what becomes of it.
    fn say(&mut self, id: ProcessId, member: MemberId, to: Recipient, mut envelope: Envelope) {
        if let Some(liar) = &mut self.liar {
            liar.listen(&envelope);
            if liar.member() == member {
                envelope = liar.tamper(envelope, self.keys, &mut self.rng);
            }
        }
        if self.sabotage == Sabotage::NothingIsGivenBack {
            envelope = give_nothing_back(envelope, self.keys);
        }
        if self.sabotage != Sabotage::ProbesAreLost || !matches!(envelope.message(), Message::Probe(_)) {
            self.send(member, Some(id), to, &envelope);
        }
    }

    /// Starts from disks that nobody set back have rising numbers.
    fn count_start(&mut self, member: MemberId, id: ProcessId, number: u64) -> Result<(), Violation> {
        let Some(node) = self.nodes.get_mut(&member) else { return Ok(()) };
        let rises = node.spoke.is_none_or(|(last, before)| last == id || number > before);
        node.spoke = Some((id, number));
        if rises || node.set_back || node.twinned {
            return Ok(());
        }
        violation("a_later_start_has_a_higher_number", format!("{member}{id} has number {number}, as one before it"))
    }

    /// Puts a message of `from`, or of its process `by`, into the bag.
    pub(super) fn send(&mut self, from: MemberId, by: Option<ProcessId>, to: Recipient, envelope: &Envelope) {
        let bytes: Rc<[u8]> = envelope.encode().into();
        if let Some(by) = by {
            let one = if let Recipient::One(one) = to { Some(one) } else { None };
            self.memories.sent(by, one, envelope.message(), &bytes);
        }
        if self.faults.replays && to == Recipient::All && self.archive.len() < ARCHIVE {
            self.archive.push((from, Rc::clone(&bytes)));
        }
        let runs_twice =
            self.reach == Reach::Scattered && self.nodes.get(&from).is_some_and(|node| node.processes.len() > 1);
        let addressed = |member: &MemberId| match to {
            Recipient::All => *member != from || runs_twice,
            Recipient::One(one) => *member == one,
        };
        let to = self.nodes.keys().copied().filter(addressed);
        self.bag.extend(to.map(|to| Item::Message { from, by, to, bytes: Rc::clone(&bytes) }));
    }
}

/// The same without what reminds the receiver of what it said before.
fn give_nothing_back(envelope: Envelope, keys: &Keys) -> Envelope {
    let sender = envelope.sender();
    match envelope.into_message() {
        Message::Greeting(mut greeting) => {
            greeting.yours = Reminder::default();
            Envelope::seal(sender, Message::Greeting(greeting), keys.committee(), &keys.identity(sender))
        }
        message => Envelope::seal(sender, message, keys.committee(), &keys.identity(sender)),
    }
}
