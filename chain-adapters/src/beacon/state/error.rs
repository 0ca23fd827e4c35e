//! Why bytes are no state, or not the one that was asked for.

/// What is wrong with a state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// A fork that is not in the table.
    #[error("the layout of fork '{0}' is not known to this version")]
    UnknownFork(String),
    /// It is of another genesis.
    #[error("the state is of another chain: its genesis differs")]
    WrongChain,
    /// It is another slot's.
    #[error("the state of slot {found} instead of {asked}")]
    WrongSlot {
        /// Asked for.
        asked: u64,
        /// Got.
        found: u64,
    },
    /// The bytes are no encoding of such a state.
    #[error("damaged, or of another fork: {0}")]
    Encoding(&'static str),
    /// A field is not where or as long as it may be.
    #[error("damaged, or of another fork: field {field}: {what}")]
    Field {
        /// Its name in the specification.
        field: &'static str,
        /// What is wrong with it.
        what: &'static str,
    },
    /// Its lists are not of one length, which no true state is.
    #[error("the state is false: its lists of validators and of what each has are of different lengths")]
    Lists,
    /// It ended early.
    #[error("the state broke off after {0} bytes")]
    BrokenOff(u64),
    /// Work on it was given up.
    #[error("the work on this state was given up")]
    GivenUp,
}
