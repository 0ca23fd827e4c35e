//! The number of this guardian's last start, in a file beside its identity key: outside of the store, so that a store that was set back
//! is noticed at the start, even if none of the others remembers anything.
//!
//! It is a help, not a condition: a folder of keys that can't be written to costs a line in the log. It is set when the store has the start on disk,
//! so that a crash in between leaves it behind and never ahead.

use crate::{
    durable::replace_private,
    hint::{Hinted, WithHint},
};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// See the module.
#[derive(Debug)]
pub(crate) struct StartMark(PathBuf);

impl StartMark {
    /// The mark of the guardian whose identity key is at `identity`.
    pub(crate) fn beside(identity: &Path) -> Self {
        Self(identity.with_file_name("last-start"))
    }

    /// The number that was set last, if one was.
    ///
    /// # Errors
    /// If there is something else than a number.
    pub(crate) fn read(&self) -> Result<Option<u64>, Hinted> {
        let path = self.0.display();
        let advice = "it holds the number of this guardian's last start: remove it if you know that data_dir is the newest there is; \
                      otherwise move data_dir away as well, and this guardian waits until signing is safe";
        let text = match fs::read_to_string(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            read => read.hint(format!("can't read {path}"), advice)?,
        };
        text.trim().parse().map(Some).hint(format!("{path} is damaged"), advice)
    }

    /// Sets it.
    pub(crate) fn set(&self, number: u64) {
        if let Err(error) = replace_private(&self.0, format!("{number}\n").as_bytes()) {
            // Usual in a container, which has its keys read-only.
            tracing::info!(%error, "this start is not marked beside the keys: only the others will notice a data_dir that is set back");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_as_it_was_set_and_damage_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let mark = StartMark::beside(&folder.path().join("identity.sealed"));
        assert_eq!(mark.read().unwrap(), None);
        for number in [1, 17, u64::MAX] {
            mark.set(number);
            assert_eq!(mark.read().unwrap(), Some(number));
        }
        for damaged in ["", "seventeen", "-1", "17 18"] {
            fs::write(folder.path().join("last-start"), damaged).unwrap();
            let error = mark.read().unwrap_err();
            assert!(error.to_string().contains("last-start"), "{error}");
        }
    }

    #[test]
    fn a_folder_that_can_not_be_written_to_stops_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        StartMark::beside(&file.join("identity.sealed")).set(3);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
