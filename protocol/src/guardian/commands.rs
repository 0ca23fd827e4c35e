//! What the operator tells this guardian while it runs.

use super::Guardian;
use crate::{
    effects::Effects,
    event::Event,
    hold::{Hold, Verdict},
    operator::{OperatorCommand, OperatorRefusal, OperatorReply, check_hold},
    submit::Stage,
    types::Timestamp,
};

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
            OperatorCommand::Veto { digest } => {
                self.holds.veto(digest, fx).then_some(()).ok_or(OperatorRefusal::TooManyVetoes)
            }
            OperatorCommand::Rescan => self.observer.rescan().then_some(()).ok_or(OperatorRefusal::NoHistory),
            OperatorCommand::Pardon { member } => self
                .culprits
                .pardon(member, &self.setup.committee, fx)
                .then_some(())
                .ok_or(OperatorRefusal::NotConvicted),
        };
        fx.reply(reply);
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
                    fx.report(Event::VetoedDuty { id: *id, digest: duty.digest() });
                    return false;
                }
            };
            duty.wait(hold, fx);
            true
        });
    }
}
