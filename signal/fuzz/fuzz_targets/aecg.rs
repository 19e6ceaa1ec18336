//! An annotated ECG of HL7.
#![no_main]
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = eir_signal::aecg::read(bytes, &eir_core::Limits::default().with_bytes(16 << 20));
});
