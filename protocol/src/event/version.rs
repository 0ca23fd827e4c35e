//! What happens between members of different versions.

use crate::types::{Epoch, MemberId, Program, RuleVersion};

/// See the module. None of it is misconduct.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VersionEvent {
    /// A member said which program it runs, and it is another one than was known.
    Introduced {
        /// The member.
        member: MemberId,
        /// Its program.
        program: Program,
        /// From this epoch on, which may be past, it decides by other rules than this guardian; `None`: by the same for good.
        parts_from: Option<Epoch>,
    },
    /// A member has started anew and did not say which program it runs: one from before members introduced themselves.
    NotIntroduced {
        /// The member.
        member: MemberId,
    },
    /// A member announced, or coordinates, a duty that it decided by other rules than ours. It is not counted with ours, and no misconduct.
    /// Told once for each member and period.
    OtherRules {
        /// The member.
        member: MemberId,
        /// The period.
        period: Epoch,
        /// By which rules it decides in that period.
        theirs: RuleVersion,
        /// By which we do.
        ours: RuleVersion,
    },
    /// A member said something that only another version of the node understands. It is ignored.
    MessageUnknown {
        /// The member.
        member: MemberId,
        /// What is not known.
        reason: String,
    },
}
