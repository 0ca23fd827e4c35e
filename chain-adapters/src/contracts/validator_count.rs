//! Validator counts: the interface of Puffer's oracle, a count as call data, and what is read. The oracle tells the epoch of its last count
//! nowhere but in its storage.

use super::{GuardianModule, Refusal, guardian_list, words};
use crate::execution::client::ExecutionClient;
use alloy::{
    primitives::{Address, B256, Bytes, U256},
    sol,
    sol_types::{SolCall, SolError, SolInterface},
};
use futures::try_join;
use guardian_crypto::schnorr;
use guardian_protocol::{AccountModule, CountRules, Duty, Level, ReadFailure, ValidatorCount};

#[allow(missing_docs, clippy::allow_attributes_without_reason, reason = "generated from the interfaces")]
mod abi {
    use super::sol;

    sol! {
        interface PufferOracleV2 {
            error InvalidUpdate();
            error AccessManagedUnauthorized(address caller);
            function setTotalNumberOfValidators(
                uint256 newTotalNumberOfValidators,
                uint256 epochNumber,
                bytes[] calldata guardianEOASignatures
            ) external;
            function getTotalNumberOfValidators() external view returns (uint256);
            function getNumberOfActiveValidators() external view returns (uint256);
        }
    }
}

pub(crate) use abi::PufferOracleV2;

/// `_epochNumber`: slot 0 is OpenZeppelin's, and two numbers come before it.
const EPOCH_SLOT: U256 = U256::from_limbs([3, 0, 0, 0]);

/// The most gas that one can need: more than five times what it does.
pub(super) const GAS_CAP: u64 = 500_000;

/// The group's signature as the one entry of a list: key epoch (8 bytes), rx, ry, z.
pub(super) fn packed(duty: &Duty, signature: &schnorr::Signature) -> Bytes {
    let mut packed = duty.key_epoch.0.to_be_bytes().to_vec();
    words(signature).iter().for_each(|word| packed.extend_from_slice(&word.to_be_bytes::<32>()));
    packed.into()
}

/// The call that brings `count` to the oracle, with what its module takes.
pub(super) fn call(duty: &Duty, count: ValidatorCount, signatures: Vec<Bytes>) -> Bytes {
    let call = PufferOracleV2::setTotalNumberOfValidatorsCall {
        newTotalNumberOfValidators: U256::from(count.active),
        epochNumber: U256::from(duty.period.0),
        guardianEOASignatures: signatures,
    };
    call.abi_encode().into()
}

/// What the oracle says at `block`, and where accounts sign, who is on the list of its module.
pub(super) async fn rules(
    client: &ExecutionClient,
    (oracle, accounts): (Address, Option<&AccountModule>),
    block: B256,
) -> Result<CountRules, ReadFailure> {
    let list = async {
        match accounts {
            Some(accounts) => guardian_list(client, accounts.module, block).await.map(Some),
            None => Ok(None),
        }
    };
    let (own, last, accounts) = try_join!(
        client.view_existing(oracle, PufferOracleV2::getNumberOfActiveValidatorsCall {}, block),
        client.view_existing(oracle, PufferOracleV2::getTotalNumberOfValidatorsCall {}, block),
        list,
    )?;
    Ok(CountRules { own: number(own)?, last: number(last)?, accounts })
}

/// The epoch of the oracle's last count; `None` if there is no contract.
pub(super) async fn level(
    client: &ExecutionClient,
    oracle: Address,
    block: B256,
) -> Result<Option<Level>, ReadFailure> {
    let (epoch, exists) = try_join!(client.storage(oracle, EPOCH_SLOT, block), client.has_code(oracle, block))?;
    if exists { number(epoch).map(|epoch| Some(Level(epoch))) } else { Ok(None) }
}

/// What the oracle refuses with, if `data` is an error of its own, of its access manager or of its module.
pub(super) fn refusal(data: &[u8]) -> Option<Refusal> {
    if GuardianModule::Unauthorized::abi_decode_validate(data).is_ok() {
        let text = "too few of the signatures are of the guardians in their places (Unauthorized): the module's list has just changed";
        return Some(Refusal::Other(text.to_owned()));
    }
    match PufferOracleV2::PufferOracleV2Errors::abi_decode_validate(data).ok()? {
        PufferOracleV2::PufferOracleV2Errors::InvalidUpdate(_) => Some(Refusal::Stale),
        PufferOracleV2::PufferOracleV2Errors::AccessManagedUnauthorized(error) => {
            let account = error.caller;
            Some(Refusal::Other(format!("the account {account} has not the role that the oracle asks for (22)")))
        }
    }
}

fn number(word: U256) -> Result<u64, ReadFailure> {
    u64::try_from(word).map_err(|_| ReadFailure::Malformed("more validators or epochs than there can be".to_owned()))
}
