//! The loop: one input, one step, one commit, then the effects. It runs on a thread of its own, because steps compute and commits
//! wait for the disk; nothing else ever touches the brain.

use crate::{
    hint::Hinted,
    metrics::Metrics,
    observers::Observers,
    operator::{Answer, Asked, Request},
    perform::Performer,
    start_mark::StartMark,
    store::Store,
    supervisor::Supervisor,
};
use eyre::Result;
use guardian_protocol::{
    Effects, Guardian, Input, OperatorCommand, OperatorRefusal, OperatorReply, Status, Timestamp, Watched,
};
use rand_core::OsRng;
use std::{
    sync::Arc,
    time::{Instant, SystemTime, UNIX_EPOCH},
};
use tokio::{
    runtime::Handle,
    sync::{mpsc, oneshot, watch},
};
use tokio_util::sync::CancellationToken;

/// Everything that the loop owns.
#[derive(Debug)]
pub(crate) struct Driver {
    pub(crate) guardian: Guardian,
    pub(crate) store: Store,
    pub(crate) inputs: mpsc::Receiver<Input>,
    pub(crate) requests: mpsc::Receiver<Asked>,
    pub(crate) performer: Performer,
    pub(crate) observers: Observers,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) status: watch::Sender<Status>,
    /// What was observed last, for pages.
    pub(crate) watched: watch::Sender<Option<Watched>>,
    pub(crate) clock: Clock,
    /// Where this start is to be marked, as soon as the store has it and before anything is said.
    pub(crate) mark: Option<StartMark>,
}

/// The end of a wait.
enum Next {
    Stop,
    Input(Input),
    Operator(Request, oneshot::Sender<Answer>),
}

impl Driver {
    /// Runs until told to stop.
    ///
    /// # Errors
    /// If the store fails: what is not durable must not be spoken of, so there is nothing left to do.
    pub(crate) fn run(mut self, runtime: &Handle, stop: &CancellationToken) -> Result<()> {
        let (mut input, mut supervisor) = (Input::Woke, Supervisor::of_environment());
        loop {
            let due = self.step(input)?;
            // Said here and nowhere else: a brain that stands still does not say that it lives.
            supervisor.brain_lives(Instant::now());
            let wake = supervisor.next().map_or(due, |next| next.min(due));
            let next = runtime.block_on(async {
                // All arms are cancel-safe: a message stays in its queue until it is taken.
                tokio::select! {
                    biased;
                    () = stop.cancelled() => Next::Stop,
                    Some((request, reply)) = self.requests.recv() => Next::Operator(request, reply),
                    received = self.inputs.recv() => received.map_or(Next::Stop, Next::Input),
                    () = tokio::time::sleep_until(wake.into()) => Next::Input(Input::Woke),
                }
            });
            input = match next {
                Next::Stop => return Ok(()),
                Next::Input(received) => received,
                Next::Operator(request, reply) => {
                    // An operator who does not wait for the answer has asked all the same.
                    reply.send(self.operate(request)?).ok();
                    Input::Woke
                }
            };
        }
    }

    /// Carries an operator's request out. What is answered is durable.
    fn operate(&mut self, request: Request) -> Result<Answer> {
        let (command, done) = match request {
            Request::Hold { kind, until, reason } => {
                let reason = reason.unwrap_or_else(|| "the operator holds it".to_owned());
                (OperatorCommand::Hold { kind, until, reason }, format!("duties of the kind {kind} are held"))
            }
            Request::Release { kind } => {
                (OperatorCommand::Release { kind }, format!("duties of the kind {kind} go on"))
            }
            Request::ReleaseDuty { digest } => {
                let done = format!("{digest} passes the limits, and for a day whatever moves no more than it does");
                (OperatorCommand::ReleaseDuty { digest }, done)
            }
            Request::Limit { limits } => {
                (OperatorCommand::Limit { limits }, "the limits of the configuration are in force".to_owned())
            }
            Request::Veto { digest } => (
                OperatorCommand::Ask { digest },
                format!("this guardian signs the veto {digest} together with the others"),
            ),
            Request::Forbid { digest } => {
                (OperatorCommand::Forbid { digest }, format!("{digest} is never signed here"))
            }
            Request::Pardon { member } => {
                let done = format!("member {member} is forgiven; the other guardians have to pardon it too");
                (OperatorCommand::Pardon { member }, done)
            }
            Request::Rescan => {
                (OperatorCommand::Rescan, "the contracts' past is read again; the log tells what is found".to_owned())
            }
            Request::Reload | Request::Settings => {
                return Ok(Answer::refused("settings are not the brain's", "report this"));
            }
        };
        let (_, replies) = self.step_with_replies(Input::Operator(command))?;
        Ok(match replies.first() {
            Some(Ok(())) => Answer::done(done),
            Some(Err(refusal)) => Answer::refused(refusal.to_string(), advice(*refusal)),
            None => Answer::refused("the brain did not answer", "report this"),
        })
    }

    /// One step; returns when the next one is due at the latest.
    fn step(&mut self, input: Input) -> Result<Instant> {
        Ok(self.step_with_replies(input)?.0)
    }

    fn step_with_replies(&mut self, input: Input) -> Result<(Instant, Vec<OperatorReply>)> {
        if matches!(input, Input::Nudged) {
            self.observers.nudged();
        }
        let started = Instant::now();
        let time = self.clock.now();
        let mut fx = Effects::default();
        self.guardian.step(time, input, &mut OsRng, &mut fx);
        let stepped = Instant::now();
        self.metrics.driver.step_seconds.observe(stepped.duration_since(started).as_secs_f64());
        let mut released = fx.commit(&mut self.store).map_err(|error| {
            let advice = error.advice();
            Hinted::caused("the store failed, so this guardian stops", advice, error)
        })?;
        self.metrics.driver.commit_seconds.observe(stepped.elapsed().as_secs_f64());
        if let Some(mark) = self.mark.take() {
            mark.set(self.guardian.boot().number);
        }
        let wake = released.wake.map_or_else(Instant::now, |wake| Instant::now() + wake.since(time));
        let replies = std::mem::take(&mut released.replies);
        for event in self.performer.perform(released) {
            self.observers.tell(time, &event);
        }
        let status = self.guardian.status();
        self.metrics.show(&status);
        self.status.send_replace(status);
        self.show_watched();
        Ok((wake, replies))
    }
}

impl Driver {
    fn show_watched(&self) {
        let Some(now) = self.guardian.watched() else { return };
        self.watched.send_if_modified(|shown| {
            let is_news = !shown.as_ref().is_some_and(|shown| shown.is_same(&now));
            if is_news {
                *shown = Some(now);
            }
            is_news
        });
    }
}

/// What to do about a command that was not obeyed.
const fn advice(refusal: OperatorRefusal) -> &'static str {
    match refusal {
        OperatorRefusal::ReasonTooLong => "say it in a sentence",
        OperatorRefusal::EndsInThePast => "give --for a longer time, or leave it out",
        OperatorRefusal::NotHeld => "`guardian status` shows what is held",
        OperatorRefusal::UnknownDigest => {
            "`limited` in `guardian status` lists what waits, with its digest; it changes with every epoch until it is signed"
        }
        OperatorRefusal::NotOffered => {
            "`offered` in `guardian status` lists what waits for your word, with its digest, once a finalized block shows it; what the committee \
             has signed already is under `signed`"
        }
        OperatorRefusal::Forbidden => {
            "a digest is forbidden for good: the other operators must do without this guardian"
        }
        OperatorRefusal::Observing => "ask the operator of a guardian that takes part",
        OperatorRefusal::TooManyForbidden => "hold the kind instead",
        OperatorRefusal::NoHistory => "nothing is read twice yet: look at `guardian status`",
        OperatorRefusal::NotConvicted => {
            "each guardian keeps its own proofs: ask those whose status lists the member as excluded"
        }
    }
}

/// The brain's time: the wall clock as it was at the start, and what has passed since. It never goes back and never leaps, whatever becomes
/// of the wall clock; a clock that was set anew counts from the next start on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    anchor: Timestamp,
    started: Instant,
}

impl Clock {
    /// Begins now, when the wall clock says `anchor`.
    pub(crate) fn start(anchor: Timestamp) -> Self {
        Self { anchor, started: Instant::now() }
    }

    /// The time.
    pub(crate) fn now(&self) -> Timestamp {
        self.anchor.after(self.started.elapsed())
    }
}

/// The wall clock.
pub(crate) fn now() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_brains_time_is_what_has_passed_since_its_start_whatever_the_wall_clock_says() {
        // The wall clock was wrong by decades at the start, either way: intervals are what they are.
        for anchor in [Timestamp(0), Timestamp(now().0 * 2)] {
            let clock = Clock::start(anchor);
            let (before, first) = (clock.started.elapsed(), clock.now());
            let (second, after) = (clock.now(), clock.started.elapsed());
            assert!(anchor.after(before) <= first && first <= second && second <= anchor.after(after));
        }
    }
}
