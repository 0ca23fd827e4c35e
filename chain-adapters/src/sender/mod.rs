//! The hands: brings a signed duty to its contract, with one paid transaction in the normal case. Whether and when
//! to submit is the protocol's decision; what a receipt is worth is, too.
//!
//! No single execution node can prevent a submission: each question goes to all of them, what most say counts, nobody is waited for
//! when half have answered, and the transaction goes to every pool. An ejection waits for no receipt of anything else.

mod bids;
mod fee;
mod most;
mod node;
mod nonce;
mod places;
mod pools;
mod reference;
mod request;

use crate::{
    account::{Account, SignError},
    beacon::client::BeaconClient,
    config::{Endpoint, Limits, SenderConfig},
    contracts::{self, KeyRotation, keys},
    deploy::{Creation, Deployment, FACTORY},
    error::{Error, Layer},
    execution::client::ExecutionClient,
    http::Http,
    providers::checked,
    stats::ProviderStats,
};
use alloy::primitives::{Address, B256, Bytes};
use futures::future::join_all;
use guardian_crypto::account::AccountSignature;
use guardian_protocol::{
    AccountOrder, Attestation, CallOutcome, ChainSpec, Contracts, Duty, KeyEpoch, PerKind, ProviderId, Signed, Wei,
};
use most::most;
use nonce::median;
use pools::Sent;
use std::sync::{
    Arc,
    atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed},
};
use tokio::{
    sync::Mutex,
    time::{Instant, sleep_until, timeout_at},
};

/// No transaction may use more gas than this (EIP-7825).
const GAS_CAP: u64 = 1 << 24;
/// What nothing but a contract's creation may cost in gas.
const CREATION_GAS: u64 = GAS_CAP;
/// What a rotation of the group's key costs at most.
const ROTATION_GAS: u64 = 500_000;

/// Sends what the committee signed to its contracts, one at a time.
#[derive(Debug)]
pub struct Sender {
    config: SenderConfig,
    chain_id: u64,
    contracts: Contracts,
    account: Account,
    nodes: Vec<Arc<ExecutionClient>>,
    /// Those that are asked for headers, in this order.
    beacons: Vec<BeaconClient>,
    fee_ceiling: FeeCeiling,
    turn: Mutex<()>,
    /// Urgent submissions that wait for their turn.
    urgent: AtomicUsize,
    /// Attempts in a row that the pools refused in words that nobody knows: the next one bids more.
    puzzled: AtomicU32,
}

/// What no transaction may pay more than for a unit of gas. Cloning shares it: it may change while the sender works, and counts from the
/// next bid on.
#[derive(Clone, Debug, Default)]
pub struct FeeCeiling(Arc<AtomicU64>);

impl FeeCeiling {
    /// Sets it, in gwei.
    pub fn set_gwei(&self, gwei: u64) {
        self.0.store(gwei.saturating_mul(1_000_000_000), Relaxed);
    }

    fn set_wei(&self, wei: u128) {
        self.0.store(u64::try_from(wei).unwrap_or(u64::MAX), Relaxed);
    }

    fn wei(&self) -> u128 {
        u128::from(self.0.load(Relaxed))
    }
}

/// What the committee signed, ready for its contract.
#[derive(Debug)]
struct Submission {
    goal: Goal,
    to: Address,
    data: Bytes,
    /// Wei that go with it.
    value: Wei,
    /// More gas than this it can't need.
    gas_cap: u64,
    /// Others make way for it.
    urgent: bool,
}

/// What a contract has once the submission, or a later one, was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Goal {
    /// This duty, or one that takes its place.
    Duty(Box<Duty>),
    /// This key epoch.
    Epoch(KeyEpoch),
    /// Code at this address.
    Code(Address),
    /// The request of an exit, by any of the orders with these digests, in which the validator has these places.
    ExitRequest(Vec<(B256, usize)>),
    /// The proof of a reference root: this call of a contract is no longer refused for it.
    Proved {
        /// The contract.
        to: Address,
        /// The call.
        data: Bytes,
    },
}

impl Sender {
    /// A sender on `network` that speaks to `endpoints`, and whose transactions `account` pays for. Connects to nothing yet.
    ///
    /// # Errors
    /// [`Error`] if the list of endpoints is not usable.
    pub fn new(
        config: SenderConfig,
        limits: Limits,
        endpoints: &[Endpoint],
        network: &ChainSpec,
        contracts: Contracts,
        account: impl Into<Account>,
    ) -> Result<Self, Error> {
        let nodes = checked(Layer::Execution, endpoints)?
            .iter()
            .map(|endpoint| Ok(Arc::new(ExecutionClient::new(Http::new(endpoint.clone(), limits)?))))
            .collect::<Result<_, Error>>()?;
        Ok(Self::with(config, network.chain_id, contracts, account.into(), nodes))
    }

    /// A sender that creates the contracts of `deployment`, and whose transactions `account` pays for. Connects to nothing yet.
    ///
    /// # Errors
    /// [`Error`] if the endpoint is not usable.
    pub fn for_deployment(
        config: SenderConfig,
        limits: Limits,
        endpoint: Endpoint,
        deployment: &Deployment,
        account: impl Into<Account>,
    ) -> Result<Self, Error> {
        let contracts = Contracts {
            guardian_keys: deployment.guardian_keys,
            protocol: Address::ZERO,
            guardian_module: None,
            duties: PerKind::default(),
            accounts: PerKind::default(),
        };
        let nodes = vec![Arc::new(ExecutionClient::new(Http::new(endpoint, limits)?))];
        Ok(Self::with(config, deployment.plan.chain_id, contracts, account.into(), nodes))
    }

    fn with(
        config: SenderConfig,
        chain_id: u64,
        contracts: Contracts,
        account: Account,
        nodes: Vec<Arc<ExecutionClient>>,
    ) -> Self {
        let (turn, urgent, puzzled) = (Mutex::new(()), AtomicUsize::new(0), AtomicU32::new(0));
        let fee_ceiling = FeeCeiling::default();
        fee_ceiling.set_wei(config.max_fee_per_gas);
        Self { config, chain_id, contracts, account, nodes, beacons: Vec::new(), fee_ceiling, turn, urgent, puzzled }
    }

    /// What no transaction pays more than, which may be changed.
    #[must_use]
    pub const fn fee_ceiling(&self) -> &FeeCeiling {
        &self.fee_ceiling
    }

    /// The paying account.
    #[must_use]
    pub const fn account(&self) -> &Account {
        &self.account
    }

    /// Its address.
    #[must_use]
    pub const fn address(&self) -> Address {
        self.account.address()
    }

    /// What is left to pay with, in wei, as most nodes say; `None` if none answers.
    pub async fn balance(&self) -> Option<Wei> {
        let answers = join_all(self.nodes.iter().map(|node| node.funds(self.address()))).await;
        median(answers.into_iter().filter_map(Result::ok).collect())
    }

    /// What each execution provider has cost on the way out.
    #[must_use]
    pub fn stats(&self) -> Vec<ProviderStats> {
        let numbered = self.nodes.iter().zip(0..=u8::MAX);
        numbered
            .map(|(node, id)| node.http.stats.snapshot(Layer::Execution, ProviderId(id), node.http.name()))
            .collect()
    }

    /// Brings `signed` to its contract, unless the contract has it or a later one. Returns after inclusion, refusal or
    /// [`SenderConfig::timeout`]; doing it again does no harm. Where the contract wants the reference root proved, that comes first, in a
    /// transaction of its own.
    pub async fn submit(&self, signed: &Signed) -> CallOutcome {
        let duty = signed.duty();
        let Some(to) = self.contracts.duties.get(duty.kind()).copied() else {
            return CallOutcome::Refused(format!("no contract for duties of the kind {} is configured", duty.kind()));
        };
        let data = match signed.attestation() {
            Attestation::Group(signature) => contracts::call(duty, signature),
            Attestation::Accounts(signatures) => match self.laid_out(signed, signatures).await {
                Ok(data) => data,
                Err(outcome) => return outcome,
            },
        };
        let (gas_cap, urgent) = (contracts::gas_cap(duty), contracts::is_urgent(duty.kind()));
        let goal = Goal::Duty(Box::new(duty.clone()));
        let submission = Submission { goal, to, data, value: 0, gas_cap, urgent };
        let outcome = self.bring(&submission).await;
        if !matches!(outcome, CallOutcome::Refused(_)) {
            return outcome;
        }
        let Some(proof) = self.proof_of_reference(duty, &submission).await else { return outcome };
        match self.bring(&proof).await {
            CallOutcome::Included { .. } | CallOutcome::AlreadyAccepted => self.bring(&submission).await,
            failed @ CallOutcome::Failed(_) => failed,
            CallOutcome::Refused(_) => outcome,
        }
    }

    /// This account's signature, where it signs as a guardian's own.
    ///
    /// # Errors
    /// [`SignError`] says why there is none.
    pub async fn attest(&self, order: &AccountOrder) -> Result<AccountSignature, SignError> {
        self.account.attest(order).await
    }

    /// Brings a rotation of the group key to its contract, unless the contract has its epoch or a later one. As
    /// [`Sender::submit`].
    pub async fn rotate(&self, signed: &KeyRotation) -> CallOutcome {
        let (to, data) = (self.contracts.guardian_keys, keys::rotation(signed));
        let goal = Goal::Epoch(signed.key_epoch);
        self.bring(&Submission { goal, to, data, value: 0, gas_cap: ROTATION_GAS, urgent: false }).await
    }

    /// Creates a contract of a deployment, unless it is there. As [`Sender::submit`]; the chain must have the factory.
    pub async fn create(&self, creation: &Creation) -> CallOutcome {
        let goal = Goal::Code(creation.address);
        let data = creation.data.clone();
        self.bring(&Submission { goal, to: FACTORY, data, value: 0, gas_cap: CREATION_GAS, urgent: false }).await
    }

    async fn bring(&self, submission: &Submission) -> CallOutcome {
        let deadline = Instant::now() + self.config.timeout;
        loop {
            if submission.urgent {
                self.urgent.fetch_add(1, Relaxed);
            }
            // Turns are taken in the order in which they were asked for.
            let _turn = self.turn.lock().await;
            if submission.urgent {
                self.urgent.fetch_sub(1, Relaxed);
            }
            match self.deliver(submission, deadline).await {
                Ok(Some(outcome)) | Err(outcome) => return outcome,
                // Made way: the urgent one takes the nonce, and bids more. Then all is done again, with the nonce after it.
                Ok(None) => tracing::info!(goal = ?submission.goal, "makes way for an urgent submission"),
            }
        }
    }

    /// Something waits that must not.
    fn makes_way(&self, submission: &Submission) -> bool {
        !submission.urgent && self.urgent.load(Relaxed) > 0
    }

    /// `None`: something urgent waits. The error side is an outcome as well: one that ends the attempt early.
    async fn deliver(&self, submission: &Submission, deadline: Instant) -> Result<Option<CallOutcome>, CallOutcome> {
        let nodes = self.nodes_without(submission).await?;
        let mut bid = self.prepare(submission, &nodes).await?;
        let mut sent: Vec<B256> = Vec::new();
        let mut replacements = self.config.replacements;
        loop {
            let known = sent.len();
            match self.send(submission, bid, &mut sent).await? {
                Sent::Taken(taken) => bid = taken,
                // Not by us: something else of this account was included. Prepare anew, which runs a trial again.
                Sent::NonceUsed if sent.is_empty() => {
                    let used = bid.nonce;
                    bid = self.prepare(submission, &nodes).await?;
                    if bid.nonce <= used {
                        return Err(CallOutcome::Failed(format!("the nodes disagree whether nonce {used} is used")));
                    }
                    continue;
                }
                // Very likely by one of ours, whose receipt we shall see.
                Sent::NonceUsed => {}
            }
            for hash in sent.iter().skip(known) {
                tracing::info!(%hash, nonce = bid.nonce, max_fee = bid.fees.max_fee, "transaction sent");
            }
            let until = deadline.min(Instant::now() + self.config.replace_after);
            if let Some(outcome) = self.await_receipt(submission, &sent, until).await? {
                return Ok(Some(outcome));
            }
            if self.makes_way(submission) {
                return Ok(None);
            }
            let nodes = self.nodes_without(submission).await?;
            if Instant::now() >= deadline {
                return Err(CallOutcome::Failed(format!("not included within {:?}", self.config.timeout)));
            }
            if replacements > 0
                && let Some(raised) = self.replacement(submission, bid, &nodes).await?
            {
                replacements = replacements.saturating_sub(1);
                bid = raised;
            }
        }
    }

    /// The nodes that know the contract, and on which it has neither this nor a later one.
    ///
    /// # Errors
    /// [`CallOutcome::AlreadyAccepted`] if most nodes say that it has; [`CallOutcome::Failed`] if none says anything.
    async fn nodes_without(&self, submission: &Submission) -> Result<Vec<&ExecutionClient>, CallOutcome> {
        let asked = self.nodes.iter().map(|node| (&node.slow, node.has(&self.contracts, &submission.goal)));
        let (mut without, mut accepted, mut reason) = (Vec::new(), 0_usize, "none in time".to_owned());
        for (place, answer) in most(asked, Result::is_ok).await {
            let Some(node) = self.nodes.get(place) else { continue };
            match answer {
                Ok(false) => without.push(node.as_ref()),
                Ok(true) => accepted = accepted.saturating_add(1),
                Err(failure) => reason = format!("{}: {failure}", node.http.name()),
            }
        }
        if without.is_empty() && accepted == 0 {
            return Err(CallOutcome::Failed(format!("no execution provider answers: {reason}")));
        }
        if accepted > without.len() { Err(CallOutcome::AlreadyAccepted) } else { Ok(without) }
    }

    /// Looks for a receipt of any of `sent` until `until`.
    async fn await_receipt(
        &self,
        submission: &Submission,
        sent: &[B256],
        until: Instant,
    ) -> Result<Option<CallOutcome>, CallOutcome> {
        loop {
            let asked = self.nodes.iter().map(|node| {
                let receipts = sent.iter().map(|hash| node.receipt(*hash));
                (&node.slow, async { join_all(receipts).await.into_iter().flatten().next() })
            });
            let answers = timeout_at(until, most(asked, |_| true)).await.unwrap_or_default();
            let receipts = || answers.iter().filter_map(|(_, receipt)| receipt.as_ref());
            if let Some(receipt) = receipts().find(|receipt| receipt.succeeded()) {
                let (transaction, gas) = (receipt.transaction_hash, receipt.gas());
                return Ok(Some(CallOutcome::Included { transaction, gas }));
            }
            if let Some(receipt) = receipts().next() {
                // Usually because another guardian was faster.
                self.nodes_without(submission).await?;
                return Ok(Some(CallOutcome::Refused(format!("reverted in {}", receipt.transaction_hash))));
            }
            let now = Instant::now();
            if now >= until || self.makes_way(submission) {
                return Ok(None);
            }
            sleep_until(until.min(now + self.config.poll_interval)).await;
        }
    }
}
