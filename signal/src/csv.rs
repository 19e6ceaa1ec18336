//! Tables: one column per signal, a header line, an optional column of times.

use crate::Result;
use crate::record::{Record, Samples, Signal};
use eir_core::error::{Malformed, Parameter};
use eir_core::{Limits, SampleRate, file};
use serde::{Deserialize, Serialize};
use std::path::Path;

const FORMAT: &str = "table of signals";

/// Settings of the table reader.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct CsvConfig {
    /// Samples a second, above 0, where the table has neither a column of times nor a `Sampling Rate` comment.
    /// Default: none, which is an error for such a table.
    pub rate_hz: Option<f64>,
    /// What stands between columns. Default: the first of tab, semicolon, comma and blank that the first line holds.
    pub separator: Option<char>,
}

impl CsvConfig {
    /// Sets [`rate_hz`](Self::rate_hz).
    #[must_use]
    pub fn with_rate_hz(self, rate_hz: f64) -> Self {
        Self { rate_hz: Some(rate_hz), ..self }
    }
    /// Sets [`separator`](Self::separator).
    #[must_use]
    pub fn with_separator(self, separator: char) -> Self {
        Self { separator: Some(separator), ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Parameter`] names the setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        if let Some(rate) = self.rate_hz {
            SampleRate::new(rate).map_err(|_| Parameter::new("rate_hz", rate, "a finite number of Hz above 0"))?;
        }
        Ok(())
    }
}

/// Opens the table at `path`; the record has the file's name.
///
/// # Errors
/// As [`read`], and [`Error::Io`](crate::Error::Io).
pub fn open(path: &Path, config: &CsvConfig, limits: &Limits) -> Result<Record> {
    let mut record = read(&file::read(path, limits)?, config, limits)?;
    record.name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    Ok(record)
}

/// Reads a table.
///
/// **Use it** for exports of devices and spreadsheets: comma, semicolon (then a decimal comma is understood), tab or
/// blanks; lines that start with `#` are comments; the first other line may name the columns, with a unit as
/// `ECG (mV)` or `ECG [mV]`. A column named `time`, `t` or `seconds` (`_s`, `_ms` or a unit behind it) gives the rate.
/// **Not** for unevenly spaced samples: times that are not evenly spaced are an error.
///
/// A cell that is empty or `NaN` is missing.
///
/// # Errors
/// [`Malformed`] with the line that is wrong; [`Parameter`] if nothing states the rate.
pub fn read(bytes: &[u8], config: &CsvConfig, limits: &Limits) -> Result<Record> {
    config.validate()?;
    limits.check("table (bytes)", bytes.len() as u64)?;
    let text =
        std::str::from_utf8(bytes).map_err(|e| Malformed::at(FORMAT, e.valid_up_to() as u64, "it is no UTF-8 text"))?;
    let text = text.trim_start_matches('\u{feff}');
    let mut comments = Vec::new();
    let mut table: Option<Table> = None;
    for (number, line) in (1u64..).zip(text.lines()) {
        let line = line.trim_end();
        if let Some(comment) = line.strip_prefix('#') {
            comments.push(comment.trim().to_owned());
        } else if !line.is_empty() {
            match &mut table {
                Some(table) => table.row(number, line, limits)?,
                None => table = Some(Table::start(number, line, config.separator, limits)?),
            }
        }
    }
    let mut table = table.ok_or_else(|| Malformed::new(FORMAT, "it has no line of values"))?;
    let stated = comments.iter().find_map(|c| {
        let rest = c.strip_prefix("Sampling Rate (Hz):=")?;
        rest.trim().parse::<f64>().ok()
    });
    let timed = table.take_times()?;
    let rate = timed.or(config.rate_hz).or(stated).unwrap_or(0.0);
    let rule = "stated: by a column named time_s, by a comment, or in the configuration";
    let rate = SampleRate::new(rate).map_err(|_| Parameter::new("rate_hz", rate, rule))?;
    let frames = table.columns.first().map_or(0, |c| c.values.len());
    let signals = table.columns.into_iter().map(|c| Signal {
        name: c.name,
        unit: c.unit,
        rate,
        samples: Samples::Physical(c.values),
    });
    Ok(Record {
        name: String::new(),
        frame_rate: rate,
        frames,
        start: String::new(),
        comments,
        signals: signals.collect(),
    })
}

struct Column {
    name: String,
    unit: String,
    values: Vec<f64>,
}

struct Table {
    separator: char,
    columns: Vec<Column>,
    cells: u64,
}

impl Table {
    fn start(number: u64, line: &str, separator: Option<char>, limits: &Limits) -> Result<Self> {
        let separator =
            separator.or_else(|| ['\t', ';', ',', ' '].into_iter().find(|c| line.trim().contains(*c))).unwrap_or(',');
        let mut table = Self { separator, columns: Vec::new(), cells: 0 };
        let cells: Vec<&str> = table.split(line).collect();
        limits.check_items("columns of a table", cells.len() as u64)?;
        let named = cells.iter().any(|c| table.value(c).is_none());
        for (i, cell) in cells.iter().enumerate() {
            let (name, unit) = if named { name_and_unit(cell) } else { (format!("signal {i}"), String::new()) };
            table.columns.push(Column { name, unit, values: Vec::new() });
        }
        if !named {
            table.row(number, line, limits)?;
        }
        Ok(table)
    }

    fn split<'a>(&self, line: &'a str) -> impl Iterator<Item = &'a str> + use<'a> {
        let separator = self.separator;
        let blank = separator == ' ';
        let line = if blank { line.trim() } else { line };
        line.split(separator).filter(move |c| !blank || !c.is_empty()).map(|c| c.trim().trim_matches('"'))
    }

    /// A cell as a number; NaN where it is empty.
    fn value(&self, cell: &str) -> Option<f64> {
        if cell.is_empty() || cell.eq_ignore_ascii_case("nan") || cell.eq_ignore_ascii_case("na") {
            return Some(f64::NAN);
        }
        let decimal_comma = self.separator != ',' && cell.contains(',') && !cell.contains('.');
        let parsed = if decimal_comma { cell.replace(',', ".").parse() } else { cell.parse() };
        parsed.ok().filter(|v: &f64| v.is_finite())
    }

    fn row(&mut self, number: u64, line: &str, limits: &Limits) -> Result<()> {
        let cells: Vec<&str> = self.split(line).collect();
        if cells.len() != self.columns.len() {
            let reason = format!("it has {} cells where the first line has {}", cells.len(), self.columns.len());
            return Err(Malformed::at(FORMAT, number, reason).into());
        }
        self.cells += cells.len() as u64;
        limits.product("cells of a table (bytes)", &[self.cells, 8])?;
        for (i, cell) in cells.iter().enumerate() {
            let value = self
                .value(cell)
                .ok_or_else(|| Malformed::at(FORMAT, number, format!("cell {} is no number", i + 1)))?;
            self.columns[i].values.push(value);
        }
        Ok(())
    }

    /// Removes the column of times, if there is one, and gives the rate.
    fn take_times(&mut self) -> Result<Option<f64>> {
        let time = |c: &Column| {
            let name = c.name.to_ascii_lowercase();
            let (base, unit) = name.rsplit_once('_').unwrap_or((&name, &c.unit));
            let scale = match unit {
                "ms" => 1e-3,
                "s" | "" | "sec" | "seconds" => 1.0,
                _ => return None,
            };
            matches!(base, "time" | "t" | "seconds" | "elapsed").then_some(scale)
        };
        let Some((index, scale)) = self.columns.iter().enumerate().find_map(|(i, c)| Some((i, time(c)?))) else {
            return Ok(None);
        };
        let times = self.columns.remove(index).values;
        let (Some(first), Some(last)) = (times.first(), times.last()) else {
            return Ok(None);
        };
        let step = (last - first) / (times.len().saturating_sub(1).max(1)) as f64;
        let uneven = times.iter().enumerate().find(|(i, t)| {
            let away = (*t - first - *i as f64 * step).abs();
            away.is_nan() || step <= 0.0 || away > 0.5 * step
        });
        if let Some((i, _)) = uneven {
            return Err(Malformed::at(FORMAT, i as u64, "the times do not rise evenly from row to row").into());
        }
        let rate = 1.0 / (step * scale);
        // times are written with few digits: a rate next to a whole number is that number
        let whole = rate.round();
        Ok(Some(if (rate - whole).abs() < 1e-3 * whole { whole } else { rate }))
    }
}

/// `ECG (mV)` and `ECG [mV]` are a name and a unit.
fn name_and_unit(cell: &str) -> (String, String) {
    for (open, close) in [('(', ')'), ('[', ']')] {
        if let Some((name, unit)) = cell.strip_suffix(close).and_then(|c| c.rsplit_once(open)) {
            return (name.trim().to_owned(), unit.trim().to_owned());
        }
    }
    (cell.to_owned(), String::new())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    fn table(text: &str, config: &CsvConfig) -> Result<Record> {
        read(text.as_bytes(), config, &Limits::default())
    }

    #[test]
    fn decimal_comma_times_in_ms_and_gaps() {
        let record =
            table("# by hand\ntime_ms;FHR [bpm];UC\n0;140,25;10\n250;;11\n500;141,0;12\n", &CsvConfig::default())
                .unwrap();
        assert_eq!((record.frame_rate.hz(), record.frames, record.comments[0].as_str()), (4.0, 3, "by hand"));
        let fhr = record.signal("fhr").unwrap();
        assert_eq!((fhr.unit(), fhr.value(0), fhr.missing()), ("bpm", Some(140.25), 1));
    }

    #[test]
    fn the_rate_must_be_stated() {
        assert!(matches!(table("a\n1\n2\n", &CsvConfig::default()), Err(Error::Parameter(_))));
        assert_eq!(table("a\n1\n2\n", &CsvConfig::default().with_rate_hz(2.0)).unwrap().frame_rate.hz(), 2.0);
        assert_eq!(
            table("# Sampling Rate (Hz):= 1000.00\n1 2\n3 4\n", &CsvConfig::default()).unwrap().signals.len(),
            2
        );
    }

    #[test]
    fn says_where_it_is_wrong() {
        let config = CsvConfig::default().with_rate_hz(1.0);
        assert!(table("a,b\n1,2\n3\n", &config).unwrap_err().to_string().contains("at 3"));
        assert!(table("a,b\n1,x\n", &config).unwrap_err().to_string().contains("cell 2"));
        assert!(table("time,a\n0,1\n1,1\n5,1\n", &config).unwrap_err().to_string().contains("evenly"));
        assert!(table("", &config).is_err());
    }
}
