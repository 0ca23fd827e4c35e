//! `guardian run --dry-run`: what a start would load, see and announce, in plain words.

use super::output;
use crate::{
    committee::CommitteeFile,
    config::{Config, ProviderConfig},
    dry_run::{self, DryRun},
    hint::Hinted,
    operator,
};
use guardian_protocol::{DutyId, Event, Mode, OpenDutyStatus, Proof, Reason};

/// Tells everything.
///
/// # Errors
/// Whatever would keep the node from starting, or from contributing once the other members are there.
pub(super) async fn tell(config: &Config) -> Result<(), Hinted> {
    let committee = CommitteeFile::load(&config.guardian.committee)?;
    tell_start(config, &committee)?;
    let found = dry_run::look_once(config, &committee).await?;
    tell_loaded(config, &found);
    tell_seen(config, &found);
    tell_duties(&found);
    line("effect", "none: nothing was announced, signed, paid or written, and no member was spoken to");
    finish(&found)
}

fn line(name: &str, text: &str) {
    output::data(&format!("{name:<12}{}", output::indented(text)));
}

fn tell_start(config: &Config, committee: &CommitteeFile) -> Result<(), Hinted> {
    let (own, whole) = (committee.named(&config.guardian.name)?.id, committee.committee()?);
    let (size, threshold, key_epoch) = (whole.size(), whole.threshold(), whole.key_epoch());
    let name = &config.guardian.name;
    line("guardian", &format!("{name}, member {own} of {size}; {threshold} act together; key epoch {key_epoch}"));
    line(
        "mode",
        match config.guardian.mode {
            Mode::Act => "takes part",
            Mode::Observe => "observes: nothing would be announced, signed or paid",
        },
    );
    line("members", &format!("would listen at {}", config.p2p.listen.join(", ")));
    line("pages", &format!("would be at http://{}", config.http.listen));
    Ok(())
}

fn tell_loaded(config: &Config, DryRun { account, exit_shares, records, chain_id, .. }: &DryRun) {
    let share = match config.guardian.mode {
        Mode::Act => "identity, share of the group's key",
        Mode::Observe => "identity, no share",
    };
    line("keys", &format!("{share}, {exit_shares} validators' exit shares, account {account}"));
    let store = match records {
        None => {
            "there is none yet: a new one would wait until nothing is left that an older one may have signed".into()
        }
        Some(count) if operator::is_running(&config.guardian.data_dir) => {
            format!("{count} records; a node runs on it, and was left alone")
        }
        Some(count) => format!("{count} records"),
    };
    line("store", &store);
    let names =
        |providers: &[ProviderConfig]| providers.iter().map(|of| of.name.as_str()).collect::<Vec<_>>().join(", ");
    let (beacon, execution) = (names(&config.beacon.providers), names(&config.execution.providers));
    line("chain", &format!("{chain_id}, by beacon providers {beacon} and execution providers {execution}"));
}

fn tell_seen(config: &Config, DryRun { events, status, .. }: &DryRun) {
    let observed = events.iter().find_map(|event| {
        let Event::Observed { checkpoint, validators, proof, .. } = event else { return None };
        Some((checkpoint.epoch, *validators, *proof))
    });
    for event in events {
        if let Event::ProviderFailed { provider, layer, failure } = event {
            let of = match layer {
                guardian_protocol::Layer::Beacon => &config.beacon.providers,
                guardian_protocol::Layer::Execution => &config.execution.providers,
            };
            let name = of.get(usize::from(provider.0)).map_or("?", |provider| provider.name.as_str());
            line("provider", &format!("{layer} provider {name} gives no answer: {failure}"));
        }
        if let Event::ProviderDisagrees { layer, detail, .. } | Event::NoQuorum { layer, detail } = event {
            line("provider", &format!("{layer} providers contradict each other: {detail}"));
        }
    }
    match observed {
        Some((epoch, validators, proof)) => {
            let how = if proof == Proof::Quorum { "by quorum" } else { proof.as_str() };
            let rules = status.program.rules.at(epoch);
            line("observed", &format!("epoch {epoch}: {validators} validators ({how}); rules {rules} decide it"));
        }
        None => line("observed", "no finalized epoch, so nothing would be announced"),
    }
}

fn tell_duties(found: &DryRun) {
    let DryRun { events, statements, status, .. } = found;
    let acts = status.mode == Mode::Act;
    for duty in &status.open {
        let OpenDutyStatus { id, digest, held, .. } = duty;
        let states = statements.get(&digest.to_string()).into_iter().flatten();
        let states: Vec<String> = states.map(|(name, said)| format!("{name}: {said}")).collect();
        let said = format!("{}  {digest}  {}", name(*id), states.join(", "));
        match held {
            Some(hold) => line("would wait", &format!("{said}; held: {}", hold.reason)),
            None if acts => line("would vote", &said),
            None => line("computes", &said),
        }
    }
    for duty in &status.offered {
        line("would ask", &format!("{}  {}  waits for your word", name(duty.id), duty.digest));
    }
    let mut refused = 0_usize;
    for event in events {
        if let Event::Refused { id, reason } = event {
            refused = refused.saturating_add(1);
            line("no vote", &format!("{}: {reason}", name(*id)));
        }
        if let Event::ForbiddenDuty { id, digest } = event {
            refused = refused.saturating_add(1);
            line("no vote", &format!("{}  {digest}: you forbid it", name(*id)));
        }
    }
    if let (Some(epoch), true) = (status.observed, status.open.is_empty() && status.offered.is_empty() && refused == 0)
    {
        line("duties", &format!("none is due at epoch {epoch}"));
    }
    for next in &status.next {
        line("next", &format!("{} from epoch {} on", next.kind, next.epoch));
    }
}

/// Kind and period, as in the names of dossiers.
fn name(id: DutyId) -> String {
    format!("{}-{}", id.kind, id.period)
}

/// What is left when the other members are there.
fn finish(found: &DryRun) -> Result<(), Hinted> {
    let ends_with_peers = |reason: &Reason| {
        matches!(reason, Reason::TooFewPeers | Reason::TooFewGreetings | Reason::StoreIsNew | Reason::Observing)
    };
    let left: Vec<&str> =
        found.status.not_ready.iter().filter(|reason| !ends_with_peers(reason)).map(|reason| reason.as_str()).collect();
    if left.is_empty() {
        line("verdict", "would start, and contribute as soon as enough members are connected");
        return Ok(());
    }
    let text = format!("the guardian would start, and not be ready: {}", left.join(", "));
    Err(Hinted::new(text, "docs/operating.md says what to do for each reason"))
}
