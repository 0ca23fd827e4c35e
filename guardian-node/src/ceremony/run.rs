//! One run of a ceremony's process, from the plan to the end.

use super::{
    Say,
    check::{Participation, check_command, check_succession, in_force},
    driver::Driver,
    folder::{Folder, short},
    http,
    metrics::Metrics,
    network::CeremonyNetwork,
    plan_file::{PlanFile, PurposeWord},
    progress::Progress,
    shell::{CeremonyShell, Snapshot, Used, Written},
};
use crate::{
    committee::CommitteeFile,
    config::Config,
    durable::replace_private,
    hint::{Hinted, WithHint},
    keys::KeyFiles,
    store::{BoardStore, StoreError},
    tasks::Tasks,
};
use eyre::Result;
use guardian_crypto::seal::Work;
use guardian_protocol::ceremony::Ceremony;
use rand_core::OsRng;
use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, mpsc},
};
use tokio::{net::TcpListener, runtime::Handle, sync::watch};
use tokio_util::sync::CancellationToken;

/// What is to be run.
#[derive(Debug)]
pub struct Run {
    /// The guardian's configuration.
    pub config: Config,
    /// The plan.
    pub file: PlanFile,
    /// What the command is for.
    pub purpose: PurposeWord,
    /// Go through everything, and keep no key.
    pub rehearse: bool,
    /// Where to show metrics; if left out, at the node's own place unless that is taken.
    pub http: Option<SocketAddr>,
    /// How much work it is to try one passphrase on the new share.
    pub work: Work,
    /// Where lines for people go.
    pub say: Say,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Everybody is done.
    Done(Used),
    /// Somebody broke the rules; the file proves it.
    Failed(PathBuf),
    /// It was stopped, perhaps after its outcome had been put to use here. Running it again goes on.
    Interrupted(Option<Used>),
}

/// Takes part until the ceremony is over or `stop`.
///
/// # Errors
/// If the plan does not fit, or a part of the process fails.
pub async fn run(run: Run, stop: CancellationToken) -> Result<Ending> {
    let Run { config, file, purpose, rehearse, http: wanted, work, say } = run;
    check_command(&file, purpose)?;
    let keys = KeyFiles::of(&config)?;
    let participation = Participation::of(&config, &file, &keys, rehearse)?;
    let id = participation.plan.id();
    let folder = Folder::new(&config.guardian.data_dir, id);
    if !rehearse {
        check_outcome(&config, &participation, &folder)?;
    }
    let (participant, store, identity) = restore(participation, &folder)?;
    replace_private(&folder.plan(), file.text()?.as_bytes())?;

    let me = participant.status(crate::driver::now()).member;
    let participants = file.participants(participant.plan());
    let others: Vec<_> = participants.values().copied().filter(|entry| entry.id != me).collect();
    let names = participants.values().map(|entry| (entry.id, entry.name.clone())).collect();
    let mut progress = Progress::new(say, names);
    let what = if rehearse { format!("{}, a rehearsal", purpose.as_str()) } else { purpose.as_str().to_owned() };
    progress.say(&format!("ceremony {} ({what}): {} participants", short(id), participants.len()));

    let mut tasks = Tasks::new(stop.clone());
    let CeremonyNetwork { network, peers, inputs } =
        CeremonyNetwork::start(&config, &identity, &others, &mut tasks).await?;
    let metrics = Arc::new(Metrics::new()?);
    let (status, watcher) = watch::channel(None::<Snapshot>);
    match listen(wanted.unwrap_or(config.http.listen), wanted.is_some()).await? {
        Some(listener) => {
            let (metrics, network) = (Arc::clone(&metrics), network.clone());
            tasks.critical("http", http::serve(listener, metrics, network, watcher, stop.clone()));
        }
        None => progress.say(
            "no metrics are shown: the port is taken, by the running node as it seems (choose another with --http)",
        ),
    }

    let ending = Ending::Interrupted(None);
    let mut shell = CeremonyShell {
        config,
        keys,
        work,
        file,
        me,
        folder,
        progress,
        metrics,
        status,
        written: Written::default(),
        ending,
    };
    let mut driver = Driver { participant, store, inputs, peers, network };
    let (told, ended) = mpsc::sync_channel(1);
    let (runtime, token) = (Handle::current(), stop.clone());
    tasks.critical_blocking("ceremony", move || {
        let outcome = driver.run(&mut shell, &runtime, &token);
        // Its end is the end of the process.
        token.cancel();
        told.try_send(shell.ending).ok();
        outcome
    });
    tasks.until_stopped().await?;
    Ok(ended.try_recv().unwrap_or(Ending::Interrupted(None)))
}

/// What comes out must be able to follow what is in force here, or be that already.
fn check_outcome(config: &Config, participation: &Participation, folder: &Folder) -> Result<(), Hinted> {
    let before = in_force(config)?.map(|(_, committee)| committee);
    let known = CommitteeFile::load(&folder.committee()).and_then(|outcome| outcome.committee()).ok();
    check_succession(before.as_ref(), &participation.plan, known.as_ref())
}

/// The participant, with what earlier runs have recorded. Its identity is needed for the network as well.
fn restore(
    participation: Participation,
    folder: &Folder,
) -> Result<(Ceremony, BoardStore, guardian_crypto::identity::IdentityKey), Hinted> {
    use guardian_crypto::{identity::IdentityKey, secret::Secret};
    let mut store = BoardStore::open(&folder.board()).map_err(|error| opening(folder, error))?;
    let records = store.load().map_err(|error| opening(folder, error))?;
    let Participation { plan, me, identity, share } = participation;
    let for_network = IdentityKey::from_seed(Secret::new(*identity.expose_seed()));
    let ceremony = Ceremony::restore(crate::driver::now(), plan, me, identity, share, records, &mut OsRng).hint(
        "can't take part in this ceremony",
        "if a share is missing, restore it from your backup; if the records do not fit, they were copied here from elsewhere: \
         move the ceremony's folder away",
    )?;
    Ok((ceremony, store, for_network))
}

fn opening(folder: &Folder, error: StoreError) -> Hinted {
    let what = format!("can't open the ceremony's records in {}", folder.path().display());
    let advice = if matches!(error, StoreError::InUse(_)) {
        "this ceremony is running already, in another process of this machine"
    } else {
        error.advice()
    };
    Hinted::caused(what, advice, error)
}

/// Binds the page's address. A port that was asked for must be free; the usual one need not be.
async fn listen(address: SocketAddr, asked: bool) -> Result<Option<TcpListener>> {
    match crate::http::bind(address).await {
        Ok(listener) => Ok(Some(listener)),
        Err(error) if asked => Err(error),
        Err(_) => Ok(None),
    }
}
