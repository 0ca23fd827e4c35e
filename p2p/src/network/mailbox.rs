//! What the application asks of the task, over a bounded queue. Refuses at once what could never be sent.

use std::{collections::BTreeSet, sync::Arc};

use libp2p::PeerId;
use tokio::sync::mpsc::{self, error::TrySendError};

use super::metrics::{DropReason, Metrics};
use crate::Limits;

/// What became of a message that was handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feedback {
    /// It waits to be sent. Whether it arrives is not known.
    Accepted,
    /// It will not be sent, and was counted under its reason in `guardian_p2p_dropped_total`: the queue is full, the message
    /// is larger than [`Limits`] allow, or it is for somebody who is not a member.
    Dropped,
    /// The network has stopped.
    Closed,
}

/// To the task.
#[derive(Debug)]
pub(crate) enum Command {
    /// To every member.
    Broadcast(Vec<u8>),
    /// To one member.
    Send {
        /// Whom.
        to: PeerId,
        /// What.
        message: Vec<u8>,
    },
}

/// The application's end of the queue.
#[derive(Clone, Debug)]
pub(crate) struct Mailbox {
    sender: mpsc::Sender<Command>,
    members: Arc<BTreeSet<PeerId>>,
    broadcast_bytes: usize,
    direct_bytes: usize,
    metrics: Metrics,
}

impl Mailbox {
    /// Both ends.
    pub(crate) fn new(
        members: Arc<BTreeSet<PeerId>>,
        limits: &Limits,
        metrics: Metrics,
    ) -> (Self, mpsc::Receiver<Command>) {
        let (sender, receiver) = mpsc::channel(limits.command_queue);
        let (broadcast_bytes, direct_bytes) = (limits.broadcast_bytes, limits.direct_bytes);
        (Self { sender, members, broadcast_bytes, direct_bytes, metrics }, receiver)
    }

    pub(crate) fn broadcast(&self, message: Vec<u8>) -> Feedback {
        if message.len() > self.broadcast_bytes {
            return self.refuse(DropReason::TooLarge);
        }
        self.offer(Command::Broadcast(message))
    }

    pub(crate) fn send(&self, to: PeerId, message: Vec<u8>) -> Feedback {
        if message.len() > self.direct_bytes {
            return self.refuse(DropReason::TooLarge);
        }
        if !self.members.contains(&to) {
            return self.refuse(DropReason::NotAMember);
        }
        self.offer(Command::Send { to, message })
    }

    fn offer(&self, command: Command) -> Feedback {
        match self.sender.try_send(command) {
            Ok(()) => Feedback::Accepted,
            Err(TrySendError::Full(_)) => self.refuse(DropReason::CommandQueueFull),
            Err(TrySendError::Closed(_)) => Feedback::Closed,
        }
    }

    fn refuse(&self, why: DropReason) -> Feedback {
        if self.sender.is_closed() {
            return Feedback::Closed;
        }
        self.metrics.dropped(why);
        Feedback::Dropped
    }
}
