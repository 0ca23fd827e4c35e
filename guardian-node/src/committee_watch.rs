//! Notices that the committee file has been replaced: the only way in which a running node learns of another committee. What is in the
//! file counts only if it is whole, valid, and a committee of which we hold the share; anything else is said once and changes nothing.

use crate::{committee::CommitteeFile, config::Config, hint::Hinted, keys::KeyFiles, shares};
use guardian_protocol::Mode;
use std::{fs, time::Duration};

/// Between two looks. The file is some kilobytes, and a switch need not be seen sooner.
const LOOK: Duration = Duration::from_secs(1);

/// The committee file as it was read.
#[derive(Clone, Debug)]
pub(crate) struct CommitteeWatch {
    pub(crate) file: CommitteeFile,
    text: String,
}

impl CommitteeWatch {
    /// Reads the file that `config` names.
    pub(crate) fn load(config: &Config) -> Result<Self, Hinted> {
        let path = &config.guardian.committee;
        // One read: what is compared later is exactly what was taken now.
        let text = CommitteeFile::read(path)?;
        Ok(Self { file: CommitteeFile::parse(&text, path)?, text })
    }

    /// Waits for another usable committee in the place of this one.
    pub(crate) async fn replacement(&self, config: &Config) -> Self {
        let mut said = None;
        loop {
            tokio::time::sleep(LOOK).await;
            let (owned, watch, mut heard) = (config.clone(), self.clone(), said.take());
            // Opening a share is made to take time and memory.
            let looked = tokio::task::spawn_blocking(move || (watch.look(&owned, &mut heard), heard)).await;
            match looked {
                Ok((Some(next), _)) => return next,
                Ok((None, heard)) => said = heard,
                Err(error) => tracing::error!(%error, "the committee file could not be looked at"),
            }
        }
    }

    /// Looks once. What was found wrong is kept in `said`, so that it is not said again.
    fn look(&self, config: &Config, said: &mut Option<Vec<u8>>) -> Option<Self> {
        let found = fs::read(&config.guardian.committee).unwrap_or_default();
        if found == self.text.as_bytes() {
            *said = None;
            return None;
        }
        if said.as_ref() == Some(&found) {
            return None;
        }
        match usable(config) {
            Ok(next) => Some(next),
            Err(error) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
                tracing::error!(
                    %error,
                    cause,
                    hint = error.advice(),
                    "committee.toml changed, but not to a committee that this guardian can use; going on with the previous one"
                );
                *said = Some(found);
                None
            }
        }
    }
}

/// Looks at the committee file and tells in a line what it finds. A usable one is taken over by the watch itself.
pub(crate) fn examine(config: &Config) -> String {
    match usable(config) {
        Ok(watch) => {
            let (epoch, members) = (watch.file.key_epoch, watch.file.members.len());
            format!(
                "committee file: usable, {members} members, key epoch {epoch}; if it is another one, the node starts anew with it"
            )
        }
        Err(error) => {
            format!("committee file: not usable, going on with the one in force: {error}; hint: {}", error.advice())
        }
    }
}

/// The committee file, if we are a member and hold the share, which whoever observes need not.
fn usable(config: &Config) -> Result<CommitteeWatch, Hinted> {
    let watch = CommitteeWatch::load(config)?;
    let committee = watch.file.committee()?;
    let me = watch.file.named(&config.guardian.name)?.id;
    if config.guardian.mode == Mode::Observe {
        return Ok(watch);
    }
    let files = KeyFiles::of(config)?;
    let share = shares::Shares::new(&config.keys.shares, &files).load(&committee)?;
    if share.member() == me {
        Ok(watch)
    } else {
        Err(Hinted::new(
            format!("the share in the folder is member {}'s, not ours ({me})", share.member()),
            "restore the right share from your backup",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use guardian_tests::devnet::keys::DevnetKeys;
    use std::path::Path;

    fn config(home: &Path) -> Config {
        let config = crate::config::TEMPLATE.replace("../guardian.passphrase", "keys/passphrase");
        fs::write(home.join("guardian.toml"), config).unwrap();
        Config::load(&home.join("guardian.toml")).unwrap()
    }

    fn keys(out: &Path) {
        let keys =
            DevnetKeys { out: out.to_owned(), guardians: 2, threshold: 2, validators: 0, ..DevnetKeys::default() };
        keys.make().unwrap();
    }

    #[test]
    fn only_a_whole_committee_of_which_we_hold_the_share_is_taken() {
        let dir = tempfile::tempdir().unwrap();
        let (ours, others) = (dir.path().join("ours"), dir.path().join("others"));
        keys(&ours);
        keys(&others);
        let config = config(&ours.join("guardian-1"));
        let watch = CommitteeWatch::load(&config).unwrap();
        let mut said = None;
        assert!(watch.look(&config, &mut said).is_none() && said.is_none());

        let path = &config.guardian.committee;
        for wrong in ["", "nonsense", &fs::read_to_string(others.join("committee.toml")).unwrap()] {
            fs::write(path, wrong).unwrap();
            assert!(watch.look(&config, &mut said).is_none(), "taken: {wrong}");
            assert_eq!(said.as_deref(), Some(wrong.as_bytes()), "not said: {wrong}");
        }
        fs::remove_file(path).unwrap();
        assert!(watch.look(&config, &mut said).is_none());
        fs::write(path, &watch.text).unwrap();
        assert!(watch.look(&config, &mut said).is_none() && said.is_none());

        let moved = watch.text.replace("/udp/19000/", "/udp/29000/");
        fs::write(path, &moved).unwrap();
        assert_eq!(watch.look(&config, &mut said).unwrap().text, moved);
    }
}
