//! The Solidity ABI's encoding of a list of arguments, as far as Puffer's messages need it: words, byte strings, and arrays of
//! structs of one word each. Not a general encoder.

use alloy_primitives::{B256, U256};

/// Arguments, in order.
#[derive(Debug, Default)]
pub(super) struct Abi(Vec<Argument>);

#[derive(Debug)]
enum Argument {
    Word(B256),
    /// What stands in the tail: a length, and what has it.
    Tail(Vec<u8>),
}

impl Abi {
    pub(super) fn word(mut self, word: B256) -> Self {
        self.0.push(Argument::Word(word));
        self
    }

    /// A byte string: its length, and itself padded to whole words.
    pub(super) fn bytes(mut self, bytes: &[u8]) -> Self {
        let mut tail = number(bytes.len()).to_vec();
        tail.extend_from_slice(bytes);
        tail.resize(tail.len().next_multiple_of(32), 0);
        self.0.push(Argument::Tail(tail));
        self
    }

    /// An array of structs: its length, and the members of each.
    pub(super) fn structs<const N: usize>(mut self, rows: &[[B256; N]]) -> Self {
        let mut tail = number(rows.len()).to_vec();
        tail.extend(rows.iter().flatten().flat_map(|word| word.0));
        self.0.push(Argument::Tail(tail));
        self
    }

    /// The heads, a word each, and then the tails, at which their heads point.
    pub(super) fn encode(self) -> Vec<u8> {
        let heads = self.0.len().saturating_mul(32);
        let (mut encoded, mut tails) = (Vec::new(), Vec::new());
        for argument in self.0 {
            match argument {
                Argument::Word(word) => encoded.extend_from_slice(word.as_slice()),
                Argument::Tail(tail) => {
                    encoded.extend_from_slice(number(heads.saturating_add(tails.len())).as_slice());
                    tails.extend(tail);
                }
            }
        }
        encoded.extend(tails);
        encoded
    }
}

fn number(value: usize) -> B256 {
    U256::from(value).into()
}
