//! A zip archive with a record named `r`.
#![no_main]
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = eir_signal::wfdb::read_in_zip(bytes, "r", &eir_core::Limits::default().with_bytes(16 << 20));
});
