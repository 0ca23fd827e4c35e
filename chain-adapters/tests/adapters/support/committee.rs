//! Real signed duties of a small committee.

use alloy::primitives::B256;
use guardian_crypto::{
    frost::signing,
    schnorr::{GroupKey, Signature},
};
use guardian_protocol::{
    BlsPubkey, ChainSpec, Contracts, Duty, DutyBody, Ejection, EjectionOrder, EjectionReason, Epoch, Gwei, KeyEpoch,
    ReserveReport, Setup, Signed, Slot, ValidatorIndex,
    testing::{Dealt, chain_spec, member, setup},
};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use std::collections::BTreeMap;

pub(crate) const SLOTS_PER_EPOCH: u64 = 8;

/// Who signs, and for which contracts.
pub(crate) struct Signers {
    dealt: Dealt,
    pub(crate) setup: Setup,
}

pub(crate) fn network(chain_id: u64) -> ChainSpec {
    ChainSpec {
        chain_id,
        genesis_validators_root: B256::repeat_byte(7),
        genesis_time: 1000,
        seconds_per_slot: 2,
        slots_per_epoch: SLOTS_PER_EPOCH,
        ..chain_spec()
    }
}

impl Signers {
    pub(crate) fn new(chain_id: u64) -> Self {
        Self::seeded(chain_id, 1)
    }

    /// Another seed, another group key.
    pub(crate) fn seeded(chain_id: u64, seed: u64) -> Self {
        let dealt = Dealt::new(3, 2, seed);
        let setup = Setup { network: network(chain_id), ..setup(dealt.committee.clone(), member(1)) };
        Self { dealt, setup }
    }

    pub(crate) fn group_key(&self) -> GroupKey {
        self.setup.committee.group_key()
    }

    pub(crate) fn with_contracts(mut self, contracts: Contracts) -> Self {
        self.setup.contracts = contracts;
        self
    }

    pub(crate) fn sign(&self, epoch: u64, body: DutyBody) -> Signed {
        let duty = Duty {
            key_epoch: KeyEpoch(1),
            period: Epoch(epoch),
            reference_slot: Slot(epoch * SLOTS_PER_EPOCH),
            reference_root: B256::repeat_byte(0xaa),
            body,
        };
        let digest = self.setup.domain().digest(&duty).unwrap();
        Signed::verify(duty, self.signature(epoch, digest), &self.setup).unwrap()
    }

    /// A signature of these signers over `digest`. No two calls may have the same seed.
    pub(crate) fn signature(&self, seed: u64, digest: B256) -> Signature {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let signers = [1, 2].map(|number| self.dealt.share(member(number)));
        let (mut nonces, mut commitments) = (Vec::new(), BTreeMap::new());
        for share in &signers {
            let (secret, public) = signing::commit(share, &mut rng).unwrap();
            nonces.push(secret);
            commitments.insert(share.member(), public);
        }
        let package = signing::SigningPackage::new(digest.0, &commitments).unwrap();
        let shares = signers
            .iter()
            .zip(nonces)
            .map(|(share, nonces)| (share.member(), signing::sign(nonces, &package, share).unwrap()))
            .collect();
        signing::aggregate(&package, &shares, self.setup.committee.public_shares()).unwrap()
    }
}

pub(crate) fn order(indices: &[u64]) -> DutyBody {
    let ejections = indices.iter().map(|index| Ejection {
        index: ValidatorIndex(*index),
        pubkey: BlsPubkey::repeat_byte(u8::try_from(*index).unwrap()),
        reason: EjectionReason::LowBalance,
    });
    DutyBody::Ejection(EjectionOrder::new(ejections.collect()).unwrap())
}

pub(crate) fn report() -> DutyBody {
    DutyBody::Reserves(ReserveReport {
        validator_count: 2,
        validators: Gwei(64_000_000_000),
        pods: Gwei(3),
        vaults: Gwei(5),
        pending: Gwei(7),
        liabilities: Gwei(60_000_000_000),
        supply: Gwei(50_000_000_000),
        sources_version: 1,
    })
}
