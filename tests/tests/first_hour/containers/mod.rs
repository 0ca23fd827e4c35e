//! Operators with Docker: each has the compose file, a network of its own, and containers that reach the others only where those publish their
//! ports. The image is made of the program under test by the Dockerfile's own last stage.

mod docker;
pub(crate) mod mishaps;

use super::site::{NAMES, Site};
use docker::{docker, run};
use eyre::{Result, WrapErr, ensure};
use guardian_tests::devnet::{guardian_binary, root, world::World};
use std::{
    fs,
    os::unix::fs::{MetadataExt, chown},
    path::{Path, PathBuf},
};

pub(crate) use docker::is_there;

/// The compose file's image.
const PROMETHEUS: &str = "prom/prometheus:v2.53.0";

/// The compose projects of four operators.
#[derive(Debug)]
pub(crate) struct Containers {
    dir: PathBuf,
    image: String,
    world: Vec<(String, String)>,
}

impl Containers {
    /// In `dir`, before `world`.
    pub(crate) fn new(dir: &Path, world: &World) -> Result<Self> {
        let image = format!("guardian-under-test-{}", std::process::id());
        let (maker, program) = (root().join("deploy/image"), guardian_binary()?);
        run(&maker.to_string_lossy(), &[&program.to_string_lossy(), "--network", "host", "--tag", &image])
            .wrap_err("the image is not made")?;
        let label = "{{index .Config.Labels \"org.opencontainers.image.revision\"}}";
        let revision = docker(&["image", "inspect", "--format", label, &image])?;
        let top = root();
        let commit = run("git", &["-C", &top.to_string_lossy(), "rev-parse", "--short=12", "HEAD"]);
        ensure!(revision == commit.unwrap_or_default(), "the image says that it is of commit {revision:?}");
        docker::shims(&dir.join("bin"))?;
        let mut seen = vec![("PROMETHEUS_IMAGE".to_owned(), docker::prometheus(PROMETHEUS)?)];
        for (name, url) in [("BEACON", &world.beacon.url), ("EXECUTION", &world.rpc_url)] {
            // The README: a node of this machine has to listen where containers find it, and not on loopback alone.
            let port = docker::forward(url.rsplit(':').next().expect("a port"))?;
            seen.push((name.to_owned(), format!("http://host.docker.internal:{port}")));
        }
        let containers = Self { dir: dir.to_owned(), image, world: seen };
        for place in 0..NAMES.len() {
            containers.move_in(place, world)?;
        }
        Ok(containers)
    }

    /// The operator has the compose file and Prometheus' files, and settings of its own beside them.
    fn move_in(&self, place: usize, world: &World) -> Result<()> {
        let folder = self.folder(place);
        fs::create_dir_all(folder.join("deploy"))?;
        for file in ["docker-compose.yml", "deploy/prometheus.yml", "deploy/alerts.yml"] {
            fs::copy(root().join(file), folder.join(file))?;
        }
        let settings: String =
            world.settings().iter().map(|(name, value)| format!("      {name}: \"{value}\"\n")).collect();
        let services: String =
            ["guardian", "ceremony"].map(|name| format!("  {name}:\n    environment:\n{settings}")).concat();
        let subnet = subnet(place);
        let own = format!(
            "version: \"3.8\"\nservices:\n{services}networks:\n  default:\n    ipam:\n      config:\n        - subnet: {subnet}\n"
        );
        Ok(fs::write(folder.join("docker-compose.override.yml"), own)?)
    }

    /// The name of the operator's network.
    fn network(place: usize) -> String {
        format!("{}_default", Self::project(place))
    }

    /// The name of the operator's compose project.
    fn project(place: usize) -> String {
        format!("first-hour-{}-{}", std::process::id(), NAMES[place])
    }
}

/// A network of this process for each operator.
fn subnet(place: usize) -> String {
    let [low, high, ..] = std::process::id().to_le_bytes();
    format!("10.{}.{low}.{}/26", high | 0x80, place * 64)
}

/// The host's address in it, where the operator's ports are published.
fn host(place: usize) -> String {
    let [low, high, ..] = std::process::id().to_le_bytes();
    format!("10.{}.{low}.{}", high | 0x80, place * 64 + 1)
}

impl Site for Containers {
    fn environment(&self, place: usize) -> Vec<(String, String)> {
        let path = std::env::var("PATH").unwrap_or_default();
        let own = [
            ("ADDRESS", format!("/ip4/{}", host(place))),
            ("PATH", format!("{}:{path}", self.dir.join("bin").display())),
            ("COMPOSE_PROJECT_NAME", Self::project(place)),
            ("IMAGE_OF_GUARDIAN", self.image.clone()),
            ("PUBLISH", format!("{}:", host(place))),
            ("PAGES", format!("127.0.0.{}", place + 1)),
        ];
        own.map(|(name, value)| (name.to_owned(), value)).into_iter().chain(self.world.clone()).collect()
    }

    fn folder(&self, place: usize) -> PathBuf {
        self.dir.join(NAMES[place])
    }

    fn files(&self, place: usize) -> PathBuf {
        self.folder(place).join("guardian")
    }

    /// `guardian` is the README's function; what it has for Docker beside a command stands in its place.
    fn typed(&self, line: &str) -> String {
        let function = super::document::docker_function();
        line.split_once("# with Docker: ").map_or_else(|| format!("{function}\n{line}"), |(_, own)| own.to_owned())
    }

    fn is_with_docker(&self) -> bool {
        true
    }

    fn own(&self, file: &Path) -> Result<()> {
        let folder = fs::metadata(file.parent().expect("a folder"))?;
        Ok(chown(file, Some(folder.uid()), Some(folder.gid()))?)
    }

    fn nodes_are_up(&self) -> Result<()> {
        for (place, name) in NAMES.iter().enumerate() {
            let state = docker(&["inspect", "--format", "{{.State.Status}}", &Self::container(place)?])?;
            ensure!(state == "running", "the node of {name} is {state}");
        }
        Ok(())
    }

    fn hears_of_nodes(&self) -> Result<()> {
        Ok(())
    }

    fn log(&self, place: usize) -> String {
        let said =
            Self::container(place).and_then(|id| run("sh", &["-c", &format!("docker logs --tail 200 {id} 2>&1")]));
        said.unwrap_or_else(|error| format!("{error:#}"))
    }
}

impl Containers {
    /// The id of the operator's node.
    fn container(place: usize) -> Result<String> {
        let label = format!("label=com.docker.compose.project={}", Self::project(place));
        let id = docker(&[
            "ps",
            "--all",
            "--quiet",
            "--filter",
            &label,
            "--filter",
            "label=com.docker.compose.service=guardian",
        ])?;
        ensure!(!id.is_empty(), "{} has no container", NAMES[place]);
        Ok(id)
    }
}

impl Drop for Containers {
    fn drop(&mut self) {
        for place in 0..NAMES.len() {
            docker::remove_project(&Self::project(place));
        }
        docker(&["rmi", "--force", &self.image]).ok();
    }
}
