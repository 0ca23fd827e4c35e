//! The Docker daemon of this machine.

use eyre::{Result, WrapErr, ensure, eyre};
use guardian_tests::devnet::process::free_port;
use std::{
    fs,
    io::{self, Write},
    net::{Shutdown, TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Stdio},
    thread,
};

/// Debian's image, or one that stands for it.
const DEBIAN: &str = "debian:bookworm-slim";

/// Whether containers can be tried here, and if not why.
pub(crate) fn is_there() -> Result<()> {
    run("docker", &["version"]).wrap_err("no Docker daemon answers")?;
    ensure!(
        rustix::process::geteuid().is_root() || run("sudo", &["--non-interactive", "true"]).is_ok(),
        "the README's commands need sudo, which asks for a password"
    );
    let compose = run("docker", &["compose", "version"]).or_else(|_| run("docker-compose", &["version"]));
    compose.wrap_err("there is no docker compose")?;
    run("docker", &["image", "inspect", DEBIAN])
        .or_else(|_| run("docker", &["pull", "--quiet", DEBIAN]))
        .wrap_err("the base image can't be pulled")?;
    Ok(())
}

/// `docker` with these arguments, and what it printed.
pub(crate) fn docker(arguments: &[&str]) -> Result<String> {
    run("docker", arguments)
}

/// Runs a program to its end.
pub(crate) fn run(program: &str, arguments: &[&str]) -> Result<String> {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output();
    let output = output.wrap_err_with(|| format!("{program} can't be started"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{program} {arguments:?}: {}: {said}", output.status);
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// Programs that the README's commands name, by other means where this machine has them under other names: an older Docker has compose as a
/// program of its own, which takes every input for a terminal; to root, sudo may be missing.
pub(crate) fn shims(bin: &Path) -> Result<()> {
    fs::create_dir_all(bin)?;
    let docker = run("sh", &["-c", "command -v docker"])?;
    if run("docker", &["compose", "version"]).is_err() {
        let script = format!(
            "#!/bin/sh\n[ \"$1\" = compose ] || exec {docker} \"$@\"\nshift\ncase \"$1\" in\n  exec|run) command=$1; shift; \
             exec docker-compose \"$command\" -T \"$@\";;\nesac\nexec docker-compose \"$@\"\n"
        );
        program(&bin.join("docker"), &script)?;
    }
    if run("sudo", &["true"]).is_err() {
        program(&bin.join("sudo"), "#!/bin/sh\nexec \"$@\"\n")?;
    }
    Ok(())
}

fn program(path: &Path, script: &str) -> Result<()> {
    fs::write(path, script)?;
    Ok(fs::set_permissions(path, fs::Permissions::from_mode(0o755))?)
}

/// Makes a node of this machine's loopback listen where containers find the host. Returns the port there.
pub(crate) fn forward(port: &str) -> Result<u16> {
    let host = ["run", "--rm", "--add-host", "host:host-gateway", DEBIAN, "getent", "hosts", "host"];
    let said = docker(&host)?;
    let gateway = said.split_whitespace().next().ok_or_else(|| eyre!("containers do not find the host"))?;
    let own = free_port(0)?;
    let listener = TcpListener::bind(format!("{gateway}:{own}")).wrap_err("the host's address for containers")?;
    let node = format!("127.0.0.1:{port}");
    thread::spawn(move || {
        for from in listener.incoming() {
            let both = from.and_then(|from| Ok((from, TcpStream::connect(&node)?)));
            if let Ok((from, to)) = both {
                pass_on(&from, &to);
            }
        }
    });
    Ok(own)
}

/// Both ways, until both have ended.
fn pass_on(one: &TcpStream, other: &TcpStream) {
    for (from, to) in [(one, other), (other, one)] {
        let (Ok(mut from), Ok(mut to)) = (from.try_clone(), to.try_clone()) else { return };
        thread::spawn(move || {
            io::copy(&mut from, &mut to).ok();
            to.flush().ok();
            to.shutdown(Shutdown::Write).ok();
        });
    }
}

/// An image with Prometheus: the published one, or Debian's package where no registry can be reached.
pub(crate) fn prometheus(published: &str) -> Result<String> {
    if run("docker", &["image", "inspect", published])
        .or_else(|_| run("docker", &["pull", "--quiet", published]))
        .is_ok()
    {
        return Ok(published.to_owned());
    }
    let image = "prometheus-of-debian";
    let recipe = format!(
        "FROM {DEBIAN}\nRUN apt-get update && apt-get install -y --no-install-recommends prometheus\nENTRYPOINT [\"prometheus\"]\n"
    );
    let mut build = Command::new("docker")
        .args(["build", "--quiet", "--network", "host", "--tag", image, "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()?;
    build.stdin.take().ok_or_else(|| eyre!("docker has no input"))?.write_all(recipe.as_bytes())?;
    ensure!(build.wait()?.success(), "no image with Prometheus");
    Ok(image.to_owned())
}

/// Everything of a compose project.
pub(crate) fn remove_project(name: &str) {
    let label = format!("label=com.docker.compose.project={name}");
    for (list, remove) in [
        (&["ps", "--all", "--quiet"][..], &["rm", "--force", "--volumes"][..]),
        (&["volume", "ls", "--quiet"][..], &["volume", "rm", "--force"][..]),
        (&["network", "ls", "--quiet"][..], &["network", "rm"][..]),
    ] {
        let found = docker(&[list, &["--filter", &label]].concat()).unwrap_or_default();
        let found: Vec<&str> = found.lines().collect();
        if !found.is_empty() {
            docker(&[remove, &found].concat()).ok();
        }
    }
}
