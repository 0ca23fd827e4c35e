//! A key behind a web3signer in its `eth1` mode, over its REST interface (openapi-specs/eth1 of Consensys/web3signer): `publicKeys` lists
//! the keys, `sign/{key}` signs the Keccak-256 hash of any bytes. Its JSON-RPC, which puts transactions together itself, is not used.

use super::{
    SignError, SignFault,
    signature::{Scalars, address_of},
};
use crate::{
    config::{Endpoint, Limits},
    error::Error,
    http::{Answer, Http, client},
    redact::printable,
};
use alloy::primitives::{Address, B256, hex};
use guardian_crypto::secret::Secret;
use reqwest::{Certificate, ClientBuilder, Identity, Method, StatusCode};
use serde_json::json;
use std::fmt;
use tokio::sync::Mutex;
use url::Url;

/// Room for a list of thousands of keys.
const KEYS_BYTES: usize = 1 << 20;
/// Room for a signature, and for the words of a refusal.
const SIGNATURE_BYTES: usize = 1 << 14;
/// Addresses that are named when none is the right one.
const NAMED: usize = 3;

/// How to speak to a web3signer. Its [`fmt::Debug`] shows no credentials.
pub struct Web3SignerAccess {
    /// Where it is. A name and password in it are sent as basic authentication.
    pub url: Url,
    /// Certificates (PEM) of the only authorities that its certificate may be of; `None`: those of the system.
    pub authorities: Option<Vec<u8>>,
    /// The certificate and key (PEM) to show to it.
    pub identity: Option<Secret<Vec<u8>>>,
    /// The bearer token to send to it.
    pub bearer: Option<Secret<String>>,
}

impl fmt::Debug for Web3SignerAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Web3SignerAccess({})", crate::redact::Redacted(&self.url))
    }
}

/// A web3signer with the key of one account.
#[derive(Debug)]
pub(super) struct Web3Signer {
    account: Address,
    http: Http,
    /// The name that the signer gives to the account's key, once it is known.
    key: Mutex<Option<String>>,
}

impl Web3Signer {
    /// # Errors
    /// [`Error::SignerAccess`] if certificates or credentials are malformed.
    pub(super) fn new(account: Address, access: &Web3SignerAccess, limits: Limits) -> Result<Self, Error> {
        let http = Http::with_client(access.endpoint()?, limits, access.client(limits)?)?;
        Ok(Self { account, http, key: Mutex::new(None) })
    }

    /// What it says is the signature of the Keccak-256 hash of `payload`.
    pub(super) async fn sign(&self, payload: &[u8]) -> Result<Scalars, SignError> {
        let key = self.key().await?;
        let path = ["api", "v1", "eth1", "sign", key.as_str()];
        let body = json!({ "data": hex::encode_prefixed(payload) });
        let request = self.http.request(Method::POST, path, &[]).json(&body);
        let answer = self.http.fetch(request, SIGNATURE_BYTES).await?;
        if answer.status == StatusCode::NOT_FOUND {
            // It had the key when it was asked: the next time it is asked again.
            *self.key.lock().await = None;
            let text = format!("the signer has lost the key of {}: {}", self.account, self.http.quote(&answer));
            return Err(SignError::new(SignFault::NoKey, text));
        }
        self.check(&answer)?;
        let (r, s) = scalars(&answer.body).ok_or_else(|| {
            let text = format!("the signer gave no signature of 65 bytes: {}", self.http.quote(&answer));
            SignError::new(SignFault::Malformed, text)
        })?;
        Ok(Scalars { r, s })
    }

    /// The name of the account's key.
    async fn key(&self) -> Result<String, SignError> {
        let mut known = self.key.lock().await;
        if let Some(key) = &*known {
            return Ok(key.clone());
        }
        let request = self.http.request(Method::GET, ["api", "v1", "eth1", "publicKeys"], &[]);
        let answer = self.http.fetch(request, KEYS_BYTES).await?;
        self.check(&answer)?;
        let keys: Vec<String> = serde_json::from_slice(&answer.body).map_err(|error| {
            SignError::new(SignFault::Malformed, format!("the signer's list of keys makes no sense: {error}"))
        })?;
        let found: Vec<(Address, String)> = keys.into_iter().filter_map(|key| Some((address(&key)?, key))).collect();
        if let Some((_, key)) = found.iter().find(|(address, _)| *address == self.account) {
            *known = Some(key.clone());
            return Ok(key.clone());
        }
        let others: Vec<String> = found.iter().take(NAMED).map(|(address, _)| address.to_string()).collect();
        let has = match (found.len(), others.join(", ")) {
            (0, _) => "none at all".to_owned(),
            (count, others) if count > NAMED => format!("{others} and {} more", count.saturating_sub(NAMED)),
            (_, others) => others,
        };
        let text = format!("the signer has no key of {}; it has those of {has}", self.account);
        Err(SignError::new(SignFault::NoKey, text))
    }

    fn check(&self, answer: &Answer) -> Result<(), SignError> {
        let fault = match answer.status {
            StatusCode::OK => return Ok(()),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => SignFault::Denied,
            // Of the list: there is no such interface.
            StatusCode::NOT_FOUND => SignFault::Malformed,
            _ => SignFault::Failed,
        };
        Err(SignError::new(fault, format!("the signer refuses: {}", self.http.quote(answer))))
    }
}

impl Web3SignerAccess {
    fn endpoint(&self) -> Result<Endpoint, Error> {
        let endpoint = Endpoint::new("web3signer", self.url.clone());
        let Some(bearer) = &self.bearer else { return Ok(endpoint) };
        endpoint
            .with_header("authorization", &format!("Bearer {}", bearer.expose()))
            .map_err(|_| Error::SignerAccess("the bearer token has characters that no header can have".to_owned()))
    }

    fn client(&self, limits: Limits) -> Result<ClientBuilder, Error> {
        let refused = |what: &str, error: &reqwest::Error| {
            Error::SignerAccess(format!("{what}: {}", printable(&error.to_string())))
        };
        let mut builder = client(limits);
        if let Some(authorities) = &self.authorities {
            let certificates = Certificate::from_pem_bundle(authorities)
                .map_err(|error| refused("the certificates of the signer's authorities", &error))?;
            if certificates.is_empty() {
                return Err(Error::SignerAccess("there is no certificate of the signer's authority".to_owned()));
            }
            builder = builder.tls_certs_only(certificates);
        }
        if let Some(identity) = &self.identity {
            let identity = Identity::from_pem(identity.expose())
                .map_err(|error| refused("the certificate and key for the signer", &error))?;
            builder = builder.identity(identity);
        }
        Ok(builder)
    }
}

/// The address of an uncompressed public key in hex, with or without the byte that says so.
fn address(key: &str) -> Option<Address> {
    let bytes = hex::decode(key).ok()?;
    match bytes.as_slice() {
        [0x04, point @ ..] if point.len() == 64 => address_of(point),
        point => address_of(point),
    }
}

/// r and s of r || s || v in hex. What v says is found out besides.
fn scalars(said: &[u8]) -> Option<(B256, B256)> {
    let bytes: [u8; 65] = hex::decode_to_array(said.trim_ascii()).ok()?;
    let (r, rest) = bytes.split_first_chunk::<32>()?;
    let (s, _) = rest.split_first_chunk::<32>()?;
    Some((r.into(), s.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::primitives::address;

    #[test]
    fn a_public_key_leads_to_its_address_however_it_is_written() {
        // The generator of the group, the public key of 1.
        let point = "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798\
                     483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8";
        for written in [point.to_owned(), format!("0x{point}"), format!("0x04{point}"), point.to_uppercase()] {
            assert_eq!(address(&written), Some(address!("0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf")), "{written}");
        }
        for written in ["", "0x", "nonsense", &point[2..], &format!("05{point}"), "../../upcheck"] {
            assert_eq!(address(written), None, "{written}");
        }
    }

    #[test]
    fn the_access_shows_no_credentials() {
        let access = Web3SignerAccess {
            url: Url::parse("https://alice:hunter2@signer.example/secret").unwrap(),
            authorities: None,
            identity: Some(Secret::new(b"hunter3".to_vec())),
            bearer: Some(Secret::new("hunter4".to_owned())),
        };
        let shown = format!("{access:?}");
        assert!(shown.contains("signer.example") && !shown.contains("hunter") && !shown.contains("secret"), "{shown}");
    }
}
