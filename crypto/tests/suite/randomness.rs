//! Chance that can be repeated.

use rand_chacha::ChaCha20Rng;
use rand_core::{CryptoRng, RngCore, SeedableRng};

/// A generator from a seed.
pub(crate) fn seeded(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

/// Yields prepared bytes, for vectors that say what was drawn.
pub(crate) struct Scripted(Vec<u8>);

impl Scripted {
    pub(crate) fn new(draws: &[&[u8]]) -> Self {
        Self(draws.concat())
    }
}

impl RngCore for Scripted {
    fn next_u32(&mut self) -> u32 {
        rand_core::impls::next_u32_via_fill(self)
    }

    fn next_u64(&mut self) -> u64 {
        rand_core::impls::next_u64_via_fill(self)
    }

    fn fill_bytes(&mut self, to: &mut [u8]) {
        let drawn: Vec<u8> = self.0.drain(..to.len()).collect();
        to.copy_from_slice(&drawn);
    }

    fn try_fill_bytes(&mut self, to: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(to);
        Ok(())
    }
}

impl CryptoRng for Scripted {}
