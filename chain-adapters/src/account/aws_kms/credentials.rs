//! How `reqsign` gets to the credentials that a machine has: variables, the files in `~/.aws`, a role by a web identity, of a container or of
//! the machine itself. Bounded like every request of ours.

use crate::{
    config::{Endpoint, Limits},
    error::Error,
    http::Http,
};
use bytes::Bytes;
use reqsign_aws_v4::{Credential, DefaultCredentialProvider, RequestSigner};
use reqsign_core::{Context, Error as NoCredentials, FileRead, HttpSend, Result, Signer, StaticEnv};
use std::collections::HashMap;
use tokio::io::AsyncReadExt;
use url::Url;

/// The largest file or answer with credentials.
const MOST_BYTES: usize = 1 << 17;

/// What signs requests to `url` with `request` and the credentials that `environment` leads to.
///
/// # Errors
/// [`Error::Http`] if TLS can't be set up.
pub(super) fn signer(
    request: RequestSigner,
    url: Url,
    environment: &HashMap<String, String>,
    limits: Limits,
) -> std::result::Result<Signer<Credential>, Error> {
    let web = Web(Http::new(Endpoint::new("AWS", url), limits)?);
    let environment = StaticEnv { home_dir: environment.get("HOME").map(Into::into), envs: environment.clone() };
    let context = Context::new().with_env(environment).with_file_read(Files).with_http_send(web);
    // No program is run, and nobody logs in by hand.
    let credentials = DefaultCredentialProvider::builder().no_process().no_sso().build();
    Ok(Signer::new(context, credentials, request))
}

#[derive(Debug)]
struct Files;

impl FileRead for Files {
    async fn file_read(&self, path: &str) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let most = u64::try_from(MOST_BYTES).unwrap_or(u64::MAX);
        tokio::fs::File::open(path).await?.take(most).read_to_end(&mut bytes).await?;
        Ok(bytes)
    }
}

/// The machine's own address for credentials, a container's, and AWS STS.
#[derive(Debug)]
struct Web(Http);

impl HttpSend for Web {
    async fn http_send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>> {
        let request = reqwest::Request::try_from(request)
            .map_err(|_| NoCredentials::request_invalid("there is no such address for credentials"))?;
        let answer = self.0.fetch(self.0.elsewhere(request), MOST_BYTES).await;
        let answer = answer.map_err(|failure| NoCredentials::unexpected(failure.to_string()))?;
        Ok(http::Response::builder().status(answer.status).body(answer.body.into())?)
    }
}
