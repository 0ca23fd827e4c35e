//! The node's side of the socket. One connection at a time: whoever may open it may also stop the node.

use super::{Answer, Asked, MAX_ANSWER, MAX_REQUEST, Reloading, Request, socket};
use crate::hint::{Hinted, WithHint};
use eyre::Result;
use std::{
    fs::{self, Permissions},
    io::{self, ErrorKind},
    os::unix::{fs::PermissionsExt, net::UnixStream as Probe},
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{UnixListener, UnixStream},
    sync::{mpsc, oneshot},
    time::timeout,
};

/// For a request to come, for an answer to be taken, and, twice as long, for the brain to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// A socket that listens. Its file is removed with it.
#[derive(Debug)]
pub(crate) struct Server {
    listener: UnixListener,
    path: PathBuf,
    patience: Duration,
}

impl Server {
    /// Listens in `data_dir`, in the place of a socket that a crash left behind. The socket gets its name when it is private already.
    ///
    /// # Errors
    /// If a live process listens there, or the folder holds no sockets.
    pub(crate) fn bind(data_dir: &Path) -> Result<Self, Hinted> {
        let path = socket(data_dir);
        let what = || format!("can't listen on {}", path.display());
        if Probe::connect(&path).is_ok() {
            return Err(Hinted::new(
                what(),
                "another process serves this folder: stop it, or change [guardian] data_dir",
            ));
        }
        let bind = || -> io::Result<UnixListener> {
            fs::create_dir_all(data_dir)?;
            // Nobody else may enter this folder; a path as short as the socket's own is as long as some systems take.
            let private = tempfile::Builder::new().prefix(".sock").rand_bytes(6).tempdir_in(data_dir)?;
            let unnamed = private.path().join("s");
            let listener = UnixListener::bind(&unnamed)?;
            fs::set_permissions(&unnamed, Permissions::from_mode(0o600))?;
            fs::rename(&unnamed, &path)?;
            Ok(listener)
        };
        let advice = "data_dir must be on a disk that holds sockets, and its path shorter than 90 characters";
        Ok(Self { listener: bind().hint(what(), advice)?, path, patience: PATIENCE })
    }

    /// The same with less patience, for tests.
    #[cfg(test)]
    pub(super) const fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Answers until dropped. What is about the process is `reload`'s; everything else goes to the brain.
    pub(crate) async fn serve(self, reload: Reloading) -> Result<()> {
        let brain = reload.brain().clone();
        loop {
            match self.listener.accept().await {
                Ok((mut stream, _)) => {
                    let answer = match self.read(&mut stream).await {
                        Ok(request) => self.answer(request, &brain, &reload).await,
                        Err(refusal) => refusal,
                    };
                    // Whoever has left does not need it.
                    timeout(self.patience, write(&mut stream, &answer)).await.ok();
                    // A connection that is closed with unread bytes is reset, and the answer may be lost with it.
                    timeout(self.patience, discard(&mut stream)).await.ok();
                }
                Err(error) => {
                    tracing::warn!(%error, "the operator's socket could not take a connection");
                    tokio::time::sleep(self.patience).await;
                }
            }
        }
    }

    async fn read(&self, stream: &mut UnixStream) -> Result<Request, Answer> {
        let bound = u64::try_from(MAX_REQUEST).unwrap_or(u64::MAX).saturating_add(1);
        let mut bytes = Vec::new();
        match timeout(self.patience, stream.take(bound).read_to_end(&mut bytes)).await {
            Ok(Ok(_)) if bytes.len() > MAX_REQUEST => {
                Err(Answer::refused(format!("a request of more than {MAX_REQUEST} bytes"), "shorten the reason"))
            }
            Ok(Ok(_)) => serde_json::from_slice(&bytes).map_err(|error| {
                Answer::refused(format!("this is no request: {error}"), "node and command must be of the same version")
            }),
            Ok(Err(error)) => Err(Answer::refused(format!("the request broke off: {error}"), "try again")),
            Err(_) => Err(Answer::refused("the request did not come to its end in time", "try again")),
        }
    }

    async fn answer(&self, request: Request, brain: &mpsc::Sender<Asked>, reload: &Reloading) -> Answer {
        match request {
            Request::Reload => {
                // A task of its own: it comes to its end also if that is late.
                let reloading = tokio::spawn(reload.clone().run());
                match timeout(self.patience.saturating_mul(2), reloading).await {
                    Ok(Ok(answer)) => answer,
                    Ok(Err(error)) => Answer::refused(format!("the reload broke off: {error}"), "report this"),
                    Err(_) => Answer::refused(
                        "the node is too busy to answer",
                        "it reloads when it comes to it: look at `guardian config show --running`",
                    ),
                }
            }
            Request::Settings => reload.settings().await,
            request @ (Request::Hold { .. }
            | Request::Release { .. }
            | Request::ReleaseDuty { .. }
            | Request::Limit { .. }
            | Request::Forbid { .. }
            | Request::Veto { .. }
            | Request::Pardon { .. }
            | Request::Rescan) => self.ask(request, brain).await,
        }
    }

    async fn ask(&self, request: Request, brain: &mpsc::Sender<Asked>) -> Answer {
        let (reply, answer) = oneshot::channel();
        let asked = async {
            brain.send((request, reply)).await.ok()?;
            answer.await.ok()
        };
        match timeout(self.patience.saturating_mul(2), asked).await {
            Ok(Some(answer)) => answer,
            Ok(None) => Answer::refused("the node is stopping", "start it, and try again"),
            // It may be carried out all the same, which does no harm: every request may be repeated.
            Err(_) => Answer::refused("the node is too busy to answer", "look at `guardian status`, and try again"),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.path)
            && error.kind() != ErrorKind::NotFound
        {
            tracing::warn!(%error, path = %self.path.display(), "the operator's socket could not be removed");
        }
    }
}

/// Takes what else is sent, within bounds.
async fn discard(stream: &mut UnixStream) -> io::Result<u64> {
    tokio::io::copy(&mut stream.take(u64::try_from(MAX_ANSWER).unwrap_or(u64::MAX)), &mut tokio::io::sink()).await
}

async fn write(stream: &mut UnixStream, answer: &Answer) -> io::Result<()> {
    let mut bytes = serde_json::to_vec(answer)?;
    if bytes.len() > MAX_ANSWER {
        bytes =
            serde_json::to_vec(&Answer { text: "done; the answer is too long to show".to_owned(), ..answer.clone() })?;
    }
    stream.write_all(&bytes).await?;
    stream.shutdown().await
}
