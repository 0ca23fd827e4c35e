//! Folds what the groups of a state showed into the [`Extract`], list after list: the registry says where the wanted validators
//! are, the lists behind it are looked at in those places only.

use super::{
    error::StateError,
    extract::{Extract, MOST_BY_CREDENTIALS, Tracked, Wanted},
    registry::{self, Seen},
};
use guardian_protocol::{Gwei, ValidatorIndex};
use std::collections::BTreeMap;

/// What a field means for the extract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Validators,
    Balances,
    Previous,
    Current,
    Inactivity,
    /// Partial withdrawals, each of a validator that is named in it.
    Withdrawals,
    None,
}

/// What one group showed.
#[derive(Debug, Default)]
pub(super) struct View {
    seen: Option<Seen>,
    active_balance: u128,
    /// The group's bytes, if something in it has to be proved.
    kept: Option<Vec<u8>>,
}

/// The fold.
#[derive(Debug, Default)]
pub(super) struct Gather {
    pub(super) epoch: u64,
    pub(super) wanted: Wanted,
    pub(super) extract: Extract,
    active: Vec<u64>,
    /// Elements of each list that should have one for each validator.
    lengths: Vec<u64>,
    /// Bytes of groups with validators to be proved, by the group's number: of the registry and of the balances.
    pub(super) kept: [BTreeMap<usize, Vec<u8>>; 2],
}

impl Role {
    pub(super) fn of(field: &str) -> Self {
        match field {
            "validators" => Self::Validators,
            "balances" => Self::Balances,
            "previous_epoch_participation" => Self::Previous,
            "current_epoch_participation" => Self::Current,
            "inactivity_scores" => Self::Inactivity,
            "pending_partial_withdrawals" => Self::Withdrawals,
            _ => Self::None,
        }
    }
}

impl Gather {
    pub(super) fn new(wanted: Wanted) -> Self {
        Self { wanted, ..Self::default() }
    }

    /// Looks at one group, whose first element has index `first`; may run beside others.
    pub(super) fn view(&self, role: Role, first: u64, bytes: &[u8]) -> View {
        match role {
            Role::Validators => {
                let seen = registry::look(bytes, self.epoch, &self.wanted);
                let kept = seen
                    .found
                    .iter()
                    .any(|(_, entry)| self.wanted.proofs.iter().any(|pubkey| entry.first_chunk() == Some(&pubkey.0)));
                View { kept: kept.then(|| bytes.to_vec()), seen: Some(seen), ..View::default() }
            }
            Role::Balances => {
                let count = (bytes.len() / 8) as u64;
                let proved = self.extract.validators.iter().any(|tracked| {
                    (first..first + count).contains(&tracked.record.index.0)
                        && self.wanted.proofs.contains(&tracked.record.pubkey)
                });
                View {
                    active_balance: self.active_balance(first, bytes),
                    kept: proved.then(|| bytes.to_vec()),
                    ..View::default()
                }
            }
            Role::Previous | Role::Current | Role::Inactivity | Role::Withdrawals | Role::None => View::default(),
        }
    }

    /// Takes what the groups from number `group` on, each of `per_group` elements, showed, and looks at `bytes`, which are
    /// those of all of them.
    ///
    /// # Errors
    /// [`StateError::Field`].
    pub(super) fn fold(
        &mut self,
        role: Role,
        group: usize,
        per_group: u64,
        views: Vec<View>,
        bytes: &[u8],
    ) -> Result<(), StateError> {
        let first = group as u64 * per_group;
        for (number, view) in views.into_iter().enumerate() {
            if let Some(seen) = view.seen {
                self.validators(first + number as u64 * per_group, seen)?;
            }
            self.extract.network.active_balance += view.active_balance;
            let [registry, balances] = &mut self.kept;
            let kept = if role == Role::Validators { registry } else { balances };
            if let Some(bytes) = view.kept {
                kept.insert(group + number, bytes);
            }
        }
        if role == Role::Withdrawals {
            self.withdrawals(bytes);
        }
        self.pick(role, first, bytes);
        Ok(())
    }

    /// A list with one element for each validator is complete.
    pub(super) fn complete(&mut self, role: Role, elements: u64) {
        if role == Role::Validators {
            self.extract.network.validators = elements;
        }
        if role == Role::Withdrawals {
            for tracked in &mut self.extract.validators {
                tracked.record.pending_withdrawals.get_or_insert(Gwei(0));
            }
        } else if role != Role::None {
            self.lengths.push(elements);
        }
    }

    /// Whether all lists that should have one element for each validator do: no true state is otherwise.
    pub(super) fn lists_fit(&self) -> bool {
        self.lengths.windows(2).all(|pair| matches!(pair, [a, b] if a == b))
    }

    /// Adds partial withdrawals to the validators that they are of: index, amount, and the epoch from which on, 8 bytes each.
    fn withdrawals(&mut self, bytes: &[u8]) {
        for withdrawal in bytes.as_chunks::<24>().0 {
            let (numbers, _) = withdrawal.as_chunks::<8>();
            let [index, amount, _] = numbers else { continue };
            let (index, amount) = (u64::from_le_bytes(*index), u64::from_le_bytes(*amount));
            let tracked = &mut self.extract.validators;
            let Ok(place) = tracked.binary_search_by_key(&index, |tracked| tracked.record.index.0) else { continue };
            if let Some(tracked) = tracked.get_mut(place) {
                let pending = tracked.record.pending_withdrawals.get_or_insert(Gwei(0));
                pending.0 = pending.0.saturating_add(amount);
            }
        }
    }

    fn validators(&mut self, first: u64, seen: Seen) -> Result<(), StateError> {
        let wrong = |what| Err(StateError::Field { field: "validators", what });
        if seen.malformed {
            return wrong("a boolean that is neither 0 nor 1");
        }
        self.active.extend(&seen.active);
        self.extract.network.active += seen.active_count;
        self.extract.network.active_effective_balance += seen.active_effective;
        for (place, bytes) in &seen.found {
            self.extract.validators.push(Tracked::new(first + *place as u64, bytes));
        }
        if self.extract.validators.len() > self.wanted.pubkeys.len() {
            return wrong("a public key that was asked for stands there twice");
        }
        let found = seen.by_credentials.iter();
        self.extract
            .by_credentials
            .extend(found.map(|(place, credentials)| (ValidatorIndex(first + *place as u64), *credentials)));
        if self.extract.by_credentials.len() > MOST_BY_CREDENTIALS {
            return wrong("more validators with the credentials asked for than can be kept");
        }
        Ok(())
    }

    /// The sum of the active validators' balances; `first` is a multiple of 64.
    fn active_balance(&self, first: u64, bytes: &[u8]) -> u128 {
        let words = self.active.iter().skip(usize::try_from(first / 64).unwrap_or(usize::MAX));
        let mut sum = 0_u128;
        for (balances, active) in bytes.chunks(64 * 8).zip(words) {
            let mut active = *active;
            for balance in balances.as_chunks().0 {
                let balance = u64::from_le_bytes(*balance);
                sum += u128::from(if active & 1 == 1 { balance } else { 0 });
                active >>= 1;
            }
        }
        sum
    }

    /// Reads the tracked validators' elements of a list whose elements from `first` on are `bytes`.
    fn pick(&mut self, role: Role, first: u64, bytes: &[u8]) {
        let size = match role {
            Role::Balances | Role::Inactivity => 8,
            Role::Previous | Role::Current => 1,
            Role::Validators | Role::Withdrawals | Role::None => return,
        };
        let tracked = &mut self.extract.validators;
        let start = tracked.partition_point(|tracked| tracked.record.index.0 < first);
        for tracked in tracked.iter_mut().skip(start) {
            let place = usize::try_from((tracked.record.index.0 - first) * size).unwrap_or(usize::MAX);
            let Some(rest) = bytes.get(place..) else { return };
            let (number, flags) = (rest.first_chunk().copied().map(u64::from_le_bytes), rest.first().copied());
            match role {
                Role::Balances => {
                    let Some(number) = number else { return };
                    tracked.record.balance.0 = number;
                }
                Role::Inactivity => tracked.inactivity = number.or(tracked.inactivity),
                Role::Previous => tracked.previous_participation = flags.or(tracked.previous_participation),
                Role::Current => tracked.current_participation = flags.or(tracked.current_participation),
                Role::Validators | Role::Withdrawals | Role::None => return,
            }
        }
    }
}
