//! Reading against wfdb.

use eir_core::Limits;
use eir_core::testing::{bench::Bench, shared};
use eir_signal::wfdb;

pub(crate) fn rows(bench: &mut Bench) -> Result<(), Box<dyn std::error::Error>> {
    let Some(path) = shared().map(|s| s.join("data/signal/mitdb/100")) else { return Ok(()) };
    bench.row("read WFDB format 212", "MIT-BIH 100, 2 x 650000", 8.0).peer("wfdb 4.3.1", "readers.read_212").run(
        || {
            let record = wfdb::open(&path, &Limits::default());
            record.map(|r| r.signals.iter().map(eir_signal::Signal::samples).collect::<Vec<_>>())
        },
    );
    Ok(())
}
