//! The socket between an operator and the node: private, bounded, and never taken from a process that lives.

use super::*;
use crate::{
    config::{Config, TEMPLATE},
    metrics::Metrics,
    telemetry::LogFilter,
};
use guardian_chain::FeeCeiling;
use std::{
    fs,
    io::{Read, Write},
    net::Shutdown,
    os::unix::{
        fs::PermissionsExt,
        net::{UnixListener, UnixStream},
    },
    path::Path,
    sync::Arc,
    time::Duration,
};
use tempfile::TempDir;
use tokio::{sync::mpsc, task};

fn reloading(path: &Path, brain: &mpsc::Sender<Asked>) -> Reloading {
    let started = Config::load_with_origins(path).unwrap();
    let reload = Reload::new(path.to_owned(), started, LogFilter::none(), Arc::default());
    Reloading::new(reload, brain.clone(), &FeeCeiling::default(), &Metrics::new().unwrap())
}

/// A node's socket, and a brain that says what it was asked.
struct Node {
    dir: TempDir,
    serving: task::JoinHandle<()>,
}

impl Node {
    fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("guardian.toml");
        fs::write(&path, TEMPLATE).unwrap();
        let server = Server::bind(dir.path()).unwrap().with_patience(Duration::from_millis(300));
        let (brain, mut asked) = mpsc::channel::<Asked>(1);
        let reload = reloading(&path, &brain);
        let serving = tokio::spawn(async move {
            tokio::select! {
                ended = server.serve(reload) => ended.unwrap(),
                () = async {
                    while let Some((request, reply)) = asked.recv().await {
                        reply.send(Answer::done(format!("{request:?}"))).unwrap();
                    }
                } => {}
            }
        });
        Self { dir, serving }
    }

    async fn ask(&self, request: Request) -> Result<Option<String>, crate::hint::Hinted> {
        let dir = self.dir.path().to_owned();
        task::spawn_blocking(move || ask(&dir, &request)).await.unwrap()
    }

    /// The answer to these bytes, with or without their end.
    async fn say(&self, bytes: Vec<u8>, ends: bool) -> Answer {
        let path = socket(self.dir.path());
        let said = task::spawn_blocking(move || {
            let mut stream = UnixStream::connect(path).unwrap();
            // The node may have heard enough before the end.
            stream.write_all(&bytes).ok();
            if ends {
                stream.shutdown(Shutdown::Write).ok();
            }
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            answer
        });
        serde_json::from_str(&said.await.unwrap()).unwrap()
    }
}

#[tokio::test]
async fn a_request_reaches_the_brain_and_its_answer_comes_back() {
    let node = Node::start();
    let hold =
        Request::Hold { kind: DutyKind::Ejection, until: Some(Timestamp(7)), reason: Some("upgrade".to_owned()) };
    for request in [hold, Request::Release { kind: DutyKind::Reserves }] {
        assert_eq!(node.ask(request.clone()).await.unwrap(), Some(format!("{request:?}")));
    }
}

#[tokio::test]
async fn a_reload_takes_over_what_it_can_or_refuses_the_whole_file() {
    let node = Node::start();
    let text = node.ask(Request::Reload).await.unwrap().unwrap();
    assert!(text.contains("log filter: `info`") && text.contains("in force now: nothing\n"), "{text}");
    assert!(text.contains("Limit {"), "the brain is asked: {text}");
    assert!(text.contains("committee file: not usable"), "there is none here: {text}");
    let changed = TEMPLATE.replace("# poll = \"12s\"", "poll = \"6s\"").replace("per_day = 64", "per_day = 65");
    let changed = changed.replace("# fee_ceiling_gwei = 200", "fee_ceiling_gwei = 300");
    fs::write(node.dir.path().join("guardian.toml"), changed).unwrap();
    let text = node.ask(Request::Reload).await.unwrap().unwrap();
    assert!(text.contains("after a restart: timing.poll\n"), "{text}");
    assert!(text.contains("in force now: execution.fee_ceiling_gwei, limits.soft\n"), "{text}");
    let settings = node.ask(Request::Settings).await.unwrap().unwrap();
    let settings: Vec<crate::config::Shown> = serde_json::from_str(&settings).unwrap();
    let of = |name: &str| settings.iter().find(|shown| shown.setting == name).unwrap().value.to_string();
    assert_eq!((of("execution.fee_ceiling_gwei"), of("limits.soft.ejection.per_day")), ("300".into(), "65".into()));
    assert_eq!(of("timing.poll"), "\"12s\"", "not before a restart");
    fs::write(node.dir.path().join("guardian.toml"), "nonsense").unwrap();
    let error = node.ask(Request::Reload).await.unwrap_err();
    assert!(error.to_string().contains("is not valid"), "{error}");
}

#[tokio::test]
async fn the_socket_is_private_and_a_clean_stop_removes_it() {
    let node = Node::start();
    let path = socket(node.dir.path());
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let others = fs::read_dir(node.dir.path()).unwrap().filter(|entry| {
        let name = entry.as_ref().unwrap().file_name();
        name != "guardian.sock" && name != "guardian.toml"
    });
    assert_eq!(others.count(), 0, "something else is left");
    node.serving.abort();
    node.serving.await.unwrap_err();
    assert!(!path.exists());
}

#[tokio::test]
async fn a_stale_socket_is_replaced_and_one_that_is_served_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let path = socket(dir.path());
    drop(UnixListener::bind(&path).unwrap());
    assert!(path.exists() && UnixStream::connect(&path).is_err(), "what a crash leaves behind");
    let first = Server::bind(dir.path()).unwrap();
    let error = Server::bind(dir.path()).unwrap_err();
    assert!(error.to_string().contains("guardian.sock") && error.advice().contains("another process"), "{error}");
    assert!(UnixStream::connect(&path).is_ok(), "the first goes on");
    drop(first);
    Server::bind(dir.path()).unwrap();
}

#[tokio::test]
async fn a_request_that_is_garbage_too_long_or_never_ends_is_refused() {
    let node = Node::start();
    let long = format!("{{\"hold\":{{\"kind\":\"ejection\",\"reason\":\"{}\"}}}}", "x".repeat(MAX_REQUEST));
    for (bytes, ends, why) in [
        (b"garbage".to_vec(), true, "no request"),
        (Vec::new(), true, "no request"),
        (b"{\"hold\":{\"kind\":\"nothing\"}}".to_vec(), true, "unknown variant"),
        (b"{\"hold\":{\"kind\":\"ejection\",\"forever\":true}}".to_vec(), true, "unknown field"),
        (long.into_bytes(), true, "more than"),
        (vec![b' '; 1 << 20], false, "more than"),
        (b"{\"release\":".to_vec(), false, "in time"),
    ] {
        let answer = node.say(bytes, ends).await;
        assert!(!answer.ok && answer.text.contains(why) && answer.hint.is_some(), "{why}: {answer:?}");
    }
    // None of them was the last.
    assert!(node.ask(Request::Pardon { member: MemberId::new(3).unwrap() }).await.unwrap().is_some());
}

#[tokio::test]
async fn a_brain_that_does_not_answer_is_told_to_the_operator() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("guardian.toml");
    fs::write(&path, TEMPLATE).unwrap();
    let server = Server::bind(dir.path()).unwrap().with_patience(Duration::from_millis(100));
    let (brain, _asked) = mpsc::channel::<Asked>(1);
    let reload = reloading(&path, &brain);
    let serving = tokio::spawn(server.serve(reload));
    let home = dir.path().to_owned();
    let asked = task::spawn_blocking(move || ask(&home, &Request::Release { kind: DutyKind::Ejection }));
    let error = asked.await.unwrap().unwrap_err();
    assert!(error.to_string().contains("too busy") && !error.advice().is_empty(), "{error}");
    serving.abort();
}

#[test]
fn nobody_answers_where_no_node_runs() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(ask(dir.path(), &Request::Reload).unwrap(), None);
    drop(UnixListener::bind(socket(dir.path())).unwrap());
    assert_eq!(ask(dir.path(), &Request::Reload).unwrap(), None, "a crash left the socket behind");
}

#[test]
fn requests_and_answers_keep_their_form() {
    let hold = Request::Hold { kind: DutyKind::Ejection, until: None, reason: None };
    assert_eq!(serde_json::to_string(&hold).unwrap(), r#"{"hold":{"kind":"ejection","until":null,"reason":null}}"#);
    assert_eq!(serde_json::to_string(&Request::Reload).unwrap(), r#""reload""#);
    assert_eq!(serde_json::to_string(&Answer::done("held")).unwrap(), r#"{"ok":true,"text":"held"}"#);
}
