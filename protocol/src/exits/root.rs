//! What the parts of an exit sign.

use crate::types::{ChainSpec, Epoch, ValidatorIndex};
use guardian_crypto::bls::exit::{self, ExitRoot, VoluntaryExit};

/// The root that the validator's key signs: an exit valid from the order's reference epoch on, which has passed already. Its domain is
/// chosen as if a block of that same epoch included it, so that every guardian takes the same one; an order whose exit crosses the
/// fork to Deneb in flight is therefore lost, and the next order takes its place. `None` if the fork schedule is unusable.
pub(super) fn exit_root(period: Epoch, index: ValidatorIndex, network: &ChainSpec) -> Option<ExitRoot> {
    let schedule: Vec<exit::Fork> =
        network.forks.iter().map(|fork| exit::Fork { epoch: fork.epoch.0, version: fork.version }).collect();
    let forks = exit::ExitForks {
        schedule: &schedule,
        capella_version: network.capella_fork_version,
        deneb_epoch: network.deneb_fork_epoch.map(|epoch| epoch.0),
    };
    let version = exit::exit_fork_version(&forks, period.0, period.0).ok()?;
    let domain = exit::ExitDomain::new(version, &network.genesis_validators_root.0);
    Some(VoluntaryExit { epoch: period.0, validator_index: index.0 }.signing_root(&domain))
}
