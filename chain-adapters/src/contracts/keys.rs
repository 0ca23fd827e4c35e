//! The group key: where it stands, what is in force, and how it is replaced.

use super::words;
use crate::execution::client::ExecutionClient;
use alloy::{
    primitives::{Address, B256, Bytes, U256},
    sol,
    sol_types::SolCall,
};
use futures::try_join;
use guardian_crypto::schnorr::{self, GroupKey};
use guardian_protocol::{KeyEpoch, KeyProposal, ReadFailure};

#[allow(missing_docs, clippy::allow_attributes_without_reason, reason = "generated from the interfaces")]
mod abi {
    use super::sol;

    sol! {
        interface GuardianKeys {
            error NoProposal();
            error AlreadySlowed(uint64 number);
            function groupKey() external view returns (uint256 px, uint256 py);
            function keyEpoch() external view returns (uint64 epoch);
            function isPaused() external view returns (bool paused);
            function proposal() external view returns (uint256 px, uint256 py, uint64 number, uint64 readyAt, bool slowed);
            function rotate(
                uint256 px,
                uint256 py,
                (uint256, uint256, uint256) byOldKey,
                (uint256, uint256, uint256) byNewKey
            ) external;
            function vetoSigned((uint256, uint256, uint256) signature) external;
        }
    }
}

pub(crate) use abi::GuardianKeys;

/// The replacement of the group key by another one, as the contract wants it: allowed by the old key, and signed by the new one to
/// show that somebody can use it. Both sign the same digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRotation {
    /// The epoch that begins with the new key: one more than the contract's.
    pub key_epoch: KeyEpoch,
    /// The new key.
    pub key: GroupKey,
    /// The old key's permission.
    pub by_old_key: schnorr::Signature,
    /// The new key's proof of possession.
    pub by_new_key: schnorr::Signature,
}

/// The call that replaces the key.
pub(crate) fn rotation(rotation: &KeyRotation) -> Bytes {
    let (px, py) = rotation.key.coordinates();
    let call = GuardianKeys::rotateCall {
        px: U256::from_be_bytes(px),
        py: U256::from_be_bytes(py),
        byOldKey: words(&rotation.by_old_key).into(),
        byNewKey: words(&rotation.by_new_key).into(),
    };
    call.abi_encode().into()
}

/// The key in force at `block`, and its epoch.
pub(crate) async fn in_force(
    client: &ExecutionClient,
    keys: Address,
    block: B256,
) -> Result<(KeyEpoch, GroupKey), ReadFailure> {
    let (key, epoch) = try_join!(
        client.view_existing(keys, GuardianKeys::groupKeyCall {}, block),
        client.view_existing(keys, GuardianKeys::keyEpochCall {}, block),
    )?;
    let key = GroupKey::from_coordinates(key.px.to_be_bytes(), key.py.to_be_bytes())
        .map_err(|_| ReadFailure::Malformed("the contract's group key is not a key".to_owned()))?;
    Ok((KeyEpoch(epoch), key))
}

/// Whether no signature counts at `block`, and the key that waits there to begin, if one does.
pub(crate) async fn change(
    client: &ExecutionClient,
    keys: Address,
    block: B256,
) -> Result<(bool, Option<KeyProposal>), ReadFailure> {
    let (paused, proposal) = try_join!(
        client.view_existing(keys, GuardianKeys::isPausedCall {}, block),
        client.view_existing(keys, GuardianKeys::proposalCall {}, block),
    )?;
    let waits = (proposal.readyAt != 0).then(|| KeyProposal {
        number: proposal.number,
        ready_at: proposal.readyAt,
        key: [proposal.px, proposal.py].map(B256::from),
        slowed: proposal.slowed,
    });
    Ok((paused, waits))
}
