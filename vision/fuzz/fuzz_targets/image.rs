//! PNG and JPEG files.
#![no_main]

use eir_core::Limits;
use eir_vision::Image;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = Image::decode(bytes, &Limits::default().with_bytes(64 << 20));
});
