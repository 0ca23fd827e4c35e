//! A stand-in for a web3signer in its `eth1` mode, which holds the key of one account: the guardian that pays with it has none.

use alloy::{
    primitives::{Address, Bytes, hex, keccak256},
    signers::{SignerSync, local::PrivateKeySigner},
};
use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::{get, post},
};
use eyre::Result;
use guardian_crypto::secret::Secret;
use serde::Deserialize;
use std::{net::Ipv4Addr, sync::Arc};
use tokio::{net::TcpListener, task::AbortHandle};

/// The signer; it ends with this value.
#[derive(Debug)]
pub struct Web3Signer {
    /// Where it listens.
    pub url: String,
    /// The account of which it has the key.
    pub address: Address,
    task: AbortHandle,
}

/// What is to be signed.
#[derive(Debug, Deserialize)]
struct Request {
    data: Bytes,
}

impl Web3Signer {
    /// Starts signing with `key`.
    ///
    /// # Errors
    /// If it is no key, or there is no free port.
    pub async fn start(key: &Secret<[u8; 32]>) -> Result<Self> {
        let key = PrivateKeySigner::from_slice(key.expose())?;
        let address = key.address();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let router = Router::new()
            .route("/upcheck", get(async || "OK"))
            .route("/api/v1/eth1/publicKeys", get(list))
            .route("/api/v1/eth1/sign/{key}", post(sign))
            .with_state(Arc::new(key));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.ok() }).abort_handle();
        Ok(Self { url, address, task })
    }
}

impl Drop for Web3Signer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The public key without the byte that says that it is uncompressed.
fn name(key: &PrivateKeySigner) -> String {
    let point = key.credential().verifying_key().to_encoded_point(false);
    hex::encode_prefixed(point.as_bytes().get(1..).unwrap_or_default())
}

async fn list(State(key): State<Arc<PrivateKeySigner>>) -> Json<[String; 1]> {
    Json([name(&key)])
}

async fn sign(
    State(key): State<Arc<PrivateKeySigner>>,
    Path(named): Path<String>,
    Json(request): Json<Request>,
) -> Result<String, StatusCode> {
    if named != name(&key) {
        return Err(StatusCode::NOT_FOUND);
    }
    let signature = key.sign_hash_sync(&keccak256(&request.data)).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok(hex::encode_prefixed(signature.as_bytes()))
}
