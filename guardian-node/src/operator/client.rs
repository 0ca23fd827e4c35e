//! The command line's side of the socket.

use super::{Answer, MAX_ANSWER, Request, socket};
use crate::hint::{Hinted, WithHint};
use std::{
    io::{self, ErrorKind, Read, Write},
    net::Shutdown,
    os::unix::net::UnixStream,
    path::Path,
    time::Duration,
};

/// Longer than the node takes to answer anything.
const PATIENCE: Duration = Duration::from_secs(30);

/// Asks the node that runs with the store in `data_dir`; `None` if none does.
///
/// # Errors
/// If a node is there and gives no answer, or refuses.
pub(crate) fn ask(data_dir: &Path, request: &Request) -> Result<Option<String>, Hinted> {
    let path = socket(data_dir);
    let failed = || format!("can't ask the node at {}", path.display());
    let stream = match UnixStream::connect(&path) {
        Ok(stream) => stream,
        // A socket that nobody listens on is what a crash leaves behind.
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => return Ok(None),
        Err(error) => {
            return Err(Hinted::caused(failed(), "run this as the user that the node runs as", error));
        }
    };
    let advice = "look at the node's log: is it busy or stopping? Then try again";
    let answer = converse(stream, request).hint(failed(), advice)?;
    let answer: Answer =
        serde_json::from_slice(&answer).hint(failed(), "node and command must be of the same version")?;
    if answer.ok {
        return Ok(Some(answer.text));
    }
    Err(Hinted::new(answer.text, answer.hint.unwrap_or_else(|| advice.to_owned())))
}

/// Whether a node runs with the store in `data_dir`.
pub(crate) fn is_running(data_dir: &Path) -> bool {
    // A connection without a request is not answered, and ends with this function.
    UnixStream::connect(socket(data_dir)).is_ok()
}

fn converse(mut stream: UnixStream, request: &Request) -> io::Result<Vec<u8>> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(&serde_json::to_vec(request)?)?;
    stream.shutdown(Shutdown::Write)?;
    let mut answer = Vec::new();
    let bound = u64::try_from(MAX_ANSWER).unwrap_or(u64::MAX);
    stream.take(bound).read_to_end(&mut answer)?;
    Ok(answer)
}
