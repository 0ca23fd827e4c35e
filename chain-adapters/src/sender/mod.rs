//! The hands: brings a signed duty to its contract, with one paid transaction in the normal case. The only place with an
//! account key. Whether and when to submit is the protocol's decision; what a receipt is worth is, too.
//!
//! No single execution node can prevent a submission: each question goes to all of them or, where one answer is enough, on to
//! the next, and the transaction goes to every pool.

mod account;
mod fee;
mod node;
mod nonce;

pub use account::AccountKey;

use crate::{
    config::{Endpoint, Limits, SenderConfig},
    contracts::{self, KeyRotation, keys},
    deploy::{Creation, Deployment, FACTORY},
    dialect::pool::Rejection,
    error::{Error, Layer},
    execution::client::ExecutionClient,
    http::Http,
    providers::checked,
    stats::ProviderStats,
};
use alloy::{
    consensus::TxEip1559,
    primitives::{Address, B256, Bytes, TxKind},
};
use fee::{Ceiling, Fees, quote, raise};
use futures::{StreamExt, future::join_all, stream::FuturesUnordered};
use guardian_protocol::{
    CallOutcome, ChainSpec, Contracts, Duty, KeyEpoch, PerKind, ProviderId, ReadFailure, Signed, Wei,
};
use node::Trial;
use nonce::median;
use tokio::{
    sync::Mutex,
    time::{Instant, sleep_until, timeout_at},
};

/// No transaction may use more gas than this (EIP-7825).
const GAS_CAP: u64 = 1 << 24;
/// Times that a refused broadcast is tried with another bid or nonce, at once.
const REPAIRS: u32 = 32;

/// Sends what the committee signed to its contracts, one at a time.
#[derive(Debug)]
pub struct Sender {
    config: SenderConfig,
    chain_id: u64,
    contracts: Contracts,
    key: AccountKey,
    nodes: Vec<ExecutionClient>,
    turn: Mutex<()>,
}

/// What the committee signed, ready for its contract.
#[derive(Debug)]
struct Submission {
    goal: Goal,
    to: Address,
    data: Bytes,
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
}

/// What is put around a [`Submission`] to make a transaction of it.
#[derive(Clone, Copy, Debug)]
struct Bid {
    nonce: u64,
    gas: u64,
    fees: Fees,
}

/// What became of a broadcast.
enum Sent {
    /// At least one node has it.
    Taken(B256, Bid),
    /// The nonce is used up.
    NonceUsed,
}

impl Sender {
    /// A sender that pays with `key` on `network` and speaks to `endpoints`. Connects to nothing yet.
    ///
    /// # Errors
    /// [`Error`] if the list of endpoints is not usable.
    pub fn new(
        config: SenderConfig,
        limits: Limits,
        endpoints: &[Endpoint],
        network: &ChainSpec,
        contracts: Contracts,
        key: AccountKey,
    ) -> Result<Self, Error> {
        let nodes = checked(Layer::Execution, endpoints)?
            .iter()
            .map(|endpoint| Ok(ExecutionClient::new(Http::new(endpoint.clone(), limits)?)))
            .collect::<Result<_, Error>>()?;
        Ok(Self { config, chain_id: network.chain_id, contracts, key, nodes, turn: Mutex::new(()) })
    }

    /// A sender that creates the contracts of `deployment`, and pays with `key`. Connects to nothing yet.
    ///
    /// # Errors
    /// [`Error`] if the endpoint is not usable.
    pub fn for_deployment(
        config: SenderConfig,
        limits: Limits,
        endpoint: Endpoint,
        deployment: &Deployment,
        key: AccountKey,
    ) -> Result<Self, Error> {
        let contracts = Contracts {
            guardian_keys: deployment.guardian_keys,
            protocol: Address::ZERO,
            guardian_module: None,
            duties: PerKind::default(),
        };
        let nodes = vec![ExecutionClient::new(Http::new(endpoint, limits)?)];
        Ok(Self { config, chain_id: deployment.plan.chain_id, contracts, key, nodes, turn: Mutex::new(()) })
    }

    /// The paying account.
    #[must_use]
    pub fn address(&self) -> Address {
        self.key.address()
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
    /// [`SenderConfig::timeout`]; doing it again does no harm.
    pub async fn submit(&self, signed: &Signed) -> CallOutcome {
        let duty = signed.duty();
        let Some(to) = self.contracts.duties.get(duty.kind()).copied() else {
            return CallOutcome::Refused(format!("no contract for duties of the kind {} is configured", duty.kind()));
        };
        let data = contracts::call(duty, signed.signature());
        self.bring(Submission { goal: Goal::Duty(Box::new(duty.clone())), to, data }).await
    }

    /// Brings a rotation of the group key to its contract, unless the contract has its epoch or a later one. As
    /// [`Sender::submit`].
    pub async fn rotate(&self, signed: &KeyRotation) -> CallOutcome {
        let (to, data) = (self.contracts.guardian_keys, keys::rotation(signed));
        self.bring(Submission { goal: Goal::Epoch(signed.key_epoch), to, data }).await
    }

    /// Creates a contract of a deployment, unless it is there. As [`Sender::submit`]; the chain must have the factory.
    pub async fn create(&self, creation: &Creation) -> CallOutcome {
        let goal = Goal::Code(creation.address);
        self.bring(Submission { goal, to: FACTORY, data: creation.data.clone() }).await
    }

    async fn bring(&self, submission: Submission) -> CallOutcome {
        let _turn = self.turn.lock().await;
        match self.deliver(&submission).await {
            Ok(outcome) | Err(outcome) => outcome,
        }
    }

    /// The error side is an outcome as well: one that ends the attempt early.
    async fn deliver(&self, submission: &Submission) -> Result<CallOutcome, CallOutcome> {
        let deadline = Instant::now() + self.config.timeout;
        let nodes = self.nodes_without(submission).await?;
        let mut bid = self.prepare(submission, &nodes).await?;
        let mut sent: Vec<B256> = Vec::new();
        let mut replacements = self.config.replacements;
        loop {
            match self.send(submission, bid).await? {
                Sent::Taken(hash, taken) => {
                    bid = taken;
                    if !sent.contains(&hash) {
                        tracing::info!(%hash, nonce = bid.nonce, max_fee = bid.fees.max_fee, "transaction sent");
                        sent.push(hash);
                    }
                }
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
            let until = deadline.min(Instant::now() + self.config.replace_after);
            if let Some(outcome) = self.await_receipt(submission, &sent, until).await? {
                return Ok(outcome);
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
        let asked = self.nodes.iter().map(|node| node.has(&self.contracts, &submission.goal));
        let (mut without, mut accepted, mut reason) = (Vec::new(), 0_usize, String::new());
        for (node, answer) in self.nodes.iter().zip(join_all(asked).await) {
            match answer {
                Ok(false) => without.push(node),
                Ok(true) => accepted = accepted.saturating_add(1),
                Err(failure) => reason = format!("{}: {failure}", node.http.name()),
            }
        }
        if without.is_empty() && accepted == 0 {
            return Err(CallOutcome::Failed(format!("no execution provider answers: {reason}")));
        }
        if accepted > without.len() { Err(CallOutcome::AlreadyAccepted) } else { Ok(without) }
    }

    /// A bid, if the submission passes a trial on any of `nodes`: with the largest of their gas estimates, since too little
    /// gas is paid for in vain, and the median of the fees that they suggest.
    async fn prepare(&self, submission: &Submission, nodes: &[&ExecutionClient]) -> Result<Bid, CallOutcome> {
        let nonce = self.next_nonce().await?;
        let (mut estimates, mut fees) = (Vec::new(), Vec::new());
        let mut worst = CallOutcome::Failed("no execution provider".to_owned());
        for tried in join_all(nodes.iter().map(|node| self.try_on(node, submission))).await {
            match tried {
                Ok((estimate, suggested)) => {
                    estimates.push(estimate);
                    fees.push(suggested);
                }
                Err(problem) if weight(&problem) >= weight(&worst) => worst = problem,
                Err(_) => {}
            }
        }
        match (estimates.into_iter().max(), median(fees)) {
            (Some(estimate), Some(fees)) => Ok(Bid { nonce, gas: gas_limit(estimate)?, fees }),
            _ => Err(worst),
        }
    }

    /// The gas that one node estimates and the fees that follow from its blocks.
    async fn try_on(&self, node: &ExecutionClient, submission: &Submission) -> Result<(u64, Fees), CallOutcome> {
        let failed = |failure: ReadFailure| CallOutcome::Failed(format!("{}: {failure}", node.http.name()));
        let estimate = match node.trial(self.address(), submission).await.map_err(failed)? {
            Trial::Passes(estimate) => estimate,
            Trial::Stale => return Err(CallOutcome::AlreadyAccepted),
            Trial::Refused(reason) => return Err(CallOutcome::Refused(reason)),
        };
        let history = node.fee_history().await.map_err(failed)?;
        let fees = quote(&history, self.ceiling()).map_err(|error| CallOutcome::Failed(error.to_string()))?;
        Ok((estimate, fees))
    }

    async fn next_nonce(&self) -> Result<u64, CallOutcome> {
        let counts = join_all(self.nodes.iter().map(|node| node.included_count(self.address()))).await;
        median(counts.into_iter().filter_map(Result::ok).collect())
            .ok_or_else(|| CallOutcome::Failed("no execution provider tells the account's nonce".to_owned()))
    }

    fn ceiling(&self) -> Ceiling {
        Ceiling { max_fee: self.config.max_fee_per_gas, tip: self.config.max_priority_fee }
    }

    /// Broadcasts to all nodes, raising the bid as long as a stuck transaction of an earlier attempt outbids it.
    async fn send(&self, submission: &Submission, mut bid: Bid) -> Result<Sent, CallOutcome> {
        for _ in 0..REPAIRS {
            let (hash, transaction) = self.sign(submission, bid)?;
            let mut rejections = Vec::new();
            for taken in join_all(self.nodes.iter().map(|node| node.broadcast(&transaction))).await {
                match taken {
                    Ok(()) => return Ok(Sent::Taken(hash, bid)),
                    Err(rejection) => rejections.push(rejection),
                }
            }
            let meant = |meaning| rejections.iter().any(|(rejection, _)| *rejection == meaning);
            if meant(Rejection::NonceTooLow) {
                return Ok(Sent::NonceUsed);
            }
            if meant(Rejection::NoFunds) {
                return Err(CallOutcome::Failed(format!("the account {} can't pay", self.address())));
            }
            if !meant(Rejection::Underpriced) {
                let said: Vec<String> = rejections.into_iter().map(|(_, said)| said).collect();
                return Err(CallOutcome::Failed(format!("no execution provider took it: {}", said.join("; "))));
            }
            bid.fees = raise(bid.fees, bid.fees, self.ceiling()).ok_or_else(|| {
                CallOutcome::Failed("fee ceiling: a stuck transaction of this account bids as much".to_owned())
            })?;
        }
        Err(CallOutcome::Failed("a stuck transaction of this account can't be replaced".to_owned()))
    }

    fn sign(&self, submission: &Submission, bid: Bid) -> Result<(B256, Bytes), CallOutcome> {
        let transaction = TxEip1559 {
            chain_id: self.chain_id,
            nonce: bid.nonce,
            gas_limit: bid.gas,
            max_fee_per_gas: bid.fees.max_fee,
            max_priority_fee_per_gas: bid.fees.tip,
            to: TxKind::Call(submission.to),
            input: submission.data.clone(),
            ..TxEip1559::default()
        };
        self.key.sign(transaction).ok_or_else(|| CallOutcome::Failed("the transaction could not be signed".to_owned()))
    }

    /// Looks for a receipt of any of `sent` until `until`.
    async fn await_receipt(
        &self,
        submission: &Submission,
        sent: &[B256],
        until: Instant,
    ) -> Result<Option<CallOutcome>, CallOutcome> {
        loop {
            let asked = self.nodes.iter().flat_map(|node| sent.iter().map(|hash| node.receipt(*hash)));
            let mut receipts: FuturesUnordered<_> = asked.collect();
            while let Ok(Some(receipt)) = timeout_at(until, receipts.next()).await {
                let Some(receipt) = receipt else { continue };
                if receipt.succeeded() {
                    let (transaction, gas) = (receipt.transaction_hash, receipt.gas());
                    return Ok(Some(CallOutcome::Included { transaction, gas }));
                }
                // Usually because another guardian was faster.
                self.nodes_without(submission).await?;
                return Ok(Some(CallOutcome::Refused(format!("reverted in {}", receipt.transaction_hash))));
            }
            let now = Instant::now();
            if now >= until {
                return Ok(None);
            }
            sleep_until(until.min(now + self.config.poll_interval)).await;
        }
    }

    /// A higher bid for a transaction that is not included, after another trial. `None`: the ceiling is reached, go on
    /// waiting with the old one.
    async fn replacement(
        &self,
        submission: &Submission,
        bid: Bid,
        nodes: &[&ExecutionClient],
    ) -> Result<Option<Bid>, CallOutcome> {
        let fresh = match self.prepare(submission, nodes).await {
            Ok(fresh) => fresh,
            Err(CallOutcome::Failed(why)) => {
                tracing::debug!(why, "the bid is not raised");
                return Ok(None);
            }
            Err(outcome) => return Err(outcome),
        };
        if fresh.nonce > bid.nonce {
            // What was sent can't be included any more.
            return Ok(Some(fresh));
        }
        Ok(raise(bid.fees, fresh.fees, self.ceiling()).map(|fees| Bid { fees, ..bid }))
    }
}

/// Which of several nodes' problems to tell: the contract's word counts for more than a node's trouble.
fn weight(outcome: &CallOutcome) -> u8 {
    match outcome {
        CallOutcome::Failed(_) => 0,
        CallOutcome::Refused(_) => 1,
        CallOutcome::AlreadyAccepted | CallOutcome::Included { .. } => 2,
    }
}

/// A fifth more than the estimate: the state may have changed by the time of inclusion.
fn gas_limit(estimate: u64) -> Result<u64, CallOutcome> {
    let gas = estimate.saturating_add(estimate / 5).min(GAS_CAP);
    if gas < estimate {
        Err(CallOutcome::Failed(format!("it needs {estimate} gas, more than a transaction may")))
    } else {
        Ok(gas)
    }
}
