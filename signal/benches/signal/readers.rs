//! Reading against wfdb and pyEDFlib: the values of all signals, from the file.

use eir_core::Limits;
use eir_core::testing::{bench::Bench, shared};
use eir_signal::{Record, Signal, edf, wfdb};

pub(crate) fn rows(bench: &mut Bench) -> Result<(), Box<dyn std::error::Error>> {
    let Some(data) = shared().map(|s| s.join("data/signal")) else { return Ok(()) };
    let limits = Limits::default();
    let values = |record: eir_signal::Result<Record>| {
        record.map(|r| r.signals.iter().map(Signal::samples_f64).collect::<Vec<_>>())
    };
    let path = data.join("mitdb/100");
    bench
        .row("read WFDB format 212", "MIT-BIH 100, 2 x 650000", 8.0)
        .peer("wfdb 4.3.1", "readers.read_212")
        .run(|| wfdb::open(&path, &limits).map(|r| r.signals.iter().map(Signal::samples).collect::<Vec<_>>()));
    bench
        .row("read WFDB format 212, f64", "MIT-BIH 100, 2 x 650000", 8.0)
        .peer("wfdb 4.3.1", "readers.read_212")
        .run(|| values(wfdb::open(&path, &limits)));
    let annotations = data.join("mitdb/100.atr");
    bench
        .row("read WFDB annotations", "MIT-BIH 100, 2274", 50.0)
        .peer("wfdb 4.3.1", "readers.read_annotations")
        .run(|| wfdb::open_annotations(&annotations, &limits));
    let path = data.join("wfdb_formats/mixedsignals");
    bench
        .row("read WFDB format 516 (FLAC)", "6 signals, 244800 samples", 1.0)
        .peer("wfdb 4.3.1", "readers.read_flac")
        .run(|| values(wfdb::open(&path, &limits)));
    let path = data.join("edf/test_generator.bdf");
    bench
        .row("read BDF", "5 signals, 128220 samples", 1.0)
        .peer("pyEDFlib 0.1.42", "readers.read_bdf")
        .run(|| values(edf::open(&path, &limits)));
    let path = data.join("edf/test_subsecond.edf");
    bench
        .row("read EDF+", "1 signal, 89344 samples", 1.0)
        .peer("pyEDFlib 0.1.42", "readers.read_edf")
        .run(|| values(edf::open(&path, &limits)));
    Ok(())
}
