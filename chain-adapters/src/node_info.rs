//! One node looked at by itself, before it is configured: who it is, which chain it serves, and whether it follows that chain. Whether it
//! will be believed later is another matter, which several of them decide.

use crate::{
    beacon::client::BeaconClient,
    config::{Endpoint, Limits},
    error::{Error, Layer},
    execution::client::ExecutionClient,
    http::Http,
};
use guardian_protocol::ReadFailure;

/// What a node says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeInfo {
    /// Its client and version, fit for a terminal, if it says so.
    pub client: Option<String>,
    /// EIP-155's number of its chain. A beacon node that was not told to which chain deposits go has none.
    pub chain_id: Option<u64>,
    /// Why it does not follow its chain, if it does not.
    pub behind: Option<String>,
}

/// Asks the node at `endpoint`.
///
/// # Errors
/// [`Error::Http`] if TLS can't be set up; within, why there is no answer, or none of such a node.
pub async fn node_info(layer: Layer, endpoint: Endpoint) -> Result<Result<NodeInfo, ReadFailure>, Error> {
    let http = Http::new(endpoint, Limits::default())?;
    Ok(match layer {
        Layer::Beacon => of_beacon(BeaconClient::new(http)).await,
        Layer::Execution => of_execution(ExecutionClient::new(http)).await,
    })
}

async fn of_beacon(client: BeaconClient) -> Result<NodeInfo, ReadFailure> {
    let chain = client.fingerprint().await?;
    let behind = client.check_sync(&chain).await.err().map(|failure| failure.to_string());
    Ok(NodeInfo { client: client.version().await.ok(), chain_id: chain.deposit_chain_id, behind })
}

async fn of_execution(client: ExecutionClient) -> Result<NodeInfo, ReadFailure> {
    let chain_id = Some(client.chain_id().await?);
    let behind = client.check_sync().await.err().map(|failure| failure.to_string());
    let version: Result<String, _> = client.request("web3_clientVersion", ()).await;
    Ok(NodeInfo { client: version.ok().map(|version| client.http.sanitise(&version)), chain_id, behind })
}
