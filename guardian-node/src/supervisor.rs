//! What the service manager is told (sd_notify(3)): that the node runs, and signs of life of its brain. Where nobody asked, nothing is said.
//! No duty waits for it, and nothing that it answers is read.

use std::{
    env, io,
    os::{
        linux::net::SocketAddrExt,
        unix::net::{SocketAddr, UnixDatagram},
    },
    process,
    time::{Duration, Instant},
};

/// The service manager, if there is one.
#[derive(Debug)]
pub(crate) struct Supervisor {
    socket: Option<UnixDatagram>,
    /// Between two signs of life: half of the time after which the manager takes the node for dead.
    pause: Option<Duration>,
    /// When the last one was given; `None` before the node runs.
    alive: Option<Instant>,
}

impl Supervisor {
    /// That of this process's environment.
    pub(crate) fn of_environment() -> Self {
        let variable = |name: &str| env::var(name).ok();
        let is_ours = variable("WATCHDOG_PID").is_none_or(|pid| pid == process::id().to_string());
        let dead_after = variable("WATCHDOG_USEC").filter(|_| is_ours).and_then(|text| text.parse().ok());
        Self::at(variable("NOTIFY_SOCKET").as_deref(), dead_after.map(Duration::from_micros))
    }

    /// The one that listens at `socket`, a path, or a name of the abstract kind after an `@`.
    fn at(socket: Option<&str>, dead_after: Option<Duration>) -> Self {
        let socket = socket.and_then(|name| match connect(name) {
            Ok(socket) => Some(socket),
            Err(error) => {
                tracing::warn!(%error, "the service manager can't be told that this node runs");
                None
            }
        });
        Self { socket, pause: dead_after.map(|time| time / 2), alive: None }
    }

    /// Says that the brain lives: for the first time, that the node runs; then so often as the manager wants to hear it.
    pub(crate) fn brain_lives(&mut self, now: Instant) {
        match (self.alive, self.pause) {
            (None, _) => self.tell("READY=1"),
            (Some(last), Some(pause)) if now.duration_since(last) >= pause => self.tell("WATCHDOG=1"),
            (Some(_), Some(_) | None) => return,
        }
        self.alive = Some(now);
    }

    /// When it wants to hear of the brain again, if at all.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.socket.as_ref()?;
        self.alive?.checked_add(self.pause?)
    }

    fn tell(&self, state: &str) {
        if let Some(socket) = &self.socket {
            // A manager that does not listen takes its measures itself.
            socket.send(state.as_bytes()).ok();
        }
    }
}

fn connect(name: &str) -> io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    match name.strip_prefix('@') {
        Some(name) => socket.connect_addr(&SocketAddr::from_abstract_name(name)?)?,
        None => socket.connect(name)?,
    }
    // The brain waits for nobody.
    socket.set_nonblocking(true)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(manager: &UnixDatagram) -> Option<String> {
        let mut bytes = [0; 64];
        let length = manager.recv(&mut bytes).ok()?;
        Some(String::from_utf8(bytes[..length].to_vec()).unwrap())
    }

    #[test]
    fn the_manager_hears_that_the_node_runs_and_then_as_often_as_it_wants() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notify");
        let name = format!("guardian-test-{}", process::id());
        let by_path = UnixDatagram::bind(&path).unwrap();
        let by_name = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        for (manager, place) in [(by_path, path.to_str().unwrap().to_owned()), (by_name, format!("@{name}"))] {
            manager.set_nonblocking(true).unwrap();
            let mut supervisor = Supervisor::at(Some(&place), Some(Duration::from_secs(60)));
            let start = Instant::now();
            let at = |seconds| start + Duration::from_secs(seconds);
            assert_eq!(supervisor.next(), None, "nothing is due before the node runs");
            for (now, said) in
                [(0, Some("READY=1")), (29, None), (30, Some("WATCHDOG=1")), (59, None), (61, Some("WATCHDOG=1"))]
            {
                supervisor.brain_lives(at(now));
                assert_eq!(heard(&manager).as_deref(), said, "after {now} s");
            }
            assert_eq!(supervisor.next(), Some(at(91)));
        }
    }

    #[test]
    fn where_nobody_asked_nothing_is_due() {
        for mut supervisor in [
            Supervisor::at(None, None),
            Supervisor::at(None, Some(Duration::from_secs(1))),
            Supervisor::at(Some("/nonexistent/notify"), Some(Duration::from_secs(1))),
        ] {
            supervisor.brain_lives(Instant::now());
            assert_eq!(supervisor.next(), None);
        }
    }
}
