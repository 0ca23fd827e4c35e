//! Released effects, carried out: messages to the network, questions and calls to the chains. What comes back is an input.

use crate::{dossiers::Dossiers, metrics::Metrics, peers::Peers};
use guardian_chain::{Readers, Sender};
use guardian_p2p::{Feedback, Network};
use guardian_protocol::{
    AccountOrder, Answers, Call, Event, ExitRequest, Input, Job, Outgoing, Query, QueryId, Released, Signed, SignedExit,
};
use rand_core::OsRng;
use std::{num::NonZeroUsize, sync::Arc, thread};
use tokio::{runtime::Handle, sync::mpsc};
use tracing::{debug, error, info};

/// The hands of the driver.
#[derive(Debug)]
pub(crate) struct Performer {
    pub(crate) runtime: Handle,
    pub(crate) network: Network,
    pub(crate) peers: Peers,
    pub(crate) readers: Arc<Readers>,
    pub(crate) sender: Arc<Sender>,
    pub(crate) inputs: mpsc::Sender<Input>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) dossiers: Dossiers,
}

impl Performer {
    /// Carries everything out without waiting for any of it. Returns the events, for the observers.
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
                Call::Attest(order) => self.attest(order),
                Call::PublishExit(exit) => self.publish(exit),
                Call::RequestExit(request) => self.request_exit(*request),
            }
        }
        for job in released.jobs {
            self.compute(job);
        }
        for dossier in released.dossiers {
            self.dossiers.keep(dossier);
        }
        released.events
    }

    fn send(&self, outgoing: &Outgoing) {
        let feedback = self.peers.send(&self.network, outgoing.to, outgoing.envelope.encode());
        if feedback != Feedback::Accepted {
            debug!(message = outgoing.envelope.message().as_str(), ?feedback, "message not sent");
        }
    }

    fn read(&self, id: QueryId, query: Query) {
        let (readers, inputs) = (Arc::clone(&self.readers), self.inputs.clone());
        let metrics = Arc::clone(&self.metrics);
        // The brain has at most two questions open at a time, and each is bounded by the readers' own timeouts, late answers too.
        self.runtime.spawn(async move {
            let mut asked = readers.ask(&query).await;
            metrics.providers.show_costs(&readers.stats());
            inputs.send(Input::Read(Answers { id, answers: asked.take() })).await.ok();
            // Enough have answered. What the others say is compared when it comes.
            let answers = asked.rest().await;
            if !answers.is_empty() {
                metrics.providers.show_costs(&readers.stats());
                inputs.send(Input::Read(Answers { id, answers })).await.ok();
            }
        });
    }

    fn submit(&self, signed: Signed) {
        let (sender, inputs, metrics) = (Arc::clone(&self.sender), self.inputs.clone(), Arc::clone(&self.metrics));
        // At most one for each kind of duty; the sender itself works on one at a time.
        self.runtime.spawn(async move {
            let outcome = sender.submit(&signed).await;
            metrics.account.show_signer(sender.account().stats());
            inputs.send(Input::Called { id: signed.id(), outcome }).await.ok();
        });
    }

    fn attest(&self, order: AccountOrder) {
        let (sender, inputs, metrics) = (Arc::clone(&self.sender), self.inputs.clone(), Arc::clone(&self.metrics));
        // One for each open duty that accounts sign, and the account has its own patience.
        self.runtime.spawn(async move {
            let outcome = sender.attest(&order).await.map_err(|error| error.to_string());
            metrics.account.show_signer(sender.account().stats());
            inputs.send(Input::Attested { id: order.id(), outcome }).await.ok();
        });
    }

    fn request_exit(&self, request: ExitRequest) {
        let (sender, inputs, metrics) = (Arc::clone(&self.sender), self.inputs.clone(), Arc::clone(&self.metrics));
        // At most one: the brain makes the next when it knows what became of this one.
        self.runtime.spawn(async move {
            let outcome = sender.request_exit(&request).await;
            metrics.account.show_signer(sender.account().stats());
            let (order, index) = (request.order.digest(), request.index);
            inputs.send(Input::Requested { order, index, outcome }).await.ok();
        });
    }

    fn publish(&self, exit: SignedExit) {
        let (readers, inputs, index) = (Arc::clone(&self.readers), self.inputs.clone(), exit.index);
        self.runtime.spawn(async move {
            let mut said = Vec::new();
            for (provider, outcome) in readers.publish_exit(&exit).await {
                match &outcome {
                    Ok(()) => debug!(validator = index.0, provider = provider.0, "exit handed to the pool"),
                    Err(failure) => {
                        info!(validator = index.0, provider = provider.0, %failure, "exit not taken by this provider")
                    }
                }
                said.push((provider, outcome.err().map(|failure| failure.to_string())));
            }
            inputs.send(Input::Published { index, said }).await.ok();
        });
    }

    fn compute(&self, job: Job) {
        let inputs = self.inputs.clone();
        let workers = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        // At most one: the brain writes the next when it has this one's result, or has waited for long.
        let work = self.runtime.spawn_blocking(move || job.run(workers, &mut OsRng));
        self.runtime.spawn(async move {
            match work.await {
                Ok(computed) => drop(inputs.send(Input::Computed(computed)).await),
                Err(failure) => error!(%failure, "computing for exits failed; it will be tried again"),
            }
        });
    }

    /// Passes an input on, or counts it as dropped: the brain is late, and everything that can be lost is told again.
    pub(crate) fn offer(inputs: &mpsc::Sender<Input>, metrics: &Metrics, source: &str, input: Input) -> bool {
        let taken = inputs.try_send(input).is_ok();
        if !taken {
            metrics.driver.inputs_dropped.with_label_values(&[source]).inc();
        }
        taken
    }
}
