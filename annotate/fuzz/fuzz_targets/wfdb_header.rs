//! The record line of a WFDB header.
#![no_main]
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = eir_annotate::wfdb_header_clock(bytes);
});
