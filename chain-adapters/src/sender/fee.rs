//! What to bid: EIP-1559 fees from recent blocks, under the operator's ceiling. Numbers only; all in wei per gas.

use alloy::rpc::types::FeeHistory;

/// Proposers take any tip, but nodes drop transactions with none at all: 0.01 gwei.
const SMALLEST_TIP: u128 = 10_000_000;

/// A bid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Fees {
    pub(crate) max_fee: u128,
    pub(crate) tip: u128,
}

/// The operator's bounds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ceiling {
    pub(crate) max_fee: u128,
    pub(crate) tip: u128,
}

/// Why there is no bid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FeeError {
    /// The node's fee history is empty or makes no sense.
    #[error("the fee history is empty")]
    NoHistory,
    /// The next block costs more than the operator pays.
    #[error("fee ceiling: the next block's base fee of {base_fee} wei and a tip of {tip} exceed {ceiling} wei per gas")]
    AboveCeiling { base_fee: u128, tip: u128, ceiling: u128 },
}

/// A bid for the next blocks: the median tip of recent ones, and room for the base fee to double (six full blocks).
///
/// # Errors
/// [`FeeError`].
pub(crate) fn quote(history: &FeeHistory, ceiling: Ceiling) -> Result<Fees, FeeError> {
    // The last entry is the next block's, which follows from its parent.
    let base_fee = history.base_fee_per_gas.last().copied().ok_or(FeeError::NoHistory)?;
    let mut tips: Vec<u128> = history.reward.iter().flatten().filter_map(|block| block.first().copied()).collect();
    tips.sort_unstable();
    let median = tips.get(tips.len() / 2).copied().unwrap_or(0);
    let tip = median.max(SMALLEST_TIP).min(ceiling.tip);
    match base_fee.checked_add(tip) {
        Some(least) if least <= ceiling.max_fee => {
            Ok(Fees { max_fee: base_fee.saturating_mul(2).saturating_add(tip).min(ceiling.max_fee), tip })
        }
        _ => Err(FeeError::AboveCeiling { base_fee, tip, ceiling: ceiling.max_fee }),
    }
}

/// The bid that replaces `old`: at least an eighth more in both parts, as every client's pool demands (geth asks for a
/// tenth), and at least `fresh`. `None` if that is more than the operator pays.
pub(crate) fn raise(old: Fees, fresh: Fees, ceiling: Ceiling) -> Option<Fees> {
    let more = |fee: u128| fee.saturating_add(fee.div_ceil(8)).saturating_add(1);
    let raised = Fees { max_fee: more(old.max_fee).max(fresh.max_fee), tip: more(old.tip).max(fresh.tip) };
    // The tip's own ceiling is for the first bid; to replace a stuck transaction only the total counts.
    (raised.max_fee <= ceiling.max_fee && raised.tip <= raised.max_fee).then_some(raised)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GWEI: u128 = 1_000_000_000;

    fn history(base_fees: &[u128], tips: &[u128]) -> FeeHistory {
        FeeHistory {
            base_fee_per_gas: base_fees.to_vec(),
            reward: Some(tips.iter().map(|tip| vec![*tip]).collect()),
            ..FeeHistory::default()
        }
    }

    #[test]
    fn a_bid_covers_a_doubled_base_fee_and_the_median_tip() {
        let ceiling = Ceiling { max_fee: 100 * GWEI, tip: 3 * GWEI };
        let fees = quote(&history(&[9 * GWEI, 10 * GWEI], &[GWEI, 2 * GWEI, 50 * GWEI]), ceiling).unwrap();
        assert_eq!(fees, Fees { max_fee: 22 * GWEI, tip: 2 * GWEI });
    }

    #[test]
    fn a_bid_never_exceeds_the_ceiling() {
        let ceiling = Ceiling { max_fee: 15 * GWEI, tip: GWEI };
        let fees = quote(&history(&[10 * GWEI], &[40 * GWEI]), ceiling).unwrap();
        assert_eq!(fees, Fees { max_fee: 15 * GWEI, tip: GWEI });
        assert!(matches!(quote(&history(&[15 * GWEI], &[]), ceiling), Err(FeeError::AboveCeiling { .. })));
        assert!(matches!(quote(&history(&[u128::MAX], &[]), ceiling), Err(FeeError::AboveCeiling { .. })));
        assert_eq!(quote(&history(&[], &[]), ceiling), Err(FeeError::NoHistory));
    }

    #[test]
    fn a_replacement_raises_both_parts_by_an_eighth_or_is_none() {
        let old = Fees { max_fee: 8 * GWEI, tip: GWEI };
        let ceiling = Ceiling { max_fee: 10 * GWEI, tip: GWEI };
        let raised = raise(old, old, ceiling).unwrap();
        assert!(raised.max_fee * 8 >= old.max_fee * 9 && raised.tip * 8 >= old.tip * 9);
        assert_eq!(raise(raised, old, ceiling).and_then(|again| raise(again, old, ceiling)), None);
        let tiny = raise(Fees { max_fee: 1, tip: 1 }, Fees { max_fee: 0, tip: 0 }, ceiling).unwrap();
        assert!(tiny.max_fee > 1 && tiny.tip > 1);
    }
}
