//! Sees every nonce that is ever used, of all members, over all their starts, disks and doppelgangers, and says when one is used twice.
//!
//! A nonce is known by its public side, the commitment. It is *made* when it is first shown to others, and *used* when a share
//! of a signature is given under it: in a [`Share`](guardian_protocol::testing::Share), or by a coordinator in its own package. Used
//! for one package any number of times, it says nothing new; used for two, it is on its way to giving the key share away (`leak`
//! does the arithmetic).

use super::{
    invariants::{Violation, violation},
    process::ProcessId,
    scenario::Tally,
};
use alloy::primitives::B256;
use guardian_crypto::frost::signing::Commitments;
use guardian_protocol::{
    MemberId,
    testing::{Commitment, Message, Package},
};
use std::collections::HashMap;

/// Every nonce of a run.
#[derive(Debug, Default)]
pub struct Oracle {
    made: HashMap<Commitments, (ProcessId, Commitment)>,
    used: HashMap<Commitments, B256>,
    packages: HashMap<B256, Package>,
    /// A commitment that was made twice: not the end of the key yet, so it is kept until the run ends or something worse happens.
    made_twice: Option<Violation>,
}

impl Oracle {
    /// Takes what `process` of `member` says, before anybody else can change it.
    ///
    /// # Errors
    /// `no_nonce_is_used_twice`.
    pub fn see(
        &mut self,
        (member, process): (MemberId, ProcessId),
        message: &Message,
        tally: &mut Tally,
    ) -> Result<(), Violation> {
        match message {
            Message::Announcement(announcement) => {
                for commitment in &announcement.commitments {
                    self.make(process, commitment, tally);
                }
            }
            Message::Package(package) => {
                self.ask(package.clone());
                if let Some(ours) = package.commitments.iter().find(|c| c.owner == member) {
                    self.make(process, ours, tally);
                    // Its coordinator has signed it in the same breath.
                    self.spend((member, process), &ours.points, package.hash(), tally)?;
                }
            }
            Message::Share(share) => {
                self.make(process, &share.next, tally);
                let ours =
                    self.packages.get(&share.package).and_then(|p| p.commitments.iter().find(|c| c.owner == member));
                let Some(points) = ours.map(|commitment| commitment.points) else {
                    return violation("a_share_answers_a_package", format!("{member} answers what nobody asked it"));
                };
                self.spend((member, process), &points, share.package, tally)?;
            }
            _ => {}
        }
        Ok(())
    }

    /// A package that somebody is asked to sign.
    pub fn ask(&mut self, package: Package) {
        self.packages.insert(package.hash(), package);
    }

    /// The run is over.
    ///
    /// # Errors
    /// `no_commitment_is_made_twice`.
    pub fn close(self) -> Result<(), Violation> {
        self.made_twice.map_or(Ok(()), Err)
    }

    fn make(&mut self, process: ProcessId, commitment: &Commitment, tally: &mut Tally) {
        let first = (process, *commitment);
        let known = *self.made.entry(commitment.points).or_insert_with(|| {
            tally.commitments = tally.commitments.saturating_add(1);
            first
        });
        if known != first && self.made_twice.is_none() {
            let detail = format!("{} of {} by {} and {process}", commitment.index, commitment.owner, known.0);
            self.made_twice = Some(Violation { name: "no_commitment_is_made_twice", detail });
        }
    }

    fn spend(
        &mut self,
        (member, process): (MemberId, ProcessId),
        points: &Commitments,
        package: B256,
        tally: &mut Tally,
    ) -> Result<(), Violation> {
        let first = *self.used.entry(*points).or_insert_with(|| {
            tally.shares = tally.shares.saturating_add(1);
            package
        });
        if first == package {
            return Ok(());
        }
        let maker = self.made.get(points).map_or(process, |(maker, _)| *maker);
        let detail = format!("a nonce of {member} made by {maker} signs {first}, and now by {process} {package}");
        violation("no_nonce_is_used_twice", detail)
    }
}
