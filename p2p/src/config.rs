//! Whom to talk to, where to listen, within which limits. Read and checked once, at the start; no files, no environment.

use std::{collections::BTreeMap, time::Duration};

use libp2p::{Multiaddr, PeerId, multiaddr::Protocol};

use crate::{Error, Limits};

/// The limits (connections, metric labels, housekeeping over all members) were reasoned for committees up to this size.
pub(crate) const MAX_MEMBERS: usize = 128;

/// QUIC and TCP over IPv4, IPv6 and a host name are six; more is a mistake, and each one delays a redial.
const MAX_ADDRESSES: usize = 8;

/// Pings must be answered within 3 s and handshakes must end within 5 s.
const MAX_SIMULATED_ROUND_TRIP: Duration = Duration::from_secs(2);

/// One other member of the committee.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Who it is; see [`crate::peer_id_of`].
    pub peer_id: PeerId,
    /// Where to dial it, in order of preference, such as `/ip4/192.0.2.1/udp/23700/quic-v1` or `/dns4/host.example/tcp/23700`.
    /// May be empty: then it has to dial us.
    pub addresses: Vec<Multiaddr>,
}

/// What a network is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Purpose {
    /// For a guardian's duties. A member runs one at a time.
    #[default]
    Duties,
    /// For a key ceremony, which may run beside the guardian.
    Ceremony,
}

/// What [`crate::Network::start`] needs besides our identity.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// Where to listen; port 0 lets the system choose. May be empty: then we only dial.
    pub listen: Vec<Multiaddr>,
    /// Everybody else. Nobody who is not listed is talked to.
    pub members: Vec<Member>,
    /// Bounds of everything.
    pub limits: Limits,
    /// What the network is for. Processes of one member are only taken for doppelgangers if they are for the same.
    pub purpose: Purpose,
    /// For tests and benchmarks: how far apart in time the members pretend to be, if all of them are told the same. Zero, the
    /// default, pretends nothing. At most 2 s, a bound beyond which pings and handshakes time out.
    pub simulated_round_trip: Duration,
}

impl Config {
    /// The members with the addresses to dial, checked: no duplicates, not ourselves, no foreign `/p2p/` suffix.
    pub(crate) fn checked_members(&self, own: PeerId) -> Result<BTreeMap<PeerId, Vec<Multiaddr>>, Error> {
        self.limits.check()?;
        if self.simulated_round_trip > MAX_SIMULATED_ROUND_TRIP {
            return Err(Error::Limit { name: "simulated_round_trip", why: "above 2 s" });
        }
        if self.members.len() > MAX_MEMBERS {
            return Err(Error::TooManyMembers { found: self.members.len(), limit: MAX_MEMBERS });
        }
        let mut members = BTreeMap::new();
        for member in &self.members {
            if member.peer_id == own {
                return Err(Error::OwnIdentity(own));
            }
            let addresses = member.dialable()?;
            if members.insert(member.peer_id, addresses).is_some() {
                return Err(Error::DuplicateMember(member.peer_id));
            }
        }
        Ok(members)
    }
}

impl Member {
    /// The addresses without a `/p2p/` suffix of our member; libp2p checks the identity on its own.
    fn dialable(&self) -> Result<Vec<Multiaddr>, Error> {
        let refuse = |address: &Multiaddr, why| {
            Err(Error::MemberAddress { peer: Box::new(self.peer_id), address: address.clone(), why })
        };
        let mut addresses = Vec::with_capacity(self.addresses.len());
        for address in &self.addresses {
            let mut bare = address.clone();
            if let Some(Protocol::P2p(peer)) = bare.iter().last() {
                if peer != self.peer_id {
                    return refuse(address, "it ends in the /p2p/ identity of somebody else");
                }
                bare.pop();
            }
            if !is_dialable(&bare) {
                return refuse(address, "neither …/tcp/<port> nor …/udp/<port>/quic-v1 of a host");
            }
            if addresses.len() == MAX_ADDRESSES {
                return refuse(address, "more than 8 addresses for one member");
            }
            addresses.push(bare);
        }
        Ok(addresses)
    }
}

/// Host, then TCP, or UDP with QUIC; the port not zero.
fn is_dialable(address: &Multiaddr) -> bool {
    let mut parts = address.iter();
    let host = match parts.next() {
        Some(Protocol::Ip4(ip)) => !ip.is_unspecified(),
        Some(Protocol::Ip6(ip)) => !ip.is_unspecified(),
        Some(Protocol::Dns(_) | Protocol::Dns4(_) | Protocol::Dns6(_)) => true,
        _ => false,
    };
    let transport = match (parts.next(), parts.next()) {
        (Some(Protocol::Tcp(port)), None) | (Some(Protocol::Udp(port)), Some(Protocol::QuicV1)) => port != 0,
        _ => false,
    };
    host && transport && parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(addresses: &[String]) -> Member {
        Member { peer_id: PeerId::random(), addresses: addresses.iter().map(|a| a.parse().unwrap()).collect() }
    }

    fn check(members: Vec<Member>) -> Result<BTreeMap<PeerId, Vec<Multiaddr>>, Error> {
        Config { members, ..Config::default() }.checked_members(PeerId::random())
    }

    #[test]
    fn hosts_by_address_and_name_over_tcp_and_quic_can_be_dialled() {
        let all = [
            "/ip4/192.0.2.1/tcp/23700",
            "/ip6/2001:db8::1/udp/23700/quic-v1",
            "/dns4/guardian.example/tcp/23700",
            "/dns/guardian.example/udp/23700/quic-v1",
        ];
        let one = member(&all.map(String::from));
        assert_eq!(check(vec![one.clone()]).unwrap().get(&one.peer_id).map(Vec::len), Some(4));
    }

    #[test]
    fn the_suffix_of_the_member_itself_is_dropped() {
        let mut one = member(&[]);
        one.addresses = vec![format!("/ip4/192.0.2.1/tcp/23700/p2p/{}", one.peer_id).parse().unwrap()];
        let bare: Multiaddr = "/ip4/192.0.2.1/tcp/23700".parse().unwrap();
        assert_eq!(check(vec![one.clone()]).unwrap().remove(&one.peer_id), Some(vec![bare]));
    }

    #[test]
    fn the_suffix_of_somebody_else_is_refused() {
        let one = member(&[format!("/ip4/192.0.2.1/tcp/23700/p2p/{}", PeerId::random())]);
        assert!(matches!(check(vec![one]), Err(Error::MemberAddress { .. })));
    }

    #[test]
    fn what_nobody_could_dial_is_refused() {
        for address in [
            "/ip4/192.0.2.1",
            "/ip4/192.0.2.1/tcp/0",
            "/ip4/0.0.0.0/tcp/23700",
            "/ip4/192.0.2.1/udp/23700",
            "/ip4/192.0.2.1/tcp/23700/ws",
            "/unix/socket",
        ] {
            assert!(matches!(check(vec![member(&[address.into()])]), Err(Error::MemberAddress { .. })), "{address}");
        }
    }

    #[test]
    fn a_member_twice_and_ourselves_are_refused() {
        let one = member(&[]);
        assert!(
            matches!(check(vec![one.clone(), one.clone()]), Err(Error::DuplicateMember(peer)) if peer == one.peer_id)
        );
        let own = one.peer_id;
        let config = Config { members: vec![one], ..Config::default() };
        assert!(matches!(config.checked_members(own), Err(Error::OwnIdentity(_))));
    }

    #[test]
    fn members_that_would_be_too_far_apart_to_connect_are_refused() {
        let apart = |simulated_round_trip| Config { simulated_round_trip, ..Config::default() };
        let check = |config: Config| config.checked_members(PeerId::random());
        assert!(check(apart(MAX_SIMULATED_ROUND_TRIP)).is_ok());
        let further = check(apart(MAX_SIMULATED_ROUND_TRIP + Duration::from_millis(1)));
        assert!(matches!(further, Err(Error::Limit { name: "simulated_round_trip", .. })));
    }

    #[test]
    fn more_members_or_addresses_than_supported_are_refused() {
        let crowd = (0..=MAX_MEMBERS).map(|_| member(&[])).collect();
        assert!(matches!(check(crowd), Err(Error::TooManyMembers { .. })));
        let many: Vec<String> = (1..=9).map(|port| format!("/ip4/192.0.2.1/tcp/{port}")).collect();
        assert!(matches!(check(vec![member(&many)]), Err(Error::MemberAddress { .. })));
    }
}
