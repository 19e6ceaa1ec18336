//! Tables as CSV files.

use crate::table::{Column, Kind, Table, Values};
use crate::{Error, Result};
use csv::{ByteRecord, ReaderBuilder, WriterBuilder};
use eir_core::Limits;
use eir_core::error::{LimitExceeded, Malformed, Parameter};
use eir_core::file;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

/// Reads a CSV file with the default settings.
///
/// # Errors
/// As [`CsvConfig::read`].
pub fn read_csv(path: &Path, limits: &Limits) -> Result<Table> {
    CsvConfig::default().read(path, limits)
}

/// How a CSV file is read and written.
///
/// **Use it** for tables of one row per patient. **Not** for files with several header lines: cut them first.
///
/// The kind of a column is what all its values allow, the first of: no value at all → continuous; whole numbers with at
/// most [`max_codes`](Self::max_codes) different ones → categorical (they are codes: sex 0/1, chest pain 1 – 4); whole
/// numbers without a decimal point → integer; numbers → continuous, with the largest number of decimals seen;
/// `true`/`false` → boolean; `YYYY-MM-DD` → date; anything else → categorical. Numbers with leading zeros (postcodes)
/// are no numbers. [`with_kind`](Self::with_kind) overrules it. Levels are sorted: by size where all are numbers, else by
/// their bytes.
///
/// # Examples
/// ```
/// use eir_core::Limits;
/// use eir_synth::{CsvConfig, Kind};
/// let text = b"age,sex,since\n61,F,2019-03-01\n,M,2020-11-17\n47,?,2018-01-09\n52,F,\n39,M,\n70,F,\n";
/// let table = CsvConfig::default().parse(text, &Limits::default())?;
/// let kinds: Vec<Kind> = table.columns().iter().map(|c| c.kind()).collect();
/// assert_eq!(kinds, [Kind::Categorical, Kind::Categorical, Kind::Date]); // only 5 ages: they pass for codes
/// let table = CsvConfig::default().with_kind("age", Kind::Integer).parse(text, &Limits::default())?;
/// assert_eq!(table.column("age")?.numbers()[0], Some(61.0));
/// assert_eq!(table.column("sex")?.missing(), 1);
/// # Ok::<(), eir_synth::Error>(())
/// ```
///
/// # Validation
/// What is written is read back equal (tests below); every CSV file of the reference tables is read (`tests/golden.rs`).
///
/// # References
/// RFC 4180.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct CsvConfig {
    /// Between two cells: an ASCII character. Default a comma.
    pub delimiter: u8,
    /// Whether the first line names the columns. Default true.
    pub has_header: bool,
    /// Names that are taken instead of those of the header line. Default none; without a header line either, the columns
    /// are "column 1" and so on.
    pub names: Vec<String>,
    /// What a missing value looks like, after blanks around it are cut. Default "", "?", "NA", "NaN", "nan", "null".
    pub missing: Vec<String>,
    /// Kinds that are known.
    pub kinds: BTreeMap<String, Kind>,
    /// Whole numbers with at most so many different ones are codes. Default 5; 0 takes no number for a code.
    pub max_codes: usize,
}

impl Default for CsvConfig {
    fn default() -> Self {
        Self {
            delimiter: b',',
            has_header: true,
            names: Vec::new(),
            missing: ["", "?", "NA", "NaN", "nan", "null"].map(str::to_owned).to_vec(),
            kinds: BTreeMap::new(),
            max_codes: 5,
        }
    }
}

impl CsvConfig {
    /// Sets [`delimiter`](Self::delimiter).
    #[must_use]
    pub fn with_delimiter(self, delimiter: u8) -> Self {
        Self { delimiter, ..self }
    }
    /// Sets [`has_header`](Self::has_header).
    #[must_use]
    pub fn with_header(self, has_header: bool) -> Self {
        Self { has_header, ..self }
    }
    /// Sets [`names`](Self::names).
    #[must_use]
    pub fn with_names<S: Into<String>>(self, names: impl IntoIterator<Item = S>) -> Self {
        Self { names: names.into_iter().map(Into::into).collect(), ..self }
    }
    /// Sets [`missing`](Self::missing).
    #[must_use]
    pub fn with_missing<S: Into<String>>(self, missing: impl IntoIterator<Item = S>) -> Self {
        Self { missing: missing.into_iter().map(Into::into).collect(), ..self }
    }
    /// Adds to [`kinds`](Self::kinds).
    #[must_use]
    pub fn with_kind(mut self, column: impl Into<String>, kind: Kind) -> Self {
        self.kinds.insert(column.into(), kind);
        self
    }
    /// Sets [`max_codes`](Self::max_codes).
    #[must_use]
    pub fn with_max_codes(self, max_codes: usize) -> Self {
        Self { max_codes, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Error::Parameter`] names the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        let allowed = self.delimiter.is_ascii() && !matches!(self.delimiter, b'"' | b'\n' | b'\r' | 0);
        if allowed {
            Ok(())
        } else {
            Err(Parameter::new("delimiter", self.delimiter.into(), "an ASCII character, no quote or line end").into())
        }
    }

    /// Reads the file at `path`.
    ///
    /// # Errors
    /// As [`parse`](Self::parse), or if the file cannot be read.
    pub fn read(&self, path: &Path, limits: &Limits) -> Result<Table> {
        self.parse(&file::read(path, limits)?, limits)
    }

    /// Reads a table from the bytes of a CSV file.
    ///
    /// # Errors
    /// [`Error::Malformed`] with the line: rows of unequal length, text that is not UTF-8, a value that does not fit the
    /// kind that was set. [`Error::LimitExceeded`]. [`Error::Mismatch`] if a name comes twice.
    pub fn parse(&self, bytes: &[u8], limits: &Limits) -> Result<Table> {
        self.validate()?;
        limits.check("file (bytes)", bytes.len() as u64)?;
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        for line in bytes.split(|b| *b == b'\n') {
            let cells = line.iter().filter(|b| **b == self.delimiter).count() as u64;
            limits.check_items("cells of a line", cells)?;
        }
        // a column takes memory before its first value
        let columns = bytes.split(|b| *b == b'\n').next().unwrap_or_default();
        let columns = 1 + columns.iter().filter(|b| **b == self.delimiter).count() as u64;
        limits.product("columns (bytes)", &[columns, 2 * size_of::<Seen>() as u64])?;
        let names = self.column_names(bytes)?;
        let mut seen: Vec<Seen> = names.iter().map(|_| Seen::default()).collect();
        let mut rows = 0u64;
        self.each_row(bytes, names.len(), |_, row| {
            rows += 1;
            seen.iter_mut().zip(row).for_each(|(s, text)| s.see(text, self.max_codes));
            Ok(())
        })?;
        limits.product("table (bytes)", &[rows, names.len() as u64, 16])?;
        let mut builders: Vec<Builder> = (names.iter().zip(&seen))
            .map(|(name, seen)| {
                Builder::new(self.kinds.get(name).copied().unwrap_or(seen.kind(self.max_codes)), seen, rows as usize)
            })
            .collect();
        let mut left = limits.bytes;
        self.each_row(bytes, names.len(), |line, row| {
            for ((builder, text), name) in builders.iter_mut().zip(row).zip(&names) {
                builder.push(text, &mut left, limits.bytes)?.ok_or_else(|| {
                    Malformed::at("CSV", line, format!("a value of column {name} is not of the kind that was set"))
                })?;
            }
            Ok(())
        })?;
        let columns = names.into_iter().zip(builders).map(|(name, builder)| Column::new(name, builder.finish()));
        Table::new(columns.collect())
    }

    fn column_names(&self, bytes: &[u8]) -> Result<Vec<String>> {
        if !self.names.is_empty() {
            return Ok(self.names.clone());
        }
        let mut first = ByteRecord::new();
        let found = self.reader(bytes, true).read_byte_record(&mut first).map_err(malformed)?;
        if !found {
            return Err(Malformed::at("CSV", 1, "no line at all").into());
        }
        let name = |cell: &[u8]| std::str::from_utf8(cell).map(|s| s.trim().to_owned());
        if !self.has_header {
            return Ok((1..=first.len()).map(|i| format!("column {i}")).collect());
        }
        first
            .iter()
            .map(name)
            .collect::<std::result::Result<_, _>>()
            .map_err(|_| Malformed::at("CSV", 1, "not UTF-8").into())
    }

    fn reader<'a>(&self, bytes: &'a [u8], flexible: bool) -> csv::Reader<&'a [u8]> {
        ReaderBuilder::new().delimiter(self.delimiter).has_headers(false).flexible(flexible).from_reader(bytes)
    }

    /// Hands out each row's cells, trimmed, missing ones as none, with the line.
    fn each_row(
        &self,
        bytes: &[u8],
        width: usize,
        mut take: impl FnMut(u64, &mut dyn Iterator<Item = Option<&str>>) -> Result<()>,
    ) -> Result<()> {
        let mut reader = self.reader(bytes, true);
        let mut record = ByteRecord::new();
        if self.has_header {
            reader.read_byte_record(&mut record).map_err(malformed)?;
        }
        while reader.read_byte_record(&mut record).map_err(malformed)? {
            let line = record.position().map_or(0, csv::Position::line);
            if record.len() != width {
                let reason = format!("{} cells, the table has {width} columns", record.len());
                return Err(Malformed::at("CSV", line, reason).into());
            }
            if record.iter().any(|cell| std::str::from_utf8(cell).is_err()) {
                return Err(Malformed::at("CSV", line, "not UTF-8").into());
            }
            let cells = record.iter().map(|cell| {
                let text = std::str::from_utf8(cell).unwrap_or_default().trim();
                (!self.missing.iter().any(|m| m == text)).then_some(text)
            });
            take(line, &mut { cells })?;
        }
        Ok(())
    }

    /// The table as the text of a CSV file; a missing value is an empty cell.
    ///
    /// # Errors
    /// [`Error::Parameter`] if the delimiter is not allowed.
    pub fn to_csv(&self, table: &Table) -> Result<Vec<u8>> {
        self.validate()?;
        let mut writer = WriterBuilder::new().delimiter(self.delimiter).from_writer(Vec::new());
        if self.has_header {
            writer.write_record(table.columns().iter().map(|c| &c.name)).map_err(malformed)?;
        }
        for row in 0..table.rows() {
            for column in table.columns() {
                writer.write_field(cell(column, row)).map_err(malformed)?;
            }
            writer.write_record(None::<&[u8]>).map_err(malformed)?;
        }
        writer.into_inner().map_err(|_| Error::Malformed(Malformed::new("CSV", "the text could not be finished")))
    }

    /// Writes the table to `path`; the old file or the new one is there, never half of it.
    ///
    /// # Errors
    /// As [`to_csv`](Self::to_csv), or if the file cannot be written.
    pub fn write(&self, table: &Table, path: &Path) -> Result<()> {
        Ok(file::write_atomic(path, &self.to_csv(table)?)?)
    }
}

fn malformed(error: csv::Error) -> Error {
    let line = error.position().map_or(0, csv::Position::line);
    Malformed::at("CSV", line, "the row cannot be read").into()
}

fn cell(column: &Column, row: usize) -> String {
    fn at<T: Copy>(values: &[Option<T>], row: usize) -> Option<T> {
        values.get(row).copied().flatten()
    }
    let text = match &column.values {
        Values::Continuous { values, decimals } => at(values, row).map(|v| match decimals {
            0..=15 => format!("{v:.*}", usize::from(*decimals)),
            _ => format!("{v}"),
        }),
        Values::Integer(values) => at(values, row).map(|v| v.to_string()),
        Values::Categorical { codes, levels } => at(codes, row).and_then(|c| levels.get(c as usize).cloned()),
        Values::Boolean(values) => at(values, row).map(|v| v.to_string()),
        Values::Date(values) => at(values, row).map(date_text),
    };
    text.unwrap_or_default()
}

/// What all values of a column allow.
#[derive(Debug, Default)]
struct Seen {
    any: bool,
    not_integer: bool,
    not_number: bool,
    not_whole: bool,
    not_boolean: bool,
    not_date: bool,
    decimals: u8,
    /// Different whole numbers, up to one more than may be codes.
    whole: HashSet<i64>,
}

impl Seen {
    fn see(&mut self, text: Option<&str>, max_codes: usize) {
        let Some(text) = text else { return };
        self.any = true;
        // what is ruled out already need not be looked at again
        self.not_boolean = self.not_boolean || truth(text).is_none();
        self.not_date = self.not_date || day(text).is_none();
        if self.not_number {
            return;
        }
        self.not_integer = self.not_integer || whole(text).is_none();
        match number(text) {
            None => (self.not_number, self.not_integer) = (true, true),
            Some(value) => {
                self.not_whole |= value.fract() != 0.0 || value.abs() > 1e15;
                if self.whole.len() <= max_codes {
                    self.whole.insert(value as i64);
                }
                let digits = text.split_once('.').map_or(0, |(_, d)| d.len());
                let exact = if text.contains(['e', 'E']) { 17 } else { digits.min(17) };
                self.decimals = self.decimals.max(exact as u8);
            }
        }
    }

    fn kind(&self, max_codes: usize) -> Kind {
        if !self.any {
            Kind::Continuous
        } else if !self.not_number && !self.not_whole && self.whole.len() <= max_codes {
            Kind::Categorical
        } else if !self.not_integer {
            Kind::Integer
        } else if !self.not_number {
            Kind::Continuous
        } else if !self.not_boolean {
            Kind::Boolean
        } else if !self.not_date {
            Kind::Date
        } else {
            Kind::Categorical
        }
    }
}

/// A column that is being read.
enum Builder {
    Continuous(Vec<Option<f64>>, u8),
    Integer(Vec<Option<i64>>),
    Categorical(Vec<Option<u32>>, HashMap<String, u32>),
    Boolean(Vec<Option<bool>>),
    Date(Vec<Option<i32>>),
}

impl Builder {
    fn new(kind: Kind, seen: &Seen, rows: usize) -> Self {
        match kind {
            Kind::Continuous => Self::Continuous(Vec::with_capacity(rows), seen.decimals),
            Kind::Integer => Self::Integer(Vec::with_capacity(rows)),
            Kind::Categorical => Self::Categorical(Vec::with_capacity(rows), HashMap::new()),
            Kind::Boolean => Self::Boolean(Vec::with_capacity(rows)),
            Kind::Date => Self::Date(Vec::with_capacity(rows)),
        }
    }

    /// Takes a cell; none if it does not fit the kind. `left` is the memory that levels may still take.
    fn push(&mut self, text: Option<&str>, left: &mut u64, allowed: u64) -> Result<Option<()>> {
        fn put<T>(values: &mut Vec<Option<T>>, text: Option<&str>, read: impl Fn(&str) -> Option<T>) -> Option<()> {
            let value = text.map(&read);
            let fits = !matches!(value, Some(None));
            values.push(value.flatten());
            fits.then_some(())
        }
        Ok(match self {
            Self::Continuous(values, _) => put(values, text, number),
            Self::Integer(values) => {
                put(values, text, |t| whole(t).or(number(t).filter(|v| v.fract() == 0.0).map(|v| v as i64)))
            }
            Self::Boolean(values) => put(values, text, truth),
            Self::Date(values) => put(values, text, day),
            Self::Categorical(codes, levels) => {
                let code = match text {
                    None => None,
                    Some(text) => match levels.get(text) {
                        Some(code) => Some(*code),
                        None => {
                            let size = text.len() as u64 + 64;
                            let error = || LimitExceeded::new("levels (bytes)", allowed.saturating_add(1), allowed);
                            *left = left.checked_sub(size).ok_or_else(error)?;
                            let code = levels.len() as u32;
                            levels.insert(text.to_owned(), code);
                            Some(code)
                        }
                    },
                };
                codes.push(code);
                Some(())
            }
        })
    }

    fn finish(self) -> Values {
        match self {
            Self::Continuous(values, decimals) => Values::Continuous { values, decimals },
            Self::Integer(values) => Values::Integer(values),
            Self::Boolean(values) => Values::Boolean(values),
            Self::Date(values) => Values::Date(values),
            Self::Categorical(mut codes, levels) => {
                let mut sorted: Vec<(String, u32)> = levels.into_iter().collect();
                let numeric = sorted.iter().all(|(name, _)| number(name).is_some());
                sorted.sort_by(|(a, _), (b, _)| {
                    let size = |t: &str| number(t).unwrap_or_default();
                    let by_size = if numeric { size(a).total_cmp(&size(b)) } else { std::cmp::Ordering::Equal };
                    by_size.then_with(|| a.cmp(b))
                });
                let mut place = vec![0u32; sorted.len()];
                for (to, (_, from)) in (0u32..).zip(&sorted) {
                    if let Some(p) = place.get_mut(*from as usize) {
                        *p = to;
                    }
                }
                for code in codes.iter_mut().flatten() {
                    *code = place.get(*code as usize).copied().unwrap_or_default();
                }
                Values::Categorical { codes, levels: sorted.into_iter().map(|(name, _)| name).collect() }
            }
        }
    }
}

/// A finite number; digits behind a leading zero are a code, not a number.
fn number(text: &str) -> Option<f64> {
    let digits = text.trim_start_matches(['-', '+']).as_bytes();
    let code = matches!(digits, [b'0', next, ..] if next.is_ascii_digit());
    let starts = matches!(digits.first(), Some(b'0'..=b'9' | b'.'));
    if code || !starts { None } else { text.parse().ok().filter(|v: &f64| v.is_finite()) }
}

fn whole(text: &str) -> Option<i64> {
    number(text)?;
    text.parse().ok()
}

fn truth(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

/// The day of YYYY-MM-DD since 1970-01-01 (Hinnant, "chrono-compatible low-level date algorithms").
fn day(text: &str) -> Option<i32> {
    let b = text.as_bytes();
    let shape = b.len() == 10
        && b.iter().enumerate().all(|(i, c)| if matches!(i, 4 | 7) { *c == b'-' } else { c.is_ascii_digit() });
    if !shape {
        return None;
    }
    let part = |range: std::ops::Range<usize>| text.get(range)?.parse::<i32>().ok();
    let (year, month, day) = (part(0..4)?, part(5..7)?, part(8..10)?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        4 | 6 | 9 | 11 => 30,
        2 => 28 + i32::from(leap),
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=length).contains(&day) {
        return None;
    }
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let of_era = y - era * 400;
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    Some(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
}

/// The inverse of [`day`].
fn date_text(day: i32) -> String {
    let z = i64::from(day) + 719_468;
    let era = z.div_euclid(146_097);
    let of_era = z - era * 146_097;
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    format!("{:04}-{month:02}-{day:02}", year + era * 400 + i64::from(month <= 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let text = "a,b,c,d,e\n1.50,7,x,true,2024-02-29\n,-8,\"y, z\",,\n2.25,9,,false,1969-12-31\n0.10,10,x,,\n3,11,x,true,\n-4,12,x,true,\n";
        let config = CsvConfig::default();
        let table = config.parse(text.as_bytes(), &Limits::default()).unwrap();
        let kinds: Vec<Kind> = table.columns().iter().map(Column::kind).collect();
        assert_eq!(kinds, [Kind::Continuous, Kind::Integer, Kind::Categorical, Kind::Boolean, Kind::Date]);
        let written = config.to_csv(&table).unwrap();
        assert_eq!(config.parse(&written, &Limits::default()).unwrap(), table);
        assert!(String::from_utf8(written).unwrap().contains("1.50,7,x,true,2024-02-29"));
    }

    #[test]
    fn kinds_can_be_overruled_and_codes_keep_their_text() {
        let text = b"zip;code;n\n0800;1.0;1\n0850;2.0;2\n";
        let config = CsvConfig::default().with_delimiter(b';').with_kind("n", Kind::Continuous);
        let table = config.parse(text, &Limits::default()).unwrap();
        let kinds: Vec<Kind> = table.columns().iter().map(Column::kind).collect();
        assert_eq!(kinds, [Kind::Categorical, Kind::Categorical, Kind::Continuous]);
        assert_eq!(table.column("code").unwrap().levels(), ["1.0", "2.0"]);
        let error = config.with_kind("zip", Kind::Date).parse(text, &Limits::default()).unwrap_err().to_string();
        assert!(error.contains("zip") && error.contains("at 2") && !error.contains("0800"), "{error}");
    }

    #[test]
    fn refuses_what_is_broken_or_too_large() {
        let parse = |text: &[u8], limits: Limits| CsvConfig::default().parse(text, &limits).map_err(|e| e.to_string());
        let limits = Limits::default;
        assert!(parse(b"", limits()).unwrap_err().contains("no line"));
        assert!(parse(b"a,b\n1\n", limits()).unwrap_err().contains("at 2: 1 cells"));
        assert!(parse(b"a\n\xff\n", limits()).unwrap_err().contains("not UTF-8"));
        assert!(parse(b"a,a\n1,2\n", limits()).unwrap_err().contains("a twice"));
        assert!(parse(b"a,b,c\n", limits().with_items(1)).unwrap_err().contains("limit is 1"));
        assert!(parse(b"a\nxxxx\n", limits().with_bytes(64)).unwrap_err().contains("columns (bytes)"));
        let many: String = (0..40).map(|i| format!("x{i}\n")).collect();
        assert!(parse(format!("a\n{many}").as_bytes(), limits().with_bytes(2000)).unwrap_err().contains("levels"));
        assert_eq!(parse(b"a,b\n", limits()).unwrap().rows(), 0);
        let bare = CsvConfig::default().with_header(false);
        let table = bare.parse(b"1,2\n", &limits()).unwrap();
        assert_eq!((table.rows(), table.columns()[1].name.as_str()), (1, "column 2"));
        let named = CsvConfig::default().with_names(["p", "q"]).parse(b"a,b\n1,2\n", &limits()).unwrap();
        assert_eq!((named.rows(), named.columns()[1].name.as_str()), (1, "q"));
    }

    #[test]
    fn days_follow_the_calendar() {
        assert_eq!(day("1970-01-01"), Some(0));
        assert_eq!(day("2000-03-01"), Some(11_017));
        assert!(day("2023-02-29").is_none() && day("2023-13-01").is_none() && day("2023-1-01").is_none());
        for d in (-200_000..200_000).step_by(97) {
            assert_eq!(day(&date_text(d)), Some(d));
        }
    }
}
