//! What an exit's signature covers.

use crate::vectors::{bytes, shared, word};
use alloy_primitives::hex;
use guardian_crypto::{
    Error,
    bls::{
        PublicKey, SecretKey,
        exit::{ExitDomain, ExitForks, Fork, VoluntaryExit, exit_fork_version},
    },
};

const MAINNET_ROOT: [u8; 32] = hex!("4b363db94e286120d76eb905340fdd4e54bfe9f06bf33ff6cf5ad27f511bfe95");
const CAPELLA: [u8; 4] = [3, 0, 0, 0];
/// Mainnet's forks until Electra.
const MAINNET: [Fork; 6] = [
    Fork { epoch: 0, version: [0, 0, 0, 0] },
    Fork { epoch: 74_240, version: [1, 0, 0, 0] },
    Fork { epoch: 144_896, version: [2, 0, 0, 0] },
    Fork { epoch: 194_048, version: CAPELLA },
    Fork { epoch: 269_568, version: [4, 0, 0, 0] },
    Fork { epoch: 364_032, version: [5, 0, 0, 0] },
];

fn mainnet() -> ExitForks<'static> {
    ExitForks { schedule: &MAINNET, capella_version: Some(CAPELLA), deneb_epoch: Some(269_568) }
}

#[test]
fn from_deneb_on_every_exit_is_signed_under_capella() {
    for including in [269_568, 269_569, 364_032, u64::MAX] {
        for exit in [0, 194_047, 194_048, 269_567, 269_568, 364_032, including] {
            assert_eq!(exit_fork_version(&mainnet(), exit, including), Ok(CAPELLA), "{exit} in {including}");
        }
    }
}

#[test]
fn before_deneb_the_including_states_fork_decides() {
    let cases = [
        // In Capella: its own version, or Bellatrix's for an older exit, however old.
        (194_048, 269_567, [3, 0, 0, 0]),
        (194_047, 269_567, [2, 0, 0, 0]),
        (0, 269_567, [2, 0, 0, 0]),
        // In the first epoch of Capella and the last of Bellatrix.
        (194_048, 194_048, [3, 0, 0, 0]),
        (194_047, 194_047, [2, 0, 0, 0]),
        // In phase 0 there is no fork before.
        (0, 0, [0, 0, 0, 0]),
        (74_239, 74_239, [0, 0, 0, 0]),
        (74_239, 74_240, [0, 0, 0, 0]),
        (74_240, 74_240, [1, 0, 0, 0]),
    ];
    for (exit, including, version) in cases {
        assert_eq!(exit_fork_version(&mainnet(), exit, including), Ok(version), "{exit} in {including}");
    }
}

#[test]
fn a_chain_that_starts_at_deneb_signs_under_capella_too() {
    let schedule = [0, 1, 2, 3, 4].map(|fork| Fork { epoch: 0, version: [fork, 0, 0, 1] });
    let forks = ExitForks { schedule: &schedule, capella_version: Some([3, 0, 0, 1]), deneb_epoch: Some(0) };
    assert_eq!(exit_fork_version(&forks, 0, 0), Ok([3, 0, 0, 1]));
    // One that stops at Capella, all forks at once.
    let forks = ExitForks { schedule: &schedule[..4], capella_version: Some([3, 0, 0, 1]), deneb_epoch: None };
    assert_eq!(exit_fork_version(&forks, 0, 5), Ok([3, 0, 0, 1]));
}

#[test]
fn a_schedule_that_makes_no_sense_is_refused() {
    let unordered = [MAINNET[0], MAINNET[2], MAINNET[1]];
    for schedule in [&[][..], &MAINNET[1..], &unordered] {
        let forks = ExitForks { schedule, capella_version: None, deneb_epoch: None };
        assert!(matches!(exit_fork_version(&forks, 1, 200_000), Err(Error::Malformed { .. })));
        let forks = ExitForks { capella_version: Some([3, 0, 0, 1]), deneb_epoch: Some(0), ..forks };
        assert!(matches!(exit_fork_version(&forks, 1, 200_000), Err(Error::Malformed { .. })), "whatever comes later");
    }
    let without_capella = ExitForks { capella_version: None, ..mainnet() };
    assert!(exit_fork_version(&without_capella, 1, 269_568).is_err());
    assert!(exit_fork_version(&without_capella, 1, 269_567).is_ok());
}

#[test]
fn a_consensus_client_accepted_this_exit() {
    // A Lighthouse node on a development network (Deneb from genesis) took it into its pool and then into a block.
    let root = hex!("e7a09e9b6984d78db5e4d0716f1af2371a1840c664eabfdf8a4025bb7320ccbc");
    let exit = VoluntaryExit { epoch: 23, validator_index: 15 };
    let signature =
        SecretKey::interop(15).unwrap().sign(exit.signing_root(&ExitDomain::new([3, 0, 0, 1], &root)).as_bytes());
    let expected = hex!(
        "93368e9aac03cfc9e75b03c72b722e121de638fe967ea00ca330b9d8afc085c1a90ab971064c219e18868678ff94dc46"
        "09ad1dbaefed27753aef5100b64a7e82bb151874bec933250c6e0b61fb24f1cd5b7096a742fbd748efc36bd9a20d8364"
    );
    assert_eq!(signature.to_bytes(), expected);
}

#[test]
fn presigned_exits_of_an_independent_tool_are_reproduced() {
    let Some(file) = shared("exits/eip7044_presigned_exits.json") else { return };
    for case in file["cases"].as_array().unwrap() {
        let number = |name: &str| case[name].as_str().unwrap().parse::<u64>().unwrap();
        let version: [u8; 4] = bytes(&case["capella_fork_version"]).try_into().unwrap();
        let domain = ExitDomain::new(version, &word(&case["genesis_validators_root"]));
        assert_eq!(domain.to_bytes(), word(&case["domain"]));
        assert_eq!(ExitDomain::from_bytes(&bytes(&case["domain"])), Ok(domain));
        let exit = VoluntaryExit { epoch: number("epoch"), validator_index: number("validator_index") };
        let root = exit.signing_root(&domain);
        assert_eq!(root.as_bytes(), &word(&case["signing_root"]));
        let key = SecretKey::from_bytes(&bytes(&case["secret_key"])).unwrap();
        assert_eq!(key.public_key(), PublicKey::from_bytes(&bytes(&case["pubkey"])).unwrap());
        assert_eq!(key.sign(root.as_bytes()).to_bytes().to_vec(), bytes(&case["signature"]));
    }
    assert_eq!(ExitDomain::new(CAPELLA, &MAINNET_ROOT).to_bytes(), word(&file["voluntary_exit_domains"]["mainnet"]));
}

#[test]
fn a_root_shows_itself() {
    let root = VoluntaryExit { epoch: 23, validator_index: 15 }.signing_root(&ExitDomain::new(CAPELLA, &MAINNET_ROOT));
    assert_eq!(format!("{root:?}"), format!("ExitRoot({})", hex::encode_prefixed(root.as_bytes())));
}

#[test]
fn a_domain_of_another_purpose_is_no_exit_domain() {
    let mut domain = ExitDomain::new(CAPELLA, &MAINNET_ROOT).to_bytes();
    domain[0] = 0;
    assert!(ExitDomain::from_bytes(&domain).is_err());
    assert!(ExitDomain::from_bytes(&domain[1..]).is_err());
}
