//! Four operators with a folder and an address each, who do what the README says in a shell, and send each other what is public.

use super::site::{NAMES, Site};
use alloy::primitives::Address;
use eyre::{Result, bail, ensure, eyre};
use std::{
    collections::BTreeMap,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// Until a command must have ended.
const PATIENCE: Duration = Duration::from_secs(300);

/// All of them.
#[derive(Debug)]
pub(crate) struct Operators {
    dir: PathBuf,
    site: Box<dyn Site>,
    nodes: Vec<Running>,
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
    /// Four operators with their folders in `dir`.
    pub(crate) fn new(dir: &Path, site: Box<dyn Site>) -> Result<Self> {
        for place in 0..NAMES.len() {
            fs::create_dir_all(site.folder(place))?;
        }
        Ok(Self { dir: dir.to_owned(), site, nodes: Vec::new() })
    }

    /// Whether they use Docker.
    pub(crate) fn are_with_docker(&self) -> bool {
        self.site.is_with_docker()
    }

    /// The variables that the README lets the first operator say, with its values.
    pub(crate) fn variables(&self, said: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        self.environment(0).into_iter().filter(|(name, _)| said.contains_key(name)).collect()
    }

    /// The file `name` in the folder of the first operator.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.site.files(0).join(name)
    }

    /// Files that the first operator was given are its program's to read.
    pub(crate) fn own(&self, names: &[&str]) -> Result<()> {
        names.iter().try_for_each(|name| self.site.own(&self.file(name)))
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
        self.one_of_them_runs(0, line)?;
        self.send_each_other()
    }

    /// The one at `place` runs `line` to its end.
    pub(crate) fn one_of_them_runs(&self, place: usize, line: &str) -> Result<()> {
        self.ends(self.start(place, line)?)
    }

    /// Everybody runs `line`, which does not end.
    pub(crate) fn all_keep_running(&mut self, line: &str) -> Result<()> {
        if self.site.is_in_background() {
            return self.all_run(line);
        }
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
        self.site.nodes_are_up()
    }

    /// Waits until the machine has heard of all nodes what it is to hear.
    pub(crate) fn are_heard_of(&self) -> Result<()> {
        self.site.hears_of_nodes()
    }

    /// The accounts that `guardian init` named to their operators.
    pub(crate) fn accounts(&self) -> Result<Vec<Address>> {
        (0..NAMES.len())
            .map(|place| {
                let log = self.log(place);
                // Docker brings what goes to a terminal and what goes to a file in any order, not always line by line.
                let named = log.split_once("account = \"").and_then(|(_, rest)| rest.split('"').next());
                Ok(named.ok_or_else(|| eyre!("init named no account: {log}"))?.parse()?)
            })
            .collect()
    }

    /// Everything that was said on all terminals.
    pub(crate) fn logs(&self) -> String {
        let logs = (0..NAMES.len()).map(|place| (NAMES[place], self.log(place), self.site.log(place)));
        logs.map(|(name, typed, node)| format!("--- {name}\n{typed}\n{node}\n")).collect()
    }

    fn log(&self, place: usize) -> String {
        fs::read_to_string(self.dir.join(format!("{}.log", NAMES[place]))).unwrap_or_default()
    }

    fn environment(&self, place: usize) -> Vec<(String, String)> {
        let all = [("NAME", NAMES[place]), ("NETWORK", "devnet"), ("START_BLOCK", "0")];
        all.map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into_iter()
            .chain(self.site.environment(place))
            .collect()
    }

    fn start(&self, place: usize, line: &str) -> Result<Running> {
        let log = File::options().create(true).append(true).open(self.dir.join(format!("{}.log", NAMES[place])))?;
        // The shell becomes the program, which dies with this test, however that ends. A variable that nobody set is an error.
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "--", "bash", "-u", "-c", &self.site.typed(line)])
            .current_dir(self.site.folder(place))
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
            let places = || (0..NAMES.len()).map(|place| self.site.files(place).join(file));
            let Some(from) = places().find(|path| path.exists()) else { continue };
            for to in places().filter(|path| !path.exists()) {
                fs::copy(&from, &to)?;
                self.site.own(&to)?;
            }
        }
        Ok(())
    }
}
