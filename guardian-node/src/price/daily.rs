//! The network's proposer payments day by day, from a CSV file with the columns `date_utc` and `mevboost_value_wei`.

use super::csv::Table;
use crate::hint::Hinted;
use guardian_protocol::Wei;
use std::{fmt, path::Path, str::FromStr, time::UNIX_EPOCH};

const COLUMNS: [&str; 2] = ["date_utc", "mevboost_value_wei"];

/// A day of the calendar, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date(u64);

/// A day and what was paid in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Day {
    /// Which.
    pub date: Date,
    /// All payments together.
    pub total: Wei,
}

/// Days in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Daily {
    days: Vec<Day>,
}

impl Date {
    /// The day that is so many days after 1970-01-01; up to the year 9999.
    #[must_use]
    pub fn from_number(number: u64) -> Self {
        Self(number.min(2_932_896))
    }

    /// Days since 1970-01-01.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }
}

impl FromStr for Date {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let shape = || format!("`{text}` is no date like 2023-11-10");
        if text.len() != 10 {
            return Err(shape());
        }
        let midnight = humantime::parse_rfc3339(&format!("{text}T00:00:00Z")).map_err(|_| shape())?;
        let since = midnight.duration_since(UNIX_EPOCH).map_err(|_| shape())?;
        Ok(Self(since.as_secs() / 86_400))
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let midnight = UNIX_EPOCH + std::time::Duration::from_secs(self.0 * 86_400);
        let text = humantime::format_rfc3339_seconds(midnight).to_string();
        f.write_str(text.split('T').next().unwrap_or_default())
    }
}

impl Daily {
    /// Reads `path`. Days stand in order; a day that is missing between two others is told by [`Self::gaps`].
    ///
    /// # Errors
    /// With file, line and advice, for whatever is no such table.
    pub fn read(path: &Path) -> Result<Self, Hinted> {
        let mut table = Table::open(path, &COLUMNS)?;
        let mut days: Vec<Day> = Vec::new();
        while let Some(row) = table.next(&COLUMNS)? {
            let date: Date = row.field(0, "a date like 2023-11-10", |text| text.parse().ok())?;
            let total = row.field(1, "a whole number of wei", |text| text.parse().ok())?;
            if let Some(last) = days.last().filter(|last| last.date >= date) {
                let what = format!("{date} stands after {}", last.date);
                return Err(row.wrong(&what, "sort the lines by date, oldest first, each day once"));
            }
            days.push(Day { date, total });
        }
        if days.is_empty() {
            let what = format!("{} has no days", path.display());
            return Err(Hinted::new(what, "one line for each day is needed, after the line with the names"));
        }
        Ok(Self { days })
    }

    /// The days from one date to another, both among them.
    ///
    /// # Errors
    /// If there are none, or the file does not reach so far.
    pub fn between(&self, from: Option<Date>, to: Option<Date>) -> Result<Self, Hinted> {
        let (Some(first), Some(last)) = (self.days.first(), self.days.last()) else { return Ok(Self::default()) };
        let (from, to) = (from.unwrap_or(first.date), to.unwrap_or(last.date));
        if from > to || from < first.date || to > last.date {
            let what = format!("{from} to {to} is not within the data, which have {} to {}", first.date, last.date);
            return Err(Hinted::new(what, "choose --from and --to among the days of the file"));
        }
        let days: Vec<Day> = self.days.iter().filter(|day| (from..=to).contains(&day.date)).copied().collect();
        Ok(Self { days })
    }

    /// Each.
    #[must_use]
    pub fn days(&self) -> &[Day] {
        &self.days
    }

    /// What was paid on each day, wei.
    #[must_use]
    pub fn totals(&self) -> Vec<Wei> {
        self.days.iter().map(|day| day.total).collect()
    }

    /// Days that follow a day that is missing. Windows count lines, so that they reach further back there.
    #[must_use]
    pub fn gaps(&self) -> Vec<Date> {
        let pairs = self.days.iter().zip(self.days.iter().skip(1));
        pairs.filter(|(one, next)| next.date.0 != one.date.0 + 1).map(|(_, next)| next.date).collect()
    }
}

/// Wei as ether, for statistics.
#[must_use]
pub fn ether(wei: Wei) -> f64 {
    wei as f64 / 1e18
}
