//! AWS KMS with one key, as far as it is asked, with the trouble that a test wants. It checks the signature of every request by a computation of
//! its own, from AWS's description of SigV4.

use super::{
    server::{Asked, Reply, Server},
    signer::ORDER,
};
use alloy::{
    primitives::{B256, hex, keccak256},
    signers::{SignerSync, k256::ecdsa, local::PrivateKeySigner},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use guardian_chain::{Account, AwsKmsAccess};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use url::Url;

pub(crate) const ARN: &str = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
/// AWS's own examples.
pub(crate) const ACCESS_KEY: &str = "AKIDEXAMPLE";
pub(crate) const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
pub(crate) const TOKEN: &str = "token-of-a-session";

/// What is wrong with it.
#[derive(Clone)]
pub(crate) enum Trouble {
    Nothing,
    /// It signs another hash.
    OtherHash,
    /// It signs with another key than that of which it gives the public one.
    OtherKey,
    /// Its key is another one.
    Stranger,
    /// It refuses to sign, with a status and a word.
    Refuses(u16, &'static str),
    /// It says this instead of a signature.
    Signs(Vec<u8>),
    /// It says this instead of a public key.
    Knows(Vec<u8>),
    /// It answers this to everything.
    Says(Reply),
}

pub(crate) async fn kms(key: [u8; 32], trouble: Trouble) -> Server {
    Server::start(move |asked| answer(&PrivateKeySigner::from_slice(&key).unwrap(), &trouble, asked)).await
}

/// Variables with credentials.
pub(crate) fn credentials() -> HashMap<String, String> {
    variables(&[("AWS_ACCESS_KEY_ID", ACCESS_KEY), ("AWS_SECRET_ACCESS_KEY", SECRET), ("AWS_SESSION_TOKEN", TOKEN)])
}

pub(crate) fn variables(variables: &[(&str, &str)]) -> HashMap<String, String> {
    variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// The account of `key`, in the KMS at `url`.
pub(crate) fn account_of(key: [u8; 32], url: &Url, environment: HashMap<String, String>) -> Account {
    let address = PrivateKeySigner::from_slice(&key).unwrap().address();
    let access = AwsKmsAccess { key: ARN.parse().unwrap(), endpoint: Some(url.clone()), environment };
    Account::at_aws_kms(address, &access, super::limits()).unwrap()
}

fn answer(key: &PrivateKeySigner, trouble: &Trouble, asked: &Asked) -> Reply {
    if let Trouble::Says(reply) = trouble {
        return reply.clone();
    }
    if let Err(why) = check(asked) {
        return refusal(400, "InvalidSignatureException", &why);
    }
    let stranger = PrivateKeySigner::from_slice(&[0x77; 32]).unwrap();
    let request: Value = serde_json::from_slice(&asked.body).unwrap();
    assert_eq!((request["KeyId"].as_str(), asked.header("content-type")), (Some(ARN), "application/x-amz-json-1.1"));
    match asked.header("x-amz-target") {
        "TrentService.GetPublicKey" => {
            let key = if matches!(trouble, Trouble::Stranger) { &stranger } else { key };
            let der = if let Trouble::Knows(bytes) = trouble { bytes.clone() } else { spki(key) };
            said(&json!({ "KeyId": ARN, "KeySpec": "ECC_SECG_P256K1", "PublicKey": STANDARD.encode(der) }))
        }
        "TrentService.Sign" => {
            if let Trouble::Refuses(status, kind) = trouble {
                return refusal(*status, kind, "no");
            }
            assert_eq!(
                (&request["MessageType"], &request["SigningAlgorithm"]),
                (&json!("DIGEST"), &json!("ECDSA_SHA_256"))
            );
            let hash = B256::from_slice(&STANDARD.decode(request["Message"].as_str().unwrap()).unwrap());
            let der = match trouble {
                Trouble::Signs(bytes) => bytes.clone(),
                Trouble::OtherHash => signed(key, keccak256(hash)),
                Trouble::OtherKey => signed(&stranger, hash),
                _ => signed(key, hash),
            };
            said(&json!({ "KeyId": ARN, "Signature": STANDARD.encode(der), "SigningAlgorithm": "ECDSA_SHA_256" }))
        }
        other => panic!("{other} was asked for"),
    }
}

fn said(answer: &Value) -> Reply {
    Reply::new(200, "application/x-amz-json-1.1", answer.to_string())
}

pub(crate) fn refusal(status: u16, kind: &str, message: &str) -> Reply {
    Reply::new(status, "application/x-amz-json-1.1", json!({ "__type": kind, "message": message }).to_string())
}

/// A public key as `SubjectPublicKeyInfo`.
pub(crate) fn spki(key: &PrivateKeySigner) -> Vec<u8> {
    let mut der = hex!("3056301006072a8648ce3d020106052b8104000a034200").to_vec();
    der.extend(key.credential().verifying_key().to_encoded_point(false).as_bytes());
    der
}

/// A signature in DER; of every second hash with the high s, as KMS does not care.
pub(crate) fn signed(key: &PrivateKeySigner, hash: B256) -> Vec<u8> {
    let signature = key.sign_hash_sync(&hash).unwrap();
    let s = if hash[31].is_multiple_of(2) { signature.s() } else { ORDER - signature.s() };
    let (r, s) = (signature.r().to_be_bytes::<32>(), s.to_be_bytes::<32>());
    ecdsa::Signature::from_scalars(r, s).unwrap().to_der().as_bytes().to_vec()
}

/// Whether the request is signed as SigV4 says, by the secret that belongs to its access key.
fn check(asked: &Asked) -> Result<(), String> {
    let form = || "the Authorization header has another form".to_owned();
    let mut parts = asked.header("authorization").strip_prefix("AWS4-HMAC-SHA256 ").ok_or_else(form)?.split(", ");
    let mut part = |name: &str| parts.next().and_then(|part| part.strip_prefix(name)).ok_or_else(form);
    let (credential, names, signature) = (part("Credential=")?, part("SignedHeaders=")?, part("Signature=")?);
    let date = asked.header("x-amz-date");
    let scope = format!("{ACCESS_KEY}/{}/eu-central-1/kms/aws4_request", &date[..8]);
    let list: Vec<&str> = names.split(';').collect();
    for needed in ["host", "x-amz-date", "x-amz-target", "content-type"] {
        assert!(list.contains(&needed), "{needed} is not signed: {names}");
    }
    if !asked.header("x-amz-security-token").is_empty() {
        assert!(list.contains(&"x-amz-security-token") && asked.header("x-amz-security-token") == TOKEN);
    }
    let headers: String = list.iter().map(|name| format!("{name}:{}\n", asked.header(name).trim())).collect();
    let body = hex::encode(Sha256::digest(&asked.body));
    let canonical = format!("{}\n{}\n\n{headers}\n{names}\n{body}", asked.method, asked.path());
    let expected = sigv4((SECRET, date, "eu-central-1", "kms"), &canonical);
    if (credential, signature) == (scope.as_str(), expected.as_str()) {
        Ok(())
    } else {
        Err("the request signature we calculated does not match".to_owned())
    }
}

/// The signature of a canonical request with a secret, at a time, for a region and a service.
pub(crate) fn sigv4((secret, time, region, service): (&str, &str, &str, &str), canonical: &str) -> String {
    let day = &time[..8];
    let parts = [day, region, service, "aws4_request"];
    let key = parts.iter().fold(format!("AWS4{secret}").into_bytes(), |key, part| hmac(&key, part.as_bytes()).to_vec());
    let request = hex::encode(Sha256::digest(canonical));
    hex::encode(hmac(&key, format!("AWS4-HMAC-SHA256\n{time}\n{}\n{request}", parts.join("/")).as_bytes()))
}

/// HMAC-SHA-256 (RFC 2104) with a key of at most a block.
fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut block = [0; 64];
    block[..key.len()].copy_from_slice(key);
    let padded = |pad: u8| block.map(|byte| byte ^ pad);
    let inner = Sha256::new().chain_update(padded(0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(padded(0x5c)).chain_update(inner).finalize().into()
}
