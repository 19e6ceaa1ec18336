//! A synthetic table from a real one, and how faithful it is.
//!
//! `cargo run --release --example 01_synthetic_table [table.csv]`; without a file it takes simulated patients.
use eir_core::Limits;
use eir_synth::{GaussianCopulaConfig, fidelity, read_csv, simulated_patients};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let real = match std::env::args().nth(1) {
        Some(path) => read_csv(path.as_ref(), &Limits::default())?,
        None => simulated_patients(5000, 1)?.table,
    };
    let copula = GaussianCopulaConfig::default().fit(&real)?;
    let synthetic = copula.sample(real.rows(), 7)?;
    let report = fidelity(&real, &synthetic)?;
    for column in &report.columns {
        println!("{:<20} {:?} {:.3}", column.name, column.measure, column.shape.unwrap_or(f64::NAN));
    }
    println!("overall fidelity {:.3}", report.overall.unwrap_or(f64::NAN));
    Ok(())
}
