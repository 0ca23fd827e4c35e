//! Urls of providers, compared as nodes: one that is listed twice, however it is spelled, would be its own majority.

use super::ProviderConfig;
use std::net::IpAddr;
use url::{Host, Url};

/// The first two of `providers` that are one node.
pub(super) fn twice(providers: &[ProviderConfig]) -> Option<[&ProviderConfig; 2]> {
    let mut rest = providers;
    while let Some((first, others)) = rest.split_first() {
        if let Some(again) = others.iter().find(|other| node(&other.url) == node(&first.url)) {
            return Some([first, again]);
        }
        rest = others;
    }
    None
}

/// Host, port, path and query of the node behind `url`. Scheme and credentials make no other node of it.
fn node(url: &Url) -> (Option<String>, Option<u16>, &str, Option<&str>) {
    let host = match address(url) {
        Some(address) if is_this_machine(address) => Some("localhost".to_owned()),
        Some(address) => Some(address.to_string()),
        None => url.domain().map(|domain| domain.trim_end_matches('.').to_owned()),
    };
    (host, url.port_or_known_default(), url.path().trim_end_matches('/'), url.query())
}

/// Whether `url` is not encrypted and leads out of this machine and its own network.
pub(super) fn is_readable_on_the_way(url: &Url) -> bool {
    let is_near = match address(url) {
        Some(IpAddr::V4(address)) => {
            is_this_machine(IpAddr::V4(address)) || address.is_private() || address.is_link_local()
        }
        Some(IpAddr::V6(address)) => {
            is_this_machine(IpAddr::V6(address)) || address.is_unique_local() || address.is_unicast_link_local()
        }
        // A name without a dot is of a container or of the local network.
        None => url.domain().is_none_or(|domain| {
            let domain = domain.trim_end_matches('.');
            !domain.contains('.')
                || [".local", ".lan", ".internal", ".home.arpa"].iter().any(|end| domain.ends_with(end))
        }),
    };
    url.scheme() == "http" && !is_near
}

/// The address in `url`, if it has no name; that of `localhost` is known.
fn address(url: &Url) -> Option<IpAddr> {
    match url.host()? {
        Host::Domain(domain) => {
            let domain = domain.trim_end_matches('.');
            let local = domain == "localhost" || domain.ends_with(".localhost");
            local.then_some(IpAddr::from([127, 0, 0, 1]))
        }
        Host::Ipv4(address) => Some(IpAddr::V4(address)),
        Host::Ipv6(address) => Some(IpAddr::V6(address).to_canonical()),
    }
}

/// Unspecified addresses lead to this machine as well.
fn is_this_machine(address: IpAddr) -> bool {
    address.is_loopback() || address.is_unspecified()
}
