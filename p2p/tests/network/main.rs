//! The network over real sockets on loopback: what it carries, whom it refuses, what it survives. One binary, since linking
//! libp2p takes longer than all of these tests.

mod bounds;
mod committee;
mod exchange;
mod latency_tmp;
mod metrics;
mod restart;
mod start;
mod strangers;
