//! A WFDB annotation file; what is read is written and read again.
#![no_main]
use eir_signal::wfdb;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let limits = eir_core::Limits::default();
    let _ = wfdb::annotation_rate_hz(bytes, &limits);
    if let Ok(found) = wfdb::annotations(bytes, &limits) {
        if let Ok(bytes) = wfdb::annotation_bytes(&found, Some(250.0)) {
            assert!(wfdb::annotations(&bytes, &limits).is_ok_and(|again| again.len() == found.len()));
        }
    }
});
