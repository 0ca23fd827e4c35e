//! One live, readable screen; plain lines where there is no terminal.

use super::{Devnet, beacon::Validator, guardians::Page};
use eyre::Result;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::{IsTerminal, Write as _},
    time::Instant,
};

/// Everything the screen shows, read at one moment.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// The finalized epoch.
    pub finalized: u64,
    /// Each guardian's name and what it shows, if it answers.
    pub guardians: Vec<(String, Option<Page>)>,
    /// The validators at the head.
    pub validators: Vec<Validator>,
    /// Accepted reports and orders.
    pub reports: usize,
    /// Accepted orders.
    pub orders: usize,
    /// Reserves in wei by the feed, if there is a report.
    pub reserves: Option<String>,
}

impl View {
    /// Reads everything.
    ///
    /// # Errors
    /// If a chain does not answer.
    pub async fn read(devnet: &Devnet) -> Result<Self> {
        let mut guardians = Vec::new();
        for guardian in &devnet.guardians {
            guardians.push((guardian.name.clone(), guardian.page().await.ok()));
        }
        Ok(Self {
            finalized: devnet.beacon.finalized_epoch().await?,
            guardians,
            validators: devnet.beacon.validators("head").await?,
            reports: devnet.contracts.reports().await?.len(),
            orders: devnet.contracts.orders().await?.len(),
            reserves: devnet.contracts.latest_round().await.ok().map(|(wei, _)| wei.to_string()),
        })
    }

    /// Whether a reserve report and an ejection order are confirmed and every validator that was ordered out is leaving.
    #[must_use]
    pub fn is_done(&self, offline: u64) -> bool {
        let confirmed = |kind: &str| {
            self.pages().any(|page| {
                duties(page, "signed").any(|duty| {
                    duty.pointer("/id/kind").and_then(Value::as_str) == Some(kind)
                        && matches!(duty.get("stage").and_then(Value::as_str), Some("confirmed"))
                })
            })
        };
        let leaving = self.validators.iter().filter(|v| v.status != "active_ongoing").count() as u64;
        confirmed("reserves") && confirmed("ejection") && leaving >= offline
    }

    fn pages(&self) -> impl Iterator<Item = &Page> {
        self.guardians.iter().filter_map(|(_, page)| page.as_ref())
    }
}

fn duties<'a>(page: &'a Page, list: &str) -> impl Iterator<Item = &'a Value> {
    page.status.get(list).and_then(Value::as_array).into_iter().flatten()
}

/// Draws views.
#[derive(Debug)]
pub struct Screen {
    started: Instant,
    live: bool,
    seen: BTreeMap<String, String>,
    first_seen: BTreeMap<String, Instant>,
}

impl Default for Screen {
    fn default() -> Self {
        let live = std::io::stdout().is_terminal();
        Self { started: Instant::now(), live, seen: BTreeMap::new(), first_seen: BTreeMap::new() }
    }
}

impl Screen {
    /// One line about what is being done.
    pub fn say(&self, line: &str) {
        println!("[{:>4}s] {line}", self.started.elapsed().as_secs());
    }

    /// Shows `view`: all of it on a terminal, only what changed elsewhere.
    ///
    /// # Errors
    /// If the terminal is gone.
    pub fn show(&mut self, devnet: &Devnet, view: &View) -> Result<()> {
        if self.live {
            let text = self.page(devnet, view);
            let mut out = std::io::stdout().lock();
            // Home, then erase what is left of the previous picture: no flicker.
            write!(out, "\x1b[H{}\x1b[J", text.replace('\n', "\x1b[K\n"))?;
            return Ok(out.flush()?);
        }
        let mut facts = vec![("finalized epoch".to_owned(), view.finalized.to_string())];
        for (name, page) in &view.guardians {
            facts.push((name.clone(), guardian_line(page.as_ref())));
        }
        for validator in view.validators.iter().filter(|v| v.status != "active_ongoing") {
            facts.push((format!("validator {}", validator.index), validator.status.clone()));
        }
        facts.push(("reports accepted".to_owned(), view.reports.to_string()));
        facts.push(("orders accepted".to_owned(), view.orders.to_string()));
        for (name, value) in facts {
            if self.seen.get(&name) != Some(&value) {
                self.say(&format!("{name}: {value}"));
                self.seen.insert(name, value);
            }
        }
        Ok(())
    }

    fn page(&mut self, devnet: &Devnet, view: &View) -> String {
        let mut text = String::new();
        let options = &devnet.options;
        let seconds = self.started.elapsed().as_secs();
        writeln!(
            text,
            "Guardian devnet   {} of {} guardians, {} validators ({} offline)   up {seconds}s   ctrl-c stops it\n",
            options.threshold, options.guardians, options.validators, options.offline
        )
        .ok();
        writeln!(
            text,
            "beacon {}   EVM {}   finalized epoch {}",
            devnet.beacon.url, devnet.contracts.rpc_url, view.finalized
        )
        .ok();
        let reserves = view.reserves.as_ref().map_or_else(|| "none yet".to_owned(), |wei| ether(wei));
        writeln!(text, "reports accepted {}   orders accepted {}   reserves {reserves}\n", view.reports, view.orders)
            .ok();
        for (name, page) in &view.guardians {
            writeln!(text, "  {name:<12} {}", guardian_line(page.as_ref())).ok();
        }
        writeln!(text, "\n  {:<21} {:<13} age", "duty", "step").ok();
        for (duty, step) in steps(view) {
            let since = self.first_seen.entry(format!("{duty} {step}")).or_insert_with(Instant::now);
            writeln!(text, "  {duty:<21} {step:<13} {}s", since.elapsed().as_secs()).ok();
        }
        writeln!(text, "\n  validator  balance (ETH)  state").ok();
        for v in &view.validators {
            writeln!(text, "  {:>9}  {:>13}  {}", v.index, gwei(v.balance), v.status).ok();
        }
        text
    }
}

/// The furthest step that any guardian reports of each duty.
fn steps(view: &View) -> BTreeMap<String, String> {
    let mut steps = BTreeMap::new();
    let name = |duty: &Value| {
        let part = |p| duty.pointer(p).map(|v| v.to_string().replace('"', "")).unwrap_or_default();
        format!("{}-{}", part("/id/kind"), part("/id/period"))
    };
    for page in view.pages() {
        for duty in duties(page, "open") {
            let votes = duty.get("votes").map(ToString::to_string).unwrap_or_default();
            steps.entry(name(duty)).or_insert_with(|| format!("{votes} votes"));
        }
        for duty in duties(page, "signed") {
            let stage = duty.get("stage").and_then(Value::as_str).unwrap_or_default();
            steps.insert(name(duty), stage.to_owned());
        }
    }
    steps
}

fn guardian_line(page: Option<&Page>) -> String {
    let Some(page) = page else { return "down".to_owned() };
    let count = |list: &str| page.status.get(list).and_then(Value::as_array).map_or(0, Vec::len);
    let observed = page.status.get("observed").and_then(Value::as_u64).map_or_else(|| "-".into(), |e| e.to_string());
    let state = match page.ready {
        true => "ready".to_owned(),
        false => format!("not ready: {}", page.status.get("not_ready").map(ToString::to_string).unwrap_or_default()),
    };
    format!("{state}, {} peers, observed epoch {observed}, {} exits under way", count("connected"), count("exits"))
}

fn gwei(gwei: u64) -> String {
    let (whole, rest) = (gwei.checked_div(1_000_000_000), gwei.checked_rem(1_000_000_000));
    format!("{}.{:09}", whole.unwrap_or_default(), rest.unwrap_or_default())
}

fn ether(wei: &str) -> String {
    let padded = format!("{wei:0>19}");
    let (whole, rest) = padded.split_at(padded.len().saturating_sub(18));
    format!("{whole}.{} ETH", rest.get(..6).unwrap_or_default())
}
