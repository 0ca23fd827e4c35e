//! What must hold after every event. Each invariant has a name, and a violation says which one fired.

use super::{chain::Chain, lives::Lives, operators::validators, process::Process, thief::Stolen};
use alloy::primitives::B256;
use guardian_protocol::{
    Call, Committee, DutyId, DutyKind, Event, ExitEvent, ExitRequest, ExitRequestPolicy, MemberId, Record, Released,
    Signed, Timestamp, ValidatorIndex,
    testing::{self, AttestedDuty, Message},
};
use std::collections::{BTreeMap, BTreeSet};

/// A broken invariant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {detail}")]
pub struct Violation {
    /// Which invariant.
    pub name: &'static str,
    /// What broke it.
    pub detail: String,
}

/// What has been said so far, by whom, across all starts, disks and doppelgangers of a member.
#[derive(Debug, Default)]
pub struct Invariants {
    announced: BTreeMap<(MemberId, DutyId), B256>,
    votes: BTreeMap<(DutyId, B256), BTreeSet<MemberId>>,
    signed: BTreeMap<DutyId, B256>,
    /// The validators that duties order out, as those say who decided them.
    orders: BTreeMap<(DutyId, B256), BTreeSet<ValidatorIndex>>,
    /// Submissions by duty.
    pub submitted: BTreeMap<DutyId, usize>,
    /// Members that announced a second digest for a duty and are excused.
    pub double_votes: BTreeSet<MemberId>,
}

/// What an event is judged against.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// The time.
    pub now: Timestamp,
    /// Who speaks, with what it has on its disk at this moment.
    pub speaker: &'a Process,
    /// Both chains.
    pub chain: &'a Chain,
    /// Who must act together.
    pub committee: &'a Committee,
    /// Who lived when.
    pub lives: &'a Lives,
    /// Who lies.
    pub liar: Option<MemberId>,
    /// What was signed by who has stolen the key.
    pub stolen: &'a Stolen,
    /// How many validators the speaker's operator lets go in an epoch without its word.
    pub limit: Option<usize>,
    /// Whether the speaker may vote twice: its disk was set back or it ran twice, *and* most of its providers lied alike, *and* nobody
    /// has reminded it. Nothing that it knows then tells it from a guardian that never voted.
    pub excused: bool,
    /// How many members have greeted the speaker.
    pub greeters: usize,
    /// What may be paid for requests of exits.
    pub policy: ExitRequestPolicy,
}

impl Invariants {
    /// Checks everything that `member` is about to do.
    ///
    /// # Errors
    /// The first invariant that breaks.
    pub fn check(&mut self, member: MemberId, released: &Released, scene: &Scene<'_>) -> Result<(), Violation> {
        for dossier in &released.dossiers {
            self.orders.insert((dossier.duty.id(), dossier.digest), validators(&dossier.duty));
        }
        for message in &released.messages {
            self.message(member, message.envelope.message(), scene)?;
        }
        for call in &released.calls {
            if let Call::Submit(signed) = call {
                *self.submitted.entry(signed.id()).or_default() += 1;
                self.signed(signed, scene)?;
                within_limits(member, &validators(signed.duty()), scene)?;
                let restraints = scene.speaker.restraints();
                if restraints.miss_the_word_for(signed.id().kind, signed.digest()) {
                    let detail = format!("{member} submits {} unasked", signed.id());
                    return violation("nothing_goes_on_without_the_word_that_it_needs", detail);
                }
                if restraints.hold(scene.now, signed.id().kind) || restraints.refuse(signed.digest()) {
                    return violation("nothing_is_submitted_while_held", format!("{member} submits {}", signed.id()));
                }
            }
        }
        for call in &released.calls {
            if let Call::RequestExit(request) = call {
                requested(member, request, scene)?;
            }
        }
        for dossier in &released.dossiers {
            let replay = dossier.replay();
            if !replay.holds() {
                return violation("every_dossier_decides_its_duty_again", format!("{member}: {replay:?}"));
            }
        }
        released.events.iter().try_for_each(|event| judged(member, event, scene))
    }

    fn message(&mut self, member: MemberId, message: &Message, scene: &Scene<'_>) -> Result<(), Violation> {
        let records = scene.speaker.disk().records();
        let decided = |id: DutyId| records.iter().any(|r| matches!(r, Record::Decided { id: i, .. } if *i == id));
        let signed = |id: DutyId| {
            records
                .iter()
                .any(|r| matches!(r, Record::Signed { duty, .. } | Record::Attested { duty, .. } if duty.id() == id))
        };
        let recorded = match message {
            Message::Announcement(announcement) => {
                free(member, announcement.duty, scene)?;
                self.limited(member, announcement.duty, scene)?;
                self.announced(member, announcement.duty, announcement.digest, scene)?;
                decided(announcement.duty)
            }
            Message::Share(share) => {
                free(member, share.duty, scene)?;
                self.limited(member, share.duty, scene)?;
                decided(share.duty)
            }
            Message::Package(package) => decided(package.duty),
            Message::Signed(duty) => signed(duty.duty.id()),
            Message::Attested(attested) => {
                let id = attested.duty.id();
                if !signed(id) {
                    self.attested(member, attested, scene)?;
                }
                decided(id) || signed(id)
            }
            Message::PartialExits(exits) => signed(exits.duty),
            Message::Fault(fault) => records.iter().any(|r| matches!(r, Record::Fault { fault: f, .. } if f == fault)),
            Message::Greeting(_)
            | Message::Probe(_)
            | Message::Alive(_)
            | Message::Inquiry(_)
            | Message::Finding(_)
            | Message::Holdings(_)
            | Message::Introduction(_) => true,
        };
        if recorded {
            Ok(())
        } else {
            violation("nothing_is_sent_before_its_record", format!("{member} sends a {}", message.as_str()))
        }
    }

    /// What `member` tells of accounts' signatures is the truth, and among them is its own only for what it decided itself.
    fn attested(&self, member: MemberId, attested: &AttestedDuty, scene: &Scene<'_>) -> Result<(), Violation> {
        let id = attested.duty.id();
        free(member, id, scene)?;
        let digest = scene.chain.digest(&attested.duty);
        let records = scene.speaker.disk().records();
        let own = testing::account(member.get()).1;
        let signers = attested.signatures.iter().filter_map(|signature| signature.account(&digest.0).ok());
        let is_ours = signers.into_iter().any(|account| account == own);
        let decided = |r: &Record| matches!(r, Record::Decided { id: i, digest: d } if *i == id && *d == digest);
        if is_ours && !records.iter().any(decided) {
            return violation("nothing_is_signed_that_was_not_decided", format!("{member}'s account signs {id}"));
        }
        let votes = self.votes.get(&(id, digest)).map_or(0, BTreeSet::len);
        if is_ours && votes < scene.committee.threshold() {
            return violation("no_signature_without_quorum", format!("{id} was announced by {votes}"));
        }
        if is_ours && !scene.chain.is_true(&attested.duty) {
            return violation("no_lie_is_signed", format!("{:?}", attested.duty));
        }
        Ok(())
    }

    /// What `member` decided for `id` is within its operator's limits.
    fn limited(&self, member: MemberId, id: DutyId, scene: &Scene<'_>) -> Result<(), Violation> {
        let digest = |record: &Record| match record {
            Record::Decided { id: of, digest } if *of == id => Some(*digest),
            _ => None,
        };
        let digest = scene.speaker.disk().records().iter().find_map(digest);
        let order = digest.and_then(|digest| self.orders.get(&(id, digest)));
        order.map_or(Ok(()), |order| within_limits(member, order, scene))
    }

    fn announced(&mut self, member: MemberId, id: DutyId, digest: B256, scene: &Scene<'_>) -> Result<(), Violation> {
        if scene.greeters.saturating_add(1) < scene.committee.threshold() {
            let detail = format!("{member} announces {id} after {} greetings", scene.greeters);
            return violation("nobody_votes_before_it_could_be_reminded", detail);
        }
        let first = *self.announced.entry((member, id)).or_insert(digest);
        if first != digest && !scene.excused {
            let detail = format!("{member} announced {first} and {digest} for {id}");
            return violation("no_two_digests_for_one_duty", detail);
        }
        if first != digest {
            self.double_votes.insert(member);
        }
        self.votes.entry((id, digest)).or_default().insert(member);
        Ok(())
    }

    fn signed(&mut self, signed: &Signed, scene: &Scene<'_>) -> Result<(), Violation> {
        let (id, digest) = (signed.id(), signed.digest());
        // A guardian that pays for it can't know; that nothing worse follows is judged elsewhere.
        if scene.stolen.has(digest) {
            return Ok(());
        }
        let votes = self.votes.get(&(id, digest)).map_or(0, BTreeSet::len);
        if votes < scene.committee.threshold() {
            return violation("no_signature_without_quorum", format!("{id} was announced by {votes}"));
        }
        if !scene.chain.is_true(signed.duty()) {
            return violation("no_lie_is_signed", format!("{:?}", signed.duty()));
        }
        let first = *self.signed.entry(id).or_insert(digest);
        if first != digest {
            return violation("no_two_signatures_for_one_duty", format!("{first} and {digest} for {id}"));
        }
        Ok(())
    }
}

/// The operator of `member` neither holds duties like this one, nor refuses what `member` signs for it.
fn free(member: MemberId, id: DutyId, scene: &Scene<'_>) -> Result<(), Violation> {
    let restraints = scene.speaker.restraints();
    if restraints.hold(scene.now, id.kind) {
        return violation("nothing_is_announced_while_held", format!("{member} goes on with {id}"));
    }
    let refused =
        |record: &Record| matches!(record, Record::Decided { id: i, digest } if *i == id && restraints.refuse(*digest));
    let unasked = |record: &Record| matches!(record, Record::Decided { id: i, digest } if *i == id && restraints.miss_the_word_for(id.kind, *digest));
    if scene.speaker.disk().records().iter().any(unasked) {
        let detail = format!("{member} goes on with {id} unasked");
        return violation("nothing_goes_on_without_the_word_that_it_needs", detail);
    }
    if scene.speaker.disk().records().iter().any(refused) {
        return violation("nothing_is_announced_that_is_refused", format!("{member} goes on with {id}"));
    }
    Ok(())
}

/// An order over `validators` is within the limits of the operator of `member`, or was released by it.
fn within_limits(member: MemberId, validators: &BTreeSet<ValidatorIndex>, scene: &Scene<'_>) -> Result<(), Violation> {
    match scene.limit {
        Some(limit) if !scene.speaker.restraints().free(validators, limit) => {
            violation("nothing_goes_on_beyond_a_hard_limit", format!("{member} goes on with {validators:?}"))
        }
        Some(_) | None => Ok(()),
    }
}

/// A request is on the disk of who pays for it, and rests on everything that a part of an exit rests on, and more.
fn requested(member: MemberId, request: &ExitRequest, scene: &Scene<'_>) -> Result<(), Violation> {
    let (index, digest) = (request.index, request.order.digest());
    let is_recorded =
        |record: &Record| matches!(record, Record::ExitRequest { order, paid: None, .. } if *order == digest);
    if !scene.speaker.disk().records().iter().any(is_recorded) {
        return violation("nothing_is_paid_before_its_record", format!("{member} requests the exit of {index}"));
    }
    within_limits(member, &[index].into(), scene)?;
    let lacks = |what: &str| {
        let detail = format!("{member} requests the exit of {index}: {what}");
        violation("no_request_without_everything_that_a_part_needs", detail)
    };
    let restraints = scene.speaker.restraints();
    if restraints.hold(scene.now, DutyKind::Ejection) || restraints.refuse(digest) {
        return lacks("held");
    }
    let Some(epoch) = scene.speaker.guardian().status().observed else { return lacks("nothing was read") };
    if !scene.chain.lets_go(index, epoch) {
        return lacks("it need not leave");
    }
    if scene.chain.requests.are_pending(epoch.0) {
        return lacks("a withdrawal is pending");
    }
    let pubkey = scene.chain.pubkeys().nth(usize::try_from(index.0).unwrap_or(usize::MAX));
    if pubkey.is_some_and(|pubkey| scene.chain.was_requested(&pubkey, epoch.0)) {
        return lacks("a finalized block shows that it was requested");
    }
    if request.max_fee > scene.policy.fee_ceiling {
        return lacks("more than may be paid");
    }
    Ok(())
}

/// Judgements of guardians about each other: proofs hold and are only ever against who lies, and only who ran twice is found to.
fn judged(member: MemberId, event: &Event, scene: &Scene<'_>) -> Result<(), Violation> {
    match event {
        Event::Culprit { member: blamed, id, fault } => {
            let proven = fault.verify(scene.committee).map(|(culprit, duty)| (Some(culprit), duty));
            if proven != Ok((scene.liar, *id)) || Some(*blamed) != scene.liar {
                let detail = format!("{member} blames {blamed} for {id}, with proof for {proven:?}");
                return violation("honest_guardians_are_never_blamed", detail);
            }
        }
        Event::Observed { checkpoint, .. }
            if scene.speaker.guardian().status().validators as u64
                != scene.chain.provisioned_at(checkpoint.epoch.0) =>
        {
            let known = scene.speaker.guardian().status().validators;
            let detail = format!("{member} observes epoch {} with {known} validators", checkpoint.epoch);
            return violation("nothing_is_observed_with_events_left_out", detail);
        }
        Event::Quarantined { member: doppelgangers, boots: Some(boots) }
            if !scene.lives.overlapped(*doppelgangers, *boots) =>
        {
            return violation(
                "a_restart_is_never_taken_for_a_doppelganger",
                format!("{member} quarantines {doppelgangers}"),
            );
        }
        Event::Exit(ExitEvent::PartReleased { index, .. })
            if scene.speaker.restraints().hold(scene.now, DutyKind::Ejection) =>
        {
            return violation("no_part_of_an_exit_is_given_while_held", format!("{member} gives its part for {index}"));
        }
        Event::Exit(ExitEvent::PartReleased { index, .. }) => {
            within_limits(member, &[*index].into(), scene)?;
            let observed = scene.speaker.guardian().status().observed;
            if !observed.is_some_and(|epoch| scene.chain.lets_go(*index, epoch)) {
                let detail = format!("{member} gives its part for {index}, having read epoch {observed:?}");
                return violation("no_part_for_who_need_not_leave", detail);
            }
        }
        _ => {}
    }
    Ok(())
}

/// A broken invariant called `name`.
///
/// # Errors
/// Always: it is one.
pub fn violation<T>(name: &'static str, detail: String) -> Result<T, Violation> {
    Err(Violation { name, detail })
}
