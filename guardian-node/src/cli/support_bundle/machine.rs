//! Facts of the machine that a node's troubles may come from: kernel, processors, memory, disk, limits of the process.

use crate::config::Config;
use serde_json::{Value, json};
use std::{collections::BTreeMap, env, fs, path::Path, thread, time::SystemTime};

/// What this machine says of itself.
pub(super) fn facts(config: Option<&Config>) -> Value {
    let in_container = ["/.dockerenv", "/run/.containerenv"].iter().any(|path| Path::new(path).exists());
    let kernel = ["ostype", "osrelease", "version"].map(|name| text(&format!("/proc/sys/kernel/{name}")));
    json!({
        "time": humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
        "system": line_of("/etc/os-release", "PRETTY_NAME="),
        "kernel": kernel,
        "architecture": env::consts::ARCH,
        "processor": line_of("/proc/cpuinfo", "model name"),
        "processors": thread::available_parallelism().ok(),
        "load": text("/proc/loadavg"),
        "uptime_seconds": text("/proc/uptime").and_then(|text| Some(text.split_once(' ')?.0.to_owned())),
        "memory": memory(),
        "memory_limit": text("/sys/fs/cgroup/memory.max"),
        "open_files": line_of("/proc/self/limits", "Max open files"),
        "container": in_container,
        "user": rustix::process::getuid().as_raw(),
        "disk": config.map(|config| disk(&config.guardian.data_dir)),
    })
}

fn memory() -> BTreeMap<&'static str, Option<String>> {
    ["MemTotal", "MemAvailable", "SwapTotal", "SwapFree"].map(|name| (name, line_of("/proc/meminfo", name))).into()
}

fn disk(data_dir: &Path) -> Value {
    match rustix::fs::statvfs(data_dir) {
        Ok(disk) => json!({
            "path": data_dir,
            "bytes": disk.f_blocks.saturating_mul(disk.f_frsize),
            "bytes_available": disk.f_bavail.saturating_mul(disk.f_frsize),
            "files_available": disk.f_favail,
        }),
        Err(error) => json!({ "path": data_dir, "error": error.to_string() }),
    }
}

fn text(path: &str) -> Option<String> {
    Some(fs::read_to_string(path).ok()?.trim().to_owned())
}

/// What follows `name` in the first line that begins with it.
fn line_of(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    Some(rest.trim_start_matches([':', ' ', '\t', '=']).trim_matches('"').trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_a_kernel_and_memory() {
        let facts = facts(None);
        assert_eq!(facts["kernel"][0], "Linux");
        assert!(facts["memory"]["MemTotal"].as_str().unwrap().ends_with("kB"), "{facts}");
        assert!(facts["processors"].as_u64().unwrap() > 0, "{facts}");
    }
}
