//! Making a plan file: for a new key, or from the committee that holds one.

use super::{CurrentEntry, PlanFile, PurposeWord, VERSION};
use crate::{
    committee::{CommitteeFile, MemberEntry},
    hint::{Hinted, WithHint},
};
use guardian_protocol::{KeyEpoch, MemberId};

impl PlanFile {
    /// A new key for `members`, of whom `threshold` must sign.
    ///
    /// # Errors
    /// If it makes no sense.
    pub fn generate(label: &str, threshold: u16, members: Vec<MemberEntry>) -> Result<Self, Hinted> {
        let plan = Self {
            version: VERSION,
            purpose: PurposeWord::Generate,
            label: label.to_owned(),
            attempt: 1,
            key_epoch: KeyEpoch(1),
            threshold,
            lost: None,
            rotation: None,
            members,
            current: None,
        };
        plan.checked()
    }

    /// The key of `committee`, dealt anew by `dealers`; to the same members and threshold, until the caller changes them.
    ///
    /// # Errors
    /// If the committee file contradicts itself.
    pub fn of_current(
        purpose: PurposeWord,
        label: &str,
        committee: &CommitteeFile,
        dealers: Vec<MemberId>,
    ) -> Result<Self, Hinted> {
        let threshold = committee.committee()?.public_shares().threshold();
        Ok(Self {
            version: VERSION,
            purpose,
            label: label.to_owned(),
            attempt: 1,
            key_epoch: committee.key_epoch,
            threshold,
            lost: None,
            rotation: None,
            members: committee.members.clone(),
            current: Some(CurrentEntry {
                public_shares: committee.public_shares.clone(),
                dealers,
                members: committee.members.clone(),
            }),
        })
    }

    /// The same, if it makes sense.
    ///
    /// # Errors
    /// If not.
    pub fn checked(self) -> Result<Self, Hinted> {
        self.plan(false)?;
        Ok(self)
    }

    /// The file's text.
    ///
    /// # Errors
    /// None in practice.
    pub fn text(&self) -> Result<String, Hinted> {
        let body = toml::to_string_pretty(self).hint("can't encode a plan", "this is a defect: report it")?;
        Ok(format!(
            "# A key ceremony's plan; `guardian key plan --example` explains every line. Every participant needs the same file.\n\n{body}"
        ))
    }
}
