//! The store in numbers, and its newest duties. A store holds no secret; what is told of it fits a page all the same.

use guardian_protocol::{DutyId, Record};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Duties that are told.
const DUTIES: usize = 50;

/// What `records` say in short.
pub(super) fn statistics(records: &[Record]) -> Value {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for record in records {
        let count = counts.entry(word(record)).or_default();
        *count = count.saturating_add(1);
    }
    let boot =
        records.iter().filter_map(|record| if let Record::Boot { number } = record { Some(*number) } else { None });
    let floor = records.iter().find_map(|record| {
        let Record::Floor { epoch, is_settled } = record else { return None };
        Some(json!({ "epoch": epoch, "is_settled": is_settled }))
    });
    let chain = records
        .iter()
        .find_map(|record| if let Record::Chain { identity } = record { Some(identity.to_string()) } else { None });
    let read = records
        .iter()
        .filter_map(|record| if let Record::Events { page, .. } = record { Some(page.upto.number) } else { None });
    json!({
        "records": counts,
        "starts": boot.max(),
        "floor": floor,
        "chain": chain,
        "events_read_up_to_block": read.max(),
        "newest_duties": duties(records),
    })
}

/// The duties of the newest periods, the newest first, and how far each is.
fn duties(records: &[Record]) -> Vec<Value> {
    let (mut decided, mut signed, mut confirmed) = (Vec::new(), BTreeSet::<DutyId>::new(), BTreeSet::<DutyId>::new());
    for record in records {
        if let Record::Decided { id, digest } = record {
            decided.push((*id, *digest));
        } else if let Record::Signed { duty, .. } | Record::Attested { duty, .. } = record {
            signed.insert(duty.id());
        } else if let Record::Confirmed { id } = record {
            confirmed.insert(*id);
        }
    }
    let mut all: BTreeSet<DutyId> = decided.iter().map(|(id, _)| *id).collect();
    all.extend(signed.iter().chain(&confirmed));
    let mut newest: Vec<DutyId> = all.into_iter().collect();
    newest.sort_by_key(|id| std::cmp::Reverse(id.period));
    newest.truncate(DUTIES);
    let told = newest.into_iter().map(|id| {
        let digest = decided.iter().find(|(of, _)| *of == id).map(|(_, digest)| digest);
        let (signed, confirmed) = (signed.contains(&id), confirmed.contains(&id));
        json!({
            "duty": id.to_string(), "key_epoch": id.key_epoch, "decided_here": digest, "signed": signed, "confirmed": confirmed,
        })
    });
    told.collect()
}

const fn word(record: &Record) -> &'static str {
    match record {
        Record::Decided { .. } => "decided",
        Record::Floor { .. } => "floor",
        Record::Boot { .. } => "boot",
        Record::Signed { .. } => "signed",
        Record::Attested { .. } => "attested",
        Record::Confirmed { .. } => "confirmed",
        Record::Chain { .. } => "chain",
        Record::Events { .. } => "events",
        Record::Fault { .. } => "fault",
        Record::Pardon { .. } => "pardon",
        Record::Hold { .. } => "hold",
        Record::Forbidden { .. } => "forbidden",
        Record::StatesServed { .. } => "states_served",
        Record::AutomaticHold { .. } => "automatic_hold",
        Record::Released { .. } => "released",
        Record::AskedFor { .. } => "asked_for",
        Record::ExitRequest { .. } => "exit_request",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use guardian_protocol::{DutyKind, Epoch, KeyEpoch, Subject};

    #[test]
    fn a_store_is_told_in_numbers_and_by_its_newest_duties() {
        let id = |period| DutyId {
            kind: DutyKind::Reserves,
            period: Epoch(period),
            subject: Subject::Whole,
            key_epoch: KeyEpoch(1),
        };
        let mut records: Vec<Record> =
            (0..60).map(|period| Record::Decided { id: id(period), digest: [7; 32].into() }).collect();
        records.extend([Record::Confirmed { id: id(58) }, Record::Boot { number: 3 }]);
        let told = statistics(&records);
        assert_eq!((&told["records"]["decided"], &told["starts"]), (&json!(60), &json!(3)));
        let newest = told["newest_duties"].as_array().unwrap();
        assert_eq!(
            (newest.len(), &newest[0]["duty"], &newest[0]["confirmed"]),
            (DUTIES, &json!("reserves-59"), &json!(false))
        );
        assert_eq!(newest[1]["confirmed"], true);
    }
}
