//! What a report says, and when it is made.

use super::{Reported, ReserveReport};
use crate::{
    decide::{needs, of_kind},
    duty::{ChainView, DutyBody, DutyKind, Evidence, Needs},
    testing::{any_chain_view, chain_spec, evidence, reserve_rules, validator},
    types::{Epoch, Gwei, Level, ValidatorRecord},
};

fn report(evidence: &Evidence) -> Option<ReserveReport> {
    of_kind(DutyKind::Reserves, evidence, chain_spec().slots_per_epoch).pop().map(|duty| match duty.body {
        DutyBody::Reserves(report) => report,
        _ => panic!("another kind"),
    })
}

#[test]
fn reserves_are_the_sums_of_validators_pods_and_vaults_in_gwei() {
    let evidence = evidence(any_chain_view(100), 100, vec![validator(1, 2), validator(2, 3)]);
    let report = report(&evidence).unwrap();
    assert_eq!((report.validator_count, report.validators), (2, Gwei(5)));
    assert_eq!((report.pods, report.vaults, report.pending), (Gwei(3), Gwei(12), Gwei(0)), "assets are rounded down");
    assert_eq!((report.liabilities, report.supply), (Gwei(5), Gwei(4)), "liabilities are rounded up");
    assert_eq!(report.sources_version, 1, "which accounts those are");
    assert_eq!(report.assets(), 20_000_000_000);
}

#[test]
fn a_report_is_due_once_in_every_period_of_epochs() {
    let due = |epoch: u64, last: u64| {
        let mut chain = any_chain_view(epoch);
        chain.accepted.insert(DutyKind::Reserves, Level(last * chain_spec().slots_per_epoch));
        report(&evidence(chain, epoch, vec![validator(1, 32_000_000_000)])).is_some()
    };
    assert!(due(100, 99));
    assert!(!due(105, 100));
    assert!(due(110, 105));
    assert!(due(113, 100), "a period without a report is made up for in the next epoch");
}

#[test]
fn a_report_is_due_between_periods_when_a_value_deviates_by_what_the_governor_named() {
    // 15 gwei are in the fixture's accounts, and 5 are owed.
    let due = |deviation_bps: u64, (last, owed): (u128, u128), now: u64| {
        let mut chain = any_chain_view(105);
        chain.accepted.insert(DutyKind::Reserves, Level(100 * chain_spec().slots_per_epoch));
        let rules = reserve_rules(&mut chain);
        rules.deviation_bps = deviation_bps;
        rules.last = (last > 0).then_some(Reported { assets: last, liabilities: owed });
        let needs = needs(&chain, Epoch(105), chain_spec().slots_per_epoch);
        let report = report(&evidence(chain, 105, vec![validator(1, now - 15)])).is_some();
        assert!(!report || needs != Needs::default(), "what is decided has been read");
        report
    };
    let (last, owed, same) = (20_000_000_000_000_000_000, 5_000_000_000, 20_000_000_000);
    assert!(!due(100, (last, owed), same), "nothing changed");
    assert!(!due(100, (0, 0), same), "before the first report there is nothing to differ from");
    for (now, is_due) in
        [(19_800_000_000, true), (19_800_000_001, false), (20_199_999_999, false), (20_200_000_000, true)]
    {
        assert_eq!(due(100, (last, owed), now), is_due, "1 %: {now} gwei");
        assert!(!due(101, (last, owed), now), "less than was named");
        assert!(!due(0, (last, owed), now), "the governor named none");
    }
    assert!(due(100, (last, owed * 2), same), "what is owed counts as well");
    assert!(due(100, (last, 0), same), "what was not owed at all is owed now");
}

#[test]
fn a_report_of_nothing_is_not_made() {
    let mut chain = any_chain_view(100);
    let rules = reserve_rules(&mut chain);
    rules.vaults.clear();
    rules.pods.clear();
    assert_eq!(report(&evidence(chain, 100, Vec::new())), None);
}

#[test]
fn stake_that_returns_to_strangers_is_told() {
    let to = |kind: u8, account: u8| {
        let mut credentials = [account; 32];
        credentials[0] = kind;
        ValidatorRecord { withdrawal_credentials: credentials.into(), ..validator(1, 2) }
    };
    let mut chain = any_chain_view(100);
    assert_eq!(reserve_rules(&mut chain).pods.len(), 1, "that of 7 everywhere");
    let validators = vec![to(1, 7), to(2, 7), to(1, 9), to(2, 9), to(0, 7)];
    let foreign = |chain: &ChainView| {
        let evidence = evidence(chain.clone(), 100, validators.clone());
        let figure = evidence.figures().into_iter().find(|figure| figure.name == "foreign_validators").unwrap();
        let report = report(&evidence).unwrap();
        let told = validators.iter().map(|validator| report.verdict(validator, &evidence, 8).contains("ALTHOUGH"));
        (figure.value, told.collect::<Vec<_>>())
    };
    assert_eq!(foreign(&chain), (3.0, vec![false, false, true, true, true]));
    reserve_rules(&mut chain).pods.clear();
    assert_eq!(foreign(&chain), (4.0, vec![true, true, true, true, false]), "nobody knows whose a BLS key is");
}
