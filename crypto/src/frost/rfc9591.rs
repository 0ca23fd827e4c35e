//! RFC 9591, appendix E.5: FROST(secp256k1, SHA-256), two of three sign "test". Written out; the only test that must be inside
//! the crate, because the RFC's message is not a digest's 32 bytes.

use super::{
    KeyShare,
    signing::{Commitments, SignatureShare, SigningPackage, aggregate, commit, sign, verify_share},
};
use crate::{
    frost::PublicShares,
    member::MemberId,
    schnorr::{GroupKey, Signature},
};
use alloy_primitives::hex;
use rand_core::{CryptoRng, RngCore};
use std::collections::BTreeMap;

const GROUP_KEY: [u8; 33] = hex!("02f37c34b66ced1fb51c34a90bdae006901f10625cc06c4f64663b0eae87d87b4f");
/// The commitment to the polynomial's second coefficient, `fbf85ead…8235 79 * G`; not in the RFC, which lists the coefficient.
const COEFFICIENT: [u8; 32] = hex!("fbf85eadae3058ea14f19148bb72b45e4399c0b16028acaf0395c9b03c823579");
const MESSAGE: &[u8] = b"test";
const SIGNATURE: [u8; 65] = hex!(
    "0205b6d04d3774c8929413e3c76024d54149c372d57aae62574ed74319b5ea14d0"
    "c65dde8492a7471437e6c2fe3da49b90d23f642b5c6dbe7e36089f096dd97324"
);

struct Signer {
    number: u16,
    share: [u8; 32],
    randomness: [[u8; 32]; 2],
    commitments: [[u8; 33]; 2],
    signature_share: [u8; 32],
}

const SIGNERS: [Signer; 2] = [
    Signer {
        number: 1,
        share: hex!("08f89ffe80ac94dcb920c26f3f46140bfc7f95b493f8310f5fc1ea2b01f4254c"),
        randomness: [
            hex!("7ea5ed09af19f6ff21040c07ec2d2adbd35b759da5a401d4c99dd26b82391cb2"),
            hex!("47acab018f116020c10cb9b9abdc7ac10aae1b48ca6e36dc15acb6ec9be5cdc5"),
        ],
        commitments: [
            hex!("03c699af97d26bb4d3f05232ec5e1938c12f1e6ae97643c8f8f11c9820303f1904"),
            hex!("02fa2aaccd51b948c9dc1a325d77226e98a5a3fe65fe9ba213761a60123040a45e"),
        ],
        signature_share: hex!("c4fce1775a1e141fb579944166eab0d65eefe7b98d480a569bbbfcb14f91c197"),
    },
    Signer {
        number: 3,
        share: hex!("00e95d59dd0d46b0e303e500b62b7ccb0e555d49f5b849f5e748c071da8c0dbc"),
        randomness: [
            hex!("e6cc56ccbd0502b3f6f831d91e2ebd01c4de0479e0191b66895a4ffd9b68d544"),
            hex!("7203d55eb82a5ca0d7d83674541ab55f6e76f1b85391d2c13706a89a064fd5b9"),
        ],
        commitments: [
            hex!("03077507ba327fc074d2793955ef3410ee3f03b82b4cdc2370f71d865beb926ef6"),
            hex!("02ad53031ddfbbacfc5fbda3d3b0c2445c8e3e99cbc4ca2db2aa283fa68525b135"),
        ],
        signature_share: hex!("0160fd0d388932f4826d2ebcd6b9eaba734f7c71cf25b4279a4ca2581e47b18d"),
    },
];

/// Yields prepared bytes.
struct Scripted(Vec<u8>);

impl RngCore for Scripted {
    fn next_u32(&mut self) -> u32 {
        rand_core::impls::next_u32_via_fill(self)
    }

    fn next_u64(&mut self) -> u64 {
        rand_core::impls::next_u64_via_fill(self)
    }

    fn fill_bytes(&mut self, to: &mut [u8]) {
        let drawn: Vec<u8> = self.0.drain(..to.len()).collect();
        to.copy_from_slice(&drawn);
    }

    fn try_fill_bytes(&mut self, to: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(to);
        Ok(())
    }
}

impl CryptoRng for Scripted {}

fn member(number: u16) -> MemberId {
    MemberId::new(number).unwrap()
}

fn key_share(signer: &Signer) -> KeyShare {
    let bytes = [&[1][..], &signer.number.to_be_bytes(), &[0, 2], &GROUP_KEY, &signer.share].concat();
    KeyShare::from_secret_bytes(&bytes).unwrap()
}

fn public_shares() -> PublicShares {
    let coefficient = frost_secp256k1::keys::SigningShare::deserialize(&COEFFICIENT).unwrap();
    let commitment = frost_secp256k1::keys::VerifyingShare::from(coefficient).serialize().unwrap();
    let bytes = [&[1, 0, 2][..], &GROUP_KEY, &commitment, &[0, 3, 0, 1, 0, 2, 0, 3]].concat();
    PublicShares::from_bytes(&bytes).unwrap()
}

#[test]
fn the_rfcs_example_is_reproduced_to_the_byte() {
    let public = public_shares();
    let mut nonces = BTreeMap::new();
    let mut commitments = BTreeMap::new();
    for signer in &SIGNERS {
        let share = key_share(signer);
        share.belongs_to(&public).unwrap();
        let (nonce, commitment) = commit(&share, &mut Scripted(signer.randomness.concat())).unwrap();
        assert_eq!(commitment.to_bytes().to_vec(), signer.commitments.concat());
        nonces.insert(signer.number, nonce);
        commitments.insert(member(signer.number), commitment);
    }
    let package = SigningPackage::over(MESSAGE, &commitments).unwrap();
    let mut shares = BTreeMap::new();
    for signer in &SIGNERS {
        let share = sign(nonces.remove(&signer.number).unwrap(), &package, &key_share(signer)).unwrap();
        assert_eq!(share.to_bytes(), signer.signature_share);
        verify_share(&package, member(signer.number), &share, &public).unwrap();
        shares.insert(member(signer.number), share);
    }
    let signature = aggregate(&package, &shares, &public).unwrap();
    assert_eq!(signature, Signature::from_rfc9591(&SIGNATURE).unwrap());
    assert_eq!(signature.z()[..], SIGNATURE[33..]);
    GroupKey::from_bytes(&GROUP_KEY).unwrap().verify_message(MESSAGE, &signature).unwrap();
}

#[test]
fn the_rfcs_signature_is_valid_for_its_message_only() {
    let key = GroupKey::from_bytes(&GROUP_KEY).unwrap();
    let signature = Signature::from_rfc9591(&SIGNATURE).unwrap();
    assert!(key.verify_message(b"test", &signature).is_ok());
    assert!(key.verify_message(b"Test", &signature).is_err());
    assert!(key.verify_message(b"", &signature).is_err());
}

#[test]
fn a_wrong_share_of_the_rfcs_example_is_found() {
    let public = public_shares();
    let commitments = SIGNERS
        .iter()
        .map(|signer| (member(signer.number), Commitments::from_bytes(&signer.commitments.concat()).unwrap()))
        .collect();
    let package = SigningPackage::over(MESSAGE, &commitments).unwrap();
    let swapped = SignatureShare::from_bytes(&SIGNERS[0].signature_share).unwrap();
    let error = verify_share(&package, member(3), &swapped, &public).unwrap_err();
    assert_eq!(error.culprits(), [member(3)]);
}
