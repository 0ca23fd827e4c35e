//! What was believed of the last questions, so that providers whose answers come later can be compared. Nothing is decided from a late
//! answer; it only names who contradicts, or gives none.

use super::weighing;
use crate::{
    effects::Effects,
    event::{Event, Layer},
    ports::{Answers, QueryId, Reading},
    setup::ProviderQuorum,
};
use std::collections::VecDeque;

/// So many questions are remembered: those of one observation.
const REMEMBERED: usize = 8;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Settled(VecDeque<(QueryId, Reading)>);

impl Settled {
    /// Remembers what enough answers agree in; if there is no such thing, the state that was proved.
    pub(super) fn remember(&mut self, answers: &Answers, quorum: ProviderQuorum) {
        let said = || answers.answers.iter().filter_map(|(_, answer)| answer.as_ref().ok());
        let k = |one: &Reading| match layer(one) {
            Layer::Beacon => quorum.beacon,
            Layer::Execution => quorum.execution,
        };
        let agreed = said().find(|one| said().filter(|other| other == one).count() >= k(one));
        let states: Vec<&Reading> = said().filter(|one| matches!(one, Reading::State(_))).collect();
        let proved = states.first().copied().filter(|first| states.iter().all(|other| other == first));
        let Some(believed) = agreed.or(proved) else { return };
        self.0.push_back((answers.id, believed.clone()));
        if self.0.len() > REMEMBERED {
            self.0.pop_front();
        }
    }

    /// Compares late answers, if their question is remembered.
    pub(super) fn compare(&self, late: Answers, fx: &mut Effects) {
        let Some((_, believed)) = self.0.iter().find(|(id, _)| *id == late.id) else { return };
        let layer = layer(believed);
        for (provider, answer) in late.answers {
            match answer {
                Ok(said) if weighing::contradicts(believed, &said) => {
                    let detail = weighing::detail(&said, believed);
                    fx.report(Event::ProviderDisagrees { provider, layer, detail });
                }
                Ok(_) => {}
                Err(failure) => fx.report(Event::ProviderFailed { provider, layer, failure }),
            }
        }
    }
}

/// Whose answer this is.
fn layer(reading: &Reading) -> Layer {
    match reading {
        Reading::Chain(_) | Reading::Events(_) | Reading::Progress(_) => Layer::Execution,
        Reading::Finalized(_) | Reading::Validators(_) | Reading::State(_) | Reading::StateRoot(_) => Layer::Beacon,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ports::ReadFailure,
        testing::{checkpoint, released, validator},
        types::{BlockRef, BlsPubkey, Epoch, EventPage, ProtocolEvent, ProviderId},
    };

    const ID: QueryId = QueryId(7);

    /// Who is named as contradicting, and who as silent, when this comes late.
    fn late(believed: Vec<Reading>, id: QueryId, answer: Result<Reading, ReadFailure>) -> (usize, usize) {
        let mut settled = Settled::default();
        let answers = (0..).map(ProviderId).zip(believed.into_iter().map(Ok)).collect();
        settled.remember(&Answers { id: ID, answers }, ProviderQuorum { beacon: 2, execution: 2 });
        let mut fx = Effects::default();
        settled.compare(Answers { id, answers: vec![(ProviderId(2), answer)] }, &mut fx);
        let events = released(fx).events;
        let count = |wanted: fn(&Event) -> bool| events.iter().filter(|event| wanted(event)).count();
        let disagrees = count(|event| matches!(event, Event::ProviderDisagrees { provider: ProviderId(2), .. }));
        (disagrees, count(|event| matches!(event, Event::ProviderFailed { provider: ProviderId(2), .. })))
    }

    fn finalized(epoch: u64, root: u8) -> Reading {
        let mut checkpoint = checkpoint(8);
        (checkpoint.epoch, checkpoint.root) = (Epoch(epoch), [root; 32].into());
        Reading::Finalized(Some(checkpoint))
    }

    fn events(keys: &[u8], hash: u8) -> Reading {
        let upto = BlockRef { number: 9, hash: [hash; 32].into(), timestamp: 9 };
        let provisioned = |key: &u8| ProtocolEvent::Provisioned(BlsPubkey::repeat_byte(*key));
        Reading::Events(EventPage { from: 0, upto, events: keys.iter().map(provisioned).collect() })
    }

    fn words(balance: u64) -> Reading {
        Reading::Validators(vec![validator(7, balance)])
    }

    #[test]
    fn a_late_answer_that_contradicts_is_named() {
        for (believed, said, named) in [
            (finalized(8, 1), finalized(8, 1), 0),
            (finalized(8, 1), finalized(8, 2), 1),
            (finalized(8, 1), finalized(9, 2), 0),
            (finalized(8, 1), Reading::Finalized(None), 0),
            (words(32), words(32), 0),
            (words(32), words(31), 1),
            (Reading::StateRoot([1; 32].into()), Reading::StateRoot([2; 32].into()), 1),
            (events(&[1, 2], 7), events(&[1, 2], 7), 0),
            (events(&[1, 2], 7), events(&[1], 7), 0),
            (events(&[1], 7), events(&[1, 2], 7), 0),
            (events(&[1], 7), events(&[2], 7), 1),
            (events(&[1], 7), events(&[1], 8), 1),
        ] {
            let believed = vec![believed.clone(), believed];
            assert_eq!(late(believed.clone(), ID, Ok(said.clone())), (named, 0), "{believed:?} {said:?}");
            assert_eq!(late(believed, QueryId(6), Ok(said)), (0, 0), "of another question");
        }
    }

    #[test]
    fn a_late_failure_is_told() {
        let down = Err(ReadFailure::Unreachable("down".into()));
        assert_eq!(late(vec![words(32), words(32)], ID, down), (0, 1));
    }

    #[test]
    fn a_late_answer_is_compared_with_nothing_if_nothing_was_believed() {
        assert_eq!(late(vec![words(32), words(31)], ID, Ok(words(30))), (0, 0));
    }
}
