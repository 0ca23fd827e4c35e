//! The list of guardians' accounts that Puffer's own module keeps: who may sign for it, in which place of its lists, and how many must.

use alloy_primitives::{Address, B256};
use guardian_crypto::account::AccountSignature;
use serde::{Deserialize, Serialize};

/// The guardians of a module, as it lists them at one block. Places move when members change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuardianList {
    /// Their accounts. The module takes each one's signature in its place, and shares of validators' keys are dealt in this order.
    pub guardians: Vec<Address>,
    /// How many must sign, and how many shares make a validator's key.
    pub threshold: u64,
}

impl GuardianList {
    /// `signatures` of `digest` in the places of those who signed, the others empty; how many places are filled, if they are fewer than the
    /// module wants.
    ///
    /// # Errors
    /// The number of places that are filled.
    pub fn lay_out(
        &self,
        digest: B256,
        signatures: &[AccountSignature],
    ) -> Result<Vec<Option<AccountSignature>>, usize> {
        let signers: Vec<(Option<Address>, &AccountSignature)> =
            signatures.iter().map(|signature| (signature.account(&digest.0).ok(), signature)).collect();
        let of = |guardian: &Address| signers.iter().find(|(signer, _)| *signer == Some(*guardian));
        let places: Vec<Option<AccountSignature>> =
            self.guardians.iter().map(|guardian| of(guardian).map(|(_, signature)| **signature)).collect();
        let filled = places.iter().flatten().count();
        let enough = self.threshold > 0 && u64::try_from(filled).is_ok_and(|filled| filled >= self.threshold);
        if enough { Ok(places) } else { Err(filled) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::account;

    const DIGEST: B256 = B256::repeat_byte(7);

    fn list(accounts: &[u16], threshold: u64) -> GuardianList {
        GuardianList { guardians: accounts.iter().map(|number| account(*number).1).collect(), threshold }
    }

    fn by(accounts: &[u16]) -> Vec<AccountSignature> {
        accounts.iter().map(|number| AccountSignature::sign(&account(*number).0, &DIGEST.0).unwrap().0).collect()
    }

    #[test]
    fn signatures_stand_in_the_places_of_their_signers_wherever_those_are() {
        let signatures = by(&[3, 1]);
        let filled = |accounts: &[u16]| -> Vec<Option<Address>> {
            let places = list(accounts, 2).lay_out(DIGEST, &signatures).unwrap();
            places.iter().map(|place| place.map(|signature| signature.account(&DIGEST.0).unwrap())).collect()
        };
        let of = |number| Some(account(number).1);
        assert_eq!(filled(&[1, 2, 3]), [of(1), None, of(3)]);
        assert_eq!(filled(&[3, 1]), [of(3), of(1)], "the second was removed, and the third took its place");
        assert_eq!(filled(&[9, 1, 8, 3]), [None, of(1), None, of(3)]);
    }

    #[test]
    fn fewer_than_the_module_wants_are_not_laid_out() {
        let all = list(&[1, 2, 3], 2);
        assert_eq!(all.lay_out(DIGEST, &by(&[1])), Err(1));
        assert_eq!(all.lay_out(DIGEST, &by(&[1, 1, 1])), Err(1), "one signer is one");
        assert_eq!(all.lay_out(DIGEST, &by(&[1, 8, 9])), Err(1), "two are strangers");
        let other = AccountSignature::sign(&account(2).0, &[8; 32]).unwrap().0;
        assert_eq!(all.lay_out(DIGEST, &[by(&[1])[0], other]), Err(1), "one is of something else");
        assert_eq!(all.lay_out(DIGEST, &by(&[1, 2, 3])).map(|places| places.len()), Ok(3));
        assert_eq!(list(&[], 0).lay_out(DIGEST, &[]), Err(0), "nobody is not enough");
    }
}
