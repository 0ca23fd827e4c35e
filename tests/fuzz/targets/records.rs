//! What a store holds.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| guardian_fuzz::records::run(data));
