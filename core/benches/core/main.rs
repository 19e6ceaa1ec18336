//! `cargo xtask bench core --peers`: `topic.rs` measures ours, `topic.py` beside it does the same work in the peers.

mod discrimination;
mod trees;

use eir_core::testing::bench::Bench;

fn main() -> std::process::ExitCode {
    let mut bench = Bench::from_args("core", env!("CARGO_MANIFEST_DIR"));
    discrimination::rows(&mut bench);
    trees::rows(&mut bench);
    bench.finish()
}
