//! HTTP with bounds: every request has a deadline, every body a largest size, and no error text shows a credential.
//! Both layers speak through this; what the bytes mean is theirs.

use crate::{
    config::{Endpoint, Limits, Role},
    error::Error,
    redact::{printable, scrub},
    stats::Stats,
};
use bytes::Bytes;
use guardian_crypto::secret::Secret;
use guardian_protocol::ReadFailure;
use reqwest::{ClientBuilder, Method, RequestBuilder, Response, StatusCode, header};
use std::{error::Error as _, time::Duration};
use tokio::time::{Instant, timeout};
use url::Url;

/// What an error begins with when no secure connection came about.
const NOT_SECURE: &str = "no secure connection";
/// Words of the TLS library about a certificate that is not good, and about an answer that is not TLS at all.
const INSECURE: [&str; 4] = ["certificate", "corrupt message", "fatal alert", "handshake"];

/// One provider's HTTP side.
#[derive(Debug)]
pub(crate) struct Http {
    client: reqwest::Client,
    endpoint: Endpoint,
    pub(crate) limits: Limits,
    pub(crate) stats: Stats,
    /// What no text of this provider may show, besides what is secret in its address.
    hidden: Vec<Secret<String>>,
}

/// A complete answer, of any status.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) content_type: String,
    pub(crate) body: Vec<u8>,
}

impl Http {
    /// # Errors
    /// [`Error::Http`] if TLS can't be set up.
    pub(crate) fn new(endpoint: Endpoint, limits: Limits) -> Result<Self, Error> {
        Self::with_client(endpoint, limits, client(limits))
    }

    /// The same with a client of the caller's, which [`client`] begins.
    ///
    /// # Errors
    /// As of [`Self::new`].
    pub(crate) fn with_client(endpoint: Endpoint, limits: Limits, client: ClientBuilder) -> Result<Self, Error> {
        let client = client.default_headers(endpoint.headers().clone()).build();
        let client = client.map_err(|error| Error::Http(printable(&error.without_url().to_string())))?;
        let values = endpoint.headers().values().filter_map(|value| value.to_str().ok());
        // Of `Bearer KEY` the key alone is secret, too.
        let hidden = values.flat_map(|value| [Some(value), value.split_once(' ').map(|(_, key)| key)]).flatten();
        let hidden = hidden.filter(|secret| !secret.is_empty()).map(|secret| Secret::new(secret.to_owned())).collect();
        Ok(Self { client, endpoint, limits, stats: Stats::default(), hidden })
    }

    pub(crate) const fn role(&self) -> Role {
        self.endpoint.role
    }

    pub(crate) fn name(&self) -> &str {
        &self.endpoint.name
    }

    /// A request to `path` below the endpoint's own path; the endpoint's query stays.
    pub(crate) fn request<'a>(
        &self,
        method: Method,
        path: impl IntoIterator<Item = &'a str>,
        query: &[(&str, &str)],
    ) -> RequestBuilder {
        let mut url = self.endpoint.url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        self.client.request(method, url)
    }

    /// A request to the endpoint itself.
    pub(crate) fn post(&self) -> RequestBuilder {
        self.client.post(self.endpoint.url.clone())
    }

    /// Where [`Self::post`] goes.
    pub(crate) const fn address(&self) -> &Url {
        &self.endpoint.url
    }

    /// A request that says itself where it goes.
    pub(crate) fn elsewhere(&self, request: reqwest::Request) -> RequestBuilder {
        RequestBuilder::from_parts(self.client.clone(), request)
    }

    /// The whole answer, if it comes in time and is not larger than `limit` bytes.
    ///
    /// # Errors
    /// [`ReadFailure::Unreachable`] or [`ReadFailure::TooLarge`].
    pub(crate) async fn fetch(&self, request: RequestBuilder, limit: usize) -> Result<Answer, ReadFailure> {
        self.stats.requested();
        let start = Instant::now();
        let answer = timeout(self.limits.request_timeout, self.whole(request, limit))
            .await
            .unwrap_or_else(|_| Err(late(self.limits.request_timeout)));
        match &answer {
            Ok(answer) if answer.status.is_success() => self.stats.took(start.elapsed()),
            Ok(_) | Err(_) => self.stats.failed(),
        }
        answer
    }

    async fn whole(&self, request: RequestBuilder, limit: usize) -> Result<Answer, ReadFailure> {
        let response = request.send().await.map_err(|error| self.describe(error))?;
        self.body(response, limit).await
    }

    /// The whole body of an answer whose head is [opened](Self::open).
    ///
    /// # Errors
    /// As [`Self::fetch`].
    pub(crate) async fn finish(&self, response: Response, limit: usize) -> Result<Answer, ReadFailure> {
        timeout(self.limits.request_timeout, self.body(response, limit))
            .await
            .unwrap_or_else(|_| Err(late(self.limits.request_timeout)))
    }

    async fn body(&self, mut response: Response, limit: usize) -> Result<Answer, ReadFailure> {
        let declared = response.content_length().and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
        if declared > limit {
            return Err(too_large(limit));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.describe(error))? {
            self.stats.received(chunk.len());
            if chunk.len() > limit.saturating_sub(body.len()) {
                return Err(too_large(limit));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status: response.status(), content_type: content_type(&response), body })
    }

    /// The head of an answer whose body is to be streamed with [`Self::next_chunk`], if it comes within `patience`.
    ///
    /// # Errors
    /// [`ReadFailure::Unreachable`].
    pub(crate) async fn open(&self, request: RequestBuilder, patience: Duration) -> Result<Response, ReadFailure> {
        self.stats.requested();
        let opened = match timeout(patience, request.send()).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(self.describe(error)),
            Err(_) => Err(late(patience)),
        };
        if !opened.as_ref().is_ok_and(|response| response.status().is_success()) {
            self.stats.failed();
        }
        opened
    }

    /// The next piece of a streamed body; `None` at its end.
    ///
    /// # Errors
    /// [`ReadFailure::Unreachable`] if nothing comes for `patience`.
    pub(crate) async fn next_chunk(
        &self,
        response: &mut Response,
        patience: Duration,
    ) -> Result<Option<Bytes>, ReadFailure> {
        let chunk = match timeout(patience, response.chunk()).await {
            Ok(Ok(chunk)) => chunk,
            Ok(Err(error)) => return Err(self.describe(error)),
            Err(_) => return Err(late(patience)),
        };
        self.stats.received(chunk.as_ref().map_or(0, Bytes::len));
        Ok(chunk)
    }

    /// What an answer with an error status said, fit for a log.
    pub(crate) fn quote(&self, answer: &Answer) -> String {
        // Twice what is shown and more, so that scrubbing sees whole keys.
        let prefix = answer.body.get(..4096).unwrap_or(&answer.body);
        format!("HTTP {}: {}", answer.status.as_u16(), self.sanitise(&String::from_utf8_lossy(prefix)))
    }

    /// Counts a refusal in words that [`crate::dialect`] does not know, and tells of the first, the second, the fourth, ... one.
    /// `about` is the request; `said` is fit for a log.
    pub(crate) fn not_understood(&self, about: &str, said: &str) {
        let times = self.stats.not_understood();
        if times.is_power_of_two() {
            tracing::warn!(provider = self.name(), about, said, times, "a refusal that is not understood");
        }
    }

    /// Text of this provider, fit for a log.
    pub(crate) fn sanitise(&self, text: &str) -> String {
        let text = scrub(text.to_owned(), &self.endpoint.url);
        printable(&self.hidden.iter().fold(text, |text, secret| text.replace(secret.expose(), "***")))
    }

    fn describe(&self, error: reqwest::Error) -> ReadFailure {
        let error = error.without_url();
        let mut text = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            text = format!("{text}: {cause}");
            source = cause.source();
        }
        let insecure = INSECURE.iter().any(|word| text.contains(word));
        ReadFailure::Unreachable(self.sanitise(&if insecure { format!("{NOT_SECURE}: {text}") } else { text }))
    }
}

/// What every client of ours is like.
pub(crate) fn client(limits: Limits) -> ClientBuilder {
    reqwest::Client::builder()
        .connect_timeout(limits.connect_timeout)
        // A server that sends us elsewhere is not the one that the operator named.
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("guardian/", env!("CARGO_PKG_VERSION")))
}

/// Whether a provider is unreachable because no secure connection came about: its certificate is not good, or it speaks no TLS.
#[must_use]
pub fn is_not_secure(failure: &ReadFailure) -> bool {
    matches!(failure, ReadFailure::Unreachable(why) if why.starts_with(NOT_SECURE))
}

/// The media type without its parameters, in lower case.
pub(crate) fn content_type(response: &Response) -> String {
    let value = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn late(limit: Duration) -> ReadFailure {
    ReadFailure::Unreachable(format!("no answer within {limit:?}"))
}

fn too_large(limit: usize) -> ReadFailure {
    ReadFailure::TooLarge(format!("an answer of more than {limit} bytes"))
}
