//! A WFDB annotation file: unedited it comes back byte for byte, also through the data model.
#![no_main]
use eir_annotate::{Limits, TimeBase, WfdbFile};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(mut file) = WfdbFile::from_bytes(bytes, &Limits::default().with_bytes(16 << 20)) else { return };
    assert!(file.to_bytes().is_ok_and(|back| back == bytes));
    let clock = TimeBase::milliseconds();
    let Ok(document) = file.to_document("fuzz", clock) else { return };
    if file.update(&document, 0, clock).is_ok() {
        assert!(file.to_bytes().is_ok_and(|back| back == bytes));
    }
});
