#![no_main]

use eir_anatomy3d::{Limits, nrrd};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let limits = Limits::default().with_bytes(64 << 20);
    let _ = nrrd::from_bytes(data, &limits).and_then(|n| n.volume(0)); // an error is a good answer
});
