//! The disk that holds the store: room, and how fast a write is durable. Measured first, then judged.

use super::{code::Code, findings::Findings};
use std::{fs::File, io, io::Write, path::Path, time::Duration};
use tokio::time::Instant;

const MIB: u64 = 1024 * 1024;
/// The store and its dossiers grow to this and more within weeks.
const ROOM: u64 = 2048 * MIB;
/// Less than this is gone before anybody looks.
const NO_ROOM: u64 = 64 * MIB;
/// Each duty is written and synced a few times before the next word; beyond this a guardian is late for its turns.
const SLOW_SYNC: Duration = Duration::from_millis(100);

/// Tells of the disk under `data_dir`.
pub(super) fn tell_disk(data_dir: &Path, findings: &mut Findings) {
    tell_room(data_dir, room(data_dir), findings);
    tell_sync(data_dir, sync_time(data_dir), findings);
}

fn tell_room(data_dir: &Path, left: io::Result<u64>, findings: &mut Findings) {
    let disk = data_dir.display();
    let left = match left {
        Ok(left) => left,
        Err(error) => {
            return findings.unknown(
                Code::DiskSpace,
                &format!("disk of {disk}: can't ask for its room: {error}"),
                "does data_dir exist, and may this user read it?",
            );
        }
    };
    let text = format!("disk of {disk}: {} MiB left, {} are recommended", left / MIB, ROOM / MIB);
    let advice = "make room, or move data_dir to another disk while the guardian is stopped";
    match left {
        0..NO_ROOM => findings.fail(Code::DiskSpace, &text, advice),
        NO_ROOM..ROOM => findings.poor(Code::DiskSpace, &text, advice),
        ROOM.. => findings.pass(Code::DiskSpace, &text),
    }
}

fn tell_sync(data_dir: &Path, took: io::Result<Duration>, findings: &mut Findings) {
    let disk = data_dir.display();
    let took = match took {
        Ok(took) => took,
        Err(error) => {
            return findings.fail(
                Code::DiskSync,
                &format!("disk of {disk}: can't write there: {error}"),
                "make room, and let the guardian's user write to data_dir",
            );
        }
    };
    let text = format!(
        "disk of {disk}: a write is durable after {:.1} ms, at most {} are good",
        took.as_secs_f64() * 1_000.0,
        SLOW_SYNC.as_millis()
    );
    if took > SLOW_SYNC {
        findings.poor(
            Code::DiskSync,
            &text,
            "every word of the guardian waits for this: use a local disk, best an SSD",
        );
    } else {
        findings.pass(Code::DiskSync, &text);
    }
}

/// Bytes that are left to this user.
fn room(data_dir: &Path) -> io::Result<u64> {
    let disk = rustix::fs::statvfs(data_dir)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// The median of a few synced writes to a file of its own, which is removed.
fn sync_time(data_dir: &Path) -> io::Result<Duration> {
    let file = tempfile::NamedTempFile::new_in(data_dir)?;
    let once = |mut file: &File| {
        let start = Instant::now();
        file.write_all(&[0; 4096])?;
        file.sync_data()?;
        Ok(start.elapsed())
    };
    let mut times = (0..5).map(|_| once(file.as_file())).collect::<io::Result<Vec<_>>>()?;
    times.sort_unstable();
    Ok(times.get(times.len() / 2).copied().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::check::findings::Grade;
    use std::io::ErrorKind;

    #[test]
    fn a_disk_is_tried_and_left_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        assert!(sync_time(dir.path()).unwrap() > Duration::ZERO);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
        assert!(sync_time(&dir.path().join("absent")).is_err());
        assert!(room(dir.path()).unwrap() > 0 && room(&dir.path().join("absent")).is_err());
    }

    #[test]
    fn what_was_measured_decides_the_grade() {
        let gone = || io::Error::from(ErrorKind::StorageFull);
        let here = Path::new("data");
        for (left, grade) in [
            (Ok(ROOM), Grade::Pass),
            (Ok(ROOM - 1), Grade::Poor),
            (Ok(NO_ROOM), Grade::Poor),
            (Ok(NO_ROOM - 1), Grade::Fail),
            (Err(gone()), Grade::Unknown),
        ] {
            let mut findings = Findings::new(true);
            tell_room(here, left, &mut findings);
            assert_eq!(findings.worst(), grade);
        }
        for (took, grade) in [
            (Ok(SLOW_SYNC), Grade::Pass),
            (Ok(SLOW_SYNC + Duration::from_millis(1)), Grade::Poor),
            (Err(gone()), Grade::Fail),
        ] {
            let mut findings = Findings::new(true);
            tell_sync(here, took, &mut findings);
            assert_eq!(findings.worst(), grade);
        }
    }
}
