//! `[limits]`: how much this guardian helps to set in motion before people have looked. What is left out is as usual.

use crate::hint::Hinted;
use guardian_protocol::{Bounds, Limits, PerKind};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// `[limits]`. They can only keep this guardian from taking part, so they may differ between operators.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsConfig {
    /// How long a duty waits that is beyond a soft limit.
    #[serde(with = "humantime_serde")]
    pub soft_wait: Duration,
    /// Beyond these a duty is told with an alarm, and waits.
    pub soft: PerKind<Bounds>,
    /// Beyond these it waits for `guardian release DIGEST`.
    pub hard: PerKind<Bounds>,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        let Limits { soft_wait, .. } = Limits::default();
        Self { soft_wait, soft: PerKind::default(), hard: PerKind::default() }
    }
}

impl LimitsConfig {
    /// In the brain's words.
    #[must_use]
    pub fn limits(self) -> Limits {
        self.as_written().or_usual()
    }

    fn as_written(self) -> Limits {
        let Self { soft_wait, soft, hard } = self;
        Limits { soft_wait, soft, hard }
    }

    pub(super) fn check(self) -> Result<(), Hinted> {
        self.as_written().meaningless().map_or(Ok(()), |(kind, measure)| {
            Err(Hinted::new(
                format!("[limits] {measure} of {kind} would never bind: nothing of {kind} is measured so"),
                "the file that `guardian init` writes has every limit that there is, with its usual value",
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, TEMPLATE};
    use std::path::Path;

    fn parse(limits: &str) -> Result<Config, Hinted> {
        let (before, after) = TEMPLATE.split_once("[limits]").unwrap();
        let (_, after) = after.split_once("[http]").unwrap();
        Config::parse(&format!("{before}{limits}\n[http]{after}"), Path::new("guardian.toml"))
    }

    #[test]
    fn the_template_states_the_usual_limits_and_they_are_on_without_it() {
        let template = Config::parse(TEMPLATE, Path::new("guardian.toml")).unwrap();
        assert_eq!(template.limits.limits(), Limits::default());
        assert_eq!(template.limits.as_written(), Limits::default(), "each of them stands there");
        assert_eq!(parse("").unwrap().limits.limits(), Limits::default());
    }

    #[test]
    fn one_limit_changes_and_the_others_stay() {
        let config = parse("[limits]\nsoft_wait = \"5m\"\n[limits.hard]\nejection = { per_day = 7 }").unwrap();
        let (limits, usual) = (config.limits.limits(), Limits::default());
        assert_eq!((limits.soft_wait, limits.soft), (Duration::from_secs(300), usual.soft));
        let ejection = guardian_protocol::DutyKind::Ejection;
        let (bounds, usual) = (limits.hard.get(ejection).unwrap(), usual.hard.get(ejection).unwrap());
        assert_eq!(*bounds, Bounds { per_day: Some(7), ..*usual });
    }

    #[test]
    fn a_limit_that_can_never_bind_is_refused_with_advice() {
        let error = parse("[limits.soft]\nreserves = { per_day = 7 }").unwrap_err();
        assert!(error.to_string().contains("per_day of reserves") && !error.advice().is_empty(), "{error}");
        assert!(parse("[limits.soft]\nreserves = { per_decade = 7 }").is_err(), "a typing error");
    }
}
