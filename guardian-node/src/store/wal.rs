//! RocksDB's write-ahead logs, looked through for the damage that RocksDB takes for a crash.
//!
//! A record that reaches past the end of its log was cut off by a crash before it was synced: it was never spoken of, and RocksDB drops
//! it. A changed length, or the kind of record that is the rest of a reused log, looks the same; RocksDB then drops everything that
//! follows, without a word. All other damage it reports itself. The format is its own, and documented:
//! <https://github.com/facebook/rocksdb/wiki/Write-Ahead-Log-File-Format>.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Records do not cross the bounds of blocks.
const BLOCK: usize = 32 << 10;
/// Kinds of records in reused logs. We reuse none.
const REUSED: [u8; 6] = [5, 6, 7, 8, 11, 131];

/// A log in `folder` that ends early, if there is one.
pub(super) fn damaged(folder: &Path) -> Option<PathBuf> {
    // What can't be read here, RocksDB can't read either, and says so.
    let entries = fs::read_dir(folder).ok()?;
    let logs = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut logs = logs.filter(|path| path.extension().is_some_and(|extension| extension == "log"));
    logs.find(|path| fs::read(path).is_ok_and(|bytes| ends_early(&bytes)))
}

/// Whether RocksDB would take a record in the middle for the end.
fn ends_early(log: &[u8]) -> bool {
    log.chunks(BLOCK).any(|block| {
        let mut rest = block;
        // Less than a header: a crash, or the padding of a block.
        while let Some(([c0, c1, c2, c3, l0, l1, kind], body)) = rest.split_first_chunk() {
            let length = usize::from(u16::from_le_bytes([*l0, *l1]));
            if REUSED.contains(kind) {
                return true;
            }
            match body.split_at_checked(length) {
                Some((_, next)) => rest = next,
                // Cut off, unless the checksum is that of a shorter record.
                None => return has_prefix(u32::from_le_bytes([*c0, *c1, *c2, *c3]), *kind, body),
            }
        }
        false
    })
}

/// Whether `checksum` is that of a record with the beginning of `body`.
fn has_prefix(checksum: u32, kind: u8, body: &[u8]) -> bool {
    let mut crc = extended(u32::MAX, kind);
    masked(crc) == checksum
        || body.iter().any(|byte| {
            crc = extended(crc, *byte);
            masked(crc) == checksum
        })
}

/// CRC-32C (RFC 3720, appendix B.4) of one more byte, before its final inversion.
fn extended(crc: u32, byte: u8) -> u32 {
    (0..8).fold(crc ^ u32::from(byte), |crc, _| if crc & 1 == 0 { crc >> 1 } else { (crc >> 1) ^ 0x82f6_3b78 })
}

/// As it stands in the log: a checksum of data that holds checksums would be weak.
const fn masked(crc: u32) -> u32 {
    (!crc).rotate_right(15).wrapping_add(0xa282_ead8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_the_standard() {
        assert_eq!(!b"123456789".iter().fold(u32::MAX, |crc, byte| extended(crc, *byte)), 0xe306_9283);
    }
}
