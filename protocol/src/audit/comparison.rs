//! Finding out where another member's evidence differs: from the root of its tree down, along hashes that differ.
//!
//! Both sides ask; nobody has to believe the answers. A member that answers nonsense, or nothing, tells that about itself.

use super::{
    facts::{Difference, Fact, facts},
    tree::{Node, Place, Tree},
};
use crate::{
    duty::Evidence,
    types::{Epoch, MemberId},
    wire::{Finding, Inquiry},
};
use alloy_primitives::B256;
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

/// Periods whose evidence is kept: others may be one behind.
const PERIODS: usize = 2;
/// Questions to one member about one period at most. A difference in one fact of a million takes six.
const QUESTIONS: usize = 64;
/// Differences with one member that are told at most. More would not tell more.
const DIFFERENCES: usize = 16;

/// Evidence of the last periods, and what others have otherwise.
#[derive(Debug, Default)]
pub(crate) struct Comparisons {
    recent: VecDeque<Recent>,
    searches: BTreeMap<MemberId, Search>,
}

#[derive(Debug)]
struct Recent {
    evidence: Arc<Evidence>,
    /// Made when it is first needed: usually everybody agrees.
    tree: Option<Tree>,
}

#[derive(Debug)]
struct Search {
    period: Epoch,
    open: BTreeSet<Place>,
    asked: usize,
    found: Vec<Difference>,
}

/// What an answer brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// These facts differ.
    Differences(Vec<Difference>),
    /// Everything was compared, and nothing differs: the member decides by other rules, or lies.
    Nothing,
    /// It is no answer to a question of ours.
    Nonsense,
}

impl Comparisons {
    /// Keeps what was just observed.
    pub(crate) fn keep(&mut self, evidence: Arc<Evidence>) {
        self.searches.clear();
        self.recent.push_front(Recent { evidence, tree: None });
        self.recent.truncate(PERIODS);
    }

    /// What was observed last.
    #[must_use]
    pub(crate) fn newest(&self) -> Option<&Arc<Evidence>> {
        self.recent.front().map(|recent| &recent.evidence)
    }

    /// What was observed in `period`, if it is recent.
    #[must_use]
    pub(crate) fn evidence(&self, period: Epoch) -> Option<&Arc<Evidence>> {
        self.recent.iter().map(|recent| &recent.evidence).find(|evidence| evidence.checkpoint.epoch == period)
    }

    /// What was observed in `period`, if it is recent, and its tree's root.
    pub(crate) fn rooted(&mut self, period: Epoch) -> Option<(Arc<Evidence>, B256)> {
        let evidence = Arc::clone(self.evidence(period)?);
        Some((evidence, self.tree(period)?.root()))
    }

    /// What is known of differences so far.
    pub(crate) fn found(&self) -> impl Iterator<Item = (MemberId, Epoch, &Difference)> {
        self.searches
            .iter()
            .flat_map(|(member, search)| search.found.iter().map(|difference| (*member, search.period, difference)))
    }

    /// The first question to a `member` that decided otherwise, unless the answer is known.
    pub(crate) fn begin(&mut self, member: MemberId, period: Epoch) -> Option<Inquiry> {
        self.evidence(period)?;
        if self.searches.get(&member).is_some_and(|search| search.period == period && search.open.is_empty()) {
            return None;
        }
        // If an answer was lost, the search begins anew when the member is heard again.
        let open = BTreeSet::from([Place::new()]);
        self.searches.insert(member, Search { period, open, asked: 1, found: Vec::new() });
        Some(Inquiry { period, place: Place::new() })
    }

    /// The answer to another's question. `None` if there is nothing to tell.
    pub(crate) fn answer(&mut self, inquiry: &Inquiry) -> Option<Finding> {
        let node = self.tree(inquiry.period)?.node(&inquiry.place)?;
        Some(Finding { period: inquiry.period, place: inquiry.place.clone(), node })
    }

    /// Takes an answer of `member`; returns what it brings, if that can be told already, and further questions.
    pub(crate) fn take(&mut self, member: MemberId, finding: Finding) -> (Option<Found>, Vec<Inquiry>) {
        let Finding { period, place, node } = finding;
        let asked = self.searches.get_mut(&member).is_some_and(|s| s.period == period && s.open.remove(&place));
        if !asked {
            return (Some(Found::Nonsense), Vec::new());
        }
        let Some(tree) = self.tree(period) else { return (None, Vec::new()) };
        let (differences, further) = match &node {
            Node::Facts(facts) => match compare(tree, &place, facts) {
                Some(differences) => (differences, Vec::new()),
                None => return (Some(Found::Nonsense), Vec::new()),
            },
            Node::Branch(children) => (Vec::new(), differing(tree, &place, children)),
        };
        let Some(search) = self.searches.get_mut(&member) else { return (None, Vec::new()) };
        let new: Vec<Difference> =
            differences.into_iter().take(DIFFERENCES.saturating_sub(search.found.len())).collect();
        search.found.extend(new.iter().cloned());
        let enough = search.found.len() >= DIFFERENCES;
        let left = if enough { 0 } else { QUESTIONS.saturating_sub(search.asked) };
        let questions: Vec<Inquiry> = further.into_iter().take(left).map(|place| Inquiry { period, place }).collect();
        search.asked = search.asked.saturating_add(questions.len());
        search.open.extend(questions.iter().map(|question| question.place.clone()));
        let found = if !new.is_empty() {
            Some(Found::Differences(new))
        } else {
            (search.open.is_empty() && search.found.is_empty()).then_some(Found::Nothing)
        };
        (found, questions)
    }

    fn tree(&mut self, period: Epoch) -> Option<&Tree> {
        let recent = self.recent.iter_mut().find(|recent| recent.evidence.checkpoint.epoch == period)?;
        Some(recent.tree.get_or_insert_with(|| Tree::new(facts(&recent.evidence))))
    }
}

/// Where facts below `place` differ; `None` if `theirs` can't be what lies there.
fn compare(tree: &Tree, place: &[u8], theirs: &[Fact]) -> Option<Vec<Difference>> {
    if theirs.len() > Node::MAX_FACTS || !theirs.iter().all(Fact::is_presentable) {
        return None;
    }
    let by_name = |fact: &Fact| (fact.name.clone(), fact.value.clone());
    let ours: BTreeMap<String, String> = tree.below(place)?.map(by_name).collect();
    Some(super::differences(&ours, &theirs.iter().map(by_name).collect()))
}

/// The places below `place` whose hashes differ.
fn differing(tree: &Tree, place: &[u8], theirs: &[B256; Node::CHILDREN]) -> Vec<Place> {
    let child = |half: u8| [place, &[half]].concat();
    (0u8..)
        .zip(theirs)
        .map(|(half, hash)| (child(half), hash))
        .filter(|(place, hash)| tree.node(place).is_some_and(|node| node.hash() != **hash))
        .map(|(place, _)| place)
        .collect()
}
