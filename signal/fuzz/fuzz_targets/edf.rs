//! An EDF, EDF+, BDF or BDF+ file; what is read is written and read again.
#![no_main]
use eir_signal::edf;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let limits = eir_core::Limits::default().with_bytes(16 << 20);
    if let Ok(record) = edf::read(bytes, &limits) {
        let config = edf::WriteConfig::default().with_bits(24).with_fill(0.0);
        if let Ok(bytes) = edf::to_bytes(&record, &config) {
            assert!(edf::read(&bytes, &limits.with_bytes(64 << 20)).is_ok());
        }
    }
});
