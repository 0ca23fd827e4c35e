//! The program that this is, as members and operators are told.

use guardian_protocol::{Program, ProgramVersion, RuleSchedule};

/// For people.
pub(crate) const VERSION: &str = env!("PROGRAM_VERSION");

/// On the chain with this id.
pub(crate) fn program(chain_id: u64) -> Program {
    Program { version: version(), rules: RuleSchedule::of_chain(chain_id) }
}

fn version() -> ProgramVersion {
    let number = |text: &str| text.parse().unwrap_or_default();
    let numbers = [
        number(env!("CARGO_PKG_VERSION_MAJOR")),
        number(env!("CARGO_PKG_VERSION_MINOR")),
        number(env!("CARGO_PKG_VERSION_PATCH")),
    ];
    ProgramVersion { numbers, commit: commit(env!("PROGRAM_COMMIT")) }
}

/// The first twelve digits; a builder may have said more, or something that is no commit.
fn commit(said: &str) -> Option<[u8; 6]> {
    hex::decode(said.get(..12)?).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_is_told_by_its_first_twelve_digits() {
        let told = Some([0x01, 0x23, 0x45, 0x67, 0x89, 0xab]);
        assert_eq!(commit("0123456789ab"), told);
        assert_eq!(commit("0123456789abcdef-dirty"), told);
        for none in ["", "0123456", "debug build!", "ünïcödé-çømmît"] {
            assert_eq!(commit(none), None, "{none}");
        }
    }

    #[test]
    fn what_members_are_told_is_what_the_command_line_says() {
        assert!(VERSION.starts_with(&version().release()), "{VERSION}");
    }
}
