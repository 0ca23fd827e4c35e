//! A duty with everything that it was decided from: enough to decide it again, by anyone, without a network.

use super::{
    facts::{Difference, differences, facts},
    tree::Tree,
};
use crate::{
    decide::{self},
    duty::{DigestDomain, Duty, Evidence, Rules},
    setup::{Contracts, Setup},
    sign::Attestation,
    types::{ChainSpec, GuardianList},
};
use alloy_primitives::B256;
use guardian_crypto::{account::AccountSignature, schnorr::Signature};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// See the module. Its text form (JSON) is a lasting format; `version` says which.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dossier {
    /// The format's version.
    pub version: u32,
    /// What was decided.
    pub duty: Duty,
    /// The bytes that were signed.
    pub digest: B256,
    /// The committee's signature, if it is known: then nobody can deny the duty.
    pub signature: Option<Signature>,
    /// Signatures of accounts in its place, where they sign.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attested_by: Vec<AccountSignature>,
    /// The chain.
    pub network: ChainSpec,
    /// The contracts that the digest is bound to.
    pub contracts: Contracts,
    /// The root of the evidence's tree of facts.
    pub evidence_root: B256,
    /// What it was decided from.
    pub evidence: Arc<Evidence>,
}

/// What deciding again gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replay {
    /// The digest of the duty that the evidence demands; `None` if it demands none of this kind.
    pub digest: Option<B256>,
    /// Where that duty (ours) says something else than the file (theirs).
    pub differences: Vec<Difference>,
    /// Whether the evidence is what was written, by its root.
    pub intact: bool,
    /// Whether the key that the evidence names signed the file's digest, or enough of the accounts that it lists; `None`: the file has no signature.
    pub signature_holds: Option<bool>,
}

impl Dossier {
    /// The format's version.
    pub const VERSION: u32 = 2;

    pub(crate) fn new(
        setup: &Setup,
        duty: Duty,
        digest: B256,
        attestation: Option<&Attestation>,
        (evidence, evidence_root): (Arc<Evidence>, B256),
    ) -> Self {
        Self {
            version: Self::VERSION,
            duty,
            digest,
            signature: attestation.and_then(Attestation::group).copied(),
            attested_by: attestation.map(Attestation::accounts).unwrap_or_default().to_vec(),
            network: setup.network.clone(),
            contracts: setup.contracts,
            evidence_root,
            evidence,
        }
    }

    /// Decides again, and compares.
    #[must_use]
    pub fn replay(&self) -> Replay {
        let id = self.duty.id();
        let again = decide::of_kind(id.kind, &self.evidence, self.network.slots_per_epoch);
        let again = again.into_iter().find(|duty| duty.id().subject == id.subject);
        let domain = DigestDomain::new(self.network.chain_id, self.contracts);
        let ours = again.as_ref().map(Duty::statements).unwrap_or_default();
        let mut found = differences(&ours, &self.duty.statements());
        let claimed = domain.digest(&self.duty);
        if claimed != Some(self.digest) {
            let (ours, theirs) = (claimed.map(|digest| digest.to_string()), Some(self.digest.to_string()));
            found.push(Difference { fact: "digest of the duty in the file".to_owned(), ours, theirs });
        }
        Replay {
            digest: again.and_then(|duty| domain.digest(&duty)),
            differences: found,
            intact: Tree::new(facts(&self.evidence)).root() == self.evidence_root,
            signature_holds: self.signature_holds(),
        }
    }

    fn signature_holds(&self) -> Option<bool> {
        if let Some(signature) = self.signature {
            return Some(self.evidence.chain.group_key.verify(&self.digest.0, &signature).is_ok());
        }
        let list = self.evidence.chain.rules(self.duty.kind()).and_then(Rules::guardian_list);
        let is_attested = |list: &GuardianList| list.lay_out(self.digest, &self.attested_by).is_ok();
        (!self.attested_by.is_empty()).then(|| list.is_some_and(is_attested))
    }
}

impl Replay {
    /// Whether the file's digest is the one that its evidence demands, and nothing speaks against it.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.digest.is_some() && self.differences.is_empty() && self.intact && self.signature_holds != Some(false)
    }
}
