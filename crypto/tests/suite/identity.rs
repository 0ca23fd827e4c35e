//! Who signed a message.

use crate::randomness::seeded;
use alloy_primitives::hex;
use guardian_crypto::{
    Error,
    identity::{IdentityKey, IdentityPublic, IdentitySignature},
    secret::Secret,
};

/// RFC 8032, section 7.1, test 1.
const SEED: [u8; 32] = hex!("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
const PUBLIC: [u8; 32] = hex!("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
const DOMAIN: &str = "guardian/test/v1";

#[test]
fn a_signature_covers_domain_zero_byte_message() {
    let key = IdentityKey::from_seed(Secret::new(SEED));
    assert_eq!(key.public().to_bytes(), PUBLIC);
    assert_eq!(key.expose_seed(), &SEED);
    // Made with OpenSSL over "guardian/test/v1\0hello".
    let expected = hex!(
        "639418d9400b6e7fc76e80bea222a3122d34bf3b60d2fbff60d7e19e43df755e"
        "f8f20ba3ba586ac197194ee976b6b783d0d804fea77df4229044c1d8e38cb408"
    );
    let signature = key.sign(DOMAIN, b"hello");
    assert_eq!(signature.to_bytes(), expected);
    assert_eq!(key.public().verify(DOMAIN, b"hello", &signature), Ok(()));
}

#[test]
fn a_signature_is_for_one_key_one_domain_and_one_message() {
    let mut rng = seeded(1);
    let (key, other) = (IdentityKey::generate(&mut rng), IdentityKey::generate(&mut rng));
    let signature = key.sign(DOMAIN, b"hello");
    let public = key.public();
    assert_eq!(public.verify("guardian/test/v2", b"hello", &signature), Err(Error::InvalidSignature));
    assert_eq!(public.verify("guardian/test/v", b"1hello", &signature), Err(Error::InvalidSignature));
    assert_eq!(public.verify(DOMAIN, b"hello!", &signature), Err(Error::InvalidSignature));
    assert_eq!(other.public().verify(DOMAIN, b"hello", &signature), Err(Error::InvalidSignature));
    for bit in 0..512 {
        let mut changed = signature.to_bytes();
        changed[bit / 8] ^= 1 << (bit % 8);
        let changed = IdentitySignature::from_bytes(&changed).unwrap();
        assert_eq!(public.verify(DOMAIN, b"hello", &changed), Err(Error::InvalidSignature), "bit {bit}");
    }
}

#[test]
fn keys_that_accept_signatures_nobody_made_are_refused() {
    let small_order = [
        hex!("0100000000000000000000000000000000000000000000000000000000000000"),
        hex!("0000000000000000000000000000000000000000000000000000000000000000"),
        hex!("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
        hex!("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
        // The same in encodings that are not canonical.
        hex!("0100000000000000000000000000000000000000000000000000000000000080"),
        hex!("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
    ];
    for bytes in small_order {
        assert!(IdentityPublic::from_bytes(&bytes).is_err(), "{}", hex::encode(bytes));
    }
}

#[test]
fn what_is_derived_is_hkdf_of_the_seed() {
    let key = IdentityKey::from_seed(Secret::new(SEED));
    // Python's hmac: extract with "GUARDIAN/identity/derivation/v1" as salt, expand with "guardian/test/v1\0context".
    let expected = hex!("ec458f13e32aa76c20d752ed2eb9a2c2d3553293ecc7b7061b89f7134b9310b5");
    assert_eq!(key.derive(DOMAIN, b"context").unwrap().expose(), &expected);
}

#[test]
fn what_is_derived_comes_back_and_is_for_one_key_one_domain_and_one_context() {
    let key = || IdentityKey::from_seed(Secret::new(SEED));
    let derive = |key: IdentityKey, domain, context: &[u8]| *key.derive(domain, context).unwrap().expose();
    let all = [
        derive(key(), DOMAIN, b"context"),
        derive(key(), DOMAIN, b"contexu"),
        derive(key(), DOMAIN, b""),
        derive(key(), "guardian/test/v2", b"context"),
        derive(key(), "guardian/test/v", b"1context"),
        derive(IdentityKey::from_seed(Secret::new([1; 32])), DOMAIN, b"context"),
        SEED,
    ];
    assert_eq!(derive(key(), DOMAIN, b"context"), all[0]);
    for (number, one) in all.iter().enumerate() {
        assert!(!all[..number].contains(one), "{number}");
    }
}
