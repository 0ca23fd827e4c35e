//! The part of the stand-ins that the tests inside the crate share with those in `tests/`.
#![allow(dead_code, reason = "the other part is for the tests outside")]

#[path = "beacon.rs"]
pub(crate) mod beacon;
#[path = "server.rs"]
pub(crate) mod server;
#[path = "vectors.rs"]
pub(crate) mod vectors;
