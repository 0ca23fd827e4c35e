//! A start, signed by its owner on its own, so that others can keep it and give it back.

use crate::types::{BootId, Committee, MemberId, versioned};
use borsh::{BorshDeserialize, BorshSerialize};
use guardian_crypto::identity::{IdentityKey, IdentitySignature};

/// A start with its owner's signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SignedBoot {
    /// The start.
    pub boot: BootId,
    /// The owner's signature over it and the committee.
    pub signature: IdentitySignature,
}

impl SignedBoot {
    const DOMAIN: &'static str = "GUARDIAN/boot/v1";

    /// Signs `boot` with its owner's `key`.
    #[must_use]
    pub fn seal(boot: BootId, committee: &Committee, key: &IdentityKey) -> Self {
        Self { boot, signature: key.sign(Self::DOMAIN, &signed_bytes(boot, committee)) }
    }

    /// Whether it is a start of `owner` in this committee.
    #[must_use]
    pub fn is_of(&self, owner: MemberId, committee: &Committee) -> bool {
        let bytes = signed_bytes(self.boot, committee);
        committee.get(owner).is_some_and(|owner| owner.identity.verify(Self::DOMAIN, &bytes, &self.signature).is_ok())
    }
}

fn signed_bytes(boot: BootId, committee: &Committee) -> Vec<u8> {
    [committee.id().to_vec(), versioned::encode(1, &boot)].concat()
}
