//! `guardian support-bundle`: everything that somebody who helps needs to see, in one archive of plain texts, and no secret.
//!
//! Nothing is copied from a file that holds one: settings are those of `guardian config show`, public files are written anew from what was
//! understood of them, errors come without the lines that they quote, and of sealed files there is the size. What is known to be secret is
//! searched for in every text besides.

mod archive;
mod files;
mod machine;
mod secrets;
mod store;

use super::{check, output, pages::Pages};
use crate::{
    committee::CommitteeFile,
    config::{Config, Origins},
    durable::write_private,
    hint::{Hinted, WithHint},
    store::{Store, StoreError},
};
use clap::Args;
use eyre::Result;
use guardian_chain::deploy::Deployment;
use secrets::Secrets;
use serde::Serialize;
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};
use url::Url;

/// For the whole check: silent nodes and members take their time.
const PATIENCE: Duration = Duration::from_secs(180);
/// Events of the running node, which keeps about as many.
const HISTORY: &str = "/history?limit=1000";

/// Arguments of `guardian support-bundle`.
#[derive(Debug, Args)]
pub(super) struct SupportBundle {
    /// The archive to write, or `-` for standard output; left out: a new file here, with name and time
    #[arg(long)]
    out: Option<PathBuf>,
    /// Where the guardian shows itself, instead of where the configuration says
    #[arg(long)]
    url: Option<Url>,
    /// The configuration
    #[arg(long, default_value = "guardian.toml")]
    config: PathBuf,
}

impl SupportBundle {
    pub(super) async fn run(self) -> Result<()> {
        output::talk("Collecting; nodes that do not answer take up to three minutes.");
        let (bundle, name) = self.collect().await;
        let packed = archive::pack(bundle.texts()).hint("can't pack the archive", "this is a defect: report it")?;
        if self.out.as_deref() == Some(Path::new("-")) {
            output::bytes(&packed);
            return Ok(());
        }
        let out = self.out.unwrap_or_else(|| default_name(&name));
        write_private(&out, &packed)?;
        output::data(&out.display().to_string());
        output::talk(&format!(
            "{} texts, without keys, passphrases and credentials; names and addresses of members, nodes and files are in it. Read them before \
             you send it: tar xzf {}",
            bundle.parts.len(),
            out.display()
        ));
        Ok(())
    }

    /// All parts, and the guardian's name.
    async fn collect(&self) -> (Bundle, String) {
        let loaded = Config::load_with_origins(&self.config);
        let config = loaded.as_ref().ok().map(|(config, _)| config);
        let mut bundle = Bundle::new(Secrets::of(config));
        bundle.add("files.txt", Ok(files::listing(&self.config, config)));
        bundle.add("machine.json", json(&machine::facts(config)));
        let name = config.map(|config| config.guardian.name.clone()).unwrap_or_default();
        let pages = self.pages(config);
        let node = match &pages {
            Ok(pages) => of_node(&mut bundle, pages).await,
            Err(error) => bundle.miss("node", error),
        };
        let versions = serde_json::json!({ "program": env!("PROGRAM_VERSION"), "node": node });
        bundle.add("versions.json", json(&versions));
        match &loaded {
            Err(error) => bundle.miss("configuration", error),
            Ok(loaded @ (config, origins)) => {
                bundle.add("config.json", config.shown(origins).and_then(|shown| json(&shown)));
                bundle.add(
                    "committee.toml",
                    CommitteeFile::load(&config.guardian.committee).and_then(|file| file.text()),
                );
                let deployment = &config.contracts.deployment;
                if deployment.exists() {
                    bundle.add("deployment.json", public_deployment(deployment));
                }
                bundle.add("store.json", of_store(&config.guardian.data_dir));
                bundle.add("check.json", checked(&self.config, loaded).await);
            }
        }
        bundle.close();
        (bundle, name)
    }

    fn pages(&self, config: Option<&Config>) -> Result<Pages, Hinted> {
        match &self.url {
            Some(url) => Pages::at(url.clone()),
            None => Pages::of(config.map(|config| config.http).unwrap_or_default()),
        }
    }
}

/// Texts so far.
#[derive(Debug)]
struct Bundle {
    secrets: Secrets,
    parts: Vec<(String, String)>,
    /// What could not be had, and why.
    missing: Vec<String>,
}

impl Bundle {
    const fn new(secrets: Secrets) -> Self {
        Self { secrets, parts: Vec::new(), missing: Vec::new() }
    }

    /// Adds a text, or says why it is missing.
    fn add(&mut self, name: &str, text: Result<String, Hinted>) {
        match text {
            Ok(text) => {
                let text = self.secrets.out_of(text);
                self.parts.push((name.to_owned(), output::shown(&text).into_owned()));
            }
            Err(error) => self.miss(name, &error),
        }
    }

    /// The error without its causes: those of parsers quote the lines that they could not read.
    fn miss<T: Default>(&mut self, name: &str, error: &Hinted) -> T {
        self.missing.push(format!("{name}: {error}\n  hint: {}", error.advice()));
        T::default()
    }

    /// Adds the table of contents.
    fn close(&mut self) {
        let missing = if self.missing.is_empty() { "nothing".to_owned() } else { self.missing.join("\n") };
        let text = format!("{CONTENTS}\nMissing here:\n\n{missing}\n");
        self.add("README.txt", Ok(text));
    }

    fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.parts.iter().map(|(name, text)| (name.as_str(), text.as_str()))
    }
}

const CONTENTS: &str = "\
A guardian's support bundle: plain texts, made by `guardian support-bundle` for whoever helps its operator.

versions.json    this program, and the node that runs
config.json      settings in force and where each comes from, as `guardian config show --json`; of addresses, the host
check.json       what `guardian check --json` found
node/            the pages of the running node: status, readiness, members, validators, events, metrics
store.json       the store in numbers, and its newest duties
committee.toml   the committee file, which is public
deployment.json  where the contracts are, which is public
files.txt        modes, owners, sizes and times of the guardian's files
machine.json     kernel, processors, memory, disk

Not in it: keys and shares, sealed or not; passphrases; credentials of providers; values of environment variables; guardian.toml itself; logs,
which are not the program's to keep: add those lines that belong to the trouble yourself.
";

/// The pages of the running node. Returns what it says of its version.
async fn of_node(bundle: &mut Bundle, pages: &Pages) -> Option<Value> {
    let status = match pages.json("/status").await {
        Ok(status) => status,
        Err(error) => return bundle.miss("node", &error),
    };
    bundle.add("node/status.json", json(&status));
    for (name, path) in [
        ("readyz.json", "/readyz"),
        ("peers.json", "/peers"),
        ("validators.json", "/validators"),
        ("history.json", HISTORY),
        ("metrics.txt", "/metrics"),
    ] {
        let page = pages.text(path).await.map(|(_, text)| text);
        bundle.add(&format!("node/{name}"), page);
    }
    status.get("version").cloned()
}

fn public_deployment(path: &Path) -> Result<String, Hinted> {
    let advice =
        "it is the file that `guardian contracts deploy` writes: get it again from whoever deployed the contracts";
    let what = || format!("the deployment {} is not usable", path.display());
    let text = fs::read_to_string(path).hint(what(), "check [contracts] deployment and permissions")?;
    Deployment::from_json(&text).and_then(|deployment| deployment.to_json()).hint(what(), advice)
}

fn of_store(data_dir: &Path) -> Result<String, Hinted> {
    let refused = |error: StoreError| {
        let advice = error.advice();
        Hinted::new(format!("can't read the store: {error}"), advice)
    };
    let records = Store::load_beside(data_dir).map_err(refused)?;
    json(&store::statistics(&records.unwrap_or_default()))
}

async fn checked(path: &Path, loaded: &(Config, Origins)) -> Result<String, Hinted> {
    let advice = "`guardian check` itself shows where it waits";
    tokio::time::timeout(PATIENCE, check::document(path, loaded)).await.hint("the check does not end", advice)
}

fn json(value: &impl Serialize) -> Result<String, Hinted> {
    let text = serde_json::to_string_pretty(value).hint("can't write JSON", "this is a defect: report it")?;
    Ok(text + "\n")
}

/// A name that tells bundles apart, and is a name whatever the guardian is called.
fn default_name(guardian: &str) -> PathBuf {
    let letters: String = guardian.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')).collect();
    let who = if letters.is_empty() { "guardian".to_owned() } else { letters };
    let time = humantime::format_rfc3339_seconds(SystemTime::now()).to_string().replace(':', "");
    format!("support-bundle-{who}-{time}.tar.gz").into()
}
