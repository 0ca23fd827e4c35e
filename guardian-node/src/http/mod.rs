//! The pages of a guardian: `/metrics`, `/healthz`, `/readyz`, `/status`, `/history`, `/validators`, `/peers`. Read-only.

mod peers;

pub(crate) use peers::Member;

use crate::{
    account::AccountStatus,
    bounded::Bounded,
    hint::WithHint,
    metrics::Metrics,
    observers::history::{Entry, History},
};
use axum::{
    Json, Router,
    extract::{Query, State},
    http::StatusCode,
    http::header::CONTENT_TYPE,
    response::IntoResponse,
    routing::get,
};
use eyre::Result;
use guardian_p2p::Network;
use guardian_protocol::{HistoryStatus, LimitedDuty, Mode, OpenDutyStatus, Reason, Status, Watched, WatchedValidators};
use serde::{Deserialize, Serialize};
use std::{io::ErrorKind, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{net::TcpListener, sync::watch};
use tokio_util::sync::CancellationToken;

/// Between two attempts to get the port.
const AGAIN: Duration = Duration::from_secs(1);

/// What the pages are made of.
#[derive(Clone, Debug)]
pub(crate) struct Pages {
    pub(crate) name: String,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) network: Network,
    pub(crate) status: watch::Receiver<Status>,
    pub(crate) history: History,
    /// The account that pays, once somebody says what it has.
    pub(crate) account: watch::Receiver<Option<AccountStatus>>,
    /// What was observed last.
    pub(crate) watched: watch::Receiver<Option<Watched>>,
    /// The other members.
    pub(crate) members: Arc<[Member]>,
}

/// Binds `address`.
pub(crate) async fn bind(address: SocketAddr) -> Result<TcpListener> {
    Ok(TcpListener::bind(address).await.hint(
        format!("can't listen on http://{address}"),
        "another process has the port: change [http] listen, or stop the other",
    )?)
}

/// Binds `address` as soon as it is free; `None` if told to stop before. A key ceremony of this guardian that began while the node was
/// down shows its pages there until it ends, and no duty waits for a page.
///
/// # Errors
/// If it can't be bound for another reason than that it is in use.
async fn bind_when_free(address: SocketAddr, stop: &CancellationToken) -> Result<Option<TcpListener>> {
    let mut told = false;
    loop {
        match TcpListener::bind(address).await {
            Err(error) if error.kind() == ErrorKind::AddrInUse => {
                if !told {
                    let hint = "a key ceremony of this guardian shows its pages there until it ends; if it is another program, \
                                change [http] listen, or stop the other";
                    tracing::error!(%address, hint, "another process has the port: no metrics and no status until it is free");
                }
                told = true;
            }
            bound => {
                let hint = "it must be an address of this machine, and a port that this user may use";
                return Ok(Some(bound.hint(format!("can't listen on http://{address}"), hint)?));
            }
        }
        tokio::select! {
            () = stop.cancelled() => return Ok(None),
            () = tokio::time::sleep(AGAIN) => {}
        }
    }
}

/// Serves at `address` until told to stop.
pub(crate) async fn serve(address: SocketAddr, pages: Pages, stop: CancellationToken) -> Result<()> {
    let Some(listener) = bind_when_free(address, &stop).await? else { return Ok(()) };
    let router = Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/status", get(status))
        .route("/history", get(history))
        .route("/validators", get(validators))
        .route("/peers", get(peers::page))
        .with_state(pages);
    axum::serve(Bounded::new(listener), router).with_graceful_shutdown(async move { stop.cancelled().await }).await?;
    Ok(())
}

async fn metrics(State(pages): State<Pages>) -> impl IntoResponse {
    let text = pages.metrics.text() + &pages.network.metrics_text();
    ([(CONTENT_TYPE, "text/plain; version=0.0.4")], text)
}

/// Why a guardian is not ready.
#[derive(Debug, Serialize)]
struct Readiness {
    ready: bool,
    reasons: Vec<Reason>,
    /// Whether it takes part at all.
    mode: Mode,
    /// How far the contracts' events are read; everything else waits for them.
    history: HistoryStatus,
    /// What it would announce and sign, if nothing held it.
    held: Vec<OpenDutyStatus>,
    /// What is beyond a limit, signed by the others or not.
    limited: Vec<LimitedDuty>,
}

async fn ready(State(pages): State<Pages>) -> impl IntoResponse {
    let Status { not_ready: reasons, open, mode, limited, history, .. } = pages.status.borrow().clone();
    let held = open.into_iter().filter(|duty| duty.held.is_some()).collect();
    let code = if reasons.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (code, Json(Readiness { ready: reasons.is_empty(), reasons, mode, history, held, limited }))
}

/// `/status`.
#[derive(Debug, Serialize)]
struct StatusPage {
    name: String,
    version: &'static str,
    /// `None`: no execution provider has said yet what it has.
    account: Option<AccountStatus>,
    #[serde(flatten)]
    status: Status,
}

async fn status(State(pages): State<Pages>) -> impl IntoResponse {
    let status = pages.status.borrow().clone();
    let account = pages.account.borrow().clone();
    Json(StatusPage { name: pages.name, version: env!("CARGO_PKG_VERSION"), account, status })
}

/// `/validators`: those that are worse off first; nothing was observed yet: `null`.
async fn validators(State(pages): State<Pages>) -> Json<Option<WatchedValidators>> {
    let watched = pages.watched.borrow().clone();
    Json(watched.map(|watched| watched.validators()))
}

/// `/history?limit=20`: the newest events, the newest first.
#[derive(Debug, Deserialize)]
struct Limit {
    #[serde(default = "usual_limit")]
    limit: usize,
}

const fn usual_limit() -> usize {
    100
}

async fn history(State(pages): State<Pages>, Query(Limit { limit }): Query<Limit>) -> Json<Vec<Entry>> {
    // The ring is what bounds the answer.
    Json(pages.history.newest(limit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::timeout;

    #[tokio::test]
    async fn a_port_that_a_ceremony_holds_is_taken_over_when_it_ends() {
        let ceremony = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, stop) = (ceremony.local_addr().unwrap(), CancellationToken::new());
        let mut node = std::pin::pin!(bind_when_free(address, &stop));
        assert!(timeout(Duration::from_millis(300), &mut node).await.is_err(), "the port is not free");
        drop(ceremony);
        let listener = timeout(Duration::from_secs(20), node).await.unwrap().unwrap().unwrap();
        assert_eq!(listener.local_addr().unwrap(), address);

        stop.cancel();
        assert!(bind_when_free(address, &stop).await.unwrap().is_none(), "whoever is told to stop does not wait");
    }

    #[tokio::test]
    async fn an_address_of_another_machine_is_an_error_with_advice() {
        let error = bind_when_free("192.0.2.1:23702".parse().unwrap(), &CancellationToken::new()).await.unwrap_err();
        assert!(error.to_string().contains("can't listen on http://192.0.2.1:23702"), "{error}");
    }
}
