//! Films: GIF, Y4M, Motion JPEG in AVI, H.264 in MP4.
#![no_main]

use eir_core::Limits;
use eir_vision::video::VideoConfig;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits::default().with_bytes(64 << 20);
    if let Ok(frames) = VideoConfig::default().decode(bytes.to_vec(), &limits) {
        frames.take(20).for_each(drop);
    }
});
