//! A coordinator: chooses commitments, collects shares, makes the signature. Aggregation is optimistic: shares are
//! looked at one by one only when their sum fails.

use super::{Commitment, Context, Message, Misconduct, Output, Package, Share, Terms};
use crate::types::{BootId, MemberId, Timestamp};
use alloy_primitives::B256;
use guardian_crypto::{
    frost::signing::{self, SignatureShare, SigningPackage},
    schnorr::Signature,
};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// How many spent commitments of each signer are remembered. Should an older one turn up again, it costs one attempt.
const REMEMBERED: usize = 32;

#[derive(Debug)]
pub(super) struct Coordinator {
    me: MemberId,
    /// What can be used, in the order of arrival; one for each signer.
    offers: Vec<Commitment>,
    /// The last ones that were used, by owner.
    used: BTreeMap<MemberId, VecDeque<(BootId, u32)>>,
    excluded: BTreeSet<MemberId>,
    open: Option<Attempt>,
    attempts: u32,
}

#[derive(Debug)]
struct Attempt {
    hash: B256,
    package: Package,
    prepared: SigningPackage,
    shares: BTreeMap<MemberId, Share>,
    deadline: Timestamp,
}

impl Attempt {
    fn silent(&self) -> impl Iterator<Item = MemberId> + '_ {
        self.package.commitments.iter().map(|c| c.owner).filter(|owner| !self.shares.contains_key(owner))
    }
}

impl Coordinator {
    pub(super) fn new(me: MemberId) -> Self {
        let (offers, used, excluded) = (Vec::new(), BTreeMap::new(), BTreeSet::new());
        Self { me, offers, used, excluded, open: None, attempts: 0 }
    }

    /// Takes a commitment, in place of what its owner offered before.
    pub(super) fn offer(&mut self, commitment: Commitment, terms: &Terms, out: &mut Vec<Output>) {
        let known = self.offers.contains(&commitment) || self.is_used(&commitment);
        if known || self.excluded.contains(&commitment.owner) || !commitment.is_genuine(terms) {
            return;
        }
        if !commitment.points.is_well_formed() {
            self.exclude(commitment.owner);
            out.push(Output::Misconduct(Misconduct::MalformedCommitment(commitment)));
            return;
        }
        self.offers.retain(|offer| offer.owner != commitment.owner);
        self.offers.push(commitment);
    }

    /// Opens an attempt, if it is our turn, enough signers have offered something, and no attempt is under way that may
    /// succeed.
    pub(super) fn open(&mut self, terms: &Terms, cx: Context<'_>, out: &mut Vec<Output>) {
        if !terms.coordinators().contains(&self.me) || self.is_under_way(terms, cx.now) {
            return;
        }
        let mut chosen = self.offers.clone();
        let near = |member: MemberId| member == self.me || cx.connected.contains(&member);
        chosen.sort_by_key(|offer| !near(offer.owner));
        chosen.truncate(terms.quorum());
        if chosen.len() < terms.quorum() {
            return;
        }
        chosen.sort_by_key(|offer| offer.owner);
        for spent in &chosen {
            self.spend(spent);
        }
        let package = Package::seal(terms, self.me, chosen, cx.keys.identity);
        let Some(prepared) = package.prepare(terms) else { return };
        let signers: Vec<MemberId> = package.commitments.iter().map(|c| c.owner).collect();
        self.attempts = self.attempts.saturating_add(1);
        out.push(Output::Opened { attempt: self.attempts, signers: signers.clone() });
        out.extend(signers.into_iter().map(|signer| Output::Send(signer, Message::Package(package.clone()))));
        let deadline = cx.now.after(terms.patience());
        self.open = Some(Attempt { hash: package.hash(terms), package, prepared, shares: BTreeMap::new(), deadline });
    }

    /// Takes a share; yields the signature if it was the last one needed. Shares of other packages, of strangers, and
    /// repeated ones change nothing, except that their signers have something new to offer.
    pub(super) fn take(&mut self, share: &Share, terms: &Terms, out: &mut Vec<Output>) -> Option<Signature> {
        if self.excluded.contains(&share.signer) || share.next.owner != share.signer || !share.is_genuine(terms) {
            return None;
        }
        self.offer(share.next, terms, out);
        let awaited = |open: &&mut Attempt| open.hash == share.package && open.silent().any(|s| s == share.signer);
        let open = self.open.as_mut().filter(awaited)?;
        open.shares.insert(share.signer, *share);
        if open.silent().next().is_some() {
            return None;
        }
        let open = self.open.take()?;
        let shares: BTreeMap<MemberId, SignatureShare> =
            open.shares.iter().map(|(s, share)| (*s, share.share)).collect();
        match signing::aggregate(&open.prepared, &shares, terms.public()) {
            Ok(signature) => Some(signature),
            Err(error) => {
                for culprit in error.culprits() {
                    self.exclude(*culprit);
                    if let Some(share) = open.shares.get(culprit) {
                        let package = open.package.clone();
                        out.push(Output::Misconduct(Misconduct::WrongShare { package, share: Box::new(*share) }));
                    }
                }
                None
            }
        }
    }

    /// The package under way, for those who have not answered it.
    pub(super) fn unanswered(&self) -> impl Iterator<Item = (MemberId, Package)> + '_ {
        self.open.iter().flat_map(|open| open.silent().map(|signer| (signer, open.package.clone())))
    }

    /// Who has to say something before this coordinator can go on.
    pub(super) fn owing(&self, terms: &Terms) -> BTreeSet<MemberId> {
        let offers = |signer: &MemberId| self.offers.iter().any(|offer| offer.owner == *signer);
        match &self.open {
            Some(open) => open.silent().filter(|signer| *signer != self.me).collect(),
            None => terms.signers().filter(|s| *s != self.me && !offers(s) && !self.excluded.contains(s)).collect(),
        }
    }

    /// When the attempt under way is given up.
    pub(super) fn deadline(&self, terms: &Terms) -> Option<Timestamp> {
        self.open.as_ref().filter(|_| !terms.all_sign()).map(|open| open.deadline)
    }

    /// Whether an attempt may still succeed. Not if somebody who owes a share offers something new instead: its nonces
    /// are gone.
    fn is_under_way(&self, terms: &Terms, now: Timestamp) -> bool {
        self.open.as_ref().is_some_and(|open| {
            let lost = |signer: MemberId| self.offers.iter().any(|offer| offer.owner == signer);
            let in_time = terms.all_sign() || now < open.deadline;
            in_time && !open.silent().any(lost)
        })
    }

    fn exclude(&mut self, member: MemberId) {
        self.excluded.insert(member);
        self.offers.retain(|offer| offer.owner != member);
    }

    fn spend(&mut self, commitment: &Commitment) {
        self.offers.retain(|offer| offer.owner != commitment.owner);
        let used = self.used.entry(commitment.owner).or_default();
        if used.len() >= REMEMBERED {
            used.pop_front();
        }
        used.push_back((commitment.boot, commitment.index));
    }

    fn is_used(&self, commitment: &Commitment) -> bool {
        let name = (commitment.boot, commitment.index);
        self.used.get(&commitment.owner).is_some_and(|used| used.contains(&name))
    }
}
