//! SIGTERM and SIGINT as one token; SIGHUP as a notice.

use eyre::Result;
use std::sync::Arc;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::Notify,
};
use tokio_util::sync::CancellationToken;

/// Cancelled by the first of the two. To be called first of all: a stop that comes while we are still starting must not be lost.
pub(super) fn stop() -> Result<CancellationToken> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let stop = CancellationToken::new();
    let token = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => tracing::info!("SIGTERM: stopping"),
            _ = interrupt.recv() => tracing::info!("interrupted: stopping"),
        }
        token.cancel();
    });
    Ok(stop)
}

/// Told at each SIGHUP. Those that come before somebody listens are one notice.
pub(super) fn hangups() -> Result<Arc<Notify>> {
    let mut hangups = signal(SignalKind::hangup())?;
    let told = Arc::new(Notify::new());
    let notify = Arc::clone(&told);
    tokio::spawn(async move {
        while hangups.recv().await.is_some() {
            notify.notify_one();
        }
    });
    Ok(told)
}
