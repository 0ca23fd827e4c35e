//! No secret is printed.

use crate::{
    frost::member,
    randomness::{Scripted, seeded},
};
use alloy_primitives::hex;
use guardian_crypto::{
    bls::{SecretKey, dealer::split},
    disclosable::EphemeralKey,
    frost::{KeyShare, dkg::Round1, signing::commit},
    identity::IdentityKey,
    secret::Secret,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Debug,
};

/// Formats `value` in every way and looks for `secret` in hex, in decimal, and as text.
fn does_not_print(value: &impl Debug, secret: &[u8]) {
    for printed in [format!("{value:?}"), format!("{value:#?}")] {
        let printed = printed.to_lowercase();
        // A part would be enough to be worried about.
        for part in secret.windows(6) {
            assert!(!printed.contains(&hex::encode(part)), "{printed}");
            let decimal = format!("{part:?}");
            assert!(!printed.contains(decimal.trim_matches(['[', ']'])), "{printed}");
            if let Ok(text) = std::str::from_utf8(part) {
                assert!(!printed.contains(&text.to_lowercase()), "{printed}");
            }
        }
        let one_line: String = printed.split_whitespace().collect();
        let decimal: String = format!("{secret:?}").split_whitespace().collect();
        assert!(!one_line.contains(decimal.trim_matches(['[', ']'])), "{printed}");
    }
}

#[test]
fn the_search_finds_what_it_looks_for() {
    let secret = [11u8, 22, 33, 44, 55, 66];
    assert!(std::panic::catch_unwind(|| does_not_print(&secret, &secret)).is_err());
    assert!(std::panic::catch_unwind(|| does_not_print(&hex::encode(secret), &secret)).is_err());
    assert!(std::panic::catch_unwind(|| does_not_print(&"passphrase", b"passphrase")).is_err());
}

#[test]
fn no_secret_type_prints_its_secret() {
    let text = "correct horse battery staple";
    does_not_print(&Secret::new(text.to_owned()), text.as_bytes());
    does_not_print(&Secret::new(vec![201u8; 32]), &[201; 32]);

    let identity = IdentityKey::generate(&mut seeded(1));
    does_not_print(&identity, identity.expose_seed());
    // A number below the group's order, so that it is the key's scalar as it was drawn.
    let mut draws = Scripted::new(&[&[0x0a; 32], &[0; 32], &[0x65; 32]]);
    does_not_print(&EphemeralKey::generate(&identity.public(), b"", &mut draws), &[0x0a; 32]);

    let key = SecretKey::interop(1).unwrap();
    does_not_print(&key, key.to_secret_bytes().expose());
    let (shares, _) = split(&key, 2, 2, &mut seeded(2)).unwrap();
    does_not_print(&shares[0], shares[0].to_secret_bytes().expose());
    does_not_print(&shares[0].to_secret_bytes(), shares[0].to_secret_bytes().expose());
}

#[test]
fn neither_key_share_nor_nonces_print_their_secrets() {
    // RFC 9591, appendix E.5, member 1: its share, its randomness, and the nonces that they make.
    let secret = hex!("08f89ffe80ac94dcb920c26f3f46140bfc7f95b493f8310f5fc1ea2b01f4254c");
    let group_key = hex!("02f37c34b66ced1fb51c34a90bdae006901f10625cc06c4f64663b0eae87d87b4f");
    let share = KeyShare::from_secret_bytes(&[&[1, 0, 1, 0, 2][..], &group_key, &secret].concat()).unwrap();
    does_not_print(&share, &secret);
    does_not_print(&share.to_secret_bytes(), &secret);
    let mut randomness = Scripted::new(&[
        &hex!("7ea5ed09af19f6ff21040c07ec2d2adbd35b759da5a401d4c99dd26b82391cb2"),
        &hex!("47acab018f116020c10cb9b9abdc7ac10aae1b48ca6e36dc15acb6ec9be5cdc5"),
    ]);
    let (nonces, _) = commit(&share, &mut randomness).unwrap();
    does_not_print(&nonces, &hex!("841d3a6450d7580b4da83c8e618414d0f024391f2aeb511d7579224420aa81f0"));
    does_not_print(&nonces, &hex!("8d2624f532af631377f33cf44b5ac5f849067cae2eacb88680a31e77c79b5a80"));
}

#[test]
fn key_generation_prints_no_secrets() {
    let members = BTreeSet::from([member(1), member(2)]);
    let coefficients = [[0x21; 32], [0x43; 32]];
    let mut draws = Scripted::new(&[&coefficients[0], &coefficients[1], &[0x65; 32]]);
    let (mine, _) = Round1::begin(member(1), &members, 2, &mut draws).unwrap();
    let (_, theirs) = Round1::begin(member(2), &members, 2, &mut seeded(3)).unwrap();
    for secret in &coefficients {
        does_not_print(&mine, secret);
    }
    let (state, packages) = mine.receive(&BTreeMap::from([(member(2), theirs)])).unwrap();
    let package = &packages[&member(2)];
    does_not_print(package, package.to_secret_bytes().expose());
    // Member 1's own value of its polynomial: the coefficients' sum.
    does_not_print(&state, &[0x64; 32]);
}
