//! A key in Google Cloud KMS, over its REST interface: `publicKey` says whose key it is, `asymmetricSign` signs a hash. The leave to ask is
//! the service account's of the machine, or of the pod, that this runs on.

use super::{
    SignError, SignFault,
    signature::{Scalars, address_of_spki, scalars_of_der},
};
use crate::{
    config::{Endpoint, Limits},
    error::Error,
    http::{Answer, Http},
};
use alloy::primitives::{Address, B256};
use base64::{Engine, engine::general_purpose::STANDARD};
use guardian_crypto::secret::Secret;
use reqwest::{Method, RequestBuilder, StatusCode, header::HeaderValue};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::json;
use std::{fmt, str::FromStr, time::Duration};
use tokio::{
    sync::{Mutex, OnceCell},
    time::Instant,
};
use url::Url;

/// Room for the largest answer.
const ANSWER_BYTES: usize = 1 << 14;
/// Where KMS is.
const KMS: &str = "https://cloudkms.googleapis.com/";
/// Where a machine of Google Cloud, and a pod there, is told who it is.
const METADATA: &str = "http://metadata.google.internal/";
/// A token is not used in the last minute of its life.
const HEADROOM: Duration = Duration::from_secs(60);

/// The name of a version of a key: `projects/P/locations/L/keyRings/R/cryptoKeys/K/cryptoKeyVersions/V`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoogleKmsKey(String);

impl FromStr for GoogleKmsKey {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let kinds = ["projects", "locations", "keyRings", "cryptoKeys", "cryptoKeyVersions"];
        let parts: Vec<&str> = name.split('/').collect();
        let is_word = |text: &str| {
            !text.is_empty()
                && !text.starts_with('.')
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte))
        };
        let is_pair = |(kind, pair): (&str, &[&str])| matches!(pair, [said, named] if *said == kind && is_word(named));
        let is_well = parts.len() == 10 && kinds.into_iter().zip(parts.chunks(2)).all(is_pair);
        is_well.then(|| Self(name.to_owned())).ok_or_else(|| {
            "the name of a key in Google Cloud KMS is like projects/P/locations/L/keyRings/R/cryptoKeys/K/cryptoKeyVersions/1".to_owned()
        })
    }
}

impl fmt::Display for GoogleKmsKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How to get to a key in Google Cloud KMS.
#[derive(Clone, Debug)]
pub struct GoogleKmsAccess {
    /// Which key.
    pub key: GoogleKmsKey,
    /// Where KMS is, if not at its public address.
    pub endpoint: Option<Url>,
    /// Where the machine is told who it is, if not where Google Cloud's machines are: `GCE_METADATA_HOST`.
    pub metadata: Option<Url>,
}

/// The key of one account in Google Cloud KMS.
#[derive(Debug)]
pub(super) struct GoogleKms {
    account: Address,
    key: GoogleKmsKey,
    http: Http,
    metadata: Http,
    token: Mutex<Option<Token>>,
    /// Set once the key is known to be the account's.
    checked: OnceCell<()>,
}

#[derive(Debug)]
struct Token {
    header: HeaderValue,
    until: Instant,
}

#[derive(Deserialize)]
struct Given {
    access_token: String,
    expires_in: u64,
}

#[derive(Deserialize)]
struct PublicKey {
    pem: String,
}

#[derive(Deserialize)]
struct Signed {
    signature: String,
}

impl GoogleKms {
    /// # Errors
    /// [`Error`] if TLS can't be set up.
    pub(super) fn new(account: Address, access: &GoogleKmsAccess, limits: Limits) -> Result<Self, Error> {
        let place = |name: &str, configured: &Option<Url>, usual: &str| -> Result<Http, Error> {
            let url = configured.clone().map_or_else(|| Url::parse(usual), Ok);
            let url = url.map_err(|error| Error::SignerAccess(error.to_string()))?;
            Http::new(Endpoint::new(name, url), limits)
        };
        let http = place("Google Cloud KMS", &access.endpoint, KMS)?;
        let metadata = place("Google Cloud's metadata", &access.metadata, METADATA)?;
        let (token, checked) = (Mutex::new(None), OnceCell::new());
        Ok(Self { account, key: access.key.clone(), http, metadata, token, checked })
    }

    /// What it says is the signature of `hash`.
    pub(super) async fn sign(&self, hash: &B256) -> Result<Scalars, SignError> {
        self.checked.get_or_try_init(|| self.check_key()).await?;
        // The algorithm is named after SHA-256; what is signed is the digest that is given.
        let body = json!({ "digest": { "sha256": STANDARD.encode(hash) } });
        let request = self.request(Method::POST, ":asymmetricSign").json(&body);
        let signed: Signed = self.ask(request).await?;
        let der = STANDARD.decode(&signed.signature).ok();
        der.and_then(|der| scalars_of_der(&der))
            .ok_or_else(|| malformed("what it calls a signature is no ECDSA signature in DER"))
    }

    /// # Errors
    /// [`SignFault::NoKey`] if the key is another account's.
    async fn check_key(&self) -> Result<(), SignError> {
        let answer: PublicKey = self.ask(self.request(Method::GET, "/publicKey")).await?;
        let lines = answer.pem.lines().filter(|line| !line.starts_with("-----"));
        let spki = STANDARD.decode(lines.map(str::trim).collect::<String>()).ok();
        let Some(address) = spki.and_then(|spki| address_of_spki(&spki)) else {
            return Err(malformed("the key is not one of secp256k1 (EC_SIGN_SECP256K1_SHA256)"));
        };
        if address == self.account {
            return Ok(());
        }
        let text = format!("the key {} is that of account {address}, and not of {}", self.key, self.account);
        Err(SignError::new(SignFault::NoKey, text))
    }

    fn request(&self, method: Method, what: &str) -> RequestBuilder {
        let path = format!("v1/{}{what}", self.key);
        self.http.request(method, path.split('/'), &[])
    }

    async fn ask<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, SignError> {
        let token = self.token().await?;
        let answer = self.http.fetch(request.header("authorization", token), ANSWER_BYTES).await?;
        let fault = match answer.status {
            StatusCode::OK => {
                return serde_json::from_slice(&answer.body).map_err(|_| malformed(&self.http.quote(&answer)));
            }
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                // Whatever it was, the next request brings a new one.
                *self.token.lock().await = None;
                SignFault::Denied
            }
            StatusCode::NOT_FOUND if is_their(&answer) => SignFault::NoKey,
            _ if is_their(&answer) => SignFault::Failed,
            status if status.is_server_error() => SignFault::Failed,
            _ => SignFault::Malformed,
        };
        Err(SignError::new(fault, format!("Google Cloud KMS refuses: {}", self.http.quote(&answer))))
    }

    /// What says that the machine may ask.
    async fn token(&self) -> Result<HeaderValue, SignError> {
        let mut known = self.token.lock().await;
        if let Some(token) = known.as_ref().filter(|token| Instant::now() < token.until) {
            return Ok(token.header.clone());
        }
        let denied = |why: &str| SignError::new(SignFault::Denied, format!("no credentials for Google Cloud: {why}"));
        let path = ["computeMetadata", "v1", "instance", "service-accounts", "default", "token"];
        let request = self.metadata.request(Method::GET, path, &[]).header("Metadata-Flavor", "Google");
        let answer = self.metadata.fetch(request, ANSWER_BYTES).await;
        let answer = answer.map_err(|failure| denied(&format!("the machine is told none: {failure}")))?;
        if answer.status != StatusCode::OK {
            return Err(denied(&self.metadata.quote(&answer)));
        }
        // What came may be one: it is not repeated.
        let given: Given =
            serde_json::from_slice(&answer.body).map_err(|_| denied("what the machine is told is none"))?;
        let bearer = Secret::new(format!("Bearer {}", given.access_token));
        let mut header =
            HeaderValue::from_str(bearer.expose()).map_err(|_| denied("what the machine is told is none"))?;
        header.set_sensitive(true);
        let life = Duration::from_secs(given.expires_in).saturating_sub(HEADROOM);
        let until = Instant::now().checked_add(life).unwrap_or_else(Instant::now);
        *known = Some(Token { header: header.clone(), until });
        Ok(header)
    }
}

/// Whether it is a refusal of Google's and not of something else that listens there.
fn is_their(answer: &Answer) -> bool {
    serde_json::from_slice::<serde_json::Value>(&answer.body)
        .is_ok_and(|body| body.pointer("/error/status").is_some_and(serde_json::Value::is_string))
}

fn malformed(why: &str) -> SignError {
    SignError::new(SignFault::Malformed, format!("the answer of Google Cloud KMS makes no sense: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keys_name_has_all_of_its_parts() {
        let name = "projects/p-1/locations/europe-west3/keyRings/guardian/cryptoKeys/payer/cryptoKeyVersions/1";
        assert_eq!(name.parse::<GoogleKmsKey>().unwrap().to_string(), name);
        for other in [
            "",
            "payer",
            "projects/p/locations/l/keyRings/r/cryptoKeys/k",
            "projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/",
            "projects/p/locations/l/keyRings/r/cryptoKeys/../cryptoKeyVersions/1",
            "projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1/2",
            "projects/p/locations/l/keyRings/r/cryptoKeys/k?x/cryptoKeyVersions/1",
            "projects/p/locations/l/keyRings/r/secrets/k/cryptoKeyVersions/1",
        ] {
            assert!(other.parse::<GoogleKmsKey>().is_err(), "{other}");
        }
    }
}
