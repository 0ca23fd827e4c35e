//! What the operator tells this guardian while it runs.

use super::Guardian;
use crate::{
    effects::Effects,
    event::Event,
    hold::{Hold, Verdict},
    operator::{OperatorCommand, OperatorRefusal, OperatorReply, check_hold},
    setup::Mode,
    submit::Stage,
    types::Timestamp,
};
use alloy_primitives::B256;

impl Guardian {
    /// Carries out a command. The reply leaves with the step's effects, after the records are durable.
    pub(super) fn obey(&mut self, now: Timestamp, command: OperatorCommand, fx: &mut Effects) {
        let reply: OperatorReply = match command {
            OperatorCommand::Hold { kind, until, reason } => {
                let hold = Hold { until, reason };
                check_hold(now, &hold).map(|()| self.holds.hold(kind, hold, fx))
            }
            OperatorCommand::Release { kind } => {
                self.holds.release(kind, fx).then_some(()).ok_or(OperatorRefusal::NotHeld)
            }
            OperatorCommand::ReleaseDuty { digest } => {
                self.holds.release_duty(digest, fx).then_some(()).ok_or(OperatorRefusal::UnknownDigest)
            }
            OperatorCommand::Limit { limits } => {
                self.holds.limit(*limits, fx);
                Ok(())
            }
            OperatorCommand::Forbid { digest } => {
                self.holds.forbid(digest, fx).then_some(()).ok_or(OperatorRefusal::TooManyForbidden)
            }
            OperatorCommand::Ask { digest } => self.ask(now, digest, fx),
            OperatorCommand::Rescan => self.observer.rescan().then_some(()).ok_or(OperatorRefusal::NoHistory),
            OperatorCommand::Pardon { member } => self
                .culprits
                .pardon(member, &self.setup.committee, fx)
                .then_some(())
                .ok_or(OperatorRefusal::NotConvicted),
        };
        fx.reply(reply);
    }

    /// Takes up a duty that needs the operator's word, in this epoch and, as long as it is due, in each one to come.
    fn ask(&mut self, now: Timestamp, digest: B256, fx: &mut Effects) -> OperatorReply {
        if self.holds.is_forbidden(digest) {
            return Err(OperatorRefusal::Forbidden);
        }
        // Whoever says it again, because the answer was lost, has done no harm.
        if self.holds.is_asked_for(digest) {
            return Ok(());
        }
        if self.setup.mode == Mode::Observe {
            return Err(OperatorRefusal::Observing);
        }
        let duty = self.offered.remove(&digest).ok_or(OperatorRefusal::NotOffered)?;
        self.holds.ask_for(digest, fx);
        let is_signed = self.submissions.of(duty.id()).is_some_and(|submission| submission.signed().id() == duty.id());
        if !is_signed {
            self.take_up(now, duty, fx);
        }
        Ok(())
    }

    /// Lets open duties wait or go on, as the holds stand now.
    pub(super) fn apply_holds(&mut self, now: Timestamp, fx: &mut Effects) {
        let confirmed = self.submissions.iter().filter(|submission| submission.stage() == Stage::Confirmed);
        confirmed.for_each(|submission| self.holds.confirm(submission.signed().digest()));
        self.holds.poll(now, fx);
        let holds = &self.holds;
        self.open.retain(|id, duty| {
            let hold = match holds.judge(now, id.kind, duty.digest()) {
                Verdict::Pass => None,
                Verdict::Hold(hold) => Some(hold),
                Verdict::Refuse => {
                    fx.report(Event::ForbiddenDuty { id: *id, digest: duty.digest() });
                    return false;
                }
                Verdict::Unasked => return false,
            };
            duty.wait(hold, fx);
            true
        });
    }
}
