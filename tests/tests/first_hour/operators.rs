//! Four operators with a folder and an address each, who do what the README says in a shell, and send each other what is public.

use alloy::primitives::Address;
use eyre::{Result, bail, ensure, eyre};
use guardian_tests::devnet::{guardian_binary, world::World};
use std::{
    collections::BTreeMap,
    fs::{self, File},
    os::unix::net::UnixDatagram,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// Until a command must have ended.
const PATIENCE: Duration = Duration::from_secs(300);
/// As the README calls them.
const NAMES: [&str; 4] = ["alice", "bob", "carol", "dave"];

/// All of them, in folders of one machine.
#[derive(Debug)]
pub(crate) struct Operators {
    dir: PathBuf,
    world: Vec<(String, String)>,
    nodes: Vec<Running>,
    /// Where the programs tell how they are, as if systemd had started them.
    manager: UnixDatagram,
}

/// A command that an operator has begun. It is ended with this.
#[derive(Debug)]
struct Running {
    name: &'static str,
    line: String,
    child: Child,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Operators {
    /// Four operators before `world`, in `dir`.
    pub(crate) fn new(dir: &Path, world: &World) -> Result<Self> {
        for name in NAMES {
            fs::create_dir_all(dir.join(name))?;
        }
        // The program by its name, as an installed one.
        fs::create_dir_all(dir.join("bin"))?;
        std::os::unix::fs::symlink(guardian_binary()?, dir.join("bin/guardian"))?;
        let place = dir.join("notify");
        let manager = UnixDatagram::bind(&place)?;
        manager.set_read_timeout(Some(PATIENCE))?;
        let seen = [
            ("NETWORK", "devnet"),
            ("START_BLOCK", "0"),
            ("BEACON", &world.beacon.url),
            ("EXECUTION", &world.rpc_url),
            // Of a network that is published nobody would have to say it.
            ("GUARDIAN_CONTRACTS_PROTOCOL", &world.protocol.to_string()),
            // The pace of a chain whose epochs last eight seconds.
            ("NOTIFY_SOCKET", &place.to_string_lossy()),
            ("WATCHDOG_USEC", "4000000"),
            ("GUARDIAN_TIMING_POLL", "1s"),
            ("GUARDIAN_TIMING_COORDINATOR_STAGGER", "500ms"),
            ("GUARDIAN_TIMING_SHARE_TIMEOUT", "1s"),
            ("GUARDIAN_TIMING_REANNOUNCE", "2s"),
            ("GUARDIAN_TIMING_SUBMIT_STAGGER", "6s"),
        ];
        let world = seen.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        Ok(Self { dir: dir.to_owned(), world, nodes: Vec::new(), manager })
    }

    /// The variables that the README's commands find set, for the first operator.
    pub(crate) fn variables(&self) -> BTreeMap<String, String> {
        self.environment(0)
            .into_iter()
            .filter(|(name, _)| {
                !["GUARDIAN_", "PATH", "NOTIFY_", "WATCHDOG_"].iter().any(|start| name.starts_with(start))
            })
            .collect()
    }

    /// The file `name` in the folder of the first operator.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.home(0).join(name)
    }

    /// Everybody runs `line` at the same time, to its end.
    pub(crate) fn all_run(&mut self, line: &str) -> Result<()> {
        let running = (0..NAMES.len()).map(|place| self.start(place, line)).collect::<Result<Vec<_>>>()?;
        for running in running {
            self.ends(running)?;
        }
        self.send_each_other()
    }

    /// The first of them runs `line` to its end.
    pub(crate) fn one_runs(&mut self, line: &str) -> Result<()> {
        let running = self.start(0, line)?;
        self.ends(running)?;
        self.send_each_other()
    }

    /// Everybody runs `line`, which does not end.
    pub(crate) fn all_keep_running(&mut self, line: &str) -> Result<()> {
        self.nodes = (0..NAMES.len()).map(|place| self.start(place, line)).collect::<Result<_>>()?;
        Ok(())
    }

    /// Everybody runs `line` again and again, until it succeeds.
    pub(crate) fn all_succeed_with(&mut self, line: &str) -> Result<()> {
        let started = Instant::now();
        for place in 0..NAMES.len() {
            loop {
                self.nodes_are_up()?;
                let mut once = self.start(place, line)?;
                if once.child.wait()?.success() {
                    break;
                }
                ensure!(started.elapsed() < PATIENCE, "`{line}` does not succeed: {}", self.log(place));
                std::thread::sleep(Duration::from_millis(500));
            }
        }
        Ok(())
    }

    /// Fails if a node has ended.
    pub(crate) fn nodes_are_up(&mut self) -> Result<()> {
        for node in &mut self.nodes {
            if let Some(status) = node.child.try_wait()? {
                bail!("`{}` of {} ended: {status}", node.line, node.name);
            }
        }
        Ok(())
    }

    /// Waits until every node has told the service manager that it runs, and one of them that it still lives.
    pub(crate) fn manager_hears_of_them(&self) -> Result<()> {
        let (mut ready, mut alive, mut bytes) = (0, false, [0; 64]);
        while ready < NAMES.len() || !alive {
            let length = self.manager.recv(&mut bytes)?;
            match &bytes[..length] {
                b"READY=1" => ready += 1,
                b"WATCHDOG=1" => alive = true,
                other => bail!("a node said {:?}", String::from_utf8_lossy(other)),
            }
        }
        Ok(())
    }

    /// The accounts that `guardian init` named to their operators.
    pub(crate) fn accounts(&self) -> Result<Vec<Address>> {
        (0..NAMES.len())
            .map(|place| {
                let log = self.log(place);
                let named = log.lines().find_map(|line| line.strip_prefix("account = \"")?.strip_suffix('"'));
                Ok(named.ok_or_else(|| eyre!("init named no account: {log}"))?.parse()?)
            })
            .collect()
    }

    /// Everything that was said on all terminals.
    pub(crate) fn logs(&self) -> String {
        (0..NAMES.len()).map(|place| format!("--- {}\n{}\n", NAMES[place], self.log(place))).collect()
    }

    fn home(&self, place: usize) -> PathBuf {
        self.dir.join(NAMES[place])
    }

    fn log(&self, place: usize) -> String {
        fs::read_to_string(self.dir.join(format!("{}.log", NAMES[place]))).unwrap_or_default()
    }

    /// Each has an address of this machine to itself, so that the usual ports serve all of them, and those of other runs of this test.
    fn environment(&self, place: usize) -> Vec<(String, String)> {
        let [low, high, ..] = std::process::id().to_le_bytes();
        let ip = format!("127.{}.{low}.{}", high | 0x80, place + 1);
        let listen = |port: u16| format!("/ip4/{ip}/udp/{port}/quic-v1,/ip4/{ip}/tcp/{port}");
        let path = std::env::var("PATH").unwrap_or_default();
        let own = [
            ("NAME", NAMES[place].to_owned()),
            ("ADDRESS", format!("/ip4/{ip}")),
            ("PATH", format!("{}:{path}", self.dir.join("bin").display())),
            ("GUARDIAN_P2P_LISTEN", listen(23_700)),
            ("GUARDIAN_P2P_CEREMONY_LISTEN", listen(23_701)),
            ("GUARDIAN_HTTP_LISTEN", format!("{ip}:23702")),
        ];
        own.map(|(name, value)| (name.to_owned(), value)).into_iter().chain(self.world.clone()).collect()
    }

    fn start(&self, place: usize, line: &str) -> Result<Running> {
        let log = File::options().create(true).append(true).open(self.dir.join(format!("{}.log", NAMES[place])))?;
        // The shell becomes the program, which dies with this test, however that ends. A variable that nobody set is an error.
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "--", "bash", "-u", "-c", line])
            .current_dir(self.home(place))
            .env_remove("RUST_LOG")
            .envs(self.environment(place))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        Ok(Running { name: NAMES[place], line: line.to_owned(), child })
    }

    fn ends(&self, mut running: Running) -> Result<()> {
        let started = Instant::now();
        loop {
            if let Some(status) = running.child.try_wait()? {
                ensure!(status.success(), "`{}` of {}: {status}", running.line, running.name);
                return Ok(());
            }
            ensure!(started.elapsed() < PATIENCE, "`{}` of {} does not end", running.line, running.name);
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Whoever has a file that is for all gives it to the others.
    fn send_each_other(&self) -> Result<()> {
        let cards = NAMES.map(|name| format!("{name}.toml"));
        let public = cards.iter().map(String::as_str).chain(["plan.toml", "deployment.json"]);
        for file in public {
            let places = || (0..NAMES.len()).map(|place| self.home(place).join(file));
            let Some(from) = places().find(|path| path.exists()) else { continue };
            for to in places().filter(|path| !path.exists()) {
                fs::copy(&from, to)?;
            }
        }
        Ok(())
    }
}
