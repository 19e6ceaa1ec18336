//! A table of signals.
#![no_main]
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let config = eir_signal::csv::CsvConfig::default().with_rate_hz(4.0);
    let _ = eir_signal::csv::read(bytes, &config, &eir_core::Limits::default().with_bytes(16 << 20));
});
