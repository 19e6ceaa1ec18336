//! In how many recordings the baseline is somewhere not to be relied on, and for how long.
//!
//! ```text
//! cargo run --release -p eir-signal --example 08_baseline_doubts -- [--method N] FOLDER_OR_RECORD.hea...
//! ```
//!
//! Takes the signals `FHR` and `UC` of every WFDB record in the folders, those inside zip archives too, by the baseline
//! of number N of `BaselineMethod::ALL` (0, the default, is the weighted median).

use eir_core::{Limits, file};
use eir_signal::ctg::{self, BaselineMethod, CtgConfig};
use eir_signal::{Record, wfdb};
use std::path::{Path, PathBuf};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    let mut method = BaselineMethod::default();
    let mut paths = Vec::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--method" => {
                let number: usize = arguments.next().unwrap_or_default().parse()?;
                method = *BaselineMethod::ALL.get(number).ok_or("there is no method of this number")?;
            }
            path => collect(Path::new(path), &mut paths)?,
        }
    }
    paths.sort();
    let config = CtgConfig::default().with_baseline(method);
    let mut minutes = Vec::new();
    println!("{:<12} {:>6} {:>9}  stretches", "record", "min", "doubtful");
    for path in &paths {
        let records =
            if path.extension().is_some_and(|e| e == "zip") { of_archive(path)? } else { vec![Record::open(path)?] };
        for record in records {
            let Ok(signal) = record.signal("FHR") else { continue };
            let fhr = ctg::fhr_at_4_hz(&signal.samples_f64(), signal.rate())?;
            let Ok(found) = config.analyse(&fhr, None) else {
                println!("{:<12} nothing to analyse", record.name);
                continue;
            };
            let doubtful = found.doubtful_s() / 60.0;
            let stretches: Vec<String> = found.baseline_doubts.iter().map(ctg::BaselineDoubt::sentence).collect();
            let length = found.duration_s() / 60.0;
            println!("{:<12} {length:>6.0} {doubtful:>9.0}  {}", record.name, stretches.join("; "));
            minutes.push(doubtful);
        }
    }
    let at_least = |least: f64| minutes.iter().filter(|m| **m >= least && **m > 0.0).count();
    println!(
        "\n{}: the baseline is not reliable somewhere in {} of {} recordings, for ten minutes or more in {}; {:.0} min in all",
        method.name(),
        at_least(0.0),
        minutes.len(),
        at_least(10.0),
        minutes.iter().sum::<f64>()
    );
    Ok(())
}

/// Records and archives at or below `path`.
fn collect(path: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    if path.is_dir() {
        for entry in std::fs::read_dir(path)? {
            let path = entry?.path();
            if path.is_dir() || path.extension().is_some_and(|e| e == "hea" || e == "zip") {
                collect(&path, found)?;
            }
        }
    } else {
        found.push(path.to_owned());
    }
    Ok(())
}

/// The records of an archive, by the headers that it lists.
fn of_archive(path: &Path) -> Result<Vec<Record>> {
    let bytes = file::read(path, &Limits::default())?;
    let archive = zip::ZipArchive::new(std::io::Cursor::new(&bytes))?;
    let mut names = Vec::new();
    for name in archive.file_names() {
        names.extend(name?.strip_suffix(".hea").map(str::to_owned));
    }
    names.sort_unstable();
    names.into_iter().map(|name| Ok(wfdb::read_in_zip(&bytes, &name, &Limits::default())?)).collect()
}
