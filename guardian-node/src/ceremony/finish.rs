//! Puts a ceremony's outcome to use: the public files first, then share and committee file, in the order that survives a crash.

use super::{
    check::{check_succession, committee_of, in_force},
    folder::Folder,
    plan_file::PlanFile,
};
use crate::{
    activation::{Activation, Place},
    config::Config,
    durable::replace_private,
    hint::{Hinted, WithHint},
    keys::KeyFiles,
    shares::Shares,
};
use guardian_crypto::{
    frost::{KeyShare, PublicShares},
    seal::Work,
};
use guardian_protocol::{
    Committee, MemberId,
    ceremony::{Plan, Transcript},
};

/// What became of an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// The new committee is in force here.
    InForce,
    /// The new share is kept until the contract knows its key.
    Waiting,
    /// We are no member any more: our share is deleted.
    Left,
}

/// Everything that is needed to put an outcome to use.
#[derive(Clone, Copy, Debug)]
pub struct Outcome<'a> {
    /// The plan file.
    pub file: &'a PlanFile,
    /// Its plan.
    pub plan: &'a Plan,
    /// Who we are.
    pub me: MemberId,
    /// The public side of the key.
    pub public: &'a PublicShares,
    /// Our share of it, if the ceremony gave us one.
    pub share: Option<&'a KeyShare>,
    /// Everything that was said.
    pub transcript: &'a Transcript,
}

/// Does it, as far as it is not done yet.
///
/// # Errors
/// If the outcome does not follow what is in force here, or a file can't be written.
pub fn put_to_use(config: &Config, keys: &KeyFiles, outcome: &Outcome<'_>, work: Work) -> Result<Use, Hinted> {
    let Outcome { file, plan, me, public, transcript, .. } = outcome;
    let next = file.committee_file(public);
    let committee = next.committee()?;
    let before = in_force(config)?;
    check_succession(before.as_ref().map(|(_, committee)| committee), plan, Some(&committee))?;

    let folder = Folder::new(&config.guardian.data_dir, plan.id());
    replace_private(&folder.transcript(), &transcript.encode())?;
    next.replace(&folder.committee())?;

    let own = own_share(config, keys, outcome, &committee)?;
    if committee.get(*me).is_some() && own.is_none() {
        return Err(Hinted::new("the ceremony left this member without a share", "this is a defect: report it"));
    }
    let shares = Shares::new(&config.keys.shares, keys);
    let switched = before.is_some_and(|(_, before)| before.id() == committee.id());
    if plan.proof_of_possession_for.is_some() && !switched {
        // The contract still verifies against the old key: the new share waits beside the old one.
        own.iter().try_for_each(|share| shares.write(&committee, share, work))?;
        return Ok(Use::Waiting);
    }
    let place = Place { committee: &config.guardian.committee, shares: &config.keys.shares, files: keys, work };
    Activation::new(place, &next, own.as_ref())?.run()?;
    Ok(if own.is_some() { Use::InForce } else { Use::Left })
}

/// Our share under the new committee: what the ceremony gave us, or, for who helped in a repair, what we had.
fn own_share(
    config: &Config,
    keys: &KeyFiles,
    outcome: &Outcome<'_>,
    next: &Committee,
) -> Result<Option<KeyShare>, Hinted> {
    let defect = "this is a defect: report it";
    if let Some(share) = outcome.share {
        let copy = KeyShare::from_secret_bytes(share.to_secret_bytes().expose());
        return copy.map(Some).hint("the new share can't be read", defect);
    }
    if next.get(outcome.me).is_none() {
        return Ok(None);
    }
    let shares = Shares::new(&config.keys.shares, keys);
    if shares.path(next).exists() {
        return shares.load(next).map(Some);
    }
    match outcome.plan.current.as_ref().map(committee_of).transpose()? {
        Some(current) if shares.path(&current).exists() => shares.load(&current).map(Some),
        _ => Ok(None),
    }
}
