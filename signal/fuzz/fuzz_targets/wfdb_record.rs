//! A WFDB header, and behind its first 0 byte the samples of whatever file it asks for.
#![no_main]
use eir_core::Limits;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits::default().with_bytes(16 << 20);
    let (header, samples) = bytes.iter().position(|b| *b == 0).map_or((bytes, &[][..]), |at| (&bytes[..at], &bytes[at + 1..]));
    if let Ok(record) = eir_signal::wfdb::read(header, &[("a", samples), ("b", samples), ("a.hea", header)], &limits) {
        let _ = record.signals.iter().map(|s| s.samples().len()).sum::<usize>();
    }
});
