//! Which number of several to believe.

/// What to believe of what several nodes say: the upper median, so that one node of three that lags or lies does not matter.
pub(crate) fn median<T: Ord + Copy>(mut said: Vec<T>) -> Option<T> {
    said.sort_unstable();
    said.get(said.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_lagging_or_lying_node_of_three_does_not_move_the_nonce() {
        assert_eq!(median(vec![7, 0, 7]), Some(7));
        assert_eq!(median(vec![7, 900, 7]), Some(7));
        assert_eq!(median(vec![6, 7]), Some(7));
        assert_eq!(median::<u64>(vec![]), None);
    }
}
