//! A web3signer that holds a key, and does with it what a test wants.

use super::server::{Asked, Reply, Said, Server};
use alloy::{
    consensus::{SignableTransaction, TxEip1559, transaction::RlpEcdsaDecodableTx},
    primitives::{Address, B256, Bytes, Signature, U256, hex, keccak256, uint},
    signers::{SignerSync, local::PrivateKeySigner},
};
use guardian_chain::{Account, Web3SignerAccess};
use serde_json::{Value, json};
use url::Url;

/// The order of secp256k1.
pub(crate) const ORDER: U256 = uint!(0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141_U256);

/// What is wrong with it.
#[derive(Clone)]
pub(crate) enum Manners {
    /// It signs what it is asked to.
    Good,
    /// The s of its signatures is the high one.
    HighS,
    /// It signs the transaction that this makes of what it was asked to sign.
    Another(fn(&mut TxEip1559)),
    /// It lists the key, and signs with another one.
    OtherKey,
    /// It has other keys only.
    WithoutKey,
    /// It answers this to every request to sign.
    Says(Reply),
    /// And this to every request.
    AlwaysSays(Reply),
}

/// A web3signer with the key of `key`.
pub(crate) async fn web3signer(key: [u8; 32], manners: Manners) -> Server {
    Server::start(move |asked| answer(key, &manners, asked)).await
}

/// The account of `key`, behind the web3signer at `url`.
pub(crate) fn account_of(key: [u8; 32], url: &Url) -> Account {
    Account::at_web3signer(address_of(key), &access(url), super::limits()).unwrap()
}

pub(crate) fn address_of(key: [u8; 32]) -> Address {
    PrivateKeySigner::from_slice(&key).unwrap().address()
}

/// Without certificates or credentials.
pub(crate) fn access(url: &Url) -> Web3SignerAccess {
    Web3SignerAccess { url: url.clone(), authorities: None, identity: None, bearer: None }
}

/// What it answers.
pub(crate) fn answer(key: [u8; 32], manners: &Manners, asked: &Asked) -> Reply {
    let key = &PrivateKeySigner::from_slice(&key).unwrap();
    if let Manners::AlwaysSays(reply) = manners {
        return reply.clone();
    }
    let stranger = PrivateKeySigner::from_slice(&[0x77; 32]).unwrap();
    let name = |key: &PrivateKeySigner| {
        hex::encode_prefixed(&key.credential().verifying_key().to_encoded_point(false).as_bytes()[1..])
    };
    if (asked.method.as_str(), asked.path()) == ("GET", "/api/v1/eth1/publicKeys") {
        let ours = if matches!(manners, Manners::WithoutKey) { name(&stranger) } else { name(key) };
        let other = PrivateKeySigner::from_slice(&[0x78; 32]).unwrap();
        return Reply::json(json!([name(&other), ours]).to_string());
    }
    if let Manners::Says(reply) = manners {
        return reply.clone();
    }
    let named = asked.path().strip_prefix("/api/v1/eth1/sign/");
    assert_eq!((asked.method.as_str(), named), ("POST", Some(name(key).as_str())), "{}", asked.target);
    assert_eq!(asked.header("content-type"), "application/json");
    let body: Value = serde_json::from_slice(&asked.body).unwrap();
    let data: Bytes = serde_json::from_value(body["data"].clone()).unwrap();
    let signature = match manners {
        Manners::Another(change) => sign(key, changed(&data, *change)),
        Manners::OtherKey => sign(&stranger, keccak256(&data)),
        _ => sign(key, keccak256(&data)),
    };
    let signature = match manners {
        Manners::HighS => Signature::new(signature.r(), ORDER - signature.s(), !signature.v()),
        _ => signature,
    };
    Reply::new(200, "text/plain; charset=utf-8", hex::encode_prefixed(signature.as_bytes()))
}

fn sign(key: &PrivateKeySigner, hash: B256) -> Signature {
    key.sign_hash_sync(&hash).unwrap()
}

/// The hash of another transaction than the one in `data`; of what is none, a hash of something else.
fn changed(data: &[u8], change: fn(&mut TxEip1559)) -> B256 {
    let Some((2, mut fields)) = data.split_first() else { return keccak256("another") };
    let mut transaction = TxEip1559::rlp_decode(&mut fields).unwrap();
    change(&mut transaction);
    transaction.signature_hash()
}

/// A reply in text.
pub(crate) fn says(status: u16, text: &str) -> Reply {
    Reply::new(status, "text/plain; charset=utf-8", text)
}

/// A reply that begins and does not end.
pub(crate) fn drips() -> Reply {
    says(200, "").saying(Said::Hanging(b"0x".to_vec()))
}

/// A reply that has no end.
pub(crate) fn floods() -> Reply {
    says(200, "").saying(Said::Endless(vec![b'0'; 4096]))
}
