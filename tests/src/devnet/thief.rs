//! Somebody who has t guardians' shares of the group key, and one guardian's identity. It signs an order over validators that need not
//! leave, brings it to the registry, and tells the guardians as that member, whose own process must not run; or it signs a report, and
//! tells nobody.

use super::{Devnet, guardians::GuardianProcess, signers};
use alloy::primitives::keccak256;
use eyre::{Result, WrapErr, eyre};
use guardian_node::committee::CommitteeFile;
use guardian_p2p::{Config as NetworkConfig, Event, Identity, Member, Network};
use guardian_protocol::{
    Duty, DutyBody, Ejection, EjectionOrder, EjectionReason, Envelope, Epoch, Gwei, KeyEpoch, ReserveReport, Slot,
    ValidatorIndex,
    testing::{Message, SignedDuty},
};
use tokio::task::JoinHandle;

/// Slots in an epoch (minimal preset).
const SLOTS: u64 = 8;

/// The running thief. Dropping it ends it.
#[derive(Debug)]
pub struct Thief {
    /// The epoch of its order.
    pub period: u64,
    tasks: [JoinHandle<()>; 2],
}

impl Drop for Thief {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Thief {
    /// Orders out the validators with these `indices`, with the shares of all guardians of `devnet`, as the one at `place`.
    ///
    /// # Errors
    /// If files can't be read, the chains do not answer, or the registry refuses the order.
    pub async fn order(devnet: &Devnet, place: usize, indices: &[u64]) -> Result<Self> {
        let teller = devnet.guardians.get(place).ok_or_else(|| eyre!("no guardian {place}"))?;
        let file = CommitteeFile::load(&teller.dir.join("committee.toml"))?;
        let signers = signers_of(devnet)?;
        let epoch = devnet.beacon.finalized_epoch().await?;
        let duty = duty(signers.committee.key_epoch(), epoch, DutyBody::Ejection(order(devnet, indices)?));
        let signed = signers.signed(duty.clone(), devnet.contracts.contracts())?;
        devnet.contracts.bring(&signed).await?;

        let period = duty.period.0;
        let entry = file.named(&teller.name)?;
        let identity =
            signers::key_files(&teller.name, &teller.dir)?.identity(&teller.dir.join("keys/identity.sealed"))?;
        let signature = *signed.attestation().group().ok_or_else(|| eyre!("orders are signed by the group"))?;
        let message = Message::Signed(SignedDuty { duty, signature });
        let told = Envelope::seal(entry.id, message, &signers.committee, &identity).encode();
        let others = file.members.iter().filter(|member| member.id != entry.id);
        let members = others.map(|other| Ok(Member { peer_id: other.peer_id()?, addresses: other.addresses.clone() }));
        let listen = entry.addresses.clone();
        let members = members.collect::<Result<_>>()?;
        let network = NetworkConfig { listen, members, ..NetworkConfig::default() };
        let transport = Identity::from_seed(*identity.expose_seed())?;
        let (network, mut events, actor) =
            Network::start(network, transport).await.wrap_err("the thief has no network")?;
        let talking = tokio::spawn(async move {
            while let Some(event) = events.recv().await {
                if let Event::Connected(peer) = event {
                    let _feedback = network.send(peer, told.clone());
                }
            }
        });
        let running = tokio::spawn(async move { drop(actor.await) });
        Ok(Self { period, tasks: [talking, running] })
    }
}

/// Reports, with the shares of as many guardians as must sign, a twentieth more than the validators of `devnet` have: inside the feed's limits,
/// so that nothing is wrong with it but the signer. It is of the newest slot that it can be of, so that no honest report comes after it for
/// some epochs. Returns its reference slot.
///
/// # Errors
/// If files can't be read, or the feed refuses the report.
pub async fn report(devnet: &Devnet) -> Result<u64> {
    let (signers, last) = (signers_of(devnet)?, devnet.contracts.latest_report().await?);
    let body = DutyBody::Reserves(ReserveReport {
        sources_version: devnet.contracts.sources_version().await?,
        validator_count: last.validatorCount,
        validators: Gwei(last.validatorGwei.saturating_add(last.validatorGwei / 20)),
        pods: Gwei(0),
        vaults: Gwei(last.otherGwei),
        pending: Gwei(0),
        liabilities: Gwei(last.liabilityGwei),
        supply: Gwei(last.liabilityGwei),
    });
    let duty = duty(signers.committee.key_epoch(), devnet.slot().await? / SLOTS, body);
    let slot = duty.reference_slot.0;
    devnet.contracts.bring(&signers.signed(duty, devnet.contracts.contracts())?).await?;
    Ok(slot)
}

fn signers_of(devnet: &Devnet) -> Result<signers::Signers> {
    signers::Signers::of(
        devnet.guardians.iter().map(|guardian: &GuardianProcess| (guardian.name.as_str(), guardian.dir.as_path())),
    )
}

/// As well made as any.
fn duty(key_epoch: KeyEpoch, epoch: u64, body: DutyBody) -> Duty {
    Duty {
        key_epoch,
        period: Epoch(epoch),
        reference_slot: Slot(epoch.saturating_mul(SLOTS)),
        reference_root: keccak256(b"whatever: this chain's contracts know no roots"),
        body,
    }
}

fn order(devnet: &Devnet, indices: &[u64]) -> Result<EjectionOrder> {
    let ejection = |index: &u64| -> Result<Ejection> {
        let pubkey = usize::try_from(*index).ok().and_then(|index| devnet.validators.get(index));
        let pubkey = hex::decode(pubkey.ok_or_else(|| eyre!("no validator {index}"))?)?;
        let pubkey = pubkey.as_slice().try_into()?;
        Ok(Ejection { index: ValidatorIndex(*index), pubkey, reason: EjectionReason::LowBalance })
    };
    Ok(EjectionOrder::new(indices.iter().map(ejection).collect::<Result<_>>()?)?)
}
