//! Who takes part in what: a plan, and the key that it starts from, from a seed.

use guardian_crypto::{
    frost::{KeyShare, PublicShares, dealer},
    identity::IdentityKey,
    member::MemberId,
    secret::Secret,
};
use guardian_protocol::{
    KeyEpoch,
    ceremony::{Current, Participant, Plan, Purpose},
};
use rand_chacha::{
    ChaCha20Rng,
    rand_core::{RngCore, SeedableRng},
};
use std::collections::{BTreeMap, BTreeSet};

/// A plan and the shares that exist before it is carried out.
#[derive(Debug)]
pub struct Cast {
    /// The plan.
    pub plan: Plan,
    /// The shares of the current key.
    pub held: BTreeMap<MemberId, KeyShare>,
}

/// The identity of a member; the same in every run.
#[must_use]
pub fn identity(member: MemberId) -> IdentityKey {
    let mut seed = [3; 32];
    for (to, from) in seed.iter_mut().zip(member.get().to_be_bytes()) {
        *to = from;
    }
    IdentityKey::from_seed(Secret::new(seed))
}

/// A second copy of a share: one lies on the disk, the other is handed to a process.
#[must_use]
pub fn copy(share: &KeyShare) -> Option<KeyShare> {
    KeyShare::from_secret_bytes(share.to_secret_bytes().expose()).ok()
}

impl Cast {
    /// The plan that `rng` picks: any purpose, 3 to 7 members.
    ///
    /// # Panics
    /// Never: the sizes are ones that a committee can have.
    #[must_use]
    pub fn pick(rng: &mut ChaCha20Rng) -> Self {
        match rng.next_u32() % 3 {
            0 => Self::generate(rng),
            1 => Self::reshare(rng),
            _ => Self::repair(rng),
        }
    }

    fn generate(rng: &mut ChaCha20Rng) -> Self {
        let (n, t) = size(rng);
        Self { plan: plan(rng, Purpose::Generate, participants(MemberId::first(n)), t, None), held: BTreeMap::new() }
    }

    fn reshare(rng: &mut ChaCha20Rng) -> Self {
        let (public, held) = deal(rng);
        let dealers = some(rng, public.members().collect(), usize::from(public.threshold()));
        let (n, t) = size(rng);
        let pool: Vec<MemberId> = public.members().chain((8..=14).filter_map(MemberId::new)).collect();
        let mut members: Vec<MemberId> = pool;
        while members.len() > usize::from(n) {
            members.remove(below(rng, members.len()));
        }
        let current = current(&public, dealers);
        Self { plan: plan(rng, Purpose::Reshare, participants(members.into_iter()), t, Some(current)), held }
    }

    fn repair(rng: &mut ChaCha20Rng) -> Self {
        let (public, mut held) = deal(rng);
        let members: Vec<MemberId> = public.members().collect();
        // With all shares needed, nobody can lose one.
        if usize::from(public.threshold()) == members.len() {
            return Self::generate(rng);
        }
        let lost = members.get(below(rng, members.len())).copied().or(members.first().copied());
        let Some(lost) = lost else { return Self::generate(rng) };
        let others = members.iter().copied().filter(|member| *member != lost).collect();
        let helpers = some(rng, others, usize::from(public.threshold()));
        held.remove(&lost);
        let (threshold, current) = (public.threshold(), current(&public, helpers));
        let members = participants(members.into_iter());
        Self { plan: plan(rng, Purpose::Repair { lost }, members, threshold, Some(current)), held }
    }
}

fn plan(
    rng: &mut ChaCha20Rng,
    purpose: Purpose,
    members: Vec<Participant>,
    threshold: u16,
    current: Option<Current>,
) -> Plan {
    Plan {
        purpose,
        label: String::new(),
        attempt: 1 + rng.next_u32() % 1_000,
        rehearse: false,
        key_epoch: KeyEpoch(1),
        threshold,
        members,
        current,
        proof_of_possession_for: None,
    }
}

fn participants(members: impl Iterator<Item = MemberId>) -> Vec<Participant> {
    members.map(|id| Participant { id, name: format!("guardian-{id}"), identity: identity(id).public() }).collect()
}

fn current(public: &PublicShares, dealers: BTreeSet<MemberId>) -> Current {
    let members = participants(public.members());
    Current { key_epoch: KeyEpoch(1), public: public.clone(), dealers, members }
}

fn deal(rng: &mut ChaCha20Rng) -> (PublicShares, BTreeMap<MemberId, KeyShare>) {
    let (n, t) = size(rng);
    let (shares, public) = dealer::deal(n, t, &mut ChaCha20Rng::seed_from_u64(rng.next_u64())).expect("a usual size");
    (public, shares.into_iter().map(|share| (share.member(), share)).collect())
}

/// 3 to 7 members, mostly few, and a majority of them.
fn size(rng: &mut ChaCha20Rng) -> (u16, u16) {
    const SIZES: [(u16, u16); 8] = [(3, 2), (3, 3), (4, 3), (4, 3), (4, 4), (5, 3), (5, 4), (7, 4)];
    SIZES.get(below(rng, SIZES.len())).copied().unwrap_or((3, 2))
}

/// At least `least` of `members`.
fn some(rng: &mut ChaCha20Rng, mut members: Vec<MemberId>, least: usize) -> BTreeSet<MemberId> {
    while members.len() > least && rng.next_u32().is_multiple_of(2) {
        members.remove(below(rng, members.len()));
    }
    members.into_iter().collect()
}

/// A number below `n`, or 0.
pub(super) fn below(rng: &mut ChaCha20Rng, n: usize) -> usize {
    usize::try_from(rng.next_u64()).unwrap_or(0).checked_rem(n).unwrap_or(0)
}
