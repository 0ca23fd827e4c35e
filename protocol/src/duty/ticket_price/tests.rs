//! The formula against values worked out independently, and its properties. The long tables are read from the folder of larger vectors.

use super::*;
use crate::types::{Gwei, Wei};
use proptest::prelude::*;
use serde_json::Value;
use std::{fs, path::PathBuf};

const ETH: Wei = 1_000_000_000_000_000_000;

/// A file of the larger vectors; says so if there is none.
fn vectors(name: &str) -> Option<Value> {
    let root = option_env!("GUARDIAN_VECTORS")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors"), PathBuf::from);
    let Ok(text) = fs::read_to_string(root.join("ticket-price").join(name)) else {
        println!("skipped: ticket-price/{name} is not here");
        return None;
    };
    Some(serde_json::from_str(&text).unwrap())
}

fn number(value: &Value) -> Wei {
    value.as_str().map_or_else(|| value.as_u64().unwrap().into(), |text| text.parse().unwrap())
}

fn gwei(validators: u64) -> Gwei {
    Gwei(validators * TICKET_STAKE)
}

#[test]
fn the_beacon_chain_pays_what_its_specification_says() {
    for (validators, base, attestation, sync, proposer, total) in [
        (500_000, 505, 3_067_875_000_000_000, 113_622_220_800_000, 454_495_389_750_000, 3_635_992_610_550_000),
        (800_000, 400, 2_430_000_000_000_000, 89_998_848_000_000, 359_999_177_062_500, 2_879_998_025_062_500),
        (927_122, 371, 2_253_825_000_000_000, 83_471_857_209_730, 333_899_551_029_961, 2_671_196_408_239_692),
        (1_000_000, 357, 2_168_775_000_000_000, 80_322_969_600_000, 321_297_076_800_000, 2_570_395_046_400_000),
        (1_100_000, 341, 2_071_575_000_000_000, 76_724_037_818_181, 306_897_947_386_363, 2_455_196_985_204_545),
    ] {
        let reward = ConsensusReward::of(gwei(validators)).unwrap();
        assert_eq!(reward.base_reward_per_increment, Gwei(base), "{validators}");
        assert_eq!((reward.attestation, reward.sync, reward.proposer), (attestation, sync, proposer), "{validators}");
        assert_eq!(reward.total, total, "{validators}");
    }
}

/// One part in eight of the weights is the proposer's; rounding in gwei takes away a millionth, never adds.
#[test]
fn an_eighth_of_the_reward_is_the_proposers() {
    for validators in (100_000..2_000_000).step_by(50_021) {
        let reward = ConsensusReward::of(gwei(validators)).unwrap();
        let ideal = Wei::from(EPOCHS_PER_DAY) * 32 * Wei::from(reward.base_reward_per_increment.0) * 1_000_000_000;
        assert!(reward.total <= ideal && reward.total * 10_000 > ideal * 9_999, "{validators}");
        let (proposer, others) = (reward.proposer, reward.attestation + reward.sync);
        assert!((proposer * 7).abs_diff(others) * 1_000 < others, "{validators}: {proposer} and {others}");
    }
}

#[test]
fn a_network_without_stake_has_no_price() {
    assert_eq!(ConsensusReward::of(Gwei(999_999_999)), None);
    assert!(ConsensusReward::of(Gwei(u64::MAX)).is_some());
    let all = Attesting { source: 32, target: 33, head: 0 };
    assert_eq!(ConsensusReward::with(gwei(1), all), None, "more than all attest");
    assert_eq!(DailyRewards::new(ETH, Gwei(TICKET_STAKE - 1)), None);
    assert_eq!(DailyRewards::new(Wei::MAX, gwei(1)), None, "the pricer can't hold it");
    assert_eq!(capped_total([Wei::MAX, 1], Wei::MAX), None);
    assert_eq!(capped_total([Wei::MAX, 3, 5], 5), Some(13));
}

#[test]
fn every_published_consensus_reward_is_met_to_the_wei() {
    let Some(file) = vectors("consensus.json") else { return };
    for (set, permille) in [
        ("full_participation", [1_000; 3]),
        ("participation_995_permille_all_flags", [995; 3]),
        ("source_995_target_990_head_960", [995, 990, 960]),
    ] {
        for case in file[set].as_array().unwrap() {
            let stake = Gwei(u64::try_from(number(&case["total_active_balance_gwei"])).unwrap());
            let increments = case["increments"].as_u64().unwrap();
            let [source, target, head] = permille.map(|part| increments * part / 1_000);
            let reward = ConsensusReward::with(stake, Attesting { source, target, head }).unwrap();
            let base = Wei::from(reward.base_reward_per_increment.0);
            let is = |name: &str, value: Wei| assert_eq!(number(&case[name]), value, "{set} {increments}: {name}");
            is("base_reward_per_increment_gwei", base);
            is("base_reward_gwei", base * 32);
            is("attestation_gwei_per_epoch", reward.attestation / (225 * 1_000_000_000));
            is("daily_attestation_wei", reward.attestation);
            is("daily_sync_expected_wei", reward.sync);
            is("daily_proposer_expected_wei", reward.proposer);
            is("daily_total_wei", reward.total);
            is("ideal_225_base_rewards_wei", base * 32 * 225 * 1_000_000_000);
            is("seven_eighths_of_ideal_wei", base * 32 * 225 * 1_000_000_000 / 8 * 7);
            is("reward_per_proposal_expected_gwei", reward.proposal.0.into());
            is("network_issuance_per_slot_gwei", base * Wei::from(increments) / 32);
        }
    }
}

#[test]
fn every_published_forecast_is_met_to_the_wei() {
    let (Some(days), Some(posts)) = (vectors("forecast_dev.json"), vectors("deviation_posts_dev.json")) else { return };
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors");
    let root = option_env!("GUARDIAN_VECTORS").map_or(root, PathBuf::from);
    let daily = fs::read_to_string(root.join("mev/mevboost_daily_2023-10-10_2024-01-31.csv")).unwrap();
    // The first line names the columns, the first day is not whole.
    let rows: Vec<Vec<&str>> = daily.lines().skip(2).map(|line| line.split(',').collect()).collect();
    let totals: Vec<Wei> = rows.iter().map(|row| row[3].parse().unwrap()).collect();
    let [incl, excl, reccap] =
        [Winsorizing::Incl, Winsorizing::Excl, Winsorizing::Reccap].map(|mode| mode.apply(&totals));

    let (mut last, mut posted) = (None, Vec::new());
    for day in days.as_array().unwrap() {
        let date = day["date"].as_str().unwrap();
        let at = rows.iter().position(|row| row[0] == date).unwrap();
        let forecast = |cut: &[Wei]| mean_of_last(&cut[..at], FORECAST_DAYS).unwrap();
        let is = |name: &str, value: Wei| assert_eq!(number(&day[name]), value, "{date}: {name}");
        is("actual_wei", totals[at]);
        is("winsorized_wei", incl[at]);
        is("sma8_forecast_wei", forecast(&incl));
        is("excl_sma8_forecast_wei", forecast(&excl));
        is("reccap_winsorized_wei", reccap[at]);
        is("reccap_sma8_forecast_wei", forecast(&reccap));
        let now = forecast(&incl);
        if last.is_none_or(|last| Deviation(1_000).exceeded(last, now)) {
            posted.push(serde_json::json!([date, now.to_string()]));
            last = Some(now);
        }
    }
    assert_eq!(posts["posts"].as_array().unwrap(), &posted);
}

/// The whole day of 10 November 2023, in the numbers that anybody can add up.
#[test]
fn a_price_is_what_the_pricer_computes() {
    let rewards = DailyRewards::new(854_074_399_171_875_186_080, gwei(927_122)).unwrap();
    assert_eq!(rewards, DailyRewards { mev: 921_210_368_400_140, consensus: 2_671_196_408_239_692 });
    for (discount, price) in [
        (0, 3_592_406_776_639_832),
        (600, 3_376_862_370_041_442),
        (700, 3_340_938_302_275_043),
        (800, 3_305_014_234_508_645),
    ] {
        assert_eq!(rewards.mint_price(discount), Some(price));
    }
    assert_eq!(DailyRewards { mev: 1, consensus: 0 }.mint_price(9_999), None, "the contract reverts at a price of 0");
    assert_eq!(rewards.mint_price(10_000), None);
    assert_eq!(rewards.mint_price(u16::MAX), None);
}

#[test]
fn every_published_price_is_met_to_the_wei() {
    let Some(file) = vectors("price.json") else { return };
    for case in file["vectors"].as_array().unwrap() {
        let stake = Gwei(u64::try_from(number(&case["total_active_balance_gwei"])).unwrap());
        let rewards = DailyRewards::new(number(&case["network_mev_forecast_wei"]), stake).unwrap();
        assert_eq!(rewards.mev, number(&case["daily_mev_payouts_wei"]));
        assert_eq!(rewards.consensus, number(&case["daily_consensus_rewards_wei"]));
        let discount = u16::try_from(case["discount_bps"].as_u64().unwrap()).unwrap();
        assert_eq!(rewards.mint_price(discount), Some(number(&case["mint_price_wei"])));
    }
    for case in file["edge"].as_array().unwrap() {
        let rewards = DailyRewards { mev: number(&case["mev"]), consensus: number(&case["consensus"]) };
        let discount = u16::try_from(case["bps"].as_u64().unwrap()).unwrap();
        let price = Some(&case["price"]).filter(|price| !price.is_null()).map(number);
        assert_eq!(rewards.mint_price(discount), price, "{case}");
    }
}

#[test]
fn a_value_is_cut_to_what_the_pricer_takes() {
    let tenth = Tolerance(1_000);
    for (old, new, tolerance, clamped) in [
        (0, 1, Tolerance(500), 0),
        (0, 1, Tolerance(0), 1),
        (ETH, ETH * 11 / 10 + 1, tenth, ETH * 11 / 10),
        (ETH, ETH * 9 / 10 - 1, tenth, ETH * 9 / 10),
        (9, 10, tenth, 9),
        (10, 11, tenth, 11),
        (ETH, 0, Tolerance(10_000), 0),
        (Wei::MAX, 0, Tolerance(1), Wei::MAX - Wei::MAX / 10_000),
    ] {
        assert_eq!(tolerance.clamped(old, new), clamped, "{old} to {new}");
        assert_eq!(tolerance.accepts(old, new), clamped == new, "{old} to {new}");
    }
    let Some(file) = vectors("range.json") else { return };
    for case in file.as_array().unwrap() {
        let tolerance = Tolerance(u16::try_from(case["tolerance_bps"].as_u64().unwrap()).unwrap());
        let (old, new) = (number(&case["old"]), number(&case["new"]));
        assert_eq!(tolerance.accepts(old, new), case["accepted"].as_bool().unwrap(), "{case}");
        assert_eq!(tolerance.clamped(old, new), number(&case["clamped"]), "{case}");
    }
}

/// Days of which none is more than half as much again as another, 29 of them: a day in the middle has whole windows on both sides.
fn calm_days() -> impl Strategy<Value = Vec<Wei>> {
    (1..2_000_u64, prop::collection::vec(1_000..=1_500_u64, 29))
        .prop_map(|(level, days)| days.into_iter().map(|day| Wei::from(level * day) * ETH / 1_000).collect())
}

fn forecasts(mode: Winsorizing, totals: &[Wei]) -> Vec<Wei> {
    let cut = mode.apply(totals);
    (FORECAST_DAYS..=cut.len()).map(|day| mean_of_last(&cut[..day], FORECAST_DAYS).unwrap()).collect()
}

proptest! {
    /// A builder that proposes can pay itself any amount at no loss. Where days differ by half at most, what it gains in the forecast on one
    /// day is a quarter at most, on the next day and on all that follow.
    #[test]
    fn a_faked_day_moves_the_signed_forecast_by_a_quarter_at_most(
        mut days in calm_days(), at in 10..28_usize, fake in 1..1_000_000_u64,
    ) {
        let honest = forecasts(Winsorizing::Reccap, &days);
        days[at] += Wei::from(fake) * ETH;
        for (moved, honest) in forecasts(Winsorizing::Reccap, &days).into_iter().zip(honest) {
            prop_assert!(moved >= honest && (moved - honest) * 4 <= honest + 4, "{honest} became {moved}");
        }
    }

    #[test]
    fn cutting_a_day_down_never_raises_it(days in prop::collection::vec(any::<Wei>(), 0..40)) {
        for mode in Winsorizing::ALL {
            let cut = mode.apply(&days);
            prop_assert!(cut.iter().zip(&days).all(|(cut, day)| cut <= day));
            prop_assert!(mode != Winsorizing::Raw || cut == days);
        }
    }

    /// A member that came late and has the days of its reach alone continues as everybody else does.
    #[test]
    fn a_day_is_cut_alike_from_all_days_or_from_those_in_reach(days in prop::collection::vec(any::<u64>(), 11..40)) {
        let days: Vec<Wei> = days.into_iter().map(Wei::from).collect();
        for mode in Winsorizing::ALL {
            let (cut, at) = (mode.apply(&days), days.len() - 1);
            let from = at - mode.reach();
            prop_assert_eq!(mode.next(&days[from..at], &cut[from..at], days[at]), cut[at]);
        }
    }

    #[test]
    fn a_clamped_value_is_always_taken(old in any::<Wei>(), new in any::<Wei>(), tolerance in 0..=10_000_u16) {
        let tolerance = Tolerance(tolerance);
        prop_assert!(tolerance.accepts(old, tolerance.clamped(old, new)));
        prop_assert!(tolerance.accepts(old, old));
    }
}

/// The published research cuts a day down to a mean that the day itself raises: against a self-payment that is no bound at all.
#[test]
fn the_research_s_own_rule_follows_a_faked_day() {
    let mut days = vec![800 * ETH; 29];
    days[15] += 50_000 * ETH;
    let most = |mode| forecasts(mode, &days).into_iter().max().unwrap();
    assert!(most(Winsorizing::Incl) > 800 * ETH * 17 / 10);
    assert!(most(Winsorizing::Raw) > 800 * ETH * 8);
    assert_eq!(most(Winsorizing::Reccap), 900 * ETH);
    assert_eq!(most(Winsorizing::Excl), 800 * ETH);
}

/// On the days of 2023 that are known, the next forecast moves by a quarter at most; on a later one, when the level has fallen by a third within a
/// week, it may be a third.
#[test]
fn a_faked_day_of_2023_moves_the_next_forecast_by_a_quarter_at_most() {
    let Some(days) = vectors("forecast_dev.json") else { return };
    let days: Vec<Wei> = days.as_array().unwrap().iter().map(|day| number(&day["actual_wei"])).collect();
    let honest = forecasts(Winsorizing::Reccap, &days);
    for at in 10..days.len() {
        let mut faked = days.clone();
        faked[at] += 50_000 * ETH;
        let moved = forecasts(Winsorizing::Reccap, &faked);
        let next = at + 1 - FORECAST_DAYS;
        assert!((moved[next] - honest[next]) * 4 <= honest[next], "day {at}");
        assert!(moved.iter().zip(&honest).all(|(moved, honest)| moved * 3 <= honest * 4), "day {at}");
    }
}
