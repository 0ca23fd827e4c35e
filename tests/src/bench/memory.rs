//! What a process takes of the machine's memory, by Linux's own account.

use eyre::{Result, WrapErr, eyre};

/// The largest resident size of this process so far, in MiB.
///
/// # Errors
/// If the system does not tell.
pub fn peak() -> Result<f64> {
    of("self", "VmHWM:")
}

/// The resident size of this process, in MiB.
///
/// # Errors
/// If the system does not tell.
pub fn resident() -> Result<f64> {
    of("self", "VmRSS:")
}

/// The resident size of the process with this number, in MiB.
///
/// # Errors
/// If there is none.
pub fn resident_of(pid: u32) -> Result<f64> {
    of(&pid.to_string(), "VmRSS:")
}

fn of(process: &str, name: &str) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)).ok_or_else(|| eyre!("no {name}"))?;
    let kib: f64 = line.trim().trim_end_matches("kB").trim().parse().wrap_err_with(|| name.to_owned())?;
    Ok(kib / 1024.0)
}
