//! A plan against who we are: whether we take part, with what, and whether its outcome may take the place of what is here.

use super::plan_file::{PlanFile, PurposeWord};
use crate::{
    committee::CommitteeFile,
    config::Config,
    hint::{Hinted, WithHint},
    keys::KeyFiles,
    shares::{Shares, short},
};
use guardian_crypto::{frost::KeyShare, identity::IdentityKey};
use guardian_protocol::{
    Committee, Member, MemberId,
    ceremony::{Plan, plan::Current},
};

/// Our part in a plan.
#[derive(Debug)]
pub struct Participation {
    /// What is to be made.
    pub plan: Plan,
    /// Which participant we are.
    pub me: MemberId,
    /// Our identity.
    pub identity: IdentityKey,
    /// Our share of the key that is dealt anew, if we hold it still.
    pub share: Option<KeyShare>,
}

impl Participation {
    /// Finds out. Says what is wrong, in the operator's words, before anything is done.
    ///
    /// # Errors
    /// If we are not in the plan, or not as it says, or it is about another key than ours.
    pub fn of(config: &Config, file: &PlanFile, keys: &KeyFiles, rehearse: bool) -> Result<Self, Hinted> {
        let plan = file.plan(rehearse)?;
        let identity = keys.identity(&config.keys.identity)?;
        let me = whoami(config, &plan, &identity)?;
        check_contract(config, &plan)?;
        let shares = Shares::new(&config.keys.shares, keys);
        let share = match plan.current.as_ref().map(committee_of).transpose()? {
            Some(committee) if shares.path(&committee).exists() => Some(shares.load(&committee)?),
            _ => None,
        };
        Ok(Self { plan, me, identity, share })
    }
}

/// Whether `word` is what the command was called for.
pub(super) fn check_command(file: &PlanFile, word: PurposeWord) -> Result<(), Hinted> {
    if file.purpose == word {
        return Ok(());
    }
    Err(Hinted::new(
        format!("the plan's purpose is \"{}\"", file.purpose.as_str()),
        format!("run it with `guardian key {}`, or pass another plan", file.purpose.as_str()),
    ))
}

/// Our number in the plan: name and identity must both be ours.
pub(super) fn whoami(config: &Config, plan: &Plan, identity: &IdentityKey) -> Result<MemberId, Hinted> {
    let participants = plan.participants();
    let (name, public) = (&config.guardian.name, identity.public());
    let named = participants.values().find(|participant| participant.name == *name);
    let known = participants.values().find(|participant| participant.identity == public);
    match (named, known) {
        (Some(named), Some(known)) if named.id == known.id => Ok(named.id),
        (Some(named), _) => Err(Hinted::new(
            format!("the plan lists another identity for `{name}` ({}) than our own ({public})", named.identity),
            "whoever wrote the plan has a wrong identity: send them the line that `guardian key member` prints; \
             or does [keys] identity name the wrong file?",
        )),
        (None, Some(known)) => Err(Hinted::new(
            format!("the plan lists our identity under the name `{}`, and our name is `{name}`", known.name),
            "the name must be the same everywhere: change [guardian] name, or the plan for everybody",
        )),
        (None, None) => Err(Hinted::new(
            format!("`{name}` takes no part in this plan"),
            "if you should, whoever wrote the plan needs the lines that `guardian key member` prints; if a repair or \
             resharing goes on without you, there is nothing to do",
        )),
    }
}

/// A key made for a contract must be made for the configured one.
pub(super) fn check_contract(config: &Config, plan: &Plan) -> Result<(), Hinted> {
    let Some(rotation) = plan.proof_of_possession_for else { return Ok(()) };
    let ours = (config.contracts.chain_id, config.contracts.guardian_keys);
    if (rotation.chain_id, rotation.guardian_keys) == ours {
        return Ok(());
    }
    Err(Hinted::new(
        format!("the plan's [rotation] is for {} on chain {}", rotation.guardian_keys, rotation.chain_id),
        format!("our [contracts] say {} on chain {}: find out which is right", ours.1, ours.0),
    ))
}

/// The committee whose key is dealt anew.
pub(super) fn committee_of(current: &Current) -> Result<Committee, Hinted> {
    Committee::new(current.members.iter().cloned().map(Member::from), current.public.clone(), current.key_epoch)
        .hint("the plan's current committee contradicts itself", "get the plan again from the other operators")
}

/// The committee that is in force here, if there is one.
pub(super) fn in_force(config: &Config) -> Result<Option<(CommitteeFile, Committee)>, Hinted> {
    let path = &config.guardian.committee;
    if !path.exists() {
        return Ok(None);
    }
    let file = CommitteeFile::load(path)?;
    let committee = file.committee()?;
    Ok(Some((file, committee)))
}

/// Whether the outcome of `plan` may follow the committee in force: only in the place that the plan was made for. An old plan that is run
/// again must not bring back an old key.
///
/// # Errors
/// If not.
pub(super) fn check_succession(
    in_force: Option<&Committee>,
    plan: &Plan,
    outcome: Option<&Committee>,
) -> Result<(), Hinted> {
    let Some(in_force) = in_force else { return Ok(()) };
    if outcome.is_some_and(|outcome| outcome.id() == in_force.id()) {
        return Ok(());
    }
    let ours = short(in_force);
    match &plan.current {
        Some(current) => {
            let planned = committee_of(current)?;
            if planned.id() == in_force.id() {
                return Ok(());
            }
            Err(Hinted::new(
                format!("the plan deals the key of committee {}, and ours is {ours}", short(&planned)),
                "one of the two is out of date: compare committee.toml with the other operators, and write a new plan for the committee in force",
            ))
        }
        None if plan.proof_of_possession_for.is_some() => {
            let follows = in_force.key_epoch().0.checked_add(1) == Some(plan.key_epoch.0);
            let advice =
                "a new key begins the epoch after the one in force: write that number into the plan, for everybody";
            let what = format!(
                "the plan makes a key of epoch {}, and ours is of epoch {}",
                plan.key_epoch,
                in_force.key_epoch()
            );
            if follows { Ok(()) } else { Err(Hinted::new(what, advice)) }
        }
        None => Err(Hinted::new(
            format!(
                "there is a group key already (committee {ours}), and this plan would put another one in its place"
            ),
            "to replace a key, the plan needs [rotation]; for a first key on another chain, use another folder",
        )),
    }
}
