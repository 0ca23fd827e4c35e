//! What happens in a ceremony, in lines for people; and, when nothing moves, who it waits for and why.

use super::{Say, folder::short, refusals::Refusals};
use guardian_protocol::{
    MemberId,
    ceremony::{Event, Reason, Status, Waiting},
};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// After this long without news, whoever is waited for is named, again and again.
const QUIET: Duration = Duration::from_secs(5);

/// The teller.
#[derive(Debug)]
pub(super) struct Progress {
    say: Say,
    names: BTreeMap<MemberId, String>,
    began: Instant,
    last: Instant,
    /// Whether it has been said for whom the process stays.
    stays: bool,
    refusals: Refusals,
}

impl Progress {
    pub(super) fn new(say: Say, names: BTreeMap<MemberId, String>) -> Self {
        let now = Instant::now();
        Self { say, names, began: now, last: now, stays: false, refusals: Refusals::default() }
    }

    /// Says a line with the time that has passed.
    pub(super) fn milestone(&mut self, line: &str) {
        let line = format!("{line} (after {:.1} s)", self.began.elapsed().as_secs_f64());
        self.say(&line);
    }

    /// Says a line.
    pub(super) fn say(&mut self, line: &str) {
        self.last = Instant::now();
        (self.say)(line);
    }

    /// Tells one event.
    pub(super) fn tell(&mut self, event: &Event) {
        match (event, self.line(event)) {
            (Event::Proven | Event::Finished, Some(line)) => self.milestone(&line),
            (_, Some(line)) => self.say(&line),
            (_, None) => {}
        }
    }

    /// Names who is waited for, if nothing was said for a while.
    pub(super) fn nag(&mut self, waiting_for: &[Waiting]) {
        if self.last.elapsed() >= QUIET && !waiting_for.is_empty() {
            let line = waiting(waiting_for);
            self.say(&line);
        }
    }

    /// Names those who may not have everything yet, and for whom the process stays; again when nothing was said for a while.
    pub(super) fn stay(&mut self, lacking: &[Waiting], left: Duration) {
        if !self.stays || self.last.elapsed() >= QUIET {
            self.stays = true;
            let line = format!(
                "our part is done; staying until everybody has everything: {} (at most {} s more; ctrl-c loses nothing)",
                names(lacking),
                left.as_secs()
            );
            self.say(&line);
        }
    }

    /// Names those who may not have everything, although the process ends now.
    pub(super) fn leave(&mut self, lacking: &[Waiting], command: &str) {
        let line = format!(
            "{} may not have everything yet: if it still waits, run `guardian key {command}` with this plan again, here or on any other machine",
            names(lacking)
        );
        self.say(&line);
    }

    fn line(&mut self, event: &Event) -> Option<String> {
        Some(match event {
            Event::Posted { step } => format!("{step}: ours is out"),
            Event::Complete { step } => format!("{step}: everybody's is here"),
            Event::Certified { key } => format!("everybody confirmed; group key {}", hex::encode(key.to_bytes())),
            Event::SessionOpened { attempt, signers } => {
                format!("asking {} members to sign together (attempt {attempt})", signers.len())
            }
            Event::Proven => "signed together: the signature is valid".to_owned(),
            Event::Finished => "everybody is done".to_owned(),
            Event::Complaint { member, dealer } => {
                format!("ALARM: {} complains of what {} sent to it", self.name(*member), self.name(*dealer))
            }
            Event::Contradiction { member, step } => format!(
                "ALARM: {} signed two different posts in step {step}: it runs twice, or somebody showed it different things; \
                 this ceremony can't go on",
                self.name(*member)
            ),
            Event::Failed { fault } => {
                format!("FAILED: {} broke the rules: {}", self.name(fault.culprit()), fault.reason())
            }
            Event::Excluded { member } => format!("ALARM: {} gave a wrong part and is left out", self.name(*member)),
            Event::OtherPlan { member, ceremony } => format!(
                "{} runs another ceremony than ours ({}): one of the two plan files is wrong",
                self.name(*member),
                short(*ceremony)
            ),
            Event::Stuck { reason } => format!("this node can't go on: {reason}"),
            Event::Received { member, step } => {
                tracing::debug!(member = self.name(*member), %step, "post received");
                return None;
            }
            Event::MessageRefused { member, reason } => {
                if let Some(count) = self.refusals.count(*member, Instant::now()) {
                    tracing::warn!(member = self.name(*member), count, reason, "messages refused");
                }
                return None;
            }
        })
    }

    fn name(&self, member: MemberId) -> &str {
        self.names.get(&member).map_or("somebody", String::as_str)
    }
}

/// Who is waited for, for what, and why.
pub(super) fn waiting(waiting_for: &[Waiting]) -> String {
    let step = waiting_for.first().map(|waiting| waiting.step.as_str()).unwrap_or_default();
    format!("{step}: waiting for {}", names(waiting_for))
}

/// Each with the reason.
fn names(waiting_for: &[Waiting]) -> String {
    let each: Vec<String> = waiting_for.iter().map(describe).collect();
    each.join(", ")
}

fn describe(waiting: &Waiting) -> String {
    let why = match (waiting.reason, waiting.other_plan) {
        (Reason::NotConnected, _) => "not connected".to_owned(),
        (Reason::OtherPlan, Some(other)) => format!("runs another plan, ceremony {}", short(other)),
        (Reason::OtherPlan, None) => "runs another plan".to_owned(),
        (Reason::Silent, _) => "connected, has not spoken yet".to_owned(),
        (Reason::ShowsNoPost, _) => "speaks of a post that it does not show".to_owned(),
        (Reason::Contradiction, _) => "contradicts itself".to_owned(),
        (Reason::OtherTranscript, _) => "confirmed something else than what is here".to_owned(),
    };
    format!("{} ({why})", waiting.name)
}

/// One line on where a ceremony stands.
pub(super) fn summary(status: &Status) -> String {
    match (&status.fault, status.done, status.proven) {
        (Some(fault), _, _) => format!("FAILED: {} broke the rules: {}", fault.name, fault.reason),
        (None, true, _) => "done".to_owned(),
        (None, false, true) if status.waiting_for.is_empty() => "succeeded".to_owned(),
        (None, false, true) => format!("succeeded; {}", waiting(&status.waiting_for)),
        (None, false, false) if status.waiting_for.is_empty() => format!("{}: working", status.step),
        (None, false, false) => waiting(&status.waiting_for),
    }
}
