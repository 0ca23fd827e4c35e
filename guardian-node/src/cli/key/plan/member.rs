//! `guardian key member`: what the other operators need to know of this one, and how a plan takes it up.

use crate::{
    cli::{arguments::ConfigArgument, output},
    committee::{CommitteeFile, MemberEntry},
    config::Config,
    hint::{Hinted, WithHint},
    keys::KeyFiles,
};
use clap::Args;
use eyre::Result;
use guardian_crypto::identity::IdentityPublic;
use guardian_p2p::Multiaddr;
use guardian_protocol::MemberId;
use serde::{Deserialize, Serialize};
use std::path::Path;

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
    /// Where the others reach your node, such as /dns4/host.example/udp/9000/quic-v1; may be repeated
    #[arg(long = "address", required = true)]
    addresses: Vec<Multiaddr>,
    /// Where they reach you during key ceremonies; may be repeated
    #[arg(long = "ceremony-address")]
    ceremony_addresses: Vec<Multiaddr>,
}

impl MemberCommand {
    pub(in crate::cli) fn run(self) -> Result<()> {
        let config = Config::load(&self.config.config)?;
        let keys = KeyFiles::of(&config)?;
        let card = Card {
            identity: keys.identity(&config.keys.identity)?.public(),
            name: config.guardian.name,
            addresses: self.addresses,
            ceremony_addresses: self.ceremony_addresses,
        };
        output::data(toml::to_string_pretty(&card)?.trim_end());
        Ok(())
    }
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
