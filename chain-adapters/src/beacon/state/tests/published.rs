//! Roots that others published: of real networks' genesis states, of the specification's cases, of a real node's states.

use super::{super::*, files, prove, prove_wanted, root};
use alloy::primitives::B256;
use guardian_protocol::BlsPubkey;
use serde_json::Value;

fn hex32(value: &Value) -> B256 {
    value.as_str().unwrap().parse().unwrap()
}

#[test]
fn the_specifications_states_have_their_published_roots() {
    let Some(cases) = files::spec_states() else { return };
    for fork in ["phase0", "deneb", "electra"] {
        assert!(cases.iter().filter(|(_, of, ..)| of == fork).count() >= 9, "{fork}");
    }
    for (name, fork, state, published) in cases {
        for piece in [state.len(), 1000, 37] {
            let proved = prove(&fork, MINIMAL, &state, piece);
            // Random states may hold a boolean in a validator that is true in no other way than 1.
            assert_eq!(proved.unwrap_or_else(|error| panic!("{name}: {error}")).root, published, "{name}");
        }
    }
}

#[test]
fn genesis_states_of_real_networks_have_their_published_roots_and_proofs() {
    let Some(published) = files::json("states/expected_roots_and_proofs.json") else { return };
    for (name, fork) in [("mainnet-genesis", "phase0"), ("sepolia-genesis", "phase0")] {
        let state = files::unzipped(&format!("states/{name}.ssz.zip")).unwrap();
        let published = &published[name];
        assert_eq!(published["fork"], fork);
        let proofs = published["proofs"].as_array().unwrap();
        let pubkeys: Vec<BlsPubkey> = proofs.iter().map(|p| p["pubkey"].as_str().unwrap().parse().unwrap()).collect();
        let wanted = Wanted::validators(pubkeys.clone()).with_proofs(pubkeys.clone());
        let state = prove_wanted(fork, MAINNET, &state, 100_000, wanted).unwrap();
        assert_eq!(B256::from(state.root), hex32(&published["state_root"]), "{name}");
        assert_eq!(state.extract.network.validators, published["n_validators"].as_u64().unwrap());
        assert!(state.lists_fit && state.is_of_block());
        for (pubkey, published) in pubkeys.iter().zip(proofs) {
            check_proof(&state, pubkey, published);
        }
    }
}

/// The published proofs are against the state's root; ours are three levels longer, against the block's.
fn check_proof(state: &ProvedState, pubkey: &BlsPubkey, published: &Value) {
    let proof = state.proof(pubkey).unwrap();
    assert_eq!(proof.index.0, published["validator_index"].as_u64().unwrap());
    assert_eq!(proof.block_root.0, state.block_root());
    for (branch, leaf, gindex, siblings) in [
        (&proof.validator, "validator_root", "validator_gindex", "validator_proof"),
        (&proof.balance, "balance_chunk", "balance_gindex", "balance_proof"),
    ] {
        assert_eq!(branch.leaf, hex32(&published[leaf]));
        assert_eq!(branch.root(), Some(proof.block_root));
        let ours = &branch.siblings[..branch.siblings.len() - 3];
        let theirs: Vec<B256> = published[siblings].as_array().unwrap().iter().map(hex32).collect();
        assert_eq!(ours, theirs);
        let in_state: u128 = published[gindex].as_str().unwrap().parse().unwrap();
        let levels = in_state.ilog2();
        assert_eq!(branch.gindex, (11 << levels) | (in_state - (1 << levels)));
    }
    let proven = proof.check(proof.block_root).unwrap();
    assert!(proven.has_key(&pubkey.0));
    assert_eq!(proven.balance.0.to_string(), published["balance"].as_str().unwrap());
    assert_eq!(proven.exit_epoch.0.to_string(), published["exit_epoch"].as_str().unwrap());
    let tracked = state.extract.validators.iter().find(|tracked| tracked.record.pubkey == *pubkey).unwrap();
    assert_eq!(tracked.record.balance.0.to_string(), published["balance"].as_str().unwrap());
    assert_eq!(tracked.record.effective_balance.0.to_string(), published["effective_balance"].as_str().unwrap());
    assert_eq!(
        tracked.record.withdrawal_credentials.to_string(),
        published["withdrawal_credentials"].as_str().unwrap()
    );
    assert_eq!(tracked.previous_participation, None);
}

#[test]
fn a_real_nodes_state_has_the_root_in_its_header_and_belongs_to_its_block() {
    let Some(state) = files::captured("debug_state_by_root.ssz") else { return };
    let header = files::json("beacon-node-deneb/headers_finalized.json").unwrap();
    let proved = prove("deneb", MINIMAL, &state, 997).unwrap();
    assert_eq!(B256::from(proved.root), hex32(&header["data"]["header"]["message"]["state_root"]));
    assert_eq!(B256::from(proved.block_root()), hex32(&header["data"]["root"]));
    assert!(proved.is_of_block());
}

#[test]
fn a_state_advanced_over_skipped_slots_names_its_block() {
    let Some(state) = files::captured("skip_debug_state_finalized.ssz") else { return };
    let header = files::json("beacon-node-deneb/skip_headers_finalized.json").unwrap();
    let served = files::json("beacon-node-deneb/skip_state_finalized_root.json").unwrap();
    let proved = prove("deneb", MINIMAL, &state, 4096).unwrap();
    assert_eq!(B256::from(proved.root), hex32(&served["data"]["root"]));
    assert_eq!(B256::from(proved.block_root()), hex32(&header["data"]["root"]));
    assert!(!proved.is_of_block());
    assert_ne!(B256::from(proved.root), hex32(&header["data"]["header"]["message"]["state_root"]));
    assert!(proved.proof(&BlsPubkey::ZERO).is_err());
}

#[test]
fn what_is_picked_out_is_what_the_node_says_of_each_validator() {
    let Some(state) = files::captured("debug_state_by_root.ssz") else { return };
    let json = files::json("beacon-node-deneb/debug_state_by_root_json.json").unwrap();
    let data = &json["data"];
    let validators = data["validators"].as_array().unwrap();
    let keys = validators.iter().map(|v| v["pubkey"].as_str().unwrap().parse::<BlsPubkey>().unwrap());
    let proved = prove_wanted("deneb", MINIMAL, &state, 501, Wanted::validators(keys)).unwrap();
    assert_eq!(proved.extract.validators.len(), validators.len());
    let number = |value: &Value| value.as_str().unwrap().parse::<u64>().unwrap();
    let mut active = (0, 0, 0);
    for (index, tracked) in proved.extract.validators.iter().enumerate() {
        let validator = &validators[index];
        assert_eq!(tracked.record.index.0, index as u64);
        assert_eq!(tracked.record.balance.0, number(&data["balances"][index]));
        assert_eq!(tracked.record.slashed, validator["slashed"].as_bool().unwrap());
        assert_eq!(tracked.record.exit_epoch.0, number(&validator["exit_epoch"]));
        assert_eq!(tracked.record.withdrawable_epoch.0, number(&validator["withdrawable_epoch"]));
        assert_eq!(tracked.record.effective_balance.0, number(&validator["effective_balance"]));
        let flags = |list: &str| Some(u8::try_from(number(&data[list][index])).unwrap());
        assert_eq!(tracked.previous_participation, flags("previous_epoch_participation"));
        assert_eq!(tracked.current_participation, flags("current_epoch_participation"));
        assert_eq!(tracked.inactivity, Some(number(&data["inactivity_scores"][index])));
        let participation = tracked.complete().participation.unwrap();
        assert_eq!(Some(participation.previous), tracked.previous_participation);
        assert_eq!(Some(participation.current), tracked.current_participation);
        assert_eq!(Some(participation.inactivity), tracked.inactivity);
        let epoch = proved.slot.0 / 8;
        if number(&validator["activation_epoch"]) <= epoch && epoch < tracked.record.exit_epoch.0 {
            let effective = u128::from(number(&validator["effective_balance"]));
            active = (active.0 + 1, active.1 + u128::from(tracked.record.balance.0), active.2 + effective);
        }
    }
    let census = proved.extract.network;
    assert_eq!((census.active, census.active_balance, census.active_effective_balance), active);
    let credentials = proved.extract.validators[0].record.withdrawal_credentials;
    let same =
        proved.extract.validators.iter().filter(|tracked| tracked.record.withdrawal_credentials == credentials).count();
    let wanted = Wanted::default().with_credentials([credentials.0]);
    let by_credentials = prove_wanted("deneb", MINIMAL, &state, 501, wanted).unwrap().extract.by_credentials;
    assert_eq!(by_credentials.len(), same);
}

#[test]
fn roots_of_other_forks_are_other_roots_or_errors() {
    let Some(state) = files::captured("debug_state_by_root.ssz") else { return };
    let right = root("deneb", MINIMAL, &state).unwrap();
    for fork in ["phase0", "altair", "bellatrix", "capella", "electra", "fulu"] {
        assert_ne!(root(fork, MINIMAL, &state), Ok(right), "{fork}");
    }
    assert!(root("deneb", MAINNET, &state).is_err());
    assert_eq!(root("gloas", MINIMAL, &state), Err(StateError::UnknownFork("gloas".to_owned())));
}

#[test]
fn somebody_elses_published_proof_of_a_validator_has_our_generalized_index_and_leads_to_its_block() {
    let Some(json) = files::json("proofs/madlabman/validator_proof.json") else { return };
    // The names are numbered there, so that a decoder in order of names finds the fields in theirs.
    let field = |name: &str| {
        let fields = [&json, &json["$1__validator"]].into_iter().flat_map(|object| object.as_object().unwrap());
        fields.into_iter().find(|(key, _)| key.split("__").last() == Some(name)).unwrap().1.clone()
    };
    let bytes = |value: &serde_json::Value| alloy::primitives::hex::decode(value.as_str().unwrap()).unwrap();
    let mut entry = bytes(&field("pubkey"));
    entry.extend(bytes(&field("withdrawal_credentials")));
    let number = |name: &str| {
        let value = field(name);
        value.as_u64().or_else(|| value.as_str()?.parse().ok()).unwrap()
    };
    entry.extend(number("effective_balance").to_le_bytes());
    entry.push(u8::from(field("slashed").as_bool().unwrap()));
    for name in ["activation_eligibility_epoch", "activation_epoch", "exit_epoch", "withdrawable_epoch"] {
        entry.extend(number(name).to_le_bytes());
    }
    let leaf = value::root(&layout::VALIDATOR, &entry, &MAINNET, &mut merkle::Scratch::default()).unwrap();
    let siblings: Vec<B256> =
        field("proof").as_array().unwrap().iter().map(|node| B256::from_slice(&bytes(node))).collect();
    let deneb = layout::fork("deneb").unwrap();
    let place = deneb.fields().position(|field| field.name == "validators").unwrap();
    let depth = merkle::depth_for(deneb.fields().count() as u64);
    let gindex = proof::gindex(depth, place, 40, number("validatorIndex"));
    let branch = Branch { leaf: leaf.into(), gindex, siblings };
    let block_root = B256::from_slice(&bytes(&field("blockRoot")));
    assert_eq!(branch.root(), Some(block_root));
    // Of its neighbour it proves nothing, and one level less is no proof.
    assert_ne!(Branch { gindex: gindex + 1, ..branch.clone() }.root(), Some(block_root));
    assert_eq!(Branch { siblings: branch.siblings[1..].to_vec(), ..branch }.root(), None);
}
