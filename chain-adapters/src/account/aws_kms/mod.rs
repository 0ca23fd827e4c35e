//! A key in AWS KMS, over its JSON protocol: `GetPublicKey` says whose key it is, `Sign` signs a hash. Requests are signed with SigV4, by
//! whatever credentials the machine has.

mod credentials;

use super::{
    SignError, SignFault,
    signature::{Scalars, address_of_spki, scalars_of_der},
};
use crate::{
    config::{Endpoint, Limits},
    error::Error,
    http::{Answer, Http},
};
use alloy::primitives::{Address, B256, hex};
use base64::{Engine, engine::general_purpose::STANDARD};
use reqsign_aws_v4::{Credential, RequestSigner};
use reqsign_core::Signer;
use reqwest::{StatusCode, header};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::{collections::HashMap, fmt, str::FromStr};
use tokio::{sync::OnceCell, time::timeout};
use url::Url;

/// Room for the largest answer.
const ANSWER_BYTES: usize = 1 << 14;
/// Refusals that are about who asks, and not about the key.
const DENIALS: [&str; 10] = [
    "AccessDeniedException",
    "UnrecognizedClientException",
    "InvalidClientTokenIdException",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
    "ExpiredTokenException",
    "IncompleteSignatureException",
    "MissingAuthenticationTokenException",
    "NotAuthorized",
];

/// The name of a key in AWS KMS, or of an alias: `arn:aws:kms:REGION:ACCOUNT:key/ID`, `arn:aws:kms:REGION:ACCOUNT:alias/NAME`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwsKmsKey {
    arn: String,
    region: String,
    domain: &'static str,
}

impl FromStr for AwsKmsKey {
    type Err = String;

    fn from_str(arn: &str) -> Result<Self, String> {
        let form = "the name of a key in AWS KMS is like arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        let ["arn", partition, "kms", region, account, resource] = parts.as_slice() else {
            return Err(form.to_owned());
        };
        let is_word = |text: &str, more: &[u8]| {
            !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || more.contains(&byte))
        };
        let named = resource.strip_prefix("key/").or_else(|| resource.strip_prefix("alias/"));
        let is_well = is_word(region, b"-") && is_word(account, b"") && named.is_some_and(|name| is_word(name, b"-_/"));
        let domain = match *partition {
            "aws" | "aws-us-gov" => "amazonaws.com",
            "aws-cn" => "amazonaws.com.cn",
            _ => return Err(form.to_owned()),
        };
        if !is_well {
            return Err(form.to_owned());
        }
        Ok(Self { arn: arn.to_owned(), region: (*region).to_owned(), domain })
    }
}

impl fmt::Display for AwsKmsKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.arn)
    }
}

/// How to get to a key in AWS KMS. Its [`fmt::Debug`] shows no credentials.
pub struct AwsKmsAccess {
    /// Which key.
    pub key: AwsKmsKey,
    /// Where KMS is, if not at the region's public address.
    pub endpoint: Option<Url>,
    /// The variables that say where credentials are: `AWS_*`, and `HOME` for the files in `~/.aws`.
    pub environment: HashMap<String, String>,
}

impl fmt::Debug for AwsKmsAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AwsKmsAccess({})", self.key)
    }
}

/// The key of one account in AWS KMS.
#[derive(Debug)]
pub(super) struct AwsKms {
    account: Address,
    key: AwsKmsKey,
    http: Http,
    credentials: Signer<Credential>,
    /// Set once the key is known to be the account's.
    checked: OnceCell<()>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PublicKey {
    public_key: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Signed {
    signature: String,
}

/// How a refusal names itself.
#[derive(Deserialize)]
struct Refusal {
    #[serde(rename = "__type")]
    kind: String,
}

impl AwsKms {
    /// # Errors
    /// [`Error`] if there is no such address, or TLS can't be set up.
    pub(super) fn new(account: Address, access: &AwsKmsAccess, limits: Limits) -> Result<Self, Error> {
        let key = access.key.clone();
        let url = match &access.endpoint {
            Some(url) => url.clone(),
            None => Url::parse(&format!("https://kms.{}.{}/", key.region, key.domain))
                .map_err(|error| Error::SignerAccess(format!("the region of the key leads nowhere: {error}")))?,
        };
        let credentials =
            credentials::signer(RequestSigner::new("kms", &key.region), url.clone(), &access.environment, limits)?;
        let http = Http::new(Endpoint::new("AWS KMS", url), limits)?;
        Ok(Self { account, key, http, credentials, checked: OnceCell::new() })
    }

    /// What it says is the signature of `hash`.
    pub(super) async fn sign(&self, hash: &B256) -> Result<Scalars, SignError> {
        self.checked.get_or_try_init(|| self.check_key()).await?;
        let request = json!({
            "KeyId": self.key.arn, "Message": STANDARD.encode(hash), "MessageType": "DIGEST", "SigningAlgorithm": "ECDSA_SHA_256",
        });
        let signed: Signed = self.ask("TrentService.Sign", &request).await?;
        let der = decoded(&signed.signature)?;
        scalars_of_der(&der).ok_or_else(|| malformed("what it calls a signature is no ECDSA signature in DER"))
    }

    /// # Errors
    /// [`SignFault::NoKey`] if the key is another account's.
    async fn check_key(&self) -> Result<(), SignError> {
        let answer: PublicKey = self.ask("TrentService.GetPublicKey", &json!({ "KeyId": self.key.arn })).await?;
        let key = decoded(&answer.public_key)?;
        let Some(address) = address_of_spki(&key) else {
            return Err(malformed("the key is not one of secp256k1 (ECC_SECG_P256K1)"));
        };
        if address == self.account {
            return Ok(());
        }
        let text = format!("the key {} is that of account {address}, and not of {}", self.key, self.account);
        Err(SignError::new(SignFault::NoKey, text))
    }

    async fn ask<T: DeserializeOwned>(&self, target: &'static str, request: &Value) -> Result<T, SignError> {
        let body = request.to_string().into_bytes();
        let headers = self.signed_headers(target, &body).await?;
        let answer = self.http.fetch(self.http.post().headers(headers).body(body), ANSWER_BYTES).await?;
        if answer.status != StatusCode::OK {
            return Err(self.refusal(&answer));
        }
        serde_json::from_slice(&answer.body).map_err(|_| malformed(&self.http.quote(&answer)))
    }

    /// Everything that the request has to say besides its body, signed.
    async fn signed_headers(&self, target: &str, body: &[u8]) -> Result<header::HeaderMap, SignError> {
        let denied = |why: &str| {
            let text = format!("no credentials for AWS: {}", self.http.sanitise(why));
            SignError::new(SignFault::Denied, text)
        };
        let request = http::Request::post(self.http.address().as_str())
            .header(header::CONTENT_TYPE, "application/x-amz-json-1.1")
            .header("x-amz-target", target)
            .header("x-amz-content-sha256", hex::encode(Sha256::digest(body)))
            .body(())
            .map_err(|error| denied(&error.to_string()))?;
        let (mut head, ()) = request.into_parts();
        let patience = self.http.limits.answer_timeout;
        match timeout(patience, self.credentials.sign(&mut head, None)).await {
            Ok(Ok(())) if head.headers.contains_key(header::AUTHORIZATION) => {}
            Ok(Ok(())) => return Err(denied("none of the places where they may be has any")),
            Ok(Err(error)) => return Err(denied(&error.to_string())),
            Err(_) => return Err(denied(&format!("nobody has given any within {patience:?}"))),
        }
        // It is signed as the client will say it.
        head.headers.remove(header::HOST);
        Ok(head.headers)
    }

    fn refusal(&self, answer: &Answer) -> SignError {
        let kind = serde_json::from_slice::<Refusal>(&answer.body).map(|refusal| refusal.kind).unwrap_or_default();
        let fault = match (answer.status, kind.rsplit('#').next().unwrap_or_default()) {
            (_, "NotFoundException") => SignFault::NoKey,
            (_, kind) if DENIALS.contains(&kind) => SignFault::Denied,
            (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, _) => SignFault::Denied,
            (status, "") if !status.is_server_error() => SignFault::Malformed,
            _ => SignFault::Failed,
        };
        SignError::new(fault, format!("AWS KMS refuses: {}", self.http.quote(answer)))
    }
}

fn decoded(base64: &str) -> Result<Vec<u8>, SignError> {
    STANDARD.decode(base64).map_err(|_| malformed("it is not written in base64"))
}

fn malformed(why: &str) -> SignError {
    SignError::new(SignFault::Malformed, format!("the answer of AWS KMS makes no sense: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keys_name_says_where_it_is() {
        for (arn, region, domain) in [
            (
                "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
                "eu-central-1",
                "amazonaws.com",
            ),
            ("arn:aws-us-gov:kms:us-gov-west-1:111122223333:alias/guardian/payer", "us-gov-west-1", "amazonaws.com"),
            (
                "arn:aws-cn:kms:cn-north-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab",
                "cn-north-1",
                "amazonaws.com.cn",
            ),
        ] {
            let key: AwsKmsKey = arn.parse().unwrap();
            assert_eq!((key.region.as_str(), key.domain, key.to_string().as_str()), (region, domain, arn));
        }
        for arn in [
            "",
            "1234abcd-12ab-34cd-56ef-1234567890ab",
            "arn:aws:s3:eu-central-1:111122223333:key/1234",
            "arn:aws:kms:evil.example/:111122223333:key/1234",
            "arn:aws:kms:eu-central-1:111122223333:key/",
            "arn:aws:kms:eu-central-1:111122223333:secret/1234",
            "arn:other:kms:eu-central-1:111122223333:key/1234",
            "arn:aws:kms:eu-central-1:111122223333:key/12 34",
        ] {
            assert!(arn.parse::<AwsKmsKey>().is_err(), "{arn}");
        }
    }
}
