//! When a provider last served a whole state. While that is less than a day ago, proofs can be had, and an epoch without one is a
//! [downgrade](crate::types::Proof::Downgraded): two providers that lie alike need only keep the third's state from fitting, or from
//! coming. It counts whether the state fitted or not: where two name a false block, the true state is the one that does not.

use super::weighing::Raw;
use crate::{effects::Effects, ports::Reading, record::Record, setup::Setup, types::Epoch};

/// Seconds for which it is remembered: longer than any restart or repair of a node that serves states.
const MEMORY: u64 = 24 * 3600;
/// So many epochs apart it is recorded: about an hour of mainnet.
const APART: u64 = 9;

/// See the module.
#[derive(Debug)]
pub(super) struct Served {
    last: Option<Epoch>,
    recorded: Option<Epoch>,
}

impl Served {
    /// Starts with what was recorded.
    pub(super) fn new(recorded: Option<Epoch>) -> Self {
        Self { last: recorded, recorded }
    }

    /// Notes whether one of the answers about the finalized `epoch` is a whole state.
    pub(super) fn note(&mut self, raw: &Raw, epoch: Epoch, fx: &mut Effects) {
        if !raw.iter().any(|(_, answer)| matches!(answer, Ok(Reading::State(_)))) {
            return;
        }
        self.last = self.last.max(Some(epoch));
        if self.recorded.is_none_or(|recorded| epoch.0.saturating_sub(recorded.0) >= APART) {
            self.recorded = Some(epoch);
            fx.record(Record::StatesServed { epoch });
        }
    }

    /// Whether one was served within the last day before `epoch`.
    pub(super) fn lately(&self, epoch: Epoch, setup: &Setup) -> bool {
        let length = setup.network.slots_per_epoch.saturating_mul(setup.network.seconds_per_slot);
        let remembered = MEMORY.div_ceil(length.max(1));
        self.last.is_some_and(|last| epoch.0.saturating_sub(last.0) <= remembered)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ports::{ReadFailure, StateReading},
        testing::{Dealt, Log, chain_spec, member, setup},
        types::{Census, ProviderId, Slot},
    };

    /// A whole state, of another block than anybody asked for.
    fn state() -> Result<Reading, ReadFailure> {
        let census = Census { validators: 9, active: 8, active_balance: 7, active_effective_balance: 6 };
        let (root, block_root) = ([1; 32].into(), [2; 32].into());
        let state = StateReading { slot: Slot(64), root, block_root, own: true, validators: Vec::new(), census };
        Ok(Reading::State(Box::new(state)))
    }

    fn records(fx: Effects) -> usize {
        let mut log = Log::default();
        let Ok(_) = fx.commit(&mut log);
        log.0.len()
    }

    #[test]
    fn a_state_is_remembered_for_a_day_whether_it_fitted_or_not() {
        let setup = setup(Dealt::new(3, 2, 3).committee, member(1));
        let day = 24 * 3600 / (chain_spec().slots_per_epoch * chain_spec().seconds_per_slot);
        let mut served = Served::new(None);
        assert!(!served.lately(Epoch(8), &setup));
        served.note(&vec![(ProviderId(0), Ok(Reading::Validators(Vec::new())))], Epoch(8), &mut Effects::default());
        assert!(!served.lately(Epoch(8), &setup), "words are no state");
        served.note(&vec![(ProviderId(2), state())], Epoch(8), &mut Effects::default());
        assert!(served.lately(Epoch(8), &setup) && served.lately(Epoch(8 + day), &setup));
        assert!(!served.lately(Epoch(8 + day + 1), &setup));
    }

    #[test]
    fn it_is_recorded_now_and_then_and_survives_a_restart() {
        let setup = setup(Dealt::new(3, 2, 3).committee, member(1));
        let mut served = Served::new(None);
        let mut written = Vec::new();
        for epoch in 1..=20 {
            let mut fx = Effects::default();
            served.note(&vec![(ProviderId(0), state())], Epoch(epoch), &mut fx);
            written.extend((records(fx) > 0).then_some(epoch));
        }
        assert_eq!(written, [1, 10, 19]);
        assert!(Served::new(Some(Epoch(19))).lately(Epoch(30), &setup));
    }
}
