//! The adapters from outside, against stand-ins for the world, and against the real contracts where anvil is installed.
//! One binary, so that it is linked once. (`cfg(test)` tells clippy that what it allows in tests is allowed here.)

#[cfg(test)]
mod accounts;
#[cfg(test)]
mod anvil;
#[cfg(test)]
mod asking;
#[cfg(test)]
mod bad_days;
#[cfg(test)]
mod capabilities;
#[cfg(test)]
mod consumers;
#[cfg(test)]
mod deployment;
#[cfg(test)]
mod execution;
#[cfg(test)]
mod finality;
#[cfg(test)]
mod google_kms;
#[cfg(test)]
mod kms;
#[cfg(test)]
mod live;
#[cfg(test)]
mod providers;
#[cfg(test)]
mod puffer;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod requests;
#[cfg(test)]
mod roles;
#[cfg(test)]
mod sender;
#[cfg(test)]
mod settings;
#[cfg(test)]
mod signers;
#[cfg(test)]
mod support;
#[cfg(test)]
mod validators;
#[cfg(test)]
mod vetoes;
