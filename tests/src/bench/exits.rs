//! How long ten thousand voluntary exits take: all validators of a large protocol, ordered out one order of 256 after the other.
//!
//! What one guardian of a committee of 3 of 4 has to do for each: make its own part, check the parts of two others, combine the
//! three and check the result. Measured as the node does it, in jobs of one order on all cores, and once more on one core; then in
//! phases, which together take longer, because checking parts and checking what they make share their most expensive half. The
//! reference is the same work one by one, measured in the same run on a part of the exits.

use super::Figure;
use eyre::{Result, ensure, eyre};
use guardian_crypto::{
    bls::{
        ExitShare, PartialSignature, SecretKey, ShareCommitments, VerifiedPartial,
        batch::{Checked, Exit, check, partial_exits},
        combine, dealer,
        exit::{ExitDomain, ExitRoot, VoluntaryExit},
        import::{RawShare, import_all},
        partial_exit, verify_partial,
    },
    member::MemberId,
};
use guardian_protocol::EjectionOrder;
use rand_core::OsRng;
use std::{collections::BTreeMap, num::NonZeroUsize, thread, time::Instant};

/// What the figures are for; measurements of other counts are scaled.
const EXITS: f64 = 10_000.0;
const GUARDIANS: u16 = 4;
const THRESHOLD: u16 = 3;

type Parts = BTreeMap<MemberId, PartialSignature>;
type Verified = BTreeMap<MemberId, VerifiedPartial>;

/// One validator.
struct Validator {
    root: ExitRoot,
    /// Of members 1, 2, 3 and 4.
    shares: Vec<ExitShare>,
    commitments: ShareCommitments,
    /// Of members 2 and 3, as they arrive at member 1.
    parts: Parts,
}

/// Measures `count` exits.
///
/// # Errors
/// If a key can't be dealt, or something that is right is found to be wrong.
pub fn measure(count: u64) -> Result<Vec<Figure>> {
    let cores = thread::available_parallelism()?;
    let validators = deal(count, cores)?;
    let scale = EXITS / count as f64;
    let all = seconds(|| whole(&validators, cores))? * scale;
    let one_core = seconds(|| whole(&validators, NonZeroUsize::MIN))? * scale;
    let sample = validators.get(..validators.len().min(128)).unwrap_or_default();
    let naive = seconds(|| one_by_one(sample))? * EXITS / sample.len() as f64;
    let naive_all = naive / cores.get() as f64;
    let phases = Phases::measure(&validators, cores)?;
    let import_one_core = import(&validators, NonZeroUsize::MIN)? * scale;
    let figure =
        |name, value, reference, reference_value| Figure { name, value, unit: "s", reference, reference_value };
    Ok(vec![
        figure("exits_10k_s", all, "one by one, on as many cores, measured", naive_all),
        figure("exits_10k_core_s", one_core, "one by one, on one core, measured", naive),
        figure("exits_10k_sign_s", phases.sign * scale, "exits_10k_s: all together", all),
        figure("exits_10k_verify_s", phases.verify * scale, "exits_10k_s: all together", all),
        figure("exits_10k_combine_s", phases.combine * scale, "exits_10k_s: all together", all),
        figure("exits_10k_import_s", import(&validators, cores)? * scale, "on one core, measured", import_one_core),
    ])
}

/// What the node does: our parts of an order, then what was received.
fn whole(validators: &[Validator], workers: NonZeroUsize) -> Result<()> {
    for order in validators.chunks(EjectionOrder::MAX) {
        let ours = sign(order, workers);
        complete(checked(order, &ours, |validator| &validator.parts, workers))?;
    }
    Ok(())
}

/// The same without batches.
fn one_by_one(validators: &[Validator]) -> Result<()> {
    for Validator { root, shares, commitments, parts } in validators {
        let ours = partial_exit(shares.first().ok_or_else(|| eyre!("no share"))?, root);
        let mut verified = Verified::from([(ours.member(), ours)]);
        for (member, part) in parts {
            verified.insert(*member, verify_partial(commitments, *member, root, part)?);
        }
        combine(&verified, commitments, root)?;
    }
    Ok(())
}

/// Seconds of each.
struct Phases {
    sign: f64,
    verify: f64,
    combine: f64,
}

impl Phases {
    fn measure(validators: &[Validator], workers: NonZeroUsize) -> Result<Self> {
        let (mut sign_s, mut verify, mut combine) = (0.0, 0.0, 0.0);
        let nothing = Parts::new();
        for order in validators.chunks(EjectionOrder::MAX) {
            let mut verified = Vec::new();
            sign_s += seconds(|| {
                verified = sign(order, workers);
                Ok(())
            })?;
            let none = vec![Verified::new(); order.len()];
            let mut others = Vec::new();
            verify += seconds(|| {
                others = checked(order, &none, |validator| &validator.parts, workers);
                Ok(())
            })?;
            verified.iter_mut().zip(others).for_each(|(verified, others)| verified.extend(others.verified));
            combine += seconds(|| complete(checked(order, &verified, |_| &nothing, workers)))?;
        }
        Ok(Self { sign: sign_s, verify, combine })
    }
}

/// Reading the shares of member 1 as at a start, the commitments' points included.
fn import(validators: &[Validator], workers: NonZeroUsize) -> Result<f64> {
    let stored: Vec<_> = validators
        .iter()
        .filter_map(|validator| Some((validator.shares.first()?.to_secret_bytes(), validator.commitments.to_bytes())))
        .collect();
    let raw: Vec<_> =
        stored.iter().map(|(share, commitments)| RawShare { share: share.expose(), commitments }).collect();
    seconds(|| {
        let first = MemberId::first(1).next().ok_or_else(|| eyre!("members count from 1"))?;
        import_all(first, &raw, workers)?;
        Ok(())
    })
}

fn sign(order: &[Validator], workers: NonZeroUsize) -> Vec<Verified> {
    let shares: Vec<_> =
        order.iter().filter_map(|validator| Some((validator.shares.first()?, validator.root))).collect();
    partial_exits(&shares, workers).into_iter().map(|part| Verified::from([(part.member(), part)])).collect()
}

fn checked<'a>(
    order: &'a [Validator],
    verified: &'a [Verified],
    fresh: impl Fn(&'a Validator) -> &'a Parts,
    workers: NonZeroUsize,
) -> Vec<Checked> {
    let exits: Vec<Exit<'_>> = order
        .iter()
        .zip(verified)
        .map(|(validator, verified)| Exit {
            commitments: &validator.commitments,
            root: validator.root,
            verified,
            fresh: fresh(validator),
        })
        .collect();
    check(&exits, workers, &mut OsRng)
}

fn complete(checked: Vec<Checked>) -> Result<()> {
    ensure!(checked.iter().all(|exit| exit.signature.is_some()), "an exit was not completed");
    Ok(())
}

fn seconds(work: impl FnOnce() -> Result<()>) -> Result<f64> {
    let begun = Instant::now();
    work()?;
    Ok(begun.elapsed().as_secs_f64())
}

/// Validators' keys and what others say, made on all cores: not measured.
fn deal(count: u64, cores: NonZeroUsize) -> Result<Vec<Validator>> {
    let indices: Vec<u64> = (0..count).collect();
    let each = indices.len().div_ceil(cores.get()).max(1);
    thread::scope(|scope| {
        let parts: Vec<_> = indices
            .chunks(each)
            .map(|part| scope.spawn(|| part.iter().map(|index| validator(*index)).collect::<Result<Vec<_>>>()))
            .collect();
        let mut all = Vec::new();
        for part in parts {
            all.extend(part.join().map_err(|_| eyre!("dealing failed"))??);
        }
        Ok(all)
    })
}

fn validator(index: u64) -> Result<Validator> {
    let domain = ExitDomain::new([3, 0, 0, 0], &[7; 32]);
    let root = VoluntaryExit { epoch: 9, validator_index: index }.signing_root(&domain);
    let (shares, commitments) = dealer::split(&SecretKey::interop(index)?, GUARDIANS, THRESHOLD, &mut OsRng)?;
    let others = shares.iter().skip(1).take(usize::from(THRESHOLD).saturating_sub(1));
    let parts = others.map(|share| (share.member(), partial_exit(share, &root).signature())).collect();
    Ok(Validator { root, shares, commitments, parts })
}
