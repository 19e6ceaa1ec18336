//! `cargo xtask bench signal --peers`: `topic.rs` measures ours, `topic.py` beside it does the same work in the peers.

mod ctg;
mod ecg;
mod filters;
mod hrv;
mod readers;
mod spectra;

use eir_core::testing::bench::Bench;

fn main() -> std::process::ExitCode {
    let mut bench = Bench::from_args("signal", env!("CARGO_MANIFEST_DIR"));
    match rows(&mut bench) {
        Ok(()) => bench.finish(),
        Err(error) => {
            println!("{error}");
            std::process::ExitCode::FAILURE
        }
    }
}

fn rows(bench: &mut Bench) -> Result<(), Box<dyn std::error::Error>> {
    filters::rows(bench)?;
    ecg::rows(bench)?;
    spectra::rows(bench)?;
    hrv::rows(bench)?;
    readers::rows(bench)?;
    ctg::rows(bench)?;
    Ok(())
}
