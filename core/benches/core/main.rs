//! `cargo xtask bench core --peers`: `topic.rs` measures ours, `topic.py` beside it does the same work in the peers.

mod calibration;
mod clusters;
mod conformal;
mod discrimination;
mod linear;
mod survival;
mod trees;

use eir_core::testing::bench::Bench;

fn main() -> std::process::ExitCode {
    #[cfg(feature = "rayon")]
    let _ = rayon::ThreadPoolBuilder::new().num_threads(1).build_global(); // the peers have one thread too
    let mut bench = Bench::from_args("core", env!("CARGO_MANIFEST_DIR"));
    discrimination::rows(&mut bench);
    calibration::rows(&mut bench);
    conformal::rows(&mut bench);
    survival::rows(&mut bench);
    linear::rows(&mut bench);
    clusters::rows(&mut bench);
    trees::rows(&mut bench);
    bench.finish()
}
