//! Around a ceremony's steps: the outcome is put to use as soon as it is there, evidence and status become files, and the process ends
//! when it has done its part.

use super::{
    driver::{Next, Shell},
    finish::{self, Outcome, Use},
    folder::Folder,
    metrics::Metrics,
    plan_file::PlanFile,
    progress::{Progress, summary},
    run::Ending,
};
use crate::{
    config::Config,
    durable::replace_private,
    hint::{Hinted, WithHint},
    keys::KeyFiles,
};
use eyre::Result;
use guardian_crypto::seal::Work;
use guardian_protocol::{
    MemberId, Timestamp,
    ceremony::{Ceremony, Event, Input, Reason, Status, Waiting},
};
use serde::{Deserialize, Serialize};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::watch;

/// The longest pause between two looks.
const LOOK: Duration = Duration::from_secs(1);
/// The status file is for people: it need not follow every post.
const STATUS_EVERY: Duration = Duration::from_millis(500);
/// How long a process goes on at least after its part is done: what it said last has to leave it.
const LAST_WORDS: Duration = Duration::from_millis(1500);
/// The same when there was nothing left to do from the start: it was run for those who still wait, and is not connected yet.
const ONLY_WORDS: Duration = Duration::from_secs(5);
/// How long to stay for somebody who is not connected. Everybody has the outcome in use by then, so it has left, or is being restarted and
/// back within seconds.
const ABSENT: Duration = Duration::from_secs(10);

/// A ceremony's status as a file and a page.
#[derive(Clone, Debug, Serialize)]
pub struct Snapshot {
    /// Where it stands, in one line.
    pub summary: String,
    /// Unix time of writing, in seconds.
    pub updated: u64,
    /// Where it stands.
    #[serde(flatten)]
    pub status: Status,
}

/// The parts of a status file that `guardian key status` shows.
#[derive(Clone, Debug, Deserialize)]
pub struct Summary {
    /// Where it stands, in one line.
    pub summary: String,
    /// Unix time of writing, in seconds.
    pub updated: u64,
}

/// The shell of one ceremony.
#[derive(Debug)]
pub(super) struct CeremonyShell {
    pub(super) config: Config,
    pub(super) keys: KeyFiles,
    pub(super) work: Work,
    pub(super) file: PlanFile,
    pub(super) me: MemberId,
    pub(super) folder: Folder,
    pub(super) progress: Progress,
    pub(super) metrics: Arc<Metrics>,
    pub(super) status: watch::Sender<Option<Snapshot>>,
    pub(super) written: Written,
    pub(super) ending: Ending,
}

/// What the last status file said, and when; and since when there is nothing left to do.
#[derive(Debug, Default)]
pub(super) struct Written {
    status: Option<Status>,
    at: Option<Instant>,
    over: Option<Over>,
    steps: u64,
}

/// There is nothing left to do.
#[derive(Clone, Copy, Debug)]
struct Over {
    since: Instant,
    /// An earlier run had done it all.
    before: bool,
}

impl Shell<Ceremony> for CeremonyShell {
    fn after(&mut self, ceremony: &Ceremony, now: Timestamp, events: Vec<Event>) -> Result<Next> {
        for event in &events {
            self.metrics.count(event);
            self.progress.tell(event);
        }
        let status = ceremony.status(now);
        self.show(&status, now)?;
        self.written.steps = self.written.steps.saturating_add(1);
        if status.proven && self.ending == Ending::Interrupted(None) {
            self.finish(ceremony)?;
            return Ok(Next::Tell(Input::Activated));
        }
        if let (Some(fault), Some(_)) = (ceremony.fault(), &status.fault)
            && !matches!(self.ending, Ending::Failed(_))
        {
            let path = self.folder.fault(fault.culprit());
            replace_private(&path, &fault.encode())?;
            self.ending = Ending::Failed(path);
        }
        if status.done
            && let Ending::Interrupted(Some(used)) = self.ending
        {
            self.ending = Ending::Done(used);
        }
        if !matches!(self.ending, Ending::Interrupted(_)) {
            return self.last_words(status, now);
        }
        self.progress.nag(&status.waiting_for);
        Ok(Next::Wait(LOOK))
    }
}

impl CeremonyShell {
    /// All signers signed together: the outcome is put to use.
    fn finish(&mut self, ceremony: &Ceremony) -> Result<(), Hinted> {
        let outcome = ceremony.outcome();
        let outcome = outcome
            .ok_or_else(|| Hinted::new("the ceremony succeeded without an outcome", "this is a defect: report it"))?;
        let used = if ceremony.plan().rehearse {
            Used::Rehearsed
        } else {
            let outcome = Outcome {
                file: &self.file,
                plan: ceremony.plan(),
                me: self.me,
                public: &outcome.public,
                share: outcome.share.as_ref(),
                transcript: &outcome.transcript,
            };
            Used::Used(finish::put_to_use(&self.config, &self.keys, &outcome, self.work)?)
        };
        self.progress.say(match used {
            Used::Rehearsed => "the rehearsal succeeded; no key is kept. Waiting until everybody knows",
            Used::Used(Use::InForce) => "the new committee is in force here. Waiting until it is everywhere",
            Used::Used(Use::Waiting) => {
                "the new share is kept until the contract knows its key. Waiting until everybody has one"
            }
            Used::Used(Use::Left) => {
                "our share is deleted: this guardian is no member any more. Waiting until everybody is done"
            }
        });
        self.ending = Ending::Interrupted(Some(used));
        Ok(())
    }

    /// There is nothing left to do here. Whoever has not said that it has everything may still need this process, which therefore stays,
    /// for as long as the configuration says at most.
    fn last_words(&mut self, status: Status, now: Timestamp) -> Result<Next> {
        // The second step is the one after the outcome of an earlier run was put to use again.
        let before = self.written.steps <= 2;
        let over = *self.written.over.get_or_insert_with(|| Over { since: Instant::now(), before });
        // Who ran the command again has heard of nobody yet: only those who come count.
        let counts = |lacking: &&Waiting| !over.before || lacking.reason != Reason::NotConnected;
        let lacking: Vec<Waiting> = status.lacking.iter().filter(counts).cloned().collect();
        let least = if over.before { ONLY_WORDS } else { LAST_WORDS };
        let absent = status.done && lacking.iter().all(|lacking| lacking.reason == Reason::NotConnected);
        let longest = self.config.p2p.ceremony_linger.min(if absent { ABSENT } else { Duration::MAX }).max(least);
        let passed = over.since.elapsed();
        let left = if lacking.is_empty() { least } else { longest }.saturating_sub(passed);
        if left.is_zero() {
            if !lacking.is_empty() {
                self.progress.leave(&lacking, self.file.purpose.as_str());
            }
            self.write(status, now)?;
            return Ok(Next::End);
        }
        if passed >= least && !lacking.is_empty() {
            self.progress.stay(&lacking, left);
        }
        Ok(Next::Wait(left.min(LOOK)))
    }

    fn show(&mut self, status: &Status, now: Timestamp) -> Result<(), Hinted> {
        if self.written.status.as_ref() == Some(status) {
            return Ok(());
        }
        self.metrics.show(status);
        if self.written.at.is_none_or(|at| at.elapsed() >= STATUS_EVERY) {
            self.write(status.clone(), now)?;
        }
        Ok(())
    }

    fn write(&mut self, status: Status, now: Timestamp) -> Result<(), Hinted> {
        let updated = now.0.checked_div(1_000).unwrap_or_default();
        let snapshot = Snapshot { summary: summary(&status), updated, status: status.clone() };
        let text = serde_json::to_vec_pretty(&snapshot).hint("can't encode a status", "this is a defect: report it")?;
        replace_private(&self.folder.status(), &text)?;
        self.status.send_replace(Some(snapshot));
        self.written.status = Some(status);
        self.written.at = Some(Instant::now());
        Ok(())
    }
}

/// What an outcome was used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Used {
    /// For nothing: it was a rehearsal.
    Rehearsed,
    /// As a key.
    Used(Use),
}
