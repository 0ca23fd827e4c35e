//! The old committee's word to a rotation: t of its members sign the contract's digest together.

use super::super::{
    driver::{Driver, Next, NoRecords, Shell},
    network::CeremonyNetwork,
    plan_file::PlanFile,
    progress::Progress,
};
use crate::{
    committee::{CommitteeFile, MemberEntry},
    config::Config,
    hint::{Hinted, WithHint},
    tasks::Tasks,
};
use alloy_primitives::B256;
use eyre::Result;
use guardian_crypto::{frost::KeyShare, identity::IdentityKey, schnorr::Signature};
use guardian_protocol::{
    MemberId, Timestamp,
    ceremony::{Authorisation, Event, Reason, Step, Waiting},
};
use rand_core::OsRng;
use std::{collections::BTreeMap, time::Duration};
use tokio::{runtime::Handle, sync::watch};
use tokio_util::sync::CancellationToken;

/// The longest pause between two looks.
const LOOK: Duration = Duration::from_secs(1);

/// Who signs, of the committee in force.
#[derive(Debug)]
pub(super) struct Signer {
    pub(super) file: CommitteeFile,
    pub(super) me: MemberId,
    pub(super) identity: IdentityKey,
    pub(super) share: KeyShare,
}

/// Starts signing `digest` with the other members. The signature appears in the channel; the process goes on helping others until `stop`.
pub(super) async fn start(
    config: &Config,
    plan: &PlanFile,
    signer: Signer,
    digest: B256,
    progress: Progress,
    tasks: &mut Tasks,
    stop: &CancellationToken,
) -> Result<watch::Receiver<Option<Signature>>, Hinted> {
    let Signer { file, me, identity, share } = signer;
    let others: Vec<MemberEntry> =
        file.members.iter().filter(|entry| entry.id != me).map(|entry| reachable(entry, plan)).collect();
    let others: Vec<&MemberEntry> = others.iter().collect();
    let CeremonyNetwork { network, peers, inputs } = CeremonyNetwork::start(config, &identity, &others, tasks).await?;
    let participant =
        Authorisation::new(crate::driver::now(), file.committee()?, digest, me, identity, share, &mut OsRng).hint(
            "can't sign with the committee in force",
            "identity, share and committee file must be of the same guardian and key: restore them from your backup",
        )?;
    let (told, signature) = watch::channel(None);
    let names = file.members.iter().map(|entry| (entry.id, entry.name.clone())).collect();
    let mut shell = SignerShell { progress, names, told };
    let mut driver = Driver { participant, store: NoRecords, inputs, peers, network };
    let (runtime, token) = (Handle::current(), stop.clone());
    tasks.critical_blocking("signing", move || driver.run(&mut shell, &runtime, &token));
    Ok(signature)
}

/// The member where it is reached now: the plan's addresses are newer than the committee file's.
fn reachable(entry: &MemberEntry, plan: &PlanFile) -> MemberEntry {
    let planned = plan.members.iter().find(|planned| planned.identity == entry.identity);
    let addresses = planned.unwrap_or(entry).during_ceremonies().to_vec();
    MemberEntry { ceremony_addresses: addresses, ..entry.clone() }
}

#[derive(Debug)]
struct SignerShell {
    progress: Progress,
    names: BTreeMap<MemberId, String>,
    told: watch::Sender<Option<Signature>>,
}

impl Shell<Authorisation> for SignerShell {
    fn after(&mut self, participant: &Authorisation, now: Timestamp, events: Vec<Event>) -> Result<Next> {
        for event in &events {
            self.progress.tell(event);
        }
        if participant.signature().is_some() && self.told.borrow().is_none() {
            self.told.send_replace(participant.signature());
        }
        let waiting_for = participant.waiting_for(now).into_iter().map(|member| Waiting {
            member,
            name: self.names.get(&member).cloned().unwrap_or_default(),
            step: Step::Proof,
            reason: Reason::Silent,
            other_plan: None,
        });
        self.progress.nag(&waiting_for.collect::<Vec<_>>());
        Ok(Next::Wait(LOOK))
    }
}
