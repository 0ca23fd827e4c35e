//! Strict reading of fixed-width bytes, and one way for a public value to be written: the same bytes under borsh, `0x…` hex
//! under serde and in text. Knows no type by name.

use crate::{error::Error, member::MemberId};

/// Reads a fixed-width encoding from front to back and insists that nothing is left over.
pub(crate) struct Reader<'a> {
    what: &'static str,
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(what: &'static str, bytes: &'a [u8]) -> Self {
        Self { what, rest: bytes }
    }

    pub(crate) const fn malformed(&self, why: &'static str) -> Error {
        Error::Malformed { what: self.what, why }
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let (head, rest) = self.rest.split_first_chunk::<N>().ok_or_else(|| self.malformed("it is too short"))?;
        self.rest = rest;
        Ok(*head)
    }

    /// The leading version byte.
    pub(crate) fn version(&mut self, supported: u8) -> Result<(), Error> {
        let [found] = self.array()?;
        if found == supported { Ok(()) } else { Err(Error::UnsupportedVersion { what: self.what, found, supported }) }
    }

    pub(crate) fn number(&mut self) -> Result<u16, Error> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn member(&mut self) -> Result<MemberId, Error> {
        let number = self.number()?;
        MemberId::new(number).ok_or_else(|| self.malformed("a member number is zero"))
    }

    pub(crate) fn finish(self) -> Result<(), Error> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.malformed("it is too long")) }
    }
}

/// Exactly `N` bytes, or an error that names `what`.
pub(crate) fn exact<const N: usize>(what: &'static str, bytes: &[u8]) -> Result<[u8; N], Error> {
    let mut reader = Reader::new(what, bytes);
    let array = reader.array()?;
    reader.finish()?;
    Ok(array)
}

/// Gives a type with `to_bytes() -> [u8; LEN]` and a checking `from_bytes(&[u8])` its borsh, serde and text forms.
macro_rules! public_bytes {
    ($type:ident, $len:expr) => {
        impl borsh::BorshSerialize for $type {
            fn serialize<W: borsh::io::Write>(&self, writer: &mut W) -> borsh::io::Result<()> {
                writer.write_all(&self.to_bytes())
            }
        }

        impl borsh::BorshDeserialize for $type {
            fn deserialize_reader<R: borsh::io::Read>(reader: &mut R) -> borsh::io::Result<Self> {
                let bytes = <[u8; $len] as borsh::BorshDeserialize>::deserialize_reader(reader)?;
                Self::from_bytes(&bytes)
                    .map_err(|error| borsh::io::Error::new(borsh::io::ErrorKind::InvalidData, error))
            }
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serde::Serialize::serialize(&alloy_primitives::FixedBytes::from(self.to_bytes()), serializer)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let bytes = <alloy_primitives::FixedBytes<{ $len }> as serde::Deserialize>::deserialize(deserializer)?;
                Self::from_bytes(bytes.as_slice()).map_err(serde::de::Error::custom)
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(&alloy_primitives::hex::encode_prefixed(self.to_bytes()), f)
            }
        }

        impl std::fmt::Debug for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($type), "({})"), self)
            }
        }
    };
}
pub(crate) use public_bytes;
