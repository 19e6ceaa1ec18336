//! A FLAC stream as the signal file of a WFDB record; its last byte chooses the format and the number of signals.
#![no_main]
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((last, stream)) = bytes.split_last() else { return };
    let format = [508, 516, 524][usize::from(last % 3)];
    let signals = 1 + last / 3 % 8;
    let mut header = format!("r {signals} 250\n");
    (0..signals).for_each(|_| header.push_str(&format!("a {format} 200 16 0 0 0 0 x\n")));
    let _ = eir_signal::wfdb::read(header.as_bytes(), &[("a", stream)], &eir_core::Limits::default().with_bytes(16 << 20));
});
