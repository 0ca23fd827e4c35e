//! The log's lines about the contracts' past: how far it is read, who lacks some of it, and what became of it when it was read again.

use super::Names;
use guardian_protocol::{HistoryEvent, Layer, ProviderId};
use tracing::{error, info, warn};

/// Providers know different events of the blocks `(from, upto)`.
pub(super) fn contested(
    names: &Names,
    (fewer, more): (&[ProviderId], &[ProviderId]),
    (from, upto): (u64, u64),
    missing: usize,
) {
    let named = |all: &[ProviderId]| -> Vec<String> {
        all.iter().map(|provider| names.provider(Layer::Execution, *provider).to_owned()).collect()
    };
    warn!(
        from,
        upto,
        missing,
        fewer = ?named(fewer),
        more = ?named(more),
        hint = "nodes that prune their logs, or whose index is broken, leave events out: let them keep all receipts, or repair the index",
        "execution providers know different events of these blocks"
    );
}

/// One line for `event`; [`contested`] has those that are told less often than they happen.
pub(super) fn log(event: &HistoryEvent) {
    match event {
        HistoryEvent::Advanced { upto, wanted, events } => {
            info!(upto, wanted, events, "reading the contracts' past");
        }
        HistoryEvent::Incomplete { counted, known } => error!(
            counted,
            known,
            hint = "nothing is observed until they are the same; the past is read again by itself. Do the execution providers keep all \
                    logs since start_block? Is start_block right?",
            "ALARM: the contracts' events do not lead to the number of validators in the protocol's own books"
        ),
        HistoryEvent::Unproven => error!(
            hint = "configure a second and a third execution provider: the protocol's contract keeps no books, and one provider alone \
                    could leave events out unseen",
            "ALARM: nothing shows that the events of the only execution provider are all; nothing is observed"
        ),
        HistoryEvent::Corrected { range: (from, upto), recorded, read } => error!(
            from,
            upto,
            recorded,
            read,
            "ALARM: the past was recorded with other events than providers know now; it is corrected"
        ),
        HistoryEvent::Differs { range: (from, upto), recorded, read } => error!(
            from,
            upto,
            recorded,
            read,
            hint = "what was recorded is kept; `guardian rescan` reads everything again",
            "ALARM: providers now give other events of the past than they did; some of them lose their logs, or lie"
        ),
        HistoryEvent::Rescanned { pages, corrected } => info!(pages, corrected, "the contracts' past was read again"),
        HistoryEvent::Contested { .. } => {}
    }
}
