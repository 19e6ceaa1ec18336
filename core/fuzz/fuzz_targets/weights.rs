#![no_main]
use eir_core::Limits;
use eir_core::weights::{Card, Weights};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = Weights::from_bytes(bytes, &Limits::default().with_bytes(1 << 20));
    let _ = Card::from_json(bytes);
});
