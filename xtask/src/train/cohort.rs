//! The CTU-UHB deliveries of a folder: `outcomes.csv`, records as files and in `rest.zip`.

use eir_core::{Limits, file};
use eir_signal::{Record, wfdb};
use std::error::Error;
use std::path::{Path, PathBuf};

/// A delivery whose pH is known.
pub(crate) struct Delivery {
    pub(crate) name: String,
    pub(crate) ph: f64,
    pub(crate) caesarean: bool,
    pub(crate) record: Record,
}

/// The folder of the records: `data` itself, or where it lies in the data of one or of all crates.
pub(crate) fn folder(data: &Path) -> Result<PathBuf, Box<dyn Error>> {
    let places = ["", "ctu-uhb-ctg", "signal/ctu-uhb-ctg", "data/signal/ctu-uhb-ctg"];
    let found = places.into_iter().map(|p| data.join(p)).find(|p| p.join("outcomes.csv").is_file());
    found.ok_or_else(|| format!("{}: no outcomes.csv of CTU-UHB deliveries", data.display()).into())
}

/// All deliveries of `folder`, in the order of its table.
pub(crate) fn read(folder: &Path) -> Result<Vec<Delivery>, Box<dyn Error>> {
    let limits = Limits::default();
    let table = String::from_utf8(file::read(&folder.join("outcomes.csv"), &limits)?)?;
    let mut lines = table.lines();
    let header: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
    let column =
        |name: &str| header.iter().position(|h| *h == name).ok_or_else(|| format!("outcomes.csv has no column {name}"));
    let (name_at, ph_at, kind_at) = (column("record")?, column("pH")?, column("Deliv. type")?);
    let archive = folder.join("rest.zip");
    let archive = if archive.is_file() { file::read(&archive, &limits)? } else { Vec::new() };
    let mut deliveries = Vec::new();
    for line in lines {
        let cells: Vec<&str> = line.split(',').collect();
        let (Some(name), Some(ph), Some(kind)) = (cells.get(name_at), cells.get(ph_at), cells.get(kind_at)) else {
            return Err("outcomes.csv: a line is too short".into());
        };
        let Some(ph) = ph.parse::<f64>().ok().filter(|ph| ph.is_finite()) else { continue };
        let path = folder.join(format!("{name}.hea"));
        let record = if path.is_file() { Record::open(path) } else { wfdb::read_in_zip(&archive, name, &limits) };
        let record = record.map_err(|e| format!("{name}: {e}"))?;
        deliveries.push(Delivery { name: (*name).to_owned(), ph, caesarean: kind.trim() == "2", record });
    }
    Ok(deliveries)
}
