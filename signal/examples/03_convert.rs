//! Reads a record of any kind and writes it as WFDB, EDF+ or BDF+; copies a WFDB annotation file.
//!
//! ```text
//! cargo run --example 03_convert -- IN OUT [--format N] [--fill X]
//! ```
//! `OUT` ends in `.hea` (WFDB; `--format` is its storage format), `.edf` or `.bdf` (`--fill` is what is written where a
//! sample is missing); any other ending is that of an annotation file.

use eir_core::Limits;
use eir_signal::{Record, edf, wfdb};
use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let option = |name: &str| arguments.iter().skip_while(|a| *a != name).nth(1);
    let (Some(from), Some(to)) = (arguments.first(), arguments.get(1)) else {
        println!("03_convert IN OUT [--format N] [--fill X]");
        return Ok(());
    };
    let (from, to) = (Path::new(from), Path::new(to));
    match to.extension().and_then(|e| e.to_str()) {
        Some("hea") => {
            let mut config = wfdb::WriteConfig::default();
            if let Some(format) = option("--format") {
                config = config.with_format(format.parse()?);
            }
            wfdb::write(&Record::open(from)?, to, &config)?;
        }
        Some(extension @ ("edf" | "bdf")) => {
            let mut config = edf::WriteConfig::default().with_bits(if extension == "edf" { 16 } else { 24 });
            if let Some(fill) = option("--fill") {
                config = config.with_fill(fill.parse()?);
            }
            edf::write(&Record::open(from)?, to, &config)?;
        }
        _ => {
            let bytes = std::fs::read(from)?;
            let limits = Limits::default();
            let annotations = wfdb::annotations(&bytes, &limits)?;
            wfdb::write_annotations(to, &annotations, wfdb::annotation_rate_hz(&bytes, &limits)?)?;
        }
    }
    println!("{} -> {}", from.display(), to.display());
    Ok(())
}
