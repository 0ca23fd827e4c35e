//! A committee's folders and processes, for tests of the command line.

use guardian_crypto::{
    frost::{KeyShare, signing},
    schnorr::Signature,
    secret::Secret,
};
use guardian_node::{committee::CommitteeFile, keys::KeyFiles, shares::Shares};
use guardian_tests::devnet::keys::DevnetKeys;
use rand_core::OsRng;
use std::{
    collections::BTreeMap,
    fs,
    net::{TcpListener, UdpSocket},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// Until everything that a test waits for must have happened.
const PATIENCE: Duration = Duration::from_secs(120);

/// The folders of a whole committee, and configurations whose providers are not there.
pub(crate) struct Place {
    dir: TempDir,
    ports: u16,
}

/// A running `guardian`; killed when dropped.
pub(crate) struct Running {
    child: Child,
    log: PathBuf,
}

/// The configuration that `guardian init` writes, of the guardian whose keys are in this folder, with contracts somewhere; its providers
/// are at port 1, where nobody listens.
pub(crate) fn template() -> String {
    guardian_node::config::TEMPLATE
        .replace("../guardian.passphrase", "keys/passphrase")
        .replace("http://127.0.0.1:5052", "http://127.0.0.1:1")
        .replace("http://127.0.0.1:8545", "http://127.0.0.1:1")
        .replace("# guardian_keys = \"0x0000", "guardian_keys = \"0x0101")
        .replace("# ejection = \"0x0000", "ejection = \"0x0202")
}

/// `guardian init` of alice in `dir`, with nodes that are not there, and `more`.
pub(crate) fn init(dir: &str, more: &[&str]) -> Output {
    let who = ["init", "--dir", dir, "--name", "alice", "--network", "mainnet", "--no-probe"];
    guardian(&[&who[..], &["--beacon", "http://127.0.0.1:1", "--execution", "http://127.0.0.1:1"], more].concat())
}

/// Runs a command to its end.
pub(crate) fn guardian(arguments: &[&str]) -> Output {
    guardian_with(&[], arguments)
}

/// The same with these variables in the environment.
pub(crate) fn guardian_with(variables: &[(&str, &str)], arguments: &[&str]) -> Output {
    command(variables, arguments).output().unwrap()
}

fn command(variables: &[(&str, &str)], arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_guardian"));
    command.args(arguments).env_remove("RUST_LOG").envs(variables.iter().copied());
    command
}

/// Starts a command of which everything that it says goes to `log`.
fn spawn(variables: &[(&str, &str)], arguments: &[&str], log: fs::File) -> Child {
    command(variables, arguments).stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap()
}

/// Everything that a command said.
pub(crate) fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// The command succeeded.
pub(crate) fn assert_done(output: &Output) {
    assert!(output.status.success(), "{}", text(output));
}

/// The command failed by the operator's mistake, said `what`, and gave advice that speaks of `hint`.
pub(crate) fn assert_refused(output: &Output, what: &str, hint: &str) {
    let said = text(output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(what), "does not say `{what}`:\n{said}");
    assert!(said.contains("hint: "), "no hint:\n{said}");
    let speaks = said.split("hint: ").skip(1).any(|advice| advice.contains(hint));
    assert!(speaks, "the hint does not speak of `{hint}`:\n{said}");
}

/// Looks again and again until `condition` holds.
pub(crate) fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < PATIENCE, "this did not happen: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

impl Place {
    /// Keys of `guardians` members, with a dealt group key of which two thirds must sign.
    pub(crate) fn with_key(guardians: u16) -> Self {
        Self::make(guardians, false)
    }

    /// The same without a group key: with a plan instead.
    pub(crate) fn without_key(guardians: u16) -> Self {
        Self::make(guardians, true)
    }

    fn make(guardians: u16, no_group_key: bool) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let ports = free_ports(guardians * 2);
        let keys = DevnetKeys {
            out: dir.path().join("committee"),
            guardians,
            threshold: guardians / 2 + 1,
            validators: 2,
            base_port: ports,
            no_group_key,
            ..DevnetKeys::default()
        };
        keys.make().unwrap();
        let place = Self { dir, ports };
        for i in 1..=guardians {
            place.write_config(i, &place.config(i, guardians));
        }
        place
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn home(&self, i: u16) -> PathBuf {
        self.dir.path().join(format!("committee/guardian-{i}"))
    }

    /// Metrics are shown anywhere.
    fn config(&self, i: u16, guardians: u16) -> String {
        let port = self.ports + guardians + i - 1;
        template()
            .replace("guardian-1", &format!("guardian-{i}"))
            .replace("# listen = \"127.0.0.1:23702\"", "listen = \"127.0.0.1:0\"")
            .replace("# ceremony_linger = \"2m\"", "ceremony_linger = \"30s\"")
            .replace(
                "# ceremony_listen = [\"/ip4/0.0.0.0/udp/23701/quic-v1\", \"/ip4/0.0.0.0/tcp/23701\"]",
                &format!("ceremony_listen = [\"/ip4/127.0.0.1/udp/{port}/quic-v1\"]"),
            )
    }

    pub(crate) fn write_config(&self, i: u16, config: &str) {
        fs::write(self.config_path(i), config).unwrap();
    }

    pub(crate) fn config_path(&self, i: u16) -> String {
        self.home(i).join("guardian.toml").to_str().unwrap().to_owned()
    }

    pub(crate) fn plan_path(&self, i: u16) -> String {
        self.home(i).join("plan.toml").to_str().unwrap().to_owned()
    }

    /// Gives everybody this plan.
    pub(crate) fn hand_out(&self, plan: &Path, members: &[u16]) {
        for i in members {
            fs::copy(plan, self.plan_path(*i)).unwrap();
        }
    }

    /// Runs `guardian <arguments> --config <of i>`.
    pub(crate) fn run(&self, i: u16, arguments: &[&str]) -> Output {
        guardian(&[arguments, &["--config", &self.config_path(i)]].concat())
    }

    /// Starts member `i`'s part in a ceremony. Everything that it says is added to its log.
    pub(crate) fn start(&self, i: u16, command: &str, more: &[&str]) -> Running {
        let log = self.home(i).join("ceremony.log");
        let said = fs::File::options().create(true).append(true).open(&log).unwrap();
        let (config, plan) = (self.config_path(i), self.plan_path(i));
        let arguments = ["key", command, "--config", &config, "--plan", &plan, "--devnet-seal"];
        Running { child: spawn(&[], &[&arguments, more].concat(), said), log }
    }

    /// Runs the node of member `i`.
    pub(crate) fn run_node(&self, i: u16) -> Running {
        self.run_node_with(i, &[])
    }

    /// The same with these variables in the environment.
    pub(crate) fn run_node_with(&self, i: u16, variables: &[(&str, &str)]) -> Running {
        let log = self.home(i).join("node.log");
        let said = fs::File::create(&log).unwrap();
        Running { child: spawn(variables, &["run", "--config", &self.config_path(i)], said), log }
    }

    /// All of `members` take part until the end.
    pub(crate) fn ceremony(&self, command: &str, members: &[u16]) {
        let running: Vec<Running> = members.iter().map(|i| self.start(*i, command, &[])).collect();
        for process in running {
            process.ends_with(0);
        }
    }

    pub(crate) fn committee(&self, i: u16) -> CommitteeFile {
        CommitteeFile::load(&self.home(i).join("committee.toml")).unwrap()
    }

    pub(crate) fn share_files(&self, i: u16) -> Vec<String> {
        let folder = self.home(i).join("keys/shares");
        let entries =
            fs::read_dir(folder).map(|entries| entries.map(|e| e.unwrap().file_name().into_string().unwrap()));
        entries.map(Iterator::collect).unwrap_or_default()
    }

    /// The share that member `i`'s node would load.
    pub(crate) fn share(&self, i: u16) -> KeyShare {
        let files = KeyFiles::with_passphrase(&format!("guardian-{i}"), Secret::new("devnet".to_owned()));
        let folder = self.home(i).join("keys/shares");
        Shares::new(&folder, &files).load(&self.committee(i).committee().unwrap()).unwrap()
    }

    /// These members sign together with what lies on their disks.
    pub(crate) fn sign_together(&self, members: &[u16]) -> Signature {
        let committee = self.committee(members[0]).committee().unwrap();
        let shares: Vec<KeyShare> = members.iter().map(|i| self.share(*i)).collect();
        let (mut nonces, mut commitments) = (Vec::new(), BTreeMap::new());
        for share in &shares {
            let (secret, public) = signing::commit(share, &mut OsRng).unwrap();
            nonces.push(secret);
            commitments.insert(share.member(), public);
        }
        let package = signing::SigningPackage::new([7; 32], &commitments).unwrap();
        let parts = shares.iter().zip(nonces);
        let parts = parts.map(|(share, nonces)| (share.member(), signing::sign(nonces, &package, share).unwrap()));
        signing::aggregate(&package, &parts.collect(), committee.public_shares()).unwrap()
    }
}

impl Running {
    /// Everything that this member's processes have said.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    /// Waits until it, or an earlier process of the same member, has said `line`.
    pub(crate) fn says(&mut self, line: &str) {
        self.says_one_of(&[line]);
    }

    /// The same of one of `lines`.
    pub(crate) fn says_one_of(&mut self, lines: &[&str]) {
        let (log, child) = (self.log.clone(), &mut self.child);
        let said = |log: &Path| {
            let text = fs::read_to_string(log).unwrap();
            lines.iter().any(|line| text.contains(line))
        };
        eventually(&lines.join("` or `"), || {
            let ended = child.try_wait().unwrap().is_some();
            let said = said(&log);
            assert!(said || !ended, "it ended without saying `{lines:?}`:\n{}", fs::read_to_string(&log).unwrap());
            said
        });
    }

    /// Waits for its end.
    pub(crate) fn ends_with(mut self, code: i32) {
        let started = Instant::now();
        let found = loop {
            if let Some(found) = self.child.try_wait().unwrap() {
                break found;
            }
            assert!(started.elapsed() < PATIENCE, "it does not end; {}\n{}", self.log.display(), self.everything());
            std::thread::sleep(Duration::from_millis(20));
        };
        assert_eq!(found.code(), Some(code), "{}", self.log());
    }

    /// What the whole committee has said.
    fn everything(&self) -> String {
        let committee = self.log.parent().and_then(Path::parent).unwrap();
        let homes = fs::read_dir(committee).unwrap().map(|entry| entry.unwrap().path());
        let logs = homes.map(|home| home.join("ceremony.log")).filter(|log| log.exists());
        logs.map(|log| format!("--- {}\n{}\n", log.display(), fs::read_to_string(&log).unwrap())).collect()
    }

    /// SIGKILL.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGINT, as ctrl-c.
    pub(crate) fn interrupt(&self) {
        self.signal("-INT");
    }

    /// SIGHUP.
    pub(crate) fn hang_up(&self) {
        self.signal("-HUP");
    }

    fn signal(&self, signal: &str) {
        let done = Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        assert!(done.success());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Ports where nobody listens.
pub(crate) fn free<const N: usize>() -> [u16; N] {
    let held = std::array::from_fn::<_, N, _>(|_| TcpListener::bind("127.0.0.1:0").unwrap());
    held.map(|listener| listener.local_addr().unwrap().port())
}

/// The first of `count` free ports in a row.
fn free_ports(count: u16) -> u16 {
    let is_free = |port: u16| UdpSocket::bind(("127.0.0.1", port)).is_ok();
    let candidates = (0..100).map(|_| UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port());
    candidates
        .into_iter()
        .find(|first| first.checked_add(count).is_some_and(|end| (*first..end).all(is_free)))
        .expect("no free ports in a row")
}
