//! A committee of three from a fixed seed, and one of everything that it can say.

use guardian_crypto::{
    frost::signing::{Commitments, SignatureShare},
    schnorr::Signature,
};
use guardian_protocol::{
    BlsPubkey, BootId, Duty, DutyBody, DutyId, Ejection, EjectionOrder, EjectionReason, Epoch, Gwei, KeyEpoch,
    ReserveReport, Slot, Subject, ValidatorIndex, testing::Dealt,
};

/// Two of three.
pub(crate) fn fixture() -> Dealt {
    Dealt::new(3, 2, 1)
}

pub(crate) const BOOT: BootId = BootId { number: 7, name: [7; 16] };

pub(crate) fn points() -> Commitments {
    Commitments::from_bytes(&[2; 66]).unwrap()
}

pub(crate) fn share() -> SignatureShare {
    SignatureShare::from_bytes(&[3; 32]).unwrap()
}

/// A point and a scalar, well formed, of nobody: R = G, z = 1.
pub(crate) fn signature() -> Signature {
    let bytes = hex::decode(
        "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798\
         483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8\
         0000000000000000000000000000000000000000000000000000000000000001",
    );
    Signature::from_bytes(&bytes.unwrap()).unwrap()
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
        supply: Gwei(400_000_000_001),
        sources_version: 3,
    }))
}

/// Duties about one thing each.
pub(crate) fn about_one_thing() -> [(&'static str, DutyId); 2] {
    let registration = Subject::Registration { module: [7; 32].into(), index: 3 };
    let id = |subject| DutyId { subject, ..order().id() };
    [("registration", id(registration)), ("batch", id(Subject::Batch([8; 32].into())))]
}

fn duty(body: DutyBody) -> Duty {
    Duty { key_epoch: KeyEpoch(1), period: Epoch(9), reference_slot: Slot(72), reference_root: [5; 32].into(), body }
}
