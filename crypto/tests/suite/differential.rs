//! Two verifiers that share no code above the curve, the FROST library's and the contract's steps in [`guardian_crypto::schnorr`],
//! give the same verdict on everything. And the signatures with which the Solidity verifier joins them.

use crate::{frost::sign_together, randomness::seeded, vectors};
use alloy_primitives::hex;
use frost_secp256k1::{SigningKey, VerifyingKey};
use guardian_crypto::{
    frost::{KeyShare, dealer::deal},
    schnorr::{GroupKey, Signature},
};
use k256::{AffinePoint, EncodedPoint, elliptic_curve::sec1::FromEncodedPoint};
use rand_core::RngCore;

/// The order of secp256k1's group.
const ORDER: [u8; 32] = hex!("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141");

/// How many of [`lines`] are kept in the repository. More are a matter of seconds: see the test that writes them.
const KEPT: usize = 200;

/// Key, signature and message as a contract's caller gives them.
#[derive(Clone, Copy)]
struct Case {
    px: [u8; 32],
    py: [u8; 32],
    rx: [u8; 32],
    ry: [u8; 32],
    z: [u8; 32],
    message: [u8; 32],
}

impl Case {
    /// Signed by the library with a fresh key.
    fn signed(rng: &mut (impl rand_core::CryptoRng + RngCore)) -> Self {
        let key = SigningKey::new(rng);
        let mut message = [0; 32];
        rng.fill_bytes(&mut message);
        let signature = key.sign(&mut *rng, &message).serialize().unwrap();
        let (px, py) = coordinates(&VerifyingKey::from(&key).serialize().unwrap());
        let (rx, ry) = coordinates(&signature[..33]);
        Self { px, py, rx, ry, z: signature[33..].try_into().unwrap(), message }
    }

    fn words(&mut self) -> [&mut [u8; 32]; 6] {
        let Self { px, py, rx, ry, z, message } = self;
        [px, py, rx, ry, z, message]
    }

    /// Something else than what was signed, in one of many ways.
    fn changed(mut self, rng: &mut impl RngCore) -> Self {
        let at = rng.next_u32() as usize;
        match at % 10 {
            // A bit of any word.
            0..=3 => {
                let bit = rng.next_u32() as usize % 256;
                let word = rng.next_u32() as usize % 6;
                self.words()[word][bit / 8] ^= 1 << (bit % 8);
            }
            4 => self.py = minus(PRIME, self.py),
            5 => self.ry = minus(PRIME, self.ry),
            6 => self.z = minus(ORDER, self.z),
            7 => (self.px, self.py, self.rx, self.ry) = (self.rx, self.ry, self.px, self.py),
            8 => (self.rx, self.ry) = (self.px, self.py),
            _ => {
                let word = rng.next_u32() as usize % 6;
                let value = [[0; 32], [0xff; 32], ORDER, PRIME, minus(ORDER, ONE), ONE][rng.next_u32() as usize % 6];
                *self.words()[word] = value;
            }
        }
        self
    }

    fn accepted_by_us(&self) -> bool {
        let Ok(key) = GroupKey::from_coordinates(self.px, self.py) else { return false };
        let Ok(signature) = Signature::from_parts(self.rx, self.ry, self.z) else { return false };
        key.verify(&self.message, &signature).is_ok()
    }

    /// The library knows compressed points only; which pairs of coordinates are points is for the curve to say.
    fn accepted_by_the_library(&self) -> bool {
        let Some(key) = compressed(self.px, self.py) else { return false };
        let Some(r) = compressed(self.rx, self.ry) else { return false };
        let Ok(key) = VerifyingKey::deserialize(&key) else { return false };
        let Ok(signature) = frost_secp256k1::Signature::deserialize(&[&r[..], &self.z].concat()) else { return false };
        key.verify(&self.message, &signature).is_ok()
    }

    /// `Px Py Rx Ry z message valid`, in hex: what `FrostDifferential.t.sol` reads.
    fn line(&self) -> String {
        let words = [self.px, self.py, self.rx, self.ry, self.z, self.message].concat();
        format!("0x{}{:02x}", hex::encode(words), u8::from(self.accepted_by_us()))
    }
}

/// The field's prime.
const PRIME: [u8; 32] = hex!("fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f");
const ONE: [u8; 32] = hex!("0000000000000000000000000000000000000000000000000000000000000001");

/// `from - what`, modulo 2^256.
fn minus(from: [u8; 32], what: [u8; 32]) -> [u8; 32] {
    let number = alloy_primitives::U256::from_be_bytes::<32>;
    number(from).wrapping_sub(number(what)).to_be_bytes()
}

fn coordinates(point: &[u8]) -> ([u8; 32], [u8; 32]) {
    GroupKey::from_bytes(point).unwrap().coordinates()
}

fn compressed(x: [u8; 32], y: [u8; 32]) -> Option<Vec<u8>> {
    let point = EncodedPoint::from_affine_coordinates(&x.into(), &y.into(), false);
    Option::<AffinePoint>::from(AffinePoint::from_encoded_point(&point))?;
    Some(EncodedPoint::from_affine_coordinates(&x.into(), &y.into(), true).as_bytes().to_vec())
}

#[test]
fn ten_thousand_signatures_and_what_can_be_made_of_them_are_judged_alike() {
    // Four threads, because it takes a quarter of a minute of computing.
    std::thread::scope(|scope| {
        for quarter in 0..4 {
            scope.spawn(move || {
                let mut rng = seeded(100 + quarter);
                for round in 0..2_500 {
                    let case = Case::signed(&mut rng);
                    assert!(case.accepted_by_us() && case.accepted_by_the_library(), "{round}: {}", case.line());
                    let changed = case.changed(&mut rng);
                    assert!(
                        !changed.accepted_by_us() && !changed.accepted_by_the_library(),
                        "{round}: {}",
                        changed.line()
                    );
                }
            });
        }
    });
}

#[test]
fn what_groups_sign_is_judged_alike() {
    let mut rng = seeded(2);
    for (n, t) in [(2, 2), (3, 2), (4, 3), (7, 5), (13, 9)] {
        let (shares, public) = deal(n, t, &mut rng).unwrap();
        let signers: Vec<&KeyShare> = shares.iter().rev().take(usize::from(t)).collect();
        for _ in 0..20 {
            let mut message = [0; 32];
            rng.fill_bytes(&mut message);
            let signature = sign_together(&signers, message, &public).unwrap();
            let (px, py) = public.group_key().coordinates();
            let (rx, ry, z) = (signature.rx(), signature.ry(), signature.z());
            let case = Case { px, py, rx, ry, z, message };
            assert!(case.accepted_by_us() && case.accepted_by_the_library(), "{}", case.line());
            let changed = case.changed(&mut rng);
            assert!(!changed.accepted_by_us() && !changed.accepted_by_the_library(), "{}", changed.line());
        }
    }
}

#[test]
fn the_edges_are_judged_alike() {
    let Some(file) = vectors::contract_signatures() else { return };
    for case in file.as_array().unwrap() {
        let word = |name: &str| vectors::word(&case[name]);
        let [px, py, rx, ry, z, message] = ["px", "py", "rx", "ry", "z", "message"].map(word);
        let judged = Case { px, py, rx, ry, z, message };
        let valid = case["valid"].as_bool().unwrap();
        assert_eq!((judged.accepted_by_us(), judged.accepted_by_the_library()), (valid, valid), "{}", case["name"]);
    }
}

/// The first so many cases for Solidity: every other one as signed.
fn lines(count: usize) -> Vec<String> {
    let mut rng = seeded(3);
    (0..count)
        .map(|number| {
            let case = Case::signed(&mut rng);
            if number % 2 == 0 { case.line() } else { case.changed(&mut rng).line() }
        })
        .collect()
}

#[test]
fn the_kept_signatures_are_those_that_are_made_here() {
    let Some(kept) = vectors::contract_random_signatures() else { return };
    assert!(kept.lines().eq(lines(KEPT)), "run this file's ignored test");
}

/// Writes the file. `SIGNATURES=5000 cargo test --test suite write_the_signatures -- --ignored` writes more than are kept, for
/// one long comparison: `node forge.mjs test --match-contract FrostDifferential`.
#[test]
#[ignore = "writes contracts/test/vectors/frost_random.txt"]
#[expect(clippy::disallowed_methods, reason = "writes what other tests read")]
fn write_the_signatures_that_the_solidity_verifier_is_tested_with() {
    let count = std::env::var("SIGNATURES").map_or(KEPT, |count| count.parse().unwrap());
    std::fs::write(vectors::contract_random_signatures_path(), lines(count).join("\n") + "\n").unwrap();
}
