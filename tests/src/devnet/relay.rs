//! A small proxy in front of the real beacon node, which makes another provider of it. An honest one passes everything on; one that lies
//! adds to every balance, and changes a bit of every state.

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use eyre::Result;
use serde_json::Value;
use std::net::Ipv4Addr;
use tokio::{net::TcpListener, task::AbortHandle};

/// What it adds to every balance, in gwei: five ether.
const LIE: u64 = 5_000_000_000;

/// The proxy; it ends with this value.
#[derive(Debug)]
pub struct Relay {
    /// Where it listens.
    pub url: String,
    task: AbortHandle,
}

#[derive(Clone, Debug)]
struct Truth {
    url: String,
    lies: bool,
    client: reqwest::Client,
}

impl Relay {
    /// Starts passing on what the node at `url` says.
    ///
    /// # Errors
    /// If there is no free port.
    pub async fn honest(url: &str) -> Result<Self> {
        Self::start(url, false).await
    }

    /// Starts lying about the node at `url`.
    ///
    /// # Errors
    /// If there is no free port.
    pub async fn lying(url: &str) -> Result<Self> {
        Self::start(url, true).await
    }

    async fn start(url: &str, lies: bool) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let own = format!("http://{}", listener.local_addr()?);
        let truth = Truth { url: url.to_owned(), lies, client: reqwest::Client::new() };
        let router = Router::new().fallback(pass_on).with_state(truth);
        let task = tokio::spawn(async move { axum::serve(listener, router).await.ok() }).abort_handle();
        Ok(Self { url: own, task })
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn pass_on(State(truth): State<Truth>, request: Request) -> Response {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let lying = truth.lies && path.contains("/validators");
    let spoiling = truth.lies && path.contains("/debug/beacon/states");
    let mut onward = truth.client.request(request.method().clone(), format!("{}{path}", truth.url));
    for (name, value) in request.headers() {
        if name != "host" && name != "content-length" {
            onward = onward.header(name, value);
        }
    }
    let Ok(body) = axum::body::to_bytes(request.into_body(), 1 << 20).await else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let Ok(answer) = onward.body(body).send().await else { return StatusCode::BAD_GATEWAY.into_response() };
    let status = answer.status();
    let kind = answer.headers().get("content-type").cloned();
    let body = if lying && status.is_success() {
        let Ok(mut value) = answer.json::<Value>().await else { return StatusCode::BAD_GATEWAY.into_response() };
        inflate(&mut value);
        Body::from(value.to_string())
    } else if spoiling && status.is_success() {
        let Ok(state) = answer.bytes().await else { return StatusCode::BAD_GATEWAY.into_response() };
        Body::from(spoilt(state.into()))
    } else {
        Body::from_stream(answer.bytes_stream())
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    if let Some(kind) = kind {
        response.headers_mut().insert("content-type", kind);
    }
    response
}

/// One bit in the middle: among validators and balances, as a rule.
fn spoilt(mut state: Vec<u8>) -> Vec<u8> {
    let middle = state.len() / 2;
    if let Some(byte) = state.get_mut(middle) {
        *byte ^= 1;
    }
    state
}

fn inflate(value: &mut Value) {
    for validator in value.get_mut("data").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(balance) = validator.get_mut("balance")
            && let Some(gwei) = balance.as_str().and_then(|text| text.parse::<u64>().ok())
        {
            *balance = Value::String(gwei.saturating_add(LIE).to_string());
        }
    }
}
