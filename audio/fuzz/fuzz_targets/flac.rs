//! Any bytes behind the format's magic are an error or a recording, within the limits.
#![no_main]

use eir_audio::{Limits, decode};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits::default().with_bytes(1 << 24);
    let file = [b"fLaC".as_slice(), bytes].concat();
    if let Ok(audio) = decode(&file, &limits) {
        assert!(audio.interleaved.len() * 4 <= 1 << 24);
    }
});
