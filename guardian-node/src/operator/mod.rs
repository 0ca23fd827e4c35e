//! The operator's way to a running node: a socket that only its own user can open, `guardian.sock` in the store's folder.
//!
//! One JSON request on each connection, one JSON answer, both bounded in size and time. Nothing here decides: a request goes to the
//! brain, or, if it is about the process, to [`Reloading`].

mod client;
mod reload;
mod server;
#[cfg(test)]
mod tests;

pub(crate) use client::{ask, is_running};
pub(crate) use reload::{Reload, Reloading};
pub(crate) use server::Server;

use alloy_primitives::B256;
use guardian_protocol::{DutyKind, Limits, MemberId, Timestamp};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use tokio::sync::oneshot;

/// Bytes of a request at most.
const MAX_REQUEST: usize = 4 * 1024;
/// Bytes of an answer at most.
const MAX_ANSWER: usize = 64 * 1024;

/// An operator's wish.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Request {
    /// Say nothing of duties of this kind to the others for now.
    Hold {
        /// The kind.
        kind: DutyKind,
        /// Until when; without it, until released.
        until: Option<Timestamp>,
        /// Why, for whoever reads the status.
        reason: Option<String>,
    },
    /// End a hold.
    Release {
        /// The kind.
        kind: DutyKind,
    },
    /// Let a duty pass the limits.
    ReleaseDuty {
        /// Its digest.
        digest: B256,
    },
    /// Put these limits in force: a part of a reload, which nobody asks for alone.
    #[serde(skip)]
    Limit {
        /// The limits.
        limits: Box<Limits>,
    },
    /// Never sign this digest here.
    Forbid {
        /// The digest.
        digest: B256,
    },
    /// Sign the veto of a proposed key that has this digest.
    Veto {
        /// The digest.
        digest: B256,
    },
    /// Let a member that was proven to cheat take part again.
    Pardon {
        /// The member.
        member: MemberId,
    },
    /// Read the contracts' past again, and compare.
    Rescan,
    /// Read the configuration again, and apply what can change while the node runs.
    Reload,
    /// Tell every setting in force.
    Settings,
}

/// The node's answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Answer {
    /// Whether it was done.
    pub(crate) ok: bool,
    /// The deed, or why it was not done.
    pub(crate) text: String,
    /// Advice, if it was not done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) hint: Option<String>,
}

impl Answer {
    pub(crate) fn done(text: impl Into<String>) -> Self {
        Self { ok: true, text: text.into(), hint: None }
    }

    pub(crate) fn refused(text: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { ok: false, text: text.into(), hint: Some(hint.into()) }
    }
}

/// A request on its way to the brain, with the way back.
pub(crate) type Asked = (Request, oneshot::Sender<Answer>);

/// Where a node with this store listens.
fn socket(data_dir: &Path) -> PathBuf {
    data_dir.join("guardian.sock")
}
