//! A WFDB header alone.
#![no_main]
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = eir_signal::wfdb::Header::parse(bytes, &eir_core::Limits::default());
});
