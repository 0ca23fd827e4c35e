//! What a store holds: records of a guardian and of a ceremony, one by one and as the history that somebody starts from.
//!
//! What must hold: what decodes is encoded as it was, and a history that makes no sense is an error and not a panic.

use crate::{ceremony, messages, messages::parts};
use guardian_crypto::{identity::IdentityKey, secret::Secret};
use guardian_protocol::{
    Effects, Guardian, Input, MemberId, Record, Timestamp,
    ceremony::{Ceremony, Record as CeremonyRecord},
};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

/// The first byte chooses what the others are taken for.
pub fn run(data: &[u8]) {
    let Some((kind, bytes)) = data.split_first() else { return };
    match kind % 4 {
        0 => drop(record(bytes)),
        1 => drop(ceremony_record(bytes)),
        2 => guardian(bytes),
        _ => participant(bytes),
    }
}

fn record(bytes: &[u8]) -> Option<Record> {
    let record = Record::decode(bytes).ok()?;
    assert_eq!(record.encode(), bytes, "one record, one encoding");
    Some(record)
}

fn ceremony_record(bytes: &[u8]) -> Option<CeremonyRecord> {
    let record = CeremonyRecord::decode(bytes).ok()?;
    assert_eq!(record.encode(), bytes, "one record, one encoding");
    Some(record)
}

/// A guardian starts from a history, and takes a first step.
fn guardian(bytes: &[u8]) {
    let world = &*messages::WORLD;
    let mut rng = ChaCha20Rng::seed_from_u64(7);
    let now = Timestamp(1_000_000);
    let history: Vec<Record> = parts(bytes).take(32).filter_map(record).collect();
    if let Ok(mut guardian) = Guardian::restore(now, world.setup(), world.secrets(1), history, &mut rng) {
        let mut effects = Effects::default();
        guardian.step(now, Input::Woke, &mut rng, &mut effects);
        let _ = (format!("{:?}", guardian.status()), guardian.not_ready(), effects.commit(&mut messages::Lasting));
    }
}

/// A participant starts from a history: everything that was recorded, and what the fuzzer puts before it.
fn participant(bytes: &[u8]) {
    let world = &*ceremony::WORLD;
    let mut rng = ChaCha20Rng::seed_from_u64(8);
    let Some((keep, bytes)) = bytes.split_first() else { return };
    let mut history: Vec<CeremonyRecord> = parts(bytes).take(16).filter_map(ceremony_record).collect();
    history.extend(world.records.iter().take(usize::from(*keep)).cloned());
    let identity = IdentityKey::from_seed(Secret::new({
        let mut seed = [7; 32];
        seed[..2].copy_from_slice(&[0, 2]);
        seed
    }));
    let Some(me) = MemberId::new(2) else { return };
    let now = Timestamp(1_000_000);
    if let Ok(ceremony) = Ceremony::restore(now, world.plan.clone(), me, identity, None, history, &mut rng) {
        let _ = (format!("{:?}", ceremony.status(now)), ceremony.outcome());
    }
}
