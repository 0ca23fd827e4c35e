//! Whose a store is: it belongs to one chain for good, and what it holds of contracts counts with those contracts alone.

use crate::hint::Hinted;
use guardian_protocol::{ChainSpec, Contracts, Record, RestoreError};

/// A store that is of the right chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Belonging {
    /// How many records it holds.
    pub records: usize,
    /// How many of them are of other contracts than the configured ones: history, which changes nothing.
    pub of_other_contracts: usize,
}

/// Compares `records` with the chain that the providers serve and the contracts that are configured.
///
/// # Errors
/// If they are of another chain.
pub fn compare(records: &[Record], chain: &ChainSpec, contracts: &Contracts) -> Result<Belonging, Hinted> {
    let ours = chain.identity();
    let of_chain = |record: &Record| if let Record::Chain { identity } = record { Some(*identity) } else { None };
    let other = records.iter().filter_map(of_chain).find(|identity| *identity != ours);
    if let Some(stored) = other {
        return Err(refusal(&RestoreError::OtherChain { stored, ours }));
    }
    let of_other_contracts = records.iter().filter(|record| !record.counts_with(contracts)).count();
    Ok(Belonging { records: records.len(), of_other_contracts })
}

/// Why a guardian can't start from keys, committee and store, and what to do.
pub(crate) fn refusal(error: &RestoreError) -> Hinted {
    let advice = match error {
        RestoreError::OtherChain { .. } => {
            "name providers of the store's chain, or move data_dir away: a node with an empty store waits until it is safe to sign"
        }
        RestoreError::ForeignShare { .. }
        | RestoreError::ForeignExitShare { .. }
        | RestoreError::NoShare(_)
        | RestoreError::ForeignIdentity(_) => "keys and committee must be of the same guardian and key epoch",
        RestoreError::Corrupt(_) => {
            "the disk may be failing, or keys and committee are of another guardian: compare them; if they are right, move data_dir \
             away: a node with an empty store waits until it is safe to sign"
        }
    };
    Hinted::new(format!("can't start from keys, committee and store: {error}"), advice)
}
