//! Vetoes of keys: the call, and how far the contract is. A veto concerns the proposal that waits, whose number stands in what was signed;
//! so the contract's level is the number of the last proposal with which nothing more can be done.

use super::{Refusal, keys::GuardianKeys, words};
use crate::execution::client::ExecutionClient;
use alloy::{
    primitives::{Address, B256, Bytes},
    sol_types::{SolCall, SolInterface},
};
use futures::try_join;
use guardian_crypto::schnorr;
use guardian_protocol::{Level, ReadFailure};

/// The most gas that one can need: some five times what it does.
pub(super) const GAS_CAP: u64 = 250_000;

/// The call that brings a veto to the keys.
pub(super) fn call(signature: &schnorr::Signature) -> Bytes {
    GuardianKeys::vetoSignedCall { signature: words(signature).into() }.abi_encode().into()
}

/// `None` if there is no contract.
pub(super) async fn level(client: &ExecutionClient, keys: Address, block: B256) -> Result<Option<Level>, ReadFailure> {
    let (proposal, paused) = try_join!(
        client.view(keys, GuardianKeys::proposalCall {}, block),
        client.view(keys, GuardianKeys::isPausedCall {}, block),
    )?;
    let level = proposal.zip(paused).map(|(proposal, paused)| {
        let waits = proposal.readyAt != 0 && !(paused && proposal.slowed);
        Level(proposal.number.saturating_sub(u64::from(waits)))
    });
    Ok(level)
}

/// What the keys refuse with, if `data` is an error that only a veto meets.
pub(super) fn refusal(data: &[u8]) -> Option<Refusal> {
    match GuardianKeys::GuardianKeysErrors::abi_decode_validate(data).ok()? {
        GuardianKeys::GuardianKeysErrors::NoProposal(_) | GuardianKeys::GuardianKeysErrors::AlreadySlowed(_) => {
            Some(Refusal::Stale)
        }
    }
}
