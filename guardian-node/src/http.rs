//! What a guardian shows: `/metrics`, `/healthz`, `/readyz`, `/status`. Read-only.

use crate::{hint::WithHint, metrics::Metrics};
use axum::{
    Json, Router, extract::State, http::StatusCode, http::header::CONTENT_TYPE, response::IntoResponse, routing::get,
};
use eyre::Result;
use guardian_p2p::Network;
use guardian_protocol::status::{Reason, Status};
use serde::Serialize;
use std::{net::SocketAddr, sync::Arc};
use tokio::{net::TcpListener, sync::watch};
use tokio_util::sync::CancellationToken;

/// What the pages are made of.
#[derive(Clone, Debug)]
pub(crate) struct Pages {
    pub(crate) name: String,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) network: Network,
    pub(crate) status: watch::Receiver<Status>,
}

/// Binds `address`.
pub(crate) async fn bind(address: SocketAddr) -> Result<TcpListener> {
    Ok(TcpListener::bind(address).await.hint(
        format!("can't listen on http://{address}"),
        "another process has the port: change [http] listen, or stop the other",
    )?)
}

/// Serves until told to stop.
pub(crate) async fn serve(listener: TcpListener, pages: Pages, stop: CancellationToken) -> Result<()> {
    let router = Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/status", get(status))
        .with_state(pages);
    axum::serve(listener, router).with_graceful_shutdown(async move { stop.cancelled().await }).await?;
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
}

async fn ready(State(pages): State<Pages>) -> impl IntoResponse {
    let reasons = pages.status.borrow().not_ready.clone();
    let code = if reasons.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (code, Json(Readiness { ready: reasons.is_empty(), reasons }))
}

/// `/status`.
#[derive(Debug, Serialize)]
struct StatusPage {
    name: String,
    version: &'static str,
    #[serde(flatten)]
    status: Status,
}

async fn status(State(pages): State<Pages>) -> impl IntoResponse {
    let status = pages.status.borrow().clone();
    Json(StatusPage { name: pages.name, version: env!("CARGO_PKG_VERSION"), status })
}
