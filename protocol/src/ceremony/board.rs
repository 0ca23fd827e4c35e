//! What everybody has said: one post for each author and step, and at most one other that differs. So whatever a member
//! sends, memory is bounded. The board believes nothing by itself: posts are judged before they are filed.

use super::{
    fault::{Evidence, differ},
    post::{Post, Step},
};
use crate::types::MemberId;
use alloy_primitives::B256;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Default)]
pub(super) struct Board {
    slots: BTreeMap<(Step, MemberId), Slot>,
    hashes: BTreeSet<B256>,
}

#[derive(Debug)]
struct Slot {
    post: Post,
    hash: B256,
    /// Another post of the same author for the same step.
    other: Option<Post>,
}

/// What became of a post.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Filed {
    /// The first of its author in its step.
    New,
    /// Nothing new.
    Known,
    /// Another than the one that is here; each could be an honest author's.
    Contradiction,
    /// Another than the one that is here, and no honest author makes both.
    Equivocation(Box<Evidence>),
}

impl Board {
    /// Whether a post with this hash is here.
    pub(super) fn has(&self, hash: &B256) -> bool {
        self.hashes.contains(hash)
    }

    /// Files a post that was judged.
    pub(super) fn file(&mut self, post: Post, hash: B256) -> Filed {
        if self.has(&hash) {
            return Filed::Known;
        }
        let Some(slot) = self.slots.get_mut(&(post.step(), post.author())) else {
            self.hashes.insert(hash);
            self.slots.insert((post.step(), post.author()), Slot { post, hash, other: None });
            return Filed::New;
        };
        if differ(&slot.post, &post) {
            let evidence = Evidence::Equivocation { first: slot.post.clone(), second: post };
            return Filed::Equivocation(Box::new(evidence));
        }
        if slot.other.is_some() {
            return Filed::Known;
        }
        self.hashes.insert(hash);
        slot.other = Some(post);
        Filed::Contradiction
    }

    /// The post of `author` in `step`.
    pub(super) fn get(&self, step: Step, author: MemberId) -> Option<&Post> {
        self.slots.get(&(step, author)).map(|slot| &slot.post)
    }

    /// Its hash.
    pub(super) fn hash(&self, step: Step, author: MemberId) -> Option<B256> {
        self.slots.get(&(step, author)).map(|slot| slot.hash)
    }

    /// Whether the author signed two different posts for this step.
    pub(super) fn is_contradicted(&self, step: Step, author: MemberId) -> bool {
        self.slots.get(&(step, author)).is_some_and(|slot| slot.other.is_some())
    }

    /// All posts of a step, contradictions included.
    pub(super) fn all(&self, step: Step) -> impl Iterator<Item = &Post> + '_ {
        let slots = self.slots.iter().filter(move |((s, _), _)| *s == step);
        slots.flat_map(|(_, slot)| [Some(&slot.post), slot.other.as_ref()]).flatten()
    }

    /// The posts of a step, by author.
    pub(super) fn step(&self, step: Step) -> impl Iterator<Item = (MemberId, &Post)> + '_ {
        self.slots.iter().filter(move |((s, _), _)| *s == step).map(|((_, author), slot)| (*author, &slot.post))
    }

    /// The hashes of all posts, increasing.
    pub(super) fn hashes(&self) -> Vec<B256> {
        self.hashes.iter().copied().collect()
    }

    /// The posts whose hashes are not in `known`, which is increasing.
    pub(super) fn others(&self, known: &[B256], hash_of: impl Fn(&Post) -> B256) -> Vec<&Post> {
        let unknown = |hash: &B256| known.binary_search(hash).is_err();
        self.slots
            .values()
            .flat_map(|slot| {
                let first = unknown(&slot.hash).then_some(&slot.post);
                let other = slot.other.as_ref().filter(|post| unknown(&hash_of(post)));
                [first, other]
            })
            .flatten()
            .collect()
    }
}
