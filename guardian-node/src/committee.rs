//! The committee file: public, the same for every guardian. Who the members are, where they can be reached, under which key they act.

use crate::{
    durable,
    hint::{Hinted, WithHint},
};
use guardian_crypto::{frost::PublicShares, identity::IdentityPublic};
use guardian_p2p::{Multiaddr, PeerId};
use guardian_protocol::{Committee, KeyEpoch, Member, MemberId};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The file's shape.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommitteeFile {
    /// The key epoch on chain.
    pub key_epoch: KeyEpoch,
    /// The public side of all key shares, hex.
    pub public_shares: String,
    /// The members.
    pub members: Vec<MemberEntry>,
}

/// One member.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemberEntry {
    /// Its place: 1 to n.
    pub id: MemberId,
    /// The operator's name.
    pub name: String,
    /// Its identity key (ed25519), hex.
    pub identity: IdentityPublic,
    /// Where it can be reached.
    pub addresses: Vec<Multiaddr>,
    /// Where it can be reached during a key ceremony, beside its running node.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ceremony_addresses: Vec<Multiaddr>,
}

const ADVICE: &str = "every guardian needs the same file; ask the other operators for it";

impl CommitteeFile {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// If it can't be read or is malformed.
    pub fn load(path: &Path) -> Result<Self, Hinted> {
        Self::parse(&Self::read(path)?, path)
    }

    /// The text of the file at `path`.
    ///
    /// # Errors
    /// If it can't be read.
    pub fn read(path: &Path) -> Result<String, Hinted> {
        std::fs::read_to_string(path).hint(format!("can't read the committee file {}", path.display()), ADVICE)
    }

    /// Reads `text`, which stands in the file at `path`.
    ///
    /// # Errors
    /// If it is malformed.
    pub fn parse(text: &str, path: &Path) -> Result<Self, Hinted> {
        toml::from_str(text).hint(format!("the committee file {} is not valid", path.display()), ADVICE)
    }

    /// The file's text.
    ///
    /// # Errors
    /// None in practice.
    pub fn text(&self) -> Result<String, Hinted> {
        toml::to_string_pretty(self).hint("can't encode a committee file", "this is a defect: report it")
    }

    /// Puts this committee in the place of the one at `path`, unless it says the same already.
    ///
    /// # Errors
    /// If the file can't be replaced; the old one is then still there.
    pub fn replace(&self, path: &Path) -> Result<(), Hinted> {
        let text = self.text()?;
        if std::fs::read(path).is_ok_and(|known| known == text.as_bytes()) {
            return Ok(());
        }
        durable::replace_private(path, text.as_bytes())
    }

    /// The committee, checked.
    ///
    /// # Errors
    /// If members and key shares do not belong together.
    pub fn committee(&self) -> Result<Committee, Hinted> {
        let advice = "the file was damaged or edited: get it again from the other operators";
        let bytes = hex::decode(&self.public_shares).hint("public_shares in the committee file is not hex", advice)?;
        let public =
            PublicShares::from_bytes(&bytes).hint("public_shares in the committee file is malformed", advice)?;
        let members = self.members.iter().map(|entry| Member {
            id: entry.id,
            name: entry.name.clone(),
            identity: entry.identity,
        });
        Committee::new(members, public, self.key_epoch).hint("the committee file contradicts itself", advice)
    }

    /// The member with this name.
    ///
    /// # Errors
    /// If there is none.
    pub fn named(&self, name: &str) -> Result<&MemberEntry, Hinted> {
        self.members.iter().find(|entry| entry.name == name).ok_or_else(|| {
            let names: Vec<&str> = self.members.iter().map(|entry| entry.name.as_str()).collect();
            Hinted::new(
                format!("`{name}` is not a member of the committee"),
                format!("set [guardian] name to one of: {}", names.join(", ")),
            )
        })
    }
}

impl CommitteeFile {
    /// Everybody but `name`.
    pub(crate) fn others<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a MemberEntry> {
        self.members.iter().filter(move |entry| entry.name != name)
    }
}

impl MemberEntry {
    /// Its libp2p peer id, which follows from its identity key.
    ///
    /// # Errors
    /// If the identity is not a valid ed25519 key.
    pub fn peer_id(&self) -> Result<PeerId, Hinted> {
        guardian_p2p::peer_id_of(self.identity.to_bytes())
            .hint(format!("the identity of member {} is not a valid key", self.name), "check the committee file")
    }
}
