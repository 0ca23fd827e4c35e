//! What builders paid proposers, block by block: the distribution that a path of the simulation draws from.

use crate::{hint::Hinted, price::csv::Table};
use guardian_protocol::Wei;
use std::{io::Cursor, path::Path};

const COLUMNS: [&str; 2] = ["slot", "value_wei"];
const CONDENSED_COLUMNS: [&str; 2] = ["blocks", "gwei"];
const WEI_PER_GWEI: Wei = 1_000_000_000;

/// Payments of November and December 2023, condensed: the largest 0.6 % one by one, of the others the mean of 400 neighbours each. Data of
/// `mevboost-data` (bryanzk, CC0), delivered payloads, the largest value of a slot.
const BUILT_IN: &str = include_str!("payments_2023-11_2023-12.csv");
/// Slots of that time.
const BUILT_IN_SLOTS: u64 = 439_199;

/// Payments in ascending order, and in how many slots they were made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payments {
    gwei: Vec<u64>,
    slots: u64,
}

impl Payments {
    /// Those that come with the program.
    ///
    /// # Errors
    /// Never, unless the program is broken.
    pub fn built_in() -> Result<Self, Hinted> {
        let text = Box::new(Cursor::new(BUILT_IN.as_bytes()));
        let mut table = Table::read("the built-in payments".to_owned(), text, &CONDENSED_COLUMNS)?;
        let mut gwei = Vec::new();
        while let Some(row) = table.next(&CONDENSED_COLUMNS)? {
            let blocks: usize = row.field(0, "a number of blocks", |text| text.parse().ok())?;
            let value: u64 = row.field(1, "a whole number of gwei", |text| text.parse().ok())?;
            gwei.extend(std::iter::repeat_n(value, blocks));
        }
        Ok(Self { gwei, slots: BUILT_IN_SLOTS })
    }

    /// Those of a CSV file, plain or gzipped, with the columns `slot` and `value_wei`. Slots between the first and the last that have no
    /// line had no payment.
    ///
    /// # Errors
    /// With file, line and advice, for whatever is no such table.
    pub fn read(path: &Path) -> Result<Self, Hinted> {
        let mut table = Table::open(path, &COLUMNS)?;
        let (mut gwei, mut first, mut last) = (Vec::new(), None, None);
        while let Some(row) = table.next(&COLUMNS)? {
            let slot: u64 = row.field(0, "the number of a slot", |text| text.parse().ok())?;
            let wei: Wei = row.field(1, "a whole number of wei", |text| text.parse().ok())?;
            if last.is_some_and(|last| slot <= last) {
                return Err(
                    row.wrong(&format!("slot {slot} stands after a later one"), "sort the lines by slot, each once")
                );
            }
            let value = u64::try_from((wei + WEI_PER_GWEI / 2) / WEI_PER_GWEI).ok().filter(|value| *value < MOST_GWEI);
            gwei.push(value.ok_or_else(|| row.wrong(&format!("a payment of {wei} wei"), "no block pays so much"))?);
            first = first.or(Some(slot));
            last = Some(slot);
        }
        let (Some(first), Some(last)) = (first, last) else {
            let what = format!("{} has no payments", path.display());
            return Err(Hinted::new(what, "one line for each paid block is needed, after the line with the names"));
        };
        gwei.sort_unstable();
        Ok(Self { gwei, slots: last - first + 1 })
    }

    /// The payments, gwei, in ascending order.
    #[must_use]
    pub fn gwei(&self) -> &[u64] {
        &self.gwei
    }

    /// The slots that they were made in, with those that had none.
    #[must_use]
    pub const fn slots(&self) -> u64 {
        self.slots
    }

    /// The part of slots that had a payment.
    #[must_use]
    pub fn cover(&self) -> f64 {
        self.gwei.len() as f64 / self.slots as f64
    }

    /// The value that a part of `quantile` of the payments does not exceed, by linear interpolation, gwei.
    #[must_use]
    pub fn quantile(&self, quantile: f64) -> f64 {
        let place = quantile * self.gwei.len().saturating_sub(1) as f64;
        let at = |at: f64| self.gwei.get(at as usize).copied().unwrap_or_default() as f64;
        at(place.floor()) + (at(place.ceil()) - at(place.floor())) * place.fract()
    }

    /// The same payments, none above `cap` gwei.
    #[must_use]
    pub fn capped(&self, cap: f64) -> Self {
        let cap = cap.round() as u64;
        Self { gwei: self.gwei.iter().map(|value| (*value).min(cap)).collect(), slots: self.slots }
    }

    /// Mean, ether, and standard deviation in units of the mean.
    #[must_use]
    pub fn moments(&self) -> (f64, f64) {
        let count = self.gwei.len() as f64;
        let mean = self.gwei.iter().map(|&value| value as f64).sum::<f64>() / count;
        let squares: f64 = self.gwei.iter().map(|&value| (value as f64 - mean).powi(2)).sum();
        (mean / 1e9, (squares / count).sqrt() / mean)
    }
}

/// A hundred million ether: so that sums of paths stay far from overflowing.
const MOST_GWEI: u64 = 100_000_000 * 1_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fmt::Write, fs, path::PathBuf};

    /// In a bin of what is condensed.
    const NEIGHBOURS: usize = 400;
    /// The part that is not.
    const EXACT: f64 = 0.006;

    fn condensed(payments: &Payments) -> String {
        let exact = (payments.gwei.len() as f64 * EXACT) as usize;
        let (bulk, tail) = payments.gwei.split_at(payments.gwei.len() - exact);
        let mut text = "blocks,gwei\n".to_owned();
        for bin in bulk.chunks(NEIGHBOURS) {
            let mean = (bin.iter().sum::<u64>() + bin.len() as u64 / 2) / bin.len() as u64;
            writeln!(text, "{},{mean}", bin.len()).unwrap();
        }
        tail.iter().for_each(|value| writeln!(text, "1,{value}").unwrap());
        text
    }

    /// `UPDATE_VECTORS=1` writes the built-in payments from the whole file, where that is.
    #[test]
    fn the_built_in_payments_are_those_of_the_whole_file() {
        let built_in = Payments::built_in().unwrap();
        assert_eq!((built_in.gwei.len(), built_in.slots), (399_892, 439_199));
        assert!(built_in.gwei.is_sorted());
        let root = std::env::var_os("GUARDIAN_VECTORS")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors"), PathBuf::from);
        let path = root.join("mev/mevboost_blocks_2023-11-01_2023-12-31.csv.gz");
        if !path.exists() {
            println!("skipped: the whole file is not here");
            return;
        }
        let whole = Payments::read(&path).unwrap();
        let text = condensed(&whole);
        if std::env::var_os("UPDATE_VECTORS").is_some() {
            fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/src/price/simulate/payments_2023-11_2023-12.csv"), &text)
                .unwrap();
        }
        assert_eq!(BUILT_IN, text);
        let ((mean, cv), (own, own_cv)) = (whole.moments(), built_in.moments());
        assert!((mean - 0.143_484_145_245_712_1).abs() < 1e-9 && (cv - 18.019_122).abs() < 1e-5, "{mean} {cv}");
        assert!((mean - own).abs() < 1e-9 && (cv - own_cv).abs() < 1e-3, "{own} {own_cv}");
        let cap = whole.quantile(0.995);
        assert!((cap / 1e9 - 2.079_539_088_652).abs() < 1e-8 && (built_in.quantile(0.995) - cap).abs() < 1.0, "{cap}");
    }
}
