//! The consensus layer's official BLS vectors (ethereum/bls12-381-tests), as far as this crate does what they test. They allow the
//! identity as a point in itself; this crate refuses it where it is decoded.

use crate::vectors::{bytes, shared_directory_of, word};
use alloy_primitives::hex;
use guardian_crypto::bls::{BlsSignature, PublicKey, SecretKey};
use serde_json::Value;

fn each(directory: &str, check: impl Fn(&str, &Value, &Value)) {
    for (name, case) in shared_directory_of(&format!("bls/eth-bls12-381-tests/{directory}")) {
        check(&name, &case["input"], &case["output"]);
    }
}

fn verifies(public_key: &[u8], message: &[u8; 32], signature: &[u8]) -> bool {
    let Ok(public_key) = PublicKey::from_bytes(public_key) else { return false };
    let Ok(signature) = BlsSignature::from_bytes(signature) else { return false };
    public_key.verify(message, &signature).is_ok()
}

#[test]
fn signs_as_the_official_vectors_say() {
    let key = SecretKey::from_bytes(&hex!("47b8192d77bf871b62e87859d653922725724a5c031afeabc60bcef5ff665138")).unwrap();
    let expected = hex!(
        "b23c46be3a001c63ca711f87a005c200cc550b9429d5f4eb38d74322144f1b63926da3388979e5321012fb1a0526bcd1"
        "00b5ef5fe72628ce4cd5e904aeaa3279527843fae5ca9ca675f4f51ed8f83bbf7155da9ecc9663100a885d5dc6df96d9"
    );
    assert_eq!(key.sign(&[0; 32]).to_bytes(), expected);
    assert!(SecretKey::from_bytes(&[0; 32]).is_err());
    each("sign", |name, input, output| {
        let signature = SecretKey::from_bytes(&bytes(&input["privkey"])).map(|key| key.sign(&word(&input["message"])));
        assert_eq!(signature.ok().map(|it| it.to_bytes().to_vec()), output.as_str().map(|_| bytes(output)), "{name}");
    });
}

#[test]
fn verifies_as_the_official_vectors_say() {
    each("verify", |name, input, output| {
        let valid = verifies(&bytes(&input["pubkey"]), &word(&input["message"]), &bytes(&input["signature"]));
        assert_eq!(valid, output.as_bool().unwrap(), "{name}");
    });
}

#[test]
fn reads_public_keys_as_the_official_vectors_say_but_for_the_identity() {
    each("deserialization_G1", |name, input, output| {
        let expected = output.as_bool().unwrap() && name != "deserialization_succeeds_infinity_with_true_b_flag";
        assert_eq!(PublicKey::from_bytes(&bytes(&input["pubkey"])).is_ok(), expected, "{name}");
    });
}

#[test]
fn reads_signatures_as_the_official_vectors_say_but_for_the_identity() {
    each("deserialization_G2", |name, input, output| {
        let expected = output.as_bool().unwrap() && name != "deserialization_succeeds_infinity_with_true_b_flag";
        assert_eq!(BlsSignature::from_bytes(&bytes(&input["signature"])).is_ok(), expected, "{name}");
    });
}

#[test]
fn a_single_signer_of_the_aggregate_vectors_verifies() {
    each("fast_aggregate_verify", |name, input, output| {
        let keys = input["pubkeys"].as_array().unwrap();
        if let [key] = keys.as_slice() {
            let valid = verifies(&bytes(key), &word(&input["message"]), &bytes(&input["signature"]));
            assert_eq!(valid, output.as_bool().unwrap(), "{name}");
        }
    });
}
