//! Who we are on the network, and the peer ids of others. Not a key store: the seed comes from the caller and is wiped.

use std::{borrow::BorrowMut, fmt};

use libp2p::{
    PeerId,
    identity::{Keypair, PublicKey, ed25519},
};

use crate::Error;

/// Our ed25519 key pair. It proves who we are when a connection is set up and signs what we broadcast.
///
/// Neither printable nor cloneable; libp2p wipes the secret part when it is dropped.
pub struct Identity {
    keypair: Keypair,
}

impl Identity {
    /// Takes the 32-byte seed (RFC 8032, section 5.1.5) by value or by `&mut`; either way the buffer is zeroed.
    ///
    /// # Errors
    /// [`Error::ZeroSeed`] when every byte is zero, as from a key file that was never written.
    pub fn from_seed(mut seed: impl BorrowMut<[u8; 32]>) -> Result<Self, Error> {
        let seed: &mut [u8; 32] = seed.borrow_mut();
        if seed.iter().all(|byte| *byte == 0) {
            return Err(Error::ZeroSeed);
        }
        let secret = ed25519::SecretKey::try_from_bytes(seed).map_err(|_| Error::PublicKey)?;
        let keypair = Keypair::from(ed25519::Keypair::from(secret));
        Ok(Self { keypair })
    }

    /// Our peer id: what the others list as a member.
    #[must_use]
    pub fn peer_id(&self) -> PeerId {
        self.keypair.public().to_peer_id()
    }

    pub(crate) fn into_keypair(self) -> Keypair {
        self.keypair
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("peer_id", &self.peer_id()).field("secret", &"<redacted>").finish()
    }
}

/// The peer id of a member, from its ed25519 public key (libp2p specification "Peer Ids and Keys": the key itself, inlined).
///
/// # Errors
/// [`Error::PublicKey`] when the bytes are not a point of the curve.
pub fn peer_id_of(public_key: [u8; 32]) -> Result<PeerId, Error> {
    let key = ed25519::PublicKey::try_from_bytes(&public_key).map_err(|_| Error::PublicKey)?;
    Ok(PublicKey::from(key).to_peer_id())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8032, section 7.1, test 1.
    const SEED: [u8; 32] = [
        0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c, 0xc4, 0x44, 0x49,
        0xc5, 0x69, 0x7b, 0x32, 0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60,
    ];
    const PUBLIC: [u8; 32] = [
        0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07, 0x3a, 0x0e, 0xe1,
        0x72, 0xf3, 0xda, 0xa6, 0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a,
    ];

    #[test]
    fn a_seed_and_its_public_key_give_the_same_peer_id() {
        assert_eq!(Identity::from_seed(SEED).unwrap().peer_id(), peer_id_of(PUBLIC).unwrap());
    }

    #[test]
    fn the_seed_is_wiped_where_it_was() {
        let mut seed = SEED;
        Identity::from_seed(&mut seed).unwrap();
        assert_eq!(seed, [0; 32]);
    }

    #[test]
    fn a_seed_of_zeroes_is_refused() {
        assert!(matches!(Identity::from_seed([0; 32]), Err(Error::ZeroSeed)));
    }

    #[test]
    fn bytes_that_are_no_point_are_refused() {
        // y = 2 has no x on the curve.
        let mut bytes = [0; 32];
        bytes[0] = 2;
        assert!(matches!(peer_id_of(bytes), Err(Error::PublicKey)));
    }

    #[test]
    fn printing_an_identity_shows_no_secret() {
        let printed = format!("{:?}", Identity::from_seed(SEED).unwrap());
        assert!(printed.contains("<redacted>"));
        assert!(!printed.contains("157, 97, 177"));
        assert!(!printed.to_lowercase().contains("9d61b1"));
    }
}
