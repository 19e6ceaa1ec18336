#![no_main]

use eir_anatomy3d::{Limits, nifti};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let limits = Limits::default().with_bytes(64 << 20);
    let _ = nifti::from_bytes(data, &limits).and_then(|n| n.volume()); // an error is a good answer
});
