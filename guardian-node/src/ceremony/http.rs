//! What a ceremony's process shows while it runs: `/metrics`, `/status`, `/healthz`. Read-only, and not needed: if the port is taken,
//! usually by the running node, the ceremony goes on without.

use super::{metrics::Metrics, shell::Snapshot};
use crate::bounded::Bounded;
use axum::{Json, Router, http::header::CONTENT_TYPE, routing::get};
use eyre::Result;
use guardian_p2p::Network;
use std::sync::Arc;
use tokio::{net::TcpListener, sync::watch};
use tokio_util::sync::CancellationToken;

/// Serves until told to stop.
pub(super) async fn serve(
    listener: TcpListener,
    metrics: Arc<Metrics>,
    network: Network,
    status: watch::Receiver<Option<Snapshot>>,
    stop: CancellationToken,
) -> Result<()> {
    let text = move || {
        let text = metrics.text() + &network.metrics_text();
        async move { ([(CONTENT_TYPE, "text/plain; version=0.0.4")], text) }
    };
    let snapshot = move || {
        let snapshot = status.borrow().clone();
        async move { Json(snapshot) }
    };
    let router = Router::new()
        .route("/metrics", get(text))
        .route("/status", get(snapshot))
        .route("/healthz", get(|| async { "ok\n" }));
    axum::serve(Bounded::new(listener), router).with_graceful_shutdown(async move { stop.cancelled().await }).await?;
    Ok(())
}
