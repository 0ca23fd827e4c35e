//! The loop of a ceremony's process: one input, one step, one commit, then the messages. Like the node's own driver it runs on a thread
//! of its own, because steps compute and commits wait for the disk.

use crate::{hint::Hinted, peers::Peers};
use eyre::Result;
use guardian_p2p::{Feedback, Network};
use guardian_protocol::{
    AppendRecords, Timestamp,
    ceremony::{Authorisation, Ceremony, Effects, Event, Input, Record},
};
use rand_core::OsRng;
use std::{
    convert::Infallible,
    time::{Duration, Instant},
};
use tokio::{runtime::Handle, sync::mpsc};
use tokio_util::sync::CancellationToken;

/// A machine that takes part in something.
pub(super) trait Participant {
    fn step(&mut self, now: Timestamp, input: Input, fx: &mut Effects);
}

impl Participant for Ceremony {
    fn step(&mut self, now: Timestamp, input: Input, fx: &mut Effects) {
        self.step(now, input, &mut OsRng, fx);
    }
}

impl Participant for Authorisation {
    fn step(&mut self, now: Timestamp, input: Input, fx: &mut Effects) {
        self.step(now, input, &mut OsRng, fx);
    }
}

/// For a participant that has nothing to remember.
#[derive(Debug)]
pub(super) struct NoRecords;

impl AppendRecords<Record> for NoRecords {
    type Error = Infallible;

    fn append(&mut self, _: &[Record]) -> Result<(), Infallible> {
        Ok(())
    }
}

/// What happens around the steps: files, lines for people, the end.
pub(super) trait Shell<P> {
    /// After each step, with its events.
    fn after(&mut self, participant: &P, now: Timestamp, events: Vec<Event>) -> Result<Next>;
}

/// What the shell wants next.
#[derive(Debug)]
pub(super) enum Next {
    /// Another step with this input.
    Tell(Input),
    /// Whatever comes, but look again after this long.
    Wait(Duration),
    /// Nothing more: the process has done its part.
    End,
}

/// Everything that the loop owns.
#[derive(Debug)]
pub(super) struct Driver<P, S> {
    pub(super) participant: P,
    pub(super) store: S,
    pub(super) inputs: mpsc::Receiver<Input>,
    pub(super) peers: Peers,
    pub(super) network: Network,
}

impl<P: Participant, S: AppendRecords<Record>> Driver<P, S> {
    /// Runs until the shell ends it or `stop` is called.
    ///
    /// # Errors
    /// If the store fails: what is not durable must not be spoken of. Or the shell's.
    pub(super) fn run(&mut self, shell: &mut impl Shell<P>, runtime: &Handle, stop: &CancellationToken) -> Result<()> {
        let mut input = Input::Woke;
        loop {
            let now = crate::driver::now();
            let (events, wake) = self.step(now, input)?;
            input = match shell.after(&self.participant, now, events)? {
                Next::End => return Ok(()),
                Next::Tell(input) => input,
                Next::Wait(patience) => {
                    let until = wake.map_or(patience, |wake| wake.since(now).min(patience));
                    match self.next(runtime, stop, Instant::now() + until) {
                        Some(input) => input,
                        None => return Ok(()),
                    }
                }
            };
        }
    }

    /// The next input; `None` to stop.
    fn next(&mut self, runtime: &Handle, stop: &CancellationToken, until: Instant) -> Option<Input> {
        runtime.block_on(async {
            // All arms are cancel-safe: a message stays in the queue until it is taken.
            tokio::select! {
                biased;
                () = stop.cancelled() => None,
                received = self.inputs.recv() => received,
                () = tokio::time::sleep_until(until.into()) => Some(Input::Woke),
            }
        })
    }

    fn step(&mut self, now: Timestamp, input: Input) -> Result<(Vec<Event>, Option<Timestamp>)> {
        let mut fx = Effects::default();
        self.participant.step(now, input, &mut fx);
        let released = fx.commit(&mut self.store).map_err(|error| {
            let advice = "check free space and permissions of data_dir; nothing that was not written was said. Then run the command again";
            Hinted::caused("the ceremony's records could not be written", advice, error)
        })?;
        for message in released.messages {
            let feedback = self.peers.send(&self.network, message.to, message.bytes);
            if feedback != Feedback::Accepted {
                // It is said again.
                tracing::debug!(?feedback, "message not sent");
            }
        }
        Ok((released.events, released.wake))
    }
}
