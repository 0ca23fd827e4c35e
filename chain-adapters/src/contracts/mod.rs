//! The contracts' interfaces, as far as a guardian uses them, stated by hand. A test compares them with the compiled contracts.
//!
//! **A kind of duty is a file here**: the call that brings it to its contract, what is read of the contract at a block, how far it is,
//! and what it logs. This file is the table: each question is one match with a line for each kind. Beside them: the group's keys, Puffer's
//! own contract and its guardian module, the proof of a reference root, and what contracts refuse with.

mod ejection;
pub(crate) mod exit_requests;
mod guardian_module;
mod key_veto;
pub(crate) mod keys;
mod protocol;
pub(crate) mod reference;
mod refusals;
mod registration;
pub(crate) mod reserves;
mod validator_count;

pub(crate) use guardian_module::{GuardianModule, guardian_list};
pub use keys::KeyRotation;
pub(crate) use protocol::active_validators;
pub(crate) use refusals::Refusal;
pub use registration::{RegistrationError, registration};

use crate::execution::client::ExecutionClient;
use alloy::primitives::{Address, B256, Bytes, Log, U256};
use guardian_crypto::{account::AccountSignature, schnorr};
use guardian_protocol::{
    AccountModule, BlsPubkey, Contracts, Duty, DutyBody, DutyKind, Level, ProtocolEvent, ReadFailure, Rules, Subject,
    VetoRules, Wei,
};
use std::collections::BTreeSet;

// The table. --------------------------------------------------------------------------------------------------------------------

/// The call that brings a signed duty to its contract.
pub(crate) fn call(duty: &Duty, signature: &schnorr::Signature) -> Bytes {
    match &duty.body {
        DutyBody::Ejection(order) => ejection::call(duty, order, signature),
        DutyBody::Reserves(report) => reserves::call(duty, report, signature),
        DutyBody::ValidatorCount(count) => {
            validator_count::call(duty, *count, vec![validator_count::packed(duty, signature)])
        }
        DutyBody::KeyVeto(_) => key_veto::call(signature),
    }
}

/// The call that brings a duty with accounts' signatures, each in its place, to its contract; `None` if that takes none.
pub(crate) fn call_by_accounts(duty: &Duty, places: &[Option<AccountSignature>]) -> Option<Bytes> {
    let place = |signature: &Option<AccountSignature>| signature.map_or_else(Bytes::new, |it| it.to_bytes().into());
    match &duty.body {
        DutyBody::ValidatorCount(count) => {
            Some(validator_count::call(duty, *count, places.iter().map(place).collect()))
        }
        DutyBody::Ejection(_) | DutyBody::Reserves(_) | DutyBody::KeyVeto(_) => None,
    }
}

/// What the contract of `kind` at `contract` says at `block`, and where accounts sign, what their module does.
pub(crate) async fn rules(
    kind: DutyKind,
    client: &ExecutionClient,
    (contract, accounts): (Address, Option<&AccountModule>),
    block: B256,
) -> Result<Rules, ReadFailure> {
    Ok(match kind {
        DutyKind::Ejection => Rules::Ejection(ejection::rules(client, contract, block).await?),
        DutyKind::Reserves => Rules::Reserves(reserves::rules(client, contract, block).await?),
        DutyKind::ValidatorCount => {
            Rules::ValidatorCount(validator_count::rules(client, (contract, accounts), block).await?)
        }
        DutyKind::KeyVeto => Rules::KeyVeto(VetoRules {}),
    })
}

/// How far the contract of `kind` at `contract` is with `subject`; `None` if nothing answers there.
pub(crate) async fn level(
    (kind, _subject): (DutyKind, Subject),
    client: &ExecutionClient,
    contract: Address,
    block: B256,
) -> Result<Option<Level>, ReadFailure> {
    match kind {
        DutyKind::Ejection => ejection::level(client, contract, block).await,
        DutyKind::Reserves => reserves::level(client, contract, block).await,
        DutyKind::ValidatorCount => validator_count::level(client, contract, block).await,
        DutyKind::KeyVeto => key_veto::level(client, contract, block).await,
    }
}

/// The events that the contract of `kind` is asked for.
const fn topics(kind: DutyKind) -> &'static [B256] {
    match kind {
        DutyKind::Ejection => &ejection::TOPICS,
        DutyKind::Reserves | DutyKind::ValidatorCount | DutyKind::KeyVeto => &[],
    }
}

/// What a log of the contract of `kind` says.
fn event_of(kind: DutyKind, log: &Log) -> Result<Option<ProtocolEvent>, alloy::sol_types::Error> {
    match kind {
        DutyKind::Ejection => ejection::event(log),
        DutyKind::Reserves | DutyKind::ValidatorCount | DutyKind::KeyVeto => Ok(None),
    }
}

/// What the data of a revert means, if it is an error that only the contract of `kind` has.
fn refusal_of(kind: DutyKind, data: &[u8]) -> Option<Refusal> {
    match kind {
        DutyKind::Ejection | DutyKind::Reserves => None,
        DutyKind::ValidatorCount => validator_count::refusal(data),
        DutyKind::KeyVeto => key_veto::refusal(data),
    }
}

/// More gas than bringing `duty` to its contract can cost: some five times what it does cost.
pub(crate) fn gas_cap(duty: &Duty) -> u64 {
    match &duty.body {
        DutyBody::Ejection(order) => ejection::gas_cap(order),
        DutyBody::Reserves(_) => reserves::GAS_CAP,
        DutyBody::ValidatorCount(_) => validator_count::GAS_CAP,
        DutyBody::KeyVeto(_) => key_veto::GAS_CAP,
    }
}

/// Whether other submissions make way for one of this kind: what it prevents grows with every epoch.
pub(crate) const fn is_urgent(kind: DutyKind) -> bool {
    match kind {
        DutyKind::Ejection => true,
        // There are days for it.
        DutyKind::Reserves | DutyKind::ValidatorCount | DutyKind::KeyVeto => false,
    }
}

// What follows from the table. --------------------------------------------------------------------------------------------------

/// What the data of a revert means, if it is one of the contracts' errors.
pub(crate) fn refusal(data: &[u8]) -> Option<Refusal> {
    refusals::common(data).or_else(|| DutyKind::ALL.into_iter().find_map(|kind| refusal_of(kind, data)))
}

/// Each of the configured contracts, once.
pub(crate) fn all(contracts: &Contracts) -> BTreeSet<Address> {
    let Contracts { guardian_keys, protocol, guardian_module, duties, accounts } = contracts;
    let modules = accounts.values().map(|accounts| accounts.module);
    let of_kinds = duties.values().copied().chain(modules);
    [*guardian_keys, *protocol].into_iter().chain(*guardian_module).chain(of_kinds).collect()
}

/// Whose events are asked for, and which.
pub(crate) fn sources(contracts: &Contracts) -> (Vec<Address>, Vec<B256>) {
    let with_events = contracts.duties.iter().filter(|(kind, _)| !topics(*kind).is_empty());
    let addresses = std::iter::once(contracts.protocol).chain(with_events.map(|(_, address)| *address));
    let of_kinds = contracts.duties.kinds().flat_map(|kind| topics(kind).iter().copied());
    (addresses.collect(), protocol::TOPICS.into_iter().chain(of_kinds).collect())
}

/// What `log` says. `Ok(None)`: an event of a contract that means nothing by it.
///
/// # Errors
/// A description, if the log can't be decoded.
pub(crate) fn event(contracts: &Contracts, log: &Log) -> Result<Option<ProtocolEvent>, String> {
    if log.address == contracts.protocol
        && let Some(event) = protocol::event(log)?
    {
        return Ok(Some(event));
    }
    for (kind, _) in contracts.duties.iter().filter(|(_, address)| **address == log.address) {
        if let Some(event) = event_of(kind, log).map_err(|error| error.to_string())? {
            return Ok(Some(event));
        }
    }
    Ok(None)
}

/// The committee's signature as every contract takes it: rx, ry, z. The interfaces have it as a tuple, which the ABI does not tell from
/// the contracts' struct, because a struct of one `sol!` can't be named in another.
fn words(signature: &schnorr::Signature) -> [U256; 3] {
    [signature.rx(), signature.ry(), signature.z()].map(U256::from_be_bytes)
}

fn pubkey(bytes: &Bytes) -> Result<BlsPubkey, String> {
    BlsPubkey::try_from(bytes.as_ref()).map_err(|_| format!("a public key of {} bytes", bytes.len()))
}

fn wei(amount: U256) -> Result<Wei, ReadFailure> {
    Wei::try_from(amount).map_err(|_| ReadFailure::Malformed("more ether than there can be".to_owned()))
}

#[cfg(test)]
mod tests;
