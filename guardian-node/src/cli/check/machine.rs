//! The machine: room and speed of the disk that holds the store, and whether other members can be reached from here.

use super::{code::Code, findings::Findings};
use crate::committee::{CommitteeFile, MemberEntry};
use std::{fs::File, io::Write, path::Path, time::Duration};
use tokio::{net::TcpStream, time::Instant};

const MIB: u64 = 1024 * 1024;
/// The store and its dossiers grow to this and more within weeks.
const ROOM: u64 = 2048 * MIB;
/// Less than this is gone before anybody looks.
const NO_ROOM: u64 = 64 * MIB;
/// Each duty is written and synced a few times before the next word; beyond this a guardian is late for its turns.
const SLOW_SYNC: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_secs(3);

/// Tells of the disk under `data_dir`.
pub(super) fn tell_disk(data_dir: &Path, findings: &mut Findings) {
    match rustix::fs::statvfs(data_dir) {
        Ok(disk) => {
            let left = disk.f_bavail.saturating_mul(disk.f_frsize);
            let text =
                format!("disk of {}: {} MiB left, {} are recommended", data_dir.display(), left / MIB, ROOM / MIB);
            let advice = "make room, or move data_dir to another disk while the guardian is stopped";
            match left {
                0..NO_ROOM => findings.fail(Code::DiskSpace, &text, advice),
                NO_ROOM..ROOM => findings.poor(Code::DiskSpace, &text, advice),
                ROOM.. => findings.pass(Code::DiskSpace, &text),
            }
        }
        Err(error) => findings.unknown(
            Code::DiskSpace,
            &format!("disk of {}: can't ask for its room: {error}", data_dir.display()),
            "does data_dir exist, and may this user read it?",
        ),
    }
    match sync_time(data_dir) {
        Ok(took) => {
            let text = format!(
                "disk of {}: a write is durable after {:.1} ms, at most {} are good",
                data_dir.display(),
                took.as_secs_f64() * 1_000.0,
                SLOW_SYNC.as_millis()
            );
            if took > SLOW_SYNC {
                let advice = "every word of the guardian waits for this: use a local disk, best an SSD";
                findings.poor(Code::DiskSync, &text, advice);
            } else {
                findings.pass(Code::DiskSync, &text);
            }
        }
        Err(error) => findings.fail(
            Code::DiskSync,
            &format!("disk of {}: can't write there: {error}", data_dir.display()),
            "make room, and let the guardian's user write to data_dir",
        ),
    }
}

/// The median of a few synced writes to a file of its own, which is removed.
fn sync_time(data_dir: &Path) -> std::io::Result<Duration> {
    let file = tempfile::NamedTempFile::new_in(data_dir)?;
    let once = |mut file: &File| {
        let start = Instant::now();
        file.write_all(&[0; 4096])?;
        file.sync_data()?;
        Ok(start.elapsed())
    };
    let mut times = (0..5).map(|_| once(file.as_file())).collect::<std::io::Result<Vec<_>>>()?;
    times.sort_unstable();
    Ok(times.get(times.len() / 2).copied().unwrap_or_default())
}

/// Tells which of the other members take a connection. Only TCP can be tried without speaking as the guardian, of which another process may
/// run.
pub(super) async fn tell_members(committee: &CommitteeFile, own: &str, findings: &mut Findings) {
    for member in committee.members.iter().filter(|member| member.name != own) {
        let addresses: Vec<String> = tcp_addresses(member);
        let mut failure = None;
        for address in &addresses {
            match tokio::time::timeout(PATIENCE, TcpStream::connect(address)).await {
                Ok(Ok(_)) => {
                    failure = None;
                    break;
                }
                Ok(Err(error)) => failure = Some(format!("{address}: {error}")),
                Err(_) => failure = Some(format!("{address}: no answer in {} s", PATIENCE.as_secs())),
            }
        }
        let name = &member.name;
        match (failure, addresses.first()) {
            (Some(failure), _) => findings.poor(
                Code::Member,
                &format!("member {name} can't be reached over TCP: {failure}"),
                "is it running, is its port open, and is its address in the committee file right? t members are needed, all others may be away",
            ),
            (None, Some(address)) => findings.pass(Code::Member, &format!("member {name} takes connections at {address}")),
            (None, None) => findings.unknown(
                Code::Member,
                &format!("member {name} has no TCP address, and QUIC is not tried from here"),
                "`guardian status` of the running node shows who is connected",
            ),
        }
    }
}

/// Of `/ip4/192.0.2.1/tcp/9000` and the like: what a socket takes.
fn tcp_addresses(member: &MemberEntry) -> Vec<String> {
    member.addresses.iter().filter_map(|address| tcp_address(&address.to_string())).collect()
}

fn tcp_address(multiaddr: &str) -> Option<String> {
    let mut parts = multiaddr.split('/').skip(1);
    match (parts.next()?, parts.next()?, parts.next()?, parts.next()?) {
        ("ip4" | "dns" | "dns4" | "dns6", host, "tcp", port) => Some(format!("{host}:{port}")),
        ("ip6", host, "tcp", port) => Some(format!("[{host}]:{port}")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_a_socket_takes_are_found() {
        for (multiaddr, address) in [
            ("/ip4/192.0.2.1/tcp/9000", Some("192.0.2.1:9000")),
            ("/ip6/2001:db8::1/tcp/9000", Some("[2001:db8::1]:9000")),
            ("/dns/guardian.example/tcp/9000", Some("guardian.example:9000")),
            ("/ip4/192.0.2.1/udp/9000/quic-v1", None),
            ("/ip4/192.0.2.1", None),
        ] {
            assert_eq!(tcp_address(multiaddr).as_deref(), address, "{multiaddr}");
        }
    }

    #[test]
    fn a_disk_is_tried_and_left_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        assert!(sync_time(dir.path()).unwrap() > Duration::ZERO);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
        assert!(sync_time(&dir.path().join("absent")).is_err());
    }
}
