//! Two processes of one guardian on real networks: the others notice and raise the alarm, and what still works of the two stands still.

use super::*;
use crate::{
    committee::CommitteeFile,
    config::Config,
    driver,
    metrics::Metrics,
    node,
    observers::{Observers, history::History, proofs::MisconductFiles},
};
use guardian_protocol::{AppendRecords, ChainSpec as Chain, Effects, Epoch, Guardian, Reason, Record, Setup};
use guardian_tests::devnet::keys::DevnetKeys;
use rand_core::OsRng;
use std::{
    convert::Infallible,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

/// Far more than it takes.
const PATIENCE: Duration = Duration::from_secs(90);

/// A store that forgets: no test here asks for its records.
struct Forgetful;

impl AppendRecords for Forgetful {
    type Error = Infallible;

    fn append(&mut self, _: &[Record]) -> Result<(), Infallible> {
        Ok(())
    }
}

/// One process: a brain on a real network, with the node's own observers, and no chains.
struct Process {
    guardian: Guardian,
    peers: Peers,
    network: Network,
    inputs: mpsc::Receiver<Input>,
    observers: Observers,
    metrics: Arc<Metrics>,
}

impl Process {
    /// A process of `guardian-number`, reached where the committee file says, or, as a forgotten copy, only through whom it calls.
    async fn start(dir: &Path, number: u16, copy: bool) -> Self {
        let name = format!("guardian-{number}");
        let home = dir.join(&name);
        let text =
            crate::config::TEMPLATE.replace("guardian-1", &name).replace("../guardian.passphrase", "keys/passphrase");
        let mut config = Config::parse(&text, &home.join("guardian.toml")).unwrap();
        for configured in config.paths() {
            *configured.path = home.join(&*configured.path);
        }
        let committee = CommitteeFile::load(&config.guardian.committee).unwrap();
        let own = committee.named(&name).unwrap();
        let usual = own.addresses.iter().map(ToString::to_string).collect();
        config.p2p.listen = if copy { vec!["/ip4/127.0.0.1/udp/0/quic-v1".to_owned()] } else { usual };
        let (secrets, _) = node::secrets(&config, &committee).unwrap();

        let others = committee.others(&name).map(|entry| (entry, entry.addresses.as_slice()));
        let settings = network_config(&config.p2p, ("listen", &config.p2p.listen), others).unwrap();
        let identity = network_identity(&secrets.identity).unwrap();
        let (network, events, transport) = Network::start(settings, identity).await.unwrap();
        tokio::spawn(transport);
        let peers = Peers::new(committee.others(&name)).unwrap();
        let (sender, inputs) = mpsc::channel(1024);
        let hearing = peers.clone();
        tokio::spawn(async move {
            hearing.hear(events, sender, |member, news| Some(news.input(member)), || ()).await;
        });

        let setup = Setup {
            exit_requests: guardian_protocol::ExitRequestPolicy::default(),
            me: own.id,
            committee: committee.committee().unwrap(),
            network: chain(),
            contracts: config.contracts(),
            quorum: config.quorum(),
            timing: config.timing.timing(),
            start_block: 0,
            limits: config.limits.limits(),
            mode: config.guardian.mode,
            program: crate::program::program(1),
        };
        let records = [Record::Floor { epoch: Epoch(0), is_settled: true }];
        let guardian = Guardian::restore(driver::now(), setup, secrets, records, &mut OsRng).unwrap();
        let metrics = Arc::new(Metrics::new().unwrap());
        let proofs = MisconductFiles::new(&config.guardian.data_dir);
        let names = node::names(&config, &committee);
        let observers = Observers::new(names, metrics.events.clone(), proofs, History::default());
        Self { guardian, peers, network, inputs, observers, metrics }
    }

    /// Does what there is to do.
    fn work(&mut self) {
        let mut input = Input::Woke;
        loop {
            let mut fx = Effects::default();
            self.guardian.step(driver::now(), input, &mut OsRng, &mut fx);
            let released = fx.commit(&mut Forgetful).unwrap();
            for outgoing in released.messages {
                self.peers.send(&self.network, outgoing.to, outgoing.envelope.encode());
            }
            released.events.iter().for_each(|event| self.observers.tell(driver::now(), event));
            match self.inputs.try_recv() {
                Ok(next) => input = next,
                Err(_) => return,
            }
        }
    }

    fn alarms(&self) -> bool {
        self.metrics.text().lines().any(|line| line == "guardian_doppelgangers{member=\"guardian-2\"} 1")
    }

    fn stands_still(&self) -> bool {
        self.guardian.not_ready().contains(&Reason::Doppelganger)
    }
}

fn chain() -> Chain {
    Chain {
        chain_id: 1,
        genesis_validators_root: [1; 32].into(),
        genesis_time: 0,
        seconds_per_slot: 12,
        slots_per_epoch: 32,
        forks: Vec::new(),
        capella_fork_version: None,
        deneb_fork_epoch: None,
        shard_committee_period: 0,
    }
}

/// The first of `count` free ports in a row.
fn free_ports(count: u16) -> u16 {
    let is_free = |port: u16| std::net::UdpSocket::bind(("127.0.0.1", port)).is_ok();
    let mut candidates =
        (0..100).map(|_| std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port());
    candidates.find(|first| first.checked_add(count).is_some_and(|end| (*first..end).all(is_free))).unwrap()
}

async fn until(all: &mut [Process], what: &str, holds: impl Fn(&[Process]) -> bool) {
    let started = Instant::now();
    while !holds(all) {
        let state = |process: &Process| (process.alarms(), process.stands_still(), process.guardian.status().connected);
        let states = || all.iter().map(state).collect::<Vec<_>>();
        assert!(
            started.elapsed() < PATIENCE,
            "this did not happen: {what}; alarm, stillness, connections: {:?}",
            states()
        );
        all.iter_mut().for_each(Process::work);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_with_one_identity_are_noticed_by_everybody() {
    let dir = tempfile::tempdir().unwrap();
    let keys =
        DevnetKeys { out: dir.path().to_owned(), validators: 1, base_port: free_ports(8), ..DevnetKeys::default() };
    keys.make().unwrap();
    let mut all = Vec::new();
    for number in 1..=4 {
        all.push(Process::start(dir.path(), number, false).await);
    }
    until(&mut all, "everybody is connected", |all| {
        all.iter().all(|process| process.guardian.status().connected.len() == 3)
    })
    .await;
    assert!(all.iter().all(|process| !process.alarms() && !process.stands_still()), "no alarm without a reason");

    all.push(Process::start(dir.path(), 2, true).await);
    // They push each other out of their connections. Who is left with too few of them to be told can't do harm either.
    until(&mut all, "all others raise the alarm, and the process that most of them hear stands still", |all| {
        [0, 2, 3].iter().all(|other| all[*other].alarms()) && (all[1].stands_still() || all[4].stands_still())
    })
    .await;
    assert!(all.iter().enumerate().all(|(index, process)| process.alarms() == [0, 2, 3].contains(&index)));
}

#[tokio::test]
async fn news_of_a_connection_is_never_lost_however_much_a_member_says() {
    let of = |number| Identity::from_seed([number; 32]).unwrap().peer_id();
    let (peer, silent) = (of(2), of(3));
    let peers = Peers([(peer, MemberId::new(2).unwrap()), (silent, MemberId::new(3).unwrap())].into());
    let (sender, events) = mpsc::channel(64);
    let (inputs, mut brain) = mpsc::channel(4);
    let dropped = std::sync::atomic::AtomicUsize::new(0);
    let count = || {
        dropped.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    };
    let hearing = peers.hear(events, inputs, |member, news| Some(news.input(member)), count);
    let said = |_| Event::Received { from: peer, channel: Channel::Direct, bytes: vec![1] };
    let telling = async {
        for event in (0..20).map(said).chain([Event::Connected(silent), Event::Disconnected(silent)]) {
            sender.send(event).await.unwrap();
        }
        drop(sender);
    };
    // The brain is busy until all of it has arrived.
    let reading = async {
        let mut heard = Vec::new();
        while let Some(input) = brain.recv().await {
            heard.push(input);
        }
        heard
    };
    let ((), (), heard) = tokio::join!(hearing, telling, async {
        tokio::task::yield_now().await;
        reading.await
    });
    let member = MemberId::new(3).unwrap();
    let news = heard.iter().filter(|input| !matches!(input, Input::Heard { .. }));
    assert!(
        matches!(news.collect::<Vec<_>>().as_slice(), [Input::PeerUp(up), Input::PeerDown(down)] if *up == member && *down == member)
    );
    assert_eq!(heard.len() - 2 + dropped.into_inner(), 20);
}

#[test]
fn strangers_may_hold_half_of_the_sockets_that_there_are() {
    let text =
        |soft: &str| format!("Limit Soft Limit Hard Limit Units\nMax open files            {soft}  524288  files\n");
    assert_eq!(open_files(&text("1024")), Some(1_024));
    assert_eq!(open_files(&text("unlimited")), Some(u32::MAX));
    assert_eq!((open_files(""), open_files(&text("many"))), (None, None));
    assert!(sockets() > 0);
}
