//! Tables: one column per signal, a header line, an optional column of times.

mod cells;
mod times;

use crate::reader::Windows;
use crate::signal::Signal;
use crate::source::{Files, Folder, Given, Source};
use crate::{Reader, Record, Result};
use cells::{Cells, lines, text_of};
use eir_core::error::{Malformed, Parameter};
use eir_core::{Limits, SampleRate};
use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::path::Path;
use times::Times;

const FORMAT: &str = "table of signals";

/// The place of every row of this many is kept, so that a window starts near its first.
const STEP: u64 = 1024;

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
    reader(path, config, limits)?.read()
}

/// The table at `path`, opened for windows of it, with settings of its own.
///
/// # Errors
/// As [`open`].
pub fn reader(path: &Path, config: &CsvConfig, limits: &Limits) -> Result<Reader> {
    Ok(Reader::new(Box::new(opened(path, config, limits)?), limits))
}

/// Reads a table.
///
/// **Use it** for exports of devices and spreadsheets: comma, semicolon (then a decimal comma is understood), tab or
/// blanks; lines that start with `#` are comments; the first other line may name the columns, with a unit as
/// `ECG (mV)` or `ECG [mV]`. A column named `time`, `t`, `seconds`, `elapsed`, `timestamp` or `datetime` gives the rate:
/// numbers in the unit behind its name (`_s`, `_ms`, `[ms]`; seconds if none), times of day, or dates and times of
/// ISO 8601. **Not** for unevenly spaced samples: times that are not evenly spaced are an error.
///
/// A cell that is empty or `NaN` is missing.
///
/// # Examples
/// ```
/// let table = "datetime;SpO2 (%)\n2024-03-01T23:59:59,5;97,5\n2024-03-02T00:00:00,0;\n";
/// let record = eir_signal::csv::read(table.as_bytes(), &Default::default(), &Default::default())?;
/// assert_eq!((record.frame_rate.hz(), record.start.as_str()), (2.0, "23:59:59.5 01/03/2024"));
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Errors
/// [`Malformed`] with the line that is wrong; [`Parameter`] if nothing states the rate.
pub fn read(bytes: &[u8], config: &CsvConfig, limits: &Limits) -> Result<Record> {
    let files = [("", bytes)];
    let opened = Opened::new(Given(&files), String::new(), config, limits)?;
    let all: Vec<usize> = (0..opened.outline.signals.len()).collect();
    opened.part(0..opened.outline.frames as u64, &all, limits)
}

pub(crate) fn opened(path: &Path, config: &CsvConfig, limits: &Limits) -> Result<Opened<Folder>> {
    let folder = Folder(path.parent().unwrap_or(Path::new("")).to_owned());
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Opened::new(folder, name, config, limits)
}

/// A table that was looked through once: how many rows it has, and at what rate.
#[derive(Debug)]
pub(crate) struct Opened<F> {
    files: F,
    name: String,
    cells: Cells,
    /// Columns of the file: all of them, and which are signals.
    columns: usize,
    signals: Vec<usize>,
    /// Byte and number of the lines of the rows 0, STEP, 2 · STEP …
    places: Vec<(u64, u64)>,
    outline: Record,
}

/// What the first pass finds.
struct Scan {
    comments: Vec<String>,
    cells: Cells,
    heads: Vec<(String, String)>,
    named: bool,
    times: Option<Times>,
    rows: u64,
    places: Vec<(u64, u64)>,
}

impl<F: Files> Opened<F> {
    fn new(files: F, name: String, config: &CsvConfig, limits: &Limits) -> Result<Self> {
        config.validate()?;
        let mut source = files.open(&name)?;
        let mut scan = scan(&mut source, config, limits)?;
        drop(source);
        scan.label();
        let of = |key: &str| scan.comments.iter().find_map(|c| Some(c.strip_prefix(key)?.trim().to_owned()));
        let stated = of("Sampling Rate (Hz):=").and_then(|rate| rate.parse::<f64>().ok());
        let timed = scan.times.as_ref().map(Times::rate_hz).transpose()?.flatten();
        let rate = timed.or(config.rate_hz).or(stated).unwrap_or(0.0);
        let rule = "stated: by a column named time_s, by a comment, or in the configuration";
        let rate = SampleRate::new(rate).map_err(|_| Parameter::new("rate_hz", rate, rule))?;
        let time = scan.times.as_ref().map(|t| t.column);
        let signals: Vec<usize> = (0..scan.heads.len()).filter(|i| Some(*i) != time).collect();
        let empty = |(name, unit): &(String, String)| Signal::new(&**name, &**unit, rate, Vec::new());
        let outline = Record {
            name: Path::new(&name).file_stem().unwrap_or_default().to_string_lossy().into_owned(),
            frames: usize::try_from(scan.rows).unwrap_or(usize::MAX),
            start: scan.times.as_ref().map(Times::start).unwrap_or_default(),
            signals: signals.iter().filter_map(|i| scan.heads.get(*i)).map(empty).collect(),
            comments: scan.comments,
            ..Record::empty(rate)
        };
        Ok(Self { files, name, cells: scan.cells, columns: scan.heads.len(), signals, places: scan.places, outline })
    }

    fn part(&self, rows: Range<u64>, wanted: &[usize], limits: &Limits) -> Result<Record> {
        let length = rows.end - rows.start;
        limits.product("cells of a table (bytes)", &[length, wanted.len() as u64, 8])?;
        let count = usize::try_from(length).unwrap_or(usize::MAX);
        let mut values: Vec<Vec<f64>> = wanted.iter().map(|_| Vec::with_capacity(count)).collect();
        // which column of the file goes where
        let mut into: Vec<Vec<usize>> = vec![Vec::new(); self.columns];
        for (to, place) in wanted.iter().enumerate() {
            let column = self.signals.get(*place).and_then(|c| into.get_mut(*c));
            column.ok_or_else(|| Malformed::new(FORMAT, "it has no such column"))?.push(to);
        }
        let mut source = self.files.open(&self.name)?;
        let start = self.places.get((rows.start / STEP) as usize).copied();
        if let Some((offset, number)) = start.filter(|_| length > 0) {
            let mut row = rows.start / STEP * STEP;
            lines(&mut source, offset, number, limits, |_, number, line| {
                if line.first() == Some(&b'#') || line.is_empty() {
                    return Ok(true);
                }
                if row >= rows.start {
                    let text = text_of(line);
                    for (i, (cell, into)) in self.cells.split(&text).zip(&into).enumerate() {
                        if into.is_empty() {
                            continue;
                        }
                        let value = self.cells.value(&cell);
                        let value = value
                            .ok_or_else(|| Malformed::at(FORMAT, number, format!("cell {} is no number", i + 1)))?;
                        for to in into {
                            values.get_mut(*to).into_iter().for_each(|column| column.push(value));
                        }
                    }
                }
                row += 1;
                Ok(row < rows.end)
            })?;
        }
        let outlines = wanted.iter().filter_map(|i| self.outline.signals.get(*i));
        let signals = outlines.zip(values).map(|(s, mut values)| {
            values.resize(count, f64::NAN); // only if the file was cut since it was opened
            Signal::new(s.name(), s.unit(), s.rate(), values)
        });
        let signals = signals.collect();
        let Record { name, start, comments, .. } = &self.outline;
        let (name, start, comments) = (name.clone(), start.clone(), comments.clone());
        Ok(Record { name, start, comments, frames: count, signals, ..Record::empty(self.outline.frame_rate) })
    }
}

impl Windows for Opened<Folder> {
    fn outline(&self) -> &Record {
        &self.outline
    }

    fn window(&self, frames: Range<u64>, wanted: &[usize], limits: &Limits) -> Result<Record> {
        self.part(frames, wanted, limits)
    }
}

/// Goes through the whole table: comments, heads, the number of cells in each row, the times.
fn scan(source: &mut Source<'_>, config: &CsvConfig, limits: &Limits) -> Result<Scan> {
    let mut comments: Vec<String> = Vec::new();
    let mut comment_bytes = 0u64;
    let mut found: Option<Scan> = None;
    let mut head: Option<(u64, u64, String)> = None; // the first line waits for the next
    let start = if source.at(0, 3)? == b"\xef\xbb\xbf" { 3 } else { 0 };
    lines(source, start, 1, limits, |offset, number, line| {
        if let Some(comment) = line.strip_prefix(b"#") {
            comment_bytes += 24 + comment.len() as u64;
            limits.with_bytes(limits.bytes / 32).check("comments of a table (bytes)", comment_bytes)?;
            comments.push(text_of(comment).trim().to_owned());
            return Ok(true);
        }
        if line.is_empty() {
            return Ok(true);
        }
        let text = text_of(line);
        match (&mut found, head.take()) {
            (Some(scan), _) => scan.row(offset, number, &text, limits)?,
            (None, None) => head = Some((offset, number, text.into_owned())),
            (None, Some(first)) => {
                let cells = Cells::of(&first.2, Some(&text), config.separator);
                let mut scan = Scan::start(first, cells, limits)?;
                scan.row(offset, number, &text, limits)?;
                found = Some(scan);
            }
        }
        Ok(true)
    })?;
    if let Some(first) = head {
        let cells = Cells::of(&first.2, None, config.separator);
        found = Some(Scan::start(first, cells, limits)?);
    }
    let mut scan = found.ok_or_else(|| Malformed::new(FORMAT, "it has no line of values"))?;
    scan.comments = comments;
    Ok(scan)
}

impl Scan {
    fn start((offset, number, line): (u64, u64, String), cells: Cells, limits: &Limits) -> Result<Self> {
        let line = &*line;
        let most = limits.items / 100;
        let count = cells.split(line).take(usize::try_from(most).unwrap_or(usize::MAX).saturating_add(1)).count();
        limits.with_items(most).check_items("columns of a table", count as u64)?;
        let known = |cell: &str| cells.value(cell).is_some() || times::is_stamp(cell);
        let named = cells.split(line).any(|c| !known(&c));
        let head = |(i, cell): (usize, std::borrow::Cow<'_, str>)| {
            if named { name_and_unit(&cell, i) } else { (format!("signal {i}"), String::new()) }
        };
        let heads: Vec<_> = cells.split(line).enumerate().map(head).collect();
        let times = heads.iter().enumerate().find_map(|(i, (name, unit))| Times::named(i, name, unit));
        let mut scan = Self { comments: Vec::new(), cells, heads, named, times, rows: 0, places: Vec::new() };
        if !named {
            let stamp = scan.cells.split(line).position(|c| times::is_stamp(&c));
            scan.times = stamp.map(Times::unnamed);
            scan.row(offset, number, line, limits)?;
        }
        Ok(scan)
    }

    fn row(&mut self, offset: u64, number: u64, line: &str, limits: &Limits) -> Result<()> {
        let mut count = 0;
        for cell in self.cells.split(line) {
            if let Some(times) = self.times.as_mut().filter(|t| t.column == count) {
                times.add(&cell, &self.cells).map_err(|reason| Malformed::at(FORMAT, number, reason))?;
            }
            count += 1;
        }
        if count != self.heads.len() {
            let reason = format!("it has {count} cells where the first line has {}", self.heads.len());
            return Err(Malformed::at(FORMAT, number, reason).into());
        }
        if self.rows.is_multiple_of(STEP) {
            limits.check("rows of a table (bytes)", 16 * self.places.len() as u64)?;
            self.places.push((offset, number));
        }
        self.rows += 1;
        Ok(())
    }

    /// Names and units that comments give to columns without a head.
    fn label(&mut self) {
        if self.named {
            return;
        }
        let of = |key: &str| {
            let line = self.comments.iter().find_map(|c| c.strip_prefix(key))?;
            Some(line.split(['\t', ',']).map(|word| word.trim().to_owned()).collect::<Vec<_>>())
        };
        let (names, units) = (of("Labels:="), of("Units:="));
        if let Some(names) = names.filter(|n| n.len() == self.heads.len()) {
            self.heads.iter_mut().zip(names).for_each(|(head, name)| head.0 = name);
        }
        if let Some(units) = units.filter(|u| u.len() == 1 || u.len() == self.heads.len()) {
            let units = units.iter().cycle();
            self.heads.iter_mut().zip(units).for_each(|(head, unit)| head.1.clone_from(unit));
        }
    }
}

/// `ECG (mV)` and `ECG [mV]` are a name and a unit.
fn name_and_unit(cell: &str, index: usize) -> (String, String) {
    for (open, close) in [('(', ')'), ('[', ']')] {
        if let Some((name, unit)) = cell.strip_suffix(close).and_then(|c| c.rsplit_once(open)) {
            return (name.trim().to_owned(), unit.trim().to_owned());
        }
    }
    let name = if cell.is_empty() { format!("signal {index}") } else { cell.to_owned() };
    (name, String::new())
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
        let text = "# Sampling Rate (Hz):= 1000.00\n# Units:= mV\n# Labels:= PCG\tECG\n1 2\n3 4\n";
        let record = table(text, &CsvConfig::default()).unwrap();
        assert_eq!((record.signals.len(), record.signal("ecg").unwrap().unit()), (2, "mV"));
    }

    #[test]
    fn times_as_dates_clocks_and_other_units() {
        let rate = |text: &str| table(text, &CsvConfig::default()).map(|r| (r.frame_rate.hz(), r.start));
        let dates = "2024-02-28T23:59:59.75Z,1\n2024-02-29T00:00:00Z,2\n2024-02-29T00:00:00.25Z,3\n";
        assert_eq!(rate(dates).unwrap(), (4.0, "23:59:59.75 28/02/2024".into()));
        assert_eq!(rate("time,a\n23:59:58,1\n23:59:59,1\n00:00:00,1\n").unwrap(), (1.0, "23:59:58".into()));
        assert_eq!(rate("Time [us],a\n0,1\n2000,1\n4000,1\n").unwrap().0, 500.0);
        // 360 Hz in whole milliseconds
        let rows: String = (0..720).map(|i| format!("{},1\n", (f64::from(i) / 0.36).round())).collect();
        assert_eq!(rate(&format!("t_ms,a\n{rows}")).unwrap().0, 360.0);
        // a rate that is no whole number stays what it is
        let rows: String = (0..2000).map(|i| format!("{:.9},1\n", f64::from(i) / 99.95)).collect();
        assert!((rate(&format!("t_s,a\n{rows}")).unwrap().0 - 99.95).abs() < 1e-9);
        assert!(rate("time,a\n2024-02-30T00:00:00,1\n2024-03-01T00:00:00,1\n").is_err());
    }

    #[test]
    fn quotes_and_other_letters() {
        let config = CsvConfig::default().with_rate_hz(1.0);
        let record = table("\u{feff}\"a, b\",\"c \"\"d\"\" (mV)\"\r\n1,\"2.5\"\r\n", &config).unwrap();
        assert_eq!((record.signals[0].name(), record.signals[1].name()), ("a, b", "c \"d\""));
        assert_eq!(record.signals[1].value(0), Some(2.5));
        let latin = read(b"EEG (\xb5V)\n1\n", &config, &Limits::default()).unwrap();
        assert_eq!(latin.signals[0].unit(), "µV");
    }

    #[test]
    fn any_window_is_the_same_part_of_the_whole() {
        let rows: String =
            (0..5000).map(|i| format!("{}\t{}\n# note\n", i, if i % 3 == 0 { "" } else { "1.5" })).collect();
        let text = format!("a\tb\n{rows}");
        let files = [("t.csv", text.as_bytes())];
        let config = CsvConfig::default().with_rate_hz(10.0);
        let opened = Opened::new(Given(&files), "t.csv".into(), &config, &Limits::default()).unwrap();
        assert_eq!((opened.outline.name.as_str(), opened.outline.frames), ("t", 5000));
        for range in [0..3, 1023..1026, 4999..5000, 2048..2048] {
            let part = opened.part(range.clone(), &[1, 0], &Limits::default()).unwrap();
            assert_eq!(part.signals[1].samples_f64(), range.clone().map(|i| i as f64).collect::<Vec<_>>());
            assert_eq!(part.signals[0].missing() as u64, range.filter(|i| i % 3 == 0).count() as u64);
        }
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
