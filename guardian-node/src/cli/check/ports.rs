//! The ports that the node will listen on: free, if it does not run; its pages there, if it does.

use super::{code::Code, findings::Findings};
use crate::{cli::pages::Pages, config::Config};
use serde_json::Value;
use std::{
    io::{self, ErrorKind},
    net::{IpAddr, SocketAddr, TcpListener, UdpSocket},
};

const MEMBERS: &str = "another program has it: stop that, or listen on another port, and tell the others";
const PAGES: &str = "another program has it: stop that, or change [http] listen, and Prometheus' target";

/// Whether the running node shows itself where it should; returns its page `/status`.
pub(super) async fn tell_page(config: &Config, findings: &mut Findings) -> Option<Value> {
    let page = match Pages::of(config.http) {
        Ok(pages) => pages.json("/status").await.ok(),
        Err(_) => None,
    };
    let at = config.http.listen;
    let is_ours = |page: &Value| page.get("name").and_then(Value::as_str) == Some(&config.guardian.name);
    let page = page.filter(is_ours);
    match page {
        Some(_) => {
            findings.pass(Code::Port, &format!("ports: in use by the running node, which shows itself at {at}"));
        }
        None => findings.poor(
            Code::Port,
            &format!("ports: a node runs, and does not show itself at [http] listen = {at}"),
            "run the check where the node runs (in its container); else another program has the port, or the configuration was changed since the node started",
        ),
    }
    page
}

/// Whether the ports can be had.
pub(super) fn tell_ports(config: &Config, findings: &mut Findings) {
    let mut refused = false;
    for address in &config.p2p.listen {
        if let Some(error) = socket(address).and_then(|(is_udp, socket)| taken(is_udp, socket)) {
            refused = true;
            findings.fail(
                Code::Port,
                &format!("port: can't listen on [p2p] listen {address}: {error}"),
                advice(&error, MEMBERS),
            );
        }
    }
    if let Some(error) = taken(false, config.http.listen) {
        refused = true;
        let text = format!("port: can't listen on [http] listen {}: {error}", config.http.listen);
        findings.poor(Code::Port, &text, advice(&error, PAGES));
    }
    if !refused {
        findings.pass(Code::Port, "ports: free");
    }
}

fn advice<'a>(error: &io::Error, in_use: &'a str) -> &'a str {
    match error.kind() == ErrorKind::AddrInUse {
        true => in_use,
        false => "it must be an address of this machine, and a port that this user may use",
    }
}

/// Why the socket can't be had, if so.
fn taken(is_udp: bool, socket: SocketAddr) -> Option<io::Error> {
    if is_udp { UdpSocket::bind(socket).err() } else { TcpListener::bind(socket).err() }
}

/// Of `/ip4/0.0.0.0/udp/9000/quic-v1` and the like: whether it is UDP, and the socket.
fn socket(multiaddr: &str) -> Option<(bool, SocketAddr)> {
    let mut parts = multiaddr.split('/').skip(1);
    let (kind, host, transport, port) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let is_udp = match transport {
        "udp" => true,
        "tcp" => false,
        _ => return None,
    };
    let host: IpAddr = host.parse().ok().filter(|_| matches!(kind, "ip4" | "ip6"))?;
    Some((is_udp, SocketAddr::new(host, port.parse().ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listening_addresses_are_sockets() {
        for (multiaddr, found) in [
            ("/ip4/0.0.0.0/udp/23700/quic-v1", Some((true, "0.0.0.0:23700"))),
            ("/ip6/::/tcp/23700", Some((false, "[::]:23700"))),
            ("/dns4/guardian.example/tcp/23700", None),
            ("/ip4/0.0.0.0/sctp/1", None),
        ] {
            let found = found.map(|(is_udp, socket): (bool, &str)| (is_udp, socket.parse().unwrap()));
            assert_eq!(socket(multiaddr), found, "{multiaddr}");
        }
    }
}
