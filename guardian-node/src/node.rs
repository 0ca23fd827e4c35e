//! The composition root: every part is made here, once, in the order in which they need each other.

use crate::{
    account::{self, AccountStatus, Looks},
    committee::CommitteeFile,
    config::{Config, ProviderConfig, endpoints},
    dossiers::Dossiers,
    driver::{self, Clock, Driver},
    hint::{Hinted, WithHint},
    http::{self, Member, Pages},
    keys::KeyFiles,
    metrics::Metrics,
    observers::{Names, Observers, history::History, proofs::MisconductFiles},
    operator::{Reload, Reloading, Server},
    peers::{self, News, Peers},
    perform::Performer,
    program,
    shares::Shares,
    start_mark::StartMark,
    store::{self, Store, StoreError},
    tasks::Tasks,
    waiting::Waiting,
};
use eyre::Result;
use futures::StreamExt;
use guardian_chain::{Account, ChainConfig, Limits, Readers, Sender, SenderConfig};
use guardian_crypto::identity::IdentityKey;
use guardian_p2p::{Event, Network};
use guardian_protocol::{ChainSpec, Guardian, Input, Mode, Record, Secrets, Setup, Status, Watched};
use rand_core::OsRng;
use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};
use tokio::{
    runtime::Handle,
    sync::{mpsc, watch},
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;

/// Inputs that wait for the brain. A step takes milliseconds; a hundred members' announcements arrive at once at most.
const INPUTS: usize = 1024;
/// Operators' requests that wait for the brain: the socket passes on one at a time.
const REQUESTS: usize = 1;
/// Until a beacon node that does not answer is asked again what it offers.
const SILENCE: Duration = Duration::from_secs(300);

/// Runs a guardian of this committee until `stop`.
///
/// # Errors
/// If a part can't be made, or dies.
pub(crate) async fn run(
    config: Config,
    committee_file: CommitteeFile,
    reload: Reload,
    stop: CancellationToken,
) -> Result<()> {
    let (secrets, account) = secrets(&config, &committee_file)?;
    warn(&config, &secrets);
    let metrics = Arc::new(Metrics::new()?);
    let store = free_store(&config).await?;

    let peers = Peers::new(committee_file.others(&config.guardian.name))?;
    let (network, events, transport) = start_network(&config, &committee_file, &secrets.identity).await?;
    let (waiting, watcher) = Waiting::new(&config, &committee_file, Arc::clone(&metrics))?;
    let history = History::default();
    let ((watched, watching), (account_shown, account_status)) = (watch::channel(None), watch::channel(None));
    let shown = (watcher, watching, account_status, history.clone());
    let pages = pages(&config, &committee_file, (Arc::clone(&metrics), network.clone()), shown)?;
    let mut tasks = Tasks::new(stop.clone());
    tasks.critical("http", http::serve(config.http.listen, pages, stop.clone()));
    let connecting = waiting.connect(chain_config(&config)?, config.timing.poll);
    let Some(connected) = tasks.meanwhile(connecting).await else { return tasks.until_stopped().await };
    let (readers, chain) = connected?;
    let (readers, sender) = (Arc::new(readers), Arc::new(sender(&config, &chain, account)?));

    let (clock, mark) = (Clock::start(driver::now()), StartMark::beside(&config.keys.identity));
    let guardian = restore(&config, &committee_file, chain, secrets, load(&store)?, (clock, &mark))?;
    let ((inputs, receiver), (requests, asked)) = (mpsc::channel(INPUTS), mpsc::channel(REQUESTS));
    let status = waiting.over();
    status.send_replace(guardian.status());
    let performer = Performer {
        runtime: Handle::current(),
        network,
        peers: peers.clone(),
        readers: Arc::clone(&readers),
        sender: Arc::clone(&sender),
        inputs: inputs.clone(),
        metrics: Arc::clone(&metrics),
        dossiers: Dossiers::start(&config.guardian)?,
    };
    let driver = Driver {
        guardian,
        store,
        inputs: receiver,
        requests: asked,
        performer,
        observers: observers(&config, &committee_file, &metrics, history),
        metrics: Arc::clone(&metrics),
        status,
        watched,
        clock,
        mark: Some(mark),
    };

    let (runtime, driver_stop) = (Handle::current(), stop);
    tasks.critical_blocking("brain", move || driver.run(&runtime, &driver_stop));
    tasks.stoppable("network", async { Ok(transport.await?) });
    tasks.stoppable("peers", hear(events, peers, inputs.clone(), Arc::clone(&metrics)));
    let reloading = Reloading::new(reload, requests, sender.fee_ceiling(), &metrics);
    let looks = Looks::resume(&config.guardian.data_dir, &sender, account_shown);
    tasks.background("account", account::watch(sender, Arc::clone(&metrics), looks));
    tasks.background("providers", learn(Arc::clone(&readers), Arc::clone(&metrics)));
    tasks.stoppable("nudges", nudge(readers, inputs, metrics));
    tasks.background("reload", reloading.clone().on_hangups());
    offer_socket(&mut tasks, &config.guardian.data_dir, reloading);
    tell_start(&config);
    tasks.until_stopped().await
}

/// What was seen last, if anything was.
type Latest<T> = watch::Receiver<Option<T>>;

/// Everything that pages are made of.
fn pages(
    config: &Config,
    committee: &CommitteeFile,
    (metrics, network): (Arc<Metrics>, Network),
    (status, watched, account, history): (watch::Receiver<Status>, Latest<Watched>, Latest<AccountStatus>, History),
) -> Result<Pages, Hinted> {
    let name = config.guardian.name.clone();
    let members = Member::others(committee, &name)?.into();
    Ok(Pages { name, metrics, network, status, account, history, watched, members })
}

/// Tells once at each start what is not as it could be.
fn warn(config: &Config, secrets: &Secrets) {
    for (layer, provider) in config.readable_on_the_way() {
        let hint = "who sits between can read its credentials and change every answer: use https://, or a tunnel";
        tracing::warn!(layer, provider, hint, "its answers come over http:// from another network");
    }
    if config.account.is_readable_on_the_way() {
        tracing::warn!(
            hint = account::READABLE_HINT,
            "the account's signer is spoken to over http:// and not on this machine"
        );
    }
    if config.guardian.mode == Mode::Act && secrets.validators.is_empty() {
        let file = config.keys.exit_shares();
        tracing::warn!(file = %file.display(), hint = NO_EXITS_HINT, "{NO_EXITS}");
    }
}

/// What is missing without exit shares.
pub(crate) const NO_EXITS: &str =
    "no exit shares: this guardian signs orders and reports, and gives no parts of validators' exits";
/// And where they come from.
pub(crate) const NO_EXITS_HINT: &str = "whoever deals the validators' keys gives each guardian a sealed file of its own; put it beside the identity, or name it in [keys] exits";

fn tell_start(config: &Config) {
    let (guardian, http) = (config.guardian.name.as_str(), config.http.listen);
    match config.guardian.mode {
        Mode::Act => tracing::info!(guardian, %http, "running"),
        Mode::Observe => tracing::warn!(guardian, %http, "observing: nothing is announced, signed or paid"),
    }
}

/// The brain, with its place in the world and everything that it must not have forgotten.
pub(crate) fn restore(
    config: &Config,
    committee: &CommitteeFile,
    chain: ChainSpec,
    secrets: Secrets,
    records: Vec<Record>,
    (clock, mark): (Clock, &StartMark),
) -> Result<Guardian, Hinted> {
    let setup = Setup {
        me: committee.named(&config.guardian.name)?.id,
        committee: committee.committee()?,
        network: chain,
        contracts: config.contracts(),
        quorum: config.quorum(),
        timing: config.timing.timing(),
        start_block: config.contracts.start_block,
        limits: config.limits.limits(),
        exit_requests: config.exits.policy(),
        mode: config.guardian.mode,
        program: program::program(config.contracts.chain_id),
    };
    let belonging = store::compare(&records, &setup.network, &setup.contracts)?;
    if belonging.of_other_contracts > 0 {
        tracing::info!(
            records = belonging.of_other_contracts,
            "the store holds records of other contracts: they are history"
        );
    }
    let guardian = Guardian::restore(clock.now(), setup, secrets, records, &mut OsRng)
        .map_err(|error| store::belonging::refusal(&error))?;
    Ok(match mark.read()? {
        Some(last) => guardian.after_start(last),
        None => guardian,
    })
}

fn observers(config: &Config, committee: &CommitteeFile, metrics: &Metrics, history: History) -> Observers {
    let proofs = MisconductFiles::new(&config.guardian.data_dir);
    Observers::new(names(config, committee), metrics.events.clone(), proofs, history)
}

/// Listens to the operator. A node that can't goes on without: no duty waits for it.
fn offer_socket(tasks: &mut Tasks, data_dir: &Path, reloading: Reloading) {
    match Server::bind(data_dir) {
        Ok(server) => tasks.stoppable("operator", server.serve(reloading)),
        Err(error) => {
            let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
            tracing::error!(%error, cause, hint = error.advice(), "operators' commands can't reach this node");
        }
    }
}

/// The network's events become inputs.
async fn hear(
    events: mpsc::Receiver<Event>,
    peers: Peers,
    inputs: mpsc::Sender<Input>,
    metrics: Arc<Metrics>,
) -> Result<()> {
    let dropped = || metrics.driver.inputs_dropped.with_label_values(&["network"]).inc();
    peers.hear(events, inputs, |member, news: News| Some(news.input(member)), dropped).await;
    Ok(())
}

/// What to do about a fork to come.
pub(crate) const FORK_HINT: &str =
    "update the guardian before it begins: from then on no state is proved, so that no ejection is ordered";

/// The beacon nodes' finality events become hints.
async fn nudge(readers: Arc<Readers>, inputs: mpsc::Sender<Input>, metrics: Arc<Metrics>) -> Result<()> {
    let mut nudges = std::pin::pin!(readers.finality_nudges());
    while nudges.next().await.is_some() {
        Performer::offer(&inputs, &metrics, "finality", Input::Nudged);
    }
    Ok(())
}

/// Learns of the providers what nothing waits for. Never ends.
async fn learn(readers: Arc<Readers>, metrics: Arc<Metrics>) {
    tokio::join!(probe_capabilities(Arc::clone(&readers), metrics), follow_forks(readers));
}

/// Finds out what the beacon nodes offer, once of each, and tells. Nothing waits for it.
async fn probe_capabilities(readers: Arc<Readers>, metrics: Arc<Metrics>) {
    let mut found = std::pin::pin!(readers.capabilities_found(SILENCE));
    while let Some(of) = found.next().await {
        metrics.providers.show_capabilities(&of);
        let (provider, version) = (&of.name, of.version.as_deref().unwrap_or("unknown"));
        tracing::info!(provider, version, capabilities = of.in_words(), "what this beacon provider offers");
        for (what, hint) in of.hints() {
            tracing::info!(provider, what, hint, "not offered");
        }
    }
}

/// Learns once an epoch of forks that were scheduled since the start, and tells of those that this version can't follow. Never ends.
async fn follow_forks(readers: Arc<Readers>) {
    let mut told = Vec::new();
    loop {
        let unknown = readers.unknown_forks();
        for (fork, epoch) in unknown.iter().filter(|fork| !told.contains(*fork)) {
            tracing::warn!(
                fork,
                epoch = epoch.0,
                hint = FORK_HINT,
                "a fork that this version does not know is scheduled"
            );
        }
        told = unknown;
        tokio::time::sleep(readers.epoch()).await;
        readers.refresh().await;
    }
}

/// Opens every key that a running guardian needs: of one that observes, no share; and the account that pays.
pub(crate) fn secrets(config: &Config, committee: &CommitteeFile) -> Result<(Secrets, Account), Hinted> {
    let files = KeyFiles::of(config)?;
    let me = committee.named(&config.guardian.name)?.id;
    let acts = config.guardian.mode == Mode::Act;
    let validators = if acts { files.exits_of(&config.keys, me)? } else { BTreeMap::new() };
    let identity = files.identity(&config.keys.identity)?;
    let share = match config.guardian.mode {
        Mode::Act => Some(Shares::new(&config.keys.shares, &files).load(&committee.committee()?)?),
        Mode::Observe => None,
    };
    Ok((Secrets { identity, share, validators }, account::open(config, &files)?))
}

/// Opens the store.
pub(crate) fn open_store(config: &Config) -> Result<Store, Hinted> {
    opened(config, Store::open(&config.guardian.data_dir))
}

/// Opens the store as soon as it is free: a command may be looking at it, or the node before this one may be ending.
async fn free_store(config: &Config) -> Result<Store, Hinted> {
    const PATIENCE: Duration = Duration::from_secs(5);
    let (path, until) = (&config.guardian.data_dir, Instant::now() + PATIENCE);
    let mut tried = Store::open(path);
    if matches!(tried, Err(StoreError::InUse(_))) {
        tracing::info!(store = %path.display(), patience = ?PATIENCE, "another process has the store open: waiting for it");
    }
    while matches!(tried, Err(StoreError::InUse(_))) && Instant::now() < until {
        sleep(Duration::from_millis(100)).await;
        tried = Store::open(path);
    }
    opened(config, tried)
}

fn opened(config: &Config, tried: Result<Store, StoreError>) -> Result<Store, Hinted> {
    let path = config.guardian.data_dir.display();
    tried.map_err(|error| store_refused(&format!("can't open the store {path}"), error))
}

/// Everything that the store holds.
fn load(store: &Store) -> Result<Vec<Record>, Hinted> {
    store.load().map_err(|error| store_refused("can't read the store", error))
}

/// What can't be done with the store, and what to do about it.
pub(crate) fn store_refused(what: &str, error: StoreError) -> Hinted {
    let advice = error.advice();
    Hinted::caused(what, advice, error)
}

/// The sender of transactions, which `account` pays for.
pub(crate) fn sender(config: &Config, chain: &ChainSpec, account: Account) -> Result<Sender, Hinted> {
    const GWEI: u128 = 1_000_000_000;
    let defaults = SenderConfig::default();
    let settings = SenderConfig {
        max_fee_per_gas: u128::from(config.execution.fee_ceiling_gwei).saturating_mul(GWEI),
        poll_interval: defaults.poll_interval.min(config.timing.poll),
        ..defaults
    };
    let execution = endpoints("execution", &config.execution.providers)?;
    let beacon = endpoints("beacon", &config.beacon.providers)?;
    Sender::new(settings, Limits::default(), &execution, chain, config.contracts(), account)
        .and_then(|sender| sender.with_beacons(Limits::default(), &beacon))
        .hint("can't make the transaction sender", "check the urls under [execution] and [beacon]")
}

/// What the readers need to know.
///
/// # Errors
/// If the contracts are not known, or the address of a provider can't be had.
pub(crate) fn chain_config(config: &Config) -> Result<ChainConfig, Hinted> {
    config.require_contracts()?;
    Ok(ChainConfig {
        beacon: endpoints("beacon", &config.beacon.providers)?,
        execution: endpoints("execution", &config.execution.providers)?,
        contracts: config.contracts(),
        start_block: config.contracts.start_block,
        chain_id: Some(config.contracts.chain_id),
        quorum: config.quorum(),
        limits: Limits { prove_states: config.beacon.prove_states, ..Limits::default() },
    })
}

/// Starts the network. After a restart in this process, the sockets of before may take a moment to close.
async fn start_network(
    config: &Config,
    committee: &CommitteeFile,
    identity: &IdentityKey,
) -> Result<
    (Network, mpsc::Receiver<Event>, impl Future<Output = Result<(), guardian_p2p::Error>> + Send + use<>),
    Hinted,
> {
    const ATTEMPTS: u32 = 20;
    const PAUSE: Duration = Duration::from_millis(250);
    let others = || committee.others(&config.guardian.name).map(|entry| (entry, entry.addresses.as_slice()));
    let mut attempt = 1;
    loop {
        let settings = peers::network_config(&config.p2p, ("listen", &config.p2p.listen), others())?;
        match Network::start(settings, peers::network_identity(identity)?).await {
            Err(guardian_p2p::Error::AddressInUse(_)) if attempt < ATTEMPTS => attempt = attempt.saturating_add(1),
            outcome => {
                let advice = "check [p2p] listen: is another process using the port?";
                return outcome.hint("can't start the network", advice);
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}

pub(crate) fn names(config: &Config, committee: &CommitteeFile) -> Names {
    let of = |providers: &[ProviderConfig]| providers.iter().map(|p| p.name.clone()).collect();
    Names {
        beacon: of(&config.beacon.providers),
        execution: of(&config.execution.providers),
        members: committee.members.iter().map(|entry| (entry.id, entry.name.clone())).collect(),
    }
}
