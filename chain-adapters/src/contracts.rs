//! The contracts' interfaces, as far as a guardian uses them, stated by hand: what is called, what is logged, what can be
//! refused. A test compares them with the compiled contracts.

use alloy::{
    primitives::{Address, B256, Bytes, U256},
    sol,
    sol_types::{SolCall, SolEvent, SolInterface},
};
use guardian_crypto::schnorr;
use guardian_protocol::types::{BlsPubkey, Contracts, Duty, DutyBody, KeyEpoch, ProtocolEvent, Slot};

#[allow(missing_docs, clippy::allow_attributes_without_reason, reason = "generated from the interfaces")]
mod abi {
    use super::sol;

    sol! {
        #[derive(Debug)]
        struct Signature {
            uint256 rx;
            uint256 ry;
            uint256 z;
        }

        #[derive(Debug)]
        struct Order {
            uint64 keyEpoch;
            uint64 referenceSlot;
            bytes32 referenceRoot;
            bytes ejections;
        }

        #[derive(Debug)]
        struct Packed {
            uint256 head;
            bytes32 referenceRoot;
            uint256 amounts;
        }

        #[derive(Debug)]
        struct Sources {
            address[] vaults;
            address[] pods;
            address liabilityToken;
        }

        interface GuardianKeys {
            function groupKey() external view returns (uint256 px, uint256 py);
            function keyEpoch() external view returns (uint64 epoch);
            function rotate(
                uint256 px,
                uint256 py,
                Signature calldata byOldKey,
                Signature calldata byNewKey
            ) external;
        }

        interface EjectionRegistry {
            event ValidatorEjected(uint64 indexed validatorIndex, bytes32 pubkeyHead, bytes32 tailSlotReason);

            function submitOrder(Order calldata order, Signature calldata signature) external;
            function getEjectionThreshold() external view returns (uint256 amount);
            function lastReferenceSlot() external view returns (uint64 slot);
        }

        interface ReserveFeed {
            function submitReport(Packed calldata report, Signature calldata signature) external;
            function reportPeriodEpochs() external view returns (uint64 epochs);
            function getSources() external view returns (Sources memory sources);
            function lastReferenceSlot() external view returns (uint64 slot);
        }

        interface LiabilityToken {
            function totalSupply() external view returns (uint256 supply);
        }

        interface PufferProtocol {
            event SuccessfullyProvisioned(bytes pubKey, uint256 indexed pufferModuleIndex, bytes32 indexed moduleName);
            event ValidatorExited(
                bytes pubKey,
                uint256 indexed pufferModuleIndex,
                bytes32 indexed moduleName,
                uint256 pufETHBurnAmount,
                uint256 vtBurnAmount
            );
        }

        /// What the contracts refuse with.
        #[derive(Debug)]
        interface Refusals {
            error StaleReferenceSlot(uint64 given, uint64 last);
            error WrongKeyEpoch(uint64 given, uint64 current);
            error InvalidSignature();
            error InvalidProofOfPossession();
            error InvalidPublicKey();
            error EmptyOrder();
            error MalformedOrder(uint256 length);
            error TooManyEjections(uint256 count);
            error UnorderedEjections(uint256 position);
            error UnknownReason(uint256 position, uint8 reason);
            error KeysPaused();
            error FutureReferenceSlot(uint256 given, uint256 time);
            error ReferenceSlotTooOld(uint256 given, uint256 time);
            error WrongReferenceRoot(bytes32 given, bytes32 actual);
            error UnknownReferenceRoot(uint256 slot);
            error EmptyReserves();
            error ValueTooLarge(uint256 bits, uint256 value);
            error NoRequester();
            error NoSuchEjections(uint256 positions, uint256 length);
            error OrderNotAccepted(bytes32 digest);
            error AlreadyTriggered(uint256 positions);
            error OtherRequester(address current);
            error NoWithdrawalFee();
            error FeeAboveLimit(uint256 fee, uint256 maxFee);
            error InsufficientValue(uint256 value, uint256 needed);
            error RefundRefused();
        }
    }
}

use abi::Refusals;
pub(crate) use abi::{EjectionRegistry, GuardianKeys, LiabilityToken, PufferProtocol, ReserveFeed};

/// The replacement of the group key by another one, as the contract wants it: allowed by the old key, and signed by the new one to
/// show that somebody can use it. Both sign the same digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRotation {
    /// The epoch that begins with the new key: one more than the contract's.
    pub key_epoch: KeyEpoch,
    /// The new key.
    pub key: schnorr::GroupKey,
    /// The old key's permission.
    pub by_old_key: schnorr::Signature,
    /// The new key's proof of possession.
    pub by_new_key: schnorr::Signature,
}

/// Where a rotation goes, and with which call data.
pub(crate) fn rotation(contracts: &Contracts, rotation: &KeyRotation) -> (Address, Bytes) {
    let (px, py) = rotation.key.coordinates();
    let call = GuardianKeys::rotateCall {
        px: U256::from_be_bytes(px),
        py: U256::from_be_bytes(py),
        byOldKey: signature_words(&rotation.by_old_key),
        byNewKey: signature_words(&rotation.by_new_key),
    };
    (contracts.guardian_keys, call.abi_encode().into())
}

fn signature_words(signature: &schnorr::Signature) -> abi::Signature {
    abi::Signature {
        rx: U256::from_be_bytes(signature.rx()),
        ry: U256::from_be_bytes(signature.ry()),
        z: U256::from_be_bytes(signature.z()),
    }
}

/// Where a signed duty goes, and with which call data.
pub(crate) fn submission(contracts: &Contracts, duty: &Duty, signature: &schnorr::Signature) -> (Address, Bytes) {
    let signature = signature_words(signature);
    match &duty.body {
        DutyBody::Ejection(order) => {
            let order = abi::Order {
                keyEpoch: duty.key_epoch.0,
                referenceSlot: duty.reference_slot.0,
                referenceRoot: duty.reference_root,
                ejections: order.packed().into(),
            };
            let call = EjectionRegistry::submitOrderCall { order, signature };
            (contracts.ejection_registry, call.abi_encode().into())
        }
        DutyBody::Reserves(report) => {
            let (epoch, slot) = (duty.key_epoch.0, duty.reference_slot.0);
            let report = abi::Packed {
                head: packed([epoch, slot, report.validator_count, report.validators.0]),
                referenceRoot: duty.reference_root,
                amounts: packed([report.pods, report.vaults, report.pending, report.liabilities].map(|gwei| gwei.0)),
            };
            (contracts.reserve_feed, ReserveFeed::submitReportCall { report, signature }.abi_encode().into())
        }
    }
}

/// Four numbers in one word, the first in the highest bits: `ReserveFeed.Packed`.
fn packed([first, second, third, fourth]: [u64; 4]) -> U256 {
    U256::from_limbs([fourth, third, second, first])
}

/// The events that are asked for: topic of each.
pub(crate) const TOPICS: [B256; 3] = [
    PufferProtocol::SuccessfullyProvisioned::SIGNATURE_HASH,
    PufferProtocol::ValidatorExited::SIGNATURE_HASH,
    EjectionRegistry::ValidatorEjected::SIGNATURE_HASH,
];

/// What `log` says. `Ok(None)`: another contract's event of the same signature, which means nothing to us.
///
/// # Errors
/// A description, if the log can't be decoded.
pub(crate) fn event(contracts: &Contracts, log: &alloy::primitives::Log) -> Result<Option<ProtocolEvent>, String> {
    let topic = log.topics().first().copied().unwrap_or_default();
    let text = |error: alloy::sol_types::Error| error.to_string();
    if log.address == contracts.protocol && topic == PufferProtocol::SuccessfullyProvisioned::SIGNATURE_HASH {
        let event = PufferProtocol::SuccessfullyProvisioned::decode_log_validate(log).map_err(text)?;
        return Ok(Some(ProtocolEvent::Provisioned(pubkey(&event.pubKey)?)));
    }
    if log.address == contracts.protocol && topic == PufferProtocol::ValidatorExited::SIGNATURE_HASH {
        let event = PufferProtocol::ValidatorExited::decode_log_validate(log).map_err(text)?;
        return Ok(Some(ProtocolEvent::Exited(pubkey(&event.pubKey)?)));
    }
    if log.address == contracts.ejection_registry && topic == EjectionRegistry::ValidatorEjected::SIGNATURE_HASH {
        let event = EjectionRegistry::ValidatorEjected::decode_log_validate(log).map_err(text)?;
        // The key's last 16 bytes, the slot (8), 7 zeros, the reason.
        let (tail, rest) = event.tailSlotReason.0.split_at(16);
        let pubkey = BlsPubkey::from_slice(&[event.pubkeyHead.as_slice(), tail].concat());
        let reference_slot = Slot(rest[..8].iter().fold(0, |slot, byte| slot << 8 | u64::from(*byte)));
        return Ok(Some(ProtocolEvent::Ordered { pubkey, reference_slot }));
    }
    Ok(None)
}

fn pubkey(bytes: &Bytes) -> Result<BlsPubkey, String> {
    BlsPubkey::try_from(bytes.as_ref()).map_err(|_| format!("a public key of {} bytes", bytes.len()))
}

/// A contract's no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It has this reference slot or a later one.
    Stale,
    /// The error's name and values.
    Other(String),
}

/// What the data of a revert means, if it is one of the contracts' errors.
pub(crate) fn refusal(data: &[u8]) -> Option<Refusal> {
    match Refusals::RefusalsErrors::abi_decode_validate(data).ok()? {
        Refusals::RefusalsErrors::StaleReferenceSlot(_) => Some(Refusal::Stale),
        other => {
            // `Name(Name { value: 1 })`
            let text = format!("{other:?}");
            let inner = text.split_once('(').and_then(|(_, inner)| inner.strip_suffix(')'));
            Some(Refusal::Other(inner.unwrap_or(&text).to_owned()))
        }
    }
}

#[cfg(test)]
#[path = "contracts_tests.rs"]
mod tests;
