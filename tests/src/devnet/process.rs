//! Child processes that never outlive us: the kernel kills them when their parent dies, however it dies.

use super::root;
use eyre::{Result, WrapErr, bail, eyre};
use rand_core::{OsRng, RngCore};
use std::{
    collections::BTreeSet,
    fs::File,
    net::{Ipv4Addr, TcpListener, UdpSocket},
    ops::Range,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// One child.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `program`, with its output in `log`.
    ///
    /// # Errors
    /// If it can't be started.
    pub fn start(name: &str, program: &Path, arguments: &[&str], log: &Path) -> Result<Self> {
        Self::start_with(name, (program, arguments), &[], log)
    }

    /// The same with these variables, and others as usual.
    ///
    /// # Errors
    /// As of [`Process::start`].
    pub(super) fn start_with(
        name: &str,
        (program, arguments): (&Path, &[&str]),
        environment: &[(String, String)],
        log: &Path,
    ) -> Result<Self> {
        let output = File::options().create(true).append(true).open(log).wrap_err("can't write a log")?;
        // The parent-death signal is a property of the child alone: setpriv sets it and becomes the program.
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "--"])
            .arg(program)
            .args(arguments)
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .wrap_err_with(|| format!("can't start {name} (setpriv of util-linux and {})", program.display()))?;
        Ok(Self { name: name.to_owned(), child, log: log.to_owned() })
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Fails if it has ended.
    ///
    /// # Errors
    /// Names it and its log.
    pub fn check(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => Err(eyre!("{} ended ({status}); its log is {}", self.name, self.log.display())),
        }
    }

    /// How it ended, or `None` while it runs.
    ///
    /// # Errors
    /// If the system can't say.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// SIGKILL: no goodbye.
    ///
    /// # Errors
    /// If it can't be waited for.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// SIGTERM, and waits for it to end. Returns its exit code.
    ///
    /// # Errors
    /// If it does not end within `patience`.
    pub fn terminate(&mut self, patience: Duration) -> Result<Option<i32>> {
        let pid = self.child.id().to_string();
        Command::new("kill").args(["-TERM", &pid]).status().wrap_err("can't send SIGTERM")?;
        let started = Instant::now();
        while started.elapsed() < patience {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status.code());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        bail!("{} did not end within {patience:?} of SIGTERM", self.name)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// A tool of this repository.
///
/// # Errors
/// If it was not installed.
pub fn tool(path: &str) -> Result<PathBuf> {
    let full = root().join(path);
    if !full.exists() {
        bail!("{path} is missing: run `make setup`");
    }
    Ok(full)
}

/// Anvil, the EVM. The program itself: npm's launcher would be the child, and would leave it behind when killed.
///
/// # Errors
/// If it was not installed.
pub fn anvil() -> Result<PathBuf> {
    let cpu = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
    tool(&format!("contracts/node_modules/@foundry-rs/anvil-linux-{cpu}/bin/anvil"))
}

/// A binary of this workspace, built with the same profile as the running program.
///
/// # Errors
/// If it was not built.
pub fn binary(name: &str) -> Result<PathBuf> {
    let me = std::env::current_exe()?;
    // Test programs lie one folder deeper than the others.
    let candidates = me.ancestors().skip(1).take(2).map(|folder| folder.join(name));
    candidates
        .into_iter()
        .find(|path| path.is_file())
        .ok_or_else(|| eyre!("the program `{name}` is not built: cargo build -p guardian-node"))
}

/// Where ports are picked: below those that the system gives to whoever asks for any and to outgoing connections. So what is picked is
/// still free when it is used, minutes later.
const PORTS: Range<u16> = 10_000..32_000;

/// Those that this process has picked already.
static PICKED: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());

/// The first of `count` free ports in a row, `preferred` if possible.
///
/// # Errors
/// If there is no such row.
pub fn free_ports(preferred: u16, count: u16) -> Result<u16> {
    let mut picked = PICKED.lock().unwrap_or_else(PoisonError::into_inner);
    let row = |first: u16| first..first.saturating_add(count);
    let places = u32::from(PORTS.end - PORTS.start);
    let others = (0..1000).filter_map(|_| u16::try_from(OsRng.next_u32() % places).ok()).map(|at| PORTS.start + at);
    let first = std::iter::once(preferred)
        .filter(|port| *port != 0)
        .chain(others)
        .find(|first| row(*first).all(|port| is_free(port) && !picked.contains(&port)))
        .ok_or_else(|| eyre!("no {count} free ports in a row"))?;
    picked.extend(row(first));
    Ok(first)
}

/// `preferred` if it is free, else any free port.
///
/// # Errors
/// If there is none.
pub fn free_port(preferred: u16) -> Result<u16> {
    free_ports(preferred, 1)
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() && UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}
