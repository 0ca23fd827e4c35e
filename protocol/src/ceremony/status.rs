//! A snapshot for people: how far a ceremony is, and who keeps it from going on. Nothing is decided from it.

use super::{
    plan::{CeremonyId, Purpose},
    post::Step,
};
use crate::types::MemberId;
use serde::Serialize;

/// Where a ceremony stands, as one participant sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Status {
    /// Which ceremony.
    pub ceremony: CeremonyId,
    /// What it is for.
    pub purpose: Purpose,
    /// Which participant sees it so.
    pub member: MemberId,
    /// The step that is not complete yet.
    pub step: Step,
    /// Who keeps that step from being complete, and why. Empty when finished or failed.
    pub waiting_for: Vec<Waiting>,
    /// Once finished or failed: who has not said that it knows everything that is known here. While there is somebody, this participant
    /// may still be needed.
    pub lacking: Vec<Waiting>,
    /// Who broke the rules, if somebody did: then the ceremony has failed.
    pub fault: Option<FaultStatus>,
    /// The test signature exists: the ceremony has succeeded.
    pub proven: bool,
    /// Everybody has put the outcome to use. Once nobody is `lacking` either, this participant is no longer needed.
    pub done: bool,
    /// The participants that this one is connected to.
    pub connected: Vec<MemberId>,
}

/// Somebody who is waited for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Waiting {
    /// Who.
    pub member: MemberId,
    /// Its operator's name.
    pub name: String,
    /// For what.
    pub step: Step,
    /// Why it takes so long.
    pub reason: Reason,
    /// The ceremony that it runs, if it is another than ours.
    pub other_plan: Option<CeremonyId>,
}

/// Why somebody is waited for. Stable codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// It is not connected.
    NotConnected,
    /// It runs another plan.
    OtherPlan,
    /// It is connected and has said nothing in this step yet.
    Silent,
    /// It says that it has posts which differ from ours and has not shown them.
    ShowsNoPost,
    /// It signed two different posts for one step.
    Contradiction,
    /// It confirmed something else than what is here.
    OtherTranscript,
}

impl Reason {
    /// The code used in logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotConnected => "not_connected",
            Self::OtherPlan => "other_plan",
            Self::Silent => "silent",
            Self::ShowsNoPost => "shows_no_post",
            Self::Contradiction => "contradiction",
            Self::OtherTranscript => "other_transcript",
        }
    }
}

/// Who broke the rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FaultStatus {
    /// Who.
    pub culprit: MemberId,
    /// Its operator's name.
    pub name: String,
    /// What it did.
    pub reason: String,
}
