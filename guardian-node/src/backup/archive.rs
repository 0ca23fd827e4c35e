//! What a backup consists of, as bytes: a lasting format. One version byte, then borsh; sealed as a whole by the caller.
//!
//! There is no place in it for anything of the store: what a guardian has signed must never be forgotten by going back to a copy.

use crate::hint::{Hinted, WithHint};
use borsh::{BorshDeserialize, BorshSerialize};
use guardian_crypto::secret::Secret;
use std::fmt;

/// Everything that a guardian must not lose.
#[derive(Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Archive {
    /// The configuration's text.
    pub config: String,
    /// The files that it names, and those of key ceremonies.
    pub files: Vec<File>,
}

/// One file.
#[derive(Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct File {
    /// What it is: where it goes.
    pub role: Role,
    /// Its bytes, as they were.
    pub bytes: Vec<u8>,
}

/// What a file is.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Role {
    /// The committee file.
    Committee,
    /// The sealed identity.
    Identity,
    /// The sealed account key.
    Account,
    /// The sealed exit shares.
    Exits,
    /// A sealed share of the group key.
    Share {
        /// The file's name in the folder of shares.
        name: String,
    },
    /// A public file of a key ceremony that led to one of the shares.
    Ceremony {
        /// The ceremony's folder.
        ceremony: String,
        /// The file's name.
        name: String,
    },
    /// The file that says where the contracts are.
    Deployment,
    /// The sealed enclave keys.
    Enclave,
}

impl Archive {
    /// The format's version.
    pub const VERSION: u8 = 1;

    /// The lasting encoding.
    ///
    /// # Errors
    /// None in practice.
    pub fn encode(&self) -> Result<Secret<Vec<u8>>, Hinted> {
        let mut bytes = vec![Self::VERSION];
        self.serialize(&mut bytes).hint("can't encode a backup", "this is a defect: report it")?;
        Ok(Secret::new(bytes))
    }

    /// The strict inverse of [`Archive::encode`]; file names in it are names, not paths.
    ///
    /// # Errors
    /// On anything else.
    pub fn decode(bytes: &[u8]) -> Result<Self, Hinted> {
        let advice = "it was written by another version of the node, or is damaged";
        let archive: Self = match bytes.split_first() {
            Some((&Self::VERSION, body)) => borsh::from_slice(body).hint("the backup is malformed", advice)?,
            Some((other, _)) => {
                return Err(Hinted::new(
                    format!("backup version {other} is not known to this version of the node"),
                    advice,
                ));
            }
            None => return Err(Hinted::new("the backup is empty", advice)),
        };
        let names = archive.files.iter().flat_map(|file| match &file.role {
            Role::Share { name } => vec![name],
            Role::Ceremony { ceremony, name } => vec![ceremony, name],
            Role::Committee | Role::Identity | Role::Account | Role::Exits | Role::Deployment | Role::Enclave => {
                Vec::new()
            }
        });
        for name in names {
            if !is_name(name) {
                return Err(Hinted::new(format!("the backup holds a file with the name {name:?}"), advice));
            }
        }
        Ok(archive)
    }
}

/// Whether this names a file in a folder, and nothing beyond it.
fn is_name(name: &str) -> bool {
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'));
    plain && (1..=128).contains(&name.len()) && !name.starts_with('.')
}

impl fmt::Debug for Archive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Archive").field("files", &self.files).finish_non_exhaustive()
    }
}

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("File").field("role", &self.role).field("bytes", &self.bytes.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive() -> Archive {
        let files = [
            Role::Committee,
            Role::Identity,
            Role::Account,
            Role::Exits,
            Role::Share { name: "0011223344556677.sealed".to_owned() },
            Role::Ceremony { ceremony: "8899aabbccddeeff".to_owned(), name: "transcript".to_owned() },
        ];
        let files = files.into_iter().zip(1u8..).map(|(role, byte)| File { role, bytes: vec![byte] }).collect();
        Archive { config: "[guardian]".to_owned(), files }
    }

    #[test]
    fn the_encoding_is_lasting() {
        let golden = "010a0000005b677561726469616e5d0600000000010000000101010000000202010000000303010000000404170000003030\
                      31313232333334343535363637372e7365616c656401000000050510000000383839396161626263636464656566660a0000\
                      007472616e736372697074010000000 6";
        let golden: String = golden.split_whitespace().collect();
        assert_eq!(hex::encode(archive().encode().unwrap().expose()), golden);
        assert_eq!(Archive::decode(&hex::decode(golden).unwrap()).unwrap(), archive());
    }

    #[test]
    fn anything_else_is_refused() {
        let bytes = archive().encode().unwrap().expose().clone();
        assert!(Archive::decode(&[]).is_err());
        assert!(Archive::decode(&bytes[..bytes.len() - 1]).is_err());
        assert!(Archive::decode(&[bytes.as_slice(), &[0]].concat()).is_err());
        assert!(Archive::decode(&[&[2], &bytes[1..]].concat()).is_err());
    }

    #[test]
    fn a_name_that_is_a_path_is_refused() {
        for name in ["../share.sealed", "/etc/passwd", "a/b", "", ".hidden", "..", "nul\0"] {
            let mut archive = archive();
            archive.files.push(File { role: Role::Share { name: name.to_owned() }, bytes: Vec::new() });
            assert!(Archive::decode(archive.encode().unwrap().expose()).is_err(), "{name:?}");
        }
    }
}
