//! Somebody who has t guardians' shares of the group key, and one guardian's identity. It signs an order over validators that need not
//! leave, brings it to the registry, and tells the guardians as that member, whose own process must not run.

use super::{
    Devnet,
    contracts::{Deployment, EjectionRegistry},
    guardians::GuardianProcess,
};
use alloy::{
    primitives::{U256, keccak256},
    sol_types::SolCall,
};
use eyre::{Result, WrapErr, ensure, eyre};
use guardian_crypto::{
    frost::{
        KeyShare,
        signing::{self, SigningPackage},
    },
    schnorr::Signature,
};
use guardian_node::{committee::CommitteeFile, config::Config, keys::KeyFiles, shares::Shares};
use guardian_p2p::{Config as NetworkConfig, Event, Identity, Member, Network};
use guardian_protocol::{
    Committee, DigestDomain, Duty, DutyBody, Ejection, EjectionOrder, EjectionReason, Envelope, Epoch, Slot,
    ValidatorIndex,
    testing::{Message, SignedDuty},
};
use rand_core::OsRng;
use std::collections::BTreeMap;
use tokio::task::JoinHandle;

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
        let committee = file.committee()?;
        let config = Config::load(&teller.dir.join("guardian.toml"))?;
        let contracts = config.contracts();
        let duty = order(devnet, &committee, indices).await?;
        let digest = DigestDomain::new(config.contracts.chain_id, contracts).digest(&duty);
        let digest = digest.ok_or_else(|| eyre!("no contract for orders"))?;
        let signature = sign(&devnet.guardians, &committee, digest.0)?;
        submit(&devnet.contracts, &duty, &signature).await?;

        let period = duty.period.0;
        let entry = file.named(&teller.name)?;
        let identity = keys(teller)?.identity(&teller.dir.join("keys/identity.sealed"))?;
        let message = Message::Signed(SignedDuty { duty, signature });
        let told = Envelope::seal(entry.id, message, &committee, &identity).encode();
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

/// An order of the finalized epoch, as well made as any.
async fn order(devnet: &Devnet, committee: &Committee, indices: &[u64]) -> Result<Duty> {
    let epoch = devnet.beacon.finalized_epoch().await?;
    let reference_slot = Slot(epoch.saturating_mul(8));
    let ejection = |index: &u64| -> Result<Ejection> {
        let pubkey = usize::try_from(*index).ok().and_then(|index| devnet.validators.get(index));
        let pubkey = hex::decode(pubkey.ok_or_else(|| eyre!("no validator {index}"))?)?;
        let pubkey = pubkey.as_slice().try_into()?;
        Ok(Ejection { index: ValidatorIndex(*index), pubkey, reason: EjectionReason::LowBalance })
    };
    let ejections = indices.iter().map(ejection).collect::<Result<_>>()?;
    Ok(Duty {
        key_epoch: committee.key_epoch(),
        period: Epoch(epoch),
        reference_slot,
        reference_root: keccak256(b"whatever: this chain's contracts know no roots"),
        body: DutyBody::Ejection(EjectionOrder::new(ejections)?),
    })
}

/// With the shares of the first t guardians.
fn sign(guardians: &[GuardianProcess], committee: &Committee, digest: [u8; 32]) -> Result<Signature> {
    let stolen = guardians.iter().take(committee.threshold()).map(|guardian| {
        let (folder, files) = (guardian.dir.join("keys/shares"), keys(guardian)?);
        Ok(Shares::new(&folder, &files).load(committee)?)
    });
    let stolen = stolen.collect::<Result<Vec<KeyShare>>>()?;
    let mut commitments = BTreeMap::new();
    let mut nonces = Vec::new();
    for share in &stolen {
        let (nonce, commitment) = signing::commit(share, &mut OsRng)?;
        commitments.insert(share.member(), commitment);
        nonces.push(nonce);
    }
    let package = SigningPackage::new(digest, &commitments)?;
    let parts = nonces.into_iter().zip(&stolen).map(|(nonces, share)| {
        let part = signing::sign(nonces, &package, share)?;
        Ok((share.member(), part))
    });
    Ok(signing::aggregate(&package, &parts.collect::<Result<_>>()?, committee.public_shares())?)
}

/// Pays for it.
async fn submit(contracts: &Deployment, duty: &Duty, signature: &Signature) -> Result<()> {
    let DutyBody::Ejection(order) = &duty.body else { return Err(eyre!("no order")) };
    let call = EjectionRegistry::submitOrderCall {
        order: EjectionRegistry::Order {
            keyEpoch: duty.key_epoch.0,
            referenceSlot: duty.reference_slot.0,
            referenceRoot: duty.reference_root,
            ejections: order.packed().into(),
        },
        signature: EjectionRegistry::OrderSignature {
            rx: U256::from_be_bytes(signature.rx()),
            ry: U256::from_be_bytes(signature.ry()),
            z: U256::from_be_bytes(signature.z()),
        },
    };
    ensure!(contracts.send(contracts.ejection_registry, call.abi_encode()).await?, "the registry refuses the order");
    Ok(())
}

fn keys(guardian: &GuardianProcess) -> Result<KeyFiles> {
    Ok(KeyFiles::new(&guardian.name, &guardian.dir.join("keys/passphrase"))?)
}
