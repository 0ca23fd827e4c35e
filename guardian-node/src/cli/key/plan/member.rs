//! `guardian key member`: what the other operators need to know of this one, and how a plan takes it up.

use crate::{
    cli::{arguments::ConfigArgument, output},
    committee::{CommitteeFile, MemberEntry},
    config::{Config, P2pConfig},
    durable::write_private,
    hint::{Hinted, WithHint},
    keys::KeyFiles,
};
use clap::Args;
use eyre::Result;
use guardian_crypto::identity::IdentityPublic;
use guardian_p2p::Multiaddr;
use guardian_protocol::MemberId;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// One operator as the others need to know it; the number is given by the plan.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Card {
    name: String,
    identity: IdentityPublic,
    addresses: Vec<Multiaddr>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    ceremony_addresses: Vec<Multiaddr>,
}

/// Arguments of `guardian key member`.
#[derive(Debug, Args)]
pub(in crate::cli) struct MemberCommand {
    #[command(flatten)]
    config: ConfigArgument,
    /// Where the others reach your node, such as /dns4/host.example/udp/23700/quic-v1; may be repeated
    #[arg(long = "address", required = true)]
    addresses: Vec<Multiaddr>,
    /// Where they reach you during key ceremonies; may be repeated. Left out: the same hosts, at the ports of [p2p] ceremony_listen
    #[arg(long = "ceremony-address")]
    ceremony_addresses: Vec<Multiaddr>,
    /// The file to write, instead of standard output
    #[arg(long)]
    out: Option<PathBuf>,
}

impl MemberCommand {
    pub(in crate::cli) fn run(self) -> Result<()> {
        let config = Config::load(&self.config.config)?;
        let keys = KeyFiles::of(&config)?;
        let card = Card {
            identity: keys.identity(&config.keys.identity)?.public(),
            name: config.guardian.name,
            ceremony_addresses: match self.ceremony_addresses.as_slice() {
                [] => during_ceremonies(&self.addresses, &config.p2p)?,
                said => said.to_vec(),
            },
            addresses: self.addresses,
        };
        let text = toml::to_string_pretty(&card)?;
        match &self.out {
            Some(path) => write_private(path, text.as_bytes())?,
            None => output::data(text.trim_end()),
        }
        Ok(())
    }
}

/// `addresses` at the ports of ceremonies. An address at another port than the node listens on is led here by somebody, who alone knows
/// from where ceremonies' would be.
fn during_ceremonies(addresses: &[Multiaddr], p2p: &P2pConfig) -> Result<Vec<Multiaddr>, Hinted> {
    let (node, ceremony) = (ends(&p2p.listen), ends(&p2p.ceremony_listen));
    let derived = addresses.iter().map(|address| {
        let text = address.to_string();
        let end = end(&text).filter(|end| node.contains(end))?;
        let other = ceremony.iter().find(|other| other.0 == end.0)?;
        text.replacen(&format!("/{}/{}", end.0, end.1), &format!("/{}/{}", other.0, other.1), 1).parse().ok()
    });
    derived.collect::<Option<Vec<Multiaddr>>>().ok_or_else(|| {
        Hinted::new(
            "can't tell where the others reach you during key ceremonies: the addresses have other ports than [p2p] listen",
            "say so with --ceremony-address",
        )
    })
}

/// Transport and port.
type End<'a> = (&'a str, &'a str);

fn ends(addresses: &[String]) -> Vec<End<'_>> {
    addresses.iter().filter_map(|address| end(address)).collect()
}

/// Where the multiaddress `text` ends, such as udp and 23700.
fn end(text: &str) -> Option<End<'_>> {
    let mut parts = text.split('/');
    let transport = parts.find(|part| matches!(*part, "udp" | "tcp"))?;
    Some((transport, parts.next()?))
}

impl Card {
    pub(super) fn load(path: &Path) -> Result<Self, Hinted> {
        let advice = "pass a file with what `guardian key member` prints on that operator's machine";
        let text = std::fs::read_to_string(path).hint(format!("can't read {}", path.display()), advice)?;
        toml::from_str(&text).hint(format!("{} does not describe a member", path.display()), advice)
    }

    pub(super) fn entry(self, id: MemberId) -> MemberEntry {
        let Self { name, identity, addresses, ceremony_addresses } = self;
        MemberEntry { id, name, identity, addresses, ceremony_addresses }
    }
}

/// Who is a member now keeps its number; newcomers get numbers above all of them, because exit shares hang on numbers.
pub(super) fn numbered(current: &CommitteeFile, cards: Vec<Card>) -> Result<Vec<MemberEntry>, Hinted> {
    let mut highest = current.members.iter().map(|entry| entry.id.get()).max().unwrap_or_default();
    let mut members = Vec::new();
    for card in cards {
        let known = current.members.iter().find(|entry| entry.identity == card.identity).map(|entry| entry.id);
        let id = match known {
            Some(id) => id,
            None => {
                highest = highest.saturating_add(1);
                MemberId::new(highest).ok_or_else(|| Hinted::new("no number is left", "this is a defect: report it"))?
            }
        };
        members.push(card.entry(id));
    }
    members.sort_by_key(|entry| entry.id);
    Ok(members)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ceremonies_have_the_same_hosts_and_other_ports() {
        let derived = |addresses: &[&str]| {
            let addresses: Vec<Multiaddr> = addresses.iter().map(|address| address.parse().unwrap()).collect();
            let derived = during_ceremonies(&addresses, &P2pConfig::default()).ok()?;
            Some(derived.iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        let usual = ["/dns4/host.example/udp/23700/quic-v1", "/ip4/192.0.2.1/tcp/23700"];
        let during = ["/dns4/host.example/udp/23701/quic-v1", "/ip4/192.0.2.1/tcp/23701"].map(str::to_owned);
        assert_eq!(derived(&usual), Some(during.to_vec()));
        assert_eq!(derived(&["/dns4/host.example/udp/4444/quic-v1"]), None, "somebody leads it here");
    }
}
