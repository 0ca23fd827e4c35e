//! What is signed, by whom, and how everything said on the way is bound to it.

use crate::{
    ceremony::hash,
    types::{MemberId, versioned},
};
use alloy_primitives::B256;
use borsh::BorshSerialize;
use guardian_crypto::{
    frost::PublicShares,
    identity::{IdentityPublic, IdentitySignature},
};
use std::{collections::BTreeMap, time::Duration};

/// What a session is made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameters {
    /// Tells these signers from all others that may sign the same message.
    pub context: B256,
    /// What is signed.
    pub message: B256,
    /// The key that signs.
    pub public: PublicShares,
    /// Who may take part. Each holds a share of the key.
    pub signers: BTreeMap<MemberId, IdentityPublic>,
    /// How many of them a signature is made of: all, or at least the threshold.
    pub quorum: usize,
    /// Who puts shares together: the first at once, each further one after [`Parameters::patience`] more.
    pub coordinators: Vec<MemberId>,
    /// How long a coordinator waits for its turn, and for signers where a quorum is enough.
    pub patience: Duration,
}

/// Parameters, and what binds every message to them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    parameters: Parameters,
    binding: B256,
}

impl Terms {
    /// The terms of a session with these parameters. Who signs, how many, and who coordinates are bound too.
    #[must_use]
    pub fn new(parameters: Parameters) -> Self {
        const DOMAIN: &str = "GUARDIAN/ceremony/session/v1";
        let signers: Vec<_> = parameters.signers.iter().collect();
        let quorum = u64::try_from(parameters.quorum).unwrap_or(u64::MAX);
        let all =
            ((parameters.context, parameters.message), (&parameters.public, signers, quorum, &parameters.coordinators));
        let binding = hash(DOMAIN, &versioned::encode(1, &all));
        Self { parameters, binding }
    }

    /// What is signed.
    #[must_use]
    pub const fn message(&self) -> B256 {
        self.parameters.message
    }

    /// The key that signs.
    #[must_use]
    pub const fn public(&self) -> &PublicShares {
        &self.parameters.public
    }

    /// How many signers a signature is made of.
    #[must_use]
    pub const fn quorum(&self) -> usize {
        self.parameters.quorum
    }

    /// Whether everybody must sign: then nobody can be left out.
    #[must_use]
    pub fn all_sign(&self) -> bool {
        self.parameters.quorum >= self.parameters.signers.len()
    }

    /// Who may take part.
    pub fn signers(&self) -> impl Iterator<Item = MemberId> + '_ {
        self.parameters.signers.keys().copied()
    }

    /// Who puts shares together, in order.
    #[must_use]
    pub fn coordinators(&self) -> &[MemberId] {
        &self.parameters.coordinators
    }

    pub(super) const fn patience(&self) -> Duration {
        self.parameters.patience
    }

    /// What is signed with an identity: the binding, then version 1 of the value.
    pub(super) fn bind(&self, value: &impl BorshSerialize) -> Vec<u8> {
        let mut bytes = self.binding.to_vec();
        bytes.extend(versioned::encode(1, value));
        bytes
    }

    pub(super) fn is_by(
        &self,
        member: MemberId,
        domain: &'static str,
        bytes: &[u8],
        signature: &IdentitySignature,
    ) -> bool {
        let identity = self.parameters.signers.get(&member);
        identity.is_some_and(|identity| identity.verify(domain, bytes, signature).is_ok())
    }
}
