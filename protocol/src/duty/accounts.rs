//! The table's questions about kinds that guardians' own accounts can sign, because Puffer's own module has a message for them.

use super::{Duty, DutyBody, DutyKind, Rules, legacy::PufferMessage};
use crate::types::GuardianList;

impl DutyKind {
    /// Whether Puffer's own module has a message for it, so that guardians' accounts can sign it.
    #[must_use]
    pub const fn has_account_form(self) -> bool {
        match self {
            Self::ValidatorCount => true,
            Self::Ejection | Self::Reserves | Self::KeyVeto => false,
        }
    }
}

impl Rules {
    /// The accounts that sign duties of this kind; `None` where the group's key does.
    pub(crate) const fn guardian_list(&self) -> Option<&GuardianList> {
        match self {
            Self::ValidatorCount(rules) => rules.accounts.as_ref(),
            Self::Ejection(_) | Self::Reserves(_) | Self::KeyVeto(_) => None,
        }
    }
}

impl Duty {
    /// What Puffer's own module is told by it, if it has a message for it.
    pub(super) fn account_form(&self) -> Option<PufferMessage> {
        match &self.body {
            DutyBody::ValidatorCount(count) => Some(count.message(self)),
            DutyBody::Ejection(_) | DutyBody::Reserves(_) | DutyBody::KeyVeto(_) => None,
        }
    }
}
