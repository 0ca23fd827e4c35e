//! The legacy price of a commitment to M months (before tickets): V (1 - R) / M, times a sigmoid that was printed as a factor and described
//! as a discount. Both readings, exact to the last of 40 digits; on chain it was a table with a number for each month.

use alloy_primitives::U512;
use serde::Serialize;

/// Decimal digits behind the point in all arithmetic here; the last ten are for rounding.
const DIGITS: u32 = 50;
/// Digits that are shown.
const SHOWN: u32 = 40;
/// Ether in fixed point has this many.
const ETHER_DIGITS: u32 = 18;
/// Where the sigmoid is a half.
const MIDDLE: u32 = 6;

/// The formula's constants: in units of 10^-18.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// V: what a validator earns in a year, ether.
    pub value: u128,
    /// R: the protocol's part of it; at most [`Self::ONE`].
    pub rate: u128,
    /// Dmax: the largest discount; at most [`Self::ONE`].
    pub most: u128,
}

/// The price of one number of months.
#[derive(Clone, Debug, Serialize)]
pub struct Commitment {
    /// M.
    #[serde(rename = "M")]
    pub months: u32,
    /// 1 / (1 + e^(6 - M)).
    pub sigmoid: String,
    /// V / M times the sigmoid: without the protocol's part, and with a whole discount.
    #[serde(rename = "S_unit")]
    pub unit: String,
    /// V (1 - R) / M times Dmax times the sigmoid: the formula as it was printed, where the discount multiplies the price.
    #[serde(rename = "S_as_printed")]
    pub as_printed: String,
    /// The same in wei, rounded down.
    #[serde(rename = "S_floor_wei")]
    pub floor_wei: String,
    /// V (1 - R) / 12 times (1 - Dmax times the sigmoid): one month's share where the factor is a discount, as the text has it.
    pub discounted_month_price: String,
}

impl Terms {
    /// A part that is the whole.
    pub const ONE: u128 = 10_u128.pow(ETHER_DIGITS);

    /// The price of `months`, which is at least 1.
    #[must_use]
    pub fn of(&self, months: u32) -> Commitment {
        let (unit, one) = (U512::from(Self::ONE), scale());
        let sigmoid = sigmoid(months);
        let kept = U512::from(self.value) * U512::from(Self::ONE.saturating_sub(self.rate));
        let discount = U512::from(self.most.min(Self::ONE)) * sigmoid / unit;
        // V (1 - R) has the digits of ether twice.
        let as_printed = kept * discount / unit / unit / U512::from(months);
        let to_wei = U512::from(10).pow(U512::from(DIGITS - ETHER_DIGITS));
        Commitment {
            months,
            sigmoid: decimal(sigmoid),
            unit: decimal(U512::from(self.value) * sigmoid / unit / U512::from(months)),
            as_printed: decimal(as_printed),
            floor_wei: (as_printed / to_wei).to_string(),
            discounted_month_price: decimal(kept * (one - discount) / unit / unit / U512::from(12)),
        }
    }
}

fn scale() -> U512 {
    U512::from(10).pow(U512::from(DIGITS))
}

/// 1 / (1 + e^(6 - M)), in fixed point.
fn sigmoid(months: u32) -> U512 {
    let one = scale();
    // Past the middle, powers of 1/e: both get smaller, so that no digit is lost.
    let (base, times) = if months < MIDDLE { (e(), MIDDLE - months) } else { (one * one / e(), months - MIDDLE) };
    let power = (0..times).fold(one, |power, _| power * base / one);
    one * one / (one + power)
}

/// The sum of 1/n!.
fn e() -> U512 {
    let (mut term, mut sum, mut n) = (scale(), U512::ZERO, U512::ZERO);
    while !term.is_zero() {
        sum += term;
        n += U512::from(1);
        term /= n;
    }
    sum
}

/// A number below 10^18 or so, rounded to [`SHOWN`] digits behind the point.
fn decimal(value: U512) -> String {
    let cut = U512::from(10).pow(U512::from(DIGITS - SHOWN));
    let rounded = (value + cut / U512::from(2)) / cut;
    let point = U512::from(10).pow(U512::from(SHOWN));
    format!("{}.{:0>width$}", rounded / point, (rounded % point).to_string(), width = SHOWN as usize)
}

/// A decimal number below 10^20 with up to 18 digits behind the point, in units of 10^-18.
///
/// # Errors
/// If `text` is none.
pub fn fixed(text: &str) -> Result<u128, String> {
    let wrong = || format!("`{text}` is no number like 1.6, with up to {ETHER_DIGITS} digits behind the point");
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let is_number = |digits: &str| digits.chars().all(|digit| digit.is_ascii_digit());
    if whole.is_empty()
        || whole.len() > 20
        || part.len() > ETHER_DIGITS as usize
        || !is_number(whole)
        || !is_number(part)
    {
        return Err(wrong());
    }
    format!("{whole}{part:0<width$}", width = ETHER_DIGITS as usize).parse().map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;
    use std::{fs, path::PathBuf};

    #[test]
    fn the_published_prices_are_met_in_every_digit() {
        let terms = Terms { value: fixed("1.6").unwrap(), rate: fixed("0.125").unwrap(), most: fixed("0.3").unwrap() };
        for (months, sigmoid, wei, month) in [
            (
                1,
                "0.0066928509242848555593619803813251803937",
                "2810997388199639",
                "0.1164324168843166967220889973533202853529",
            ),
            (
                6,
                "0.5000000000000000000000000000000000000000",
                "35000000000000000",
                "0.0991666666666666666666666666666666666667",
            ),
            (8, "0.8807970779778824440597291413023967952064", "46241846593838828", ""),
            (
                12,
                "0.9975273768433652256659400926277442375489",
                "34913458189517782",
                "0.0817532084771488837683587634246",
            ),
        ] {
            let price = terms.of(months);
            assert_eq!(price.sigmoid, sigmoid, "{months}");
            assert_eq!(price.floor_wei, wei, "{months}");
            assert!(price.discounted_month_price.starts_with(month), "{months}: {}", price.discounted_month_price);
        }
        assert_eq!(terms.of(120).sigmoid, "1.0000000000000000000000000000000000000000");
    }

    /// All of them, where they are; the last of the 40 digits there is rounded in another way.
    #[test]
    fn every_published_price_of_a_commitment_is_met() {
        let root = std::env::var_os("GUARDIAN_VECTORS")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors"), PathBuf::from);
        let Ok(text) = fs::read_to_string(root.join("ticket-price/smoothing.json")) else {
            println!("skipped: the published prices are not here");
            return;
        };
        let digits = |text: &str| -> u128 {
            format!("{:0<38}", text.strip_prefix("0.").unwrap()).get(..38).unwrap().parse().unwrap()
        };
        let terms = Terms { value: fixed("1.6").unwrap(), rate: fixed("0.125").unwrap(), most: fixed("0.3").unwrap() };
        for row in serde_json::from_str::<Vec<Value>>(&text).unwrap() {
            let price = terms.of(u32::try_from(row["M"].as_u64().unwrap()).unwrap());
            assert_eq!(row["S_floor_wei"], price.floor_wei);
            for (name, found) in [
                ("sigmoid", price.sigmoid),
                ("S_unit(V=1.6,R=0,Dmax=1)", price.unit),
                ("S(V=1.6,R=0.125,Dmax=0.3)_as_printed", price.as_printed),
                ("discounted_month_price(V(1-R)/12*(1-Dmax*sig))", price.discounted_month_price),
            ] {
                let wanted = row[name].as_str().unwrap();
                assert!(digits(wanted).abs_diff(digits(&found)) <= 100, "{name}: {found}, not {wanted}");
            }
        }
    }

    /// As printed a month bought alone would cost next to nothing; read as a discount it costs most.
    #[test]
    fn only_as_a_discount_a_longer_commitment_is_cheaper_by_the_month() {
        let terms = Terms { value: fixed("1.6").unwrap(), rate: 0, most: fixed("0.3").unwrap() };
        let months: Vec<Commitment> = (1..=12).map(|months| terms.of(months)).collect();
        assert!(months.windows(2).all(|pair| pair[0].discounted_month_price > pair[1].discounted_month_price));
        assert!(months[0].as_printed < months[7].as_printed && months[7].as_printed > months[11].as_printed);
    }

    #[test]
    fn numbers_are_read_exactly_or_not_at_all() {
        assert_eq!(fixed("1.6"), Ok(1_600_000_000_000_000_000));
        assert_eq!(fixed("0.000000000000000001"), Ok(1));
        assert_eq!(fixed("3"), Ok(3_000_000_000_000_000_000));
        for nonsense in ["", ".5", "-1", "1e3", "1.2.3", "0.0000000000000000001", "999999999999999999999", "+1"] {
            assert!(fixed(nonsense).is_err(), "{nonsense}");
        }
    }
}
