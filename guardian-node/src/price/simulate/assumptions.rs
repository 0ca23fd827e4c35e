//! What a simulation takes for given: the network, what is paid and to whom, what a ticket costs, and what a return is a return on.

use super::{Binomial, Operator, Payments};
use guardian_protocol::{ConsensusReward, Gwei};
use serde::Serialize;

/// Validators of the network, as of epoch 268,828.
const VALIDATORS: u64 = 927_122;
const STAKE: u64 = 32_000_000_000;
const SLOTS_PER_DAY: u64 = 7_200;
const DAYS_PER_YEAR: f64 = 365.0;
/// Ether of bond for each validator.
const BOND: f64 = 1.0;
/// Tickets that are bought with a validator.
const FIRST_TICKETS: f64 = 28.0;

/// Two sets of assumptions that are known by a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Set {
    /// The honest baseline: payments as they were, slots without one, no yield on the bond, capital is the bond and 28 tickets.
    #[value(name = "A", alias = "a")]
    A,
    /// What comes nearest to the published figures: every proposal is paid, payments are cut at their 99.5 % quantile and tickets priced on
    /// the same, the bond earns 4 %, capital is the bond.
    #[value(name = "B", alias = "b")]
    B,
}

/// What the operator has put in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Capital {
    /// The bond.
    #[serde(rename = "bond")]
    Bond,
    /// The bond and the first 28 tickets.
    #[serde(rename = "bond+28VT")]
    BondAndTickets,
}

/// The free choices of a simulation.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Assumptions {
    /// Validators of 32 ETH in the network.
    #[serde(rename = "N")]
    pub validators: u64,
    /// Payments are cut at this quantile.
    pub cap_q: Option<f64>,
    /// Whether every proposal is paid, or as many as were.
    pub every_proposal_is_paid: bool,
    /// What the bond earns in a year, a part of it.
    pub bond_yield: f64,
    /// What a return is a return on.
    pub capital: Capital,
}

/// Assumptions with the numbers that follow from them.
#[derive(Clone, Debug)]
pub struct Model {
    assumptions: Assumptions,
    payments: Payments,
    /// Slots to draw from, the paid ones first.
    slots: u64,
    /// What the beacon chain pays for a proposal, gwei.
    pub(super) proposal: u64,
    reward: ConsensusReward,
    cap: Option<f64>,
    /// What a proposal is paid on average by builders, and by that a validator on a day, ether.
    mev_per_validator_day: f64,
}

/// What of a return does not hang on chance, gwei.
#[derive(Clone, Copy, Debug)]
pub(super) struct Balance {
    certain: f64,
    capital: f64,
    years: f64,
}

impl Set {
    /// What it stands for.
    #[must_use]
    pub const fn assumptions(self) -> Assumptions {
        match self {
            Self::A => Assumptions {
                validators: VALIDATORS,
                cap_q: None,
                every_proposal_is_paid: false,
                bond_yield: 0.0,
                capital: Capital::BondAndTickets,
            },
            Self::B => Assumptions {
                validators: VALIDATORS,
                cap_q: Some(0.995),
                every_proposal_is_paid: true,
                bond_yield: 0.04,
                capital: Capital::Bond,
            },
        }
    }
}

impl Model {
    /// `None` for a network without validators, or without payments.
    #[must_use]
    pub fn new(assumptions: Assumptions, payments: &Payments) -> Option<Self> {
        let reward = ConsensusReward::of(Gwei(assumptions.validators.checked_mul(STAKE)?))?;
        let cap = assumptions.cap_q.map(|quantile| payments.quantile(quantile));
        let payments = cap.map_or_else(|| payments.clone(), |cap| payments.capped(cap));
        let paid = payments.gwei().len() as u64;
        let slots = if assumptions.every_proposal_is_paid { paid } else { payments.slots() };
        let mean = payments.gwei().iter().map(|&value| value as f64).sum::<f64>() / slots as f64 / 1e9;
        let proposal = reward.proposal.0;
        let mev_per_validator_day = mean * SLOTS_PER_DAY as f64 / assumptions.validators as f64;
        (paid > 0).then_some(Self { assumptions, payments, slots, proposal, reward, cap, mev_per_validator_day })
    }

    /// What was assumed.
    #[must_use]
    pub const fn assumptions(&self) -> &Assumptions {
        &self.assumptions
    }

    /// Payments as they are drawn.
    #[must_use]
    pub const fn payments(&self) -> &Payments {
        &self.payments
    }

    /// The largest payment, if they were cut, ether.
    #[must_use]
    pub fn cap_eth(&self) -> Option<f64> {
        self.cap.map(|cap| cap / 1e9)
    }

    /// The part of proposals with a payment.
    #[must_use]
    pub fn cover(&self) -> f64 {
        self.payments.gwei().len() as f64 / self.slots as f64
    }

    /// What builders pay a validator on a day, on average, ether.
    #[must_use]
    pub const fn mev_per_validator_day(&self) -> f64 {
        self.mev_per_validator_day
    }

    /// What a ticket costs, ether.
    #[must_use]
    pub fn ticket_price(&self, discount_bps: u16) -> f64 {
        let kept = 1.0 - f64::from(discount_bps) / 10_000.0;
        kept * (self.reward.total as f64 / 1e18 + self.mev_per_validator_day)
    }

    /// How many blocks an operator proposes.
    pub(super) fn proposals(&self, Operator { validators, days }: Operator) -> Binomial {
        Binomial::new(SLOTS_PER_DAY.saturating_mul(days), validators as f64 / self.assumptions.validators as f64)
    }

    /// The payment in the slot that 32 random bits choose, gwei; a slot is likelier than another by a ten-thousandth at most.
    pub(super) fn payment(&self, random: u64) -> u64 {
        self.payments.gwei().get(((random * self.slots) >> 32) as usize).copied().unwrap_or_default()
    }

    /// What an operator's return is besides chance.
    pub(super) fn balance(&self, Operator { validators, days }: Operator, discount_bps: u16) -> Balance {
        let (validators, days) = (validators as f64, days as f64);
        let years = days / DAYS_PER_YEAR;
        let price = self.ticket_price(discount_bps);
        let duties = (self.reward.attestation + self.reward.sync) as f64 / 1e18;
        let bond = self.assumptions.bond_yield * BOND * years;
        let capital = match self.assumptions.capital {
            Capital::Bond => BOND,
            Capital::BondAndTickets => BOND + FIRST_TICKETS * price,
        };
        Balance {
            certain: validators * (days * (duties - price) + bond) * 1e9,
            capital: validators * capital * 1e9,
            years,
        }
    }
}

impl Balance {
    /// The revenue from proposals that makes up for everything else.
    pub(super) const fn break_even(&self) -> f64 {
        -self.certain
    }

    /// The return by the year of a `revenue` from proposals, percent.
    pub(super) fn percent(&self, revenue: f64) -> f64 {
        (revenue + self.certain) / self.capital / self.years * 100.0
    }
}
