//! Operators on one machine: an installed program, and a service manager that hears of it.

use super::site::{NAMES, Site};
use eyre::{Result, bail};
use guardian_tests::devnet::{guardian_binary, world::World};
use std::{
    fs,
    os::unix::net::UnixDatagram,
    path::{Path, PathBuf},
    time::Duration,
};

/// Until every node must have told that it runs.
const PATIENCE: Duration = Duration::from_secs(300);

/// Folders of one machine, and an address of it for each.
#[derive(Debug)]
pub(crate) struct Machine {
    dir: PathBuf,
    world: Vec<(String, String)>,
    /// Where the programs tell how they are, as if systemd had started them.
    manager: UnixDatagram,
}

impl Machine {
    /// In `dir`, before `world`.
    pub(crate) fn new(dir: &Path, world: &World) -> Result<Self> {
        // The program by its name, as an installed one.
        fs::create_dir_all(dir.join("bin"))?;
        std::os::unix::fs::symlink(guardian_binary()?, dir.join("bin/guardian"))?;
        let place = dir.join("notify");
        let manager = UnixDatagram::bind(&place)?;
        manager.set_read_timeout(Some(PATIENCE))?;
        let seen = [
            ("BEACON", world.beacon.url.clone()),
            ("EXECUTION", world.rpc_url.clone()),
            ("NOTIFY_SOCKET", place.to_string_lossy().into_owned()),
            ("WATCHDOG_USEC", "4000000".to_owned()),
        ];
        let seen = seen.into_iter().chain(world.settings());
        let world = seen.map(|(name, value)| (name.to_owned(), value)).collect();
        Ok(Self { dir: dir.to_owned(), world, manager })
    }
}

impl Site for Machine {
    /// Each has an address of this machine to itself, so that the usual ports serve all of them, and those of other runs of this test.
    fn environment(&self, place: usize) -> Vec<(String, String)> {
        let [low, high, ..] = std::process::id().to_le_bytes();
        let ip = format!("127.{}.{low}.{}", high | 0x80, place + 1);
        let listen = |port: u16| format!("/ip4/{ip}/udp/{port}/quic-v1,/ip4/{ip}/tcp/{port}");
        let path = std::env::var("PATH").unwrap_or_default();
        let own = [
            ("ADDRESS", format!("/ip4/{ip}")),
            ("PATH", format!("{}:{path}", self.dir.join("bin").display())),
            ("GUARDIAN_P2P_LISTEN", listen(23_700)),
            ("GUARDIAN_P2P_CEREMONY_LISTEN", listen(23_701)),
            ("GUARDIAN_HTTP_LISTEN", format!("{ip}:23702")),
        ];
        own.map(|(name, value)| (name.to_owned(), value)).into_iter().chain(self.world.clone()).collect()
    }

    fn folder(&self, place: usize) -> PathBuf {
        self.dir.join(NAMES[place])
    }

    fn files(&self, place: usize) -> PathBuf {
        self.folder(place)
    }

    fn typed(&self, line: &str) -> String {
        line.to_owned()
    }

    fn is_with_docker(&self) -> bool {
        false
    }

    fn own(&self, _: &Path) -> Result<()> {
        Ok(())
    }

    fn nodes_are_up(&self) -> Result<()> {
        Ok(())
    }

    /// Waits until every node has told the service manager that it runs, and one of them that it still lives.
    fn hears_of_nodes(&self) -> Result<()> {
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

    fn log(&self, _: usize) -> String {
        String::new()
    }
}
