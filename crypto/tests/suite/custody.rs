//! What a registration brings for a guardian: its share of the validator's key, encrypted to it, and the signature of the deposit. Against
//! the vectors of Puffer's own signer (github.com/PufferFinance/secure-signer at e016932, `src/enclave/guardian/mod.rs`).

use crate::{frost::member, randomness::seeded};
use alloy_primitives::hex;
use guardian_crypto::{
    Error,
    bls::{
        BlsSignature, ExitShare, SecretKey, ShareCommitments, combine, dealer::split, deposit::DepositMessage,
        partial_exit,
    },
    enclave::{EnclaveKey, EnclavePublic, OVERHEAD},
    member::MemberId,
};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// One of the four guardians of the vectors.
struct Guardian {
    secret: [u8; 32],
    public: [u8; 65],
    ciphertext: [u8; 129],
}

const GUARDIANS: [Guardian; 4] = [
    Guardian {
        secret: hex!("65cc70c72a202c4352005934cbce69af0f11d2ba3e82b57fac2ba7bfd450d075"),
        public: hex!(
            "04a1c2646197d3b93ce200cd46f4b94265d0803f712cbbbb5164027f34f18ceea2e8f1215deea31f3753d4b430c25f8cde2f"
            "730c996727e8769de50fdceb95609f"
        ),
        ciphertext: hex!(
            "042d3af72fd7b32dbdbd7a84e0b31a8b676b5ca768c3a012c33addf88fb915885445efa027fa9678ad2ed3284750da8932ef"
            "365a0d431816109117cd423cc6bf05b0679d8ef171c1bff2275dbe0554ec65d7c75d0753d660173dd90f466e1cf5a773b6ff"
            "db183b0d35cf79c6db0ea7017aa952a994a898e6776e71a337a7899efa"
        ),
    },
    Guardian {
        secret: hex!("234a4c8c43efb2108a821745bcb38f336669912f053bd7dff77dfd8436c74105"),
        public: hex!(
            "047ec360f4fe9bd48a0109d1fe3f6aef0557c3d1df3af867de5f773f5f6190312f3e6d3c6eea5f423f138ec03ba34b051bf2"
            "6d21f1255de2625f6615443c7b69e1"
        ),
        ciphertext: hex!(
            "0498dc487d2e039e5043d2fce25657fbb899b8aa96a8fad37929c580a688965991118650f32805f59b1ec3d4e4f07ee1472a"
            "cfd5a2ee3bbed3f3240bfd18edfd7c863a0b07263830bf72a80ba219a0388e091185f06f73c668b5d0b24addc6665dfa2bb0"
            "c085a302f0ea2ec6d625ca8adcd5d8e0b16e51461809243d411fac5f4f"
        ),
    },
    Guardian {
        secret: hex!("ac8fa7a40aaea71feb340fab25bd9f551c3fe0823d8ef6ccb094990a09362f7c"),
        public: hex!(
            "049f1eff88203c2f1c25faedf674964ab292bac4c7fa2eb0aba8951d6974e83e5e5ff5fbe208a21a0d9900039d9fcad1bac6"
            "ae5c26aceca4e91be91f65a179f338"
        ),
        ciphertext: hex!(
            "04c1dc67b403f8da82954652ed312c0ee2bf310bd46b44c09ab92ad9c142afd98080cdbe7bb3935a9fae027fcec5b2f58b31"
            "511e089f1cebf5e7c02954f163f9224e33a8c38dc1ce5fd9187b0d4934280897168809ee652496c58f50f1ab47d6ac21eea0"
            "f5ebceff3fae7aad0e5d6ac853a4da6522141bcc2b2b328900170ca625"
        ),
    },
    Guardian {
        secret: hex!("53b2b71e29166e82342a8c9862abd49ee95e734853e16f77ede0f2a7e3ea6513"),
        public: hex!(
            "04ac358dc89c2938747c21a65ff0fde8bd372ec5d7528ab0588837a25a125b4d2e8d068548727bb4e6e62d3033186e524505"
            "7b80f3882a3ac7887e03aae5770c0f"
        ),
        ciphertext: hex!(
            "04e7542fca87fb548a95fcdc5adbe27aafcd3778d2a500d2d199da3ea841745c515751a8ddd2bd50587d1c35c7db3625a6e8"
            "07da06b8cf5a494f5cabaf43b64b42f21dfcdff4f4197328e00442842df22af07a3f9626ed5b868a05186f056ba809499936"
            "32185de389476be0cc6748437c03cf79a3df156cb90c911ba36f2a9fc1"
        ),
    },
];
const KEY_SET: [u8; 144] = hex!(
    "b927f246ed54236ce810f1296e9ee85574c4a59d7472aa50f9674d8ba8eb0d8b697065e22f86cad69f8526ee343fa4819390"
    "e8251a3b097db2d8916219069f38bb28f5c7371b84fbe3fbb9ed0e323fb3c5375f9efde1e139ad869e40621098b08f5bb3ed"
    "ce5981b4a238af666d1bda4dcccb0ab51f709db89f00358003315fabe55df8549e4d7a53d63a936789839664"
);
const DEPOSIT_SIGNATURE: [u8; 96] = hex!(
    "8e5f46196fa45a0866bb1422d7283575683af565fe070d9af236a3cbf334b4ab0b5007400b5e6fb2fe86d2ed0f7206db14bc"
    "2f699483a9a2cf564db8201afeb374818e44182b000d2f97390a65599377a36da857381c3e7fb4fa1fd85786e1b9"
);
const DEPOSIT_DATA_ROOT: [u8; 32] = hex!("b28322d43f10b231f3631951f4fe444de646b8efee3647023068dd3d3db259ee");

fn key(guardian: &Guardian) -> EnclaveKey {
    EnclaveKey::from_bytes(&guardian.secret).unwrap()
}

fn deposit() -> DepositMessage {
    let pubkey = ShareCommitments::from_bytes(&KEY_SET).unwrap().public_key();
    DepositMessage { pubkey, withdrawal_credentials: [1; 32], amount: 32_000_000_000 }
}

#[test]
fn shares_that_puffers_signer_encrypted_open_in_their_own_slots() {
    let commitments = ShareCommitments::from_bytes(&KEY_SET).unwrap();
    let exit = crate::bls::root(5);
    let mut parts = BTreeMap::new();
    for (guardian, member) in GUARDIANS.iter().zip(MemberId::first(4)) {
        assert_eq!(key(guardian).public().to_bytes(), guardian.public);
        let share = ExitShare::decrypt(member, &key(guardian), &guardian.ciphertext, &commitments).unwrap();
        assert_eq!(share.member(), member);
        parts.insert(member, partial_exit(&share, &exit));
        // In nobody else's, and with no other key.
        for other in MemberId::first(4).filter(|other| *other != member) {
            let refused = ExitShare::decrypt(other, &key(guardian), &guardian.ciphertext, &commitments).unwrap_err();
            assert_eq!(refused, Error::ShareMismatch);
        }
        for other in GUARDIANS.iter().filter(|other| other.public != guardian.public) {
            assert_eq!(key(other).decrypt(&guardian.ciphertext).unwrap_err(), Error::NotDecrypted);
        }
    }
    let signature = combine(&parts, &commitments, &exit).unwrap();
    assert!(commitments.public_key().verify(exit.as_bytes(), &signature).is_ok());
}

#[test]
fn the_deposit_that_puffers_signer_signed_is_right() {
    let signature = BlsSignature::from_bytes(&DEPOSIT_SIGNATURE).unwrap();
    let (deposit, genesis) = (deposit(), [0; 4]);
    assert_eq!(deposit.data_root(&signature), DEPOSIT_DATA_ROOT);
    assert_eq!(deposit.verify(genesis, &signature), Ok(()));
    for other in [
        DepositMessage { amount: 1_000_000_000, ..deposit },
        DepositMessage { withdrawal_credentials: [2; 32], ..deposit },
        DepositMessage { pubkey: SecretKey::interop(1).unwrap().public_key(), ..deposit },
    ] {
        assert_eq!(other.verify(genesis, &signature), Err(Error::InvalidSignature));
        assert_ne!(other.data_root(&signature), DEPOSIT_DATA_ROOT);
    }
    assert_eq!(deposit.verify([1, 0, 0, 0], &signature), Err(Error::InvalidSignature), "another chain's fork");
    let other = SecretKey::interop(1).unwrap().sign(&deposit.signing_root(genesis));
    assert_eq!(deposit.verify(genesis, &other), Err(Error::InvalidSignature));
}

#[test]
fn a_ciphertext_with_any_bit_changed_does_not_open() {
    let guardian = &GUARDIANS[0];
    let key = key(guardian);
    for at in 0..guardian.ciphertext.len() {
        let mut changed = guardian.ciphertext;
        changed[at] ^= 1;
        assert!(key.decrypt(&changed).is_err(), "byte {at}");
    }
    for length in (0..guardian.ciphertext.len()).chain([130]) {
        let cut: Vec<u8> = guardian.ciphertext.iter().copied().chain([0]).take(length).collect();
        assert!(key.decrypt(&cut).is_err(), "length {length}");
    }
    // Other encodings of the same point.
    for tag in [0, 2, 3, 6, 7] {
        let mut changed = guardian.ciphertext;
        changed[0] = tag;
        assert!(matches!(key.decrypt(&changed).unwrap_err(), Error::Malformed { .. }), "tag {tag}");
    }
}

#[test]
fn an_enclave_key_is_a_number_below_the_order_and_a_point_of_the_curve() {
    let order = hex!("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141");
    for bytes in [&[0; 32][..], &order, &[0xff; 32], &[], &[1; 31], &[1; 33]] {
        assert!(EnclaveKey::from_bytes(bytes).is_err(), "{bytes:?}");
    }
    let public = GUARDIANS[0].public;
    assert_eq!(EnclavePublic::from_bytes(&public).unwrap().to_bytes(), public);
    let mut off = public;
    off[64] ^= 1;
    let mut hybrid = public;
    hybrid[0] = 6 | (public[64] & 1);
    for bytes in [&off[..], &hybrid, &public[..64], &public[..33], &[4; 65], &[0; 65]] {
        assert!(EnclavePublic::from_bytes(bytes).is_err(), "{bytes:?}");
    }
    assert!(!format!("{:?}", key(&GUARDIANS[0])).contains("65cc70c7"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_is_encrypted_to_a_key_opens_with_it_alone(
        plaintext in prop::collection::vec(any::<u8>(), 0..200), seed: u64,
    ) {
        let (ours, theirs) = (EnclaveKey::generate(&mut seeded(seed)), EnclaveKey::generate(&mut seeded(!seed)));
        let ciphertext = ours.public().encrypt(&plaintext, &mut seeded(seed ^ 1)).unwrap();
        prop_assert_eq!(ciphertext.len(), plaintext.len() + OVERHEAD);
        let opened = ours.decrypt(&ciphertext).unwrap();
        prop_assert_eq!(opened.expose(), &plaintext);
        prop_assert_eq!(theirs.decrypt(&ciphertext).unwrap_err(), Error::NotDecrypted);
        let again = ours.public().encrypt(&plaintext, &mut seeded(seed ^ 2)).unwrap();
        prop_assert_ne!(again, ciphertext);
        let restored = EnclaveKey::from_bytes(ours.to_secret_bytes().expose()).unwrap();
        prop_assert_eq!(restored.public(), ours.public());
    }

    #[test]
    fn a_dealt_share_comes_through_encryption_for_its_member_only(
        (n, t) in (1u16..=6).prop_flat_map(|n| (Just(n), 1..=n)), seed: u64,
    ) {
        let (shares, commitments) = split(&SecretKey::interop(seed).unwrap(), n, t, &mut seeded(seed)).unwrap();
        for share in &shares {
            let key = EnclaveKey::generate(&mut seeded(seed ^ u64::from(share.member().get())));
            let ciphertext = key.public().encrypt(share.to_secret_bytes().expose(), &mut seeded(seed)).unwrap();
            let opened = ExitShare::decrypt(share.member(), &key, &ciphertext, &commitments).unwrap();
            prop_assert!(opened.to_secret_bytes().expose() == share.to_secret_bytes().expose());
            let other = member(share.member().get() % n + 1);
            if t > 1 && other != share.member() {
                prop_assert_eq!(
                    ExitShare::decrypt(other, &key, &ciphertext, &commitments).unwrap_err(),
                    Error::ShareMismatch
                );
            }
        }
    }
}
