//! What the family's tests and benchmarks are made of: golden values, the contract suite, malformed files, faults on
//! purpose, counted memory, benchmarks against peers.
//!
//! For tests only: it prints, and a broken promise panics (that is how a test fails).
#![allow(clippy::panic, reason = "a broken contract fails the test by a panic")]

pub mod bench;
pub mod contract;
pub mod faults;
pub mod golden;
pub mod memory;
pub mod recipes;

pub use peak_alloc::PeakAlloc;

use std::path::PathBuf;

/// The folder with real records and reference values: `EIR_SHARED`, by default `shared` beside the workspace.
///
/// None where it is missing, after one line that says so.
///
/// # Panics
/// With `EIR_REQUIRE_SHARED=1`, if the folder is missing.
#[must_use]
pub fn shared() -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared");
    let folder = std::env::var_os("EIR_SHARED").map_or_else(|| PathBuf::from(beside), PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    let required = std::env::var_os("EIR_REQUIRE_SHARED").is_some_and(|v| v == "1");
    assert!(!required, "EIR_REQUIRE_SHARED=1, but {} is no folder: set EIR_SHARED", folder.display());
    eprintln!("skipped: {} is no folder (set EIR_SHARED to the folder with data and reference)", folder.display());
    None
}

/// `target` of the workspace, where reports go.
#[must_use]
pub fn target() -> PathBuf {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../target");
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from(default), PathBuf::from)
}
