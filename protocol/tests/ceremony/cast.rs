//! Who takes part: identities from fixed seeds, plans, and keys to start from.

use guardian_crypto::{
    frost::{KeyShare, PublicShares, dealer},
    identity::IdentityKey,
    secret::Secret,
};
use guardian_protocol::{
    KeyEpoch, MemberId,
    ceremony::{Current, Participant, Plan, Purpose},
};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use std::collections::{BTreeMap, BTreeSet};

pub(crate) fn id(number: u16) -> MemberId {
    MemberId::new(number).unwrap()
}

pub(crate) fn identity(number: u16) -> IdentityKey {
    let [high, low] = number.to_be_bytes();
    let mut seed = [7; 32];
    seed[..2].copy_from_slice(&[high, low]);
    IdentityKey::from_seed(Secret::new(seed))
}

pub(crate) fn participant(number: u16) -> Participant {
    Participant { id: id(number), name: format!("guardian-{number}"), identity: identity(number).public() }
}

pub(crate) fn participants(numbers: impl IntoIterator<Item = u16>) -> Vec<Participant> {
    numbers.into_iter().map(participant).collect()
}

/// A key that exists, in shares.
pub(crate) struct Held {
    pub(crate) public: PublicShares,
    shares: BTreeMap<MemberId, KeyShare>,
}

impl Held {
    pub(crate) fn deal(n: u16, t: u16) -> Self {
        let (shares, public) = dealer::deal(n, t, &mut ChaCha20Rng::seed_from_u64(3)).unwrap();
        Self { public, shares: shares.into_iter().map(|share| (share.member(), share)).collect() }
    }

    pub(crate) fn share(&self, member: MemberId) -> Option<KeyShare> {
        self.shares.get(&member).map(|share| KeyShare::from_secret_bytes(share.to_secret_bytes().expose()).unwrap())
    }

    fn current(&self, dealers: &[u16]) -> Current {
        Current {
            key_epoch: KeyEpoch(1),
            public: self.public.clone(),
            dealers: dealers.iter().copied().map(id).collect::<BTreeSet<_>>(),
            members: participants(self.public.members().map(MemberId::get)),
        }
    }
}

/// A new key of `1..=n`.
pub(crate) fn generate(n: u16, t: u16) -> Plan {
    Plan {
        purpose: Purpose::Generate,
        label: "test".to_owned(),
        attempt: 1,
        rehearse: false,
        key_epoch: KeyEpoch(1),
        threshold: t,
        members: participants(1..=n),
        current: None,
        proof_of_possession_for: None,
    }
}

/// `held` anew, by `dealers` for `members`.
pub(crate) fn reshare(held: &Held, dealers: &[u16], members: &[u16], t: u16) -> Plan {
    Plan {
        purpose: Purpose::Reshare,
        threshold: t,
        members: participants(members.iter().copied()),
        current: Some(held.current(dealers)),
        ..generate(2, 2)
    }
}

/// The share of `held` that `lost` lost, by `helpers`.
pub(crate) fn repair(held: &Held, helpers: &[u16], lost: u16) -> Plan {
    Plan {
        purpose: Purpose::Repair { lost: id(lost) },
        threshold: held.public.threshold(),
        members: participants(held.public.members().map(MemberId::get)),
        current: Some(held.current(helpers)),
        ..generate(2, 2)
    }
}
