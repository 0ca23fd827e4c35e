//! Google Cloud KMS with one key, and the machine's metadata, as far as they are asked, with the trouble that a test wants.

use super::{
    kms::{Trouble, signed, spki},
    server::{Asked, Reply, Server},
    signer::address_of,
};
use alloy::{
    primitives::{B256, keccak256},
    signers::local::PrivateKeySigner,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use guardian_chain::{Account, GoogleKmsAccess};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use url::Url;

pub(crate) const NAME: &str =
    "projects/p/locations/europe-west3/keyRings/guardian/cryptoKeys/payer/cryptoKeyVersions/1";

/// KMS; it takes the newest of the tokens that [`metadata`] gives, which end in a number.
pub(crate) async fn google_kms(key: [u8; 32], trouble: Trouble) -> Server {
    Server::start(move |asked| answer(&PrivateKeySigner::from_slice(&key).unwrap(), &trouble, asked)).await
}

/// Tells who the machine is, with tokens that live so long.
pub(crate) async fn metadata(seconds: u64) -> Server {
    let given = AtomicU32::new(0);
    Server::start(move |asked| {
        let path = "/computeMetadata/v1/instance/service-accounts/default/token";
        if (asked.path(), asked.header("metadata-flavor")) != (path, "Google") {
            return Reply::new(403, "text/html", "");
        }
        let token = format!("ya29.hunter2-{}", given.fetch_add(1, Relaxed));
        Reply::json(json!({ "access_token": token, "expires_in": seconds, "token_type": "Bearer" }).to_string())
    })
    .await
}

/// The account of `key`, in the KMS at `url`.
pub(crate) fn account_of(key: [u8; 32], url: &Url, metadata: &Url) -> Account {
    let (endpoint, metadata) = (Some(url.clone()), Some(metadata.clone()));
    let access = GoogleKmsAccess { key: NAME.parse().unwrap(), endpoint, metadata };
    Account::at_google_kms(address_of(key), &access, super::limits()).unwrap()
}

fn answer(key: &PrivateKeySigner, trouble: &Trouble, asked: &Asked) -> Reply {
    if let Trouble::Says(reply) = trouble {
        return reply.clone();
    }
    if !asked.header("authorization").starts_with("Bearer ya29.hunter2-") {
        return refusal(401, "UNAUTHENTICATED");
    }
    let stranger = PrivateKeySigner::from_slice(&[0x77; 32]).unwrap();
    let (sign, public) = (format!("/v1/{NAME}:asymmetricSign"), format!("/v1/{NAME}/publicKey"));
    match (asked.method.as_str(), asked.path()) {
        ("GET", path) if path == public => {
            let key = if matches!(trouble, Trouble::Stranger) { &stranger } else { key };
            let der = if let Trouble::Knows(bytes) = trouble { bytes.clone() } else { spki(key) };
            let text = STANDARD.encode(der);
            let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| str::from_utf8(line).unwrap()).collect();
            let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"));
            Reply::json(json!({ "pem": pem, "algorithm": "EC_SIGN_SECP256K1_SHA256", "name": NAME }).to_string())
        }
        ("POST", path) if path == sign => {
            if let Trouble::Refuses(status, kind) = trouble {
                return refusal(*status, kind);
            }
            let request: Value = serde_json::from_slice(&asked.body).unwrap();
            let hash = B256::from_slice(&STANDARD.decode(request["digest"]["sha256"].as_str().unwrap()).unwrap());
            let der = match trouble {
                Trouble::Signs(bytes) => bytes.clone(),
                Trouble::OtherHash => signed(key, keccak256(hash)),
                Trouble::OtherKey => signed(&stranger, hash),
                _ => signed(key, hash),
            };
            Reply::json(json!({ "signature": STANDARD.encode(der), "name": NAME }).to_string())
        }
        (method, path) => panic!("{method} {path} was asked for"),
    }
}

fn refusal(status: u16, kind: &str) -> Reply {
    Reply::new(
        status,
        "application/json",
        json!({ "error": { "code": status, "message": "no", "status": kind } }).to_string(),
    )
}
