//! What the contracts refuse with, as far as several of them do.

use alloy::{primitives::B256, sol, sol_types::SolInterface};

#[allow(missing_docs, clippy::allow_attributes_without_reason, reason = "generated from the interfaces")]
mod abi {
    use super::sol;

    sol! {
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
            error OtherSources(uint256 given, uint256 current);
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
            error TooManyExits(uint256 wanted, uint256 left);
            error ExitsArePaused(uint64 until);
        }
    }
}

pub(super) use abi::Refusals;

/// A contract's no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It has this, or something later.
    Stale,
    /// The chain tells another root than the one that was signed.
    OtherRoot {
        /// Which.
        actual: B256,
        /// The error's name and values.
        text: String,
    },
    /// The error's name and values.
    Other(String),
}

/// What the data of a revert means, if it is one of these errors.
pub(super) fn common(data: &[u8]) -> Option<Refusal> {
    let error = Refusals::RefusalsErrors::abi_decode_validate(data).ok()?;
    use Refusals::RefusalsErrors as Errors;
    if matches!(error, Errors::StaleReferenceSlot(_) | Errors::AlreadyTriggered(_)) {
        return Some(Refusal::Stale);
    }
    // `Name(Name { value: 1 })`
    let text = format!("{error:?}");
    let inner = text.split_once('(').and_then(|(_, inner)| inner.strip_suffix(')'));
    let text = inner.unwrap_or(&text).to_owned();
    if let Refusals::RefusalsErrors::WrongReferenceRoot(Refusals::WrongReferenceRoot { actual, .. }) = error {
        return Some(Refusal::OtherRoot { actual, text });
    }
    Some(Refusal::Other(text))
}
