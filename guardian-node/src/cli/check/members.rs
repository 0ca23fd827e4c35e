//! The other members: whether they can be reached. A node that runs knows best; otherwise a TCP connection is tried, which needs no
//! identity.

use super::{code::Code, findings::Findings};
use crate::committee::{CommitteeFile, MemberEntry};
use serde_json::Value;
use std::{collections::BTreeSet, time::Duration};
use tokio::net::TcpStream;

const PATIENCE: Duration = Duration::from_secs(3);
const ADVICE: &str = "is it running, is its port open, and is its address in the committee file right? t members are needed, all others may be away";

/// The numbers of the members that a running node is connected to, by its page.
pub(super) fn connected(page: &Value) -> BTreeSet<u64> {
    let list = page.get("connected").and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_u64).collect()
}

/// Tells of each member but `own`. `connected`: those that the running node has a connection to, over whatever transport.
pub(super) async fn tell_members(
    committee: &CommitteeFile,
    own: &str,
    connected: Option<&BTreeSet<u64>>,
    findings: &mut Findings,
) {
    for member in committee.others(own) {
        let name = &member.name;
        match connected {
            Some(connected) if connected.contains(&member.id.get().into()) => {
                findings.pass(Code::Member, &format!("member {name} is connected to the running node"));
            }
            Some(_) => {
                let text = format!("member {name} is not connected to the running node");
                findings.poor(Code::Member, &text, ADVICE);
            }
            None => try_member(member, findings).await,
        }
    }
}

async fn try_member(member: &MemberEntry, findings: &mut Findings) {
    let (name, addresses) = (&member.name, tcp_addresses(member));
    let mut failure = None;
    for address in &addresses {
        match tokio::time::timeout(PATIENCE, TcpStream::connect(address)).await {
            Ok(Ok(_)) => {
                return findings.pass(Code::Member, &format!("member {name} takes connections at {address}"));
            }
            Ok(Err(error)) => failure = Some(format!("{address}: {error}")),
            Err(_) => failure = Some(format!("{address}: no answer in {} s", PATIENCE.as_secs())),
        }
    }
    match failure {
        Some(failure) => {
            findings.poor(Code::Member, &format!("member {name} can't be reached over TCP: {failure}"), ADVICE);
        }
        None => findings.unknown(
            Code::Member,
            &format!("member {name} has no TCP address, and QUIC is not tried from here"),
            "start the node and check again: it knows who is connected, as `guardian status` does",
        ),
    }
}

/// Of `/ip4/192.0.2.1/tcp/9000` and the like: what a socket takes.
fn tcp_addresses(member: &MemberEntry) -> Vec<String> {
    member.addresses.iter().filter_map(|address| tcp_address(&address.to_string())).collect()
}

fn tcp_address(multiaddr: &str) -> Option<String> {
    let mut parts = multiaddr.split('/').skip(1);
    match (parts.next()?, parts.next()?, parts.next()?, parts.next()?) {
        ("ip4" | "dns" | "dns4" | "dns6", host, "tcp", port) => Some(format!("{host}:{port}")),
        ("ip6", host, "tcp", port) => Some(format!("[{host}]:{port}")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_a_socket_takes_are_found() {
        for (multiaddr, address) in [
            ("/ip4/192.0.2.1/tcp/9000", Some("192.0.2.1:9000")),
            ("/ip6/2001:db8::1/tcp/9000", Some("[2001:db8::1]:9000")),
            ("/dns/guardian.example/tcp/9000", Some("guardian.example:9000")),
            ("/ip4/192.0.2.1/udp/9000/quic-v1", None),
            ("/ip4/192.0.2.1", None),
        ] {
            assert_eq!(tcp_address(multiaddr).as_deref(), address, "{multiaddr}");
        }
    }
}
