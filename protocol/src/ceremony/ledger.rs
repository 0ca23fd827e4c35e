//! The board under its rules: posts are judged as they come in, and what they amount to can be asked.

use super::{
    board::{Board, Filed},
    fault::{Evidence, Fault},
    post::{Body, Post, Step},
    rules::{Deal, Rules},
    scheme::Dealt,
};
use crate::types::MemberId;
use alloy_primitives::B256;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug)]
pub(super) struct Ledger {
    pub(super) rules: Rules,
    pub(super) board: Board,
    /// The deals, read.
    pub(super) deals: BTreeMap<MemberId, Deal>,
}

/// What became of a post.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Accepted {
    /// It is the first of its author in its step.
    New,
    /// Nothing new.
    Known,
    /// Its author contradicts itself.
    Contradiction,
    /// It convicts its author.
    Fault(Box<Fault>),
    /// It is no post of this ceremony.
    Refused(&'static str),
}

impl Ledger {
    pub(super) fn new(rules: Rules) -> Self {
        Self { rules, board: Board::default(), deals: BTreeMap::new() }
    }

    /// Takes a post, whoever brought it.
    pub(super) fn accept(&mut self, post: Post) -> Accepted {
        let (step, author) = (post.step(), post.author());
        if !self.rules.has_role(author, step) {
            return Accepted::Refused("its author has no part in its step");
        }
        if post.is_too_large() {
            return Accepted::Refused("it is too large");
        }
        let hash = post.hash(self.rules.id);
        if self.board.has(&hash) {
            return Accepted::Known;
        }
        if !self.rules.is_genuine(&post) {
            return Accepted::Refused("its author's signature does not hold for this ceremony");
        }
        let judged = if matches!(post.body(), Body::Deal { .. }) {
            self.rules.deal(&post).map(Some).map_err(drop)
        } else {
            self.rules.shape(&post).map(|()| None).map_err(drop)
        };
        let Ok(deal) = judged else { return self.convicted(Evidence::BadPost(post)) };
        match self.board.file(post, hash) {
            Filed::New => {
                self.deals.extend(deal.map(|deal| (author, deal)));
                Accepted::New
            }
            Filed::Known => Accepted::Known,
            Filed::Contradiction => Accepted::Contradiction,
            Filed::Equivocation(evidence) => self.convicted(*evidence),
        }
    }

    fn convicted(&self, evidence: Evidence) -> Accepted {
        // Both kinds of evidence that end here are proven by what was just checked.
        match Fault::prove(&self.rules, evidence) {
            Some(fault) => Accepted::Fault(Box::new(fault)),
            None => Accepted::Refused("it is wrong, but proves nothing"),
        }
    }

    /// Whose posts are missing in `step`.
    pub(super) fn missing(&self, step: Step) -> BTreeSet<MemberId> {
        let mut authors = self.rules.authors(step);
        authors.retain(|author| self.board.get(step, *author).is_none());
        authors
    }

    /// Whether everybody's post of `step` is here.
    pub(super) fn is_complete(&self, step: Step) -> bool {
        self.missing(step).is_empty()
    }

    /// Who names another post than the one that is here as what it received.
    pub(super) fn echoing_others(&self) -> BTreeSet<MemberId> {
        let differs = |author: MemberId, post: &Post| {
            if let Body::Sum { shares, .. } = post.body() {
                return self.board.hash(Step::Shares, author).is_some_and(|here| here != *shares);
            }
            self.rules.dealers.iter().any(|dealer| {
                let here = self.board.hash(Step::Deal, *dealer);
                here.is_some() && here != self.rules.echo(post, *dealer)
            })
        };
        let echoing = self.board.step(Step::Shares).chain(self.board.step(Step::Sum));
        echoing.filter(|(author, post)| differs(*author, post)).map(|(author, _)| author).collect()
    }

    /// Who signed two different posts for a step of the transcript.
    pub(super) fn contradicting(&self) -> BTreeSet<MemberId> {
        let steps = self.rules.steps();
        let all = steps.iter().flat_map(|step| self.rules.authors(*step).into_iter().map(|author| (*step, author)));
        all.filter(|(step, author)| self.board.is_contradicted(*step, *author)).map(|(_, author)| author).collect()
    }

    /// Whether `step` and all before it are complete, and everybody received the same and nothing else.
    pub(super) fn is_settled(&self, step: Step) -> bool {
        let steps = self.rules.steps();
        steps.iter().take_while(|s| **s <= step).all(|s| self.is_complete(*s))
            && self.echoing_others().is_empty()
            && self.contradicting().is_empty()
    }

    /// What the dealers committed to.
    pub(super) fn dealt(&self) -> BTreeMap<MemberId, Dealt> {
        self.deals.iter().map(|(dealer, deal)| (*dealer, deal.dealt.clone())).collect()
    }

    /// The last step before [`Step::Confirm`].
    pub(super) fn last_step(&self) -> Step {
        if self.rules.steps().contains(&Step::Sum) { Step::Sum } else { Step::Shares }
    }

    /// The hash of what everybody is to confirm, once all of it is here.
    pub(super) fn transcript(&self) -> Option<B256> {
        let mut hashes = Vec::new();
        for step in self.rules.steps().iter().filter(|step| **step < Step::Confirm) {
            for author in self.rules.authors(*step) {
                hashes.push(self.board.hash(*step, author)?);
            }
        }
        Some(self.rules.transcript_hash(hashes.into_iter()))
    }

    /// Who has not confirmed `transcript`.
    pub(super) fn not_confirming(&self, transcript: B256) -> BTreeSet<MemberId> {
        let mut authors = self.rules.authors(Step::Confirm);
        authors.retain(|author| {
            !self.board.get(Step::Confirm, *author).is_some_and(|post| *post.body() == Body::Confirm { transcript })
        });
        authors
    }

    /// What the complaints that can be decided amount to.
    pub(super) fn decide(&self) -> Option<Fault> {
        self.board.all(Step::Confirm).find_map(|complaint| {
            let Body::Complaint { dealer, .. } = complaint.body() else { return None };
            let (shares, complaint) = (self.board.get(Step::Shares, *dealer)?.clone(), complaint.clone());
            let evidence = if self.rules.owed_in(complaint.author()) == Step::Sum {
                let deals = self.board.step(Step::Deal).map(|(_, post)| post.clone()).collect();
                Evidence::Sum { deals, shares, sum: self.board.get(Step::Sum, *dealer)?.clone(), complaint }
            } else {
                Evidence::Share { deal: self.board.get(Step::Deal, *dealer)?.clone(), shares, complaint }
            };
            Fault::prove(&self.rules, evidence)
        })
    }
}
