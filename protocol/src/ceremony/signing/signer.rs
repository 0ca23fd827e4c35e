//! A signer's nonces. Each pair is for one coordinator and is spent by the first package that contains it.

use super::{Commitment, Keys, Message, Misconduct, Output, Package, Share, Terms};
use crate::types::{BootId, MemberId};
use guardian_crypto::frost::signing::{self, Nonces};
use rand_core::{CryptoRng, RngCore};
use std::collections::BTreeMap;

#[derive(Debug)]
pub(super) struct Signer {
    me: MemberId,
    boot: BootId,
    next_index: u32,
    /// One for each coordinator whose turn has come.
    unspent: BTreeMap<MemberId, Slot>,
    /// The last share given to each coordinator, so that a repeated package gets the same answer and no second nonce.
    given: BTreeMap<MemberId, Share>,
    /// The last package of each coordinator that is not answered yet.
    held: BTreeMap<MemberId, Package>,
}

#[derive(Debug)]
struct Slot {
    nonces: Nonces,
    commitment: Commitment,
}

impl Signer {
    pub(super) fn new(me: MemberId, boot: BootId) -> Self {
        let (unspent, given, held) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { me, boot, next_index: 0, unspent, given, held }
    }

    /// Offers `coordinator` a commitment, unless it has one.
    pub(super) fn announce(
        &mut self,
        coordinator: MemberId,
        terms: &Terms,
        keys: Keys<'_>,
        rng: &mut (impl CryptoRng + RngCore),
        out: &mut Vec<Output>,
    ) {
        if !self.unspent.contains_key(&coordinator)
            && let Some(commitment) = self.commit(coordinator, terms, keys, rng)
        {
            out.push(Output::Send(coordinator, Message::Commitment(commitment)));
        }
    }

    /// What each coordinator can use.
    pub(super) fn commitments(&self) -> impl Iterator<Item = (MemberId, Commitment)> + '_ {
        self.unspent.iter().map(|(coordinator, slot)| (*coordinator, slot.commitment))
    }

    /// Takes a package, to be answered when shares may be given. Whether it is one.
    pub(super) fn hold(&mut self, package: Package, terms: &Terms, out: &mut Vec<Output>) -> bool {
        if !package.is_genuine(terms) {
            return false;
        }
        if !package.is_well_made(terms) {
            out.push(Output::Misconduct(Misconduct::BadPackage(package)));
            return false;
        }
        self.held.insert(package.coordinator, package);
        true
    }

    /// Answers what is held.
    pub(super) fn answer_held(
        &mut self,
        terms: &Terms,
        keys: Keys<'_>,
        rng: &mut (impl CryptoRng + RngCore),
        out: &mut Vec<Output>,
    ) {
        while let Some((coordinator, package)) = self.held.pop_first() {
            // A package without us is none of our business; an honest coordinator does not send it.
            if package.of(self.me).is_some()
                && let Some(answer) = self.answer(&package, terms, keys, rng)
            {
                out.push(Output::Send(coordinator, answer));
            }
        }
    }

    fn answer(
        &mut self,
        package: &Package,
        terms: &Terms,
        keys: Keys<'_>,
        rng: &mut (impl CryptoRng + RngCore),
    ) -> Option<Message> {
        let (hash, coordinator) = (package.hash(terms), package.coordinator);
        if let Some(given) = self.given.get(&coordinator).filter(|given| given.package == hash) {
            return Some(Message::Share(*given));
        }
        let ours = package.of(self.me)?;
        if self.unspent.get(&coordinator).is_none_or(|slot| slot.commitment != *ours) {
            // Spent, or of an earlier start, or made for another coordinator. Here is one that can be used.
            let fresh = match self.unspent.get(&coordinator) {
                Some(slot) => slot.commitment,
                None => self.commit(coordinator, terms, keys, rng)?,
            };
            return Some(Message::Commitment(fresh));
        }
        let prepared = package.prepare(terms)?;
        let slot = self.unspent.remove(&coordinator)?;
        let share = signing::sign(slot.nonces, &prepared, keys.share).ok()?;
        let next = self.commit(coordinator, terms, keys, rng)?;
        let share = Share::seal(terms, (self.me, hash), share, next, keys.identity);
        self.given.insert(coordinator, share);
        Some(Message::Share(share))
    }

    /// Fresh nonces for `coordinator`. `None` if chance failed us (it does not).
    fn commit(
        &mut self,
        coordinator: MemberId,
        terms: &Terms,
        keys: Keys<'_>,
        rng: &mut (impl CryptoRng + RngCore),
    ) -> Option<Commitment> {
        let (nonces, points) = signing::commit(keys.share, rng).ok()?;
        let commitment = Commitment::seal(terms, (self.me, self.boot, self.next_index), points, keys.identity);
        self.next_index = self.next_index.saturating_add(1);
        self.unspent.insert(coordinator, Slot { nonces, commitment });
        Some(commitment)
    }
}
