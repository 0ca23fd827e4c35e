//! Released effects, carried out: messages to the network, questions and calls to the chains. What comes back is an input.

use crate::metrics::Metrics;
use guardian_chain::{Readers, Sender};
use guardian_p2p::{Feedback, Network, PeerId};
use guardian_protocol::{
    effects::{Outgoing, Recipient, Released},
    event::Event,
    input::Input,
    ports::{Answers, Call, Query, QueryId, SignedExit},
    sign::Signed,
    types::MemberId,
};
use std::{collections::BTreeMap, sync::Arc};
use tokio::{runtime::Handle, sync::mpsc};
use tracing::{debug, info};

/// The hands of the driver.
#[derive(Debug)]
pub(crate) struct Performer {
    pub(crate) runtime: Handle,
    pub(crate) network: Network,
    pub(crate) peers: BTreeMap<MemberId, PeerId>,
    pub(crate) readers: Arc<Readers>,
    pub(crate) sender: Arc<Sender>,
    pub(crate) inputs: mpsc::Sender<Input>,
}

impl Performer {
    /// Carries everything out without waiting for any of it. Returns the events, for the reporter.
    pub(crate) fn perform(&self, released: Released) -> Vec<Event> {
        for outgoing in released.messages {
            self.send(&outgoing);
        }
        for (id, query) in released.queries {
            self.read(id, query);
        }
        for call in released.calls {
            match call {
                Call::Submit(signed) => self.submit(signed),
                Call::PublishExit(exit) => self.publish(exit),
            }
        }
        released.events
    }

    fn send(&self, outgoing: &Outgoing) {
        let bytes = outgoing.envelope.encode();
        let feedback = match outgoing.to {
            Recipient::All => self.network.broadcast(bytes),
            // A member that left the committee file has no peer; there is nobody to tell.
            Recipient::One(member) => {
                self.peers.get(&member).map_or(Feedback::Dropped, |peer| self.network.send(*peer, bytes))
            }
        };
        if feedback != Feedback::Accepted {
            debug!(message = outgoing.envelope.message().as_str(), ?feedback, "message not sent");
        }
    }

    fn read(&self, id: QueryId, query: Query) {
        let (readers, inputs) = (Arc::clone(&self.readers), self.inputs.clone());
        // At most two questions are open at a time, and each is bounded by the readers' own timeouts.
        self.runtime.spawn(async move {
            let answers = readers.read(&query).await;
            inputs.send(Input::Read(Answers { id, answers })).await.ok();
        });
    }

    fn submit(&self, signed: Signed) {
        let (sender, inputs) = (Arc::clone(&self.sender), self.inputs.clone());
        // At most one for each kind of duty; the sender itself works on one at a time.
        self.runtime.spawn(async move {
            let outcome = sender.submit(&signed).await;
            inputs.send(Input::Called { id: signed.id(), outcome }).await.ok();
        });
    }

    fn publish(&self, exit: SignedExit) {
        let readers = Arc::clone(&self.readers);
        self.runtime.spawn(async move {
            for (provider, outcome) in readers.publish_exit(&exit).await {
                match outcome {
                    Ok(()) => debug!(validator = exit.index.0, provider = provider.0, "exit handed to the pool"),
                    Err(failure) => info!(validator = exit.index.0, provider = provider.0, %failure, "exit not taken by this provider"),
                }
            }
        });
    }

    /// Passes an input on, or counts it as dropped: the brain is late, and everything that can be lost is told again.
    pub(crate) fn offer(inputs: &mpsc::Sender<Input>, metrics: &Metrics, source: &str, input: Input) -> bool {
        let taken = inputs.try_send(input).is_ok();
        if !taken {
            metrics.inputs_dropped.with_label_values(&[source]).inc();
        }
        taken
    }
}
