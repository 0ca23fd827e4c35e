//! `guardian key rotate`: the old committee signs for the new key, somebody brings that to the contract, and everybody switches when the
//! contract has it finally. Whoever comes late finds it on the chain; whoever is stopped runs it again.

mod authorise;
mod incoming_committee;

use super::{Say, check::in_force, plan_file::PlanFile, progress::Progress};
use crate::{
    account,
    committee::CommitteeFile,
    config::Config,
    hint::{Hinted, WithHint},
    keys::KeyFiles,
    node,
    shares::Shares,
    tasks::Tasks,
};
use authorise::Signer;
use eyre::Result;
use guardian_chain::{FinalKey, KeyRotation, Readers, Sender};
use guardian_crypto::{identity::IdentityKey, schnorr::Signature, seal::Work};
use guardian_protocol::{CallOutcome, Committee};
use incoming_committee::IncomingCommittee;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// What is to be rotated.
#[derive(Debug)]
pub struct Rotate {
    /// The guardian's configuration.
    pub config: Config,
    /// The plan that made the new key.
    pub file: PlanFile,
    /// How much work it is to try one passphrase on a share.
    pub work: Work,
    /// Where lines for people go.
    pub say: Say,
}

/// Whether the new committee is in force here; not if `stop` came first.
///
/// # Errors
/// If the new key is not made yet, does not follow the one on chain, or a part of the process fails.
pub async fn rotate(rotate: Rotate, stop: CancellationToken) -> Result<bool> {
    let Rotate { config, file, work, say } = rotate;
    let keys = KeyFiles::of(&config)?;
    let identity = keys.identity(&config.keys.identity)?;
    let incoming = IncomingCommittee::load(&config, &file, &keys, &identity)?;
    let mut progress = Progress::new(say, file.members.iter().map(|entry| (entry.id, entry.name.clone())).collect());
    let before = in_force(&config)?;
    if before.as_ref().is_some_and(|(_, committee)| committee.id() == incoming.id()) {
        incoming.activate(&config, &keys, work)?;
        progress.say("the new committee is in force here already");
        return Ok(true);
    }
    let (readers, chain) = Readers::connect(node::chain_config(&config)?).await.hint(
        "can't connect to the chains",
        "check the urls under [beacon] and [execution]; enough providers must be up, on the same network as chain_id",
    )?;
    let sender = node::sender(&config, &chain, account::open(&config, &keys)?)?;
    let quorum = config.quorum().execution;
    let known = agreed(&readers, quorum).await;
    check_chain(known.as_ref(), before.as_ref().map(|(_, committee)| committee), &incoming)?;

    let mut tasks = Tasks::new(stop.clone());
    let (mut signature, mut turn) = (None, Duration::ZERO);
    if !is_final(known.as_ref(), &incoming)
        && let Some((file_before, committee)) = before
        && let Some(signer) = signer(&config, &keys, identity, file_before, &committee)?
    {
        turn = turn_of(&config, &committee, &signer);
        let teller =
            Progress::new(say, signer.file.members.iter().map(|entry| (entry.id, entry.name.clone())).collect());
        signature = Some(authorise::start(&config, &file, signer, incoming.digest, teller, &mut tasks, &stop).await?);
    }
    let (done, switched) = watch::channel(false);
    let token = stop.clone();
    tasks.critical("rotation", async move {
        let bring = Bring { config: &config, readers, sender: Arc::new(sender), incoming: &incoming, quorum, turn };
        tokio::select! {
            () = token.cancelled() => return Ok(()),
            outcome = bring.until_final(signature, &mut progress) => outcome?,
        }
        incoming.activate(&config, &keys, work)?;
        progress.say(if incoming.includes_us() {
            "the contract has the new key finally: the new committee is in force here"
        } else {
            "the contract has the new key finally; this guardian is no member any more, and its share is deleted"
        });
        done.send_replace(true);
        token.cancel();
        Ok(())
    });
    tasks.until_stopped().await?;
    Ok(*switched.borrow())
}

/// Our part in the committee in force, if we have one.
fn signer(
    config: &Config,
    keys: &KeyFiles,
    identity: IdentityKey,
    file: CommitteeFile,
    committee: &Committee,
) -> Result<Option<Signer>, Hinted> {
    let Some(me) = committee.iter().find(|member| member.identity == identity.public()).map(|member| member.id) else {
        return Ok(None);
    };
    let share = Shares::new(&config.keys.shares, keys).load(committee)?;
    Ok(Some(Signer { file, me, identity, share }))
}

/// Members submit by turns, so that one transaction is paid for.
fn turn_of(config: &Config, committee: &Committee, signer: &Signer) -> Duration {
    let place = committee.iter().position(|member| member.id == signer.me).unwrap_or_default();
    config.timing.submit_stagger.saturating_mul(u32::try_from(place).unwrap_or(u32::MAX))
}

/// The key that enough providers say is final.
async fn agreed(readers: &Readers, quorum: usize) -> Option<FinalKey> {
    let answers: Vec<FinalKey> = readers.final_key().await.into_iter().filter_map(|(_, answer)| answer.ok()).collect();
    answers.iter().find(|key| answers.iter().filter(|other| other == key).count() >= quorum).copied()
}

fn is_final(known: Option<&FinalKey>, incoming: &IncomingCommittee) -> bool {
    known.is_some_and(|known| (known.key_epoch, known.group_key) == (incoming.key_epoch(), incoming.key()))
}

/// Whether the contract is where this rotation starts, or where it ends.
fn check_chain(
    known: Option<&FinalKey>,
    before: Option<&Committee>,
    incoming: &IncomingCommittee,
) -> Result<(), Hinted> {
    let Some(known) = known else {
        return Err(Hinted::new(
            "too few execution providers say which key the contract has finally",
            "check the urls under [execution], that the providers are in sync, and that the chain finalizes",
        ));
    };
    if is_final(Some(known), incoming) {
        return Ok(());
    }
    if known.key_epoch.0.checked_add(1) != Some(incoming.key_epoch().0) {
        return Err(Hinted::new(
            format!(
                "the contract is at key epoch {}, and the new key was made for {}",
                known.key_epoch,
                incoming.key_epoch()
            ),
            "make a new key, with a plan for the epoch after the contract's",
        ));
    }
    match before {
        Some(before) if before.group_key() != known.group_key => Err(Hinted::new(
            "the contract verifies against another key than that of the committee in force here",
            "committee.toml is out of date, or of another deployment: get the current one",
        )),
        _ => Ok(()),
    }
}

/// Brings the rotation to the contract and waits until it is final there.
struct Bring<'a> {
    config: &'a Config,
    readers: Readers,
    sender: Arc<Sender>,
    incoming: &'a IncomingCommittee,
    quorum: usize,
    turn: Duration,
}

impl Bring<'_> {
    async fn until_final(
        &self,
        signature: Option<watch::Receiver<Option<Signature>>>,
        progress: &mut Progress,
    ) -> Result<()> {
        /// How often a waiting operator is told that there is still something to wait for, and how soon it is tried again: what the
        /// contract has is not sent twice, and what a reorganisation took is sent again.
        const AGAIN: Duration = Duration::from_secs(60);
        let mut reminded = Instant::now();
        let mut next: Option<Instant> = None;
        if signature.is_none() {
            progress.say("waiting until the contract has the new key finally; the old committee signs for it");
        }
        loop {
            if is_final(agreed(&self.readers, self.quorum).await.as_ref(), self.incoming) {
                return Ok(());
            }
            let word = signature.as_ref().and_then(|signature| *signature.borrow());
            if let Some(word) = word
                && Instant::now() >= *next.get_or_insert_with(|| Instant::now() + self.turn)
            {
                self.submit(word, progress).await;
                next = Some(Instant::now() + AGAIN);
            }
            if reminded.elapsed() >= AGAIN {
                reminded = Instant::now();
                progress.say("still waiting until the contract has the new key finally");
            }
            tokio::time::sleep(self.config.timing.poll.min(Duration::from_secs(12))).await;
        }
    }

    async fn submit(&self, by_old_key: Signature, progress: &mut Progress) {
        let (key_epoch, key, by_new_key) = (self.incoming.key_epoch(), self.incoming.key(), self.incoming.proof);
        let outcome = self.sender.rotate(&KeyRotation { key_epoch, key, by_old_key, by_new_key }).await;
        progress.say(&match outcome {
            CallOutcome::Included { transaction, gas } => {
                format!(
                    "the contract has the new key (transaction {transaction}, {gas} gas); waiting until that is final"
                )
            }
            CallOutcome::AlreadyAccepted => "the contract has the new key; waiting until that is final".to_owned(),
            CallOutcome::Refused(reason) => format!("the contract refuses the new key: {reason}; will be tried again"),
            CallOutcome::Failed(reason) => format!("not included: {reason}; will be tried again"),
        });
    }
}
