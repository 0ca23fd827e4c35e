//! Proofs against words: which of them count, and who is named.

use super::*;
use crate::{
    setup::ProviderQuorum,
    testing::{Dealt, member, released, setup, validator},
    types::Participation,
};

const SLOT: Slot = Slot(64);

fn checkpoint() -> Checkpoint {
    crate::testing::checkpoint(8)
}

fn records(balance: u64) -> Vec<ValidatorRecord> {
    vec![validator(7, balance)]
}

fn census() -> Census {
    Census { validators: 9, active: 8, active_balance: 7, active_effective_balance: 6 }
}

fn word(balance: u64) -> Result<Reading, ReadFailure> {
    Ok(Reading::Validators(records(balance)))
}

fn state(change: impl FnOnce(&mut StateReading)) -> Result<Reading, ReadFailure> {
    let (root, block_root) = (checkpoint().state_root, checkpoint().root);
    let mut state = StateReading { slot: SLOT, root, block_root, own: true, validators: records(32), census: census() };
    change(&mut state);
    Ok(Reading::State(Box::new(state)))
}

fn advanced(root: u8) -> Result<Reading, ReadFailure> {
    state(|state| {
        state.own = false;
        state.root = B256::repeat_byte(root);
    })
}

fn root(root: u8) -> Result<Reading, ReadFailure> {
    Ok(Reading::StateRoot(B256::repeat_byte(root)))
}

fn down() -> Result<Reading, ReadFailure> {
    Err(ReadFailure::Unreachable("down".into()))
}

fn two_of_three() -> Setup {
    Setup { quorum: ProviderQuorum { beacon: 2, execution: 2 }, ..setup(Dealt::new(3, 2, 3).committee, member(1)) }
}

/// With two of three: what is believed, and who is named.
fn judge(answers: Vec<Result<Reading, ReadFailure>>) -> (Result<FromState, Trouble>, Vec<u8>) {
    let raw = (0..).map(ProviderId).zip(answers).collect();
    let mut fx = Effects::default();
    let known = super::state(raw, &checkpoint(), SLOT, &two_of_three(), &mut fx);
    let events = released(fx).events;
    let named = events.into_iter().filter_map(|event| match event {
        Event::ProviderDisagrees { provider, .. } => Some(provider.0),
        _ => None,
    });
    (known, named.collect())
}

fn hashed(proof: Proof) -> Result<FromState, Trouble> {
    Ok(FromState { validators: records(32), census: Some(census()), proof })
}

fn proved() -> Result<FromState, Trouble> {
    hashed(Proof::State { root: checkpoint().state_root })
}

/// Words tell nothing of the network as a whole.
fn told() -> Result<FromState, Trouble> {
    Ok(FromState { validators: records(32), census: None, proof: Proof::Quorum })
}

const CONTRADICTION: Trouble = Trouble::Contradiction(Layer::Beacon);

#[test]
fn one_proof_is_enough() {
    assert_eq!(judge(vec![state(|_| ())]), (proved(), vec![]));
    assert_eq!(judge(vec![down(), state(|_| ()), down()]), (proved(), vec![]));
}

#[test]
fn a_proof_outweighs_any_number_of_words_and_names_the_liars() {
    assert_eq!(judge(vec![word(31), state(|_| ()), word(31)]), (proved(), vec![0, 2]));
}

#[test]
fn a_state_that_does_not_fit_is_a_lie_of_its_provider() {
    let lies: [fn(&mut StateReading); 4] = [
        |state| state.slot = Slot(56),
        |state| state.block_root = B256::ZERO,
        |state| state.root = B256::ZERO,
        |state| (state.own, state.block_root) = (false, B256::ZERO),
    ];
    for lie in lies {
        assert_eq!(judge(vec![state(lie), state(|_| ())]), (proved(), vec![0]));
        assert_eq!(judge(vec![state(lie), word(32), word(32)]), (told(), vec![0]));
        assert_eq!(judge(vec![state(lie), state(lie), word(32)]), (Err(CONTRADICTION), vec![0, 1]));
        assert_eq!(judge(vec![state(lie), word(32), down()]), (Err(CONTRADICTION), vec![0]));
    }
}

#[test]
fn words_alone_need_a_quorum() {
    assert_eq!(judge(vec![word(32), word(32), word(31)]), (told(), vec![2]));
    assert_eq!(judge(vec![word(32), word(31), down()]).0, Err(CONTRADICTION));
    assert_eq!(judge(vec![word(32), down(), down()]).0, Err(Trouble::TooFewAnswers(Layer::Beacon)));
}

#[test]
fn an_advanced_state_needs_its_root_from_a_quorum() {
    let known = hashed(Proof::AdvancedState { root: B256::repeat_byte(5) });
    assert_eq!(judge(vec![advanced(5), root(5), down()]), (known.clone(), vec![]));
    assert_eq!(judge(vec![advanced(5), root(6), root(5)]), (known, vec![]));
    // A state that is outvoted by a proved one is a lie.
    assert_eq!(judge(vec![advanced(6), advanced(5), root(5)]), (judge(vec![advanced(5), root(5)]).0, vec![0]));
    // Two that say the same about another root than the state has: nothing is believed.
    assert_eq!(judge(vec![advanced(5), root(6), root(6)]), (Err(CONTRADICTION), vec![0, 1, 2]));
    assert_eq!(judge(vec![advanced(5), down(), down()]).0, Err(Trouble::TooFewAnswers(Layer::Beacon)));
}

#[test]
fn the_blocks_own_root_at_a_skipped_slot_accuses_nobody() {
    let own = || Ok(Reading::StateRoot(checkpoint().state_root));
    assert_eq!(judge(vec![advanced(5), own(), own()]), (Err(Trouble::TooFewAnswers(Layer::Beacon)), vec![]));
    let known = hashed(Proof::AdvancedState { root: B256::repeat_byte(5) });
    assert_eq!(judge(vec![advanced(5), root(5), own()]), (known, vec![]));
}

#[test]
fn an_advanced_state_that_nobody_else_has_is_worth_a_word() {
    assert_eq!(judge(vec![advanced(5), word(32), word(32)]), (told(), vec![]));
    assert_eq!(judge(vec![advanced(5), word(32), down()]), (told(), vec![]));
    assert_eq!(judge(vec![advanced(5), word(31), word(31)]).1, vec![0]);
    assert_eq!(judge(vec![advanced(5), word(31), down()]).0, Err(CONTRADICTION));
}

#[test]
fn a_provider_vouches_once() {
    let raw = vec![(ProviderId(0), advanced(5)), (ProviderId(0), root(5)), (ProviderId(1), down())];
    let known = super::state(raw, &checkpoint(), SLOT, &two_of_three(), &mut Effects::default());
    assert_eq!(known, Err(Trouble::TooFewAnswers(Layer::Beacon)));
}

#[test]
fn proofs_that_differ_are_believed_by_nobody() {
    let other = state(|state| state.validators = records(1));
    assert_eq!(judge(vec![state(|_| ()), other]).0, Err(CONTRADICTION));
    let other = state(|state| state.census.active += 1);
    assert_eq!(judge(vec![state(|_| ()), other]).0, Err(CONTRADICTION), "of the network as a whole");
}

#[test]
fn words_that_tell_no_participation_do_not_contradict_a_proof_that_does() {
    let took_part = |validator: &mut ValidatorRecord| {
        validator.participation = Some(Participation { previous: 7, current: 3, inactivity: 0 });
    };
    let proof = state(|state| state.validators.iter_mut().for_each(took_part));
    assert_eq!(judge(vec![proof.clone(), word(32), word(32)]).1, Vec::<u8>::new());
    assert_eq!(judge(vec![proof, word(31), word(32)]).1, vec![1]);
}
