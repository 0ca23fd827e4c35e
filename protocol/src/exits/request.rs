//! Requesting exits by EIP-7002 through the registry: by whom, when, and for how much.
//!
//! A request can't be taken back either, so it is made only on the grounds on which a part of an exit is given, and some more ([`terms`]). One
//! payer at a time asks, in the members' turns. That no validator's exit is requested twice rests on three things: the registry makes a request
//! once for each order, and says so at its head to whoever is about to pay; what was requested before, under whatever order, is read at the
//! finalized block; and a new order for a validator comes when the registry takes no request for the one before any more; where there is another one all the same, because somebody else has the key, nothing is requested
//! until everything under it is final. What a payer is about
//! to do is on its disk before: if it dies, it goes on with the same validator, and its transaction takes the place of the one before.

use super::open::OpenExit;
use crate::{
    agree::order::{Turn, rank},
    duty::{DutyBody, DutyId, DutyKind, Evidence, ORDER_LIFE, Rules},
    effects::Effects,
    event::{Event, ExitEvent},
    ports::{Call, ExitRequest, RequestOutcome},
    record::Record,
    setup::Setup,
    sign::Signed,
    types::{BlsPubkey, Epoch, Gwei, Timestamp, ValidatorIndex, ValidatorRecord, Wei},
};
use alloy_primitives::{Address, B256};
use std::{collections::BTreeMap, time::Duration};

/// Epochs of an order's life in which nothing is requested under it any more: what was requested is final before the next one.
const LAST_EPOCHS: u64 = 16;
/// Epochs after the reference of an order, in which nothing is requested under it if there is another one for the same validator: what was
/// requested under that is final by then.
const SETTLED_AFTER: u64 = 8;
/// Epochs after a request that was made, until which a finalized block must show it: else it was lost with its block.
const FINAL_AFTER: u32 = 4;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Whom a request goes to, and whose it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    requester: Address,
    account: Address,
}

/// Why nothing is requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Missing {
    Off,
    Made,
    Ripe,
    Time(u64),
    Requester,
    Account,
    Unproved,
    Life,
    OtherOrder,
}

impl std::fmt::Display for Missing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let why = match self {
            Self::Off => "this guardian makes none",
            Self::Made => return f.write_str("its exit was requested by EIP-7002"),
            Self::Ripe => "the beacon chain would ignore it yet",
            Self::Time(epochs) => {
                return write!(f, "none by EIP-7002 before nothing was in its way for {epochs} epochs");
            }
            Self::Requester => "the protocol offers no requester",
            Self::Account => "its withdrawal credentials name no account",
            Self::Unproved => "no proved state tells whether a partial withdrawal is pending",
            Self::Life => "its order is too old",
            Self::OtherOrder => "there is another order for it, whose requests may not be final yet",
        };
        write!(f, "not requested by EIP-7002: {why}")
    }
}

/// On which terms the exit of `validator` may be requested, by what `evidence` shows besides what speaks for the exit itself. `age` is that of
/// the order, `free` for how long nothing has been in the exit's way, in epochs; `orders` is how many of them are known for it.
pub(super) fn terms(
    validator: &ValidatorRecord,
    evidence: &Evidence,
    (age, free): (u64, u64),
    orders: usize,
    setup: &Setup,
) -> Result<Terms, Missing> {
    let after = setup.exit_requests.after.ok_or(Missing::Off)?;
    if evidence.requested.contains(&validator.pubkey) {
        return Err(Missing::Made);
    }
    if free < after {
        return Err(Missing::Time(after));
    }
    let Some(Rules::Ejection(rules)) = evidence.chain.rules(DutyKind::Ejection) else { return Err(Missing::Requester) };
    let requester = rules.requester.ok_or(Missing::Requester)?;
    let account = validator.withdrawal_account().ok_or(Missing::Account)?;
    if validator.pending_withdrawals != Some(Gwei(0)) {
        return Err(Missing::Unproved);
    }
    if age.saturating_add(LAST_EPOCHS) > ORDER_LIFE {
        return Err(Missing::Life);
    }
    if orders > 1 && age < SETTLED_AFTER {
        return Err(Missing::OtherOrder);
    }
    Ok(Terms { requester, account })
}

/// The place of a validator in an order.
fn position(signed: &Signed, index: ValidatorIndex) -> Option<usize> {
    let DutyBody::Ejection(order) = &signed.duty().body else { return None };
    order.ejections().iter().position(|ejection| ejection.index == index)
}

/// Its places in all of `orders` that have it.
pub(super) fn places<'a>(orders: impl Iterator<Item = &'a Signed>, index: ValidatorIndex) -> Vec<(B256, usize)> {
    orders.filter_map(|signed| Some((signed.digest(), position(signed, index)?))).collect()
}

/// How far the request of one exit is.
#[derive(Debug, Default)]
pub(super) struct Request {
    terms: Option<Terms>,
    missing: Option<Missing>,
    turn: Option<Timestamp>,
    /// How long the members before us are let try.
    patience: Duration,
    times: u32,
    last: Option<String>,
}

impl Request {
    /// It may be made on these terms, or not.
    pub(super) fn offer(
        &mut self,
        now: Timestamp,
        terms: Result<Terms, Missing>,
        (duty, order): (DutyId, B256),
        setup: &Setup,
    ) {
        (self.terms, self.missing) = (terms.ok(), terms.err());
        if self.terms.is_some() && self.turn.is_none() {
            let place = rank(Turn::RequestExit, duty, order, &setup.committee, setup.me).unwrap_or(usize::MAX);
            self.patience = setup.timing.submit_stagger.saturating_mul(u32::try_from(place).unwrap_or(u32::MAX));
            self.turn = Some(now.after(self.patience));
        }
    }

    /// Nothing speaks for it.
    pub(super) fn withdraw(&mut self) {
        self.terms = None;
    }

    /// When it is our turn, if it may be made.
    pub(super) fn turn(&self) -> Option<Timestamp> {
        self.turn.filter(|_| self.terms.is_some())
    }

    /// It was tried, and something came of it: when to look again.
    fn tried_now(&mut self, now: Timestamp, is_made: bool, told: String, setup: &Setup) {
        let pause = if is_made {
            setup.network.epoch().saturating_mul(FINAL_AFTER)
        } else {
            let pause = setup.timing.submit_stagger.saturating_mul(2_u32.saturating_pow(self.times));
            pause.min(setup.network.epoch())
        };
        self.times = self.times.saturating_add(1);
        self.turn = Some(now.after(pause.saturating_add(self.patience)));
        self.last = Some(told);
    }

    /// In words, for people.
    pub(super) fn tried(&self) -> String {
        match (&self.missing, &self.last) {
            (Some(missing @ Missing::Made), _) | (Some(missing), None) => missing.to_string(),
            (_, Some(last)) => format!("asked for by EIP-7002 {} times: {last}", self.times),
            (None, None) => "to be requested by EIP-7002, in turn".to_owned(),
        }
    }
}

/// What this guardian was about to pay, or has paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) time: Timestamp,
    pub(crate) max_fee: Wei,
    pub(crate) paid: Option<Wei>,
}

/// All of that, by order and validator.
#[derive(Debug, Default)]
pub(crate) struct Ledger(BTreeMap<(B256, BlsPubkey), Entry>);

impl Ledger {
    /// Takes up a record.
    pub(crate) fn restore(&mut self, key: (B256, BlsPubkey), entry: Entry) {
        self.0.insert(key, entry);
    }

    fn write(&mut self, (order, pubkey): (B256, BlsPubkey), entry: Entry, fx: &mut Effects) {
        let Entry { time, max_fee, paid } = entry;
        fx.record(Record::ExitRequest { order, pubkey, time, max_fee, paid });
        self.0.insert((order, pubkey), entry);
    }

    /// Wei that the last day's requests have cost, but for this one; of those of which that is not known, the most that they can have.
    fn spent(&self, now: Timestamp, but: (B256, BlsPubkey)) -> Wei {
        let recent = self.0.iter().filter(|(key, entry)| **key != but && now.since(entry.time) < DAY);
        recent.map(|(_, entry)| entry.paid.unwrap_or(entry.max_fee)).fold(0, Wei::saturating_add)
    }
}

/// The request that is under way.
#[derive(Debug)]
struct Flight {
    order: B256,
    index: ValidatorIndex,
    pubkey: BlsPubkey,
    /// What was known before of the same.
    before: Option<Entry>,
    entry: Entry,
}

/// This guardian as a payer: one request at a time.
#[derive(Debug)]
pub(super) struct Requests {
    ledger: Ledger,
    flight: Option<Flight>,
}

impl Requests {
    pub(super) fn new(ledger: Ledger) -> Self {
        Self { ledger, flight: None }
    }

    /// Pays for what has been due for longest, if anything is.
    pub(super) fn poll(
        &mut self,
        now: Timestamp,
        open: &mut BTreeMap<ValidatorIndex, OpenExit>,
        orders: &BTreeMap<(Epoch, B256), Signed>,
        setup: &Setup,
        fx: &mut Effects,
    ) {
        if self.flight.is_some() {
            return;
        }
        let turns = open.iter().filter_map(|(index, exit)| Some((self.due(now, exit)?, *index)));
        let Some((turn, index)) = turns.min() else { return };
        if turn > now {
            return fx.wake(turn);
        }
        let Some(exit) = open.get_mut(&index) else { return };
        if let Some(signed) = orders.get(&(exit.period(), exit.order())) {
            self.pay(now, exit, index, (signed, places(orders.values(), index)), setup, fx);
        }
    }

    /// When it is our turn. What was begun before a restart goes on at once.
    fn due(&self, now: Timestamp, exit: &OpenExit) -> Option<Timestamp> {
        let turn = exit.request_turn()?;
        let known = self.ledger.0.get(&(exit.order(), exit.pubkey()));
        let was_begun = exit.request.times == 0 && known.is_some_and(|entry| entry.paid.is_none());
        Some(if was_begun { turn.min(now) } else { turn })
    }

    fn pay(
        &mut self,
        now: Timestamp,
        exit: &mut OpenExit,
        index: ValidatorIndex,
        (signed, places): (&Signed, Vec<(B256, usize)>),
        setup: &Setup,
        fx: &mut Effects,
    ) {
        let position = position(signed, index);
        let (Some(position), Some(terms)) = (position, exit.request.terms) else { return };
        let key = (exit.order(), exit.pubkey());
        let policy = setup.exit_requests;
        let max_fee = policy.fees_per_day.saturating_sub(self.ledger.spent(now, key)).min(policy.fee_ceiling);
        if max_fee == 0 {
            let told = "the fees of a day are used up".to_owned();
            let outcome = RequestOutcome::Failed(told.clone());
            exit.request.tried_now(now, false, told, setup);
            return fx.report(Event::Exit(ExitEvent::Requested { index, outcome }));
        }
        let before = self.ledger.0.get(&key).copied();
        let entry = Entry { time: now, max_fee, paid: None };
        self.ledger.write(key, entry, fx);
        self.flight = Some(Flight { order: exit.order(), index, pubkey: exit.pubkey(), before, entry });
        fx.report(Event::Exit(ExitEvent::Requesting { index, max_fee }));
        let Terms { requester, account } = terms;
        let request =
            ExitRequest { order: signed.clone(), position, orders: places, index, account, requester, max_fee };
        fx.call(Call::RequestExit(Box::new(request)));
    }

    /// Takes what became of it. What it says is only a hint: the finalized block decides.
    pub(super) fn outcome(
        &mut self,
        now: Timestamp,
        (order, index): (B256, ValidatorIndex),
        exit: Option<&mut OpenExit>,
        outcome: RequestOutcome,
        setup: &Setup,
        fx: &mut Effects,
    ) {
        let Some(flight) = self.flight.take_if(|flight| (flight.order, flight.index) == (order, index)) else { return };
        // If it was begun before, that may be what the outcome is about: then what was known of that stands.
        let as_before = flight.before.unwrap_or(Entry { paid: Some(0), ..flight.entry });
        let (entry, is_made, told) = match &outcome {
            RequestOutcome::Included { fee, .. } => {
                (Entry { paid: Some(*fee), ..flight.entry }, true, format!("requested for a fee of {fee} wei"))
            }
            RequestOutcome::AlreadyMade => (as_before, true, "requested already".to_owned()),
            RequestOutcome::Refused(why) => (as_before, false, format!("refused: {why}")),
            RequestOutcome::TooDear { fee } => {
                let most = flight.entry.max_fee;
                (as_before, false, format!("its fee of {fee} wei is above the {most} that may be paid"))
            }
            RequestOutcome::Failed(why) => (flight.entry, false, why.clone()),
        };
        self.ledger.write((order, flight.pubkey), entry, fx);
        if let Some(exit) = exit {
            exit.request.tried_now(now, is_made, told, setup);
        }
        fx.report(Event::Exit(ExitEvent::Requested { index, outcome }));
    }
}
