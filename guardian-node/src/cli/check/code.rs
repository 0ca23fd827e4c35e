//! The reason codes of a check: what was looked at, or what is the matter with it. Names for scripts, which stay; docs/operating.md has a
//! line for each.

use clap::ValueEnum;
use serde::{Serialize, Serializer};
use std::fmt;

/// What a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(super) enum Code {
    Configuration,
    UrlReadable,
    Committee,
    Keys,
    SecretFiles,
    AccountKey,
    Signer,
    SignerReadable,
    SignerUnreachable,
    SignerDenied,
    SignerNoKey,
    SignerFailed,
    SignerMalformed,
    SignerMismatch,
    ExitShares,
    ExitSharesThreshold,
    Mode,
    Limits,
    Store,
    StoreChain,
    DiskSpace,
    DiskSync,
    Port,
    Member,
    MemberVersion,
    MemberRules,
    Chain,
    ForkUnknown,
    Clock,
    Finality,
    ProvidersFew,
    ProviderUsable,
    ProviderSilent,
    ProviderTls,
    ProviderCredentials,
    ProviderForeign,
    ProviderSyncing,
    ProviderLimited,
    ProviderLags,
    ProviderRefuses,
    ProviderOffers,
    ProviderTwin,
    ProviderFinality,
    ProviderLogs,
    ProvidersTooFew,
    ContractAbsent,
    ContractsKey,
    ContractsPaused,
    KeyProposed,
    GuardianList,
    StartBlock,
    History,
    Account,
    AccountEmpty,
    AccountLow,
    StakeForeign,
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_possible_value().map_or(Ok(()), |value| f.write_str(value.get_name()))
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operators_guide_has_a_line_for_each_code() {
        let guide = include_str!("../../../../docs/operating.md");
        for code in Code::value_variants() {
            assert!(guide.contains(&format!("| `{code}` |")), "docs/operating.md does not explain `{code}`");
        }
    }
}
