//! How a committee takes the place of another one on this machine: share and committee file change together, or not at all.
//!
//! 1. The new share is written, under the name that follows from the new committee.
//! 2. `committee.toml` is replaced by one rename. **This is the switch**: before it the old key is whole, after it the new one.
//! 3. The shares that are of no use any more are deleted.
//!
//! Each step is atomic and synced, and doing all of them again does no harm, so a crash anywhere costs nothing: the key loads, old or
//! new, and the next run of the ceremony's command completes what is left. When to switch is not decided here.

use crate::{
    committee::CommitteeFile,
    durable,
    hint::{Hinted, WithHint},
    keys::KeyFiles,
    shares::Shares,
};
use guardian_crypto::{frost::KeyShare, seal::Work};
use guardian_protocol::Committee;
use std::{fs, path::Path};

/// Where a guardian keeps what changes together.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The committee file.
    pub committee: &'a Path,
    /// The folder of shares.
    pub shares: &'a Path,
    /// Opens and seals them.
    pub files: &'a KeyFiles,
    /// How much work it is to try one passphrase on a new share.
    pub work: Work,
}

/// A committee that is about to become the current one.
#[derive(Debug)]
pub struct Activation<'a> {
    place: Place<'a>,
    file: &'a CommitteeFile,
    committee: Committee,
    share: Option<&'a KeyShare>,
}

/// One step. Their order is what makes a crash harmless.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    WriteShare,
    Switch,
    DeleteOutdated,
}

impl Step {
    const ALL: [Self; 3] = [Self::WriteShare, Self::Switch, Self::DeleteOutdated];
}

impl<'a> Activation<'a> {
    /// The committee of `file` at `place`. `share` is ours, or `None` if we are not a member any more.
    ///
    /// # Errors
    /// If the committee contradicts itself, or the share is not of it.
    pub fn new(place: Place<'a>, file: &'a CommitteeFile, share: Option<&'a KeyShare>) -> Result<Self, Hinted> {
        let committee = file.committee()?;
        if let Some(share) = share {
            share
                .belongs_to(committee.public_shares())
                .hint("the new share does not belong to the new committee", "this is a defect: report it")?;
        }
        Ok(Self { place, file, committee, share })
    }

    /// Does everything that is not done yet.
    ///
    /// # Errors
    /// If a file can't be written. The key that was current before, or the new one, is whole.
    pub fn run(&self) -> Result<(), Hinted> {
        let _alone = self.lock()?;
        Step::ALL.into_iter().try_for_each(|step| self.perform(step))
    }

    fn perform(&self, step: Step) -> Result<(), Hinted> {
        let shares = Shares::new(self.place.shares, self.place.files);
        match (step, self.share) {
            (Step::WriteShare, Some(share)) => shares.write(&self.committee, share, self.place.work),
            (Step::WriteShare, None) => Ok(()),
            (Step::Switch, _) => self.file.replace(self.place.committee),
            (Step::DeleteOutdated, Some(_)) => {
                // What is deleted can't be had back: not before the new share was read from the disk as it will be at the next start.
                shares.load(&self.committee)?;
                shares.outdated(&self.committee)?.iter().try_for_each(|path| durable::remove(path))
            }
            (Step::DeleteOutdated, None) => {
                shares.outdated(&self.committee)?.iter().try_for_each(|path| durable::remove(path))
            }
        }
    }

    /// Two activations at once could each delete what the other has just written. The lock ends with the process, however it ends.
    fn lock(&self) -> Result<fs::File, Hinted> {
        let folder = self.place.shares;
        let lock = || -> std::io::Result<fs::File> {
            fs::create_dir_all(folder)?;
            let folder = fs::File::open(folder)?;
            folder.try_lock()?;
            Ok(folder)
        };
        lock().hint(
            format!("can't lock the folder {}", folder.display()),
            "is another ceremony's command changing it at this moment? Wait for it and run this one again; or check permissions",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::committee::MemberEntry;
    use guardian_crypto::{frost::dealer, identity::IdentityKey, secret::Secret};
    use guardian_protocol::KeyEpoch;
    use rand_core::OsRng;
    use std::path::PathBuf;

    /// A guardian's folder with the key of one committee, and another committee to come.
    struct Scene {
        dir: tempfile::TempDir,
        files: KeyFiles,
        old: (CommitteeFile, KeyShare),
        new: (CommitteeFile, KeyShare),
    }

    fn committee(key_epoch: u64, identities: &[IdentityKey; 3]) -> (CommitteeFile, KeyShare) {
        let (shares, public) = dealer::deal(3, 2, &mut OsRng).unwrap();
        let entries = shares.iter().zip(identities).map(|(share, identity)| MemberEntry {
            id: share.member(),
            name: format!("guardian-{}", share.member()),
            identity: identity.public(),
            addresses: Vec::new(),
            ceremony_addresses: Vec::new(),
        });
        let members = entries.collect();
        let file =
            CommitteeFile { key_epoch: KeyEpoch(key_epoch), public_shares: hex::encode(public.to_bytes()), members };
        (file, shares.into_iter().next().unwrap())
    }

    impl Scene {
        fn new(old_epoch: u64, new_epoch: u64) -> Self {
            let identities = [0, 1, 2].map(|_| IdentityKey::generate(&mut OsRng));
            let scene = Self {
                dir: tempfile::tempdir().unwrap(),
                files: KeyFiles::with_passphrase("guardian-1", Secret::new("passphrase".to_owned())),
                old: committee(old_epoch, &identities),
                new: committee(new_epoch, &identities),
            };
            scene.activation(&scene.old).run().unwrap();
            scene
        }

        fn committee_path(&self) -> PathBuf {
            self.dir.path().join("committee.toml")
        }

        fn shares_path(&self) -> PathBuf {
            self.dir.path().join("keys/shares")
        }

        fn activation<'a>(&'a self, of: &'a (CommitteeFile, KeyShare)) -> Activation<'a> {
            // The paths live as long as the scene: leaked, because a test has no other owner for them.
            let leak = |path: PathBuf| -> &'static Path { Box::leak(path.into_boxed_path()) };
            let place = Place {
                committee: leak(self.committee_path()),
                shares: leak(self.shares_path()),
                files: &self.files,
                work: Work::Devnet,
            };
            Activation::new(place, &of.0, Some(&of.1)).unwrap()
        }

        /// As the node starts: the committee file, and the share that it asks for.
        fn loads(&self) -> Committee {
            let committee = CommitteeFile::load(&self.committee_path()).unwrap().committee().unwrap();
            Shares::new(&self.shares_path(), &self.files).load(&committee).unwrap();
            committee
        }

        fn share_files(&self) -> usize {
            fs::read_dir(self.shares_path()).unwrap().count()
        }

        fn id(of: &(CommitteeFile, KeyShare)) -> alloy_primitives::B256 {
            of.0.committee().unwrap().id()
        }
    }

    #[test]
    fn a_crash_between_any_two_steps_is_made_up_for_next_time() {
        for done in 0..=Step::ALL.len() {
            let scene = Scene::new(1, 1);
            let activation = scene.activation(&scene.new);
            Step::ALL.into_iter().take(done).for_each(|step| activation.perform(step).unwrap());
            // Here the process dies. The switch is the second step.
            let expected = if done >= 2 { &scene.new } else { &scene.old };
            assert_eq!(scene.loads().id(), Scene::id(expected), "after {done} steps");

            activation.run().unwrap();
            assert_eq!(scene.loads().id(), Scene::id(&scene.new));
            assert_eq!(scene.share_files(), 1, "the old share is still there after {done} steps and another run");
        }
    }

    #[test]
    fn a_crash_inside_a_write_leaves_an_unfinished_file_that_nobody_reads() {
        let scene = Scene::new(1, 1);
        let left = scene.shares_path().join(format!("{}x", durable::UNFINISHED));
        fs::write(&left, b"half a share").unwrap();
        fs::write(scene.dir.path().join(format!("{}y", durable::UNFINISHED)), b"half a committee").unwrap();
        assert_eq!(scene.loads().id(), Scene::id(&scene.old));
        scene.activation(&scene.new).run().unwrap();
        assert_eq!(scene.loads().id(), Scene::id(&scene.new));
        assert!(!left.exists());
    }

    #[test]
    fn running_it_again_changes_nothing() {
        let scene = Scene::new(1, 1);
        scene.activation(&scene.new).run().unwrap();
        let inode = |path: PathBuf| std::os::unix::fs::MetadataExt::ino(&fs::metadata(path).unwrap());
        let before = inode(scene.committee_path());
        scene.activation(&scene.new).run().unwrap();
        assert_eq!(inode(scene.committee_path()), before, "a running node would start anew for nothing");
    }

    #[test]
    fn a_share_of_a_later_key_epoch_waits_for_its_rotation() {
        let scene = Scene::new(1, 2);
        scene.activation(&scene.new).perform(Step::WriteShare).unwrap();
        scene.activation(&scene.old).run().unwrap();
        assert_eq!(scene.share_files(), 2, "the share that waits was deleted");
        scene.activation(&scene.new).run().unwrap();
        assert_eq!(scene.share_files(), 1);
        assert_eq!(scene.loads().key_epoch(), KeyEpoch(2));
    }

    #[test]
    fn who_leaves_keeps_no_share() {
        let scene = Scene::new(1, 1);
        let place = scene.activation(&scene.old).place;
        Activation::new(place, &scene.new.0, None).unwrap().run().unwrap();
        assert_eq!(scene.share_files(), 0);
    }

    #[test]
    fn nothing_is_deleted_while_the_new_share_can_not_be_read() {
        let scene = Scene::new(1, 1);
        let activation = scene.activation(&scene.new);
        activation.perform(Step::WriteShare).unwrap();
        let path = Shares::new(&scene.shares_path(), &scene.files).path(&scene.new.0.committee().unwrap());
        let whole = fs::read(&path).unwrap();
        fs::write(&path, &whole[..whole.len() - 1]).unwrap();
        assert!(activation.run().is_err());
        assert_eq!(scene.loads().id(), Scene::id(&scene.old));
    }

    #[test]
    fn another_members_or_another_keys_share_is_refused_before_anything_is_written() {
        let scene = Scene::new(1, 1);
        let place = scene.activation(&scene.old).place;
        assert!(Activation::new(place, &scene.new.0, Some(&scene.old.1)).is_err());
        assert_eq!(scene.loads().id(), Scene::id(&scene.old));
    }

    #[test]
    fn two_at_once_do_not_meet() {
        let scene = Scene::new(1, 1);
        let held = scene.activation(&scene.new).lock().unwrap();
        assert!(scene.activation(&scene.new).run().is_err());
        drop(held);
        scene.activation(&scene.new).run().unwrap();
    }
}
