//! `guardian price quote`: the next day's price, its parts, and where each number comes from.

use super::chain::Chains;
use crate::{
    cli::{output, state_file},
    config::Config,
    hint::Hinted,
    price::{
        daily::{Daily, Date, Day},
        quote::{FAR_DAYS, Quote as Priced, Standing, Terms},
    },
};
use alloy_primitives::Address;
use clap::{Args, ValueEnum, value_parser};
use eyre::Result;
use guardian_chain::state::{MAINNET, MINIMAL, StateProver, Wanted};
use guardian_protocol::{DailyRewards, Gwei, Tolerance, Wei, Winsorizing};
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};

/// Arguments of `guardian price quote`.
#[derive(Debug, Args)]
pub(in crate::cli) struct Quote {
    /// CSV (or gzip of it) with a line for each day, oldest first: the columns `date_utc` (2023-11-10) and `mevboost_value_wei` are read
    #[arg(long)]
    data: PathBuf,
    /// The last day that is known; the last of the file if not given
    #[arg(long)]
    to: Option<Date>,
    /// Effective balances of all active validators together, gwei
    #[arg(long, value_name = "GWEI", required_unless_present_any = ["state", "config"], value_parser = value_parser!(u64).range(1..))]
    stake_gwei: Option<u64>,
    /// A beacon state to take them from: SSZ, from `/eth/v2/debug/beacon/states/finalized`; it is hashed, and its root told
    #[arg(long, value_name = "FILE", conflicts_with = "stake_gwei")]
    state: Option<PathBuf>,
    /// A guardian's configuration: the finalized state, and what the pricer holds, are asked of one provider each
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The address of `ValidatorTicketPricer`, to read discount, values and tolerances there
    #[arg(long, value_name = "ADDRESS", requires = "config", conflicts_with_all = ["discount_bps", "last_mev"])]
    pricer: Option<Address>,
    /// The pricer's discount, in 1/10,000 (`getDiscountRateBps`)
    #[arg(long, required_unless_present = "pricer", value_parser = value_parser!(u16).range(0..=9_999))]
    discount_bps: Option<u16>,
    /// How days that stand out are cut down
    #[arg(long, value_enum, default_value = "reccap")]
    mode: ModeName,
    /// What the pricer holds, wei: with the tolerances, this tells what it would take
    #[arg(long, value_name = "WEI", requires = "last_consensus")]
    last_mev: Option<Wei>,
    /// The other of the two, wei
    #[arg(long, value_name = "WEI", requires = "last_mev")]
    last_consensus: Option<Wei>,
    /// How far the pricer lets the first move, in 1/10,000; 0 sets no limit
    #[arg(long, default_value_t = 0, value_parser = value_parser!(u16).range(0..=10_000))]
    mev_tolerance_bps: u16,
    /// How far the pricer lets the second move
    #[arg(long, default_value_t = 0, value_parser = value_parser!(u16).range(0..=10_000))]
    consensus_tolerance_bps: u16,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ModeName {
    /// Not at all
    Raw,
    /// To the mean of ten days with the day itself: the published research
    Incl,
    /// To the mean of the ten days before
    Excl,
    /// To twice the mean of the ten days before, cut down themselves: what guardians sign
    Reccap,
}

/// Numbers by name, with their unit and origin.
#[derive(Default)]
struct Parts(Vec<(String, String, String)>);

impl Parts {
    fn add(&mut self, name: &str, value: impl ToString, origin: impl Into<String>) {
        self.0.push((name.to_owned(), value.to_string(), origin.into()));
    }
}

/// What else than the days is needed, and where it was got.
struct Found {
    stake: (Gwei, String),
    discount: (u16, String),
    standing: Option<(Standing, String)>,
}

impl Quote {
    pub(super) async fn run(self) -> Result<()> {
        let daily = Daily::read(&self.data)?.between(None, self.to)?;
        let found = self.find().await?;
        let terms =
            Terms { winsorizing: self.mode.winsorizing(), stake: found.stake.0, discount_bps: found.discount.0 };
        let quote = Priced::new(&daily, terms)?;
        let parts = self.parts(&daily, &quote, terms, &found);
        if self.json {
            let entry = |(name, value, origin)| (name, json!({ "value": value, "from": origin }));
            let object: Map<String, Value> = parts.0.into_iter().map(entry).collect();
            output::data(&serde_json::to_string_pretty(&object)?);
        } else {
            for (name, value, origin) in parts.0 {
                output::data(&format!("{name:<34} {value:>26}  {origin}"));
            }
        }
        Ok(())
    }

    /// Everything by the options, or from the chains where they leave it open.
    async fn find(&self) -> Result<Found> {
        let chains = match &self.config {
            Some(path) => Some(Chains::of(&Config::load(path)?)?),
            None => None,
        };
        let stake = match (self.stake_gwei, &self.state, &chains) {
            (Some(stake), _, _) => (Gwei(stake), "--stake-gwei".to_owned()),
            (None, Some(path), _) => stake_of_state(path, "--state")?,
            (None, None, Some(chains)) => {
                let (file, origin) = chains.finalized_state().await?;
                stake_of_state(file.path(), &origin)?
            }
            (None, None, None) => return Err(Hinted::new("no stake", "give --stake-gwei, --state or --config").into()),
        };
        if let (Some(address), Some(chains)) = (self.pricer, &chains) {
            let (pricer, origin) = chains.pricer(address).await?;
            let standing = Standing {
                last: DailyRewards { mev: pricer.mev, consensus: pricer.consensus },
                mev_tolerance: Tolerance(pricer.mev_tolerance_bps),
                consensus_tolerance: Tolerance(pricer.consensus_tolerance_bps),
            };
            return Ok(Found {
                stake,
                discount: (pricer.discount_bps, origin.clone()),
                standing: Some((standing, origin)),
            });
        }
        let discount = (self.discount_bps.unwrap_or_default(), "--discount-bps".to_owned());
        Ok(Found { stake, discount, standing: self.standing().map(|standing| (standing, "options".to_owned())) })
    }

    fn parts(&self, daily: &Daily, quote: &Priced, terms: Terms, found: &Found) -> Parts {
        let mut parts = Parts::default();
        let mode = terms.winsorizing.as_str();
        let file = self.data.display();
        for (day, cut) in daily.days().iter().rev().take(quote.days.len()).rev().zip(&quote.days) {
            let Day { date, total } = day;
            let was = if total == cut { String::new() } else { format!(", cut down from {total} ({mode})") };
            parts.add(&format!("network_mev_wei_{date}"), cut, format!("{file}{was}"));
        }
        parts.add(
            "network_mev_forecast_wei",
            quote.network_forecast,
            format!("mean of these {} days", quote.days.len()),
        );
        parts.add("total_active_balance_gwei", terms.stake.0, &found.stake.1);
        let share = "forecast * 32 ETH / total active balance";
        parts.add("daily_mev_payouts_wei", quote.rewards.mev, share);
        let reward = &quote.consensus;
        parts.add(
            "base_reward_per_increment_gwei",
            reward.base_reward_per_increment.0,
            "10^9 * 64 / isqrt(total active balance)",
        );
        parts.add("daily_attestation_wei", reward.attestation, "weights 14, 26, 14 of 64, everybody in time");
        parts.add("daily_sync_wei", reward.sync, "weight 2 of 64, expected");
        parts.add("daily_proposer_wei", reward.proposer, "weight 8 of 64, expected");
        parts.add("daily_consensus_rewards_wei", quote.rewards.consensus, "the three together, rounded down once");
        parts.add("discount_bps", terms.discount_bps, &found.discount.1);
        parts.add("mint_price_wei", quote.price, "(10000 - discount) * (mev + consensus) / 10000");
        if let Some(far) = quote.next_28_days {
            parts.add("mean_price_of_next_28_days_wei", far, format!("the same with the mean of {FAR_DAYS} days"));
        }
        if let Some((standing, origin)) = &found.standing {
            add_accepted(&mut parts, quote, standing, origin, terms.discount_bps);
        }
        parts
    }

    fn standing(&self) -> Option<Standing> {
        Some(Standing {
            last: DailyRewards { mev: self.last_mev?, consensus: self.last_consensus? },
            mev_tolerance: Tolerance(self.mev_tolerance_bps),
            consensus_tolerance: Tolerance(self.consensus_tolerance_bps),
        })
    }
}

/// What the pricer would take now.
fn add_accepted(parts: &mut Parts, quote: &Priced, standing: &Standing, origin: &str, discount_bps: u16) {
    let Some((rewards, price)) = quote.clamped(standing, discount_bps) else { return };
    let told = |moved: bool, last: Wei, Tolerance(bps): Tolerance| {
        let what = if moved { "cut to" } else { "within" };
        format!("{what} what the pricer takes: it has {last}, tolerance {bps} ({origin})")
    };
    let mev = told(rewards.mev != quote.rewards.mev, standing.last.mev, standing.mev_tolerance);
    parts.add("accepted_mev_payouts_wei", rewards.mev, mev);
    let moved = rewards.consensus != quote.rewards.consensus;
    let consensus = told(moved, standing.last.consensus, standing.consensus_tolerance);
    parts.add("accepted_consensus_rewards_wei", rewards.consensus, consensus);
    parts.add("accepted_mint_price_wei", price, "the price of these two");
}

/// The stake in a beacon state, which is hashed.
fn stake_of_state(path: &Path, origin: &str) -> Result<(Gwei, String), Hinted> {
    let layouts = StateProver::forks().flat_map(|fork| [(fork, MAINNET), (fork, MINIMAL)]);
    let none = || {
        let what = format!("{} is no beacon state of a fork that this version knows", path.display());
        Hinted::new(what, "download it as SSZ, not as JSON; `guardian verify state` says where it breaks")
    };
    let (_, state) = state_file::find(path, layouts, || Wanted::validators([]), |_| true)?.ok_or_else(none)?;
    let stake = u64::try_from(state.extract.network.active_effective_balance).map_err(|_| none())?;
    let root = alloy_primitives::B256::from(state.root);
    Ok((Gwei(stake), format!("state of slot {}, root {root} ({origin})", state.slot)))
}

impl ModeName {
    const fn winsorizing(self) -> Winsorizing {
        match self {
            Self::Raw => Winsorizing::Raw,
            Self::Incl => Winsorizing::Incl,
            Self::Excl => Winsorizing::Excl,
            Self::Reccap => Winsorizing::Reccap,
        }
    }
}
