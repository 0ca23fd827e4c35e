//! Beacon states, as any provider may send them.
//!
//! What must hold: no bytes are a panic, it does not matter in which pieces they come nor what state came before, and a proof leads to
//! the root of its block and says what the state says.

use guardian_chain::state::{MINIMAL, ProvedState, StateError, StateProver, Wanted, WarmCache};
use guardian_protocol::BlsPubkey;

/// The first byte chooses the fork, two say in which pieces the others come, two where among them a public key stands.
pub fn run(data: &[u8]) {
    let Some(([fork, a, b, c, d], state)) = data.split_first_chunk() else { return };
    let piece = usize::from(u16::from_le_bytes([*a, *b])).max(1);
    let place = usize::from(u16::from_le_bytes([*c, *d]));
    let forks: Vec<&str> = StateProver::forks().collect();
    let fork = forks[usize::from(*fork) % forks.len()];
    let key: Option<&[u8; 48]> = state.get(place..).and_then(|rest| rest.first_chunk());
    let keys: Vec<BlsPubkey> = key.into_iter().map(|key| BlsPubkey::from(*key)).collect();
    let prove = |piece, warm| prove(fork, state, piece, &keys, warm);

    let (whole, warm) = prove(state.len().max(1), WarmCache::default());
    // What another state leaves behind.
    let half = self::prove(fork, &state[..state.len() / 2], piece, &keys, WarmCache::default()).1;
    for (before, is_same) in [(WarmCache::default(), false), (half, false), (warm, true)] {
        let (again, _) = prove(piece, before);
        match (&whole, &again) {
            (Ok(whole), Ok(again)) => {
                assert_eq!((whole.root, &whole.extract, whole.bytes), (again.root, &again.extract, again.bytes));
                assert!(!is_same || again.hashed <= whole.hashed, "more work for what was known");
            }
            (Err(one), Err(other)) => assert_eq!(one, other),
            _ => panic!("a state in one way of sending it, and none in another"),
        }
    }
    if let Ok(whole) = whole {
        assert_eq!(whole.bytes, state.len() as u64, "bytes were left over");
        keys.iter().for_each(|key| shown(&whole, key));
    }
}

fn prove(
    fork: &str,
    state: &[u8],
    piece: usize,
    keys: &[BlsPubkey],
    warm: WarmCache,
) -> (Result<ProvedState, StateError>, WarmCache) {
    let wanted = Wanted::validators(keys.iter().copied()).with_proofs(keys.iter().copied());
    let mut prover = StateProver::new(fork, MINIMAL, None, wanted, warm).expect("its fork is known");
    for bytes in state.chunks(piece) {
        if let Err(error) = prover.feed(bytes) {
            return (Err(error), prover.into_warm());
        }
    }
    prover.finish()
}

/// A proof of what was found.
fn shown(state: &ProvedState, key: &BlsPubkey) {
    let found = state.extract.validators.iter().any(|tracked| tracked.record.pubkey == *key);
    match state.proof(key) {
        Ok(proof) => {
            assert!(found, "what is not there is proved");
            for branch in [&proof.validator, &proof.balance] {
                assert_eq!(branch.root(), Some(state.block_root().into()), "a proof that leads elsewhere");
            }
            let proven = proof.check(state.block_root().into()).expect("what is proved can be checked");
            let record = state.extract.validators.iter().find(|tracked| tracked.record.index == proven.index);
            let record = record.expect("it was found").record;
            let said = (proven.balance, proven.effective_balance, proven.exit_epoch, proven.slashed);
            assert_eq!(said, (record.balance, record.effective_balance, record.exit_epoch, record.slashed));
            assert!(proven.has_key(&key.0));
        }
        Err(_) => assert!(!found || !state.is_of_block() || !state.lists_fit, "what is there can't be proved"),
    }
}
