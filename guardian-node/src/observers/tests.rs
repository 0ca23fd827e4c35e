//! Every event is told by every observer: one value of each variant goes through all of them.

use super::*;
use crate::metrics::Metrics;
use guardian_protocol::{
    BootId, CallOutcome, Cause, Checkpoint, Difference, DutyId, DutyKind, EjectionReason, Epoch, Excess, ExitEvent,
    ExitStage, Fault, Figure, Forgotten, KeyEpoch, Measure, NotSafe, Program, ProgramVersion, Proof, ReadFailure,
    RequestOutcome, RuleSchedule, RuleVersion, Severity, Slot, Subject, ValidatorIndex, VersionEvent,
};
use std::{
    io::{self, Write},
    sync::Mutex,
};
use tracing_subscriber::fmt::MakeWriter;

const DUTY: DutyId =
    DutyId { kind: DutyKind::Reserves, period: Epoch(7), subject: Subject::Whole, key_epoch: KeyEpoch(1) };

/// One of each, with the level at which the log tells it. The log's own match is exhaustive, so a new variant does not compile until it
/// is told; the count below fails until it stands here as well.
fn one_of_each() -> Vec<(&'static str, Event)> {
    let member = MemberId::new(2).unwrap();
    [of_one_version(member), of_exits(), of_versions(member)].concat()
}

fn of_one_version(member: MemberId) -> Vec<(&'static str, Event)> {
    let (id, epoch, digest) = (DUTY, Epoch(7), [7; 32].into());
    let (provider, layer, detail) = (ProviderId(0), Layer::Beacon, "a root".to_owned());
    let checkpoint = Checkpoint { epoch, root: digest, block_slot: Slot(224), state_root: digest, execution: None };
    let difference = Difference { fact: "balance".to_owned(), ours: Some("1".to_owned()), theirs: None };
    let figures = vec![Figure { kind: id.kind, name: "assets_eth", value: 1.5 }];
    let reason = "an upgrade".to_owned();
    let excess = Excess { severity: Severity::Hard, measure: Measure::ChangeBps, amount: 1_001, bound: 1_000 };
    let failure = ReadFailure::Unreachable("no answer".to_owned());
    let boots = [1, 2].map(|number| BootId { number: number.into(), name: [number; 16] });
    let outcome = CallOutcome::Included { transaction: digest, gas: 44_295 };
    vec![
        ("INFO", Event::Observed { checkpoint, validators: 3, proof: Proof::Quorum, figures }),
        ("WARN", Event::ProviderFailed { provider, layer, failure }),
        ("ERROR", Event::ProviderDisagrees { provider, layer, detail: detail.clone() }),
        ("ERROR", Event::NoQuorum { layer, detail }),
        ("ERROR", Event::KeyMismatch { onchain: KeyEpoch(2), ours: KeyEpoch(1) }),
        ("INFO", Event::Decided { id, digest, rules: RuleVersion(1) }),
        ("WARN", Event::Refused { id, reason: NotSafe::StoreIsNew }),
        ("ERROR", Event::NotAttested { id, reason: reason.clone() }),
        ("WARN", Event::Held { id, digest, reason: reason.clone() }),
        ("INFO", Event::WaitOver { id }),
        ("ERROR", Event::ForbiddenDuty { id, digest }),
        ("WARN", Event::HoldPlaced { kind: id.kind, until: Some(Timestamp(1)), reason }),
        ("INFO", Event::HoldReleased { kind: id.kind }),
        ("ERROR", Event::AutomaticHold { kind: id.kind, cause: Cause::SignedOtherwise, reason: "a digest".to_owned() }),
        ("INFO", Event::AutomaticHoldOver { kind: id.kind, cause: Cause::SignedOtherwise }),
        ("ERROR", Event::LimitExceeded { id, digest, excess, until: None }),
        ("WARN", Event::LimitReleased { id, digest }),
        ("INFO", Event::LimitsChanged),
        ("WARN", Event::Forbidden { digest }),
        ("ERROR", Event::Offered { id, digest }),
        ("WARN", Event::AskedFor { digest }),
        ("INFO", Event::Pardoned { member, upto: epoch }),
        ("ERROR", Event::StoreSetBack { by: Some(member), forgotten: Forgotten::Start { number: 17 } }),
        ("INFO", Event::FloorRaised { after: epoch }),
        ("ERROR", Event::DigestsDiffer { id, member, theirs: digest, ours: digest }),
        ("ERROR", Event::EvidenceDiffers { period: epoch, member, difference }),
        ("ERROR", Event::EvidenceAlike { period: epoch, member }),
        ("ERROR", Event::SignedOtherwise { id, signed: digest, ours: None }),
        ("INFO", Event::Agreed { id }),
        ("DEBUG", Event::SessionOpened { id, attempt: 1, signers: vec![member] }),
        ("ERROR", Event::Culprit { id, member, fault: Fault::Package { package: vec![1] } }),
        ("ERROR", Event::Quarantined { member, boots: Some(boots) }),
        ("INFO", Event::QuarantineLifted { member }),
        ("ERROR", Event::OwnDoppelgangerFound { by: vec![member] }),
        ("INFO", Event::OwnDoppelgangerGone),
        ("INFO", Event::Signed { id, digest, coordinated: true }),
        ("WARN", Event::Expired { id }),
        ("INFO", Event::Submitting { id }),
        ("INFO", Event::Submitted { id, outcome }),
        ("INFO", Event::Confirmed { id }),
        ("INFO", Event::Superseded { id }),
        ("WARN", Event::Reorged { id }),
        ("DEBUG", Event::MessageRefused { member, reason: "too old".to_owned() }),
    ]
}

fn of_exits() -> Vec<(&'static str, Event)> {
    let (id, index, exit_epoch) = (DUTY, ValidatorIndex(5), Epoch(7));
    vec![
        ("INFO", Event::Exit(ExitEvent::PartReleased { index, reason: EjectionReason::LowBalance })),
        ("INFO", Event::Exit(ExitEvent::Combined { index })),
        ("INFO", Event::Exit(ExitEvent::Seen { index, exit_epoch })),
        ("INFO", Event::Exit(ExitEvent::Moved { index, stage: ExitStage::Swept })),
        ("INFO", Event::Exit(ExitEvent::Settled { index })),
        ("ERROR", Event::Exit(ExitEvent::Stuck { id, index, epochs: 16, tried: "published twice".to_owned() })),
        ("INFO", Event::Exit(ExitEvent::Requesting { index, max_fee: 9 })),
        ("WARN", Event::Exit(ExitEvent::Requested { index, outcome: RequestOutcome::TooDear { fee: 10 } })),
        ("WARN", Event::Exit(ExitEvent::NoShare { index })),
    ]
}

fn of_versions(member: MemberId) -> Vec<(&'static str, Event)> {
    let (period, theirs, ours) = (Epoch(7), RuleVersion(2), RuleVersion(1));
    vec![
        ("INFO", Event::Version(VersionEvent::Introduced { member, program: program(), parts_from: None })),
        ("ERROR", Event::Version(VersionEvent::OtherRules { member, period, theirs, ours })),
        ("INFO", Event::Version(VersionEvent::NotIntroduced { member })),
        ("DEBUG", Event::Version(VersionEvent::MessageUnknown { member, reason: "too new".to_owned() })),
    ]
}

fn program() -> Program {
    let version = ProgramVersion { numbers: [1, 2, 3], commit: Some([0xab; 6]) };
    Program { version, rules: RuleSchedule::default() }
}

/// Collected log lines.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Lines {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

impl Lines {
    /// Runs `work`; returns the lines that it logs.
    fn of(work: impl FnOnce()) -> Vec<String> {
        let lines = Self::default();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .without_time()
            .with_writer(lines.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, work);
        let bytes = lines.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap().lines().map(str::to_owned).collect()
    }
}

fn names() -> Names {
    let members = BTreeMap::from([(MemberId::new(2).unwrap(), "bob".to_owned())]);
    Names { beacon: vec!["lighthouse".to_owned()], execution: Vec::new(), members }
}

#[test]
fn the_log_tells_every_event_at_its_level() {
    for (level, event) in one_of_each() {
        let mut log = Log::new(Arc::new(names()));
        let lines = Lines::of(|| log.observe(&event));
        let [line] = lines.as_slice() else { panic!("{event:?} is told in {} lines", lines.len()) };
        assert!(line.trim_start().starts_with(level), "{event:?} is not told at {level}: {line}");
        assert!(!line.contains('?'), "{event:?} names nobody: {line}");
    }
}

#[test]
fn another_process_with_our_identity_is_an_alarm_with_a_hint() {
    let mut log = Log::new(Arc::new(names()));
    let by = vec![MemberId::new(2).unwrap()];
    let line = Lines::of(|| log.observe(&Event::OwnDoppelgangerFound { by })).concat();
    assert!(["ALARM", "hint", "bob"].iter().all(|word| line.contains(word)), "{line}");
}

#[test]
fn whoever_is_behind_a_change_of_rules_is_told_to_update() {
    let mut log = Log::new(Arc::new(names()));
    let member = MemberId::new(2).unwrap();
    let mut told = |theirs, ours| {
        let (theirs, ours) = (RuleVersion(theirs), RuleVersion(ours));
        Lines::of(|| log.observe(&Event::Version(VersionEvent::OtherRules { member, period: Epoch(9), theirs, ours })))
            .concat()
    };
    assert!(told(2, 1).contains("this node is out of date"));
    assert!(told(1, 2).contains("ask its operator to update"));
    let parts_from = Some(Epoch(9));
    let line =
        Lines::of(|| log.observe(&Event::Version(VersionEvent::Introduced { member, program: program(), parts_from })))
            .concat();
    assert!(["WARN", "hint", "bob", "epoch=9", "1.2.3+abababababab"].iter().all(|word| line.contains(word)), "{line}");
}

#[test]
fn a_members_program_is_one_series_and_the_last_one() {
    let metrics = Metrics::new().unwrap();
    let mut observer = EventObserver::new(metrics.events.clone(), Arc::new(names()));
    let member = MemberId::new(2).unwrap();
    let shown = || -> Vec<String> {
        let text = metrics.text();
        text.lines().filter(|line| line.starts_with("guardian_member_info")).map(str::to_owned).collect()
    };
    for numbers in [[1, 2, 3], [1, 2, 4]] {
        let program = Program { version: ProgramVersion { numbers, commit: None }, ..program() };
        observer.observe(&Event::Version(VersionEvent::Introduced { member, program, parts_from: None }));
        let [_, _, patch] = numbers;
        let line =
            format!(r#"guardian_member_info{{commit="unknown",member="bob",rules="1",version="1.2.{patch}"}} 1"#);
        assert_eq!(shown(), [line]);
    }
    observer.observe(&Event::Version(VersionEvent::NotIntroduced { member }));
    assert_eq!(shown(), Vec::<String>::new());
}

#[test]
fn a_provider_that_keeps_failing_is_told_once_until_it_answers() {
    let mut log = Log::new(Arc::new(names()));
    let events = one_of_each();
    let (observed, failed) = (&events[0].1, &events[1].1);
    let lines = Lines::of(|| [failed, failed, observed, failed].iter().for_each(|event| log.observe(event)));
    assert_eq!(lines.iter().filter(|line| line.contains("gives no answer")).count(), 2, "{lines:?}");
}

#[test]
fn stake_that_returns_to_strangers_is_an_alarm_when_it_changes() {
    let mut log = Log::new(Arc::new(names()));
    let Event::Observed { checkpoint, validators, proof, .. } = one_of_each().remove(0).1 else { panic!("not first") };
    let lines = Lines::of(|| {
        for value in [0.0, 2.0, 2.0, 3.0, 0.0, 1.0] {
            let figures = vec![Figure { kind: DutyKind::Reserves, name: "foreign_validators", value }];
            log.observe(&Event::Observed { checkpoint, validators, proof, figures });
        }
    });
    let alarms: Vec<&String> = lines.iter().filter(|line| line.contains("ALARM")).collect();
    assert_eq!(alarms.len(), 3, "{lines:?}");
    assert!(alarms[0].contains("validators=2") && alarms[0].contains("hint"), "{alarms:?}");
}

#[test]
fn the_history_has_every_event_with_its_time_and_a_word() {
    let history = History::default();
    let events = one_of_each();
    for (time, (_, event)) in (1..).zip(&events) {
        history.observe(&names(), Timestamp(time), event);
    }
    let entries = history.newest(usize::MAX);
    assert!(entries.iter().map(|entry| entry.time).eq((1..=events.len() as u64).rev()));
    let words: std::collections::BTreeSet<&str> = entries.iter().map(|entry| entry.event).collect();
    assert_eq!(words.len(), events.len(), "each event has a word of its own");
    for entry in &entries {
        let json = serde_json::to_value(entry).unwrap();
        assert!(json.get("time").is_some() && json["event"] == entry.event, "{json}");
    }
    let submitted = serde_json::to_value(entries.iter().find(|entry| entry.event == "submitted").unwrap()).unwrap();
    assert_eq!((&submitted["duty"], &submitted["outcome"]), (&"reserves-7".into(), &"included".into()));
}

#[test]
fn a_noisy_kind_does_not_push_the_others_out_of_the_history() {
    let history = History::default();
    history.observe(&names(), Timestamp(0), &Event::Confirmed { id: DUTY });
    for time in 1..5_000 {
        let event = Event::MessageRefused { member: MemberId::new(2).unwrap(), reason: time.to_string() };
        history.observe(&names(), Timestamp(time), &event);
    }
    let entries = history.newest(usize::MAX);
    assert_eq!((entries.first().unwrap().time, entries.last().unwrap().event), (4_999, "confirmed"));
    assert!(entries.len() < history::CAPACITY);
    assert_eq!(history.newest(3).len(), 3);
}

#[test]
fn metrics_and_proofs_take_every_event() {
    let dir = tempfile::tempdir().unwrap();
    let metrics = Metrics::new().unwrap();
    let files = MisconductFiles::new(dir.path());
    let mut observers = Observers::new(names(), metrics.events.clone(), files, History::default());
    let untold = [
        "KeyMismatch",
        "FloorRaised",
        "EvidenceAlike",
        "SessionOpened",
        "OwnDoppelganger",
        "WaitOver",
        "HoldPlaced",
        "HoldReleased",
        "AutomaticHoldOver",
        "LimitReleased",
        "LimitsChanged",
        "Forbidden {",
        "AskedFor",
        "Pardoned",
    ];
    for (_, event) in one_of_each() {
        let before = metrics.text();
        observers.tell(Timestamp(1), &event);
        let silent = untold.iter().any(|name| format!("{event:?}").starts_with(name));
        assert_eq!(without_process(&before) == without_process(&metrics.text()), silent, "{event:?}");
    }
    assert_eq!(std::fs::read_dir(dir.path().join("evidence")).unwrap().count(), 1);
}

/// The process's own metrics move by themselves.
fn without_process(text: &str) -> String {
    text.lines().filter(|line| !line.contains("process_")).collect()
}
