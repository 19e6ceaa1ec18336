#![no_main]

use eir_core::Limits;
use eir_synth::CsvConfig;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits::default().with_bytes(16 << 20);
    let config = CsvConfig::default();
    // what is read is written and read back
    if let Ok(table) = config.parse(bytes, &limits)
        && let Ok(text) = config.to_csv(&table)
    {
        let _ = config.parse(&text, &limits);
    }
});
