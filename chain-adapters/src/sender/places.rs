//! Accounts' signatures, laid into the places that the module's list has at the head: a place moves when a guardian is removed, and what was
//! in its place when it was signed says nothing.

use super::{Sender, most};
use crate::contracts;
use alloy::primitives::Bytes;
use guardian_crypto::account::AccountSignature;
use guardian_protocol::{CallOutcome, GuardianList, Signed};

impl Sender {
    /// The call that brings `signed` to its contract.
    ///
    /// # Errors
    /// [`CallOutcome::Failed`] if no node tells the list; [`CallOutcome::Refused`] if too few of the signatures are of guardians on it.
    pub(super) async fn laid_out(
        &self,
        signed: &Signed,
        signatures: &[AccountSignature],
    ) -> Result<Bytes, CallOutcome> {
        let list = self.list_at_head(signed).await?;
        let need = list.threshold;
        let places = list.lay_out(signed.digest(), signatures).map_err(|have| {
            CallOutcome::Refused(format!(
                "{have} of the accounts that signed are on the module's list of {} guardians now, and {need} must be",
                list.guardians.len()
            ))
        })?;
        let no_form = || CallOutcome::Refused(format!("no list of signatures is taken for {}", signed.duty().kind()));
        contracts::call_by_accounts(signed.duty(), &places).ok_or_else(no_form)
    }

    /// The module's list at the head, as most nodes have it.
    async fn list_at_head(&self, signed: &Signed) -> Result<GuardianList, CallOutcome> {
        let module = signed.contract();
        let asked = self.nodes.iter().map(|node| (&node.slow, node.guardian_list_now(module)));
        let (mut lists, mut reason) = (Vec::<(GuardianList, usize)>::new(), "none in time".to_owned());
        for (place, answer) in most(asked, Result::is_ok).await {
            match answer {
                Ok(list) => match lists.iter_mut().find(|(known, _)| *known == list) {
                    Some((_, count)) => *count = count.saturating_add(1),
                    None => lists.push((list, 1)),
                },
                Err(failure) => {
                    let name = self.nodes.get(place).map(|node| node.http.name()).unwrap_or_default();
                    reason = format!("{name}: {failure}");
                }
            }
        }
        let most_said = lists.into_iter().max_by_key(|(_, count)| *count);
        most_said
            .map(|(list, _)| list)
            .ok_or_else(|| CallOutcome::Failed(format!("no execution provider tells the module's list: {reason}")))
    }
}
