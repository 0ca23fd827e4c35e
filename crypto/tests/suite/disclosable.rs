//! Secrets for one recipient, which it can show to everybody.

use crate::randomness::{Scripted, seeded};
use alloy_primitives::hex;
use curve25519_dalek::{
    EdwardsPoint, Scalar,
    constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION},
    edwards::CompressedEdwardsY,
};
use guardian_crypto::{
    Error,
    disclosable::{Disclosure, EphemeralKey, EphemeralPublic, VerifiedEphemeral, check_recipient},
    identity::{IdentityKey, IdentityPublic},
    secret::Secret,
};

const SESSION: &[u8] = b"session";
const CONTEXT: &[u8] = b"context";
const SECRET: [u8; 32] = [5; 32];

/// The order of the group.
const ORDER: [u8; 32] = hex!("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");

// Computed by an independent program (Python's integers and hashlib) from the module's description. Sender, recipient and
// draws are those of `pinned`.
const PUBLIC: [u8; 96] = hex!(
    "c256a8d41e166dceb919def3d4dd7e6266f153da226f8a1f6b6a24627fe82223"
    "692e49eb1b25dbfe9fe55149c7a25158d0fff434a6c51bc56d741e7eec7b6e07"
    "0ffc2244293860787137e5c066a6ae856f4036acd0a4de8fa9db66469d37cc09"
);
const CIPHERTEXT: [u8; 32] = hex!("062dba70a77e7b679431db2fd08871e93a6b4289b0435d224cbeab740d93cf50");
const DISCLOSURE: [u8; 96] = hex!(
    "f749fd148a920f4a58e4379ff0bbadd3cb34794dd798f5a972a1764c64278d02"
    "ce02f167847e9824e6c650a571bc6431bbdd0716486c0f99cb0f26d44d0c2c07"
    "514b474974ddfb5890b1e10b776f5288b79f57cb7642bdaf0409e9723de22f0f"
);

fn identity(number: u8) -> IdentityKey {
    IdentityKey::from_seed(Secret::new([number; 32]))
}

/// A sender's key for [`SESSION`], and what others make of its announcement.
fn sender(owner: &IdentityKey, seed: u64) -> (EphemeralKey, VerifiedEphemeral) {
    let key = EphemeralKey::generate(&owner.public(), SESSION, &mut seeded(seed));
    let verified = key.public().verify(&owner.public(), SESSION).unwrap();
    (key, verified)
}

fn point(bytes: &[u8]) -> EdwardsPoint {
    CompressedEdwardsY(bytes.try_into().unwrap()).decompress().unwrap()
}

#[test]
fn the_bytes_are_those_of_an_independent_implementation() {
    let (owner, recipient) = (identity(1), identity(2));
    let key = EphemeralKey::generate(&owner.public(), SESSION, &mut Scripted::new(&[&[3; 64], &[4; 32]]));
    assert_eq!(key.public().to_bytes(), PUBLIC);
    assert_eq!(key.encrypt(&recipient.public(), CONTEXT, &Secret::new(SECRET)).unwrap(), CIPHERTEXT);
    let from = key.public().verify(&owner.public(), SESSION).unwrap();
    assert_eq!(recipient.decrypt(&from, CONTEXT, &CIPHERTEXT).expose(), &SECRET);
    let disclosure = recipient.disclose(&from, &mut Scripted::new(&[&[6; 32]]));
    assert_eq!(disclosure.to_bytes(), DISCLOSURE);
    assert_eq!(disclosure.open(&recipient.public(), &from, CONTEXT, &CIPHERTEXT).unwrap().expose(), &SECRET);
}

#[test]
fn everybody_sees_exactly_what_the_recipient_got() {
    let mut rng = seeded(1);
    for seed in 0..20 {
        let (owner, recipient) = (IdentityKey::generate(&mut rng), IdentityKey::generate(&mut rng));
        let (key, from) = sender(&owner, seed);
        let mut ciphertext = key.encrypt(&recipient.public(), CONTEXT, &Secret::new(SECRET)).unwrap();
        let disclosure = recipient.disclose(&from, &mut rng);
        for change in 0..2 {
            ciphertext[31] ^= change;
            let got = recipient.decrypt(&from, CONTEXT, &ciphertext);
            let seen = disclosure.open(&recipient.public(), &from, CONTEXT, &ciphertext).unwrap();
            assert_eq!(got.expose(), seen.expose());
            assert_eq!(got.expose() == &SECRET, change == 0);
        }
    }
}

#[test]
fn a_secret_is_for_one_recipient_one_context_and_one_key() {
    let (owner, recipient) = (identity(1), identity(2));
    let (key, from) = sender(&owner, 1);
    let (_, other) = sender(&owner, 2);
    let ciphertext = key.encrypt(&recipient.public(), CONTEXT, &Secret::new(SECRET)).unwrap();
    assert_eq!(recipient.decrypt(&from, CONTEXT, &ciphertext).expose(), &SECRET);
    assert_ne!(recipient.decrypt(&from, b"contexu", &ciphertext).expose(), &SECRET);
    assert_ne!(recipient.decrypt(&from, b"", &ciphertext).expose(), &SECRET);
    assert_ne!(recipient.decrypt(&other, CONTEXT, &ciphertext).expose(), &SECRET);
    assert_ne!(identity(3).decrypt(&from, CONTEXT, &ciphertext).expose(), &SECRET);
    assert_ne!(owner.decrypt(&from, CONTEXT, &ciphertext).expose(), &SECRET);
    let disclosure = recipient.disclose(&from, &mut seeded(3));
    assert_ne!(
        disclosure.open(&recipient.public(), &from, b"contexu", &ciphertext).unwrap().expose(),
        &SECRET,
        "a ciphertext of another context"
    );
}

#[test]
fn an_announcement_is_for_one_owner_and_one_session() {
    let (owner, other) = (identity(1), identity(2));
    let (key, _) = sender(&owner, 1);
    let error = Err(Error::InvalidProof { what: "possession of the ephemeral key" });
    assert_eq!(key.public().verify(&other.public(), SESSION), error);
    assert_eq!(key.public().verify(&owner.public(), b"sessioo"), error);
    assert_eq!(key.public().verify(&owner.public(), b""), error);
    for bit in 0..96 * 8 {
        let mut changed = key.public().to_bytes();
        changed[bit / 8] ^= 1 << (bit % 8);
        let verified = EphemeralPublic::from_bytes(&changed).and_then(|key| key.verify(&owner.public(), SESSION));
        assert!(verified.is_err(), "bit {bit}");
    }
}

#[test]
fn whoever_repeats_anothers_key_or_a_multiple_of_it_announces_nothing() {
    // With such a key, a provoked disclosure would open what the other one sent.
    let (honest, liar) = (identity(1), identity(2));
    let (key, _) = sender(&honest, 1);
    let bytes = key.public().to_bytes();
    assert!(key.public().verify(&liar.public(), SESSION).is_err());
    for factor in [1u8, 2, 8] {
        let mut multiple = bytes;
        multiple[..32].copy_from_slice((point(&bytes[..32]) * Scalar::from(factor)).compress().as_bytes());
        let multiple = EphemeralPublic::from_bytes(&multiple).unwrap();
        assert_eq!(multiple.verify(&honest.public(), SESSION).is_ok(), factor == 1);
        assert!(multiple.verify(&liar.public(), SESSION).is_err());
    }
    // The liar's own proof does not fit the honest one's key either.
    let own = EphemeralKey::generate(&liar.public(), SESSION, &mut seeded(2)).public().to_bytes();
    let spliced = EphemeralPublic::from_bytes(&[&bytes[..32], &own[32..]].concat()).unwrap();
    assert!(spliced.verify(&liar.public(), SESSION).is_err());
}

#[test]
fn a_point_is_canonical_in_the_group_of_prime_order_and_not_its_identity() {
    let (key, from) = sender(&identity(1), 1);
    let disclosure = identity(2).disclose(&from, &mut seeded(2)).to_bytes();
    let accepted = |point: [u8; 32]| {
        let with = |rest: [u8; 96]| [&point[..], &rest[32..]].concat();
        let key = EphemeralPublic::from_bytes(&with(key.public().to_bytes())).is_ok();
        assert_eq!(key, Disclosure::from_bytes(&with(disclosure)).is_ok());
        key
    };
    assert!(accepted(ED25519_BASEPOINT_POINT.compress().0));
    for torsion in EIGHT_TORSION {
        assert!(!accepted(torsion.compress().0), "of small order");
        if torsion != EIGHT_TORSION[0] {
            assert!(!accepted((ED25519_BASEPOINT_POINT + torsion).compress().0), "outside of the group");
        }
    }
    for (bytes, why) in [
        (hex!("0100000000000000000000000000000000000000000000000000000000000080"), "the identity, not canonical"),
        (
            hex!("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
            "the identity plus p, not canonical",
        ),
        (hex!("f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"), "y = 3 plus p, not canonical"),
        (hex!("0200000000000000000000000000000000000000000000000000000000000000"), "not on the curve"),
        ([0xff; 32], "not a coordinate"),
    ] {
        assert!(!accepted(bytes), "{why}");
    }
}

#[test]
fn scalars_are_canonical() {
    let (key, from) = sender(&identity(1), 1);
    let disclosure = identity(2).disclose(&from, &mut seeded(2));
    let mut least = ORDER;
    least[0] -= 1;
    for at in [32, 64] {
        for (scalar, accepted) in [([0; 32], true), (least, true), (ORDER, false), ([0xff; 32], false)] {
            let with = |mut bytes: [u8; 96]| {
                bytes[at..at + 32].copy_from_slice(&scalar);
                bytes
            };
            assert_eq!(EphemeralPublic::from_bytes(&with(key.public().to_bytes())).is_ok(), accepted);
            assert_eq!(Disclosure::from_bytes(&with(disclosure.to_bytes())).is_ok(), accepted);
        }
    }
}

#[test]
fn recipients_outside_of_the_group_of_prime_order_are_refused() {
    let (owner, recipient) = (identity(1), identity(2));
    let (key, from) = sender(&owner, 1);
    assert_eq!(check_recipient(&recipient.public()), Ok(()));
    for torsion in EIGHT_TORSION.into_iter().skip(1) {
        // A key that ed25519 itself takes.
        let mixed = (point(&recipient.public().to_bytes()) + torsion).compress().0;
        let mixed = IdentityPublic::from_bytes(&mixed).unwrap();
        assert!(matches!(check_recipient(&mixed), Err(Error::Malformed { .. })));
        let refused = key.encrypt(&mixed, CONTEXT, &Secret::new(SECRET));
        assert!(matches!(refused, Err(Error::Malformed { .. })));
        let opened = recipient.disclose(&from, &mut seeded(1)).open(&mixed, &from, CONTEXT, &CIPHERTEXT);
        assert!(matches!(opened, Err(Error::Malformed { .. })));
    }
}

#[test]
fn a_disclosure_is_by_one_recipient_about_one_key() {
    let (owner, recipient, other) = (identity(1), identity(2), identity(3));
    let (key, from) = sender(&owner, 1);
    let (_, another) = sender(&owner, 2);
    let ciphertext = key.encrypt(&recipient.public(), CONTEXT, &Secret::new(SECRET)).unwrap();
    let disclosure = recipient.disclose(&from, &mut seeded(3));
    let open = |disclosure: &Disclosure, by: &IdentityKey, from| {
        disclosure.open(&by.public(), from, CONTEXT, &ciphertext).map(|secret| *secret.expose())
    };
    let refused = Err(Error::InvalidProof { what: "disclosure" });
    assert_eq!(open(&disclosure, &recipient, &from), Ok(SECRET));
    assert_eq!(open(&disclosure, &other, &from), refused);
    assert_eq!(open(&disclosure, &recipient, &another), refused);
    assert_eq!(open(&other.disclose(&from, &mut seeded(3)), &recipient, &from), refused);
    assert_eq!(open(&recipient.disclose(&another, &mut seeded(3)), &recipient, &from), refused);
    for bit in 0..96 * 8 {
        let mut changed = disclosure.to_bytes();
        changed[bit / 8] ^= 1 << (bit % 8);
        let opened = Disclosure::from_bytes(&changed).and_then(|disclosure| open(&disclosure, &recipient, &from));
        assert!(opened.is_err(), "bit {bit}");
    }
}

#[test]
fn the_same_draws_make_the_same_key_and_do_no_harm_elsewhere() {
    let owner = identity(1);
    let generate =
        |session: &[u8]| EphemeralKey::generate(&owner.public(), session, &mut seeded(1)).public().to_bytes();
    assert_eq!(generate(b"one"), generate(b"one"));
    let (one, two) = (generate(b"one"), generate(b"two"));
    assert_eq!(one[..32], two[..32]);
    assert!(!reveals_its_secret(&one, &two, point(&one[..32])));
    // A recipient whose generator is stuck tells two senders' points, not its key.
    let recipient = identity(2);
    let disclosures = [1, 2].map(|seed| recipient.disclose(&sender(&owner, seed).1, &mut seeded(9)).to_bytes());
    assert!(!reveals_its_secret(&disclosures[0], &disclosures[1], point(&recipient.public().to_bytes())));
}

/// Whether two proofs were made with one nonce, so that the secret is `(s - s') / (c - c')`.
fn reveals_its_secret(one: &[u8; 96], two: &[u8; 96], public: EdwardsPoint) -> bool {
    let scalar = |bytes: &[u8]| Scalar::from_canonical_bytes(bytes.try_into().unwrap()).unwrap();
    let challenges = scalar(&one[32..64]) - scalar(&two[32..64]);
    assert_ne!(challenges, Scalar::ZERO);
    let secret = (scalar(&one[64..]) - scalar(&two[64..])) * challenges.invert();
    EdwardsPoint::mul_base(&secret) == public
}
