//! A look at the nodes that are to be configured: a wrong url is best found while the operator still sits there.

use crate::{
    config::{Network, ProviderConfig},
    hint::{Hinted, WithHint},
};
use guardian_chain::{Endpoint, Layer, NodeInfo, node_info};
use guardian_protocol::ReadFailure;
use std::path::Path;
use url::Host;

/// What is there, in a line; what is odd about it is no reason to refuse it.
///
/// # Errors
/// If there is no such node, or it is of another network.
pub(super) async fn look(layer: Layer, provider: &ProviderConfig, network: Network) -> Result<String, Hinted> {
    let (name, url) = (&provider.name, provider.address()?.into_owned());
    let is_near = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(domain)) => domain == "localhost",
        None => false,
    };
    let info = node_info(layer, Endpoint::new(name.clone(), url)).await;
    let info = info.hint("can't speak https", "this is a defect: report it")?;
    let info = info.map_err(|failure| unknown(layer, name, &failure, is_near && is_container()))?;
    judge(layer, name, info, network)
}

fn judge(layer: Layer, name: &str, info: NodeInfo, network: Network) -> Result<String, Hinted> {
    let client = info.client.unwrap_or_else(|| "a client that does not say its name".to_owned());
    // Before the merge the layers of a development chain know nothing of each other.
    let expected = network.chain_id();
    let counts = layer == Layer::Execution || network != Network::Devnet;
    if let Some(other) = info.chain_id.filter(|id| counts && *id != expected) {
        return Err(Hinted::new(
            format!("{layer} node {name} ({client}) serves chain {other}, and {network} is chain {expected}"),
            "name a node of that network, or another network with --network",
        ));
    }
    let state = info.behind.map_or_else(
        || "in sync".to_owned(),
        |why| format!("{why}: wait until it has caught up before you start the guardian"),
    );
    Ok(format!("{layer} node {name}: {client}, {state}"))
}

fn unknown(layer: Layer, name: &str, failure: &ReadFailure, is_itself: bool) -> Hinted {
    let what = format!("no {layer} node answers as {name}: {failure}");
    let advice = if is_itself {
        "in a container 127.0.0.1 is the container itself: a node on its host is http://host.docker.internal:PORT, and has to listen there"
    } else if matches!(failure, ReadFailure::Unauthorized(_)) {
        "it wants a credential: the whole url with its key or password, as its provider shows it"
    } else {
        match layer {
            Layer::Beacon => {
                "name the url of its REST API: port 5052 of Lighthouse, Teku 5051, Nimbus 5052, Prysm 3500, Lodestar 9596"
            }
            Layer::Execution => "name the url of its JSON-RPC: port 8545 of Geth, Nethermind, Besu, Erigon and Reth",
        }
    };
    Hinted::new(what, advice)
}

fn is_container() -> bool {
    Path::new("/.dockerenv").exists() || Path::new("/run/.containerenv").exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(chain_id: Option<u64>) -> NodeInfo {
        NodeInfo { client: Some("Geth/v1".to_owned()), chain_id, behind: None }
    }

    #[test]
    fn a_node_of_another_network_is_refused() {
        for (layer, chain_id, network, fits) in [
            (Layer::Execution, Some(1), Network::Mainnet, true),
            (Layer::Execution, Some(1), Network::Hoodi, false),
            (Layer::Beacon, Some(560_048), Network::Hoodi, true),
            (Layer::Beacon, Some(1), Network::Hoodi, false),
            (Layer::Beacon, None, Network::Mainnet, true),
            (Layer::Beacon, Some(5), Network::Devnet, true),
            (Layer::Execution, Some(5), Network::Devnet, false),
        ] {
            let judged = judge(layer, "own", info(chain_id), network);
            assert_eq!(judged.is_ok(), fits, "{layer} {chain_id:?} {network}: {judged:?}");
        }
    }

    #[test]
    fn a_node_that_is_behind_is_told_and_taken() {
        let behind = NodeInfo { behind: Some("7 slots behind".to_owned()), ..info(Some(1)) };
        let line = judge(Layer::Execution, "own", behind, Network::Mainnet).unwrap();
        assert!(line.contains("7 slots behind: wait until it has caught up"), "{line}");
    }

    #[test]
    fn in_a_container_its_own_loopback_is_explained() {
        let failure = ReadFailure::Unreachable("refused".to_owned());
        let of = |is_itself| unknown(Layer::Beacon, "own", &failure, is_itself).advice().to_owned();
        assert!(of(true).contains("host.docker.internal") && of(false).contains("5052"));
    }
}
