//! A beacon state read as it streams by: the asked validators are picked out, everything else is dropped, so that a state of
//! 300 MB needs a few megabytes. All forks from phase 0 to Fulu share the layout up to the balances
//! (consensus-specs, `BeaconState`). Nothing is proved here: the state is one provider's word.

use guardian_protocol::{
    ports::ReadFailure,
    types::{BlsPubkey, Epoch, Gwei, Slot, ValidatorIndex, ValidatorRecord},
};
use std::collections::HashSet;

/// `Validator`: public key 48, withdrawal credentials 32, effective balance 8, slashed 1, four epochs of 8.
const VALIDATOR_BYTES: usize = 121;
const BALANCE_BYTES: u64 = 8;
/// Genesis time 8, genesis validators root 32, slot 8.
const HEAD_BYTES: usize = 48;
/// The registry limit is 2^40; this is eight times what mainnet has, and bounds our indexes.
const MOST_VALIDATORS: u64 = 1 << 24;

/// The preset's constants that the layout depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    /// `SLOTS_PER_HISTORICAL_ROOT`.
    pub(crate) historical_roots: u64,
    /// `EPOCHS_PER_HISTORICAL_VECTOR`.
    pub(crate) randao_mixes: u64,
    /// `EPOCHS_PER_SLASHINGS_VECTOR`.
    pub(crate) slashings: u64,
}

/// Where things are, in bytes from the state's start.
#[derive(Clone, Copy, Debug)]
struct Offsets {
    validators: u64,
    balances: u64,
}

/// Which state this must be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expected {
    pub(crate) genesis_time: u64,
    pub(crate) genesis_validators_root: [u8; 32],
    pub(crate) slot: Slot,
}

/// The scan of one state. Feed it the body piece by piece until it is done.
#[derive(Debug)]
pub(crate) struct StateScan {
    layout: Layout,
    expected: Expected,
    wanted: HashSet<BlsPubkey>,
    seen: HashSet<BlsPubkey>,
    /// Bytes received but not used, the first of them at `position`.
    pending: Vec<u8>,
    position: u64,
    offsets: Option<Offsets>,
    head_checked: bool,
    found: Vec<ValidatorRecord>,
    balances_read: usize,
}

impl Layout {
    /// # Errors
    /// If a constant is too large to be true: the prefix has to be held in memory.
    fn checked(self) -> Result<Self, ReadFailure> {
        let largest = self.historical_roots.max(self.randao_mixes).max(self.slashings);
        if largest > 1 << 17 { Err(malformed("preset constants are too large")) } else { Ok(self) }
    }

    /// Up to and including `historical_roots`' offset, which is the first.
    const fn first_offset(self) -> usize {
        // head 48, fork 16, latest_block_header 112, block_roots and state_roots 32 each
        (HEAD_BYTES as u64).saturating_add(128).saturating_add(self.historical_roots.saturating_mul(64)) as usize
    }

    /// The offsets' places: `historical_roots`, `eth1_data_votes`, `validators`, `balances`, and the field after
    /// `slashings` (pending attestations in phase 0, participation later).
    fn places(self) -> [usize; 5] {
        let historical = self.first_offset();
        let votes = historical.saturating_add(4 + 72);
        let validators = votes.saturating_add(4 + 8);
        let balances = validators.saturating_add(4);
        let vectors = self.randao_mixes.saturating_mul(32).saturating_add(self.slashings.saturating_mul(8));
        let next = balances.saturating_add(4).saturating_add(usize::try_from(vectors).unwrap_or(usize::MAX));
        [historical, votes, validators, balances, next]
    }
}

impl StateScan {
    /// # Errors
    /// [`ReadFailure::Malformed`] if `layout` can't be true.
    pub(crate) fn new(
        layout: Layout,
        expected: Expected,
        wanted: impl IntoIterator<Item = BlsPubkey>,
    ) -> Result<Self, ReadFailure> {
        Ok(Self {
            layout: layout.checked()?,
            expected,
            wanted: wanted.into_iter().collect(),
            seen: HashSet::new(),
            pending: Vec::new(),
            position: 0,
            offsets: None,
            head_checked: false,
            found: Vec::new(),
            balances_read: 0,
        })
    }

    /// Takes the next piece. `true`: everything needed was seen, the rest of the state need not be read.
    ///
    /// # Errors
    /// [`ReadFailure::NotAvailable`] if it is another slot's state, [`ReadFailure::WrongChain`] if another chain's,
    /// [`ReadFailure::Malformed`] if it is none.
    pub(crate) fn feed(&mut self, piece: &[u8]) -> Result<bool, ReadFailure> {
        self.pending.extend_from_slice(piece);
        if !self.head_checked {
            let Some(head) = self.pending.get(..HEAD_BYTES) else { return Ok(false) };
            self.expected.check(head)?;
            self.head_checked = true;
        }
        let offsets = match self.offsets {
            Some(offsets) => offsets,
            None => match self.read_offsets()? {
                Some(offsets) => *self.offsets.insert(offsets),
                None => return Ok(false),
            },
        };
        if !self.skip_to(offsets.validators) {
            return Ok(false);
        }
        self.read_validators(offsets)?;
        if self.position < offsets.balances {
            return Ok(false);
        }
        Ok(self.read_balances(offsets))
    }

    /// The validators that were found, by index.
    ///
    /// # Errors
    /// [`ReadFailure::Malformed`] if the state broke off.
    pub(crate) fn finish(self) -> Result<Vec<ValidatorRecord>, ReadFailure> {
        let complete = self.offsets.is_some_and(|offsets| self.position >= offsets.balances)
            && self.balances_read == self.found.len();
        if complete { Ok(self.found) } else { Err(malformed("the state broke off")) }
    }

    fn read_offsets(&mut self) -> Result<Option<Offsets>, ReadFailure> {
        let places = self.layout.places();
        let prefix_end = places.iter().max().map_or(0, |place| place.saturating_add(4));
        if self.pending.len() < prefix_end {
            return Ok(None);
        }
        let at = |place: usize| le_u32(&self.pending, place).map(u64::from).ok_or_else(|| malformed("no offset"));
        let [historical, votes, validators, balances, end] = places;
        let (historical, votes) = (at(historical)?, at(votes)?);
        let (validators, balances, end) = (at(validators)?, at(balances)?, at(end)?);
        let increasing = u64::try_from(prefix_end).is_ok_and(|prefix| prefix <= historical)
            && historical <= votes
            && votes <= validators
            && validators <= balances
            && balances <= end;
        let (registry, list) = (balances.saturating_sub(validators), end.saturating_sub(balances));
        let count = registry / VALIDATOR_BYTES as u64;
        if !increasing
            || !registry.is_multiple_of(VALIDATOR_BYTES as u64)
            || count > MOST_VALIDATORS
            || list != count.saturating_mul(BALANCE_BYTES)
        {
            return Err(malformed("the state's offsets do not fit together"));
        }
        Ok(Some(Offsets { validators, balances }))
    }

    /// Drops bytes until `target` is the first pending one. `false`: it has not come yet.
    fn skip_to(&mut self, target: u64) -> bool {
        let missing = usize::try_from(target.saturating_sub(self.position)).unwrap_or(usize::MAX);
        self.consume(missing.min(self.pending.len()));
        self.position >= target
    }

    fn read_validators(&mut self, offsets: Offsets) -> Result<(), ReadFailure> {
        let left = usize::try_from(offsets.balances.saturating_sub(self.position)).unwrap_or(usize::MAX);
        let ready = self.pending.get(..left.min(self.pending.len())).unwrap_or_default();
        let mut index = self.position.saturating_sub(offsets.validators) / VALIDATOR_BYTES as u64;
        let mut used = 0_usize;
        for bytes in ready.chunks_exact(VALIDATOR_BYTES) {
            if let Some(pubkey) = bytes.get(..48).and_then(|key| BlsPubkey::try_from(key).ok())
                && self.wanted.contains(&pubkey)
            {
                if !self.seen.insert(pubkey) {
                    return Err(malformed("a public key stands twice in the registry"));
                }
                self.found.push(record(index, pubkey, bytes)?);
            }
            index = index.saturating_add(1);
            used = used.saturating_add(VALIDATOR_BYTES);
        }
        self.consume(used);
        Ok(())
    }

    /// `true` once every found validator has its balance.
    fn read_balances(&mut self, offsets: Offsets) -> bool {
        while let Some(validator) = self.found.get_mut(self.balances_read) {
            let place = offsets.balances.saturating_add(validator.index.0.saturating_mul(BALANCE_BYTES));
            let Some(start) = place.checked_sub(self.position).and_then(|start| usize::try_from(start).ok()) else {
                return false;
            };
            let Some(balance) = le_u64(&self.pending, start) else {
                self.skip_to(place);
                return false;
            };
            validator.balance = Gwei(balance);
            self.balances_read = self.balances_read.saturating_add(1);
        }
        true
    }

    fn consume(&mut self, bytes: usize) {
        self.pending.drain(..bytes.min(self.pending.len()));
        self.position = self.position.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
    }
}

impl Expected {
    fn check(&self, head: &[u8]) -> Result<(), ReadFailure> {
        let genesis_time = le_u64(head, 0);
        if genesis_time != Some(self.genesis_time) || head.get(8..40) != Some(self.genesis_validators_root.as_slice()) {
            return Err(ReadFailure::WrongChain("the state is of another genesis".to_owned()));
        }
        match le_u64(head, 40) {
            Some(slot) if slot == self.slot.0 => Ok(()),
            slot => Err(ReadFailure::NotAvailable(format!(
                "asked for the state at slot {}, got slot {}",
                self.slot,
                slot.unwrap_or_default()
            ))),
        }
    }
}

fn record(index: u64, pubkey: BlsPubkey, bytes: &[u8]) -> Result<ValidatorRecord, ReadFailure> {
    let epoch = |start: usize| le_u64(bytes, start).map(Epoch).ok_or_else(|| malformed("a short validator"));
    let slashed = match bytes.get(88) {
        Some(0) => false,
        Some(1) => true,
        _ => return Err(malformed("a boolean that is neither 0 nor 1")),
    };
    Ok(ValidatorRecord {
        index: ValidatorIndex(index),
        pubkey,
        balance: Gwei(0),
        slashed,
        activation_epoch: epoch(97)?,
        exit_epoch: epoch(105)?,
    })
}

fn le_u64(bytes: &[u8], start: usize) -> Option<u64> {
    bytes.get(start..start.checked_add(8)?)?.try_into().ok().map(u64::from_le_bytes)
}

fn le_u32(bytes: &[u8], start: usize) -> Option<u32> {
    bytes.get(start..start.checked_add(4)?)?.try_into().ok().map(u32::from_le_bytes)
}

fn malformed(what: &str) -> ReadFailure {
    ReadFailure::Malformed(what.to_owned())
}

#[cfg(test)]
#[path = "state_ssz_tests.rs"]
mod tests;
