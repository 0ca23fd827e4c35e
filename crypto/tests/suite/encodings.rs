//! The bytes that outlive a process or travel: pinned to values written down here, and nothing but those is read.

use crate::{frost::member, randomness::seeded};
use alloy_primitives::hex;
use borsh::{BorshDeserialize, BorshSerialize};
use guardian_crypto::{
    Error,
    bls::{BlsSignature, PartialSignature, PublicKey, SecretKey, ShareCommitments, dealer::split, exit::ExitDomain},
    disclosable::{Disclosure, EphemeralKey, EphemeralPublic},
    frost::{
        KeyShare, PublicShares,
        signing::{Commitments, SignatureShare},
    },
    identity::{IdentityKey, IdentityPublic, IdentitySignature},
    schnorr::{GroupKey, Signature},
    secret::Secret,
};
use serde::{Serialize, de::DeserializeOwned};
use std::fmt::Debug;

// The key, shares and signature of RFC 9591, appendix E.5, in this crate's forms.
const GROUP_KEY: [u8; 33] = hex!("02f37c34b66ced1fb51c34a90bdae006901f10625cc06c4f64663b0eae87d87b4f");
const GROUP_KEY_Y: [u8; 32] = hex!("27be69ffdc4ad5af4bbad67a570e9f8cede4e1a87ce3df1588dfe0b85c6272b8");
const KEY_SHARE: [u8; 70] = hex!(
    "01" "0003" "0002" "02f37c34b66ced1fb51c34a90bdae006901f10625cc06c4f64663b0eae87d87b4f"
    "00e95d59dd0d46b0e303e500b62b7ccb0e555d49f5b849f5e748c071da8c0dbc"
);
const VERIFYING_SHARES: [[u8; 33]; 3] = [
    hex!("026baee4bf7d4b9c4567dfff6f3c2c76df5c082e9320cd8187d6ab5965bc5a119a"),
    hex!("03dacc9463e5186f3c81ae1b314f7b09001a22b28bb56ad0abd3f376818f9604ab"),
    hex!("031404710e938032db0d4f6a4cd20ae37384be98ba9fe05b42d139361202b391e6"),
];
const PUBLIC_SHARES: [u8; 77] = hex!(
    "01" "0002"
    "02f37c34b66ced1fb51c34a90bdae006901f10625cc06c4f64663b0eae87d87b4f"
    "033edecb0840954631b668f2ccd1250832007486de1dbe3d08b84466b26e215eec"
    "0003" "0001" "0002" "0003"
);
const SIGNATURE: [u8; 96] = hex!(
    "05b6d04d3774c8929413e3c76024d54149c372d57aae62574ed74319b5ea14d0"
    "e8c864734e5a7ca750bae921423cf8d29a9a9e6251f09269480a7770b8204a36"
    "c65dde8492a7471437e6c2fe3da49b90d23f642b5c6dbe7e36089f096dd97324"
);
const COMMITMENTS: [u8; 66] = hex!(
    "03c699af97d26bb4d3f05232ec5e1938c12f1e6ae97643c8f8f11c9820303f1904"
    "02fa2aaccd51b948c9dc1a325d77226e98a5a3fe65fe9ba213761a60123040a45e"
);

#[test]
fn a_key_share_is_70_pinned_bytes() {
    let share = KeyShare::from_secret_bytes(&KEY_SHARE).unwrap();
    assert_eq!((share.member(), share.threshold()), (member(3), 2));
    assert_eq!(share.group_key().to_bytes(), GROUP_KEY);
    assert_eq!(share.verifying_share(), VERIFYING_SHARES[2]);
    assert_eq!(share.to_secret_bytes().expose()[..], KEY_SHARE);
    for length in 0..KEY_SHARE.len() {
        assert!(KeyShare::from_secret_bytes(&KEY_SHARE[..length]).is_err(), "length {length}");
    }
    assert!(KeyShare::from_secret_bytes(&[&KEY_SHARE[..], &[0]].concat()).is_err());
}

#[test]
fn a_key_share_that_makes_no_sense_is_refused() {
    let with = |at: usize, bytes: &[u8]| {
        let mut changed = KEY_SHARE;
        changed[at..at + bytes.len()].copy_from_slice(bytes);
        KeyShare::from_secret_bytes(&changed).unwrap_err()
    };
    assert_eq!(with(0, &[2]), Error::UnsupportedVersion { what: "key share", found: 2, supported: 1 });
    for (at, bytes) in [
        (1, &[0, 0][..]),  // member zero
        (3, &[0, 0]),      // threshold zero
        (3, &[0, 1]),      // threshold one
        (3, &[1, 1]),      // threshold 257
        (5, &[5]),         // the key in its "compact" form
        (5, &[0; 33]),     // no key
        (38, &[0; 32]),    // a zero share
        (38, &[0xff; 32]), // a share above the order
    ] {
        assert!(matches!(with(at, bytes), Error::Malformed { .. }), "{bytes:?} at {at}");
    }
}

#[test]
fn public_shares_are_pinned_bytes() {
    let public = PublicShares::from_bytes(&PUBLIC_SHARES).unwrap();
    assert_eq!(public.group_key().coordinates(), (GROUP_KEY[1..].try_into().unwrap(), GROUP_KEY_Y));
    assert_eq!(public.threshold(), 2);
    assert!(public.members().eq([1, 2, 3].map(member)));
    for (number, expected) in (1..).zip(VERIFYING_SHARES) {
        assert_eq!(public.verifying_share(member(number)), Some(expected));
    }
    assert_eq!(public.verifying_share(member(4)), None);
    assert_eq!(public.to_bytes(), PUBLIC_SHARES);
    let hex = serde_json::to_string(&public).unwrap();
    assert_eq!(hex, format!("\"0x{}\"", hex::encode(PUBLIC_SHARES)));
    assert_eq!(serde_json::from_str::<PublicShares>(&hex).unwrap(), public);
    assert_eq!(borsh::from_slice::<PublicShares>(&borsh::to_vec(&public).unwrap()).unwrap(), public);
    for length in 0..PUBLIC_SHARES.len() {
        assert!(PublicShares::from_bytes(&PUBLIC_SHARES[..length]).is_err(), "length {length}");
    }
    assert!(PublicShares::from_bytes(&[&PUBLIC_SHARES[..], &[0]].concat()).is_err());
}

#[test]
fn public_shares_that_make_no_sense_are_refused() {
    let with = |at: usize, bytes: &[u8]| {
        let mut changed = PUBLIC_SHARES;
        changed[at..at + bytes.len()].copy_from_slice(bytes);
        PublicShares::from_bytes(&changed).unwrap_err()
    };
    assert_eq!(with(0, &[0]), Error::UnsupportedVersion { what: "public shares", found: 0, supported: 1 });
    for (at, bytes) in [
        (1, &[0xff, 0xff][..]),    // a threshold that no committee has
        (3, &[5]),                 // a commitment in its "compact" form
        (36, &[0; 33]),            // no commitment
        (71, &[0, 0]),             // member zero
        (73, &[0, 1]),             // a member twice
        (71, &[0, 9, 0, 2, 0, 3]), // members not in order
        (69, &[0xff, 0xff]),       // more members than bytes
    ] {
        assert!(matches!(with(at, bytes), Error::Malformed { .. }), "{bytes:?} at {at}");
    }
    let minority = [&PUBLIC_SHARES[..69], &[0, 4, 0, 1, 0, 2, 0, 3, 0, 4]].concat();
    assert_eq!(PublicShares::from_bytes(&minority), Err(Error::Threshold { threshold: 2, members: 4 }));
    let alone = [&PUBLIC_SHARES[..69], &[0, 1, 0, 1]].concat();
    assert_eq!(PublicShares::from_bytes(&alone), Err(Error::Threshold { threshold: 2, members: 1 }));
    let nobody = [1, 0, 0, 0, 0];
    assert_eq!(PublicShares::from_bytes(&nobody), Err(Error::Threshold { threshold: 0, members: 0 }));
}

#[test]
fn public_shares_in_which_a_member_holds_zero_are_refused() {
    // A_1 = -A_0, so the polynomial is zero at 1.
    let mut negated = GROUP_KEY;
    negated[0] ^= 1;
    let bytes = [&[1, 0, 2][..], &GROUP_KEY, &negated, &[0, 2, 0, 1, 0, 2]].concat();
    assert!(PublicShares::from_bytes(&bytes).is_err());
    let without = [&[1, 0, 2][..], &GROUP_KEY, &negated, &[0, 2, 0, 2, 0, 3]].concat();
    assert!(PublicShares::from_bytes(&without).is_ok());
}

/// borsh is the bytes themselves, serde and text are their hex, and all three read back; other lengths are refused.
fn has_one_form<T>(value: T, bytes: &[u8], read: fn(&[u8]) -> Result<T, Error>)
where
    T: BorshSerialize + BorshDeserialize + Serialize + DeserializeOwned + PartialEq + Debug + ToString,
{
    let text = format!("0x{}", hex::encode(bytes));
    assert_eq!(borsh::to_vec(&value).unwrap(), bytes);
    assert_eq!(borsh::from_slice::<T>(bytes).unwrap(), value);
    assert_eq!(serde_json::to_string(&value).unwrap(), format!("\"{text}\""));
    assert_eq!(serde_json::from_str::<T>(&format!("\"{text}\"")).unwrap(), value);
    assert_eq!(value.to_string(), text);
    assert!(format!("{value:?}").contains(&text));
    assert_eq!(read(bytes).unwrap(), value);
    for length in (0..bytes.len()).chain([bytes.len() + 1, 2 * bytes.len()]) {
        let wrong: Vec<u8> = bytes.iter().copied().cycle().take(length).collect();
        assert!(matches!(read(&wrong), Err(Error::Malformed { .. })), "length {length}");
        assert!(borsh::from_slice::<T>(&wrong).is_err(), "length {length}");
        assert!(serde_json::from_str::<T>(&format!("\"0x{}\"", hex::encode(&wrong))).is_err(), "length {length}");
    }
}

#[test]
fn every_public_value_has_one_form() {
    let group_key = GroupKey::from_bytes(&GROUP_KEY).unwrap();
    has_one_form(group_key, &GROUP_KEY, GroupKey::from_bytes);
    has_one_form(Signature::from_bytes(&SIGNATURE).unwrap(), &SIGNATURE, Signature::from_bytes);
    has_one_form(Commitments::from_bytes(&COMMITMENTS).unwrap(), &COMMITMENTS, Commitments::from_bytes);
    has_one_form(SignatureShare::from_bytes(&[7; 32]).unwrap(), &[7; 32], SignatureShare::from_bytes);
    let identity = IdentityKey::from_seed(Secret::new([1; 32]));
    has_one_form(identity.public(), &identity.public().to_bytes(), IdentityPublic::from_bytes);
    has_one_form(IdentitySignature::from_bytes(&[7; 64]).unwrap(), &[7; 64], IdentitySignature::from_bytes);
    let ephemeral = EphemeralKey::generate(&identity.public(), b"session", &mut seeded(1));
    has_one_form(ephemeral.public(), &ephemeral.public().to_bytes(), EphemeralPublic::from_bytes);
    let verified = ephemeral.public().verify(&identity.public(), b"session").unwrap();
    let disclosure = identity.disclose(&verified, &mut seeded(1));
    has_one_form(disclosure, &disclosure.to_bytes(), Disclosure::from_bytes);
    let key = SecretKey::interop(1).unwrap();
    has_one_form(key.public_key(), &key.public_key().to_bytes(), PublicKey::from_bytes);
    has_one_form(key.sign(&[1; 32]), &key.sign(&[1; 32]).to_bytes(), BlsSignature::from_bytes);
    has_one_form(PartialSignature::from_bytes(&[7; 96]).unwrap(), &[7; 96], PartialSignature::from_bytes);
    let domain = ExitDomain::new([3, 0, 0, 0], &[1; 32]);
    has_one_form(domain, &domain.to_bytes(), ExitDomain::from_bytes);
}

#[test]
fn validated_values_are_validated_in_every_form() {
    let mut bytes = SIGNATURE;
    bytes[64..].fill(0);
    assert!(borsh::from_slice::<Signature>(&bytes).is_err());
    assert!(serde_json::from_str::<Signature>(&format!("\"0x{}\"", hex::encode(bytes))).is_err());
    assert!(borsh::from_slice::<GroupKey>(&[0; 33]).is_err());
    assert!(borsh::from_slice::<PublicKey>(&[0; 48]).is_err());
    assert!(borsh::from_slice::<BlsSignature>(&[0; 96]).is_err());
    assert!(borsh::from_slice::<IdentityPublic>(&[0; 32]).is_err());
    assert!(borsh::from_slice::<EphemeralPublic>(&[0; 96]).is_err());
    assert!(borsh::from_slice::<Disclosure>(&[0; 96]).is_err());
    assert!(borsh::from_slice::<ExitDomain>(&[0; 32]).is_err());
}

#[test]
fn share_commitments_read_back_in_every_form() {
    let (_, commitments) = split(&SecretKey::interop(3).unwrap(), 3, 2, &mut seeded(1)).unwrap();
    let hex = format!("\"0x{}\"", hex::encode(commitments.to_bytes()));
    assert_eq!(serde_json::to_string(&commitments).unwrap(), hex);
    assert_eq!(serde_json::from_str::<ShareCommitments>(&hex).unwrap(), commitments);
    assert_eq!(borsh::from_slice::<ShareCommitments>(&borsh::to_vec(&commitments).unwrap()).unwrap(), commitments);
    assert!(serde_json::from_str::<ShareCommitments>("\"0x\"").is_err());
}
