//! Proofs of misconduct as files, for people to keep and to show: `guardian fault verify` checks them anywhere. Public; nothing here is
//! needed to go on.

use crate::{
    durable,
    hint::{Hinted, WithHint},
};
use guardian_protocol::{DutyId, Event, Fault, MemberId};
use std::{
    fs,
    path::{Path, PathBuf},
};
use tracing::{error, info};

/// Files that are larger than this are not read: the largest proof of a ceremony is a transcript's part.
const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// The folder of the proofs that a guardian has found.
#[derive(Clone, Debug)]
pub(crate) struct MisconductFiles {
    folder: PathBuf,
}

impl MisconductFiles {
    /// Below the store's folder.
    pub(crate) fn new(data_dir: &Path) -> Self {
        Self { folder: data_dir.join("evidence") }
    }

    /// Keeps the proof, if `event` brings one. It is in the store as well; the file is for people.
    pub(crate) fn observe(&self, event: &Event) {
        match event {
            Event::Culprit { id, member, fault } => match self.keep(*member, *id, fault) {
                Ok(file) => info!(file = %file.display(), "the file proves it to anybody: `guardian fault verify`"),
                Err(error) => {
                    error!(%error, hint = error.advice(), "the proof of misconduct could not be written to a file");
                }
            },
            Event::Observed { .. }
            | Event::ProviderFailed { .. }
            | Event::ProviderDisagrees { .. }
            | Event::NoQuorum { .. }
            | Event::History(_)
            | Event::KeyMismatch { .. }
            | Event::Decided { .. }
            | Event::Refused { .. }
            | Event::NotAttested { .. }
            | Event::Held { .. }
            | Event::WaitOver { .. }
            | Event::ForbiddenDuty { .. }
            | Event::HoldPlaced { .. }
            | Event::HoldReleased { .. }
            | Event::AutomaticHold { .. }
            | Event::AutomaticHoldOver { .. }
            | Event::LimitExceeded { .. }
            | Event::LimitReleased { .. }
            | Event::LimitsChanged
            | Event::Forbidden { .. }
            | Event::Offered { .. }
            | Event::AskedFor { .. }
            | Event::Pardoned { .. }
            | Event::StoreSetBack { .. }
            | Event::FloorRaised { .. }
            | Event::DigestsDiffer { .. }
            | Event::EvidenceDiffers { .. }
            | Event::EvidenceAlike { .. }
            | Event::SignedOtherwise { .. }
            | Event::Agreed { .. }
            | Event::SessionOpened { .. }
            | Event::Quarantined { .. }
            | Event::QuarantineLifted { .. }
            | Event::OwnDoppelgangerFound { .. }
            | Event::OwnDoppelgangerGone
            | Event::Signed { .. }
            | Event::Expired { .. }
            | Event::Submitting { .. }
            | Event::Submitted { .. }
            | Event::Confirmed { .. }
            | Event::Superseded { .. }
            | Event::Reorged { .. }
            | Event::Exit(_)
            | Event::OrderUnfounded { .. }
            | Event::SignedAhead { .. }
            | Event::Version(_)
            | Event::MessageRefused { .. } => {}
        }
    }

    /// Keeps the proof that `member` cheated in the signing of `duty`. Returns the file.
    fn keep(&self, member: MemberId, duty: DutyId, fault: &Fault) -> Result<PathBuf, Hinted> {
        let path = self.folder.join(format!("signing-{duty}-member-{member}.fault"));
        durable::replace_private(&path, &fault.encode())?;
        Ok(path)
    }
}

/// Reads a file that somebody else may have made.
pub(crate) fn read_public(path: &Path) -> Result<Vec<u8>, Hinted> {
    let read = || -> std::io::Result<Option<Vec<u8>>> {
        let fits = fs::metadata(path)?.len() <= MAX_BYTES;
        if fits { fs::read(path).map(Some) } else { Ok(None) }
    };
    let bytes = read().hint(format!("can't read {}", path.display()), "check the path")?;
    bytes.ok_or_else(|| Hinted::new(format!("{} is too large", path.display()), "it is another kind of file"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use guardian_protocol::{DutyKind, Epoch, KeyEpoch, Subject};

    #[test]
    fn a_proof_is_kept_as_it_is_and_read_back() {
        let dir = tempfile::tempdir().unwrap();
        let files = MisconductFiles::new(dir.path());
        let duty =
            DutyId { kind: DutyKind::Reserves, period: Epoch(7), subject: Subject::Whole, key_epoch: KeyEpoch(1) };
        let fault = Fault::Package { package: vec![1, 2, 3] };
        let path = files.keep(MemberId::new(3).unwrap(), duty, &fault).unwrap();
        assert!(path.starts_with(dir.path().join("evidence")));
        assert!(path.file_name().unwrap().to_str().unwrap().ends_with("-member-3.fault"), "{}", path.display());
        assert_eq!(Fault::decode(&read_public(&path).unwrap()), Ok(fault.clone()));
        // The same once more is the same file; another member's is another.
        assert_eq!(files.keep(MemberId::new(3).unwrap(), duty, &fault).unwrap(), path);
        assert_ne!(files.keep(MemberId::new(2).unwrap(), duty, &fault).unwrap(), path);
    }

    #[test]
    fn a_file_that_is_too_large_is_not_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("large");
        fs::File::create(&path).unwrap().set_len(MAX_BYTES + 1).unwrap();
        assert!(read_public(&path).unwrap_err().to_string().contains("too large"));
    }
}
