//! `[exits]`: whether, and for how much, this guardian requests exits by EIP-7002.

use crate::hint::Hinted;
use guardian_protocol::{ExitRequestPolicy, Wei};
use serde::{Deserialize, Serialize};

const WEI_IN_GWEI: Wei = 1_000_000_000;

/// `[exits]`. It changes nothing of what is decided.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct ExitsConfig {
    /// Whether it pays for requests at all.
    pub request: bool,
    /// Epochs in which the exit that guardians sign is waited for; 0: it is not.
    pub request_after_epochs: u64,
    /// The most for one request.
    pub exit_fee_ceiling_gwei: u64,
    /// The most for the requests of 24 hours.
    pub exit_fees_per_day_gwei: u64,
}

impl Default for ExitsConfig {
    fn default() -> Self {
        let ExitRequestPolicy { after, fee_ceiling, fees_per_day } = ExitRequestPolicy::default();
        let gwei =
            |wei: Wei| wei.checked_div(WEI_IN_GWEI).and_then(|gwei| u64::try_from(gwei).ok()).unwrap_or_default();
        Self {
            request: after.is_some(),
            request_after_epochs: after.unwrap_or_default(),
            exit_fee_ceiling_gwei: gwei(fee_ceiling),
            exit_fees_per_day_gwei: gwei(fees_per_day),
        }
    }
}

impl ExitsConfig {
    /// In the brain's words.
    #[must_use]
    pub fn policy(self) -> ExitRequestPolicy {
        let wei = |gwei: u64| Wei::from(gwei).saturating_mul(WEI_IN_GWEI);
        ExitRequestPolicy {
            after: self.request.then_some(self.request_after_epochs),
            fee_ceiling: wei(self.exit_fee_ceiling_gwei),
            fees_per_day: wei(self.exit_fees_per_day_gwei),
        }
    }

    pub(super) fn check(self) -> Result<(), Hinted> {
        if self.request && self.exit_fee_ceiling_gwei.min(self.exit_fees_per_day_gwei) == 0 {
            return Err(Hinted::new(
                "[exits] exit_fee_ceiling_gwei or exit_fees_per_day_gwei is 0, so that no request can be paid",
                "set `request = false` if this guardian shall pay for none, or leave them out",
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, TEMPLATE};
    use std::path::Path;

    #[test]
    fn the_template_states_the_usual_policy_and_no_fee_needs_a_word() {
        let template = Config::parse(TEMPLATE, Path::new("guardian.toml")).unwrap();
        assert_eq!(template.exits.policy(), ExitRequestPolicy::default());
        assert_eq!(ExitsConfig::default().policy(), ExitRequestPolicy::default());
        let none = ExitsConfig { exit_fee_ceiling_gwei: 0, ..ExitsConfig::default() };
        assert!(none.check().is_err());
        assert!(ExitsConfig { request: false, ..none }.check().is_ok());
        assert_eq!(ExitsConfig { request: false, ..none }.policy().after, None);
    }
}
