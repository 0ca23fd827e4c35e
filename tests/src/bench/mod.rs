//! Figures, each beside a reference: measured in the same run where that is possible, quoted with its source where it is not.

pub mod announce;
pub mod beacon;
pub mod devnet;
pub mod dkg;
pub mod exits;
pub mod gas;
pub mod history;
pub mod memory;
pub mod price;
pub mod reconnect;
pub mod signing;

use serde::Serialize;

/// One line of the table and one entry of `.bench/results.json`.
#[derive(Clone, Debug, Serialize)]
pub struct Figure {
    /// Stable name.
    pub name: &'static str,
    /// What was measured.
    pub value: f64,
    /// Its unit.
    pub unit: &'static str,
    /// What it is compared with.
    pub reference: &'static str,
    /// That value, in the same unit.
    pub reference_value: f64,
}

/// The table, ready to print.
#[must_use]
pub fn table(figures: &[Figure]) -> String {
    let mut lines = vec![format!(
        "{:<28} {:>12} {:<5} {:>12}  {:>6}  {}",
        "figure", "value", "unit", "reference", "ratio", "what the reference is"
    )];
    for f in figures {
        let ratio = if f.reference_value == 0.0 { 0.0 } else { f.value / f.reference_value };
        lines.push(format!(
            "{:<28} {:>12.3} {:<5} {:>12.3}  {:>6.3}  {}",
            f.name, f.value, f.unit, f.reference_value, ratio, f.reference
        ));
    }
    lines.join("\n")
}
