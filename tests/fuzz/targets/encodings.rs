//! Keys, shares and signatures as bytes.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| guardian_fuzz::encodings::run(data));
