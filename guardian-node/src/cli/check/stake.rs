//! Where the protocol's stake returns to, as beacon nodes say. Asked for in words, so that no whole state has to come.

use super::{code::Code, findings::Findings};
use guardian_chain::Readers;
use guardian_protocol::{BlsPubkey, ChainSpec, Checkpoint, Reading, ReserveRules};
use std::collections::BTreeSet;

/// Tells of stake that returns to somebody else than the protocol.
pub(super) async fn tell_foreign(
    (readers, network): (&Readers, &ChainSpec),
    (checkpoint, rules): (Checkpoint, &ReserveRules),
    provisioned: BTreeSet<BlsPubkey>,
    findings: &mut Findings,
) {
    let Some(slot) = checkpoint.epoch.first_slot(network.slots_per_epoch) else { return };
    let pubkeys: Vec<BlsPubkey> = provisioned.into_iter().collect();
    let answers = readers.validators_in_words(slot, &pubkeys).await;
    let validators = answers
        .into_iter()
        .find_map(|(_, answer)| if let Ok(Reading::Validators(validators)) = answer { Some(validators) } else { None });
    let Some(validators) = validators else {
        return findings.unknown(
            Code::StakeForeign,
            "no beacon provider says where the validators' stake returns to",
            "see the lines above",
        );
    };
    let foreign: Vec<String> = validators
        .iter()
        .filter(|validator| rules.is_foreign(validator))
        .map(|validator| format!("{} to {}", validator.index, validator.withdrawal_credentials))
        .collect();
    if foreign.is_empty() {
        let text = format!("validators: {}, of which the stake returns to the protocol", validators.len());
        return findings.pass(Code::StakeForeign, &text);
    }
    findings.poor(
        Code::StakeForeign,
        &format!(
            "the stake of {} validators returns to none of the protocol's pods: {}",
            foreign.len(),
            foreign.join(", ")
        ),
        "it is counted as reserves all the same: tell the protocol's governor",
    );
}
