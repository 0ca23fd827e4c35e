//! How fast the account is spent, and how long it lasts at that rate. Measured on its balance, so that every cost is in it, whatever duties
//! and fees are like; what arrives meanwhile does not count against what was paid. Kept in a file: a restart would forget a week.

use crate::durable;
use serde::{Deserialize, Serialize};
use std::{
    collections::VecDeque,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

const HOUR: u64 = 3_600;
/// The rate is that of the last day or of the last week: the higher one counts, so that dear days are seen, and rare payments, too.
const WINDOWS: [u64; 2] = [24 * HOUR, 7 * 24 * HOUR];
/// Less than this says nothing about a day: members take turns to pay.
const SHORTEST: u64 = 6 * HOUR;
/// A file of any other size is not ours.
const LARGEST: u64 = 64 * 1024;

/// What was spent so far, with marks in time. Amounts are in gwei, times in Unix seconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Spending {
    /// Whose; what another account had says nothing of this one.
    account: String,
    /// At the last look.
    balance: Option<u64>,
    spent: u64,
    /// When so much was spent, about once an hour, for a week.
    marks: VecDeque<(u64, u64)>,
}

impl Spending {
    /// The spending of `account`: this one, if it is that account's.
    pub(crate) fn of(self, account: &str) -> Self {
        if self.account == account { self } else { Self { account: account.to_owned(), ..Self::default() } }
    }

    /// Takes a look at `now`. Returns whether it set a mark, so that it is worth keeping.
    pub(crate) fn look(&mut self, now: u64, wei: u128) -> bool {
        let balance = u64::try_from(wei.div_euclid(1_000_000_000)).unwrap_or(u64::MAX);
        let paid = self.balance.replace(balance).map_or(0, |before| before.saturating_sub(balance));
        self.spent = self.spent.saturating_add(paid);
        // A clock that was set back must not leave marks of the future.
        self.marks.retain(|(at, _)| *at <= now && now - *at <= 7 * 24 * HOUR + HOUR);
        let is_due = self.marks.back().is_none_or(|(at, _)| now - *at >= HOUR);
        if is_due {
            self.marks.push_back((now, self.spent));
        }
        is_due
    }

    /// How long what is there lasts; `None`: too little is known, or nothing was spent.
    pub(crate) fn left(&self, now: u64) -> Option<Duration> {
        let balance = self.balance?;
        let by = |window: u64| {
            let (at, spent) = self.marks.iter().find(|(at, _)| now.saturating_sub(*at) <= window)?;
            let (time, spent) = (now.saturating_sub(*at), self.spent.saturating_sub(*spent));
            if time < SHORTEST || spent == 0 {
                return None;
            }
            let seconds = u128::from(balance).saturating_mul(u128::from(time)).checked_div(u128::from(spent))?;
            Some(u64::try_from(seconds).unwrap_or(u64::MAX))
        };
        WINDOWS.into_iter().filter_map(by).min().map(Duration::from_secs)
    }
}

/// The file that keeps it, in the store's folder.
#[derive(Debug)]
pub(crate) struct SpendingFile(PathBuf);

impl SpendingFile {
    pub(crate) fn in_folder(data_dir: &Path) -> Self {
        Self(data_dir.join("account-spending.json"))
    }

    /// What is kept; nothing if there is none, or it can't be understood: then it is measured anew.
    pub(crate) fn load(&self) -> Spending {
        let is_ours = fs::metadata(&self.0).is_ok_and(|meta| meta.len() <= LARGEST);
        let text = is_ours.then(|| fs::read_to_string(&self.0).ok()).flatten();
        text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
    }

    /// Keeps `spending`. Where that fails, the disk tells of itself elsewhere.
    pub(crate) fn keep(&self, spending: &Spending) {
        let written = serde_json::to_vec(spending).map(|bytes| durable::replace_private(&self.0, &bytes));
        if let Ok(Err(error)) = written {
            tracing::debug!(%error, "what the account has spent was not kept");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GWEI: u128 = 1_000_000_000;

    /// A look each 5 minutes for so many hours, with a payment of `each` gwei at every `every`-th hour.
    fn spend(spending: &mut Spending, (from, hours): (u64, u64), balance: &mut u128, every: u64, each: u128) {
        for look in 0..hours * 12 {
            if every > 0 && look % (every * 12) == 6 {
                *balance -= each * GWEI;
            }
            spending.look(from + look * 300, *balance);
        }
    }

    #[test]
    fn it_lasts_as_long_as_the_dearer_of_day_and_week_says() {
        let (mut spending, mut balance) = (Spending::default(), 1_000_000 * GWEI);
        spend(&mut spending, (0, 5), &mut balance, 1, 100);
        assert_eq!(spending.left(5 * HOUR), None, "five hours say nothing");
        spend(&mut spending, (5 * HOUR, 163), &mut balance, 24, 2_400);
        let now = 168 * HOUR;
        let hours = |spending: &Spending, now| spending.left(now).unwrap().as_secs() / HOUR;
        // About 100 gwei an hour, of nearly a million.
        assert!((9_000..10_500).contains(&hours(&spending, now)), "{}", hours(&spending, now));
        // A dear day: ten times as much, at once.
        spend(&mut spending, (now, 24), &mut balance, 1, 1_000);
        assert!((900..1_050).contains(&hours(&spending, now + 24 * HOUR)), "{}", hours(&spending, now + 24 * HOUR));
        assert!(spending.marks.len() <= 170, "{}", spending.marks.len());
    }

    #[test]
    fn ether_that_arrives_does_not_hide_what_was_paid() {
        let (mut spending, mut balance) = (Spending::default(), 10_000 * GWEI);
        spend(&mut spending, (0, 12), &mut balance, 1, 100);
        let before = spending.left(12 * HOUR).unwrap();
        balance += 10_000 * GWEI;
        spending.look(12 * HOUR, balance);
        assert!(spending.left(12 * HOUR).unwrap() > before * 2);
    }

    #[test]
    fn where_nothing_is_paid_there_is_no_end() {
        let (mut spending, mut balance) = (Spending::default(), 10_000 * GWEI);
        spend(&mut spending, (0, 48), &mut balance, 0, 0);
        assert_eq!(spending.left(48 * HOUR), None);
        // A clock that is set back by a year begins anew.
        spending.look(10, balance);
        assert_eq!(spending.marks.len(), 1);
    }

    #[test]
    fn a_restart_forgets_nothing_and_a_damaged_file_is_measured_anew() {
        let dir = tempfile::tempdir().unwrap();
        let file = SpendingFile::in_folder(dir.path());
        assert_eq!(file.load(), Spending::default());
        let (mut spending, mut balance) = (Spending::default(), 10_000 * GWEI);
        spend(&mut spending, (0, 12), &mut balance, 1, 100);
        file.keep(&spending);
        assert_eq!(file.load(), spending);
        assert_eq!(file.load().of("another").marks.len(), 0);
        fs::write(dir.path().join("account-spending.json"), "{").unwrap();
        assert_eq!(file.load(), Spending::default());
    }
}
