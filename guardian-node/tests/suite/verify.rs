//! `guardian verify` as an auditor meets it: what others published is right, with anything changed it is not.

use crate::support::{assert_done, assert_refused, guardian, text};
use guardian_chain::state::MINIMAL;
use guardian_tests::synthetic::{Synthetic, validator::Registry};
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Output,
};

/// RFC 9591, appendix E.5: two of three sign "test".
const RFC_KEY: &str = "02f37c34b66ced1fb51c34a90bdae006901f10625cc06c4f64663b0eae87d87b4f";
const RFC_SIGNATURE: &str = "0205b6d04d3774c8929413e3c76024d54149c372d57aae62574ed74319b5ea14d0\
    c65dde8492a7471437e6c2fe3da49b90d23f642b5c6dbe7e36089f096dd97324";
/// From the tests of an independent Solidity verifier (safe-research/safe-frost): over 32 bytes of 0x41.
const ONCHAIN_KEY: &str = "0x4f6340cfdd930a6f54e730188e3071d150877fa664945fb6f120c18b56ce1c09\
    802a5e67c00a70d85b9a088eac7cf5b9fb46ac5c0b2bd7d1e189fac210f6b7ef";
const ONCHAIN_SIGNATURE: &str = "0x501dcfe29d881aa855bf25979bd79f751aa9536af7a389403cd345b02d1e6f25\
    839ad3b762f50fe560f4688a15a1caed522919f33928567f95bc48cbd9b8c771\
    4fdea9858f3e6484f1f0d64e7c17879c25f68da8bd0e82b063cf7410ddf5a886";
/// A presigned exit of a public test mnemonic on mainnet (ChorusOne/eth-staking-smith).
const EXIT: &str = r#"{"message": {"epoch": "305658", "validator_index": "100"}, "signature":
    "0xa74f22d26da9934c2a9c783799fb9e7bef49b3d7c3759a0683b52ee5d71516c0ecdbcc47703f11959c5e701a6c47194410bed800217bd4dd0dab1e0587b14551771accd04ff1c78302f9605f44c3894976c5b3537b70cb7ac9dcb5398dc22079"}"#;
const EXIT_KEY: &str =
    "0x8844cebb34d10e0e57f3c29ada375dafe14762ab85b2e408c3d6d55ce6d03317660bca9f2c2d17d8fbe14a2529ada1ea";
const EXIT_ROOT: &str = "0x0ee190ee007334631f44e886bfd708a6230a8099912c5ef8165442b65c5af1e4";
const REGISTRY: Registry = Registry { seed: 3, epoch: 7 };

fn verify(arguments: &[&str]) -> Output {
    guardian(&[&["verify"], arguments].concat())
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", text(output)))
}

/// `text` with its last digit changed.
fn changed(text: &str) -> String {
    let (rest, last) = text.split_at(text.len() - 1);
    format!("{rest}{}", if last == "0" { '1' } else { '0' })
}

fn digest_of_41() -> String {
    "41".repeat(32)
}

#[test]
fn a_published_signature_over_a_message_of_any_length_is_valid() {
    let rfc = ["signature", "--key", RFC_KEY, "--signature", RFC_SIGNATURE];
    // "test"
    let output = verify(&[&rfc[..], &["--message", "74657374"]].concat());
    assert_done(&output);
    for line in ["valid          yes", "form           RFC 9591", "message bytes  4"] {
        assert!(text(&output).contains(line), "no `{line}`: {}", text(&output));
    }
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("message");
    fs::write(&file, "test").unwrap();
    assert_done(&verify(&[&rfc[..], &["--message-file", file.to_str().unwrap()]].concat()));
    for other in ["", "74657375", "7465737400"] {
        let output = verify(&[&rfc[..], &["--message", other, "--json"]].concat());
        assert_refused(&output, "did not sign this message", "key, message and signature");
        assert_eq!(json(&output)["valid"], false);
    }
}

#[test]
fn a_signature_that_contracts_accept_is_valid_over_its_digest_alone() {
    let check = |key: &str, signature: &str, digest: &str| {
        verify(&["signature", "--key", key, "--signature", signature, "--digest", digest, "--json"])
    };
    let output = check(ONCHAIN_KEY, ONCHAIN_SIGNATURE, &digest_of_41());
    assert_done(&output);
    assert_eq!(json(&output)["valid"], true);
    assert_eq!(json(&output)["form"], "contracts");
    // The key as a compressed point, as it was printed, is the same key.
    let compressed = json(&output)["key"].as_str().unwrap().to_owned();
    assert_done(&check(&compressed, ONCHAIN_SIGNATURE, &digest_of_41()));
    let other_digest = changed(&digest_of_41());
    assert_refused(&check(ONCHAIN_KEY, ONCHAIN_SIGNATURE, &other_digest), "did not sign", "key, message and signature");
    let changed_signature = changed(ONCHAIN_SIGNATURE);
    assert_refused(&check(ONCHAIN_KEY, &changed_signature, &digest_of_41()), "did not sign", "whole");
    assert_refused(&check(RFC_KEY, ONCHAIN_SIGNATURE, &digest_of_41()), "did not sign", "key epoch");
}

#[test]
fn what_is_no_key_or_signature_is_refused_with_advice() {
    let check = |key: &str, signature: &str| {
        verify(&["signature", "--key", key, "--signature", signature, "--digest", &digest_of_41()])
    };
    for key in ["", "00", &"00".repeat(33), &"00".repeat(64), &"ff".repeat(64), &changed(ONCHAIN_KEY)] {
        assert_refused(&check(key, ONCHAIN_SIGNATURE), "--key is no key of a group", "GuardianKeys");
    }
    for signature in ["", &"00".repeat(65), &"00".repeat(96), &RFC_SIGNATURE[2..], &ONCHAIN_SIGNATURE[..192]] {
        assert_refused(&check(ONCHAIN_KEY, signature), "--signature is no signature", "copy it whole");
    }
}

#[test]
fn a_presigned_exit_is_the_validators_on_its_chain_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("exit.json");
    fs::write(&path, EXIT).unwrap();
    let file = path.to_str().unwrap();
    let output = verify(&["exit", file, "--network", "mainnet", "--pubkey", EXIT_KEY, "--root", EXIT_ROOT, "--json"]);
    assert_done(&output);
    let found = json(&output);
    assert_eq!((&found["valid"], &found["signing_root"]), (&true.into(), &EXIT_ROOT.into()));
    assert_eq!(found["domain"], "0x04000000bba4da96354c9f25476cf1bc69bf583a7f9e0af049305b62de676640");
    // The same without the table of networks.
    let (version, genesis) =
        (found["fork_version"].as_str().unwrap(), found["genesis_validators_root"].as_str().unwrap());
    let chain = ["--fork-version", version, "--genesis-validators-root", genesis];
    assert_done(&verify(&[&["exit", file, "--pubkey", EXIT_KEY], &chain[..]].concat()));
    let of_deneb = ["--fork-version", "0x04000000", "--genesis-validators-root", genesis];
    let output = verify(&[&["exit", file, "--pubkey", EXIT_KEY], &of_deneb[..]].concat());
    assert_refused(&output, "did not sign this exit", "Capella");
    let output = verify(&["exit", file, "--network", "hoodi", "--pubkey", EXIT_KEY]);
    assert_refused(&output, "did not sign this exit", "another chain");
    fs::write(&path, EXIT.replace("\"100\"", "\"101\"")).unwrap();
    assert_refused(&verify(&["exit", file, "--network", "mainnet", "--pubkey", EXIT_KEY]), "did not sign", "another");
}

#[test]
fn the_root_of_an_exit_is_computed_without_a_signature() {
    let exit = ["exit", "--validator-index", "100", "--epoch", "305658", "--network", "mainnet"];
    let output = verify(&exit);
    assert_done(&output);
    assert!(text(&output).contains(EXIT_ROOT) && !text(&output).contains("valid  "), "{}", text(&output));
    assert_done(&verify(&[&exit[..], &["--root", EXIT_ROOT]].concat()));
    let output = verify(&[&exit[..], &["--root", &changed(EXIT_ROOT)]].concat());
    assert_refused(&output, "the root of this exit is not", "another chain");
}

#[test]
fn an_exit_that_can_not_be_checked_is_refused_with_advice() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("exit.json");
    let file = path.to_str().unwrap();
    let check = || verify(&["exit", file, "--network", "mainnet"]);
    assert_refused(&check(), "can't read", "check the path");
    fs::write(&path, EXIT).unwrap();
    assert_refused(&check(), "by index, not by key", "--pubkey");
    for broken in ["{}", "[]", "{\"message\": {\"epoch\": 1, \"validator_index\": \"2\"}}", ""] {
        fs::write(&path, broken).unwrap();
        assert_refused(&check(), "is no voluntary exit", "the shape is");
    }
    let (key, signature) = (EXIT_KEY, "c0".to_owned() + &"00".repeat(95));
    let of = ["exit", "--validator-index", "1", "--epoch", "2", "--network", "mainnet", "--pubkey", key];
    assert_refused(&verify(&[&of[..], &["--signature", &signature]].concat()), "none of BLS12-381", "copy it whole");
    assert_refused(&verify(&of), "no signature that this key", "--signature");
}

/// A state of 900 validators in a file, and the roots that the command finds.
fn state(path: &Path, fork: &'static str) -> Value {
    let state = Synthetic { fork, preset: MINIMAL, validators: 900, registry: REGISTRY, skipped: false, lie: 0 };
    fs::write(path, state.bytes()).unwrap();
    let output = verify(&["state", path.to_str().unwrap(), "--json"]);
    assert_done(&output);
    json(&output)
}

#[test]
fn a_states_fork_root_and_block_are_found_out() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.ssz");
    let file = path.to_str().unwrap();
    for fork in guardian_tests::synthetic::state::FORKS {
        let found = state(&path, fork);
        assert_eq!((&found["fork"], &found["validators"]), (&fork.into(), &900.into()), "{found}");
        assert_eq!((&found["slot"], &found["advanced"]), (&56.into(), &false.into()), "{found}");
        assert_eq!(found["genesis_validators_root"], format!("0x{}", "5e".repeat(32)));
        let (root, block) = (found["root"].as_str().unwrap(), found["block_root"].as_str().unwrap());
        assert_done(&verify(&["state", file, "--fork", fork, "--root", root, "--block-root", block]));
        let output = verify(&["state", file, "--root", &changed(root), "--json"]);
        assert_refused(&output, "its root is", "EIP-4788");
        assert_eq!(json(&output)["valid"], false);
        assert_refused(&verify(&["state", file, "--block-root", &changed(block)]), "its block is", "another state");
    }
}

#[test]
fn a_damaged_state_is_told_from_one_of_another_fork_by_where_it_breaks() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.ssz");
    let file = path.to_str().unwrap();
    state(&path, "electra");
    let whole = fs::read(&path).unwrap();
    assert_refused(
        &verify(&["state", file, "--fork", "deneb", "--preset", "minimal"]),
        "no state of deneb",
        "--preset",
    );
    assert_refused(&verify(&["state", file, "--fork", "heze"]), "no fork `heze`", "electra");
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    assert_refused(&verify(&["state", file]), "no beacon state of a fork", "--fork");
    let output = verify(&["state", file, "--fork", "electra", "--preset", "minimal"]);
    assert_refused(&output, "broke off after", "download it again");
    let mut damaged = whole.clone();
    // A validator that is neither slashed nor not.
    let place = whole.windows(48).position(|bytes| *bytes == REGISTRY.pubkey(5)).unwrap();
    damaged[place + 88] = 7;
    fs::write(&path, damaged).unwrap();
    let output = verify(&["state", file, "--fork", "electra", "--preset", "minimal"]);
    assert_refused(&output, "damaged, or of another fork: field validators", "download it again");
    assert_refused(&verify(&["state", dir.path().to_str().unwrap()]), "can't read", "check the path");
}

#[test]
fn a_proof_that_was_made_from_a_state_holds_against_its_block() {
    let dir = tempfile::tempdir().unwrap();
    let (path, proof) = (dir.path().join("state.ssz"), dir.path().join("proof.json"));
    let (file, proof_file) = (path.to_str().unwrap(), proof.to_str().unwrap());
    let found = state(&path, "electra");
    let block = found["block_root"].as_str().unwrap();
    let key = format!("0x{}", hex(&REGISTRY.pubkey(700)));
    let made = verify(&["state", file, "--prove", &key]);
    assert_done(&made);
    fs::write(&proof, &made.stdout).unwrap();
    let output = verify(&["proof", proof_file, "--block-root", block, "--pubkey", &key, "--json"]);
    assert_done(&output);
    let proven = json(&output);
    assert_eq!((&proven["valid"], &proven["validator_index"]), (&true.into(), &700.into()));
    assert_eq!(proven["balance_gwei"], REGISTRY.validator(700).balance);
    let shown = verify(&["state", file, "--validator", &key, "--json"]);
    assert_eq!(json(&shown)["validator"]["balance"], proven["balance_gwei"]);
    let shown = text(&verify(&["state", file, "--validator", &key]));
    let line = shown.lines().find(|line| line.starts_with("validator balance ")).unwrap();
    assert!(line.ends_with(&format!(" {}", proven["balance_gwei"])), "{line}");

    let output = verify(&["proof", proof_file, "--block-root", &changed(block), "--json"]);
    assert_refused(&output, "proves nothing of this block", "another block");
    assert_eq!(json(&output)["valid"], false);
    let other = format!("0x{}", hex(&REGISTRY.pubkey(701)));
    let output = verify(&["proof", proof_file, "--block-root", block, "--pubkey", &other]);
    assert_refused(&output, "the proof is of validator 700", "that you mean");
    assert_refused(&verify(&["state", file, "--prove", &changed(&key)]), "is not in this state", "deposited later");

    // One of its two branches, as anybody may hand it on.
    let mut branch = json(&made)["balance"].take();
    fs::write(&proof, branch.to_string()).unwrap();
    assert_done(&verify(&["proof", proof_file, "--block-root", block]));
    branch["siblings"][4] = format!("0x{}", "07".repeat(32)).into();
    fs::write(&proof, branch.to_string()).unwrap();
    assert_refused(&verify(&["proof", proof_file, "--block-root", block]), "the branch leads to", "was changed");
    for nonsense in ["", "{}", "[1]", "{\"siblings\": 1}"] {
        fs::write(&proof, nonsense).unwrap();
        assert_refused(&verify(&["proof", proof_file, "--block-root", block]), "is no proof", "--prove");
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A file of the larger vectors, beside the checkout or where `GUARDIAN_VECTORS` says; says so if there is none.
fn shared(path: &str) -> Option<PathBuf> {
    let root = std::env::var_os("GUARDIAN_VECTORS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors"), PathBuf::from);
    let full = root.join(path);
    if full.exists() {
        return Some(full);
    }
    println!("skipped: {path} is not here");
    None
}

fn shared_json(path: &str) -> Option<Value> {
    Some(serde_json::from_slice(&fs::read(shared(path)?).unwrap()).unwrap())
}

#[test]
fn the_published_vectors_of_frost_and_exits_are_valid() {
    if let Some(rfc) = shared_json("frost/rfc9591-frost-secp256k1-sha256.json") {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let (key, message) = (text(&rfc["inputs"]["group_public_key"]), text(&rfc["inputs"]["message"]));
        let signature = text(&rfc["final_output"]["sig"]);
        assert_done(&verify(&["signature", "--key", &key, "--signature", &signature, "--message", &message]));
    }
    let Some(exits) = shared_json("exits/eip7044_presigned_exits.json") else { return };
    for case in exits["cases"].as_array().unwrap() {
        let of = |name: &str| case[name].as_str().unwrap();
        let message = ["exit", "--validator-index", of("validator_index"), "--epoch", of("epoch")];
        let signed = ["--network", of("network"), "--pubkey", of("pubkey"), "--signature", of("signature")];
        assert_done(&verify(&[&message[..], &signed, &["--root", of("signing_root")]].concat()));
    }
}

#[test]
fn a_state_of_a_real_client_is_of_the_block_in_its_header() {
    let (Some(state), Some(header)) =
        (shared("beacon-node-deneb/debug_state_by_root.ssz"), shared_json("beacon-node-deneb/headers_finalized.json"))
    else {
        return;
    };
    let block = header["data"]["root"].as_str().unwrap();
    let root = header["data"]["header"]["message"]["state_root"].as_str().unwrap();
    let output = verify(&["state", state.to_str().unwrap(), "--root", root, "--block-root", block, "--json"]);
    assert_done(&output);
    assert_eq!((&json(&output)["fork"], &json(&output)["valid"]), (&"deneb".into(), &true.into()));
}
