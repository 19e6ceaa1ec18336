#![no_main]

use eir_anatomy3d::{Limits, stl};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let limits = Limits::default().with_bytes(64 << 20);
    let _ = stl::from_bytes(data, &limits); // an error is a good answer
});
