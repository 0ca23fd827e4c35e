//! The new committee as the ceremony left it here: everything that a rotation needs, read back and checked.

use super::super::{
    check::{check_contract, check_succession, in_force},
    folder::Folder,
    plan_file::{PlanFile, PurposeWord},
};
use crate::{
    activation::{Activation, Place},
    committee::CommitteeFile,
    config::Config,
    hint::{Hinted, WithHint},
    keys::KeyFiles,
    observers::proofs::read_public,
    shares::Shares,
};
use alloy_primitives::B256;
use guardian_crypto::{
    frost::KeyShare,
    identity::IdentityKey,
    schnorr::{GroupKey, Signature},
    seal::Work,
};
use guardian_protocol::{
    Committee, KeyEpoch,
    ceremony::{Rotation, Transcript},
};

/// The committee that is to take over.
#[derive(Debug)]
pub(super) struct IncomingCommittee {
    file: CommitteeFile,
    committee: Committee,
    share: Option<KeyShare>,
    /// The new key's proof of possession.
    pub(super) proof: Signature,
    /// What both keys sign.
    pub(super) digest: B256,
}

impl IncomingCommittee {
    /// Reads what the ceremony of `file` left here.
    ///
    /// # Errors
    /// If it is not finished, or does not follow what is in force.
    pub(super) fn load(
        config: &Config,
        file: &PlanFile,
        keys: &KeyFiles,
        identity: &IdentityKey,
    ) -> Result<Self, Hinted> {
        let plan = file.plan(false)?;
        let Some(rotation) = plan.proof_of_possession_for else {
            return Err(Hinted::new(
                "the plan has no [rotation]: its key was not made to replace another",
                "make the new key with a plan from `guardian key plan generate --replace`",
            ));
        };
        check_contract(config, &plan)?;
        let transcript = transcript(config, file)?;
        let public = transcript.verify(&plan).hint(
            "the ceremony's transcript does not hold",
            "the file is damaged: get it from another member, it is the same for everybody",
        )?;
        let next = file.committee_file(&public);
        let committee = next.committee()?;
        let before = in_force(config)?;
        check_succession(before.as_ref().map(|(_, committee)| committee), &plan, Some(&committee))?;
        let member = committee.iter().any(|member| member.identity == identity.public());
        let share = if member { Some(Shares::new(&config.keys.shares, keys).load(&committee)?) } else { None };
        let digest = Rotation::digest(&rotation, plan.key_epoch, public.group_key());
        Ok(Self { file: next, committee, share, proof: transcript.proof(), digest })
    }

    pub(super) fn key(&self) -> GroupKey {
        self.committee.group_key()
    }

    pub(super) fn key_epoch(&self) -> KeyEpoch {
        self.committee.key_epoch()
    }

    pub(super) fn id(&self) -> B256 {
        self.committee.id()
    }

    /// Whether we are among them.
    pub(super) const fn includes_us(&self) -> bool {
        self.share.is_some()
    }

    /// Puts it in force here.
    pub(super) fn activate(&self, config: &Config, keys: &KeyFiles, work: Work) -> Result<(), Hinted> {
        let place = Place { committee: &config.guardian.committee, shares: &config.keys.shares, files: keys, work };
        Activation::new(place, &self.file, self.share.as_ref())?.run()
    }
}

fn transcript(config: &Config, file: &PlanFile) -> Result<Transcript, Hinted> {
    let folder = Folder::new(&config.guardian.data_dir, file.plan(false)?.id());
    let path = folder.transcript();
    if !path.exists() {
        return Err(Hinted::new(
            format!("the ceremony of this plan is not finished here: {} is missing", path.display()),
            format!(
                "run `guardian key {}` with this plan first; if this machine's copy was lost, use `guardian key recover` with another member's",
                PurposeWord::Generate.as_str()
            ),
        ));
    }
    let bytes = read_public(&path)?;
    Transcript::decode(&bytes).hint(
        format!("{} is not a transcript", path.display()),
        "the file is damaged: get it from another member, it is the same for everybody",
    )
}
