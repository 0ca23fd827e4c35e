//! `guardian price commitments`: the formula from before tickets, as it was printed and as it was described.

use crate::{
    cli::output,
    price::commitments::{Commitment, Terms, fixed},
};
use clap::Args;
use eyre::Result;

/// Arguments of `guardian price commitments`.
#[derive(Debug, Args)]
pub(in crate::cli) struct Commitments {
    /// What a validator earns in a year, ether
    #[arg(long, value_name = "ETHER", default_value = "1.6", value_parser = fixed)]
    value: u128,
    /// The protocol's part of it, from 0 to 1
    #[arg(long, value_name = "PART", default_value = "0.125", value_parser = part)]
    rate: u128,
    /// The largest discount, from 0 to 1
    #[arg(long, value_name = "PART", default_value = "0.3", value_parser = part)]
    max_discount: u128,
    /// Up to how many months
    #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u32).range(1..=1_200))]
    months: u32,
    /// Print all digits, as JSON
    #[arg(long)]
    json: bool,
}

/// A number from 0 to 1.
fn part(text: &str) -> Result<u128, String> {
    fixed(text).and_then(|part| {
        (part <= Terms::ONE)
            .then_some(part)
            .ok_or_else(|| format!("`{text}` is more than 1: it is a part, such as 0.3"))
    })
}

impl Commitments {
    pub(super) fn run(self) -> Result<()> {
        let terms = Terms { value: self.value, rate: self.rate, most: self.max_discount };
        let prices: Vec<Commitment> = (1..=self.months).map(|months| terms.of(months)).collect();
        if self.json {
            output::data(&serde_json::to_string_pretty(&prices)?);
            return Ok(());
        }
        output::data(&format!(
            "{:>6} {:>16} {:>16} {:>24}",
            "months", "sigmoid", "as printed, ETH", "as a discount, ETH/month"
        ));
        for price in prices {
            let short = |digits: &str| digits.get(..14).unwrap_or(digits).to_owned();
            let (sigmoid, printed, month) =
                (short(&price.sigmoid), short(&price.as_printed), short(&price.discounted_month_price));
            output::data(&format!("{:>6} {sigmoid:>16} {printed:>16} {month:>24}", price.months));
        }
        output::talk(
            "As printed, the sigmoid multiplies the price: a month bought alone would cost next to nothing. The text calls it a discount.",
        );
        Ok(())
    }
}
