//! What takes part in a key ceremony.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| guardian_fuzz::ceremony::run(data));
