//! The network over real sockets on loopback: what it carries, whom it refuses, what it survives. One binary, since linking
//! libp2p takes longer than all of these tests. (`cfg(test)` tells clippy that what it allows in tests is allowed here.)

#[cfg(test)]
mod bounds;
#[cfg(test)]
mod committee;
#[cfg(test)]
mod distance;
#[cfg(test)]
mod doppelgangers;
#[cfg(test)]
mod exchange;
/// Shared with the benchmarks.
#[cfg(test)]
#[path = "../../../tests/src/flood.rs"]
mod flood;
#[cfg(test)]
mod floods;
#[cfg(test)]
mod metrics;
#[cfg(test)]
mod restart;
#[cfg(test)]
mod start;
#[cfg(test)]
mod strangers;
