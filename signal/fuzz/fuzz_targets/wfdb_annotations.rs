//! A WFDB annotation file.
#![no_main]
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = eir_signal::wfdb::annotations(bytes, &eir_core::Limits::default());
});
