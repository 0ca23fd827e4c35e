//! A committee of three from a fixed seed, and one of everything that it can say.

use guardian_crypto::{
    frost::{
        dealer,
        signing::{Commitments, SignatureShare},
    },
    identity::IdentityKey,
};
use guardian_protocol::{
    BlsPubkey, BootId, Committee, Duty, DutyBody, Ejection, EjectionOrder, EjectionReason, Epoch, Gwei, KeyEpoch,
    Member, MemberId, ReserveReport, Slot, ValidatorIndex,
};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

/// Two of three.
pub(crate) struct Fixture {
    pub(crate) committee: Committee,
    pub(crate) identities: Vec<IdentityKey>,
}

pub(crate) fn fixture() -> Fixture {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let (_, public) = dealer::deal(3, 2, &mut rng).unwrap();
    let identities: Vec<IdentityKey> = (0..3).map(|_| IdentityKey::generate(&mut rng)).collect();
    let members = MemberId::first(3).zip(&identities).map(|(id, identity)| Member {
        id,
        name: format!("guardian-{id}"),
        identity: identity.public(),
    });
    let committee = Committee::new(members, public, KeyEpoch(1)).unwrap();
    Fixture { committee, identities }
}

pub(crate) fn member(number: u16) -> MemberId {
    MemberId::new(number).unwrap()
}

pub(crate) const BOOT: BootId = BootId([7; 16]);

pub(crate) fn points() -> Commitments {
    Commitments::from_bytes(&[2; 66]).unwrap()
}

pub(crate) fn share() -> SignatureShare {
    SignatureShare::from_bytes(&[3; 32]).unwrap()
}

pub(crate) fn order() -> Duty {
    let ejection = |index, reason| Ejection {
        index: ValidatorIndex(index),
        pubkey: BlsPubkey::repeat_byte(u8::try_from(index).unwrap()),
        reason,
    };
    let ejections = vec![ejection(14, EjectionReason::LowBalance), ejection(15, EjectionReason::Slashed)];
    duty(DutyBody::Ejection(EjectionOrder::new(ejections).unwrap()))
}

pub(crate) fn report() -> Duty {
    duty(DutyBody::Reserves(ReserveReport {
        validator_count: 16,
        validators: Gwei(512_000_000_000),
        pods: Gwei(3_000_000_000),
        vaults: Gwei(10_000_000_000),
        pending: Gwei(0),
        liabilities: Gwei(500_000_000_001),
    }))
}

fn duty(body: DutyBody) -> Duty {
    Duty { key_epoch: KeyEpoch(1), period: Epoch(9), reference_slot: Slot(72), reference_root: [5; 32].into(), body }
}
