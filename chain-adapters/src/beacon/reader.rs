//! Answers to the protocol's beacon queries, from one beacon node's routes.

use super::{
    client::{BeaconClient, Routed, reject_optimistic, require_found},
    fingerprint::BeaconFingerprint,
    state::StateProver,
    wire::{Envelope, ValidatorEntry},
};
use alloy::primitives::B256;
use guardian_protocol::{BlockHash, BlsPubkey, Checkpoint, ReadFailure, Reading, Slot, ValidatorRecord};
use std::{collections::BTreeSet, sync::atomic::Ordering::Relaxed};

/// Validators in one POST: what Rocket Pool found beacon nodes to bear.
const POST_BATCH: usize = 600;
/// Validators in one GET: 30 ids of 102 characters stay below the 4 kB that servers allow a request line.
const GET_BATCH: usize = 30;

impl BeaconClient {
    /// What this node says of its chain.
    pub(crate) async fn fingerprint(&self) -> Result<BeaconFingerprint, ReadFailure> {
        let (genesis, spec) = (self.genesis().await?, self.spec().await?);
        BeaconFingerprint::new(&genesis, &spec, &self.fork_schedule().await?)
    }

    /// The finalized checkpoint, with its block's header and execution block.
    pub(crate) async fn read_finalized(&self, chain: &BeaconFingerprint) -> Result<Reading, ReadFailure> {
        self.check_sync(chain).await?;
        let finalized = self.finalized().await?;
        let root = B256::from(finalized.root.0);
        if finalized.epoch.0 == 0 || root.is_zero() {
            return Ok(Reading::Finalized(None));
        }
        let entry = self.header(root).await?;
        if entry.root.0 != root.0 {
            return Err(ReadFailure::Malformed("a header of another root than asked for".to_owned()));
        }
        if !entry.canonical {
            return Err(ReadFailure::NotInSync("its finalized block is not canonical".to_owned()));
        }
        let header = entry.header.message;
        let block_slot = Slot::from(header.slot);
        let epoch = finalized.epoch.into();
        if chain.epoch_of(block_slot) > epoch {
            return Err(ReadFailure::Malformed("the finalized block is younger than its epoch".to_owned()));
        }
        let state_root = B256::from(header.state_root.0);
        let execution = self.execution_block(chain, root, block_slot, state_root).await?;
        Ok(Reading::Finalized(Some(Checkpoint { epoch, root, block_slot, state_root, execution })))
    }

    /// The validators with `pubkeys` in the state at `slot`.
    pub(crate) async fn read_validators(
        &self,
        chain: &BeaconFingerprint,
        slot: Slot,
        pubkeys: &[BlsPubkey],
    ) -> Result<Reading, ReadFailure> {
        self.check_sync(chain).await?;
        // Asked for no validator, some nodes tell of all.
        if pubkeys.is_empty() {
            return Ok(Reading::Validators(Vec::new()));
        }
        let asked: BTreeSet<BlsPubkey> = pubkeys.iter().copied().collect();
        let keys: Vec<BlsPubkey> = asked.iter().copied().collect();
        let records = require_found(self.validators_by_id(slot, &keys).await?)?;
        if records.is_empty() {
            self.check_emptiness(slot).await?;
        }
        check_validators(records, &asked).map(Reading::Validators)
    }

    /// None of many keys is a good answer while all of them wait in the deposit queue, and a usual one of nodes that are broken or misread
    /// the question. Which it is, a question tells whose answer is known: the network's first validator, by its key.
    async fn check_emptiness(&self, slot: Slot) -> Result<(), ReadFailure> {
        let none = |what: &str| Err(ReadFailure::Malformed(format!("none of the validators asked for, and {what}")));
        let Routed::Found(first) = self.validator_zero(slot).await? else { return none("not even number 0") };
        let first = validators(first)?.into_iter().find(|record| record.index.0 == 0);
        let Some(first) = first else { return none("not even number 0") };
        let found = require_found(self.validators_by_id(slot, &[first.pubkey]).await?)?;
        if found.iter().any(|record| record.pubkey == first.pubkey) {
            Ok(())
        } else {
            none("not even its first one, by key")
        }
    }

    /// # Errors
    /// [`ReadFailure::NotInSync`] if the node says that it does not follow the chain.
    pub(crate) async fn check_sync(&self, chain: &BeaconFingerprint) -> Result<(), ReadFailure> {
        let sync = self.syncing().await?;
        // A node without peers says that it is syncing, at distance 0: it has all there is.
        if sync.is_syncing && sync.sync_distance.0 > 0 {
            return Err(ReadFailure::NotInSync(format!("{} slots behind", sync.sync_distance.0)));
        }
        if sync.is_optimistic {
            return Err(ReadFailure::NotInSync(
                "its head is optimistic: not verified by its execution client".to_owned(),
            ));
        }
        // Before the merge there is no execution client to lose.
        if sync.el_offline && chain.has_payloads(sync.head_slot.into()) {
            return Err(ReadFailure::NotInSync("its execution client is offline".to_owned()));
        }
        Ok(())
    }

    async fn execution_block(
        &self,
        chain: &BeaconFingerprint,
        root: B256,
        slot: Slot,
        state_root: B256,
    ) -> Result<Option<BlockHash>, ReadFailure> {
        if !chain.has_payloads(slot) {
            return Ok(None);
        }
        let block = self.block(root).await?.message;
        if Slot::from(block.slot) != slot || block.state_root.0 != state_root.0 {
            return Err(ReadFailure::Malformed("a block that does not fit its header".to_owned()));
        }
        let body = block.body;
        let Some(payload) = body.execution_payload else {
            if body.signed_execution_payload_bid.is_some() {
                // The payload comes by itself, or not at all (EIP-7732): the execution block is found by time, as before the merge.
                return Ok(None);
            }
            let fork = chain.fork_at(slot);
            return Err(if StateProver::knows(fork) {
                ReadFailure::Malformed("a block without an execution payload, after the merge".to_owned())
            } else {
                ReadFailure::NotAvailable(format!("the fork '{fork}' is not known to this version: update it"))
            });
        };
        let hash = B256::from(payload.block_hash.0);
        // Bellatrix blocks before the merge itself contain an empty payload.
        Ok((!hash.is_zero()).then_some(BlockHash { number: payload.block_number.0, hash }))
    }

    /// By POST, or by GET where there is no such route. [`Routed::Absent`]: neither has the state.
    async fn validators_by_id(
        &self,
        slot: Slot,
        keys: &[BlsPubkey],
    ) -> Result<Routed<Vec<ValidatorRecord>>, ReadFailure> {
        if !self.post_unsupported.load(Relaxed) {
            let mut records = Vec::with_capacity(keys.len());
            let mut all = true;
            for batch in keys.chunks(POST_BATCH) {
                match self.validators_by_post(slot, batch).await? {
                    Routed::Found(answer) => records.extend(validators(answer)?),
                    Routed::Absent(_) => {
                        all = false;
                        break;
                    }
                }
            }
            if all {
                return Ok(Routed::Found(records));
            }
        }
        // A missing route and a missing state are both 404: whether GET has it tells which it was.
        let mut records = Vec::with_capacity(keys.len());
        for batch in keys.chunks(GET_BATCH) {
            match self.validators_by_get(slot, batch).await? {
                Routed::Found(answer) => records.extend(validators(answer)?),
                Routed::Absent(said) => return Ok(Routed::Absent(said)),
            }
        }
        self.post_unsupported.store(true, Relaxed);
        Ok(Routed::Found(records))
    }
}

fn validators(answer: Envelope<Vec<ValidatorEntry>>) -> Result<Vec<ValidatorRecord>, ReadFailure> {
    reject_optimistic(&answer)?;
    if answer.finalized == Some(false) {
        return Err(ReadFailure::NotAvailable("it has not finalized this slot yet".to_owned()));
    }
    Ok(answer.data.into_iter().map(ValidatorRecord::from).collect())
}

/// Sorts by index, and refuses what can't be an answer to the question.
fn check_validators(
    mut records: Vec<ValidatorRecord>,
    asked: &BTreeSet<BlsPubkey>,
) -> Result<Vec<ValidatorRecord>, ReadFailure> {
    let malformed = |what: &str| Err(ReadFailure::Malformed(what.to_owned()));
    if !records.iter().all(|record| asked.contains(&record.pubkey)) {
        return malformed("a validator that was not asked for");
    }
    records.sort_by_key(|record| record.index);
    let mut pubkeys = BTreeSet::new();
    if !records.iter().all(|record| pubkeys.insert(record.pubkey))
        || records.windows(2).any(|pair| matches!(pair, [a, b] if a.index == b.index))
    {
        return malformed("a validator twice");
    }
    Ok(records)
}
