//! Keys, shares, signatures and commitments as bytes.
//!
//! What must hold: a value has one encoding, in `from_bytes` and in borsh; and whatever is read can be used without a panic.

use guardian_crypto::{
    bls::{
        BlsSignature, ExitShare, PartialSignature, PublicKey, SecretKey, ShareCommitments, dealer::split,
        exit::ExitDomain,
    },
    disclosable::{Disclosure, EphemeralKey, EphemeralPublic},
    enclave::{EnclaveKey, EnclavePublic, OVERHEAD},
    frost::{
        KeyShare, PublicShares, dealer, dkg,
        repair::{Contribution, Repair},
        reshare::{Dealing, Resharing},
        signing::{Commitments, SignatureShare, SigningPackage},
    },
    identity::{IdentityKey, IdentityPublic, IdentitySignature},
    member::MemberId,
    schnorr::{GroupKey, Signature},
    secret::Secret,
};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use std::{collections::BTreeMap, sync::LazyLock};

struct World {
    public: PublicShares,
    resharing: Resharing,
    repair: Repair,
    me: IdentityKey,
    peer: IdentityKey,
    enclave: EnclaveKey,
    commitments: ShareCommitments,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let (_, public) = dealer::deal(3, 2, &mut ChaCha20Rng::seed_from_u64(1)).expect("a key can be dealt");
    let all = || MemberId::first(3).collect();
    let helpers = MemberId::first(2).collect();
    World {
        resharing: Resharing::new(public.clone(), all(), all(), 2).expect("a refresh"),
        repair: Repair::new(public.clone(), helpers, member(3)).expect("a repair"),
        public,
        enclave: EnclaveKey::from_bytes(&[7; 32]).expect("a key"),
        commitments: split(&SecretKey::interop(1).expect("a key"), 3, 2, &mut ChaCha20Rng::seed_from_u64(2))
            .expect("it can be dealt")
            .1,
        me: IdentityKey::from_seed(Secret::new([1; 32])),
        peer: IdentityKey::from_seed(Secret::new([2; 32])),
    }
});

/// Reads, writes, and compares with what borsh makes of the same bytes.
macro_rules! one_form {
    ($type:ty, $bytes:expr) => {{
        let read = <$type>::from_bytes($bytes).ok();
        assert_eq!(borsh::from_slice::<$type>($bytes).ok(), read, "two forms of a {}", stringify!($type));
        if let Some(value) = &read {
            assert_eq!(value.to_bytes().as_slice(), $bytes, "two encodings of a {}", stringify!($type));
        }
        read
    }};
}

/// The first byte chooses what the others are taken for.
pub fn run(data: &[u8]) {
    let Some((kind, bytes)) = data.split_first() else { return };
    match kind % 9 {
        0 => schnorr(bytes),
        1 => identities(bytes),
        2 => shares(bytes),
        3 => dealings(bytes),
        4 => signing(bytes),
        5 => disclosures(bytes),
        6 => bls(bytes),
        7 => commitments(bytes),
        _ => custody(bytes),
    }
}

fn schnorr(bytes: &[u8]) {
    let key = one_form!(GroupKey, bytes);
    let signature = one_form!(Signature, bytes);
    if let Some(key) = key {
        let (x, y) = key.coordinates();
        assert_eq!(GroupKey::from_coordinates(x, y), Ok(key));
    }
    if let Some(s) = signature {
        assert_eq!(Signature::from_parts(s.rx(), s.ry(), s.z()), Ok(s));
        assert!(WORLD.public.group_key().verify(&[9; 32], &s).is_err(), "a forgery");
    }
}

fn identities(bytes: &[u8]) {
    let world = &*WORLD;
    if let Some(identity) = one_form!(IdentityPublic, bytes) {
        let own = world.me.sign("test", b"message");
        assert!(identity == world.me.public() || identity.verify("test", b"message", &own).is_err());
        let _ = guardian_crypto::disclosable::check_recipient(&identity);
    }
    if let Some(signature) = one_form!(IdentitySignature, bytes)
        && world.me.public().verify("test", b"message", &signature).is_ok()
    {
        assert_eq!(signature, world.me.sign("test", b"message"), "one message, one signature");
    }
}

fn shares(bytes: &[u8]) {
    if let Some(public) = read_public(bytes) {
        assert!(public.members().all(|member| public.verifying_share(member).is_some()));
        assert!(usize::from(public.threshold()) * 2 > public.members().len());
    }
    if let Ok(share) = KeyShare::from_secret_bytes(bytes) {
        assert_eq!(share.to_secret_bytes().expose().as_slice(), bytes);
        let known = share.belongs_to(&WORLD.public).is_ok();
        assert!(!known || WORLD.public.verifying_share(share.member()) == Some(share.verifying_share()));
    }
    if let Ok(package) = dkg::Round2Package::from_secret_bytes(bytes) {
        assert_eq!(package.to_secret_bytes().expose().as_slice(), bytes);
    }
}

/// Larger ones cost a multiplication for every member and every coefficient: nothing that a fuzzer learns from.
fn read_public(bytes: &[u8]) -> Option<PublicShares> {
    let public = PublicShares::from_bytes(bytes.get(..1024).map_or(bytes, |_| &[])).ok()?;
    assert_eq!(public.to_bytes(), bytes, "two encodings of public shares");
    assert_eq!(
        borsh::from_slice(&borsh::to_vec(&public).expect("memory takes everything")).ok().as_ref(),
        Some(&public)
    );
    Some(public)
}

fn dealings(bytes: &[u8]) {
    let world = &*WORLD;
    if let Ok(package) = dkg::Round1Package::from_bytes(bytes) {
        assert_eq!(package.to_bytes(), bytes, "two encodings of a first package");
        let _ = (dkg::check(member(2), 2, &package), dkg::check_share(&package, member(1), &[1; 32]));
        let packages: BTreeMap<_, _> = MemberId::first(3).map(|member| (member, package.clone())).collect();
        let _ = dkg::public_shares(&packages.keys().copied().collect(), &packages);
    }
    if let Ok(dealing) = Dealing::from_bytes(bytes) {
        assert_eq!(dealing.to_bytes(), bytes, "two encodings of a dealing");
        let _ = world.resharing.check(member(1), &dealing);
        assert!(world.resharing.check_share(&dealing, member(2), &[0xff; 32]).is_err(), "no scalar is a share");
        let dealings = MemberId::first(3).map(|member| (member, dealing.clone())).collect();
        let _ = world.resharing.public_shares(&dealings);
    }
    if let Ok(contribution) = Contribution::from_bytes(bytes) {
        assert_eq!(contribution.to_bytes(), bytes, "two encodings of a contribution");
        let _ = world.repair.check(member(1), &contribution);
        let _ = world.repair.check_delta(&contribution, member(2), &[1; 32]);
        let both = MemberId::first(2).map(|member| (member, contribution.clone())).collect();
        let _ = world.repair.check_sum(&both, member(1), &[1; 32]);
    }
}

fn signing(bytes: &[u8]) {
    one_form!(SignatureShare, bytes);
    let (Some(first), Some(second)) = (bytes.get(..66), bytes.get(66..132)) else {
        one_form!(Commitments, bytes);
        return;
    };
    let (Some(first), Some(second)) = (one_form!(Commitments, first), one_form!(Commitments, second)) else { return };
    let both = BTreeMap::from([(member(1), first), (member(2), second)]);
    let package = SigningPackage::new([9; 32], &both);
    assert!(package.is_err() || (first.is_well_formed() && second.is_well_formed()));
    let share = bytes.get(132..).and_then(|bytes| SignatureShare::from_bytes(bytes).ok());
    if let (Ok(package), Some(share)) = (package, share) {
        let shares = BTreeMap::from([(member(1), share), (member(2), share)]);
        let _ = guardian_crypto::frost::signing::verify_share(&package, member(1), &share, &WORLD.public);
        assert!(guardian_crypto::frost::signing::aggregate(&package, &shares, &WORLD.public).is_err(), "a forgery");
    }
}

fn disclosures(bytes: &[u8]) {
    let world = &*WORLD;
    let disclosure = one_form!(Disclosure, bytes);
    if let Some(ephemeral) = one_form!(EphemeralPublic, bytes)
        && let Ok(verified) = ephemeral.verify(&world.peer.public(), b"session")
    {
        let _ = world.me.decrypt(&verified, b"context", &[7; 32]);
    }
    if let Some(disclosure) = disclosure {
        let honest = EphemeralKey::generate(&world.peer.public(), b"session", &mut ChaCha20Rng::seed_from_u64(3));
        let verified = honest.public().verify(&world.peer.public(), b"session").expect("an honest key");
        if let Ok(opened) = disclosure.open(&world.me.public(), &verified, b"context", &[7; 32]) {
            let truth = world.me.decrypt(&verified, b"context", &[7; 32]);
            assert_eq!(opened.expose(), truth.expose(), "it was opened to something else");
        }
    }
}

fn bls(bytes: &[u8]) {
    let signature = one_form!(BlsSignature, bytes);
    if let (Some(key), Some(signature)) = (one_form!(PublicKey, bytes), signature) {
        let _ = key.verify(&[1; 32], &signature);
    }
    one_form!(PartialSignature, bytes);
    one_form!(ExitDomain, bytes);
    if let Ok(secret) = SecretKey::from_bytes(bytes) {
        assert_eq!(secret.to_secret_bytes().expose().as_slice(), bytes);
        assert!(secret.public_key().verify(&[1; 32], &secret.sign(&[1; 32])).is_ok());
    }
}

/// What was encrypted to a guardian, and its key.
fn custody(bytes: &[u8]) {
    if let Some(public) = one_form!(EnclavePublic, bytes) {
        let ciphertext = public.encrypt(b"a share", &mut ChaCha20Rng::seed_from_u64(4)).expect("it can be encrypted");
        assert!(
            WORLD.enclave.decrypt(&ciphertext).is_err() || public == WORLD.enclave.public(),
            "another key opens it"
        );
    }
    if let Ok(key) = EnclaveKey::from_bytes(bytes) {
        assert_eq!(key.to_secret_bytes().expose().as_slice(), bytes);
    }
    // A fuzzer can change what was encrypted, and can make nothing that opens but by encrypting it.
    if let Ok(opened) = WORLD.enclave.decrypt(bytes) {
        assert_eq!(bytes.len(), opened.expose().len() + OVERHEAD);
        let _ = ExitShare::decrypt(member(1), &WORLD.enclave, bytes, &WORLD.commitments);
    }
}

fn commitments(bytes: &[u8]) {
    if let Ok(commitments) = ShareCommitments::from_bytes(bytes) {
        assert_eq!(commitments.to_bytes(), bytes, "two encodings of commitments");
        assert!(usize::from(commitments.threshold()) * 48 <= bytes.len());
        let _ = (commitments.public_key(), commitments.public_share(member(3)));
    }
}

fn member(number: u16) -> MemberId {
    MemberId::new(number).expect("numbers count from 1")
}
