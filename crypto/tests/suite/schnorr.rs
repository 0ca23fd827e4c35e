//! The signature as contracts see it.

use crate::vectors;
use alloy_primitives::hex;
use guardian_crypto::{
    Error,
    schnorr::{GroupKey, Signature},
};
use serde_json::Value;

/// The order of secp256k1's group.
const ORDER: [u8; 32] = hex!("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141");
/// The field's prime.
const PRIME: [u8; 32] = hex!("fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f");
const GENERATOR: ([u8; 32], [u8; 32]) = (
    hex!("79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"),
    hex!("483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8"),
);
/// From the tests of an independent Solidity verifier (safe-research/safe-frost).
const KEY: ([u8; 32], [u8; 32]) = (
    hex!("4f6340cfdd930a6f54e730188e3071d150877fa664945fb6f120c18b56ce1c09"),
    hex!("802a5e67c00a70d85b9a088eac7cf5b9fb46ac5c0b2bd7d1e189fac210f6b7ef"),
);
const SIGNATURE: [u8; 96] = hex!(
    "501dcfe29d881aa855bf25979bd79f751aa9536af7a389403cd345b02d1e6f25"
    "839ad3b762f50fe560f4688a15a1caed522919f33928567f95bc48cbd9b8c771"
    "4fdea9858f3e6484f1f0d64e7c17879c25f68da8bd0e82b063cf7410ddf5a886"
);
const MESSAGE: [u8; 32] = [0x41; 32];

fn parts(bytes: &[u8; 96]) -> [[u8; 32]; 3] {
    let word = |at: usize| bytes[at..at + 32].try_into().unwrap();
    [word(0), word(32), word(64)]
}

/// Whether key, signature and message pass every check, as a contract's caller would see it.
fn accepted(case: &Value) -> bool {
    let word = |name: &str| vectors::word(&case[name]);
    let Ok(key) = GroupKey::from_coordinates(word("px"), word("py")) else { return false };
    let Ok(signature) = Signature::from_parts(word("rx"), word("ry"), word("z")) else { return false };
    key.verify(&word("message"), &signature).is_ok()
}

#[test]
fn accepts_what_an_independent_solidity_verifier_accepts() {
    let key = GroupKey::from_coordinates(KEY.0, KEY.1).unwrap();
    key.verify(&MESSAGE, &Signature::from_bytes(&SIGNATURE).unwrap()).unwrap();
    if let Some(file) = vectors::shared("onchain-frost/vectors.json") {
        for case in file["signatures"].as_array().unwrap() {
            assert_eq!(accepted(case), case["valid"].as_bool().unwrap(), "{case}");
        }
    }
}

#[test]
fn judges_every_vector_as_the_contract_does() {
    let Some(file) = vectors::contract_signatures() else { return };
    let cases = file.as_array().unwrap();
    assert!(!cases.is_empty());
    for case in cases {
        assert_eq!(accepted(case), case["valid"].as_bool().unwrap(), "{}", case["name"]);
    }
}

#[test]
fn refuses_a_signature_with_any_single_bit_changed() {
    let key = GroupKey::from_coordinates(KEY.0, KEY.1).unwrap();
    for bit in 0..96 * 8 {
        let mut changed = SIGNATURE;
        changed[bit / 8] ^= 1 << (bit % 8);
        let valid = Signature::from_bytes(&changed).and_then(|signature| key.verify(&MESSAGE, &signature));
        assert!(valid.is_err(), "bit {bit}");
    }
    let signature = Signature::from_bytes(&SIGNATURE).unwrap();
    for bit in 0..256 {
        let mut changed = MESSAGE;
        changed[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(key.verify(&changed, &signature), Err(Error::InvalidSignature), "bit {bit}");
    }
}

#[test]
fn a_response_is_one_to_the_order() {
    let [rx, ry, z] = parts(&SIGNATURE);
    let mut last = ORDER;
    last[31] -= 1;
    let mut beyond = ORDER;
    beyond[31] += 1;
    assert!(Signature::from_parts(rx, ry, last).is_ok());
    for z in [[0; 32], ORDER, beyond, [0xff; 32]] {
        assert!(Signature::from_parts(rx, ry, z).is_err());
    }
    assert!(Signature::from_parts(rx, ry, z).is_ok());
}

#[test]
fn a_commitment_is_a_point_of_the_curve_with_reduced_coordinates() {
    let [rx, ry, z] = parts(&SIGNATURE);
    for (x, y) in [(ry, rx), (rx, [0; 32]), ([0; 32], [0; 32]), (PRIME, ry), (rx, PRIME), ([0xff; 32], ry)] {
        assert!(Signature::from_parts(x, y, z).is_err());
        assert!(GroupKey::from_coordinates(x, y).is_err());
    }
}

#[test]
fn a_key_whose_x_reaches_the_order_is_a_point_but_no_group_key() {
    // The curve has a point with exactly this x-coordinate.
    let y = hex!("98f66641cb0ae1776b463ebdee3d77fe2658f021db48e2c8ac7ab4c92f83621e");
    assert_eq!(GroupKey::from_coordinates(ORDER, y), Err(Error::UnusableGroupKey));
    assert!(Signature::from_parts(ORDER, y, [1; 32]).is_ok(), "as R it is fine");
}

#[test]
fn a_key_has_one_encoding() {
    let key = GroupKey::from_coordinates(GENERATOR.0, GENERATOR.1).unwrap();
    let bytes = key.to_bytes();
    assert_eq!(bytes[..], hex!("0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"));
    assert_eq!(GroupKey::from_bytes(&bytes), Ok(key));
    assert_eq!(key.coordinates(), GENERATOR);
    for tag in (0..=u8::MAX).filter(|tag| !matches!(tag, 2 | 3)) {
        let mut other = bytes;
        other[0] = tag;
        assert!(GroupKey::from_bytes(&other).is_err(), "tag {tag}");
    }
    let mut negated = bytes;
    negated[0] = 3;
    assert_ne!(GroupKey::from_bytes(&negated), Ok(key));
}
