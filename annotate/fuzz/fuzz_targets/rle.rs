//! The string of run lengths of a mask.
#![no_main]
use eir_annotate::Rle;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    for (height, width) in [(1, 1), (2, 3), (16, 16), (480, 640)] {
        if let Ok(mask) = Rle::from_compressed(height, width, text) {
            assert_eq!(Rle::from_compressed(height, width, &mask.to_compressed()).ok().as_ref(), Some(&mask));
            let _ = (mask.area(), mask.bounding_box());
        }
    }
});
