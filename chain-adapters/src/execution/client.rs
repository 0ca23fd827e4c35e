//! One execution node's JSON-RPC: alloy over our bounded HTTP. One client, one node: alloy's own fallback layers answer
//! with whatever comes first, which is what this node must not do.

use super::logs::Pace;
use crate::{
    dialect::{
        logs::{self, LogRefusal},
        reverts,
        syncing::Syncing,
    },
    http::Http,
};
use alloy::{
    primitives::{Address, B256, Bytes, U64, U256},
    rpc::{
        client::RpcClient,
        json_rpc::{RequestPacket, ResponsePacket, RpcRecv, RpcSend},
        types::{BlockId, Filter, Log, TransactionInput, TransactionRequest},
    },
    sol_types::SolCall,
    transports::{RpcError, TransportError, TransportErrorKind, TransportFut},
};
use guardian_protocol::{BlockRef, ReadFailure};
use reqwest::StatusCode;
use serde::Deserialize;
use std::{
    sync::{Arc, Mutex, atomic::AtomicBool},
    task::{Context, Poll},
};
use tower_service::Service;

/// An execution node.
#[derive(Debug)]
pub(crate) struct ExecutionClient {
    pub(crate) http: Arc<Http>,
    pub(crate) rpc: RpcClient,
    /// How much it bears of `eth_getLogs`.
    pub(crate) pace: Mutex<Pace>,
    /// It was too late for the last question of a submission, and is not waited for.
    pub(crate) slow: AtomicBool,
}

/// A block's header, as far as it is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Header {
    pub(crate) number: U64,
    pub(crate) hash: B256,
    pub(crate) parent_hash: B256,
    pub(crate) timestamp: U64,
}

impl Header {
    pub(crate) fn number(&self) -> u64 {
        self.number.to()
    }

    pub(crate) fn timestamp(&self) -> u64 {
        self.timestamp.to()
    }

    pub(crate) fn block(&self) -> BlockRef {
        BlockRef { number: self.number(), hash: self.hash, timestamp: self.timestamp() }
    }
}

/// JSON-RPC's code for parameters that a method does not take.
const INVALID_PARAMS: i64 = -32602;

impl ExecutionClient {
    pub(crate) fn new(http: Http) -> Self {
        let pace = Mutex::new(Pace::new(http.limits.log_range));
        let http = Arc::new(http);
        // "Local" only sets alloy's polling pace, which is not used.
        let rpc = RpcClient::new(BoundedRpc(Arc::clone(&http)), false);
        Self { http, rpc, pace, slow: AtomicBool::new(false) }
    }

    pub(crate) async fn chain_id(&self) -> Result<u64, ReadFailure> {
        Ok(self.request::<_, U64>("eth_chainId", ()).await?.to())
    }

    /// # Errors
    /// [`ReadFailure::NotInSync`] if the node says that it is syncing.
    pub(crate) async fn check_sync(&self) -> Result<(), ReadFailure> {
        self.request::<_, Syncing>("eth_syncing", ()).await?.check()
    }

    /// The block with this number or tag; `None` if there is none.
    pub(crate) async fn header(&self, block: impl Into<String>) -> Result<Option<Header>, ReadFailure> {
        self.request("eth_getBlockByNumber", (block.into(), false)).await
    }

    /// The block with this number.
    ///
    /// # Errors
    /// [`ReadFailure::NotAvailable`] if there is none, [`ReadFailure::Malformed`] if another one came.
    pub(crate) async fn header_at(&self, number: u64) -> Result<Header, ReadFailure> {
        let header = self.header(format!("{number:#x}")).await?;
        let header = header.ok_or_else(|| ReadFailure::NotAvailable(format!("block {number} is not there")))?;
        if header.number() == number {
            Ok(header)
        } else {
            Err(ReadFailure::Malformed(format!("block {} instead of {number}", header.number())))
        }
    }

    /// The block with this hash.
    ///
    /// # Errors
    /// [`ReadFailure::NotAvailable`] if there is none, [`ReadFailure::Malformed`] if another one came.
    pub(crate) async fn header_by_hash(&self, hash: B256) -> Result<Header, ReadFailure> {
        let header: Option<Header> = self.request("eth_getBlockByHash", (hash, false)).await?;
        let header = header.ok_or_else(|| ReadFailure::NotAvailable(format!("block {hash} is not there")))?;
        if header.hash == hash {
            Ok(header)
        } else {
            Err(ReadFailure::Malformed(format!("block {} instead of {hash}", header.hash)))
        }
    }

    /// [`Self::view`] of a function that the contract may not have: `None` also if it reverts.
    pub(crate) async fn view_if_offered<C: SolCall>(
        &self,
        contract: Address,
        call: C,
        block: B256,
    ) -> Result<Option<C::Return>, ReadFailure> {
        match self.call(contract, &call, block).await {
            Ok(returned) => decoded::<C>(&returned),
            Err(RpcError::ErrorResp(payload)) if reverts::is_revert(payload.code, &payload.message) => Ok(None),
            Err(error) => Err(self.failure_at(&error)),
        }
    }

    /// What `call` to `contract` returns in the state of the block with this hash. `None`: nothing at all, as where there is
    /// no contract.
    pub(crate) async fn view<C: SolCall>(
        &self,
        contract: Address,
        call: C,
        block: B256,
    ) -> Result<Option<C::Return>, ReadFailure> {
        let returned = self.call(contract, &call, block).await.map_err(|error| self.failure_at(&error))?;
        decoded::<C>(&returned)
    }

    async fn call<C: SolCall>(&self, contract: Address, call: &C, block: B256) -> Result<Bytes, TransportError> {
        let input = TransactionInput::both(call.abi_encode().into());
        let request = TransactionRequest::default().to(contract).input(input);
        self.rpc.request("eth_call", (request, pinned(block))).await
    }

    /// [`Self::view`] where there must be a contract.
    ///
    /// # Errors
    /// [`ReadFailure::NotAvailable`] if there is none.
    pub(crate) async fn view_existing<C: SolCall>(
        &self,
        contract: Address,
        call: C,
        block: B256,
    ) -> Result<C::Return, ReadFailure> {
        let returned = self.view(contract, call, block).await?;
        returned.ok_or_else(|| ReadFailure::NotAvailable(format!("no contract answers at {contract}")))
    }

    pub(crate) async fn has_code(&self, contract: Address, block: B256) -> Result<bool, ReadFailure> {
        Ok(!self.code(contract, block).await?.is_empty())
    }

    pub(crate) async fn code(&self, account: Address, block: B256) -> Result<Bytes, ReadFailure> {
        self.request_at("eth_getCode", (account, pinned(block))).await
    }

    /// A word of a contract's storage.
    pub(crate) async fn storage(&self, contract: Address, slot: U256, block: B256) -> Result<U256, ReadFailure> {
        self.request_at("eth_getStorageAt", (contract, slot, pinned(block))).await
    }

    pub(crate) async fn balance(&self, account: Address, block: B256) -> Result<U256, ReadFailure> {
        self.request_at("eth_getBalance", (account, pinned(block))).await
    }

    /// # Errors
    /// The transport's own error: a refusal has to be told from silence.
    pub(crate) async fn logs(&self, filter: &Filter) -> Result<Vec<Log>, TransportError> {
        self.rpc.request("eth_getLogs", (filter,)).await
    }

    /// What a refused question for logs has to become; `None`: the node is not reached, or its answer is of no use.
    pub(crate) fn log_refusal(&self, error: &TransportError) -> Option<LogRefusal> {
        let (refusal, said) = match error {
            RpcError::ErrorResp(error) => {
                // Some put the reason into the data.
                let said = format!("{} {}", error.message, error.data.as_ref().map_or("", |data| data.get()));
                (logs::refusal(error.code, &said), said)
            }
            RpcError::Transport(kind) => {
                let HttpRefusal { status, said } = kind.as_custom()?.downcast_ref()?;
                (logs::refusal_by_status(*status)?, said.clone())
            }
            RpcError::NullResp
            | RpcError::DeserError { .. }
            | RpcError::UnsupportedFeature(_)
            | RpcError::LocalUsageError(_)
            | RpcError::SerError(_) => return None,
        };
        if refusal == LogRefusal::NotUnderstood {
            self.http.not_understood("eth_getLogs", &self.http.sanitise(&said));
        }
        Some(refusal)
    }

    /// A request whose refusal means that there is no answer.
    pub(crate) async fn request<P: RpcSend, R: RpcRecv>(
        &self,
        method: &'static str,
        params: P,
    ) -> Result<R, ReadFailure> {
        self.rpc.request(method, params).await.map_err(|error| self.failure(&error))
    }

    /// [`Self::request`] about the state of a block that is named by its hash, which not every node understands.
    async fn request_at<P: RpcSend, R: RpcRecv>(&self, method: &'static str, params: P) -> Result<R, ReadFailure> {
        self.rpc.request(method, params).await.map_err(|error| self.failure_at(&error))
    }

    /// What an error means to whoever asked about a block by its hash.
    fn failure_at(&self, error: &TransportError) -> ReadFailure {
        match (error, self.failure(error)) {
            (RpcError::ErrorResp(payload), ReadFailure::NotAvailable(why)) if payload.code == INVALID_PARAMS => {
                ReadFailure::NotAvailable(format!("it does not take block hashes (EIP-1898): {why}"))
            }
            (_, failure) => failure,
        }
    }

    /// What an error means to a reader.
    pub(crate) fn failure(&self, error: &TransportError) -> ReadFailure {
        match error {
            RpcError::ErrorResp(payload) => {
                let text = self.http.sanitise(&format!("error {}: {}", payload.code, payload.message));
                let reverts = reverts::is_revert(payload.code, &payload.message);
                if !reverts && logs::refusal(payload.code, &payload.message) == LogRefusal::TooOften {
                    ReadFailure::RateLimited(text)
                } else {
                    ReadFailure::NotAvailable(text)
                }
            }
            RpcError::NullResp => ReadFailure::NotAvailable("null".to_owned()),
            RpcError::DeserError { err, .. } => ReadFailure::Malformed(self.http.sanitise(&err.to_string())),
            RpcError::Transport(kind) => match kind.as_custom() {
                Some(error) if let Some(failure) = error.downcast_ref::<ReadFailure>() => failure.clone(),
                Some(error) if let Some(HttpRefusal { status: 429, said }) = error.downcast_ref() => {
                    ReadFailure::RateLimited(said.clone())
                }
                Some(error) if let Some(HttpRefusal { status: 401 | 403, said }) = error.downcast_ref() => {
                    ReadFailure::Unauthorized(said.clone())
                }
                Some(_) | None => ReadFailure::Unreachable(self.http.sanitise(&kind.to_string())),
            },
            RpcError::UnsupportedFeature(_) | RpcError::LocalUsageError(_) | RpcError::SerError(_) => {
                ReadFailure::Malformed(self.http.sanitise(&error.to_string()))
            }
        }
    }
}

fn decoded<C: SolCall>(returned: &Bytes) -> Result<Option<C::Return>, ReadFailure> {
    if returned.is_empty() {
        return Ok(None);
    }
    C::abi_decode_returns_validate(returned)
        .map(Some)
        .map_err(|_| ReadFailure::Malformed(format!("{} returned something else", C::SIGNATURE)))
}

/// An HTTP status without an answer in JSON-RPC.
#[derive(Debug, thiserror::Error)]
#[error("{said}")]
struct HttpRefusal {
    status: u16,
    said: String,
}

/// The state of one block of the canonical chain, in EIP-1898's form. alloy writes a hash alone as a bare string, which not
/// every client takes.
fn pinned(block: B256) -> BlockId {
    BlockId::hash_canonical(block)
}

/// The transport: JSON-RPC over [`Http`], so that the bounds there hold for alloy as well.
#[derive(Clone, Debug)]
struct BoundedRpc(Arc<Http>);

impl Service<RequestPacket> for BoundedRpc {
    type Response = ResponsePacket;
    type Error = TransportError;
    type Future = TransportFut<'static>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, packet: RequestPacket) -> Self::Future {
        let http = Arc::clone(&self.0);
        Box::pin(async move {
            let answer = http
                .fetch(http.post().json(&packet), http.limits.rpc_bytes)
                .await
                .map_err(TransportErrorKind::custom)?;
            match serde_json::from_slice::<ResponsePacket>(&answer.body) {
                // Some nodes send an error in JSON-RPC with an HTTP status that says so too. 401 is about whoever asks, not about the question.
                Ok(response)
                    if answer.status.is_success()
                        || response.is_error() && answer.status != StatusCode::UNAUTHORIZED =>
                {
                    Ok(response)
                }
                Err(_) if answer.status.is_success() => {
                    Err(TransportErrorKind::custom(ReadFailure::Malformed("no JSON-RPC".to_owned())))
                }
                Ok(_) | Err(_) => {
                    let (status, said) = (answer.status.as_u16(), http.quote(&answer));
                    Err(TransportErrorKind::custom(HttpRefusal { status, said }))
                }
            }
        })
    }
}
