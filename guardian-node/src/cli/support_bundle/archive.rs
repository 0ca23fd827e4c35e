//! The bundle as a file: a compressed tar archive of plain texts, which any machine opens and anybody can read before it is sent.

use flate2::{Compression, write::GzEncoder};
use std::{
    io::{self, Write},
    time::{SystemTime, UNIX_EPOCH},
};

/// The folder in the archive.
const FOLDER: &str = "guardian-support-bundle";

/// Packs texts by name, which may have folders in it.
///
/// # Errors
/// None in practice: everything happens in memory.
pub(super) fn pack<'a>(texts: impl IntoIterator<Item = (&'a str, &'a str)>) -> io::Result<Vec<u8>> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
    for (name, text) in texts {
        let mut header = tar::Header::new_ustar();
        header.set_size(u64::try_from(text.len()).map_err(io::Error::other)?);
        header.set_mode(0o600);
        header.set_mtime(now);
        archive.append_data(&mut header, format!("{FOLDER}/{name}"), text.as_bytes())?;
    }
    let mut compressed = archive.into_inner()?;
    compressed.flush()?;
    compressed.finish()
}
